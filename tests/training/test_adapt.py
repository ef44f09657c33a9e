"""A trained model fitted to one graph."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from kgqa.datasets.question_files import read_examples
from kgqa.pipeline import Pipeline
from kgqa.reasoning.model import Model, shipped_model
from kgqa.stores.catalog import Catalog
from kgqa.training.adapt import AdaptationPlan, adapt_model, made_examples, training_examples

ROOT = Path(__file__).parents[2]


def test_a_fifth_of_the_questions_is_held_back_whatever_their_order() -> None:
    examples = read_examples(ROOT / "data" / "world_questions.jsonl").items
    held = {e.question for e in training_examples(examples) if e.split == "dev"}
    assert held == {e.question for e in training_examples(examples[::-1]) if e.split == "dev"}
    assert 0.1 < len(held) / len(examples) < 0.3


def test_questions_made_from_labels_have_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KGQA_HOME", str(tmp_path))
    made = made_examples(Catalog().open(["family"]).index, 60, 0)
    assert len(made) > 30
    assert all(example.answers and example.gold_iris for example in made)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_model_fitted_without_questions_still_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KGQA_HOME", str(tmp_path / "home"))
    graph = Catalog().open(["family"])
    plan = AdaptationPlan(n_made=60, alignment_seconds=2, reader_seconds=2)
    said: list[str] = []
    adapt_model(
        "family", graph.index, made_examples(graph.index, plan.n_made, 0), shipped_model(), tmp_path / "work",
        tmp_path / "model", plan=plan, report=said.append,
    )  # fmt: skip
    adapted = Pipeline(graph, Model.load(tmp_path / "model"))
    assert adapted.model.checkpoint.config["info"]["adapted_to"] == "family"
    assert {answer.label for answer in adapted("Who are Eve Novak's parents?").answers} == {"Clara Moreau", "Dan Novak"}

"""Real outcomes of the shipped model over the family graph, answered once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from kgqa.datasets.question_files import QAExample, read_examples
from kgqa.evaluation.answering import Asker, ask
from kgqa.evaluation.outcomes import Outcome
from kgqa.pipeline import Pipeline

ROOT = Path(__file__).resolve().parents[2]
FAMILY_QUESTIONS = ROOT / "data" / "family_questions.jsonl"
FAMILY = "https://kgqa.example/family#"


@pytest.fixture(scope="session")
def family_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of these tests' graphs."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def family(family_home: Path) -> Pipeline:
    """The shipped model over the family graph."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KGQA_HOME", str(family_home))
        return Pipeline.load("family", n_threads=1)


@pytest.fixture(scope="session")
def family_examples() -> tuple[QAExample, ...]:
    """The questions over the family graph, three of which it cannot answer."""
    return read_examples(FAMILY_QUESTIONS).items


@pytest.fixture(scope="session")
def family_outcomes(family: Pipeline, family_examples: tuple[QAExample, ...]) -> tuple[Outcome, ...]:
    """What the shipped model says to them, with the oracle, and each SPARQL run."""
    asker = Asker(("family",), oracle=True, execute=True, part="family")
    return tuple(ask(asker, family, example) for example in family_examples)

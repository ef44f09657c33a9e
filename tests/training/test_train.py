"""The whole of training, small: a tiny encoder learns the family graph's questions."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kgqa.datasets.question_files import read_examples
from kgqa.errors import DatasetError
from kgqa.evaluation.metrics import answer_f1
from kgqa.pipeline import Pipeline
from kgqa.reasoning.checkpoint import load_checkpoint
from kgqa.stores.catalog import Catalog
from kgqa.training.cli import sources

torch = pytest.importorskip("torch", reason="training needs kgqa[train]")
transformers = pytest.importorskip("transformers", reason="training needs kgqa[train]")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tiny_base(tmp_path: Path) -> Path:
    """A random two-layer BERT with the shipped tokenizer."""
    folder = tmp_path / "base"
    config = transformers.BertConfig(
        vocab_size=30522, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96
    )
    torch.manual_seed(0)
    transformers.BertModel(config, add_pooling_layer=False).save_pretrained(str(folder))
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(ROOT / "data" / "model" / "tokenizer.json"),
        pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]", mask_token="[MASK]",
    )  # fmt: skip
    tokenizer.save_pretrained(str(folder))
    return folder


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_tiny_model_trained_on_the_family_graph_answers_its_questions(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kgqa.reasoning.model import Model
    from kgqa.training.train import TrainingPlan, train_model

    monkeypatch.setenv("KGQA_HOME", str(tmp_path / "home"))
    folder = tmp_path / "family"
    folder.mkdir()
    shutil.copyfile(ROOT / "graphs" / "family.ttl", folder / "graph.ttl")
    shutil.copyfile(ROOT / "data" / "family_questions.jsonl", folder / "questions.jsonl")
    plan = TrainingPlan(
        {folder: 1.0},
        encoder_steps=60,
        reader_steps=60,
        reader_seconds=60,
        encoder_rate=1e-3,
        reader_rate=1e-3,
        n_processes=1,
        n_threads=1,
        delete_share=0.0,
    )
    said: list[str] = []
    train_model(plan, tiny_base, tmp_path / "work", tmp_path / "model", report=said.append)

    pipeline = Pipeline(Catalog().open(["family"]), Model.load(tmp_path / "model"), threshold=0.0)
    answerable = [
        example for example in read_examples(ROOT / "data" / "family_questions.jsonl").items if example.answers
    ]
    scores = [
        answer_f1([a.term for a in pipeline.answer(example.question).answers], example.answers)
        for example in answerable
    ]
    assert len(scores) >= 25
    assert sum(scores) / len(scores) >= 0.85, said[-3:]

    further = replace(plan, start=tmp_path / "model", reader_steps=1, most={folder: 12})
    train_model(further, tiny_base, tmp_path / "work2", tmp_path / "model2", report=said.append)
    before, after = (load_checkpoint(tmp_path / name) for name in ("model", "model2"))
    assert all(np.array_equal(before.encoder[name], after.encoder[name]) for name in before.encoder)
    assert any(not np.array_equal(before.reader[name], after.reader[name]) for name in before.reader)


@pytest.mark.parametrize(
    ("text", "told"), [("{}", (1.0, 0)), ("{}=2", (2.0, 0)), ("{}=0.5:90", (0.5, 90)), ("{}=:30", (1.0, 30))]
)
def test_a_folder_is_named_with_its_weight_and_how_many_of_its_questions(
    tmp_path: Path, text: str, told: tuple[float, int]
) -> None:
    (tmp_path / "questions.jsonl").write_text("")
    assert sources(text.format(tmp_path)) == [(tmp_path, *told)]


@pytest.mark.parametrize("text", ["graphs=much", "graphs=1:many"])
def test_a_weight_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(DatasetError, match="expected FOLDER=WEIGHT or FOLDER=WEIGHT:MOST"):
        sources(text)

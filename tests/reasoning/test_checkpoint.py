"""A folder that is not a checkpoint of ours is refused, and nothing in it is ever executed."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from kgqa.errors import ModelError
from kgqa.reasoning.checkpoint import FILES, FORMAT, SHARED, load_checkpoint
from kgqa.reasoning.model import Model

BAD_INPUTS = Path(__file__).parents[2].parent / "shared" / "badinputs" / "checkpoints"
SHAPE = {"num_hidden_layers": 1, "hidden_size": 4, "num_attention_heads": 2, "layer_norm_eps": 1e-12}
QUERY = "encoder.layer.0.attention.self.query.weight"
WEIGHTS = [name for name in FILES if name.endswith(".safetensors")]


class Executes:
    """Unpickling this creates the file PICKLE_EXECUTED."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("PICKLE_EXECUTED"),)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small valid checkpoint, in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"format": FORMAT, "encoder": SHAPE, "reader": SHAPE}))
    (tmp_path / "tokenizer.json").write_text("{}")
    square = np.eye(4, dtype=np.float32)
    save_file({QUERY: square, SHARED: np.ones((3, 4), np.float32)}, tmp_path / "encoder.safetensors")
    save_file({QUERY: square}, tmp_path / "reader.safetensors")
    save_file({"pruner.mean": np.zeros(2, np.float32)}, tmp_path / "ranker.safetensors")
    return tmp_path


def refused(folder: Path) -> str:
    with pytest.raises(ModelError) as raised:
        load_checkpoint(folder)
    assert not (folder / "PICKLE_EXECUTED").exists()
    return str(raised.value)


def test_a_valid_checkpoint_loads_and_the_reader_shares_the_word_embeddings(folder: Path) -> None:
    checkpoint = load_checkpoint(folder)
    assert checkpoint.reader[SHARED] is checkpoint.encoder[SHARED]
    assert checkpoint.encoder_config.hidden_size == 4
    assert len(checkpoint.digest()) == 16


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"{name} is missing" in refused(folder)


@pytest.mark.parametrize("target", WEIGHTS)
def test_a_pickle_in_place_of_weights_is_refused_unread(folder: Path, target: str) -> None:
    (folder / target).write_bytes(pickle.dumps(Executes()))
    assert "not a valid safetensors file" in refused(folder)


@pytest.mark.skipif(not BAD_INPUTS.is_dir(), reason="the corpus of bad inputs is not here")
@pytest.mark.parametrize(
    "bad",
    ["evil_pickle.bin", "pytorch_model.bin", "header_huge.safetensors", "overlap.safetensors", "shape_lies.safetensors",
     "truncated.safetensors"],
)  # fmt: skip
@pytest.mark.parametrize("target", WEIGHTS)
def test_the_bad_weights_of_the_corpus_are_refused(folder: Path, bad: str, target: str) -> None:
    (folder / target).write_bytes((BAD_INPUTS / bad).read_bytes())
    assert "not a valid safetensors file" in refused(folder)


@pytest.mark.skipif(not BAD_INPUTS.is_dir(), reason="the corpus of bad inputs is not here")
@pytest.mark.parametrize("bad", ["config_nan.json", "config_remote_code.json"])
def test_the_bad_configs_of_the_corpus_are_refused(folder: Path, bad: str) -> None:
    (folder / "config.json").write_bytes((BAD_INPUTS / bad).read_bytes())
    assert "config.json" in refused(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"num_hidden_layers": 0}, {"num_hidden_layers": 49}, {"num_hidden_layers": "many"}, {"hidden_size": 0},
        {"hidden_size": 5}, {"num_attention_heads": 0}, {"num_attention_heads": -2}, {"hidden_size": None},
    ],
    ids=str,
)  # fmt: skip
def test_an_impossible_shape_is_refused(folder: Path, change: dict[str, object]) -> None:
    config = {"format": FORMAT, "encoder": SHAPE, "reader": {**SHAPE, **change}}
    (folder / "config.json").write_text(json.dumps(config))
    assert "no valid 'reader' section" in refused(folder)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "[" * 100_000, '{"format": "other"}', f'{{"format": "{FORMAT}"}}'],
    ids=["empty", "list", "cut off", "deep", "other format", "no shapes"],
)
def test_a_config_that_says_nothing_usable_is_refused(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    refused(folder)


def test_an_infinite_size_is_refused(folder: Path) -> None:
    text = json.dumps({"format": FORMAT, "encoder": SHAPE, "reader": SHAPE})
    (folder / "config.json").write_text(text.replace('"hidden_size": 4', '"hidden_size": 1e999'))
    assert "no valid 'encoder' section" in refused(folder)


def test_weights_that_are_not_finite_are_refused(folder: Path) -> None:
    save_file({QUERY: np.full((4, 4), np.nan, np.float32)}, folder / "encoder.safetensors")
    assert "not finite" in refused(folder)


@pytest.mark.parametrize("shape", [(3, 4), (4,)], ids=str)
def test_weights_of_another_shape_are_refused(folder: Path, shape: tuple[int, ...]) -> None:
    save_file({QUERY: np.ones(shape, np.float32)}, folder / "reader.safetensors")
    assert "not of shape (4, 4)" in refused(folder)


def test_a_file_that_is_no_tokenizer_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match="not a tokenizer"):
        _ = Model.load(folder).tokenizer


def test_missing_layers_are_refused(folder: Path) -> None:
    config = {"format": FORMAT, "encoder": {**SHAPE, "num_hidden_layers": 2}, "reader": SHAPE}
    (folder / "config.json").write_text(json.dumps(config))
    assert "layer.1" in refused(folder)

"""A checkpoint on disk: what is read is validated, and only safetensors and JSON are read.

Layout: `config.json`, `tokenizer.json`, `encoder.safetensors` (bi-encoder), `reader.safetensors` (reader over pairs)
and `ranker.safetensors` (pruner and
calibration). Linear and embedding weights are int8 with one float32 scale a row (`NAME.int8`, `NAME.scale`); the rest
is float32. The reader's word embeddings are the encoder's, stored once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgqa.errors import ModelError
from kgqa.reasoning.onnx_bert import BertConfig

FORMAT = "kgqa-checkpoint-1"
MAX_FILE_BYTES = 500_000_000
SHARED = "embeddings.word_embeddings.weight"
FILES = ("config.json", "tokenizer.json", "encoder.safetensors", "reader.safetensors", "ranker.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """The tensors and settings of a trained model. `config` holds the encoder's and reader's shapes and the
    thresholds."""

    folder: Path
    config: Mapping[str, Any]
    encoder: Mapping[str, NDArray[Any]]
    reader: Mapping[str, NDArray[Any]]
    ranker: Mapping[str, NDArray[Any]]

    @property
    def encoder_config(self) -> BertConfig:
        """The shape of the bi-encoder."""
        return _bert_config(self.config, "encoder")

    @property
    def reader_config(self) -> BertConfig:
        """The shape of the reader."""
        return _bert_config(self.config, "reader")

    def digest(self) -> str:
        """Return a short checksum of the encoder, under which vectors may be cached."""
        return hashlib.sha256((self.folder / "encoder.safetensors").read_bytes()).hexdigest()[:16]


def load_checkpoint(folder: Path) -> Checkpoint:
    """Return the checkpoint in `folder`. Raises ModelError where a file is missing, too large, or not what it says."""
    for name in FILES:
        path = folder / name
        if not path.is_file():
            raise ModelError(f"{folder} is not a model: {name} is missing")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(f"{path} is larger than {MAX_FILE_BYTES} bytes")
    config = _read_config(folder / "config.json")
    encoder = _read_tensors(folder / "encoder.safetensors")
    reader = _read_tensors(folder / "reader.safetensors")
    for part in (f"{SHARED}.int8", f"{SHARED}.scale", SHARED):
        if part in encoder and part not in reader:
            reader[part] = encoder[part]
    ranker = _read_tensors(folder / "ranker.safetensors")
    checkpoint = Checkpoint(folder, config, encoder, reader, ranker)
    for tensors, shape in ((encoder, checkpoint.encoder_config), (reader, checkpoint.reader_config)):
        _check_shapes(folder, tensors, shape)
    return checkpoint


def _read_config(path: Path) -> Mapping[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise ModelError(f"{path} does not say format {FORMAT!r}")
    return config


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(str(path))
    except (SafetensorError, ValueError, KeyError, OSError) as error:
        raise ModelError(f"{path} is not a valid safetensors file: {error}") from error
    for name, tensor in tensors.items():
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise ModelError(f"{path}: tensor {name!r} holds numbers that are not finite")
    return dict(tensors)


def _bert_config(config: Mapping[str, Any], part: str) -> BertConfig:
    shape: Any = config.get(part)
    try:
        made = BertConfig(
            num_hidden_layers=int(shape["num_hidden_layers"]),
            hidden_size=int(shape["hidden_size"]),
            num_attention_heads=int(shape["num_attention_heads"]),
            layer_norm_eps=float(shape["layer_norm_eps"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"the model's config has no valid {part!r} section: {shape!r}") from error
    heads, width = made.num_attention_heads, made.hidden_size
    if not (1 <= made.num_hidden_layers <= 48 and 1 <= heads <= width and width % heads == 0):
        raise ModelError(f"the model's config has no valid {part!r} section: {shape!r}")
    return made


def _check_shapes(folder: Path, tensors: Mapping[str, NDArray[Any]], config: BertConfig) -> None:
    width = config.hidden_size
    for layer in range(config.num_hidden_layers):
        name = f"encoder.layer.{layer}.attention.self.query.weight"
        weight = tensors.get(f"{name}.int8", tensors.get(name))
        if weight is None or weight.shape != (width, width):
            raise ModelError(f"{folder}: {name} is missing or not of shape ({width}, {width})")

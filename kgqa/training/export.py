"""Writes a checkpoint from trained models: int8 weights, one scale a row, in safetensors; atomically."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgqa.reasoning.checkpoint import FORMAT, SHARED, Checkpoint
from kgqa.reasoning.onnx_bert import BertConfig, dequantize, quantize_rows

_MATRICES = ("dense.weight", "query.weight", "key.weight", "value.weight", "word_embeddings.weight")
_MAX_POSITIONS = 128
HEADS = "heads.safetensors"


def pack(tensors: Mapping[str, NDArray[Any]], *, quantize: bool = True) -> dict[str, NDArray[Any]]:
    """Return the tensors as they are stored: matrices as int8 with a float32 scale a row, the rest float32."""
    packed: dict[str, NDArray[Any]] = {}
    for name, tensor in tensors.items():
        if name.endswith("position_ids") or "pooler" in name:
            continue
        array = np.asarray(tensor, np.float32)
        if name.endswith("position_embeddings.weight"):
            array = np.ascontiguousarray(array[:_MAX_POSITIONS])
        if quantize and name.endswith(_MATRICES):
            packed[f"{name}.int8"], packed[f"{name}.scale"] = quantize_rows(array)
        else:
            packed[name] = array
    return packed


def bert_shape(config: Any) -> dict[str, object]:
    """Return the part of a Hugging Face BERT config that inference needs."""
    return {
        "num_hidden_layers": config.num_hidden_layers,
        "hidden_size": config.hidden_size,
        "num_attention_heads": config.num_attention_heads,
        "layer_norm_eps": config.layer_norm_eps,
    }


def write_checkpoint(
    folder: Path,
    *,
    config: Mapping[str, object],
    tokenizer_file: Path,
    encoder: Mapping[str, NDArray[Any]],
    reader: Mapping[str, NDArray[Any]],
    ranker: Mapping[str, NDArray[Any]],
) -> None:
    """Write a checkpoint folder beside `folder` and rename it. The reader's word embeddings are left out: they are the
    encoder's.
    """
    from safetensors.numpy import save_file

    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    own = {name: array for name, array in reader.items() if not name.startswith(SHARED)}
    for name, tensors in (("encoder", encoder), ("reader", own), ("ranker", ranker)):
        save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, str(place / f"{name}.safetensors"))
    shutil.copyfile(tokenizer_file, place / "tokenizer.json")
    (place / "config.json").write_text(json.dumps({"format": FORMAT, **config}, indent=1) + "\n", encoding="utf-8")
    old = folder.with_name(f".{folder.name}-old")
    if folder.exists():
        for kept in folder.glob("*.md"):
            shutil.copyfile(kept, place / kept.name)
        shutil.rmtree(old, ignore_errors=True)
        os.replace(folder, old)
    os.chmod(place, 0o755)
    for path in place.iterdir():
        os.chmod(path, 0o644)
    os.replace(place, folder)
    shutil.rmtree(old, ignore_errors=True)


def unpack_encoder(checkpoint: Checkpoint, folder: Path) -> None:
    """Write a checkpoint's bi-encoder in the Hugging Face layout, as float32, to train on from."""
    _unpack(checkpoint, checkpoint.encoder, checkpoint.encoder_config, folder)


def unpack_reader(checkpoint: Checkpoint, folder: Path) -> None:
    """Write a checkpoint's reader in the Hugging Face layout, as float32, with its heads beside it."""
    from safetensors.numpy import save_file

    _unpack(checkpoint, checkpoint.reader, checkpoint.reader_config, folder)
    heads = {name: np.asarray(checkpoint.reader[name], np.float32) for name in ("score.weight", "score.bias")}
    heads |= {name: np.asarray(checkpoint.ranker[name]) for name in ("prior_weight", "null.weight", "null.bias")}
    save_file(heads, str(folder / HEADS))


def _unpack(checkpoint: Checkpoint, tensors: Mapping[str, NDArray[Any]], shape: BertConfig, folder: Path) -> None:
    import torch
    from transformers import BertConfig as HuggingFaceConfig
    from transformers import BertModel, PreTrainedTokenizerFast

    names = {name.removesuffix(".int8").removesuffix(".scale") for name in tensors}
    state = {
        name: torch.from_numpy(dequantize(tensors, name)) for name in names if not name.startswith(("score.", "null."))
    }
    config = HuggingFaceConfig(
        vocab_size=state[SHARED].shape[0],
        hidden_size=shape.hidden_size,
        num_hidden_layers=shape.num_hidden_layers,
        num_attention_heads=shape.num_attention_heads,
        intermediate_size=state["encoder.layer.0.intermediate.dense.weight"].shape[0],
        max_position_embeddings=state["embeddings.position_embeddings.weight"].shape[0],
        layer_norm_eps=shape.layer_norm_eps,
    )
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict(state)
    model.save_pretrained(str(folder))
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("unk", "sep", "pad", "cls", "mask")}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(checkpoint.folder / "tokenizer.json"), **special)
    tokenizer.save_pretrained(str(folder))


def assemble_checkpoint(
    out: Path,
    *,
    encoder: Path,
    reader: Path,
    ranker: Mapping[str, NDArray[Any]],
    calibration: NDArray[np.float32],
    threshold: float,
    info: Mapping[str, object],
) -> None:
    """Write the checkpoint that inference reads from the trained parts, each a Hugging Face folder; the reader's
    holds `heads.safetensors` too.

    `ranker` has the pruner's and the aligner's tensors; `calibration` are the weights of confidence, bias last; `info`
    says how the model was made.
    """
    from safetensors.numpy import load_file
    from transformers import AutoConfig

    heads = load_file(str(reader / HEADS))
    reader_tensors = pack(load_file(str(reader / "model.safetensors")))
    reader_tensors |= {"score.weight": heads["score.weight"], "score.bias": heads["score.bias"]}
    ranker = dict(ranker)
    ranker |= {name: heads[name] for name in ("prior_weight", "null.weight", "null.bias")}
    ranker["calibration"] = np.asarray(calibration, np.float32)
    shapes = {
        name: bert_shape(AutoConfig.from_pretrained(str(folder)))
        for name, folder in (("encoder", encoder), ("reader", reader))
    }
    write_checkpoint(
        out,
        config={**shapes, "threshold": threshold, "info": dict(info)},
        tokenizer_file=encoder / "tokenizer.json",
        encoder=pack(load_file(str(encoder / "model.safetensors"))),
        reader=reader_tensors,
        ranker=ranker,
    )

"""The ONNX graph built from tensors computes what torch computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="the oracle is torch")
transformers = pytest.importorskip("transformers", reason="the oracle is a transformers model")
import onnxruntime

from kgqa.reasoning.onnx_bert import BertConfig, build_bert, dequantize, quantize_rows

HIDDEN, LAYERS, HEADS = 16, 2, 2
IDS = np.array([[5, 9, 3, 30, 7], [8, 2, 0, 0, 0], [1, 4, 6, 0, 0]], np.int64)
TYPES = np.array([[0, 0, 1, 1, 1], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0]], np.int64)
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0]], np.float32)
CONFIG = BertConfig(num_hidden_layers=LAYERS, hidden_size=HIDDEN, num_attention_heads=HEADS)

Tensors = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def bert() -> tuple[Tensors, NDArray[np.float32]]:
    """The tensors of a random BERT and its last hidden states over the three sentences."""
    config = transformers.BertConfig(
        vocab_size=40, hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=32,
        max_position_embeddings=12, layer_norm_eps=1e-12, initializer_range=0.4,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.BertModel(config, add_pooling_layer=False).eval()
    for parameter in model.parameters():  # biases start at 0, which would hide that one is left out
        parameter.data += 0.05 * torch.randn_like(parameter)
    with torch.no_grad():
        hidden = model(
            input_ids=torch.tensor(IDS), token_type_ids=torch.tensor(TYPES), attention_mask=torch.tensor(MASK)
        ).last_hidden_state
    tensors = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    rng = np.random.default_rng(0)
    tensors["score.weight"] = rng.normal(size=(1, HIDDEN)).astype(np.float32)
    tensors["score.bias"] = np.array([0.25], np.float32)
    return tensors, hidden.numpy()


def quantized(tensors: Tensors) -> Tensors:
    found: Tensors = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 2 and "position" not in name and not name.startswith("score"):
            found[f"{name}.int8"], found[f"{name}.scale"] = quantize_rows(tensor)
        else:
            found[name] = tensor
    return found


def averaged(hidden: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean over the tokens, padding left out. Shapes: (batch, seq, hidden) to (batch, hidden)."""
    return np.asarray((hidden * MASK[:, :, None]).sum(1) / MASK.sum(1, keepdims=True), np.float32)


def pooled(hidden: NDArray[np.float32]) -> NDArray[np.float32]:
    mean = averaged(hidden)
    return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True), np.float32)


def run(graph: bytes, rows: slice = slice(None)) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    feed = {"input_ids": IDS[rows], "token_type_ids": TYPES[rows], "mask": MASK[rows]}
    return np.asarray(session.run(["out"], feed)[0])


def test_the_encoder_gives_the_unit_vectors_of_torch(bert: tuple[Tensors, NDArray[np.float32]]) -> None:
    tensors, hidden = bert
    np.testing.assert_allclose(run(build_bert(tensors, CONFIG)), pooled(hidden), atol=1e-5)


def test_the_reader_gives_the_logit_of_the_mean_token(bert: tuple[Tensors, NDArray[np.float32]]) -> None:
    tensors, hidden = bert
    expected = averaged(hidden) @ tensors["score.weight"][0] + tensors["score.bias"][0]
    np.testing.assert_allclose(run(build_bert(tensors, CONFIG, head="score")), expected, atol=1e-5)


def test_int8_weights_stay_close_to_torch(bert: tuple[Tensors, NDArray[np.float32]]) -> None:
    tensors, hidden = bert
    cosines = (run(build_bert(quantized(tensors), CONFIG)) * pooled(hidden)).sum(1)
    assert (cosines > 0.99).all(), cosines


def test_padding_changes_nothing(bert: tuple[Tensors, NDArray[np.float32]]) -> None:
    graph = build_bert(bert[0], CONFIG)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    alone = session.run(["out"], {"input_ids": IDS[1:2, :2], "token_type_ids": TYPES[1:2, :2], "mask": MASK[1:2, :2]})
    np.testing.assert_allclose(alone[0], run(graph)[1:2], atol=1e-5)


def test_padding_does_not_widen_the_steps_of_int8(bert: tuple[Tensors, NDArray[np.float32]]) -> None:
    session = onnxruntime.InferenceSession(build_bert(quantized(bert[0]), CONFIG), providers=["CPUExecutionProvider"])
    found = []
    for n_padding in (0, 6):
        wider = ((0, 0), (0, n_padding))
        feed = {"input_ids": np.pad(IDS, wider), "token_type_ids": np.pad(TYPES, wider), "mask": np.pad(MASK, wider)}
        found.append(session.run(["out"], feed)[0])
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)


def test_quantizing_by_row_is_within_half_a_step() -> None:
    weight = np.array([[1.0, -0.5, 0.004], [0.0, 0.0, 0.0], [100.0, 1.0, -100.0]], np.float32)
    int8, scale = quantize_rows(weight)
    assert int8.tolist() == [[127, -64, 1], [0, 0, 0], [127, 1, -127]]
    back = dequantize({"w.int8": int8, "w.scale": scale}, "w")
    assert (np.abs(back - weight) <= scale[:, None] / 2 + 1e-6).all()

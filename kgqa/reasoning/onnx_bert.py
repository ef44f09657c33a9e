"""A BERT encoder as an ONNX graph, built straight from checkpoint tensors.

Building the graph here keeps torch out of inference and lets safetensors be the only weights that ship. Linear layers
whose weights are int8 (one scale an output row) run
as dynamically quantized integer products (Jacob et al., "Quantization and Training of Neural Networks", 2018, section
2.3); float32 weights run as they are.

Everything but attention runs over the tokens of all texts as rows of (tokens, hidden), without padding, as in Zhai et
al., "ByteTransformer", 2023: padding costs time, and its vectors would coarsen the steps of the int8 layers' inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class BertConfig:
    """The shape of a BERT encoder, under the names Hugging Face gives them."""

    num_hidden_layers: int
    hidden_size: int
    num_attention_heads: int
    layer_norm_eps: float = 1e-12


def quantize_rows(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return (int8 weight, float32 scale a row) with `weight ≈ int8 * scale`. Shapes: (rows, columns), (rows,)."""
    scale = np.abs(weight).max(axis=1) / 127.0
    scale[scale == 0] = 1.0
    return np.clip(np.rint(weight / scale[:, None]), -127, 127).astype(np.int8), scale.astype(np.float32)


def dequantize(tensors: Tensors, name: str) -> NDArray[np.float32]:
    """Return a weight as float32, whether it is stored as float or as int8 with a scale."""
    if f"{name}.int8" in tensors:
        scale = tensors[f"{name}.scale"]
        return np.asarray(tensors[f"{name}.int8"].astype(np.float32) * scale[:, None], np.float32)
    return np.asarray(tensors[name], np.float32)


def build_bert(tensors: Tensors, config: BertConfig, *, head: str | None = None) -> bytes:
    """Return a serialized ONNX model.

    Inputs: `input_ids` and `token_type_ids`, int64, and `mask`, float32 (1 for tokens, 0 for padding), each of shape
    (batch, seq). Output: `out`; without `head` unit vectors of the mean-pooled tokens, shape (batch, hidden), and
    `tokens`, unit vectors of the tokens, shape (batch, seq, hidden); with `head`, the name of a linear layer, its logit
    over the mean-pooled tokens, shape (batch,).
    """
    return _Builder(tensors, config).build(head)


class _Builder:
    def __init__(self, tensors: Tensors, config: BertConfig) -> None:
        self.tensors, self.config = tensors, config
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self.n_names = 0

    def build(self, head: str | None) -> bytes:
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        cells = self._op("Transpose", [self._op("NonZero", ["mask"])], perm=[1, 0])  # (tokens, 2)
        places = self._places()
        head_rows, bias = self._head_rows(places), self._attention_bias()
        hidden = self._embeddings(cells)
        for layer in range(self.config.num_hidden_layers):
            hidden = self._layer(f"encoder.layer.{layer}", hidden, cells, head_rows, bias)
        hidden = self._op("Gather", [hidden, places])  # (batch, seq, hidden)
        self._op("Identity", [self._logit(hidden, head) if head else self._pooled(hidden)], "out")
        shape: Sequence[str | int] = ("batch", "seq")
        outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch"] if head else ["batch", "hidden"])]
        if not head:
            self._op("Div", [hidden, self._op("ReduceL2", [hidden, self._const(np.array([2], np.int64))])], "tokens")
            outputs.append(helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["batch", "seq", "hidden"]))
        graph = helper.make_graph(
            self.nodes,
            "bert",
            [
                helper.make_tensor_value_info("input_ids", TensorProto.INT64, shape),
                helper.make_tensor_value_info("token_type_ids", TensorProto.INT64, shape),
                helper.make_tensor_value_info("mask", TensorProto.FLOAT, shape),
            ],
            outputs,
            [numpy_helper.from_array(array, name) for name, array in self.constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

    # -- from tokens to the cells of (batch, seq), which the tokens and the padding share

    def _places(self) -> str:
        """Return the place of each cell's token; for padding, which attention leaves out, of the token before it."""
        flat = self._op("Reshape", ["mask", self._const(np.array([-1], np.int64))])
        count = self._op("CumSum", [flat, self._const(np.array(0, np.int64))])
        place = self._op("Cast", [self._op("Sub", [count, self._const(np.array(1.0, np.float32))])], to=7)
        return self._op("Reshape", [place, self._op("Shape", ["mask"])])  # (batch, seq)

    def _head_rows(self, places: str) -> str:
        """Return the place of each cell's token and head among the rows of (tokens * heads, width)."""
        n_heads = self._const(np.array(self.config.num_attention_heads, np.int64))
        first = self._op("Unsqueeze", [self._op("Mul", [places, n_heads]), self._const(np.array([1], np.int64))])
        heads = np.arange(self.config.num_attention_heads, dtype=np.int64)[:, None]
        return self._op("Add", [first, self._const(heads)])  # (batch, heads, seq)

    # -- layers

    def _embeddings(self, cells: str) -> str:
        words = self._gather("embeddings.word_embeddings.weight", self._op("GatherND", ["input_ids", cells]))
        types = self._gather("embeddings.token_type_embeddings.weight", self._op("GatherND", ["token_type_ids", cells]))
        table = self._const(dequantize(self.tensors, "embeddings.position_embeddings.weight"))
        position = self._op("Gather", [cells, self._const(np.array(1, np.int64))], axis=1)
        here = self._op("Gather", [table, position])  # (tokens, hidden)
        return self._norm(self._op("Add", [self._op("Add", [words, types]), here]), "embeddings.LayerNorm")

    def _gather(self, name: str, ids: str) -> str:
        if f"{name}.int8" not in self.tensors:
            return self._op("Gather", [self._const(np.asarray(self.tensors[name], np.float32)), ids])
        rows = self._op("Gather", [self._const(self.tensors[f"{name}.int8"]), ids])
        scale = self._op("Gather", [self._const(self.tensors[f"{name}.scale"][:, None]), ids])
        return self._op("Mul", [self._op("Cast", [rows], to=1), scale])

    def _attention_bias(self) -> str:
        one = self._const(np.array(1.0, np.float32))
        absent = self._op("Mul", [self._op("Sub", [one, "mask"]), self._const(np.array(-10000.0, np.float32))])
        return self._op("Unsqueeze", [absent, self._const(np.array([1, 2], np.int64))])  # (batch, 1, 1, seq)

    def _layer(self, name: str, hidden: str, cells: str, head_rows: str, bias: str) -> str:
        width = self.config.hidden_size // self.config.num_attention_heads
        by_head = self._const(np.array([-1, width], np.int64))
        parts = []
        for part in ("query", "key", "value"):
            rows = self._op("Reshape", [self._linear(hidden, f"{name}.attention.self.{part}"), by_head])
            parts.append(self._op("Gather", [rows, head_rows]))  # (batch, heads, seq, width)
        query, key, value = parts
        scale = self._const(np.array(1.0 / np.sqrt(width), np.float32))
        product = self._op("MatMul", [query, self._op("Transpose", [key], perm=[0, 1, 3, 2])])
        logits = self._op("Add", [self._op("Mul", [product, scale]), bias])
        weights = self._op("Softmax", [logits], axis=-1)  # (batch, heads, seq, seq)
        mixed = self._op("Transpose", [self._op("MatMul", [weights, value])], perm=[0, 2, 1, 3])
        joined = self._op("GatherND", [mixed, cells])  # (tokens, heads, width)
        joined = self._op("Reshape", [joined, self._const(np.array([-1, self.config.hidden_size], np.int64))])
        attended = self._linear(joined, f"{name}.attention.output.dense")
        hidden = self._norm(self._op("Add", [attended, hidden]), f"{name}.attention.output.LayerNorm")
        inner = self._op("Gelu", [self._linear(hidden, f"{name}.intermediate.dense")])
        outer = self._linear(inner, f"{name}.output.dense")
        return self._norm(self._op("Add", [outer, hidden]), f"{name}.output.LayerNorm")

    def _linear(self, hidden: str, name: str) -> str:
        bias = self._const(np.asarray(self.tensors[f"{name}.bias"], np.float32))
        if f"{name}.weight.int8" not in self.tensors:
            weight = np.ascontiguousarray(np.asarray(self.tensors[f"{name}.weight"], np.float32).T)
            return self._op("Add", [self._op("MatMul", [hidden, self._const(weight)]), bias])
        weight8 = np.ascontiguousarray(self.tensors[f"{name}.weight.int8"].T)  # (in, out)
        scale = self.tensors[f"{name}.weight.scale"]
        quantized, step, zero = self._ops("DynamicQuantizeLinear", [hidden], 3)
        zeros = self._const(np.zeros(len(scale), np.int8))
        product = self._op("MatMulInteger", [quantized, self._const(weight8), zero, zeros])
        steps = self._op("Mul", [step, self._const(scale)])
        return self._op("Add", [self._op("Mul", [self._op("Cast", [product], to=1), steps]), bias])

    def _norm(self, hidden: str, name: str) -> str:
        weight = self._const(np.asarray(self.tensors[f"{name}.weight"], np.float32))
        bias = self._const(np.asarray(self.tensors[f"{name}.bias"], np.float32))
        return self._op("LayerNormalization", [hidden, weight, bias], axis=-1, epsilon=self.config.layer_norm_eps)

    # -- ends

    def _mean(self, hidden: str) -> str:
        """Return the mean over the tokens, padding left out: (batch, hidden)."""
        mask = self._op("Unsqueeze", ["mask", self._const(np.array([2], np.int64))])  # (batch, seq, 1)
        axis = self._const(np.array([1], np.int64))
        total = self._op("ReduceSum", [self._op("Mul", [hidden, mask]), axis], keepdims=0)
        return self._op("Div", [total, self._op("ReduceSum", [mask, axis], keepdims=0)])

    def _pooled(self, hidden: str) -> str:
        mean = self._mean(hidden)
        return self._op("Div", [mean, self._op("ReduceL2", [mean, self._const(np.array([1], np.int64))])])

    def _logit(self, hidden: str, head: str) -> str:
        mean = self._mean(hidden)
        weight = self._const(np.ascontiguousarray(dequantize(self.tensors, f"{head}.weight").T))
        bias = self._const(np.asarray(self.tensors[f"{head}.bias"], np.float32))
        logit = self._op("Add", [self._op("MatMul", [mean, weight]), bias])
        return self._op("Squeeze", [logit, self._const(np.array([1], np.int64))])

    # -- plumbing

    def _const(self, array: NDArray[Any]) -> str:
        self.n_names += 1
        name = f"c{self.n_names}"
        self.constants[name] = array
        return name

    def _op(self, kind: str, inputs: Sequence[str], output: str | None = None, **attributes: object) -> str:
        return self._ops(kind, inputs, 1, output, **attributes)[0]

    def _ops(
        self, kind: str, inputs: Sequence[str], n: int, output: str | None = None, **attributes: object
    ) -> tuple[str, ...]:
        from onnx import helper

        names = []
        for _ in range(n):
            self.n_names += 1
            names.append(output or f"t{self.n_names}")
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return tuple(names)

"""The trained model at inference: bi-encoder, pruner and reader, on ONNX Runtime without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kgqa.errors import ModelError
from kgqa.reasoning.alignment import QuestionTokens
from kgqa.reasoning.checkpoint import Checkpoint, load_checkpoint
from kgqa.reasoning.onnx_bert import build_bert

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

MAX_TOKENS = 112
READER_HEAD = "score"
_BATCH = 16
N_READ = 8
PRIOR_GAP = 4.0


class Model:
    """Encodes texts, reads pairs, and scores features. `n_threads` is ONNX Runtime's intra-op thread count."""

    def __init__(self, checkpoint: Checkpoint, *, n_threads: int = 1) -> None:
        self.checkpoint, self.n_threads = checkpoint, n_threads

    @classmethod
    def load(cls, folder: Path, *, n_threads: int = 1) -> Model:
        """Return the model in a checkpoint folder. Raises ModelError."""
        return cls(load_checkpoint(folder), n_threads=n_threads)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The WordPiece tokenizer, truncating pairs at 112 tokens."""
        from tokenizers import Tokenizer

        path = self.checkpoint.folder / "tokenizer.json"
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise ModelError(f"{path} is not a tokenizer: {error}") from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_TOKENS, strategy="longest_first")
        return tokenizer

    @cached_property
    def known_words(self) -> dict[str, int]:
        """The whole words of the vocabulary, as opposed to names that have to be spelt out, with their places in it.

        BERT's vocabulary is ordered by frequency, so that a place is a rank.
        """
        return whole_words(self.tokenizer)

    @cached_property
    def _encoder(self) -> InferenceSession:
        return self._session(build_bert(self.checkpoint.encoder, self.checkpoint.encoder_config))

    @cached_property
    def _reader(self) -> InferenceSession:
        return self._session(build_bert(self.checkpoint.reader, self.checkpoint.reader_config, head=READER_HEAD))

    def _session(self, graph: bytes) -> InferenceSession:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.n_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors. Shape: (len(texts), hidden)."""
        width = self.checkpoint.encoder_config.hidden_size
        return self._run(self._encoder, [(text,) for text in texts], np.zeros((len(texts), width), np.float32))

    def encode_question(self, text: str) -> QuestionTokens:
        """Return the vectors of a question and of its tokens."""
        encoding = self.tokenizer.encode(text)
        feed: dict[str, Any] = {
            "input_ids": np.array([encoding.ids], np.int64),
            "token_type_ids": np.zeros((1, len(encoding.ids)), np.int64),
            "mask": np.ones((1, len(encoding.ids)), np.float32),
        }
        vector, tokens = self._encoder.run(["out", "tokens"], feed)
        spans = np.array(encoding.offsets[1:-1], np.int32).reshape(-1, 2)
        return QuestionTokens(text, vector[0], tokens[0, 1:-1], spans)

    def score(self, question: str, lines: Sequence[str]) -> NDArray[np.float32]:
        """Return the reader's logit of each line. Shape: (len(lines),)."""
        return self._run(self._reader, [(question, line) for line in lines], np.zeros(len(lines), np.float32))

    def _run(
        self, session: InferenceSession, texts: Sequence[tuple[str, ...]], out: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Fill `out` in batches of like length, so that little is spent on padding."""
        encodings = self.tokenizer.encode_batch([text if len(text) > 1 else text[0] for text in texts])
        order = sorted(range(len(texts)), key=lambda i: len(encodings[i].ids))
        for first in range(0, len(order), _BATCH):
            rows = order[first : first + _BATCH]
            length = max(len(encodings[i].ids) for i in rows)
            ids, types = np.zeros((len(rows), length), np.int64), np.zeros((len(rows), length), np.int64)
            mask = np.zeros((len(rows), length), np.float32)
            for row, i in enumerate(rows):
                n = len(encodings[i].ids)
                ids[row, :n], types[row, :n], mask[row, :n] = encodings[i].ids, encodings[i].type_ids, 1.0
            feed: dict[str, Any] = {"input_ids": ids, "token_type_ids": types, "mask": mask}
            out[rows] = session.run(["out"], feed)[0]
        return out

    def prune_scores(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the pruner's logit of each candidate: a two-layer perceptron. Shapes: (n, n_features) to (n,)."""
        w = self.checkpoint.ranker
        scaled = (features - w["pruner.mean"]) / w["pruner.scale"]
        hidden = np.maximum(scaled @ w["pruner.0.weight"].T + w["pruner.0.bias"], 0.0)
        return np.asarray((hidden @ w["pruner.1.weight"].T + w["pruner.1.bias"])[:, 0], np.float32)


def whole_words(tokenizer: Tokenizer) -> dict[str, int]:
    """Return the whole words of a tokenizer's vocabulary with their places in it."""
    return {word: place for word, place in tokenizer.get_vocab().items() if word.isalpha() and len(word) > 2}


def worth_reading(priors: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the places of the candidates that are read, best first: the pruner's best, as far as their logits are
    within reach of the first. What lies further back hardly ever wins, and costs most of the time."""
    places = np.argsort(-priors, kind="stable")[:N_READ]
    return places[priors[places] >= priors[places[:1]] - PRIOR_GAP]


def null_logit(
    weights: Mapping[str, NDArray[Any]],
    null_line: float,
    question_features: NDArray[np.float32],
    prior: NDArray[np.float32],
) -> float:
    """Return the logit of "the graph does not say": its line's, and what the links and the pruner's best logits
    tell."""
    best = float(prior.max()) if len(prior) else -5.0
    mean = float(np.sort(prior)[-5:].mean()) if len(prior) else -5.0
    told = np.append(question_features, np.array([best / 5, mean / 5], np.float32))
    return null_line + float(weights["null.weight"][0] @ told) + float(weights["null.bias"][0])


def shipped_model() -> Path:
    """Return the folder of the model that comes with the package."""
    here = Path(__file__).resolve().parent.parent
    for folder in (here / "_model", here.parent / "data" / "model"):
        if (folder / "config.json").is_file():
            return folder
    raise ModelError("no model is installed; train one with `kgqa train` or name a folder with --model")

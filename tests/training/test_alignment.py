"""Late interaction with gradients and without: one set of numbers."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from kgqa.reasoning.alignment import (
    ALIGNMENT_FEATURES,
    MAX_PARTS,
    MAX_RELATIONS,
    Parts,
    QuestionTokens,
    alignment_features,
    free_tokens,
    untrained_alignment,
)
from kgqa.training.alignment_training import Aligner


def _unit(rng: np.random.Generator, *shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    made = rng.normal(size=shape).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=-1, keepdims=True), np.float32)


def test_training_and_inference_compute_the_same_features() -> None:
    rng = np.random.default_rng(3)
    n_tokens, n_texts, n = 7, 12, 40
    spans = np.array([(4 * i, 4 * i + 3) for i in range(n_tokens)], np.int32)
    text, tokens, texts = "abc abc's abc abc abc a", _unit(rng, n_tokens, 16), _unit(rng, n_texts, 16)
    places = rng.integers(0, n_texts, (n, MAX_PARTS)).astype(np.int16)
    for row in range(n):
        places[row, rng.integers(0, 4) : MAX_RELATIONS] = -1
        places[row, MAX_RELATIONS + rng.integers(0, 3) :] = -1
    parts = Parts(places, rng.integers(0, 3, n).astype(np.int16), ((), ((0, 7),), ((8, 11), (20, 27))))
    aligner = Aligner(16)
    torch.nn.init.normal_(aligner.need.weight)
    found = alignment_features(QuestionTokens(text, tokens[0], tokens, spans), texts, parts, aligner.tensors())
    free, distance = free_tokens(text, spans, parts.link_sets)
    with torch.no_grad():
        trained = aligner(
            torch.from_numpy(tokens), torch.from_numpy(texts), torch.from_numpy(places.astype(np.int64)),
            torch.from_numpy(parts.link_set.astype(np.int64)), torch.from_numpy(free), torch.from_numpy(distance),
        )  # fmt: skip
    assert found.shape == (n, len(ALIGNMENT_FEATURES))
    np.testing.assert_allclose(found, trained.numpy(), atol=1e-5)


def test_a_word_that_no_part_explains_is_regretted() -> None:
    """Of two relations, the one that the only free word says has no regret; the other has all of it."""
    eye = np.eye(3, dtype=np.float32)
    question = QuestionTokens("other noted", eye[0], eye[:2], np.array([(0, 5), (6, 11)], np.int32))
    places = np.full((2, MAX_PARTS), -1, np.int16)
    places[:, 0] = (0, 2)
    parts = Parts(places, np.zeros(2, np.int16), (((6, 11),),))
    found = dict(zip(ALIGNMENT_FEATURES, alignment_features(question, eye, parts, untrained_alignment(3)).T, strict=True))
    assert found["regret_mean"].tolist() == pytest.approx([0.0, 1.0])
    assert found["said_mean"].tolist() == pytest.approx([1.0, 0.0])


def test_tokens_of_a_mention_are_not_free_and_distances_count_from_it() -> None:
    spans = np.array([(0, 3), (4, 8), (9, 12)], np.int32)
    free, distance = free_tokens("who wrote Ann", spans, (((9, 12),),))
    assert free.tolist() == [[True, True, False]]
    assert distance.tolist() == [[2.0, 1.0, 0.0]]


def test_what_a_name_owns_is_nearer_than_what_is_said_of_that() -> None:
    spans = np.array([(0, 3), (4, 7), (8, 10), (11, 14), (17, 21)], np.int32)
    _, distance = free_tokens("the son of Ann's boss", spans, (((11, 14),),))
    assert distance.tolist() == [[4.0, 3.0, 2.0, 0.0, 1.0]]
    _, distance = free_tokens("the son of Ann as boss", spans, (((11, 14),),))
    assert distance.tolist() == [[3.0, 2.0, 1.0, 0.0, 1.0]]


def test_relations_said_in_another_order_than_they_are_walked_in_are_in_disorder() -> None:
    """ "The son of Ann's boss" walks to the boss first."""
    eye = np.eye(3, dtype=np.float32)
    question = QuestionTokens("son Ann's boss", eye[0], eye, np.array([(0, 3), (4, 7), (10, 14)], np.int32))
    places = np.full((2, MAX_PARTS), -1, np.int16)
    places[0, :2], places[1, :2] = (2, 0), (0, 2)
    parts = Parts(places, np.zeros(2, np.int16), (((4, 7),),))
    found = dict(zip(ALIGNMENT_FEATURES, alignment_features(question, eye, parts, untrained_alignment(3)).T, strict=True))
    assert found["disorder"].tolist() == pytest.approx([0.0, 0.5])

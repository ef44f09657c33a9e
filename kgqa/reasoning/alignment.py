"""Which words of the question each part of a query graph explains, and which it leaves over: late interaction.

The tokens of the question are compared with the vectors of the relations and classes that a candidate is made of, after
Khattab and Zaharia, "ColBERT" (2020), section 3, in both directions: each relation should be said by some word, and
each word that matters should be explained by some relation. The vectors of a graph are made once, so that thousands of
candidates cost one small product. `kgqa.training.alignment_training` computes the same with gradients.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kgqa.datatypes import EntityLink
from kgqa.reasoning.candidates import Candidate

ALIGNMENT_FEATURES: tuple[str, ...] = (
    "said_mean", "said_min", "explained_mean", "regret_mean", "regret_max", "overlap", "order", "n_parts", "disorder",
)  # fmt: skip
MAX_RELATIONS, MAX_CLASSES = 5, 3
MAX_PARTS = MAX_RELATIONS + MAX_CLASSES
ABSENT = -1.0
_POSSESSIVE = re.compile(r"\s?['’]")


def untrained_alignment(hidden: int) -> dict[str, NDArray[np.float32]]:
    """Return weights under which every token needs explaining alike."""
    return {
        "alignment.weight": np.zeros(hidden, np.float32),
        "alignment.bias": np.zeros(1, np.float32),
        "alignment.temperature": np.full(1, 0.1, np.float32),
    }


@dataclass(frozen=True)
class QuestionTokens:
    """A question as the bi-encoder reads it: `text`.

    `vector` is the unit vector of the whole, shape (hidden,); `tokens` those of its tokens, shape (n_tokens, hidden);
    `spans` their character offsets, end exclusive, shape (n_tokens, 2).
    """

    text: str
    vector: NDArray[np.float32]
    tokens: NDArray[np.float32]
    spans: NDArray[np.int32]


@dataclass(frozen=True)
class Parts:
    """What candidates are made of, as places in the schema's texts; -1 fills up.

    `places` has the relations in their order, then the classes, shape (n, MAX_PARTS). `link_sets` holds the character
    spans of the mentions a candidate may use, and `link_set` which of them each uses, shape (n,).
    """

    places: NDArray[np.int16]
    link_set: NDArray[np.int16]
    link_sets: tuple[tuple[tuple[int, int], ...], ...]


def parts_of(candidates: Sequence[Candidate], links: Sequence[EntityLink], class_places: Mapping[int, int]) -> Parts:
    """Return the parts of each candidate. `class_places` gives the place of a class's text."""
    places = np.full((len(candidates), MAX_PARTS), -1, np.int16)
    link_set = np.zeros(len(candidates), np.int16)
    sets: dict[frozenset[int], int] = {}
    for row, candidate in enumerate(candidates):
        ids = [relation.id for relation in candidate.relations[:MAX_RELATIONS]]
        places[row, : len(ids)] = ids
        classes = [class_places[n] for c in candidate.query.constraints if c.kind == "class" for n in c.nodes[:1]]
        places[row, MAX_RELATIONS : MAX_RELATIONS + len(classes[:MAX_CLASSES])] = classes[:MAX_CLASSES]
        link_set[row] = sets.setdefault(candidate.links, len(sets))
    spans = tuple(tuple((links[i].mention.start, links[i].mention.end) for i in sorted(used)) for used in sets)
    return Parts(places, link_set, spans)


def free_tokens(
    text: str, spans: NDArray[np.int32], link_sets: Sequence[Sequence[tuple[int, int]]]
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return which tokens lie outside the mentions of each link set, and how far each is from them, in tokens.

    What a name owns comes before what is said of that: in "the son of Ann's boss", "boss" is nearer than "son", since
    words before a possessive name count from behind the last word after it. Shapes: (n_sets, n_tokens) each.
    """
    n = len(spans)
    free = np.ones((len(link_sets), n), np.bool_)
    distance = np.full((len(link_sets), n), np.inf, np.float32)
    here = np.arange(n)
    for row, used in enumerate(link_sets):
        for start, end in used:
            before, after = spans[:, 1] <= start, spans[:, 0] >= end
            inside = here[~(before | after)]
            free[row] &= before | after
            if len(inside):
                gap = np.maximum(inside[0] - here, here - inside[-1]).clip(0)
                if _POSSESSIVE.match(text, end):
                    gap[before] += after.sum()
                distance[row] = np.minimum(distance[row], gap)
    return free, np.where(np.isinf(distance), 0.0, distance).astype(np.float32)


def alignment_features(
    question: QuestionTokens, texts: NDArray[np.float32], parts: Parts, weights: Mapping[str, NDArray[Any]]
) -> NDArray[np.float32]:
    """Return the alignment of each candidate. Shapes: texts (n_texts, hidden), out (n, len(ALIGNMENT_FEATURES)).

    `weights` holds `alignment.weight` (hidden,), `alignment.bias` and `alignment.temperature`: how much a token needs
    explaining, and how sharply a relation picks its token.
    """
    if len(parts.places) == 0:
        return np.zeros((0, len(ALIGNMENT_FEATURES)), np.float32)
    keys = np.concatenate((parts.places, parts.link_set[:, None]), 1)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    places, sets = parts.places[first].astype(np.int64), parts.link_set[first]
    free, distance = free_tokens(question.text, question.spans, parts.link_sets)
    need = 1.0 / (1.0 + np.exp(-(question.tokens @ weights["alignment.weight"] + weights["alignment.bias"][0])))
    sharpness = 1.0 / float(weights["alignment.temperature"][0])
    similarity = question.tokens @ texts.T  # (n_tokens, n_texts)
    best = similarity.max(1) if similarity.shape[1] else np.zeros(len(similarity), np.float32)
    there = places >= 0  # (n, parts)
    told = np.where(there[:, :, None], similarity.T[places], ABSENT)  # (n, parts, n_tokens)
    open_ = free[sets]  # (n, n_tokens)
    told = np.where(open_[:, None, :], told, ABSENT)
    said = told.max(2, initial=ABSENT)[:, :MAX_RELATIONS]  # (n, relations)
    is_relation = there[:, :MAX_RELATIONS]
    n_relations = np.maximum(is_relation.sum(1), 1)
    weight = need * open_
    total = np.maximum(weight.sum(1), 1e-6)
    covered = np.maximum(told.max(1), 0.0)  # (n, n_tokens)
    regret = (best - covered) * weight
    logits = told[:, :MAX_RELATIONS] * sharpness
    attention = np.exp(logits - logits.max(2, keepdims=True))
    attention /= attention.sum(2, keepdims=True)
    attention *= is_relation[:, :, None]
    position = (attention * distance[sets][:, None, :]).sum(2)  # (n, relations)
    pairs = is_relation[:, 1:] & is_relation[:, :-1]
    n_pairs = np.maximum(pairs.sum(1), 1)
    overlap = ((attention[:, 1:] * attention[:, :-1]).sum(2) * pairs).sum(1) / n_pairs
    order = (np.tanh((position[:, 1:] - position[:, :-1]) / 2) * pairs).sum(1) / n_pairs
    said_mean = np.where(is_relation, said, 0.0).sum(1) / n_relations
    outward = np.argsort(distance, axis=1, kind="stable")[sets]  # (n, n_tokens)
    in_order = _said_in_order(np.take_along_axis(told[:, :MAX_RELATIONS], outward[:, None, :], 2), is_relation)
    made = np.stack(
        (
            said_mean,
            np.where(is_relation, said, 1.0).min(1),
            (covered * weight).sum(1) / total,
            regret.sum(1) / total,
            regret.max(1, initial=0.0),
            overlap,
            order,
            there.sum(1) / MAX_PARTS,
            said_mean - in_order / n_relations,
        ),
        1,
    ).astype(np.float32)
    return made[inverse.reshape(-1)]


def _said_in_order(told: NDArray[np.float32], is_relation: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the best sum of similarities where each relation is said by a token further out than the one before it,
    or by none, which counts 0. Shapes: told (n, relations, n_tokens), from the inmost token outwards, out (n,).

    Dynamic programming over relations, as in Sakoe and Chiba, "Dynamic programming algorithm optimization for spoken
    word recognition" (1978).
    """
    best = np.zeros((len(told), told.shape[2] + 1), np.float32)  # with the first so many tokens
    for relation in range(told.shape[1]):
        said = np.maximum.accumulate(best[:, :-1] + told[:, relation], axis=1)
        longer = np.concatenate((best[:, :1], np.maximum(best[:, 1:], said)), 1)
        best = np.where(is_relation[:, relation, None], longer, best)
    return best[:, -1]


def graph_fit(
    question: QuestionTokens,
    texts: NDArray[np.float32],
    links: Sequence[EntityLink],
    weights: Mapping[str, NDArray[Any]],
) -> NDArray[np.float32]:
    """Return how well the graph's own words fit those of the question that name nothing: the weighted mean of their
    best similarities, and the best of the word that needs it most. Low where no such relation is there. Shape: (2,)."""
    named = [(link.mention.start, link.mention.end) for link in links if link.candidates and link.rarity > 0.5]
    free = free_tokens(question.text, question.spans, (tuple(named),))[0][0]
    if not free.any() or not texts.shape[0]:
        return np.array([1.0, 1.0], np.float32)
    best = (question.tokens @ texts.T).max(1)
    need = 1.0 / (1.0 + np.exp(-(question.tokens @ weights["alignment.weight"] + weights["alignment.bias"][0])))
    weight = need * free
    return np.array([(best * weight).sum() / max(weight.sum(), 1e-6), best[int(weight.argmax())]], np.float32)

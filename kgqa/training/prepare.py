"""Turns folders of graphs and questions into training records, in two steps that mirror the pipeline.

1. `relation_records`: which relations and classes each question needs, found by enumerating with the gold relations
first.
2. `candidate_records`: the candidates the pipeline enumerates with a trained bi-encoder, their features, parts and
   grades; once more with a trained pruner, its best ones get the lines that the reader learns from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kgqa.analysis import GraphContext, analyze, features_of, link_in_english, outcome_key
from kgqa.index.graph_index import GraphIndex
from kgqa.linking.linker import LabelEntityLinker
from kgqa.reasoning.alignment import Parts
from kgqa.reasoning.linearization import Linearizer
from kgqa.reasoning.model import Model
from kgqa.training.examples import TrainingExample, read_folder
from kgqa.training.targets import best_candidates, candidate_grades, gold_relations


@dataclass(frozen=True)
class RelationRecord:
    """A question with the places, in its graph's texts, of what it needs. `oracle` is the best grade reached."""

    question: str
    positives: tuple[int, ...]
    class_positives: tuple[int, ...]
    oracle: float
    split: str


@dataclass(frozen=True)
class CandidateRecord:
    """A question with a choice of its candidates: one row of features, of parts and one grade a candidate.

    `graph` is the folder whose texts the parts name. `lines` are the reader's; candidates with the same number in
    `outcomes` answer alike. NaN grades are not there to be chosen.
    """

    graph: str
    id: str
    question: str
    category: str
    split: str
    answerable: bool
    features: NDArray[np.float32]
    question_features: NDArray[np.float32]
    parts: Parts
    grades: NDArray[np.float32]
    lines: tuple[str, ...] = ()
    outcomes: tuple[int, ...] = ()


def relation_records(folder: Path, known_words: Mapping[str, int]) -> tuple[list[str], int, list[RelationRecord]]:
    """Return a graph's texts, how many of them are relations, and one record a question that has a right reading."""
    index, examples = read_folder(folder)
    context = GraphContext.of(index)
    linker = LabelEntityLinker(index, context.labels, known_words)
    texts = context.texts()
    n = len(context.schema.relations)
    classes = {c: n + place for place, c in enumerate(context.classes)}
    nothing = np.zeros(len(texts), np.float32)
    records = []
    for example in examples:
        if not example.answers:
            continue
        text, links = link_in_english(context, linker, example.question, known_words)
        analysis = analyze(
            context,
            text,
            links,
            nothing,
            boost=gold_relations(context, example, require=all),
        )
        grades = candidate_grades(analysis.candidates, example, index)
        best = best_candidates(analysis, grades)
        if not best:
            records.append(RelationRecord(text, (), (), 0.0, example.split))
            continue
        chosen = min((analysis.candidates[i] for i in best), key=lambda c: len(c.relations))
        positives = {relation.id for relation in chosen.relations}
        answers = [int(node) for node in chosen.result.nodes[:3]]
        wanted = {classes[c] for node in answers for c in index.classes_of(node)[:1]}
        wanted |= {classes[node] for c in chosen.query.constraints if c.kind == "class" for node in c.nodes}
        record = RelationRecord(
            text, tuple(sorted(positives)), tuple(sorted(wanted)), float(grades.max()), example.split
        )
        records.append(record)
    return texts, n, records


def candidate_records(
    graph: str,
    index: GraphIndex,
    examples: Sequence[TrainingExample],
    model: Model,
    *,
    n_best: int = 0,
    n_sampled: int = 150,
    max_examples: int | None = None,
    delete_share: float = 0.0,
    seed: int = 0,
) -> Iterator[CandidateRecord]:
    """Yield what the pipeline would see for each question about a graph; `graph` is the name that records give it.

    Of the candidates, the right ones (up to 30), the pruner's first `n_best` and `n_sampled` others are kept; with
    `n_best`, they get their lines. A share of the questions, `delete_share`, is also asked of the graph without the
    relations its gold query uses: then nothing is right, and the nearest relation is the trap.
    """
    context = GraphContext.of(index)
    linker = LabelEntityLinker(index, context.labels, model.known_words)
    linearizer = Linearizer(index, context.schema)
    vectors = model.encode(context.texts())
    weights = model.checkpoint.ranker
    rng = np.random.default_rng(seed)
    if max_examples is not None and len(examples) > max_examples:
        examples = [examples[i] for i in sorted(rng.choice(len(examples), max_examples, replace=False))]
    for example in examples:
        text, links = link_in_english(context, linker, example.question, model.known_words)
        encoded = model.encode_question(text)
        similarities = vectors @ encoded.vector
        removals: list[NDArray[np.float32] | None] = [None]
        if example.answers and rng.random() < delete_share and example.gold_iris:
            removals.append(gold_relations(context, example, require=any))
        for removed in removals:
            boost = None if removed is None else -9 * removed
            analysis = analyze(context, text, links, similarities, boost=boost)
            there = vectors
            if removed is not None:
                there = vectors.copy()
                there[: len(removed)] *= (1 - removed)[:, None]
            features, question_features, parts = features_of(context, analysis, encoded, there, weights)
            grades = candidate_grades(analysis.candidates, example, index)
            if removed is not None:
                touching = np.array([any(removed[r.id] for r in c.relations) for c in analysis.candidates], bool)
                grades = np.where(touching, np.nan, 0.0).astype(np.float32)  # NaN: not there to be chosen
            kept = _kept_places(grades, model.prune_scores(features) if n_best else None, n_best, n_sampled, rng)
            chosen = [analysis.candidates[i] for i in kept]
            numbers: dict[tuple[object, ...], int] = {}
            yield CandidateRecord(
                graph=graph,
                id=example.id,
                question=text,
                category=example.category,
                split=example.split,
                answerable=bool(example.answers) and removed is None,
                features=features[kept],
                question_features=question_features,
                parts=Parts(parts.places[kept], parts.link_set[kept], parts.link_sets),
                grades=grades[kept],
                lines=tuple(linearizer.line(c.query, c.result) for c in chosen) if n_best else (),
                outcomes=tuple(numbers.setdefault(outcome_key(c), len(numbers)) for c in chosen),
            )


def _kept_places(
    grades: NDArray[np.float32],
    scores: NDArray[np.float32] | None,
    n_best: int,
    n_sampled: int,
    rng: np.random.Generator,
) -> list[int]:
    """Return the places that are kept, the pruner's best first."""
    there = np.flatnonzero(~np.isnan(grades))
    kept: dict[int, None] = {}
    if scores is not None:
        kept = dict.fromkeys(there[np.argsort(-scores[there], kind="stable")][:n_best].tolist())
    right = there[grades[there] >= 0.3]
    right = right[np.argsort(-grades[right], kind="stable")][:30]
    kept |= dict.fromkeys(right.tolist())
    rest = np.setdiff1d(there, np.array(list(kept), np.int64))
    return [*kept, *rng.permutation(rest)[:n_sampled].tolist()]


def best_places(grades: NDArray[np.float32]) -> list[int]:
    """Return the places of the right candidates of a record, all ties."""
    finite = np.nan_to_num(grades, nan=-1.0)
    if len(finite) == 0 or finite.max() < 0.3:
        return []
    return np.flatnonzero(finite >= finite.max() - 1e-6).tolist()


__all__ = [
    "CandidateRecord",
    "RelationRecord",
    "best_candidates",
    "best_places",
    "candidate_records",
    "relation_records",
]

"""Turns folders of graphs and questions into training records, in three steps that mirror the pipeline.

1. `relation_records`: which relations and classes each question needs, found by enumerating with the gold relations
first.
2. `candidate_records`: the candidates the pipeline enumerates with a trained bi-encoder, their features and grades.
3. `reader_records`: the pruner's best candidates as lines, with grades: what the reader learns from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kgqa.datatypes import Question
from kgqa.linking.linker import LabelEntityLinker
from kgqa.pipeline import Analysis, GraphContext, analyze, outcome_key
from kgqa.reasoning.linearization import Linearizer
from kgqa.training.examples import TrainingExample, read_folder
from kgqa.training.targets import best_candidates, candidate_grades, gold_relations

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


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
    """A question with its candidates: one row of features and one grade a candidate. `lines` are the reader's;
    candidates with the same number in `outcomes` answer alike."""

    id: str
    question: str
    category: str
    split: str
    answerable: bool
    features: NDArray[np.float32]
    question_features: NDArray[np.float32]
    grades: NDArray[np.float32]
    lines: tuple[str, ...] = ()
    outcomes: tuple[int, ...] = ()


def relation_records(folder: Path, known_words: frozenset[str]) -> tuple[list[str], int, list[RelationRecord]]:
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
        analysis = analyze(
            context,
            example.question,
            linker.link(Question(example.question)),
            nothing,
            boost=gold_relations(context, example, require=all),
        )
        grades = candidate_grades(analysis.candidates, example, index)
        best = best_candidates(analysis, grades)
        if not best:
            records.append(RelationRecord(example.question, (), (), 0.0, example.split))
            continue
        chosen = min((analysis.candidates[i] for i in best), key=lambda c: len(c.relations))
        positives = {relation.id for relation in chosen.relations}
        answers = [int(node) for node in chosen.result.nodes[:3]]
        wanted = {classes[c] for node in answers for c in index.classes_of(node)[:1]}
        wanted |= {classes[node] for c in chosen.query.constraints if c.kind == "class" for node in c.nodes}
        record = RelationRecord(
            example.question, tuple(sorted(positives)), tuple(sorted(wanted)), float(grades.max()), example.split
        )
        records.append(record)
    return texts, n, records


def candidate_records(
    folder: Path,
    known_words: frozenset[str],
    encode: Encode,
    *,
    keep: Callable[[CandidateRecord], Sequence[int]] | None = None,
    max_examples: int | None = None,
    delete_share: float = 0.0,
    seed: int = 0,
) -> Iterator[CandidateRecord]:
    """Yield what the pipeline would see for each question of a folder.

    With `keep`, only the candidates it chooses are kept, and get their lines. A share of the questions,
    `delete_share`, is also asked of the graph without the relations its gold
    query uses: then nothing is right, and the nearest relation is the trap.
    """
    index, examples = read_folder(folder)
    context = GraphContext.of(index)
    linker = LabelEntityLinker(index, context.labels, known_words)
    linearizer = Linearizer(index, context.schema)
    vectors = encode(context.texts())
    rng = np.random.default_rng(seed)
    if max_examples is not None and len(examples) > max_examples:
        examples = [examples[i] for i in sorted(rng.choice(len(examples), max_examples, replace=False))]
    questions = encode([example.question for example in examples])
    for example, vector in zip(examples, questions, strict=True):
        links = linker.link(Question(example.question))
        similarities = vectors @ vector
        removals: list[NDArray[np.float32] | None] = [None]
        if example.answers and rng.random() < delete_share and example.gold_iris:
            removals.append(gold_relations(context, example, require=any))
        for removed in removals:
            analysis = analyze(
                context, example.question, links, similarities, boost=None if removed is None else -9 * removed
            )
            record = _record(analysis, example, context, removed)
            if keep is not None:
                record = _kept(record, analysis, keep(record), linearizer)
            yield record


def _record(
    analysis: Analysis, example: TrainingExample, context: GraphContext, removed: NDArray[np.float32] | None
) -> CandidateRecord:
    grades = candidate_grades(analysis.candidates, example, context.index)
    if removed is not None:
        touching = np.array([any(removed[r.id] for r in c.relations) for c in analysis.candidates], bool)
        grades = np.where(touching, np.nan, 0.0).astype(np.float32)  # NaN: not there to be chosen
    return CandidateRecord(
        id=example.id,
        question=example.question,
        category=example.category,
        split=example.split,
        answerable=bool(example.answers) and removed is None,
        features=analysis.features,
        question_features=analysis.question_features,
        grades=grades,
    )


def _kept(
    record: CandidateRecord, analysis: Analysis, places: Sequence[int], linearizer: Linearizer
) -> CandidateRecord:
    chosen = list(places)
    numbers: dict[tuple[object, ...], int] = {}
    outcomes = tuple(numbers.setdefault(outcome_key(analysis.candidates[i]), len(numbers)) for i in chosen)
    lines = tuple(linearizer.line(analysis.candidates[i].query, analysis.candidates[i].result) for i in chosen)
    return CandidateRecord(
        record.id, record.question, record.category, record.split, record.answerable,
        record.features[chosen], record.question_features, record.grades[chosen], lines, outcomes,
    )  # fmt: skip


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

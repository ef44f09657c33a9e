"""Which candidates are right: training targets, found by enumerating with the gold relations pushed to the front."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from kgqa.analysis import Analysis, GraphContext
from kgqa.index.graph_index import GraphIndex
from kgqa.reasoning.candidates import Candidate
from kgqa.training.examples import TrainingExample, answer_f1, query_iris, result_keys

MIN_F1 = 0.5


def gold_relations(
    context: GraphContext, example: TrainingExample, *, require: Callable[[Iterable[bool]], bool]
) -> NDArray[np.float32]:
    """Return 1.0 for the relations of which `all` or `any` (as `require`) predicates occur in the gold query, else 0.0.

    Shape: (n_relations,).
    """
    index = context.index
    names = [index.text_of(int(node)) for node in index.pred_terms]
    relations = context.schema.relations
    return np.array([float(require(names[p] in example.gold_iris for p, _ in r.path)) for r in relations], np.float32)


def candidate_grades(
    candidates: Sequence[Candidate], example: TrainingExample, index: GraphIndex
) -> NDArray[np.float32]:
    """Return how right each candidate is, in [0, 1]: answer F1, scaled by how well its IRIs agree with the gold
    query's.

    The agreement separates the gold reading from those that return the same answers by accident. Without gold IRIs
    only the answers count; of a gold query that finds things by their names only its predicates do. Shape:
    (len(candidates),).
    """
    grades = np.zeros(len(candidates), np.float32)
    classes = {index.text_of(c) for c in index.class_sizes}
    predicates = {index.text_of(int(node)) for node in index.pred_terms}
    said_otherwise = (*index.type_predicates, *index.subclass_predicates, *index.label_predicate_ids)
    unsaid = {index.text_of(int(index.pred_terms[p])) for p in said_otherwise}
    gold = example.gold_iris - classes - unsaid
    by_name = bool(example.gold_iris & set(index.labels_used)) and gold <= predicates
    cache: dict[int, float] = {}
    for place, candidate in enumerate(candidates):
        key = id(candidate.result)
        if key not in cache:
            cache[key] = answer_f1(result_keys(candidate, index), example.answers)
        f1 = cache[key]
        if f1 < MIN_F1:
            continue
        if gold:
            named = query_iris(candidate.query, index)
            named = named - (classes - example.gold_iris)
            used = named - classes
            if by_name:
                used &= predicates
            union = len(used | gold)
            agreement = len(used & gold) / union if union else 1.0
            class_fault = 0.05 * len((named & classes) ^ (example.gold_iris & classes))
            f1 *= max(0.0, 0.25 + 0.75 * agreement - class_fault)
        grades[place] = f1
    return grades


def best_candidates(analysis: Analysis, grades: NDArray[np.float32]) -> list[int]:
    """Return the places of the best graded candidates, all ties, if any is right at all."""
    if len(grades) == 0 or grades.max() < 0.3:
        return []
    return np.flatnonzero(grades >= grades.max() - 1e-6).tolist()

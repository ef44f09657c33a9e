"""Readings that compare values or counts: the greatest of many, all in order, which of two.

What the wording hints at opens a direction; the ranker decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from kgqa.index.graph_index import Ids
from kgqa.index.schema import ENTITY, TEXT, Relation
from kgqa.index.values import DATE, NUMBER
from kgqa.reasoning.candidates import Anchor, Core, Readings
from kgqa.reasoning.query_graph import QueryGraph
from kgqa.retrieval.paths import best_relations

_OR = re.compile(r"\b(?:or|ou|o|oder)\b", re.I)
_VALUES = frozenset((NUMBER, DATE))


def enumerate_superlatives(readings: Readings, cores: Sequence[Core]) -> None:
    """Add the greatest and least members of each core, and where the question asks so, all or the first in order."""
    cues = readings.cues
    for core in cores:
        if len(core.nodes) < 2:
            continue
        for relation, by_count in _sort_keys(readings, readings.schema.leaving(core.nodes), 6):
            low_first = (True, False) if cues.low else (True,)
            for descending in low_first if by_count else _directions(readings, relation):
                _add_sorted(readings, core, relation, by_count=by_count, descending=descending)


def enumerate_comparisons(readings: Readings, entities: Sequence[Anchor]) -> None:
    """Add which of the named things has more or less of what they have in common, and whether the first has."""
    for group in readings.groups(entities):
        nodes: Ids = np.array(sorted(anchor.node for anchor in group), np.int32)
        if len(nodes) < 2:
            continue
        core = readings.anchor_core(group)
        among = tuple(anchor.node for anchor in group)
        whether = readings.cues.ask and len(among) == 2 and not _are_alternatives(readings, group)
        for relation, by_count in _sort_keys(readings, readings.common_relations(nodes), 8):
            for descending in (True, False):
                query = QueryGraph(
                    "compare",
                    among=tuple(nodes.tolist()),
                    sort=relation.path,
                    sort_by_count=by_count,
                    descending=descending,
                )
                readings.add(query, core, relation)
                if whether:
                    readings.add(replace(query, operator="ask", among=among), core, relation)


def _sort_keys(readings: Readings, leaving: Sequence[Relation], n_values: int) -> Iterator[tuple[Relation, bool]]:
    """Yield (relation, by count): the best relations to values, then the best to several things."""
    for relation in best_relations(leaving, readings.scores, _VALUES, n_values):
        yield relation, False
    many = [relation for relation in leaving if relation.fan_out > 1.0 or relation.inverse]
    for relation in best_relations(many, readings.scores, frozenset((ENTITY,)), 4):
        yield relation, True


def _directions(readings: Readings, relation: Relation) -> tuple[bool, ...]:
    """Return whether to sort by a value descending, as the wording hints, or both ways."""
    cues = readings.cues
    if relation.end_kind == DATE and cues.early != cues.late and not (cues.high or cues.low):
        return (cues.late,)
    if relation.end_kind == NUMBER and cues.high != cues.low and not (cues.early or cues.late):
        return (cues.high,)
    return (True, False)


def _add_sorted(readings: Readings, core: Core, relation: Relation, *, by_count: bool, descending: bool) -> None:
    cues = readings.cues
    base = QueryGraph(
        "superlative", core.constraints, sort=relation.path, sort_by_count=by_count, descending=descending
    )
    if cues.order:
        readings.add(replace(base, operator="order"), core, relation)
    if cues.n_best is not None:
        readings.add(replace(base, operator="order", n_best=cues.n_best), core, relation)
    if not cues.superlative:
        return
    ranked = replace(base, rank=cues.rank)
    readings.add(ranked, core, relation)
    if not by_count and len(relation.path) == 1:  # "what is the highest salary" asks for the value
        readings.add(replace(ranked, projection=relation.path), core, relation)
    best = readings.found.get(ranked)
    if best is not None and core.links and len(core.constraints) <= 2 and not by_count:
        leaving = readings.schema.leaving(best.result.nodes)
        for onward in best_relations(leaving, readings.scores, frozenset((ENTITY, TEXT)), 2):
            readings.add(replace(ranked, projection=onward.path), core, relation, onward)


def _are_alternatives(readings: Readings, group: Sequence[Anchor]) -> bool:
    """Return whether "or" stands between two names: "is A or B older" asks which, never whether."""
    first, second = sorted((readings.links[anchor.link].mention for anchor in group), key=lambda m: m.start)
    return _OR.search(readings.text[first.end : second.start]) is not None

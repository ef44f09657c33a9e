"""Yes/no readings: whether a fact holds, whether something exists, how two things compare.

A proposition needs no answers: one that is possible by type is a reading, and "no" where it does not hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from kgqa.index.schema import ENTITY, TEXT, Relation, reverse
from kgqa.index.values import BOOLEAN, DATE, NUMBER
from kgqa.reasoning.candidates import SOMETHING, Anchor, Core, Readings, core_order
from kgqa.reasoning.query_graph import Constraint, QueryGraph
from kgqa.reasoning.units import scale_range
from kgqa.retrieval.paths import AnchoredPath, best_relations


def enumerate_propositions(
    readings: Readings,
    anchors: Sequence[Anchor],
    paths: dict[Anchor, list[AnchoredPath]],
    cores: Sequence[Core],
    class_cores: Sequence[Core],
) -> None:
    """Add the yes/no readings to the candidates that were found."""
    entities = [anchor for anchor in anchors if anchor.kind == "entity"]
    for subject in entities:
        core = readings.anchor_core((subject,))
        leaving = readings.schema.leaving(np.array([subject.node], np.int32))
        among = (subject.node,)
        for relation in best_relations(leaving, readings.scores, frozenset((BOOLEAN,)), 4):
            readings.add(QueryGraph("ask", (Constraint("truth", relation.path),), among=among), core, relation)
            if readings.cues.negation:
                query = QueryGraph("ask", (Constraint("truth", relation.path, truth=False),), among=among)
                readings.add(query, core, relation)
        for relation in best_relations(
            _possible(readings, subject.node, leaving), readings.scores, frozenset((ENTITY, TEXT, NUMBER, DATE)), 4
        ):
            readings.add(QueryGraph("ask", (Constraint("exists", relation.path),), among=among), core, relation)
        for relation in best_relations(leaving, readings.scores, frozenset((NUMBER,)), 2):
            query = QueryGraph("ask", (Constraint("range", relation.path, range=SOMETHING),), among=among)
            readings.add(query, core, relation)
        _fact_questions(readings, subject, [a for a in anchors if a.kind in ("entity", "literal")], paths)
        _value_questions(readings, subject, leaving)
        for klass in class_cores:
            if readings.disjoint(core.links, klass.links):
                both = replace(core, links=core.links | klass.links)
                readings.add(QueryGraph("ask", klass.constraints, among=among), both)
    for group in readings.groups(entities):
        if len(group) == 2:
            nodes = np.array([anchor.node for anchor in group], np.int32)
            for relation in best_relations(
                readings.common_relations(nodes), readings.scores, frozenset((ENTITY, TEXT, NUMBER, DATE)), 5
            ):
                query = QueryGraph("ask", among=tuple(nodes.tolist()), shared=relation.path)
                readings.add(query, readings.anchor_core(group), relation)
    for core in sorted(cores, key=core_order)[:60]:
        readings.add(QueryGraph("ask", core.constraints), core)
    _empty_questions(readings, anchors)


def _possible(readings: Readings, node: int, leaving: Sequence[Relation]) -> list[Relation]:
    """The relations a node has, and those that others of its class have."""
    classes = readings.index.classes_of(node)
    more = readings.schema.leaving(readings.index.instances(classes[0])) if classes else []
    return list(dict.fromkeys((*leaving, *more)))


def _fact_questions(
    readings: Readings, subject: Anchor, others: Sequence[Anchor], paths: dict[Anchor, list[AnchoredPath]]
) -> None:
    """Propositions possible by type, true or not: the same class already stands at the end of the relation."""
    possible = _possible(readings, subject.node, readings.schema.leaving(np.array([subject.node], np.int32)))
    for other in others:
        if other.node == subject.node or not readings.disjoint({subject.link}, {other.link}):
            continue
        core = readings.anchor_core((subject, other))
        fitting = [relation for relation in possible if _fits(readings, relation, other)]
        for relation in sorted(fitting, key=lambda r: -float(readings.scores[r.id]))[:5]:
            query = QueryGraph("ask", (Constraint("node", relation.path, (other.node,)),), among=(subject.node,))
            readings.add(query, core, relation)
        for path in paths.get(subject, ()):
            if len(path.relations) == 2 and other.node in path.ends:
                query = QueryGraph("ask", (Constraint("node", path.path, (other.node,)),), among=(subject.node,))
                readings.add(query, core, *path.relations)


def _fits(readings: Readings, relation: Relation, other: Anchor) -> bool:
    if other.kind == "literal":
        return relation.end_kind == TEXT
    if relation.end_kind != ENTITY:
        return False
    entering = {r.path for r in readings.schema.leaving(np.array([other.node], np.int32))}
    if reverse(relation.path) in entering:
        return True
    classes = {readings.index.label(c) for c in readings.index.classes_of(other.node)}
    return relation.end_class in classes


def _value_questions(readings: Readings, subject: Anchor, leaving: Sequence[Relation]) -> None:
    for place, link in enumerate(readings.links):
        for candidate in link.candidates:
            span = candidate.range
            if span is None or not readings.disjoint({subject.link}, {place}):
                continue
            core = replace(readings.anchor_core((subject,)), links=frozenset((subject.link, place)))
            kind = NUMBER if span.kind == "number" else DATE
            for relation in best_relations(leaving, readings.scores, frozenset((kind,)), 4):
                scaled = scale_range(span, readings.units.get(place, ""), relation.label)
                query = QueryGraph("ask", (Constraint("range", relation.path, range=scaled),), among=(subject.node,))
                readings.add(query, core, relation)
            many = [r for r in leaving if r.fan_out > 1.0]
            for relation in best_relations(many, readings.scores, frozenset((ENTITY,)), 2):
                if span.kind == "number":
                    query = QueryGraph("ask", (Constraint("count", relation.path, range=span),), among=(subject.node,))
                    readings.add(query, core, relation)


def _empty_questions(readings: Readings, anchors: Sequence[Anchor]) -> None:
    """Existence under two constraints that nothing meets: "Is there a comedy by Nolan?" may be answered with no."""
    usable = [anchor for anchor in anchors if anchor.kind in ("entity", "literal")]
    for a, b in combinations(usable, 2):
        if not readings.disjoint({a.link}, {b.link}) or a.node == b.node:
            continue
        into = [
            [r for r in readings.schema.leaving(np.array([node], np.int32)) if r.end_kind == ENTITY]
            for node in (a.node, b.node)
        ]
        pairs = [(r, q) for r in into[0] for q in into[1] if r.end_class == q.end_class]
        pairs.sort(key=lambda pair: -float(readings.scores[pair[0].id] + readings.scores[pair[1].id]))
        for r, q in pairs[:4]:
            constraints = (
                Constraint("node", reverse(r.path), (a.node,)),
                Constraint("node", reverse(q.path), (b.node,)),
            )
            readings.add(QueryGraph("ask", constraints), readings.anchor_core((a, b)), r, q)

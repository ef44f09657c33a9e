"""What enumeration makes: anchors, cores and candidates, and the readings found so far for one question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kgqa.datatypes import EntityLink, ValueRange
from kgqa.index.graph_index import GraphIndex, Ids
from kgqa.index.schema import Relation, Schema
from kgqa.reasoning.cues import Cues
from kgqa.reasoning.query_graph import Constraint, Executor, QueryGraph, Remembered, Result
from kgqa.reasoning.units import following_unit

MAX_LOOKED_AT = 64
"""How many members of a large set tell what all are."""
NOTHING = ValueRange("number", 0.0, 0.0)
SOMETHING = ValueRange("number", 0.0, low_inclusive=False)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A node that a mention may name: where enumeration starts. `link` is the place of its link in the question."""

    link: int
    node: int
    score: float
    kind: str


@dataclass(frozen=True, slots=True, eq=False)
class Core:
    """A set of nodes with the constraints that define it. `links` are the mentions it uses, `score` the mean relation
    score."""

    constraints: tuple[Constraint, ...]
    nodes: Ids
    links: frozenset[int]
    relations: tuple[Relation, ...]
    link_score: float
    score: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A query graph with its result and what it was made from."""

    query: QueryGraph
    result: Result
    links: frozenset[int]
    relations: tuple[Relation, ...]
    link_score: float


class Readings:
    """The candidates found for one question, and what finding them needs. `units` are the words after its links."""

    def __init__(
        self,
        index: GraphIndex,
        schema: Schema,
        links: Sequence[EntityLink],
        cues: Cues,
        scores: NDArray[np.float32],
        class_scores: dict[int, float],
        *,
        text: str = "",
        remembered: Remembered | None = None,
    ) -> None:
        self.index, self.schema, self.links, self.cues, self.scores = index, schema, links, cues, scores
        self.class_scores, self.text = class_scores, text
        self.units = {place: following_unit(text, link.mention.end) for place, link in enumerate(links)}
        self.executor = Executor(index, remembered)
        self.found: dict[QueryGraph, Candidate] = {}

    def add(self, query: QueryGraph, core: Core, *more: Relation) -> None:
        """Run a query graph and keep it as a candidate if it answers. `more` are relations beyond those of its core."""
        known = self.found.get(query)
        if known and known.link_score >= core.link_score and len(known.links) >= len(core.links):
            return
        result = self.executor.run(query)
        if not result.is_empty:
            relations = core.relations + tuple(more)
            self.found[query] = Candidate(query, result, core.links, relations, core.link_score)

    def anchor_core(self, group: Sequence[Anchor]) -> Core:
        """Return the anchors' own nodes as a core without constraints."""
        nodes = np.array(sorted({anchor.node for anchor in group}), np.int32)
        links = frozenset(anchor.link for anchor in group)
        return Core((), nodes, links, (), min(anchor.score for anchor in group), 0.0)

    def common_relations(self, nodes: Ids) -> list[Relation]:
        """Return the relations that leave every one of the nodes."""
        per_node = [self.schema.leaving(np.array([node], np.int32)) for node in nodes.tolist()]
        common = set(per_node[0]).intersection(*per_node[1:])
        return [relation for relation in per_node[0] if relation in common]

    def groups(self, entities: Sequence[Anchor]) -> list[tuple[Anchor, ...]]:
        """Combine one candidate a link: all links together where there are three or more, and each pair."""
        by_link: dict[int, list[Anchor]] = {}
        for anchor in entities:
            by_link.setdefault(anchor.link, []).append(anchor)
        groups: list[tuple[Anchor, ...]] = []
        options = [found[:3] for found in by_link.values()]
        for first, second in combinations(options, 2):
            groups += [(a, b) for a in first for b in second if self.disjoint({a.link}, {b.link}) and a.node != b.node]
        for triple in combinations(options, 3):
            tops = tuple(found[0] for found in triple)
            if all(self.disjoint({a.link}, {b.link}) for a, b in combinations(tops, 2)):
                groups.append(tops)
        return groups[:24]

    def disjoint(self, a: Iterable[int], b: Iterable[int]) -> bool:
        """Return whether the mentions of two sets of links do not overlap in the text."""
        for i in a:
            for j in b:
                first, second = self.links[i].mention, self.links[j].mention
                if first.start < second.end and second.start < first.end:
                    return False
        return True


def core_order(core: Core) -> tuple[float, float]:
    """Sort key: more mentions first, then the better relation scores."""
    return -float(len(core.links)), -core.score

"""The part of a remote graph that a question may need: what surrounds the nodes it names, up to three hops.

Each hop follows the relations that read most like the question, as the path retriever will, and is bounded in nodes and
rows. A hub is entered by the best relations only. What is cut off here costs a reading, never a wrong answer: answers
are the engine's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from kgqa.datatypes import Term
from kgqa.protocols import Triple
from kgqa.remote.graph import RemoteGraph
from kgqa.retrieval.paths import N_FIRST
from kgqa.stores.remote_queries import RemoteReader

MAX_ENDS = 80
N_ENTERING_FIRST, N_ENTERING_SECOND, N_ENTERING_THIRD = 12, 8, 4
N_LEAVING_SECOND, N_LEAVING_THIRD = 24, 12
N_LEAVING_CLASS = 16
MAX_INSTANCES = 400
MAX_DESCRIBED = 1500

Step = tuple[Term, bool]


class Neighbourhood:
    """Fetches for one question. `scores` holds one number a relation of the graph's schema."""

    def __init__(self, reader: RemoteReader, graph: RemoteGraph, scores: NDArray[np.float32]) -> None:
        self.reader, self.graph = reader, graph
        self.triples: dict[Triple, None] = {}
        self._described: set[Term] = set()
        self._score: dict[Step, float] = {}
        relations = set(graph.base.relation_predicates)
        for relation in graph.base_schema.relations:
            predicate, inverse = relation.path[0]
            if predicate in relations:
                step = (graph.predicates[predicate], inverse)
                self._score[step] = max(self._score.get(step, -np.inf), float(scores[relation.id]))
        self._naming = (*graph.types, *graph.labels)

    def fetch(self, nodes: Sequence[Term], classes: Sequence[Term]) -> list[Triple]:
        """Return the triples around the entities and literals `nodes`, and a sample of each of `classes`."""
        frontier = self._first_hop(nodes)
        seen = set(nodes)
        for n_leaving, n_entering in ((N_LEAVING_SECOND, N_ENTERING_SECOND), (N_LEAVING_THIRD, N_ENTERING_THIRD)):
            frontier = [node for node in frontier if node not in seen][: self.reader.limits.max_frontier]
            if not frontier:
                break
            seen.update(frontier)
            frontier = self._hop(frontier, n_leaving, n_entering)
        self._instances(classes)
        self.describe(term for s, _, o in list(self.triples) for term in (s, o))
        return list(self.triples)

    def describe(self, terms: Iterable[Term]) -> None:
        """Fetch the types and labels of those terms that have not been described yet."""
        new = [t for t in dict.fromkeys(terms) if t.kind == "uri" and t not in self._described][:MAX_DESCRIBED]
        self._described.update(new)
        self.add(self.reader.describe(new, self._naming))

    def add(self, triples: Iterable[Triple]) -> None:
        """Add triples that were fetched otherwise."""
        self.triples.update(dict.fromkeys(triples))

    def _first_hop(self, nodes: Sequence[Term]) -> list[Term]:
        found = self.reader.leaving(node for node in nodes if node.kind == "uri")
        entering = self.reader.counts_around(nodes, inverse=True)
        by_predicate: dict[Term, list[Term]] = {}
        for node in nodes:
            steps = {(p, True) for n, p in entering if n == node} & self._score.keys()
            if not entering:  # the endpoint could not count them
                steps = {step for step in self._score if step[1]}
            for predicate, _ in self._best(steps, N_ENTERING_FIRST):
                by_predicate.setdefault(predicate, []).append(node)
        for predicate, entered in by_predicate.items():
            found += self.reader.entering(entered, predicate)
        if self.graph.base.has_blank_nodes:
            found += self.reader.around_blank_nodes(nodes)
        self.add(found)
        frontier: dict[Term, None] = {}
        ends = [self._ends(found, {node}) for node in nodes]
        for place in range(N_FIRST):  # the best relation of each node first
            for of_node in ends:
                for step in self._best(of_node, N_FIRST)[place : place + 1]:
                    frontier.update(dict.fromkeys(of_node[step][:MAX_ENDS]))
        return list(frontier)

    def _hop(self, frontier: Sequence[Term], n_leaving: int, n_entering: int) -> list[Term]:
        forward = [predicate for predicate, _ in self._best((s for s in self._score if not s[1]), n_leaving)]
        found = self.reader.leaving(frontier, (*forward, *self._naming))
        self._described.update(frontier)
        for predicate, _ in self._best((s for s in self._score if s[1]), n_entering):
            found += self.reader.entering(frontier, predicate, n=2000)
        if self.graph.base.has_blank_nodes:
            found += self.reader.around_blank_nodes(frontier[: self.reader.limits.batch])
        self.add(found)
        ends = self._ends(found, set(frontier))
        return [node for step in self._best(ends, N_FIRST) for node in ends[step][: 4 * MAX_ENDS]]

    def _ends(self, triples: Iterable[Triple], starts: set[Term]) -> dict[Step, list[Term]]:
        """The IRIs that each scored step leads to from any of `starts`."""
        ends: dict[Step, dict[Term, None]] = {}
        for s, p, o in triples:
            if s in starts and o.kind == "uri" and (p, False) in self._score:
                ends.setdefault((p, False), {})[o] = None
            if o in starts and s.kind == "uri" and (p, True) in self._score:
                ends.setdefault((p, True), {})[s] = None
        return {step: list(found) for step, found in ends.items()}

    def _instances(self, classes: Sequence[Term]) -> None:
        forward = [predicate for predicate, _ in self._best((s for s in self._score if not s[1]), N_LEAVING_CLASS)]
        for klass in classes:
            typed = [t for p in self.graph.types for t in self.reader.entering([klass], p, n=MAX_INSTANCES)]
            self.add(typed)
            members = [s for s, _, _ in typed][: self.reader.limits.batch]
            self.add(self.reader.leaving(members, (*forward, *self._naming)))
            self._described.update(members)

    def _best(self, steps: Iterable[Step], n: int) -> list[Step]:
        return sorted(steps, key=lambda step: (-self._score[step], step[0].value, step[1]))[:n]

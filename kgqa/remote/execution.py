"""Query graphs executed by the remote engine: what it answers is what is given, whatever was fetched before."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kgqa.analysis import GraphContext
from kgqa.datatypes import EntityLink, Term
from kgqa.errors import EndpointError
from kgqa.index.graph_index import GraphIndex
from kgqa.index.schema import Path, reverse
from kgqa.index.values import DATE, NUMBER
from kgqa.protocols import Triple
from kgqa.reasoning.candidates import Candidate
from kgqa.reasoning.query_graph import Constraint, QueryGraph
from kgqa.reasoning.sparql import to_sparql
from kgqa.reasoning.units import following_unit, scale_range
from kgqa.remote.graph import RemoteGraph
from kgqa.retrieval.paths import best_relations
from kgqa.stores.remote_profile import as_number
from kgqa.stores.remote_queries import RemoteReader

QUERY_S = 10.0
ALL_QUERIES_S = 40.0
MAX_WALKED = 60
N_WITNESSED, N_WITNESSES = 3, 5


@dataclass(frozen=True, slots=True)
class Executed:
    """What the engine answered to a candidate: terms in its order, or a count, or a truth value."""

    candidate: Candidate
    terms: tuple[Term, ...] = ()
    count: int | None = None
    truth: bool | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to answer with."""
        return self.truth is None and self.count is None and not self.terms


def execute(reader: RemoteReader, index: GraphIndex, candidates: Sequence[Candidate]) -> list[Executed]:
    """Return what the engine answers to each candidate, those it fails on left out. Raises EndpointError if it fails on
    all.
    """
    deadline = time.monotonic() + ALL_QUERIES_S
    done: list[Executed] = []
    problem: EndpointError | None = None
    for candidate in candidates:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            break
        try:
            executed = _execute(reader, index, candidate, min(QUERY_S, remaining))
        except EndpointError as error:
            problem = error
            continue
        if not executed.is_empty:
            done.append(executed)
    if not done and problem is not None:
        raise problem
    return done


def _execute(reader: RemoteReader, index: GraphIndex, candidate: Candidate, timeout_s: float) -> Executed:
    query = candidate.query
    text = to_sparql(query, index)
    if query.operator == "list" or (query.operator == "order" and query.n_best is None):
        text += f"\nLIMIT {reader.limits.max_answers + 1}"
    result = reader.store.run(text, timeout_s=timeout_s)
    if query.operator == "ask":
        if result.truth is None:
            raise EndpointError("endpoint returned rows for an ASK query")
        return Executed(candidate, truth=result.truth)
    terms = tuple(row[0] for row in result.rows if row and row[0] is not None)
    if len(terms) > reader.limits.max_answers:  # part of an answer is none
        raise EndpointError(f"endpoint has more than {reader.limits.max_answers:,} answers")
    if query.operator == "count":
        return Executed(candidate, count=as_number(terms[0]) if terms else 0)
    return Executed(candidate, terms=tuple(term for term in terms if term.kind != "bnode"))


class Witnesses:
    """Finds, for each value of a question, a few instances of a class that the value allows.

    A sample of a class may hold none of those "over 8000 m", and a reading without any answer is not enumerated.
    """

    def __init__(self, reader: RemoteReader, graph: RemoteGraph, context: GraphContext) -> None:
        self.reader, self.graph, self.context = reader, graph, context

    def find(
        self, text: str, links: Sequence[EntityLink], classes: Sequence[int], scores: NDArray[np.float32]
    ) -> list[Triple]:
        """Return the instances' values and types. `classes` are nodes; `scores` holds one number a relation."""
        found: list[Triple] = []
        for link in links:
            unit = following_unit(text, link.mention.end)
            for span in (candidate.range for candidate in link.candidates if candidate.range is not None):
                kind = frozenset((NUMBER if span.kind == "number" else DATE,))
                for klass in classes:
                    leaving = self.context.schema.leaving(self.context.index.instances(klass))
                    for relation in best_relations(leaving, scores, kind, N_WITNESSED):
                        scaled = scale_range(span, unit, relation.label)
                        found += self._of_class(klass, Constraint("range", relation.path, range=scaled))
        return found

    def _of_class(self, klass: int, allowed: Constraint) -> list[Triple]:
        query = to_sparql(QueryGraph("list", (Constraint("class", nodes=(klass,)), allowed)), self.context.index)
        rows = self.reader.rows(f"{query}\nLIMIT {N_WITNESSES}", optional=True)
        terms = [row[0] for row in rows if row and row[0] is not None and row[0].kind == "uri"]
        predicate = self.graph.predicates[allowed.path[0][0]]
        return self.reader.leaving(terms, [predicate, *self.graph.types]) if terms else []


class Support:
    """Fetches the triples that join answers to what they were asked by."""

    def __init__(self, reader: RemoteReader, graph: RemoteGraph) -> None:
        self.reader, self.graph = reader, graph

    def of_answers(self, executed: Iterable[Executed], n: int) -> list[Triple]:
        """Return a triple or more for each of the first `n` answers of each: enough for a local graph to know them."""
        wanted: dict[tuple[Term, bool], dict[Term, None]] = {}
        for one in executed:
            for step in self._next_to_answers(one.candidate.query):
                wanted.setdefault(step, {}).update(dict.fromkeys(one.terms[:n]))
        found: list[Triple] = []
        for (predicate, is_object), terms in wanted.items():
            if is_object:
                found += self.reader.entering(terms, predicate)
            else:
                found += self.reader.leaving((term for term in terms if term.kind == "uri"), [predicate])
        return found

    def _next_to_answers(self, query: QueryGraph) -> list[tuple[Term, bool]]:
        """The predicates an answer has in the query graph, and whether it is their object."""
        if query.projection:
            predicate, inverse = query.projection[-1]
            return [(self.graph.predicates[predicate], not inverse)]
        paths = [c.path for c in query.constraints if c.path and c.kind not in ("not", "missing")]
        paths += [path for path in (query.sort, query.shared) if path]
        return [(self.graph.predicates[path[0][0]], path[0][1]) for path in paths]

    def of_evidence(self, executed: Executed, index: GraphIndex) -> list[Triple]:
        """Return the triples along the paths of the query graph, from its first answers and the nodes it names."""
        query = executed.candidate.query
        starts = list(executed.terms[:MAX_WALKED])
        found: list[Triple] = []
        if query.projection:
            found, starts = self._walk(starts, reverse(query.projection))
        starts += [index.term(node) for node in query.among]
        starts += [index.term(node) for node in executed.candidate.result.core[:MAX_WALKED].tolist()]
        for constraint in query.constraints:
            if constraint.kind in ("not", "missing", "class"):
                continue
            if constraint.kind == "node":
                ends = [index.term(node) for node in constraint.nodes]
                back, reached = self._walk(ends, reverse(constraint.path))
                found += back
                starts += reached[:MAX_WALKED] if query.operator in ("ask", "count") else []
        for path in [c.path for c in query.constraints if c.path] + [query.sort, query.shared]:
            found += self._walk(starts, path)[0] if path else []
        return found

    def _walk(self, starts: Sequence[Term], path: Path) -> tuple[list[Triple], list[Term]]:
        found: list[Triple] = []
        here = list(dict.fromkeys(starts))
        for predicate, inverse in self.graph.steps(path):
            if self.graph.base.has_blank_nodes:
                found += self.reader.around_blank_nodes(here[:MAX_WALKED])
            step = self.reader.entering(here, predicate) if inverse else self.reader.leaving(here, [predicate])
            found += step
            here = list(dict.fromkeys(s if inverse else o for s, _, o in step))[: 4 * MAX_WALKED]
        return found, here

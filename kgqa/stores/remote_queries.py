"""The bounded queries that a remote graph is read by, in batches of `VALUES`. None can return a whole graph."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kgqa.datatypes import Term
from kgqa.errors import EndpointError
from kgqa.protocols import Row, Triple
from kgqa.stores.endpoint import EndpointStore


@dataclass(frozen=True, slots=True)
class RemoteLimits:
    """How much of a remote graph is looked at.

    The profile, made once: `max_predicates` and `max_classes`, the most used first, `sample_rows` triples of each
    predicate, and every label where there are at most `max_labels`. A question: `max_rows` rows a fetch, `max_frontier`
    nodes a hop, `batch` terms in one VALUES, and `max_answers` answers. Counting distinct subjects is left out for
    predicates of more than `max_counted` triples.
    """

    max_predicates: int = 400
    max_classes: int = 300
    sample_rows: int = 300
    max_labels: int = 50_000
    max_counted: int = 5_000_000
    max_rows: int = 5_000
    max_frontier: int = 500
    batch: int = 250
    max_answers: int = 10_000


class RemoteReader:
    """Reads parts of a remote graph as triples. Literals, and blank nodes by their content, keep their identity."""

    def __init__(self, store: EndpointStore, limits: RemoteLimits | None = None) -> None:
        self.store, self.limits = store, limits or RemoteLimits()

    def rows(self, query: str, *, optional: bool = False, timeout_s: float | None = None) -> Sequence[Row]:
        """Return the rows of a query. Raises EndpointError; where it is `optional`, no rows come back instead."""
        try:
            return self.store.run(query, timeout_s=timeout_s).rows
        except EndpointError:
            if not optional:
                raise
            return ()

    def edges_of(self, predicate: Term, *, n: int, offset: int = 0) -> list[Triple]:
        """Return up to `n` triples of a predicate, in the engine's own order."""
        query = f"SELECT ?s ?o WHERE {{ ?s {predicate.n3()} ?o }} LIMIT {n}" + (f" OFFSET {offset}" if offset else "")
        rows = self.rows(query, optional=offset > 0)
        return [(row[0], predicate, row[1]) for row in rows if row[0] is not None and row[1] is not None]

    def leaving(self, nodes: Iterable[Term], predicates: Iterable[Term] = (), *, n: int | None = None) -> list[Triple]:
        """Return triples that leave any of `nodes`, of the named predicates where there are any.

        At most `n` rows come back for a batch of nodes. Blank nodes cannot be asked about, and are left out.
        """
        named = ", ".join(term.n3() for term in predicates)
        kept = f"FILTER(?p IN ({named}))" if named else ""
        found: list[Triple] = []
        for batch in self._batches(nodes):
            query = (
                f"SELECT ?s ?p ?o WHERE {{ {_values('?s', batch)} ?s ?p ?o {kept} }} LIMIT {n or self.limits.max_rows}"
            )
            found += _full(self.rows(query, optional=True))
        return [triple for triple in found if not _has_blank(triple)]

    def entering(self, nodes: Iterable[Term], predicate: Term, *, n: int | None = None) -> list[Triple]:
        """Return triples of one predicate that enter any of `nodes`, at most `n` for a batch of nodes.

        One predicate at a time: a hub is entered by millions of triples, most of them beside the point.
        """
        found: list[Triple] = []
        for batch in self._batches(nodes):
            pattern = f"{_values('?o', batch)} ?s {predicate.n3()} ?o"
            rows = self.rows(f"SELECT ?s ?o WHERE {{ {pattern} }} LIMIT {n or self.limits.max_rows}", optional=True)
            found += [(row[0], predicate, row[1]) for row in rows if row[0] is not None and row[1] is not None]
        return [triple for triple in found if not _has_blank(triple)]

    def counts_around(self, nodes: Sequence[Term], *, inverse: bool) -> dict[tuple[Term, Term], int]:
        """Return how many triples leave (or enter) each node by each predicate: (node, predicate) -> count."""
        own = "?o" if inverse else "?s"
        found: dict[tuple[Term, Term], int] = {}
        for batch in self._batches(nodes):
            query = (
                f"SELECT {own} ?p (COUNT(*) AS ?n) WHERE {{ {_values(own, batch)} ?s ?p ?o }} "
                f"GROUP BY {own} ?p LIMIT {self.limits.max_rows}"
            )
            for node, predicate, count in _full(self.rows(query, optional=True)):
                found[node, predicate] = _number(count)
        return found

    def around_blank_nodes(self, nodes: Iterable[Term]) -> list[Triple]:
        """Return the triples of the blank nodes next to any of `nodes`, each blank node named by what it holds."""
        found: list[Triple] = []
        for batch in self._batches(nodes):
            for pattern in ("?n ?p ?b", "?b ?p ?n"):
                query = (
                    f"SELECT ?b ?q ?v ?s ?r WHERE {{ {_values('?n', batch)} {pattern} FILTER(isBlank(?b)) "
                    f"{{ ?b ?q ?v }} UNION {{ ?s ?r ?b }} }} LIMIT {self.limits.max_rows}"
                )
                found += _named_by_content(self.rows(query, optional=True))
        return found

    def describe(self, nodes: Iterable[Term], predicates: Iterable[Term]) -> list[Triple]:
        """Return the labels, types or whatever else `predicates` say of the IRIs among `nodes`."""
        return self.leaving((node for node in nodes if node.kind == "uri"), predicates, n=20 * self.limits.batch)

    def with_values(self, literals: Iterable[Term], predicates: Iterable[Term] = (), *, n: int) -> list[Triple]:
        """Return the triples whose object is exactly one of `literals`."""
        wanted = _values("?p", predicates)
        found: list[Triple] = []
        for batch in self._batches(literals):
            query = f"SELECT ?s ?p ?o WHERE {{ {_values('?o', batch)} {wanted} ?s ?p ?o }} LIMIT {n}"
            found += _full(self.rows(query))
        return [triple for triple in found if triple[0].kind == "uri"]

    def _batches(self, terms: Iterable[Term]) -> Iterator[list[Term]]:
        distinct = [term for term in dict.fromkeys(terms) if term.kind != "bnode"]
        size = self.limits.batch
        return (distinct[start : start + size] for start in range(0, len(distinct), size))


def _values(variable: str, terms: Iterable[Term]) -> str:
    listed = " ".join(term.n3() for term in terms)
    return f"VALUES {variable} {{ {listed} }}" if listed else ""


def _full(rows: Iterable[Row]) -> list[Triple]:
    found = []
    for row in rows:
        if len(row) == 3 and row[0] is not None and row[1] is not None and row[2] is not None:
            found.append((row[0], row[1], row[2]))
    return found


def _has_blank(triple: Sequence[Term]) -> bool:
    return any(term.kind == "bnode" for term in triple)


def _number(term: Term) -> int:
    try:
        return max(int(float(term.value)), 0)
    except (ValueError, OverflowError):
        return 0


def _named_by_content(rows: Iterable[Row]) -> list[Triple]:
    """Name each blank node of one result by what is stated about it: names hold within one result only, content stays.

    Statements that join two blank nodes are left out.
    """
    out: dict[Term, set[tuple[Term, Term]]] = {}
    into: dict[Term, set[tuple[Term, Term]]] = {}
    for blank, predicate, value, subject, role in rows:
        if blank is None or blank.kind != "bnode":
            continue
        if predicate is not None and value is not None and value.kind != "bnode":
            out.setdefault(blank, set()).add((predicate, value))
        if subject is not None and role is not None and subject.kind != "bnode":
            into.setdefault(blank, set()).add((subject, role))
    found: list[Triple] = []
    for blank in {**out, **into}:
        stated = sorted((p.n3(), v.n3()) for p, v in out.get(blank, ()))
        stated += sorted((s.n3(), r.n3()) for s, r in into.get(blank, ()))
        node = Term("bnode", "c" + hashlib.sha256(repr(stated).encode()).hexdigest()[:24])
        found += [(node, p, v) for p, v in out.get(blank, ())]
        found += [(s, r, node) for s, r in into.get(blank, ())]
    return found

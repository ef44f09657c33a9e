"""An rdflib Graph or Dataset that the caller already holds, asked as it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import rdflib
from rdflib.query import Result
from rdflib.term import Node

from kgqa.datatypes import RDF_LANG_STRING, XSD_STRING, Term
from kgqa.errors import QueryError
from kgqa.protocols import Row, Triple


def from_rdflib(node: Node) -> Term:
    """Return an rdflib node as a term, its lexical form as rdflib holds it. Raises ValueError for variables and
    formulas.

    rdflib itself rewrites literals when it parses (`01.50` becomes `1.50`) unless `rdflib.NORMALIZE_LITERALS` is False.
    """
    if isinstance(node, rdflib.URIRef):
        return Term("uri", str(node))
    if isinstance(node, rdflib.BNode):
        return Term("bnode", str(node))
    if isinstance(node, rdflib.Literal):
        if node.language:
            return Term("literal", str(node), None, node.language.lower())
        datatype = str(node.datatype) if node.datatype is not None else None
        return Term("literal", str(node), None if datatype in (XSD_STRING, RDF_LANG_STRING) else datatype)
    raise ValueError(f"not an RDF term: {node!r}")


class RdflibStore:
    """A `GraphStore` over an rdflib graph; all named graphs of a Dataset are read as one. The graph is never changed.

    Queries run one at a time, because rdflib's first concurrent ones break. An ill-typed literal, such as "thirty" as
    an
    xsd:integer, is ordered among numbers by rdflib, where SPARQL calls for an error. FROM and SERVICE are not
    blocked: give it only
    queries that were built or checked here.
    """

    def __init__(self, graph: rdflib.Graph) -> None:
        self._is_dataset = isinstance(graph, rdflib.Dataset)
        self._graph = rdflib.Dataset(store=graph.store, default_union=True) if self._is_dataset else graph
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return the number of distinct triples over all named graphs."""
        return sum(1 for _ in self.triples()) if self._is_dataset else len(self._graph)

    def triples(self) -> Iterator[Triple]:
        """Yield every distinct triple, in no stated order."""
        seen: set[Triple] = set()
        for subject, predicate, obj in self._graph.triples((None, None, None)):
            triple = (from_rdflib(subject), from_rdflib(predicate), from_rdflib(obj))
            if self._is_dataset:
                if triple in seen:
                    continue
                seen.add(triple)
            yield triple

    def select(self, query: str) -> Sequence[Row]:
        """Return the rows of a SELECT query, in the query's order. Raises QueryError."""
        result = self._query(query, "SELECT")
        variables = result.vars or []
        return tuple(tuple(from_rdflib(row[v]) if v in row else None for v in variables) for row in result.bindings)

    def ask(self, query: str) -> bool:
        """Return the result of an ASK query. Raises QueryError."""
        return bool(self._query(query, "ASK").askAnswer)

    def _query(self, query: str, kind: str) -> Result:
        try:
            with self._lock:
                result = self._graph.query(query)
                if result.type == "SELECT":
                    _ = result.bindings
        except Exception as error:  # rdflib raises its parser's and its evaluator's own kinds, and plain Exception
            raise QueryError(" ".join(str(error).split()) or type(error).__name__) from error
        if result.type != kind:
            raise QueryError(f"this is not {'an' if kind == 'ASK' else 'a'} {kind} query")
        return result

"""The index of a graph as an rdflib graph, to be read with rdflib's own methods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import rdflib
from rdflib.store import Store
from rdflib.term import Node

from kgqa.datatypes import Term
from kgqa.index.graph_index import GraphIndex
from kgqa.stores.rdflib_store import from_rdflib

Pattern = tuple[Node | None, Node | None, Node | None]
RdflibTriple = tuple[Node, Node, Node]


def view_of(index: GraphIndex) -> rdflib.Graph:
    """Return a read-only rdflib graph over an index; adding to it, or taking away, raises TypeError."""
    return rdflib.Graph(store=IndexStore(index))


def to_rdflib(term: Term) -> rdflib.URIRef | rdflib.BNode | rdflib.Literal:
    """Return a term as an rdflib node, its lexical form untouched."""
    if term.kind == "uri":
        return rdflib.URIRef(term.value)
    if term.kind == "bnode":
        return rdflib.BNode(term.value)
    datatype = rdflib.URIRef(term.datatype) if term.datatype else None
    return rdflib.Literal(term.value, lang=term.lang, datatype=datatype, normalize=False)


class IndexStore(Store):
    """An rdflib store that answers triple patterns from a `GraphIndex`."""

    def __init__(self, index: GraphIndex) -> None:
        super().__init__()
        self._index = index

    def __len__(self, context: Any = None) -> int:
        """Return the number of triples."""
        return self._index.n_triples

    def triples(self, triple_pattern: Any, context: Any = None) -> Iterator[tuple[RdflibTriple, Iterator[None]]]:
        """Yield the triples that match a pattern, in which None stands for anything."""
        index = self._index
        wanted: list[int | None] = [None, None, None]
        for place, node in enumerate(triple_pattern):
            if node is not None:
                wanted[place] = index.find_term(from_rdflib(node))
                if wanted[place] == -1:
                    return
        for s, p, o in self._matching(*wanted):
            predicate = to_rdflib(index.term(int(index.pred_terms[p])))
            yield (to_rdflib(index.term(s)), predicate, to_rdflib(index.term(o))), iter(())

    def _matching(self, s: int | None, p: int | None, o: int | None) -> Iterator[tuple[int, int, int]]:
        index = self._index
        dense = None if p is None else index.predicate_id(index.text_of(p))
        if dense == -1:
            return
        if s is not None:
            for q, end in zip(*(column.tolist() for column in index.out_row(s)), strict=True):
                if dense in (None, q) and o in (None, end):
                    yield s, q, end
        elif o is not None:
            for q, start in zip(*(column.tolist() for column in index.in_row(o)), strict=True):
                if dense in (None, q):
                    yield start, q, o
        else:
            for q in range(index.n_predicates) if dense is None else (dense,):
                for start, end in zip(*(column.tolist() for column in index.pairs(q)), strict=True):
                    yield start, q, end

    def add(self, *_: object, **__: object) -> NoReturn:
        """Raise TypeError: the graph is loaded by kgqa, not changed in place."""
        raise TypeError("this graph is read-only; load the files again to change it")

    def remove(self, *_: object, **__: object) -> NoReturn:
        """Raise TypeError, as `add` does."""
        raise TypeError("this graph is read-only; load the files again to change it")

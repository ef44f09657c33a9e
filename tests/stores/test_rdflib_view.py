"""A graph as rdflib's, and an rdflib graph as one that can be asked."""

from __future__ import annotations

import gc
import itertools
from pathlib import Path

import pytest
import rdflib

from kgqa.datatypes import XSD, Term, iri, literal
from kgqa.index.graph_index import GraphIndex
from kgqa.protocols import Triple
from kgqa.stores.catalog import LoadedGraph, open_graph
from kgqa.stores.rdflib_view import to_rdflib, view_of

E = "http://example.org/"
A, B, P, Q = (iri(E + name) for name in "abpq")
TRIPLES: list[Triple] = [
    (A, P, B),
    (A, P, A),
    (B, P, A),
    (A, Q, literal("01.50", XSD + "decimal")),
    (B, Q, literal("x", lang="en")),
    (Term("bnode", "b0"), Q, literal("x")),
]


@pytest.fixture
def view() -> rdflib.Graph:
    return view_of(GraphIndex.from_triples(TRIPLES))


def test_every_pattern_matches_what_it_matches_in_a_list_of_triples(view: rdflib.Graph) -> None:
    terms = [None, A, B, P, Q, literal("x"), literal("x", lang="en"), iri(E + "unknown")]
    for pattern in itertools.product(terms, (None, P, Q, A), terms):
        wanted = [t for t in TRIPLES if all(p is None or p == term for p, term in zip(pattern, t, strict=True))]
        nodes = tuple(None if term is None else to_rdflib(term) for term in pattern)
        found = list(view.triples(nodes))  # type: ignore[arg-type]
        assert len(found) == len(wanted)
        assert set(found) == {tuple(map(to_rdflib, triple)) for triple in wanted}


def test_rdflib_asks_the_view_in_sparql(view: rdflib.Graph) -> None:
    rows = view.query(f"SELECT ?x {{ <{A.value}> <{P.value}>/<{P.value}> ?x . FILTER(?x != <{A.value}>) }}")
    assert [row[0] for row in rows] == [rdflib.URIRef(B.value)]  # type: ignore[index]


def test_literals_keep_the_spelling_of_the_file(view: rdflib.Graph) -> None:
    assert str(view.value(rdflib.URIRef(A.value), rdflib.URIRef(Q.value))) == "01.50"
    assert len(view) == len(TRIPLES)


def test_the_view_cannot_be_changed(view: rdflib.Graph) -> None:
    triple = tuple(map(to_rdflib, TRIPLES[0]))
    with pytest.raises(TypeError, match="read-only"):
        view.add(triple)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="read-only"):
        view.remove(triple)  # type: ignore[arg-type]


def test_an_rdflib_graph_is_asked_as_it_is() -> None:
    graph = rdflib.Graph()
    graph.add(tuple(map(to_rdflib, TRIPLES[0])))  # type: ignore[arg-type]
    opened = open_graph(graph)
    assert open_graph(opened) is opened
    assert opened.index.n_triples == 1
    assert opened.store.ask(f"ASK {{ <{A.value}> <{P.value}> <{B.value}> }}")
    assert set(opened.to_rdflib()) == set(graph)
    folder = opened.folder
    assert folder.is_dir()
    del opened
    gc.collect()
    assert not folder.exists()


def test_a_pipeline_answers_over_an_rdflib_graph() -> None:
    from kgqa import Pipeline

    graph = rdflib.Graph()
    graph.parse(Path(__file__).parents[2] / "graphs" / "family.ttl")
    prediction = Pipeline.load(graph)("Who is Clara Moreau married to?")
    assert [answer.label for answer in prediction.answers] == ["Dan Novak"]
    assert LoadedGraph.from_rdflib(graph).index.n_triples == len(graph)

"""Facts about how a query graph is put into a line."""

from __future__ import annotations

import numpy as np

from kgqa.datatypes import RDF_TYPE, RDFS, iri, literal
from kgqa.index.graph_index import GraphIndex
from kgqa.index.schema import Schema
from kgqa.protocols import Triple
from kgqa.reasoning.linearization import Linearizer
from kgqa.reasoning.query_graph import Constraint, Executor, QueryGraph

E = "http://places.example/"


def places(n_cities: int, n_mountains: int) -> GraphIndex:
    """Return cities and mountains of one country, the cities first by their ids."""
    triples: list[Triple] = [(iri(E + "japan"), iri(RDFS + "label"), literal("Japan"))]
    for kind, n in (("City", n_cities), ("Mountain", n_mountains)):
        for number in range(n):
            place = iri(f"{E}{kind}/{number:04}")
            triples += [(place, iri(RDF_TYPE), iri(E + kind)), (place, iri(E + "country"), iri(E + "japan"))]
    return GraphIndex.from_triples(triples)


def line_of(index: GraphIndex) -> str:
    path = ((index.predicate_id(E + "country"), False),)
    query = QueryGraph("list", (Constraint("node", path, (index.find(E + "japan"),)),))
    result = Executor(index).run(query)
    assert np.all(result.nodes[1:] > result.nodes[:-1])
    return Linearizer(index, Schema(index)).line(query, result).partition(" | ")[0]


def test_a_class_is_said_where_all_are_of_it() -> None:
    assert line_of(places(300, 0)) == "city whose country is Japan"


def test_a_class_is_not_said_of_many_where_the_last_of_them_are_of_another() -> None:
    assert line_of(places(300, 40)) == "thing whose country is Japan"

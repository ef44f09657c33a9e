"""Graphs on which the index and SPARQL once disagreed, or SPARQL was not SPARQL at all."""

from __future__ import annotations

import pyoxigraph as ox
import pytest
from rdflib.plugins.sparql import prepareQuery

from kgqa.datatypes import RDF_TYPE, RDFS, XSD, Term, ValueRange, iri, literal
from kgqa.index.graph_index import GraphIndex
from kgqa.index.schema import Path
from kgqa.index.values import days_since_epoch
from kgqa.protocols import Triple
from kgqa.reasoning.query_graph import Constraint, Executor, QueryGraph
from kgqa.reasoning.sparql import to_sparql
from kgqa.stores.oxigraph import OxigraphStore

E = "http://example.org/"
A, B, C, KLASS, SIZE, BORN, KNOWS = (iri(E + name) for name in ("a", "b", "c", "Thing", "size", "born", "knows"))
TYPE, SUBCLASS, BLANK = iri(RDF_TYPE), iri(RDFS + "subClassOf"), Term("bnode", "b1")
ALL: tuple[Triple, ...] = tuple((thing, TYPE, KLASS) for thing in (A, B, C))


def number(text: str, datatype: str = "integer") -> Term:
    return literal(text, XSD + datatype)


def day(text: str, datatype: str = "date") -> Term:
    return literal(text, XSD + datatype)


class Graph:
    """A graph in the index and in a store, with the ids of its terms."""

    def __init__(self, *triples: Triple) -> None:
        self.index, self.store = GraphIndex.from_triples(triples), OxigraphStore.in_memory(triples)

    def node(self, term: Term) -> int:
        return next(n for n in range(self.index.n_terms) if self.index.term(n) == term)

    def path(self, *predicates: Term) -> Path:
        return tuple((self.index.predicate_id(p.value), False) for p in predicates)

    def things(self) -> Constraint:
        return Constraint("class", nodes=(self.node(KLASS),))

    def both(self, query: QueryGraph) -> list[str]:
        """What the index answers, after asserting that SPARQL answers the same."""
        result, text = Executor(self.index).run(query), to_sparql(query, self.index)
        prepareQuery(text)
        if query.operator == "ask":
            assert self.store.ask(text) is result.truth, text
            return [str(result.truth)]
        mine = [self.index.term(node) for node in result.nodes.tolist()]
        rows = [row[0] for row in self.store.select(text)]
        if query.operator == "order":
            assert rows == mine, text
        else:
            assert len(rows) == len(set(rows)) and set(rows) == set(mine), text
        return [term.value.removeprefix(E) for term in mine]


def test_instances_that_are_blank_nodes_are_no_answers() -> None:
    graph = Graph(*ALL, (BLANK, TYPE, KLASS))
    assert graph.both(QueryGraph("list", (graph.things(),))) == ["a", "b", "c"]


def test_a_blank_node_wins_no_superlative() -> None:
    graph = Graph(
        *ALL, (BLANK, TYPE, KLASS), (BLANK, SIZE, number("9")), (A, SIZE, number("2")), (B, SIZE, number("1"))
    )
    assert graph.both(QueryGraph("superlative", (graph.things(),), sort=graph.path(SIZE))) == ["a"]
    assert graph.both(QueryGraph("order", (graph.things(),), sort=graph.path(SIZE))) == ["a", "b"]


def test_a_projection_of_a_superlative_ends_in_no_blank_node() -> None:
    graph = Graph(*ALL, (A, SIZE, number("2")), (A, KNOWS, BLANK), (A, KNOWS, C))
    query = QueryGraph("superlative", (graph.things(),), sort=graph.path(SIZE), projection=graph.path(KNOWS))
    assert graph.both(query) == ["c"]


def test_a_blank_node_can_be_excluded() -> None:
    graph = Graph(*ALL, (A, KNOWS, BLANK), (A, KNOWS, C))
    query = QueryGraph("list", (graph.things(),), projection=graph.path(KNOWS), exclude=(graph.node(BLANK),))
    assert graph.both(query) == ["c"]


def test_excluding_a_literal_keeps_literals_of_other_types() -> None:
    custom, other = literal("x", E + "custom"), literal("y", E + "custom")
    graph = Graph(*ALL, (A, KNOWS, custom), (A, KNOWS, other), (A, KNOWS, number("5")))
    query = QueryGraph("list", (graph.things(),), projection=graph.path(KNOWS), exclude=(graph.node(custom),))
    assert sorted(graph.both(query)) == ["5", "y"]


def test_subclasses_that_are_blank_nodes_are_not_written() -> None:
    graph = Graph(
        (BLANK, SUBCLASS, KLASS), (iri(E + "Sub"), SUBCLASS, BLANK), (A, TYPE, iri(E + "Sub")), (B, TYPE, KLASS)
    )
    assert sorted(graph.both(QueryGraph("list", (graph.things(),)))) == ["a", "b"]


def test_a_text_among_numbers_is_no_extremum() -> None:
    graph = Graph(*ALL, (A, SIZE, literal("unknown")), (B, SIZE, number("7")), (C, SIZE, number("x")))
    for descending in (True, False):
        query = QueryGraph("superlative", (graph.things(),), sort=graph.path(SIZE), descending=descending)
        assert graph.both(query) == ["b"]


def test_numbers_and_dates_under_one_predicate_are_not_compared() -> None:
    graph = Graph(*ALL, (A, BORN, day("2001-01-01")), (B, BORN, day("1960-01-01")), (C, BORN, number("20000")))
    query = QueryGraph("superlative", (graph.things(),), sort=graph.path(BORN))
    assert graph.both(query) == ["a"]


def test_one_value_in_two_datatypes_takes_one_rank() -> None:
    graph = Graph(*ALL, (A, SIZE, number("3")), (B, SIZE, number("3", "decimal")), (C, SIZE, number("1")))
    query = QueryGraph("superlative", (graph.things(),), sort=graph.path(SIZE), rank=2)
    assert graph.both(query) == ["c"]


def test_an_answer_that_has_the_extreme_value_twice_is_given_once() -> None:
    graph = Graph(*ALL, (A, SIZE, number("3")), (A, SIZE, number("3", "decimal")))
    assert graph.both(QueryGraph("superlative", (graph.things(),), sort=graph.path(SIZE))) == ["a"]


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        ((day("2001", "gYear"), day("2000-12-31"), day("2001-01-01T10:00:00", "dateTime")), ["b", "a", "c"]),
        ((day("2001-05", "gYearMonth"), day("2001-04-30Z"), day("2001-06", "gYearMonth")), ["b", "a", "c"]),
        ((day("-0044-03-15"), day("-0100-07-12"), day("0014-08-19")), ["b", "a", "c"]),
    ],
    ids=["year, day and time", "time zone", "before the common era"],
)
def test_dates_of_several_precisions_are_ordered(texts: tuple[Term, Term, Term], order: list[str]) -> None:
    graph = Graph(*ALL, *((thing, BORN, text) for thing, text in zip((A, B, C), texts, strict=True)))
    assert graph.both(QueryGraph("order", (graph.things(),), sort=graph.path(BORN), descending=False)) == order


def test_a_number_is_not_within_a_range_of_dates() -> None:
    graph = Graph(*ALL, (A, BORN, number("1950")), (B, BORN, day("1950", "gYear")), (C, BORN, day("1950-99-99")))
    fifties = ValueRange("date", days_since_epoch(1950), days_since_epoch(1960), True, False)
    query = QueryGraph("list", (graph.things(), Constraint("range", graph.path(BORN), range=fifties)))
    assert graph.both(query) == ["b"]


def test_a_bare_number_is_not_compared_with_a_duration() -> None:
    graph = Graph(*ALL, (A, SIZE, number("PT2H", "duration")), (B, SIZE, number("PT1M", "duration")))
    over = Constraint("range", graph.path(SIZE), range=ValueRange("number", low=90.0))
    assert graph.both(QueryGraph("list", (graph.things(), over))) == []


@pytest.mark.parametrize(
    "span",
    [
        ValueRange("date", high=days_since_epoch(10000), high_inclusive=False),
        ValueRange("date", low=days_since_epoch(-5)),
    ],
    ids=["until 9999", "from before the common era"],
)
def test_bounds_outside_the_calendar_can_be_written(span: ValueRange) -> None:
    graph = Graph(*ALL, (A, BORN, day("1950-01-01")))
    assert graph.both(QueryGraph("list", (graph.things(), Constraint("range", graph.path(BORN), range=span)))) == ["a"]


def test_the_number_one_is_not_the_truth() -> None:
    graph = Graph(*ALL, (A, KNOWS, number("1")), (B, KNOWS, literal("true", XSD + "boolean")))
    assert graph.both(QueryGraph("list", (graph.things(), Constraint("truth", graph.path(KNOWS))))) == ["b"]


@pytest.mark.parametrize("descending", [True, False], ids=["greater", "smaller"])
def test_things_with_several_values_are_compared_by_the_extreme(descending: bool) -> None:
    """6 is neither greater than the greatest of 5 and 9, nor smaller than the smallest."""
    graph = Graph((A, SIZE, number("6")), (B, SIZE, number("5")), (B, SIZE, number("9")))
    two = (graph.node(A), graph.node(B))
    assert graph.both(QueryGraph("ask", among=two, sort=graph.path(SIZE), descending=descending)) == ["False"]


def test_every_query_is_one_that_oxigraph_can_read() -> None:
    hostile = literal('a"b\\c\n}', lang="en")
    graph = Graph((A, KNOWS, hostile), (B, KNOWS, hostile))
    query = QueryGraph("list", (Constraint("node", graph.path(KNOWS), (graph.node(hostile),)),))
    ox.Store().query(to_sparql(query, graph.index))
    assert graph.both(query) == ["a", "b"]

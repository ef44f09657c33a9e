"""Facts about the execution of query graphs: what is remembered for other questions, and the order of large classes."""

from __future__ import annotations

import pytest

from kgqa.datatypes import RDF_TYPE, XSD, iri, literal
from kgqa.index.graph_index import GraphIndex
from kgqa.reasoning.query_graph import Constraint, Executor, QueryGraph, Remembered

E = "http://example.org/"
F = "https://kgqa.example/family#"
HEIGHTS = [i * 37 % 20 for i in range(100)]  # five hills of each height


@pytest.fixture(scope="module")
def hills() -> GraphIndex:
    triples = [(iri(f"{E}hill{i:02}"), iri(RDF_TYPE), iri(E + "Hill")) for i in range(100)]
    triples += [
        (iri(f"{E}hill{i:02}"), iri(E + "height"), literal(str(height), datatype=XSD + "integer"))
        for i, height in enumerate(HEIGHTS)
    ]
    return GraphIndex.from_triples(triples)


def highest(index: GraphIndex, *, n_best: int | None, descending: bool) -> QueryGraph:
    hill = Constraint("class", nodes=(index.find(E + "Hill"),))
    path = ((index.predicate_id(E + "height"), False),)
    return QueryGraph("order", (hill,), sort=path, n_best=n_best, descending=descending)


@pytest.mark.parametrize("descending", [True, False], ids=["highest", "lowest"])
@pytest.mark.parametrize("n_best", [None, 1, 7, 100, 500])
def test_the_first_of_an_order_are_those_of_a_sorted_list(
    hills: GraphIndex, n_best: int | None, descending: bool
) -> None:
    result = Executor(hills).run(highest(hills, n_best=n_best, descending=descending))
    ordered = sorted(range(100), key=lambda i: (-HEIGHTS[i] if descending else HEIGHTS[i], i))[:n_best]
    assert hills.texts_of(result.nodes) == [f"{E}hill{i:02}" for i in ordered]
    assert result.values == tuple(float(HEIGHTS[i]) for i in ordered)


def test_what_a_class_gave_is_worked_out_once_for_all_questions(hills: GraphIndex) -> None:
    remembered, query = Remembered(), highest(hills, n_best=3, descending=True)
    first = Executor(hills, remembered).run(query)
    assert Executor(hills, remembered).run(query) is first


def test_what_depends_on_a_name_is_not_remembered(family_index: GraphIndex) -> None:
    clara, person = family_index.find(F + "Clara"), Constraint("class", nodes=(family_index.find(F + "Person"),))
    parent = ((family_index.predicate_id(F + "parent"), False),)
    remembered = Remembered()
    for query in (
        QueryGraph("list", (person, Constraint("node", parent, (clara,)))),
        QueryGraph("list", (person, Constraint("not", parent, (clara,)))),
        QueryGraph("list", (person,), exclude=(clara,)),
        QueryGraph("list", (person,), among=(clara,)),
    ):
        Executor(family_index, remembered).run(query)
        assert remembered.get(query) is None


def test_the_longest_unused_result_is_forgotten_first(hills: GraphIndex) -> None:
    first, second, third = (highest(hills, n_best=n, descending=True) for n in (1, 2, 3))
    result = Executor(hills).run(first)
    remembered = Remembered(max_bytes=4000)  # each takes a kilobyte, and 400 bytes of the hills it is about
    for query in (first, second):
        remembered.keep(query, result)
    remembered.get(first)
    remembered.keep(third, result)
    assert [remembered.get(query) is None for query in (first, second, third)] == [False, True, False]

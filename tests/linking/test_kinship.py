"""Facts about kinship and gender said in the words of a graph."""

from __future__ import annotations

import pytest

from kgqa.analysis import GraphContext
from kgqa.datatypes import RDFS, EntityCandidate, EntityLink, Mention, iri, literal
from kgqa.index.graph_index import GraphIndex
from kgqa.linking.kinship import Kinship
from kgqa.protocols import Triple

E = "http://family.example/"


def kinship(*predicates: str, genders: tuple[str, ...] = ("female", "male")) -> Kinship:
    """Return the kinship of a graph with these predicates between two persons, whose genders it states."""
    triples: list[Triple] = [(iri(E + "ann"), iri(E + name), iri(E + "bo")) for name in predicates]
    triples += [(iri(E + f"p{n}"), iri(E + "gender"), literal(gender)) for n, gender in enumerate(genders)]
    triples += [(iri(E + "ann"), iri(RDFS + "label"), literal("Ann"))]
    return GraphContext.of(GraphIndex.from_triples(triples)).kinship


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Who was Ann's mother?", "Who was Ann's female parent?"),
        ("the sons of Ann", "the male children of Ann"),
        ("Which women are tall?", "Which female people are tall?"),
        ("Who is Ann's grandfather?", "Who is Ann's parent's male parent?"),
        ("the grandchildren of Ann", "the children of the child of Ann"),
        ("How many brothers and sisters has Ann?", "How many siblings has Ann?"),
        ("Ann's sons and grandsons", "Ann's male children and grandsons"),
        ("Who is Ann's husband?", "Who is Ann's husband?"),
        ("the great-grandmother of Ann", "the great-grandmother of Ann"),
        ("the seasons of the year", "the seasons of the year"),
    ],
)
def test_a_word_is_put_as_the_graph_states_it(text: str, expected: str) -> None:
    assert kinship("parent").spelled_out(text, ()) == expected


def test_a_graph_with_a_word_of_its_own_is_asked_in_it() -> None:
    assert kinship("mother", "parent").spelled_out("Who was Ann's mother?", ()) == "Who was Ann's mother?"


def test_a_gender_that_is_not_told_is_not_said() -> None:
    untold = kinship("parent", genders=())
    assert untold.spelled_out("Who was Ann's mother?", ()) == "Who was Ann's mother?"
    assert untold.spelled_out("Who was Ann's grandmother?", ()) == "Who was Ann's parent's parent?"


def test_without_parents_there_are_no_mothers() -> None:
    assert kinship("knows").spelled_out("Who was Ann's mother?", ()) == "Who was Ann's mother?"


def test_names_stay_as_they_are() -> None:
    text = "Who wrote The Good Son?"
    name = EntityLink(Mention(10, 22, "The Good Son"), (EntityCandidate(iri(E + "book"), "The Good Son", 1.0),))
    assert kinship("parent").spelled_out(text, (name,)) == text

"""Questions in other languages, in English words, with the graph's own labels as a dictionary."""

from __future__ import annotations

import pytest

from kgqa.datatypes import RDF_TYPE, RDFS, Question, Term, iri, literal
from kgqa.index.graph_index import GraphIndex
from kgqa.index.labels import LabelIndex
from kgqa.linking.glossary import Glossary
from kgqa.linking.linker import LabelEntityLinker

EX = "http://example.org/"


def _labelled(name: str, **labels: str) -> list[tuple[Term, Term, Term]]:
    return [(iri(EX + name), iri(RDFS + "label"), literal(text, lang=lang)) for lang, text in labels.items()]


@pytest.fixture(scope="module")
def index() -> GraphIndex:
    triples = [
        (iri(EX + "isl"), iri(RDF_TYPE), iri(EX + "Land")),
        (iri(EX + "isl"), iri(EX + "p1"), literal("103000", "http://www.w3.org/2001/XMLSchema#integer")),
        *_labelled("isl", en="Iceland", fr="Islande"),
        *_labelled("Land", en="country", fr="pays"),
        *_labelled("p1", en="surface measure", fr="étendue totale"),
    ]
    return GraphIndex.from_triples(triples)


def _english(index: GraphIndex, text: str) -> str:
    linker = LabelEntityLinker(index, LabelIndex(index))
    return Glossary(index).english(text, linker.link(Question(text)))


def test_an_english_question_is_unchanged(index: GraphIndex) -> None:
    assert _english(index, "What is the surface measure of Iceland?") == "What is the surface measure of Iceland?"


def test_a_label_of_the_schema_is_said_as_its_english_one_and_names_stay(index: GraphIndex) -> None:
    english = _english(index, "Quelle est l'étendue totale de l'Islande ?")
    assert "surface measure" in english
    assert "Islande" in english

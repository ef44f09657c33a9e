"""Facts about the adjectives and people of places."""

from __future__ import annotations

from kgqa.datatypes import RDF_TYPE, RDFS, Question, iri, literal
from kgqa.index.graph_index import GraphIndex
from kgqa.index.labels import LabelIndex
from kgqa.linking.demonyms import places_by_demonym
from kgqa.linking.linker import LabelEntityLinker
from kgqa.protocols import Triple

E = "http://example.org/"


def linked(text: str, *names: str) -> list[tuple[str, str]]:
    triples: list[Triple] = []
    for name in names:
        node = iri(E + name.replace(" ", "_"))
        triples += [(node, iri(RDFS + "label"), literal(name)), (node, iri(RDF_TYPE), iri(E + "Thing"))]
    index = GraphIndex.from_triples(triples)
    links = LabelEntityLinker(index, LabelIndex(index), {"studios": 9}).link(Question(text))
    return [(link.mention.text, link.candidates[0].label) for link in links if link.candidates]


def test_a_demonym_names_its_place_in_any_number() -> None:
    assert linked("Finnish studios", "Finland", "France") == [("Finnish", "Finland")]
    assert linked("studios of Finns", "Finland", "France") == [("Finns", "Finland")]


def test_a_place_that_the_graph_lacks_is_not_named() -> None:
    assert linked("Finnish studios", "France") == []


def test_a_label_goes_before_a_demonym() -> None:
    assert linked("Spanish studios", "Spain", "Spanish") == [("Spanish", "Spanish")]


def test_a_demonym_may_stand_for_several_places() -> None:
    assert set(places_by_demonym()["korean"]) == {"North Korea", "South Korea", "Korea"}
    assert all(places for places in places_by_demonym().values())

"""Facts about linking questions to the labels of a graph."""

from __future__ import annotations

import pytest

from kgqa.datatypes import RDF_TYPE, RDFS, EntityLink, Question, iri, literal
from kgqa.index.graph_index import GraphIndex
from kgqa.index.labels import LabelIndex
from kgqa.linking.linker import LabelEntityLinker
from kgqa.protocols import EntityLinker, Triple

E = "http://example.org/"
KNOWN = dict.fromkeys(
    "who what where which when is are was the born film live city people person parent near landing".split(), 2000
)
NAMES = {
    "york": "York", "newyork": "New York", "einstein": "Albert Einstein", "zurich": "Zürich", "it": "It",
    "thewho": "The Who", "munich": "Munich", "dune": "Dune", "moon": "Moon Landing",
}  # fmt: skip
ALT = iri("http://www.w3.org/2004/02/skos/core#altLabel")


@pytest.fixture(scope="module")
def linker() -> EntityLinker:
    label = iri(RDFS + "label")
    triples: list[Triple] = [(iri(E + key), label, literal(name, lang="en")) for key, name in NAMES.items()]
    triples += [(iri(E + key), iri(E + "near"), iri(E + "york")) for key in NAMES]
    triples += [
        (iri(E + "newyork"), ALT, literal("Big Apple")),
        (iri(E + "york"), iri(RDF_TYPE), iri(E + "City")),
        (iri(E + "City"), label, literal("city")),
        (iri(E + "dune"), iri(E + "genre"), literal("science fiction")),
    ]
    index = GraphIndex.from_triples(triples)
    return LabelEntityLinker(index, LabelIndex(index), KNOWN)


def shown(links: tuple[EntityLink, ...]) -> list[tuple[str, str]]:
    """Each mention with the local name or text of its best candidate, "NIL" for none."""
    return [
        (link.mention.text, link.candidates[0].entity.value.removeprefix(E) if link.candidates else "NIL")
        for link in links
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Who was Albert Einstein?", [("Albert Einstein", "einstein")]),
        ("who was albert einstein", [("albert einstein", "einstein")]),
        ("WHERE IS ZURICH", [("ZURICH", "zurich")]),
        ("Where is Zürich?", [("Zürich", "zurich")]),
        ("Where is Zu\u0308rich?", [("Zu\u0308rich", "zurich")]),
        ("Which cities?", [("cities", "City")]),
        ("What is near the Big Apple?", [("Big Apple", "newyork")]),
        ("Who was Einstein?", [("Einstein", "einstein")]),
        ("Who was Albert Einstien?", [("Albert Einstien", "einstein"), ("Einstien", "einstein")]),
        ("Who was Alberrt Eisntien?", [("Alberrt Eisntien", "einstein")]),
        ("Who was Alberta Winston?", [("Alberta Winston", "NIL")]),
        ("Where was Einstein’s parent born?", [("Einstein", "einstein")]),
        ("Where is New York?", [("New York", "newyork")]),
        ("Who was Albert of Ruritania?", [("Albert", "NIL"), ("Ruritania", "NIL")]),
        ("Where is York?", [("York", "york")]),
        ("Where is it?", []),
        ("Where was the film It born?", [("It", "it")]),
        ("Where are The Who?", [("The Who", "thewho")]),
        ("which are science fiction", [("science fiction", "science fiction")]),
        ("Where is Gondor?", [("Gondor", "NIL")]),
        ("Where is Minas Tirith?", [("Minas Tirith", "NIL")]),
        ("Who was Mileva Einstein?", [("Mileva Einstein", "NIL")]),
        ("what is near the landing?", []),
        ("", []),
    ],
    ids=[
        "exact", "lower case", "upper case without accent", "accent", "separate accent", "plural of a class", "alias",
        "part of a name", "typo", "several slips", "another name", "possessive", "longest name wins",
        "a part beside an unknown name, past a word between", "the shorter name alone", "function word",
        "function word as a name", "function words as a name", "literal", "NIL", "NIL of two words",
        "a part beside another name", "an ordinary word of a name", "nothing",
    ],
)  # fmt: skip
def test_a_question_links_to_what_it_names(linker: EntityLinker, text: str, expected: list[tuple[str, str]]) -> None:
    links = linker.link(Question(text))
    assert shown(links) == expected
    for link in links:
        assert text[link.mention.start : link.mention.end] == link.mention.text


def test_how_a_name_was_matched_is_told(linker: EntityLinker) -> None:
    def match(text: str) -> tuple[str, str]:
        best = linker.link(Question(text))[0].candidates[0]
        return best.kind, best.match

    assert match("Albert Einstein") == ("entity", "exact")
    assert match("albert einstein") == ("entity", "normalized")
    assert match("Big Apple") == ("entity", "alias")
    assert match("Einstein") == ("entity", "partial")
    assert match("Albert Einstien") == ("entity", "fuzzy")
    assert match("cities") == ("class", "normalized")
    assert match("science fiction") == ("literal", "exact")


def test_an_exact_name_scores_above_every_other_match(linker: EntityLinker) -> None:
    scores = [
        linker.link(Question(text))[0].candidates[0].score
        for text in ("Albert Einstein", "albert einstein", "Albert Einstien", "Einstein")
    ]
    assert scores[0] == 1.0
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == 4


def test_a_value_is_linked_with_its_range(linker: EntityLinker) -> None:
    (link,) = linker.link(Question("born after 1990"))
    assert link.mention.text == "after 1990"
    (candidate,) = link.candidates
    assert candidate.kind == "value" and candidate.node == -1
    assert candidate.range is not None and candidate.range.kind == "date"


def test_an_ambiguous_part_of_a_name_keeps_all_its_candidates(family_index: GraphIndex) -> None:
    linker = LabelEntityLinker(family_index, LabelIndex(family_index), KNOWN)
    (link,) = linker.link(Question("Who is Novak?"))
    assert {candidate.label for candidate in link.candidates} == {"Dan Novak", "Eve Novak", "Finn Novak"}


def test_predicates_and_schema_classes_are_not_linked(family_index: GraphIndex) -> None:
    linker = LabelEntityLinker(family_index, LabelIndex(family_index), KNOWN)
    assert linker.link(Question("who is a parent")) == ()


def test_an_empty_graph_links_only_values() -> None:
    index = GraphIndex.from_triples([])
    links = LabelEntityLinker(index, LabelIndex(index)).link(Question("Was Anna born in May 2001?"))
    assert shown(links) == [("Anna", "NIL"), ("May 2001", "2001-05")]

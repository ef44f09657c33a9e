"""Facts about which readings are enumerated, over a graph of countries and territories."""

from __future__ import annotations

import numpy as np
import pytest

from kgqa.analysis import Analysis, GraphContext, analyze, lexical_scores
from kgqa.datatypes import RDF_TYPE, RDFS, XSD_BOOLEAN, XSD_INTEGER, Question, iri, literal
from kgqa.index.graph_index import GraphIndex
from kgqa.linking.linker import LabelEntityLinker
from kgqa.protocols import Triple
from kgqa.reasoning.linearization import Linearizer

E = "http://example.org/"
BORDERS = ("Ava Bree", "Bree Cole", "Cole Dorn", "Dorn Elba", "Ava Rock")
MEMBERS = {"Union": ("Ava", "Bree", "Cole"), "Coin": ("Bree", "Cole", "Dorn")}


@pytest.fixture(scope="module")
def context() -> GraphContext:
    label, kind = iri(RDFS + "label"), iri(RDF_TYPE)
    triples: list[Triple] = [(iri(E + "borders"), label, literal("borders"))]
    for name in ("Ava", "Bree", "Cole", "Dorn", "Elba", "Rock"):
        triples += [
            (iri(E + name), label, literal(name)),
            (iri(E + name), kind, iri(E + ("Territory" if name == "Rock" else "Country"))),
            (iri(E + name), kind, iri(E + "Place")),
        ]
    for pair in BORDERS:
        one, other = (iri(E + name) for name in pair.split())
        triples += [(one, iri(E + "borders"), other), (other, iri(E + "borders"), one)]
        triples += [(one, iri(E + "landlocked"), literal("true", XSD_BOOLEAN))]
    for place, height in (("Ava", "10"), ("Rock", "30"), ("Union", "20")):
        triples += [(iri(E + place), iri(E + "height"), literal(height, XSD_INTEGER))]
    for club, names in MEMBERS.items():
        triples += [(iri(E + club), label, literal(club)), (iri(E + club), kind, iri(E + "Club"))]
        triples += [(iri(E + name), iri(E + "memberOf"), iri(E + club)) for name in names]
    return GraphContext.of(GraphIndex.from_triples(triples))


def asked(context: GraphContext, text: str) -> Analysis:
    links = LabelEntityLinker(context.index, context.labels).link(Question(text))
    similarities = np.concatenate((lexical_scores(context, text), np.zeros(len(context.classes), np.float32)))
    return analyze(context, text, links, similarities)


def readings(context: GraphContext, text: str) -> set[str]:
    lines = Linearizer(context.index, context.schema)
    return {lines.text(c.query, c.result) for c in asked(context, text).candidates}


def test_a_line_says_a_class_only_of_its_instances(context: GraphContext) -> None:
    found = readings(context, "Which countries have borders with Ava?")
    assert {"place whose borders is Ava", "country whose borders is Ava"} <= found


def test_differences_go_both_ways(context: GraphContext) -> None:
    found = readings(context, "Which countries in Union are not in Coin?")
    assert any("member of Union" in text and "not member of Coin" in text for text in found)
    assert any("member of Coin" in text and "not member of Union" in text for text in found)


def test_a_class_that_all_answers_have_counts_as_used(context: GraphContext) -> None:
    analysis = asked(context, "Which countries have borders with Dorn?")
    [word] = [place for place, link in enumerate(analysis.links) if link.mention.text == "countries"]
    bare = [c for c in analysis.candidates if not any(x.kind == "class" for x in c.query.constraints)]
    lines = Linearizer(context.index, context.schema)
    used = {word in c.links for c in bare if lines.text(c.query, c.result) == "country whose borders is Dorn"}
    assert used == {True}


def test_or_between_two_names_asks_which(context: GraphContext) -> None:
    def operators(text: str) -> set[str]:
        return {c.query.operator for c in asked(context, text).candidates if c.query.among and c.query.sort}

    assert operators("Is Ava or Bree larger?") == {"compare"}
    assert operators("Is Ava larger than Bree?") == {"compare", "ask"}


def test_the_greatest_of_all_is_a_reading_where_several_classes_have_the_value(context: GraphContext) -> None:
    found = {
        tuple(context.index.label(int(node)) for node in c.result.nodes)
        for c in asked(context, "What has the greatest height?").candidates
        if c.query.operator == "superlative" and c.query.descending and not c.query.projection
    }
    assert ("Rock",) in found, "a territory, although countries and clubs have a height too"


def test_a_class_that_nobody_named_may_restrict(context: GraphContext) -> None:
    counts = {
        (context.index.label(c.query.constraints[-1].nodes[0]), c.result.count)
        for c in asked(context, "How many nations have borders with Ava?").candidates
        if c.query.operator == "count" and [x.kind for x in c.query.constraints] == ["node", "class"]
    }
    assert ("country", 1) in counts, "of Bree and the territory Rock"

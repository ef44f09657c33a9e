"""Facts about reading graphs in the data model of Wikidata: properties that name predicates, statements as nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from kgqa.datatypes import RDFS, Term, iri, literal
from kgqa.index.build import build_index
from kgqa.index.graph_index import GraphIndex
from kgqa.index.labels import LabelIndex
from kgqa.index.schema import Schema
from kgqa.index.wikibase import NAMESPACE
from kgqa.protocols import Triple

E, T, P, S, Q = (f"http://peaks.example/{name}/" for name in ("entity", "direct", "prop", "statement", "qualifier"))
LABEL = iri(RDFS + "label")
INSTANCE_OF, FIRST_ASCENT, DATE = "P1", "P2", "P3"
NAMES = {
    INSTANCE_OF: "instance of", FIRST_ASCENT: "first ascent by", DATE: "point in time",
    "Q1": "mountain", "Q2": "Ordun", "Q3": "Joy Winter",
}  # fmt: skip


def wikibase_graph(*, linked: bool = True) -> list[Triple]:
    """A mountain whose first ascent stands as a direct claim and as a statement with a date."""
    statement = iri(E + "statement/Q2-4f1a")
    triples: list[Triple] = [(iri(E + name), LABEL, literal(text, lang="en")) for name, text in NAMES.items()]
    triples += [
        (iri(E + "Q2"), iri(T + INSTANCE_OF), iri(E + "Q1")),
        (iri(E + "Q2"), iri(T + FIRST_ASCENT), iri(E + "Q3")),
        (iri(E + "Q2"), iri(P + FIRST_ASCENT), statement),
        (statement, iri(S + FIRST_ASCENT), iri(E + "Q3")),
        (statement, iri(Q + DATE), literal("1934-07-28", "http://www.w3.org/2001/XMLSchema#date")),
    ]
    for name in (INSTANCE_OF, FIRST_ASCENT, DATE) if linked else ():
        for link, base in (("directClaim", T), ("claim", P), ("statementProperty", S), ("qualifier", Q)):
            triples.append((iri(E + name), iri(NAMESPACE + link), iri(base + name)))
    return triples


@pytest.fixture(scope="module", params=[True, False], ids=["linked", "by local name"])
def index(request: pytest.FixtureRequest) -> GraphIndex:
    return GraphIndex.from_triples(wikibase_graph(linked=request.param))


def label_of(index: GraphIndex, predicate: str) -> str:
    return index.predicate_labels[index.predicate_id(predicate)]


def test_a_predicate_is_called_what_its_property_is_called(index: GraphIndex) -> None:
    assert [label_of(index, base + FIRST_ASCENT) for base in (T, P, S)] == ["first ascent by"] * 3
    assert label_of(index, Q + DATE) == "point in time"


def test_instance_of_states_classes(index: GraphIndex) -> None:
    assert [(index.label(klass), size) for klass, size in index.class_sizes.items()] == [("mountain", 1)]


def test_a_statement_is_read_through_and_names_nothing(index: GraphIndex) -> None:
    statement = index.find(E + "statement/Q2-4f1a")
    assert index.is_inner[statement]
    assert index.is_inner.sum() == 1
    assert statement not in {entry.node for entry in LabelIndex(index).entries}


def test_a_qualifier_is_read_from_the_thing_and_the_claim_only_once(index: GraphIndex) -> None:
    relations = {relation.path: relation.label for relation in Schema(index).relations}
    claim, statement, value, date = (
        index.predicate_id(name) for name in (T + FIRST_ASCENT, P + FIRST_ASCENT, S + FIRST_ASCENT, Q + DATE)
    )
    assert relations[((claim, False),)] == "first ascent by"
    assert relations[((statement, False), (date, False))] == "point in time"
    assert ((statement, False), (value, False)) not in relations


def test_what_is_stored_says_the_same(tmp_path: Path) -> None:
    made = GraphIndex.from_triples(wikibase_graph())
    build_index(wikibase_graph(), tmp_path)
    stored = GraphIndex.open(tmp_path)
    assert stored.predicate_labels == made.predicate_labels
    assert stored.predicate_nodes == made.predicate_nodes
    assert stored.is_inner.tolist() == made.is_inner.tolist()


def test_a_label_of_its_own_wins_over_that_of_a_property() -> None:
    own: Triple = (iri(T + FIRST_ASCENT), LABEL, literal("climbed first by"))
    index = GraphIndex.from_triples([*wikibase_graph(), own])
    assert label_of(index, T + FIRST_ASCENT) == "climbed first by"


def test_things_without_names_that_share_no_local_name_stay_things() -> None:
    a, b, c = (iri(E + name) for name in ("a1", "b1", "c1"))
    knows, likes = iri(T + "knows"), iri(S + "likes")
    triples: list[tuple[Term, Term, Term]] = [(a, knows, b), (b, likes, c)]
    assert not GraphIndex.from_triples(triples).is_inner.any()

"""Facts about the label index, stored and not."""

from __future__ import annotations

from pathlib import Path

import pytest

from kgqa.datatypes import RDF_TYPE, RDFS, iri, literal
from kgqa.index.build import build_index
from kgqa.index.graph_index import GraphIndex
from kgqa.index.labels import LabelIndex
from kgqa.index.text import fold, normalize, singular, tokenize
from kgqa.protocols import Triple

E = "http://example.org/"
LABEL, TYPE = iri(RDFS + "label"), iri(RDF_TYPE)
ALT = iri("http://www.w3.org/2004/02/skos/core#altLabel")
CITY, STATE, SHOP, RED = (iri(E + name) for name in ("nyc", "ny", "nycShop", "e1"))
TRIPLES: list[Triple] = [
    (CITY, TYPE, iri(E + "City")),
    (CITY, LABEL, literal("New York City", lang="en")),
    (CITY, ALT, literal("Big Apple")),
    (STATE, LABEL, literal("New York", lang="en")),
    (STATE, LABEL, literal("Nueva York", lang="es")),
    (SHOP, LABEL, literal("Shops of New York City")),
    (RED, iri(E + "colour"), literal("dark red")),
    (SHOP, iri(E + "colour"), literal("dark red")),
    (RED, iri(E + "colour"), literal("red")),
]


@pytest.fixture(params=["in memory", "stored"])
def labels(request: pytest.FixtureRequest, tmp_path: Path) -> LabelIndex:
    if request.param == "in memory":
        return LabelIndex(GraphIndex.from_triples(TRIPLES))
    build_index(TRIPLES, tmp_path)
    return LabelIndex(GraphIndex.open(tmp_path))


def names(labels: LabelIndex, places: object) -> list[str]:
    return sorted(labels.entries[place].label for place in places)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("new york", ["New York"]),
        ("nueva york", ["Nueva York"]),
        ("big apple", ["Big Apple"]),
        ("city", ["city"]),
        ("dark red", ["dark red"]),
        ("york", []),
    ],
)
def test_a_whole_label_is_found_by_its_normalised_text(labels: LabelIndex, text: str, found: list[str]) -> None:
    assert names(labels, labels.exact.get(text, ())) == found
    assert (text in labels.exact) == bool(found)


def test_an_entry_tells_its_node_its_kind_and_whether_it_is_another_name(labels: LabelIndex) -> None:
    kinds = {(entry.label, entry.kind, entry.alternative) for entry in labels.entries}
    assert kinds >= {("Big Apple", 0, True), ("New York", 0, False), ("city", 1, False), ("dark red", 2, False)}
    assert {entry.normalized for entry in labels.entries} == set(labels.exact)


def test_parts_of_longer_labels_are_scored_by_their_share_of_letters(labels: LabelIndex) -> None:
    found = [(labels.entries[place].label, score) for place, score in labels.partial(("new", "york"))]
    assert [label for label, _ in found] == ["New York City", "Shops of New York City"]
    # 7 letters of 11 in "new york city", and of 17 in "shop of new york city"
    assert [score for _, score in found] == pytest.approx([0.5 + 0.4 * 7 / 11, 0.5 + 0.4 * 7 / 17])
    assert labels.partial(("york", "apple")) == [] == labels.partial(("nowhere",))


def test_a_part_that_too_many_labels_have_says_nothing() -> None:
    many = [(iri(f"{E}n{i}"), LABEL, literal(f"thing {i}")) for i in range(25)]
    assert len(LabelIndex(GraphIndex.from_triples(many[:24])).partial(("thing",))) == 24
    assert LabelIndex(GraphIndex.from_triples(many)).partial(("thing",)) == []


def test_labels_that_start_so_come_in_order(labels: LabelIndex) -> None:
    assert [entry.label for entry in labels.starting_with("new")] == ["New York", "New York City"]
    assert [entry.label for entry in labels.starting_with("n", 1)] == ["New York"]
    assert labels.starting_with("x") == ()


def test_the_longest_label_has_five_words(labels: LabelIndex) -> None:
    assert labels.max_tokens == 5


def test_words_lead_to_the_labels_that_have_them(labels: LabelIndex) -> None:
    assert names(labels, labels.by_token["york"]) == sorted(
        ["New York", "New York City", "Nueva York", "Shops of New York City"]
    )
    assert "york" in labels.by_token and "yorks" not in labels.by_token


def test_a_graph_without_labels_has_an_index_of_them_too(tmp_path: Path) -> None:
    build_index([], tmp_path)
    labels = LabelIndex(GraphIndex.open(tmp_path))
    assert len(labels.entries) == 0 and labels.max_tokens == 1
    assert labels.corrections("germany") == () == labels.same_stem("negotiate")


@pytest.mark.parametrize(
    "text", ["The Cities of C++ & C#", "R2-D2", "snake_case Names", "men's", "A.B. (2001)", "glasses buses", ""]
)
def test_plain_text_is_normalised_as_any_other(text: str) -> None:
    """The slow way is that of texts with other letters."""
    assert normalize(text) == " ".join(singular(word) for _, _, word in tokenize(text))
    assert fold(text) == text.lower()

"""Facts about the integer index: following edges, terms, labels, classes and the values of literals."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgqa.datatypes import RDF_TYPE, RDFS, XSD, Term, iri, literal
from kgqa.index.arrays import open_arrays, save_arrays
from kgqa.index.build import build_index
from kgqa.index.graph_index import INDEX_FILE, GraphIndex, Ids
from kgqa.index.values import BOOLEAN, DATE, NO_VALUE, NUMBER, days_since_epoch, literal_value
from kgqa.protocols import Triple

E = "http://example.org/"
F = "https://kgqa.example/family#"
LABEL, SUBCLASS, TYPE = iri(RDFS + "label"), iri(RDFS + "subClassOf"), iri(RDF_TYPE)
NODES = [*(iri(f"{E}e{i}") for i in range(6)), Term("bnode", "b"), literal("x"), literal("x", lang="en")]
PREDICATES = [iri(f"{E}p{i}") for i in range(3)]

random_graphs = st.lists(
    st.tuples(st.sampled_from(NODES[:7]), st.sampled_from(PREDICATES), st.sampled_from(NODES)), min_size=1, max_size=30
)


def ids(*nodes: int) -> Ids:
    return np.array(nodes, np.int32)


def named(index: GraphIndex, nodes: Ids) -> list[str]:
    return sorted(index.label(node) for node in nodes.tolist())


def plain_follow(triples: list[Triple], starts: set[Term], predicate: Term, inverse: bool) -> set[Term]:
    if inverse:
        return {s for s, p, o in triples if p == predicate and o in starts}
    return {o for s, p, o in triples if p == predicate and s in starts}


@settings(deadline=None, derandomize=True, database=None, max_examples=150)
@given(
    triples=random_graphs,
    starts=st.sets(st.sampled_from(NODES), max_size=4),
    steps=st.lists(st.tuples(st.sampled_from(PREDICATES), st.booleans()), min_size=1, max_size=3),
)
def test_following_a_path_finds_what_a_list_of_triples_holds(
    triples: list[Triple], starts: set[Term], steps: list[tuple[Term, bool]]
) -> None:
    index = GraphIndex.from_triples(triples)
    term_of = {index.term(n): n for n in range(index.n_terms)}
    steps = [(p, inverse) for p, inverse in steps if index.predicate_id(p.value) >= 0]
    path = tuple((index.predicate_id(p.value), inverse) for p, inverse in steps)
    known = [term_of[term] for term in starts if term in term_of]

    reached: set[Term] = {index.term(n) for n in known}
    pairs = {(start, start) for start in reached}
    for predicate, inverse in steps:
        reached = plain_follow(triples, reached, predicate, inverse)
        pairs = {(a, c) for a, b in pairs for c in plain_follow(triples, {b}, predicate, inverse)}

    ends = index.follow_path(ids(*sorted(known)), path)
    assert [index.term(n) for n in ends.tolist()] == sorted(reached, key=lambda t: term_of[t])
    lefts, rights = index.edges(ids(*known), path)
    found = [(index.term(a), index.term(b)) for a, b in zip(lefts.tolist(), rights.tolist(), strict=True)]
    assert len(found) == len(pairs) and set(found) == pairs


@settings(deadline=None, derandomize=True, database=None, max_examples=60)
@given(triples=random_graphs)
def test_incident_predicates_and_degrees_are_those_of_the_triples(triples: list[Triple]) -> None:
    index = GraphIndex.from_triples(triples)
    for node in range(index.n_terms):
        term = index.term(node)
        out, into = index.incident(ids(node))
        assert {index.text_of(int(index.pred_terms[p])) for p in out} == {p.value for s, p, _ in triples if s == term}
        assert {index.text_of(int(index.pred_terms[p])) for p in into} == {p.value for _, p, o in triples if o == term}
        for p in range(index.n_predicates):
            assert index.having(ids(node), p).tolist() == [p in out]
            assert index.having(ids(node), p, inverse=True).tolist() == [p in into]
        degree = len({t for t in triples if t[0] == term}) + len({t for t in triples if t[2] == term})
        assert index.degree(node) == degree


@pytest.mark.parametrize("inverse", [False, True], ids=["forward", "inverse"])
def test_following_many_nodes_needs_no_order(inverse: bool) -> None:
    triples = [(iri(f"{E}a{i}"), PREDICATES[0], iri(f"{E}b{i}")) for i in range(100)]
    index = GraphIndex.from_triples(triples)
    side, other = ("b", "a") if inverse else ("a", "b")
    starts = [index.find(f"{E}{side}{i}") for i in range(99, -1, -1)]
    ends = index.follow(ids(*starts), 0, inverse=inverse)
    assert {index.text_of(n) for n in ends.tolist()} == {f"{E}{other}{i}" for i in range(100)}


def test_blank_nodes_are_left_out_of_what_is_named() -> None:
    index = GraphIndex.from_triples([(NODES[6], PREDICATES[0], NODES[0]), (NODES[1], PREDICATES[0], NODES[7])])
    everything = np.arange(index.n_terms, dtype=np.int32)
    assert [index.term(n) for n in index.named(everything).tolist()] == [NODES[0], NODES[1], PREDICATES[0], NODES[7]]


def test_incident_predicates_of_a_hub_are_all_found() -> None:
    triples = [(iri(f"{E}a{i}"), PREDICATES[i % 3], NODES[0]) for i in range(600)]
    index = GraphIndex.from_triples(triples)
    assert index.incident(ids(index.find(E + "e0"))) == (frozenset(), frozenset({0, 1, 2}))


def test_a_saved_index_opens_with_the_same_terms_and_edges(tmp_path: Path) -> None:
    triples: list[Triple] = [
        (iri(E + "Zoë"), PREDICATES[0], literal('日本 🦊\n"q"', lang="ja")),
        (iri(E + "Zoë"), PREDICATES[0], literal("07", XSD + "integer")),
        (Term("bnode", "x1"), PREDICATES[1], iri(E + "Zoë")),
        (Term("bnode", "x1"), PREDICATES[1], iri(E + "Zoë")),
    ]
    build_index(triples, tmp_path / "new" / "index", label_predicates=(E + "p0",))
    index = GraphIndex.open(tmp_path / "new" / "index")
    assert index.n_triples == 3
    assert index.label_predicates == (E + "p0",)
    assert {index.term(n) for n in range(index.n_terms)} == {term for triple in triples for term in triple}
    assert index.label(index.find(E + "Zoë")) == "07"  # no language comes before Japanese
    blank = next(n for n in range(index.n_terms) if index.term(n).kind == "bnode")
    assert index.has_edge(blank, index.predicate_id(E + "p1"), index.find(E + "Zoë"))
    assert not index.has_edge(blank, index.predicate_id(E + "p0"), index.find(E + "Zoë"))


def test_an_index_of_another_format_is_refused(tmp_path: Path) -> None:
    build_index([(NODES[0], PREDICATES[0], NODES[1])], tmp_path)
    arrays, texts = open_arrays(tmp_path / INDEX_FILE)
    save_arrays(tmp_path / INDEX_FILE, arrays, metadata={**texts, "head": json.dumps({"format_version": 99})})
    with pytest.raises(ValueError, match="load the graph again"):
        GraphIndex.open(tmp_path)


def test_an_empty_graph_can_be_indexed_saved_and_asked(tmp_path: Path) -> None:
    build_index([], tmp_path)
    for index in (GraphIndex.from_triples([]), GraphIndex.open(tmp_path)):
        assert (index.n_terms, index.n_triples, index.n_predicates) == (0, 0, 0)
        assert index.find(E) == -1 and index.predicate_id(E) == -1
        assert index.classes() == () and index.predicates() == () and not index.has_blank_nodes


def test_predicates_that_no_triple_uses_have_no_id() -> None:
    index = GraphIndex.from_triples([(NODES[0], PREDICATES[0], PREDICATES[1])])
    assert index.predicate_id(E + "p0") == 0
    assert index.predicate_id(E + "p1") == -1  # it is an object here, not a predicate


@pytest.mark.parametrize(
    "texts",
    [
        [f"e{i}" for i in range(5000)],
        [f"{'é' * (i % 3)}{i}\U0001f40d" for i in range(100)],
        ["", *(f"a\0{i}" for i in range(100))],
        [f"{i}\ud800" for i in range(100)],
        [str(i) * 100 for i in range(100)],
    ],
    ids=["several batches", "beyond ASCII", "NUL", "lone surrogates", "long"],
)
def test_texts_of_many_terms_are_those_of_each(texts: list[str]) -> None:
    index = GraphIndex.from_triples((NODES[0], PREDICATES[0], literal(text)) for text in texts)
    nodes = np.random.default_rng(0).integers(0, index.n_terms, 2 * index.n_terms).astype(np.int32)
    nodes[0] = index.n_terms - 1
    assert index.texts_of(nodes) == [index.text_of(node) for node in nodes.tolist()]
    assert set(texts) <= set(index.texts_of(np.arange(index.n_terms, dtype=np.int32)))


# -- classes


def test_instances_include_those_of_subclasses_however_deep() -> None:
    animal, dog, puppy = (iri(E + name) for name in ("Animal", "Dog", "Puppy"))
    index = GraphIndex.from_triples(
        [(puppy, SUBCLASS, dog), (dog, SUBCLASS, animal), (NODES[0], TYPE, puppy), (NODES[1], TYPE, animal)]
    )
    assert named(index, index.instances(index.find(animal.value))) == ["e0", "e1"]
    assert set(index.classes()) == {("animal", 2), ("dog", 1), ("puppy", 1)}
    assert index.classes_of(index.find(NODES[0].value)) == (index.find(puppy.value),)


def test_a_circle_of_subclasses_ends() -> None:
    a, b = iri(E + "A"), iri(E + "B")
    index = GraphIndex.from_triples([(a, SUBCLASS, b), (b, SUBCLASS, a), (NODES[0], TYPE, a)])
    assert set(index.subclasses[index.find(b.value)]) == {index.find(a.value), index.find(b.value)}
    assert named(index, index.instances(index.find(b.value))) == ["e0"]


def test_an_anonymous_subclass_is_passed_through_but_never_named() -> None:
    """A blank node cannot be written into a query; the named classes below it still count."""
    a, c, blank = iri(E + "A"), iri(E + "C"), Term("bnode", "r")
    index = GraphIndex.from_triples([(blank, SUBCLASS, a), (c, SUBCLASS, blank), (NODES[0], TYPE, c)])
    assert index.subclasses == {index.find(a.value): (index.find(a.value), index.find(c.value))}


def test_a_predicate_labelled_instance_of_gives_classes() -> None:
    p31 = iri(E + "P31")
    index = GraphIndex.from_triples(
        [
            (p31, LABEL, literal("instance of", lang="en")),
            (NODES[0], p31, iri(E + "City")),
            (NODES[0], PREDICATES[0], NODES[1]),
        ]
    )
    assert index.classes() == (("city", 1),)
    assert [index.text_of(int(index.pred_terms[p])) for p in index.relation_predicates] == [E + "p0"]


def test_schema_classes_are_no_classes_of_the_graph(family_index: GraphIndex) -> None:
    assert family_index.classes() == (("person", 7), ("city", 1))
    assert family_index.find(F + "parent") in family_index.schema_nodes
    assert family_index.find(F + "Ada") not in family_index.schema_nodes


# -- labels


@pytest.mark.parametrize(
    ("stated", "shown"),
    [
        ([("Wien", "de"), ("Vienna", "en")], "Vienna"),
        ([("Wien", "de"), ("Vienna", "en-GB")], "Vienna"),
        ([("Wien", "de"), ("Vienna", None)], "Vienna"),
        ([("Vienna", None), ("Vienna city", "en")], "Vienna city"),
        ([("Wien", "de")], "Wien"),
        ([("Wene", "enm"), ("Vienna", None)], "Vienna"),  # enm is Middle English
        ([("  ", "en"), ("Wien", "de")], "Wien"),
        ([], "old vienna"),
    ],
    ids=["english", "british", "no language", "english before none", "other", "not english", "blank", "local name"],
)
def test_the_label_shown_is_english_then_without_language_then_any(
    stated: list[tuple[str, str | None]], shown: str
) -> None:
    city = iri(E + "oldVienna")
    labels = [(city, LABEL, literal(text, lang=lang)) for text, lang in stated]
    index = GraphIndex.from_triples([*labels, (city, PREDICATES[0], NODES[0])])
    assert index.label(index.find(city.value)) == shown


def test_alternative_labels_come_last_and_say_so() -> None:
    alt = iri("http://www.w3.org/2004/02/skos/core#altLabel")
    index = GraphIndex.from_triples([(NODES[0], alt, literal("Big Apple")), (NODES[0], LABEL, literal("New York"))])
    assert index.labels(index.find(NODES[0].value)) == (("New York", False), ("Big Apple", True))


# -- values


@pytest.mark.parametrize(
    ("lexical", "datatype", "kind", "value"),
    [
        ("5", "integer", NUMBER, 5.0),
        ("-2.50", "decimal", NUMBER, -2.5),
        ("1e3", "double", NUMBER, 1000.0),
        ("INF", "double", NO_VALUE, math.nan),
        ("abc", "integer", NO_VALUE, math.nan),
        ("1970-01-02", "date", DATE, 1.0),
        ("1970-01-02Z", "date", DATE, 1.0),
        ("1969-12-31", "date", DATE, -1.0),
        ("1970-01-02T12:00:00Z", "dateTime", DATE, 1.5),
        ("1971", "gYear", DATE, 365.0),
        ("1970-02", "gYearMonth", DATE, 31.0),
        ("2001-02-30", "date", NO_VALUE, math.nan),
        ("2001-02-03T99:00:00", "dateTime", NO_VALUE, math.nan),
        ("true", "boolean", BOOLEAN, 1.0),
        ("0", "boolean", BOOLEAN, 0.0),
        ("yes", "boolean", NO_VALUE, math.nan),
        ("PT1H30M", "dayTimeDuration", NUMBER, 5400.0),
        ("-P1DT1S", "duration", NUMBER, -86401.0),
        ("5", "string", NO_VALUE, math.nan),
    ],
)
def test_a_literal_has_the_value_of_its_datatype(lexical: str, datatype: str, kind: int, value: float) -> None:
    found = literal_value(lexical, XSD + datatype)
    assert found == pytest.approx((kind, value), nan_ok=True)


def test_years_before_the_common_era_come_before_those_after() -> None:
    days = [literal_value(text, XSD + "date")[1] for text in ("-0044-03-15", "0000-12-31", "0001-01-01", "9999-12-31")]
    assert days == sorted(days)
    assert days_since_epoch(10000) > days[-1]


def test_a_predicate_is_compared_as_what_most_of_its_values_are() -> None:
    p, q = PREDICATES[:2]
    dates = [literal("2001", XSD + "gYear"), literal("2002", XSD + "gYear")]
    index = GraphIndex.from_triples(
        [(NODES[i], p, date) for i, date in enumerate(dates)]
        + [(NODES[2], p, literal("7", XSD + "integer")), (NODES[2], q, literal("7", XSD + "integer"))]
    )
    assert index.value_kind_of(index.predicate_id(p.value)) == DATE
    assert index.value_kind_of(index.predicate_id(q.value)) == NUMBER


def test_classes_without_instances_are_things_where_facts_are_stated_of_them() -> None:
    """As in a medical ontology: gout is a class, and a drug treats it."""
    owl_class = iri("http://www.w3.org/2002/07/owl#Class")
    gout, arthritis, drug, pill = (iri(E + name) for name in ("gout", "arthritis", "Drug", "pill"))
    triples = [
        *((c, TYPE, owl_class) for c in (gout, arthritis, drug)),
        (gout, SUBCLASS, arthritis), (pill, TYPE, drug), (pill, iri(E + "treats"), gout),
    ]  # fmt: skip
    index = GraphIndex.from_triples(triples)
    assert index.find(E + "gout") not in index.schema_nodes
    assert index.find(E + "Drug") in index.schema_nodes
    relations = {index.text_of(int(index.pred_terms[p])) for p in index.relation_predicates}
    assert relations == {E + "treats", SUBCLASS.value}
    typed = GraphIndex.from_triples([*triples, (iri(E + "case"), TYPE, gout)])
    assert [typed.predicate_labels[p] for p in typed.relation_predicates] == ["treats"]

from __future__ import annotations

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgqa.datatypes import XSD, XSD_INTEGER, Term, iri, literal
from kgqa.stores.oxigraph import OxigraphStore, canonical_literals, from_oxigraph, may_be_respelled

_DATATYPES = (
    "integer",
    "decimal",
    "double",
    "float",
    "boolean",
    "date",
    "dateTime",
    "gYear",
    "int",
    "anyURI",
    "duration",
)
_DIGITS = st.text("0123456789.-+eETZ:", max_size=24)
_DATES = st.from_regex(
    r"-?[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,7})?)?Z?", fullmatch=True
)


@given(
    st.sampled_from(_DATATYPES),
    _DIGITS | _DATES | st.integers().map(str) | st.floats().map(str) | st.sampled_from(["true", "1", "INF"]),
)
def test_a_literal_said_to_be_kept_as_written_is(datatype: str, text: str) -> None:
    """The store is the oracle of the quick pattern."""
    written = ox.Literal(text, datatype=ox.NamedNode(XSD + datatype))
    if not may_be_respelled(written.value, written.datatype.value):
        assert canonical_literals([written]) == {written: written}


def test_a_value_spelled_in_two_ways_keeps_each_spelling_in_its_triple() -> None:
    rows = [(iri("http://e/a"), literal("1.50", XSD + "decimal")), (iri("http://e/b"), literal("1.5", XSD + "decimal"))]
    store = OxigraphStore.in_memory((subject, iri("http://e/p"), price) for subject, price in rows)
    assert {(s, o) for s, _, o in store.triples()} == set(rows)
    assert store.select("SELECT DISTINCT ?o { ?s ?p ?o }") == ((literal("1.5", XSD + "decimal"),),)


def test_one_value_spelled_twice_for_one_subject_is_one_triple_in_its_first_spelling() -> None:
    subject, predicate = iri("http://e/a"), iri("http://e/p")
    spellings = [literal(text, XSD_INTEGER) for text in ("007", "07")]
    store = OxigraphStore.in_memory((subject, predicate, number) for number in spellings)
    assert list(store.triples()) == [(subject, predicate, spellings[0])]
    assert len(store) == 1


@pytest.mark.parametrize(
    "triple",
    [
        (literal("a"), iri("http://e/p"), iri("http://e/o")),
        (iri("http://e/s"), Term("bnode", "p"), iri("http://e/o")),
        (iri("http://e/a b"), iri("http://e/p"), iri("http://e/o")),
    ],
    ids=["literal subject", "blank predicate", "space in an IRI"],
)
def test_what_rdf_does_not_allow_is_refused(triple: tuple[Term, Term, Term]) -> None:
    with pytest.raises(ValueError, match=r"not an RDF triple|Invalid IRI"):
        OxigraphStore.in_memory([triple])


def test_a_triple_term_has_no_counterpart() -> None:
    node = ox.NamedNode("http://e/x")
    with pytest.raises(ValueError, match="triple terms are not supported"):
        from_oxigraph(ox.Triple(node, node, node))

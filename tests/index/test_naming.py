"""Facts about finding what names the things of a graph without the usual label predicates."""

from __future__ import annotations

from pathlib import Path

import pytest

from kgqa.datatypes import RDF_TYPE, RDFS, Term, iri, literal
from kgqa.index.abbreviations import thing_referred_to, written_out
from kgqa.index.build import build_index
from kgqa.index.graph_index import GraphIndex
from kgqa.protocols import Triple

E = "http://shop.example/"


def facts(thing: str, klass: str, **values: str | Term) -> list[Triple]:
    """Return the triples of a thing; texts become literals."""
    subject = iri(E + thing)
    found = [(subject, iri(RDF_TYPE), iri(E + klass))]
    for name, value in values.items():
        found.append((subject, iri(E + name), literal(value) if isinstance(value, str) else value))
    return found


def table_graph() -> list[Triple]:
    """Customers with names and job titles, orders with codes: as a table export has them."""
    triples: list[Triple] = []
    for number, (name, job) in enumerate((("Ann Roe", "Clerk"), ("Bo Diaz", "Smith"), ("Cy Fox", "Baker"))):
        triples += facts(f"cust/{number}", "Customer", custName=name, job_title=job, dob=f"19{number}0-01-01")
        order = facts(f"order/{number}", "Order", order_no=f"SO-10{number}", status="shipped")
        triples += [*order, (iri(f"{E}order/{number}"), iri(E + "placedBy"), iri(f"{E}cust/{number}"))]
    return triples


def test_a_name_column_names_and_a_code_names_what_has_no_name() -> None:
    index = GraphIndex.from_triples(table_graph())
    assert index.label(index.find(E + "cust/0")) == "Ann Roe"
    assert index.label(index.find(E + "order/1")) == "SO-101"
    relations = {index.text_of(int(index.pred_terms[p])) for p in index.relation_predicates}
    assert E + "custName" not in relations, "a name is no fact to be asked for"
    assert {E + "order_no", E + "job_title"} <= relations


def test_what_was_found_is_kept_with_the_index(tmp_path: Path) -> None:
    build_index(table_graph(), tmp_path / "index")
    index = GraphIndex.open(tmp_path / "index")
    assert index.label(index.find(E + "cust/2")) == "Cy Fox"
    assert index.label_predicates[-1] == E + "custName"
    assert index.code_predicates == (E + "order_no",)


def test_label_predicates_that_the_user_names_are_all_there_are() -> None:
    index = GraphIndex.from_triples(table_graph(), label_predicates=(E + "status",))
    assert index.label(index.find(E + "cust/0")) == "0"
    assert index.label(index.find(E + "order/0")) == "shipped"


@pytest.mark.parametrize(
    ("predicate", "values"),
    [
        ("title", ("Manager", "Manager", "Manager", "Manager")),  # shared: a role, not a name
        ("fileName", ("a.txt", "b.txt", "c.txt", "d.txt")),  # the name of something else
        ("nickname", ("Al", "Bo", "Cy", "Di")),  # says nothing of a name, as a word
    ],
)
def test_texts_that_do_not_name_their_subjects_are_left_alone(predicate: str, values: tuple[str, ...]) -> None:
    triples = [t for number, value in enumerate(values) for t in facts(f"p/{number}", "Person", **{predicate: value})]
    index = GraphIndex.from_triples(triples)
    assert index.label(index.find(E + "p/0")) == "0"


def test_things_with_labels_keep_them() -> None:
    triples = [t for n, name in enumerate(("One", "Two", "Three")) for t in facts(f"p/{n}", "P", fullName=f"{name} x")]
    labels = [(iri(f"{E}p/{n}"), iri(RDFS + "label"), literal(f"L{n}")) for n in range(3)]
    index = GraphIndex.from_triples([*triples, *labels])
    assert index.label(index.find(E + "p/1")) == "L1"
    assert index.code_predicates == ()


@pytest.mark.parametrize(
    ("label", "written"),
    [("hire dt", "hire date"), ("mgr emp", "manager employee"), ("order no", "order number"), ("no", "no"),
     ("dob", "date of birth"), ("capital", "capital"), ("long", "longitude"), ("long name", "long name")],
)  # fmt: skip
def test_shortened_words_are_written_out(label: str, written: str) -> None:
    assert written_out(label) == written


def test_a_label_that_is_stated_is_not_touched() -> None:
    stated = (iri(E + "dt"), iri(RDFS + "label"), literal("dt of it"))
    index = GraphIndex.from_triples([*facts("a", "A", dt="x", qty="y"), stated])
    assert sorted(index.predicate_labels)[:2] == ["dt of it", "label"]
    assert "quantity" in index.predicate_labels


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("ref SUPERVISOR ID", "SUPERVISOR"), ("customer id", "customer"), ("parent branch code", "parent branch"),
        ("id", "id"), ("reference", "reference"), ("referred by", "referred by"),
    ],
)  # fmt: skip
def test_a_column_that_refers_to_rows_is_called_by_what_they_are(label: str, expected: str) -> None:
    assert thing_referred_to(label) == expected


def people() -> list[Triple]:
    """People with names in two columns, who refer to one another by keys."""
    triples: list[Triple] = []
    for number, (first, last) in enumerate((("Ann", "Roe"), ("Bo", "Diaz"), ("Ann", "Fox"))):
        triples += facts(f"CUSTOMER_ID={number}", "CUSTOMER", FIRST_NAME=first, LAST_NAME=last)
    return [*triples, (iri(E + "CUSTOMER_ID=0"), iri(E + "ref-REFERRER_ID"), iri(E + "CUSTOMER_ID=1"))]


def test_first_and_last_names_are_one_name(tmp_path: Path) -> None:
    build_index(people(), tmp_path)
    for index in (GraphIndex.from_triples(people()), GraphIndex.open(tmp_path)):
        assert [index.label(index.find(f"{E}CUSTOMER_ID={n}")) for n in range(3)] == ["Ann Roe", "Bo Diaz", "Ann Fox"]
        assert index.n_triples == len(people())
        assert "Ann Roe" not in {index.text_of(node) for node in index.ends(index.predicate_id(E + "FIRST_NAME"))}


def test_labels_in_capitals_are_said_in_small_letters() -> None:
    index = GraphIndex.from_triples(people())
    assert index.predicate_labels[index.predicate_id(E + "ref-REFERRER_ID")] == "referrer"
    assert index.predicate_labels[index.predicate_id(E + "FIRST_NAME")] == "first name"
    assert [index.label(klass) for klass in index.class_sizes] == ["customer"]


def test_a_stated_label_wins_over_first_and_last_names() -> None:
    stated: Triple = (iri(E + "CUSTOMER_ID=0"), iri(RDFS + "label"), literal("Annie"))
    index = GraphIndex.from_triples([*people(), stated])
    assert index.label(index.find(E + "CUSTOMER_ID=0")) == "Annie"
    assert index.label(index.find(E + "CUSTOMER_ID=1")) == "Bo Diaz"

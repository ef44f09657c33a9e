from __future__ import annotations

from kgqa.datatypes import Term, iri, literal
from kgqa.protocols import Row
from kgqa.stores.endpoint import EndpointStore
from kgqa.stores.remote_queries import RemoteLimits, RemoteReader, _named_by_content

E = "https://kgqa.example/family#"
EVE, PARENT, CLARA, DAN = (iri(E + name) for name in ("Eve", "parent", "Clara", "Dan"))
REVIEW, STARS = iri("http://e/review"), iri("http://e/stars")


def reader(url: str, **limits: int) -> RemoteReader:
    return RemoteReader(EndpointStore(url, allowed=["127.0.0.1"]), RemoteLimits(**limits))


def test_leaving_gives_the_triples_of_the_named_predicates(family_endpoint: str) -> None:
    found = reader(family_endpoint).leaving([EVE, CLARA], [PARENT])
    assert {(s, o) for s, _, o in found if s == EVE} == {(EVE, CLARA), (EVE, DAN)}
    assert {p for _, p, _ in found} == {PARENT}


def test_entering_gives_the_triples_from_the_other_side(family_endpoint: str) -> None:
    found = reader(family_endpoint).entering([DAN], PARENT)
    assert {s for s, _, _ in found} == {EVE, iri(E + "Finn")}


def test_a_fetch_is_cut_at_its_bound(family_endpoint: str) -> None:
    assert len(reader(family_endpoint, max_rows=3).leaving([EVE, CLARA, DAN])) == 3


def test_nodes_are_asked_about_in_batches(family_endpoint: str) -> None:
    bounded = reader(family_endpoint, batch=1)
    assert len(bounded.leaving([EVE, CLARA, EVE], [PARENT])) == 4
    assert bounded.store.n_requests == 2


def test_counts_around_a_node_are_by_predicate(family_endpoint: str) -> None:
    assert reader(family_endpoint).counts_around([DAN], inverse=True)[DAN, PARENT] == 2


def test_literals_are_found_by_value_and_language(family_endpoint: str) -> None:
    found = reader(family_endpoint).with_values([literal("Eve Novak"), literal("Eve Novak", lang="en")], n=10)
    assert [triple[0] for triple in found] == [EVE]


def _rows(blank: str, *, stars: str) -> list[Row]:
    node = Term("bnode", blank)
    return [(node, STARS, literal(stars), None, None), (node, None, None, EVE, REVIEW)]


def test_a_blank_node_keeps_its_identity_between_results_that_name_it_differently() -> None:
    """Names hold within one result; what is stated about the node is the same in both."""
    assert set(_named_by_content(_rows("b0", stars="5"))) == set(_named_by_content(_rows("genid77", stars="5")))


def test_blank_nodes_that_hold_different_things_stay_apart() -> None:
    found = _named_by_content([*_rows("b0", stars="5"), *_rows("b1", stars="4")])
    assert len({s for s, p, _ in found if p == STARS}) == 2


def test_blank_nodes_next_to_a_node_come_with_what_they_hold(family_endpoint: str) -> None:
    bounded = reader(family_endpoint)
    employed = bounded.store.select(f"SELECT ?s {{ ?s <{E}employment> ?b }}")
    [(person,)] = employed
    assert person is not None
    found = bounded.around_blank_nodes([person])
    assert {p.value.removeprefix(E) for s, p, _ in found if s.kind == "bnode"} >= {"job", "since"}
    assert [s for s, p, _ in found if p.value == E + "employment"] == [person]

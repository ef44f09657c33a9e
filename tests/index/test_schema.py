"""Facts about the relations of a graph: what is read through, and what it is called."""

from __future__ import annotations

from kgqa.datatypes import RDF_TYPE, RDFS, Term, iri, literal
from kgqa.index.graph_index import GraphIndex
from kgqa.index.schema import Relation, Schema
from kgqa.protocols import Triple

E = "http://archive.example/"
XSD = "http://www.w3.org/2001/XMLSchema#"


def named(name: str) -> list[Triple]:
    """Return a thing with a label."""
    return [(iri(E + name), iri(RDFS + "label"), literal(name.title()))]


def relations(triples: list[Triple]) -> dict[tuple[tuple[str, bool], ...], Relation]:
    """Return the relations by the local names of their paths."""
    index = GraphIndex.from_triples(triples)
    local = [index.text_of(int(node)).removeprefix(E) for node in index.pred_terms]
    return {tuple((local[p], back) for p, back in r.path): r for r in Schema(index).relations}


def test_a_mere_value_is_called_by_the_way_to_it() -> None:
    triples: list[Triple] = []
    for number, film in enumerate(("alien", "heat", "jaws")):
        node = Term("bnode", f"b{number}")
        minutes = literal(str(100 + number), XSD + "integer")
        triples += [*named(film), (iri(E + film), iri(E + "duration"), node), (node, iri(E + "value"), minutes)]
    found = relations(triples)[(("duration", False), ("value", False))]
    assert (found.label, found.text) == ("duration", "duration of the thing, a number, e.g. 100")


def test_a_value_that_nodes_of_two_kinds_have_is_called_by_both() -> None:
    triples: list[Triple] = []
    for number, film in enumerate(("alien", "heat")):
        for way in ("production", "restoration"):
            node = Term("bnode", f"{way}{number}")
            year = literal(f"19{number}0-01-01", XSD + "date")
            triples += [(iri(E + film), iri(E + way), node), (node, iri(E + "date"), year)]
        triples += named(film)
    found = relations(triples)
    assert found[(("production", False), ("date", False))].label == "production date"
    assert found[(("restoration", False), ("date", False))].label == "restoration date"


def events(key: str) -> list[Triple]:
    """Two photographs, each with an event of its own, whose local names start with `key`, done by a photographer."""
    triples: list[Triple] = [*named("winter"), *named("grave")]
    for number, photo in enumerate(("ponies", "carousel")):
        event = iri(f"{E}{key}{number}")
        triples += [*named(photo), (iri(E + photo), iri(E + "produced_by"), event)]
        triples += [(event, iri(RDF_TYPE), iri(E + "Production")), (event, iri(E + "done_by"), iri(E + "winter"))]
        triples += [(event, iri(E + "helped_by"), iri(E + "grave"))]
    return triples


def test_an_event_without_a_name_is_read_through_and_can_still_be_counted() -> None:
    found = relations(events("e82"))
    through = found[(("produced_by", False), ("done_by", False))]
    assert (through.label, through.inverse) == ("done by", False)
    across = found[(("helped_by", True), ("done_by", False))]
    assert (across.label, across.inverse) == ("done by", False)
    assert (("produced_by", False),) in found
    assert (("done_by", True),) in found


def test_a_thing_whose_iri_says_what_it_is_is_not_read_through() -> None:
    assert (("produced_by", False), ("done_by", False)) not in relations(events("Shooting_the_film_"))

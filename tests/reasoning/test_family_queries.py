"""One query of each kind on the family graph: answers, line of text, SPARQL and evidence, worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass

import pyoxigraph as ox
import pytest
from rdflib.plugins.sparql import prepareQuery

from kgqa.datatypes import ValueRange
from kgqa.index.graph_index import GraphIndex
from kgqa.index.schema import Path, Schema
from kgqa.index.values import days_since_epoch
from kgqa.reasoning.evidence import EvidenceFinder
from kgqa.reasoning.linearization import Linearizer
from kgqa.reasoning.query_graph import Constraint, Executor, QueryGraph
from kgqa.reasoning.sparql import to_sparql
from kgqa.stores.oxigraph import OxigraphStore

F = "https://kgqa.example/family#"
NINETIES = ValueRange("date", days_since_epoch(1990), days_since_epoch(2000), True, False)
TWO = ValueRange("number", 2.0, 2.0)


@dataclass(frozen=True)
class Case:
    name: str
    query: QueryGraph
    text: str
    answers: list[str] | int | bool
    evidence: set[str]


def cases(index: GraphIndex) -> list[Case]:
    def node(name: str) -> int:
        return index.find(F + name)

    def path(*names: str) -> Path:
        return tuple((index.predicate_id(F + name.removeprefix("^")), name.startswith("^")) for name in names)

    def at(name: str, *steps: str) -> Constraint:
        return Constraint("node", path(*steps), (node(name),))

    person = Constraint("class", nodes=(node("Person"),))
    born = path("birthDate")
    ada_ben = tuple(sorted((node("Ada"), node("Ben"))))
    return [
        Case("inverse hop", QueryGraph("list", (at("Clara", "parent"),)), "person whose parent is Clara Moreau",
             ["Eve Novak", "Finn Novak"],
             {"Eve Novak — parent — Clara Moreau", "Finn Novak — parent — Clara Moreau"}),
        Case("forward hop", QueryGraph("list", (at("Eve", "^parent"),)), "parent of Eve Novak",
             ["Clara Moreau", "Dan Novak"],
             {"Eve Novak — parent — Clara Moreau", "Eve Novak — parent — Dan Novak"}),
        Case("two hops", QueryGraph("list", (at("Eve", "^parent", "^parent"),)), "parent of parent of Eve Novak",
             ["Ada Moreau", "Ben Moreau"],
             {"Eve Novak — parent — Clara Moreau", "Clara Moreau — parent — Ada Moreau",
              "Clara Moreau — parent — Ben Moreau"}),
        Case("blank node", QueryGraph("list", (at("Bakery", "employment", "employer"),)),
             "person whose employer is Harbour Bakery", ["Dan Novak"],
             {"Dan Novak — employment — a certain thing", "a certain thing — employer — Harbour Bakery"}),
        Case("union", QueryGraph("list", (Constraint("node", path("parent"), (node("Ada"), node("Dan"))),)),
             "person whose parent is Ada Moreau or Dan Novak",
             ["Clara Moreau", "Eve Novak", "Finn Novak", "Hugo Moreau"],
             {"Hugo Moreau — parent — Ada Moreau", "Eve Novak — parent — Dan Novak"}),
        Case("exclude", QueryGraph("list", (at("Hugo", "parent", "^parent"),), exclude=(node("Hugo"),)),
             "person whose parent is parent of Hugo Moreau other than Hugo Moreau", ["Clara Moreau"],
             {"Clara Moreau — parent — Ada Moreau", "Hugo Moreau — parent — Ada Moreau"}),
        Case("projection", QueryGraph("list", (person,), projection=path("birthPlace")), "birthplace of person",
             ["Porto"],
             {"Ada Moreau — is a — person", "Ada Moreau — birthplace — Porto"}),
        Case("range", QueryGraph("list", (person, Constraint("range", born, range=NINETIES))),
             "person whose birth date is from 1990-01-01 to 1999-12-31", ["Eve Novak", "Finn Novak"],
             {"Eve Novak — is a — person", "Eve Novak — birth date — 1995-12-24",
              "Finn Novak — is a — person", "Finn Novak — birth date — 1999-08-17"}),
        Case("count of ends", QueryGraph("count", (person, Constraint("count", path("^parent"), range=TWO))),
             "number of person whose number of parent is 2", 4, set()),
        Case("exists", QueryGraph("list", (person, Constraint("exists", path("spouse")))), "person that have a spouse",
             ["Clara Moreau"], {"Clara Moreau — is a — person", "Clara Moreau — spouse — Dan Novak"}),
        Case("not", QueryGraph("list", (at("Eve", "^parent"), Constraint("not", path("spouse"), (node("Dan"),)))),
             "person that are the parent of Eve Novak and whose spouse is not Dan Novak", ["Dan Novak"],
             {"Eve Novak — parent — Dan Novak"}),
        Case("missing", QueryGraph("list", (person, Constraint("missing", path("parent")))),
             "person that have no parent",
             ["Ada Moreau", "Ben Moreau", "Dan Novak"],
             {"Ada Moreau — is a — person", "Ben Moreau — is a — person", "Dan Novak — is a — person"}),
        Case("superlative", QueryGraph("superlative", (at("Ada", "parent"),), sort=born),
             "person whose parent is Ada Moreau with the latest birth date", ["Hugo Moreau"],
             {"Hugo Moreau — parent — Ada Moreau", "Hugo Moreau — birth date — 1972-01-30",
              "Clara Moreau — parent — Ada Moreau", "Clara Moreau — birth date — 1968-07-14"}),
        Case("rank", QueryGraph("superlative", (person,), sort=born, rank=2, projection=path("parent")),
             "parent of person with the second latest birth date", ["Clara Moreau", "Dan Novak"], set()),
        Case("rank beyond the end", QueryGraph("superlative", (at("Ada", "parent"),), sort=born, rank=3),
             "person whose parent is Ada Moreau with the third latest birth date", [], set()),
        Case("most", QueryGraph("superlative", (person,), sort=path("^parent"), sort_by_count=True),
             "person with the highest number of person whose parent they are",
             ["Ada Moreau", "Ben Moreau", "Clara Moreau", "Dan Novak"], set()),
        Case("order", QueryGraph("order", (person,), sort=born, descending=False, n_best=3),
             "the first 3 person in order of birth date, earliest first",
             ["Ben Moreau", "Ada Moreau", "Dan Novak"], set()),
        Case("compare", QueryGraph("compare", among=ada_ben, sort=born, descending=False),
             "which of Ada Moreau, Ben Moreau has the earlier birth date", ["Ben Moreau"],
             {"Ada Moreau — birth date — 1941-05-02", "Ben Moreau — birth date — 1938-11-20"}),
        Case("ask", QueryGraph("ask", (at("Ada", "parent"),), among=(node("Clara"),)),
             "whether Clara Moreau has parent Ada Moreau", True, {"Clara Moreau — parent — Ada Moreau"}),
        Case("ask, false", QueryGraph("ask", (at("Ada", "parent"),), among=(node("Dan"),)),
             "whether Dan Novak has parent Ada Moreau", False, set()),
        Case("ask, shared", QueryGraph("ask", among=(node("Clara"), node("Hugo")), shared=path("parent")),
             "whether Clara Moreau and Hugo Moreau have the same parent", True,
             {"Clara Moreau — parent — Ada Moreau", "Clara Moreau — parent — Ben Moreau",
              "Hugo Moreau — parent — Ada Moreau", "Hugo Moreau — parent — Ben Moreau"}),
        Case("ask, compared", QueryGraph("ask", among=(node("Ada"), node("Ben")), sort=born, descending=False),
             "whether Ada Moreau has a earlier birth date than Ben Moreau", False,
             {"Ada Moreau — birth date — 1941-05-02", "Ben Moreau — birth date — 1938-11-20"}),
    ]  # fmt: skip


NAMES = (
    "inverse hop", "forward hop", "two hops", "blank node", "union", "exclude", "projection", "range", "count of ends",
    "exists", "not", "missing", "superlative", "rank", "rank beyond the end", "most", "order", "compare", "ask",
    "ask, false", "ask, shared", "ask, compared",
)  # fmt: skip


@pytest.fixture(params=NAMES)
def case(request: pytest.FixtureRequest, family_index: GraphIndex) -> Case:
    return {case.name: case for case in cases(family_index)}[request.param]


def test_every_case_is_tried(family_index: GraphIndex) -> None:
    assert tuple(case.name for case in cases(family_index)) == NAMES


def test_the_index_answers_as_worked_out_by_hand(case: Case, family_index: GraphIndex) -> None:
    result = Executor(family_index).run(case.query)
    labels = [family_index.label(node) for node in result.nodes.tolist()]
    if isinstance(case.answers, bool):
        assert result.truth is case.answers
    elif isinstance(case.answers, int):
        assert result.count == case.answers
    else:
        assert (labels if case.query.operator == "order" else sorted(labels)) == case.answers


def test_the_sparql_answers_as_worked_out_by_hand(
    case: Case, family_index: GraphIndex, family_store: OxigraphStore
) -> None:
    text = to_sparql(case.query, family_index)
    if isinstance(case.answers, bool):
        assert family_store.ask(text) is case.answers
        return
    found = [row[0] for row in family_store.select(text)]
    if isinstance(case.answers, int):
        assert [term.value for term in found if term] == [str(case.answers)]
        return
    labels = [family_index.label(family_index.find(term.value)) for term in found if term]
    assert (labels if case.query.operator == "order" else sorted(labels)) == case.answers


def test_the_sparql_is_read_by_both_parsers(case: Case, family_index: GraphIndex) -> None:
    text = to_sparql(case.query, family_index)
    prepareQuery(text)
    ox.Store().query(text)


def test_the_query_reads_as_english(case: Case, family_index: GraphIndex) -> None:
    result = Executor(family_index).run(case.query)
    assert Linearizer(family_index, Schema(family_index)).text(case.query, result) == case.text


def test_the_evidence_is_what_the_query_matched(case: Case, family_index: GraphIndex) -> None:
    result = Executor(family_index).run(case.query)
    facts = EvidenceFinder(family_index).of_result(case.query, result)
    if case.evidence:
        assert case.evidence <= {fact.text for fact in facts}
    for fact in facts:
        s, p, o = fact.subject, fact.predicate, fact.object
        nodes = {family_index.term(n): n for n in range(family_index.n_terms)}
        assert family_index.has_edge(nodes[s], family_index.predicate_id(p.value), nodes[o])


def test_the_line_tells_the_kind_of_answer_but_not_the_outcome(family_index: GraphIndex) -> None:
    lines = []
    for case in cases(family_index):
        if case.name in ("inverse hop", "superlative", "count of ends", "ask", "ask, false"):
            result = Executor(family_index).run(case.query)
            lines.append(Linearizer(family_index, Schema(family_index)).line(case.query, result).rpartition(" | ")[2])
    assert lines == ["two person, Eve Novak", "a count", "one person, Hugo Moreau", "yes or no", "yes or no"]


def test_plain_dates_are_compared_by_sparql_itself(family_index: GraphIndex) -> None:
    """The query people see has no conversions where none are needed."""
    by_name = {case.name: to_sparql(case.query, family_index) for case in cases(family_index)}
    assert by_name["compare"] == (
        "SELECT DISTINCT ?x WHERE {\n"
        f"  VALUES ?x {{ <{F}Ada> <{F}Ben> }}\n"
        f"  ?x <{F}birthDate> ?value .\n"
        f"  {{ SELECT DISTINCT ?other WHERE {{ VALUES ?y {{ <{F}Ada> <{F}Ben> }} ?y <{F}birthDate> ?other . }}"
        " ORDER BY ASC(?other) LIMIT 1 }\n"
        "  FILTER(?value = ?other)\n"
        "}"
    )

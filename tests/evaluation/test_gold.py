from __future__ import annotations

from dataclasses import replace

import pytest

from kgqa.datasets.question_files import QAExample
from kgqa.datatypes import XSD_BOOLEAN, Question, Term, iri, literal
from kgqa.evaluation.gold import answer_kind_of, operator_of

EXAMPLE = QAExample(Question("?"), (iri("http://e/a"),))


@pytest.mark.parametrize(
    ("sparql", "operator"),
    [
        ("SELECT ?x WHERE { ?x a <http://e/Ask> }", "list"),
        ("PREFIX ask: <http://e/> ASK { ?x a ask:B }", "ask"),
        ("ASK WHERE { ?x ?y 1 }", "ask"),
        ("SELECT (COUNT(DISTINCT ?x) AS ?n) { ?x ?p ?o FILTER(?o > 3) }", "count"),
        ("select ?x { ?x ?p ?o } order by desc(?o) limit 1", "superlative"),
        ("SELECT (MAX(?o) AS ?m) { ?x ?p ?o }", "superlative"),
        ("SELECT ?x { ?x ?p ?o } GROUP BY ?x HAVING (COUNT(?o) > 2)", "aggregate"),
        ("SELECT (AVG(?o) AS ?m) { ?x ?p ?o }", "aggregate"),
        ("SELECT ?x { ?x ?p ?o } ORDER BY ?o", "order"),
        ("SELECT ?x { ?x ?p ?o MINUS { ?x a ?c } }", "difference"),
        ("SELECT ?x { ?x ?p ?o FILTER NOT EXISTS { ?x a ?c } }", "difference"),
        ("SELECT ?x { { ?x ?p 1 } UNION { ?x ?p 2 } }", "union"),
        ("SELECT ?x { ?x ?p ?o FILTER(?o > 3) }", "filter"),
        ('SELECT ?x { ?x ?p "count(union filter) order by limit" }', "list"),
        ("", ""),
    ],
)
def test_the_operator_of_a_gold_query(sparql: str, operator: str) -> None:
    assert operator_of(replace(EXAMPLE, gold_sparql=sparql or None)) == operator


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ((), "unanswerable"),
        ((iri("http://e/a"), iri("http://e/b")), "entity set"),
        ((literal("3"),), "literal"),
        ((literal("true", XSD_BOOLEAN),), "boolean"),
    ],
    ids=["none", "entities", "literal", "boolean"],
)
def test_the_kind_of_answers_is_told_by_the_terms(answers: tuple[Term, ...], kind: str) -> None:
    assert answer_kind_of(replace(EXAMPLE, answers=answers)) == kind


def test_the_sets_own_word_for_the_kind_wins() -> None:
    assert answer_kind_of(replace(EXAMPLE, answers=(literal("3"),), answer_kind="count")) == "count"

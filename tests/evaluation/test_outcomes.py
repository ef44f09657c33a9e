from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kgqa.datasets.question_files import GoldLink, QAExample
from kgqa.datatypes import XSD, XSD_BOOLEAN, XSD_INTEGER, Mention, Question, Term, iri, literal
from kgqa.evaluation.oracle import StageScores
from kgqa.evaluation.outcomes import Diagnosis, Given, Linked, Outcome, given_of, term_of

A, B = iri("http://e/a"), iri("http://e/b")
EXAMPLE = QAExample(
    Question("Which of a?", "q1"),
    (A, literal("3", XSD_INTEGER), literal("Wien", lang="de"), literal("true", XSD_BOOLEAN), literal("x")),
    "2-hop",
    True,
    answer_kind="entity set",
    language="fr",
    hops=2,
    gold_links=(GoldLink(A, "a", Mention(9, 10, "a")), GoldLink(B)),
    gold_sparql="ASK { ?a ?b ?c }",
)
OUTCOME = Outcome(
    EXAMPLE,
    Given(
        (B, Term("bnode", "n1"), literal("2001-01-01", XSD + "date")),
        ("b", "", "2001"),
        1 / 3,
        "SELECT 1",
        "",
        "the b of a",
        (Linked(A, 9, 10), Linked(B)),
        12.5,
    ),
    "part one",
    ("a", "3", "Wien", "yes", "x"),
    Diagnosis(1 / 7, 0.0, StageScores(None, 1.0, 0.5, 0.25, 0.0, 0.0), 0.5, True),
)


def test_an_outcome_survives_json_to_the_last_bit() -> None:
    assert Outcome.from_dict(json.loads(json.dumps(OUTCOME.to_dict()))) == OUTCOME


def test_an_outcome_that_knows_nothing_survives_json() -> None:
    bare = Outcome(QAExample(Question("?"), (), answer_form="none"), Given())
    assert Outcome.from_dict(json.loads(json.dumps(bare.to_dict()))) == bare


def test_real_outcomes_survive_json(family_outcomes: tuple[Outcome, ...]) -> None:
    for outcome in family_outcomes:
        read = Outcome.from_dict(json.loads(json.dumps(outcome.to_dict())))
        assert (read.f1, read.exact, read.diagnosis) == (outcome.f1, outcome.exact, outcome.diagnosis)
        assert read.given.confidence == outcome.given.confidence


def test_a_line_of_a_batch_is_read() -> None:
    answer = {"type": "boolean", "value": False, "datatype": XSD_BOOLEAN, "lang": None, "label": "no", "score": 0.5}
    row = {"id": "1", "question": "?", "status": "answered", "confidence": 0.5, "latency_ms": 3, "answers": [answer]}
    given = given_of(row)
    assert (given.answers, given.labels) == ((literal("false", XSD_BOOLEAN),), ("no",))
    assert (given.confidence, given.latency_ms) == (0.5, 3.0)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, "no list of 'answers'"),
        ({"answers": ["x"]}, "must be an object"),
        ({"answers": [], "confidence": 1.5}, "from 0 to 1"),
        ({"answers": [], "confidence": "high"}, "must be a number"),
        ({"answers": [{"type": "iri", "value": "x"}]}, "unknown answer type 'iri'"),
        ({"answers": [{"type": "uri", "value": 3}]}, "must be a text"),
    ],
    ids=["none", "text", "range", "word", "type", "value"],
)
def test_a_line_that_is_no_prediction_is_refused_with_its_reason(row: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        given_of(row)


def test_a_boolean_is_a_term() -> None:
    assert term_of({"type": "boolean", "value": True}) == literal("true", XSD_BOOLEAN)


def test_an_unanswerable_question_is_right_when_not_answered() -> None:
    example = QAExample(Question("?"), ())
    held_back = Outcome(example, Given(confidence=0.2), diagnosis=Diagnosis(0.0, 0.0))
    assert (held_back.f1, held_back.exact, held_back.abstained) == (1.0, 1.0, True)
    assert held_back.first_is_right is False  # its best reading would have been wrong
    assert Outcome(example, Given((A,), ("a",))).f1 == 0.0


def test_rightness_of_what_was_held_back_is_unknown_without_a_diagnosis() -> None:
    example = QAExample(Question("?"), (A,))
    assert Outcome(example, Given()).first_is_right is None
    assert Outcome(example, Given((A,), ("",))).first_is_right is True


def test_a_question_without_gold_answers_is_not_scored() -> None:
    assert not replace(OUTCOME, example=replace(EXAMPLE, answers=(), answer_form="none")).is_scored
    assert replace(OUTCOME, example=replace(EXAMPLE, answers=())).is_scored

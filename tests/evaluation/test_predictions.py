from __future__ import annotations

import json
from pathlib import Path

import pytest

from kgqa.datasets.question_files import QAExample
from kgqa.datatypes import XSD_BOOLEAN, XSD_INTEGER, Question, Term, iri, literal
from kgqa.errors import DatasetError
from kgqa.evaluation.outcomes import Given, Outcome
from kgqa.evaluation.predictions import PredictedLine, match, read_predictions, to_qald

A, B = iri("http://e/a"), iri("http://e/b")


def _example(identifier: str, text: str) -> QAExample:
    return QAExample(Question(text, identifier), (A,))


@pytest.mark.parametrize(
    "answers",
    [
        (A, B),
        (literal("3", XSD_INTEGER), literal("Wien", lang="de"), literal("x"), Term("bnode", "n")),
        (literal("false", XSD_BOOLEAN),),
        (),
    ],
    ids=["entities", "literals", "boolean", "none"],
)
def test_answers_survive_qald_json(tmp_path: Path, answers: tuple[Term, ...]) -> None:
    outcome = Outcome(_example("7", "Who?"), Given(answers, ("",) * len(answers), sparql="SELECT 1"))
    path = tmp_path / "p.json"
    path.write_text(json.dumps(to_qald([outcome], "set")))
    (line,) = read_predictions(path)
    assert (line.id, line.question) == ("7", "Who?")
    assert (line.given.answers, line.given.sparql) == (answers, "SELECT 1")


def test_qald_json_has_the_layout_that_gerbil_takes() -> None:
    outcome = Outcome(_example("7", "Who?"), Given((A,), ("a",), sparql="SELECT 1"))
    assert to_qald([outcome], "set") == {
        "dataset": {"id": "set"},
        "questions": [
            {
                "id": "7",
                "question": [{"language": "en", "string": "Who?"}],
                "query": {"sparql": "SELECT 1"},
                "answers": [
                    {
                        "head": {"vars": ["answer"]},
                        "results": {"bindings": [{"answer": {"type": "uri", "value": "http://e/a"}}]},
                    }
                ],
            }
        ],
    }


def test_lines_are_matched_by_id_and_else_by_their_text() -> None:
    lines = [
        PredictedLine("1", "anything", Given((A,), ("",))),
        PredictedLine("", "Where?", Given((B,), ("",))),
        PredictedLine("9", "Why?", Given()),
    ]
    found = match([_example("1", "Who?"), _example("", "Where?"), _example("3", "When?")], lines, ["x", "x", "y"])
    assert [outcome.given.answers for outcome in found.outcomes] == [(A,), (B,), ()]
    assert [outcome.part for outcome in found.outcomes] == ["x", "x", "y"]
    assert (found.missing, found.unused) == (("3",), ("9",))


def test_two_predictions_of_one_question_are_refused() -> None:
    with pytest.raises(DatasetError, match="two predictions of the question '1'"):
        match([], [PredictedLine("1", "", Given())] * 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": 1, "answers": []}\n{"id": 2}\n', "line 2: no list of 'answers'"),
        ('{"id": 1, "answers": []}\nhello\n', "line 2: "),
        ('{"answers": []}\n', "line 1: neither 'id' nor 'question'"),
        ('{"questions": {}}', "'questions' is no list"),
        ('{"questions": [{}, 3]}', "question 2: not an object"),
        ('{"questions": [{"answers": [3]}]}', "question 1: 'answers' must hold objects"),
        (
            '{"questions": [{"answers": [{"results": {"bindings": [{"x": {"type": "y", "value": ""}}]}}]}]}',
            "unknown binding type 'y'",
        ),
        ('{"questions": [{"answers": [{"results": {"bindings": [{"x": {"type": "uri"}}]}}]}]}', "with a 'value'"),
        ("[" * 100_000, "line 1: "),
    ],
    ids=["no-answers", "no-json", "no-key", "no-list", "no-object", "no-results", "binding", "no-value", "nested"],
)
def test_a_file_that_is_wrong_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "p"
    path.write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_predictions(path)


def test_a_file_that_is_no_text_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DatasetError, match="not UTF-8"):
        read_predictions(path)
    with pytest.raises(DatasetError, match="cannot be read"):
        read_predictions(tmp_path / "none")


def test_several_result_objects_and_typed_literals_are_read(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    bindings = [{"n": {"type": "typed-literal", "value": "3", "datatype": XSD_INTEGER}}]
    others = [{"x": {"type": "uri", "value": A.value}}]
    answers = [{"results": {"bindings": bindings}}, {"results": {"bindings": others}}]
    path.write_text(json.dumps({"questions": [{"id": 5, "answers": answers}]}), encoding="utf-8-sig")
    (line,) = read_predictions(path)
    assert (line.id, line.given.answers) == ("5", (literal("3", XSD_INTEGER), A))

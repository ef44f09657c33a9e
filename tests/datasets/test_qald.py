from __future__ import annotations

import json
from pathlib import Path

import pytest

from kgqa.datasets.qald import read_qald_json, read_qald_xml
from kgqa.datasets.question_files import BadLine, QAExample
from kgqa.datatypes import XSD, XSD_BOOLEAN, XSD_INTEGER, Term, iri, literal
from kgqa.errors import DatasetError


def _table(*rows: object) -> dict[str, object]:
    return {"head": {"vars": ["x", "y"]}, "results": {"bindings": list(rows)}}


def _question(answers: object, **more: object) -> dict[str, object]:
    wordings = [{"language": "en", "string": "Who?"}, {"language": "hi_IN", "string": "कौन?"}]
    return {"id": 3, "question": wordings, "query": {"sparql": "SELECT 1"}, "answers": answers, **more}


def _read(folder: Path, *questions: object, language: str = "en") -> list[QAExample]:
    path = folder / "qald.json"
    path.write_text(json.dumps({"questions": questions}))
    found = read_qald_json(path, language)
    assert found.bad_lines == ()
    return list(found.items)


@pytest.mark.parametrize(
    ("bound", "term"),
    [
        ({"type": "uri", "value": "http://e/a"}, iri("http://e/a")),
        ({"type": "list", "value": "http://e/a"}, iri("http://e/a")),
        ({"type": "literal", "value": "a", "xml:lang": "DE"}, literal("a", lang="de")),
        ({"type": "typed-literal", "value": "3", "datatype": XSD_INTEGER}, literal("3", XSD_INTEGER)),
        ({"type": "bnode", "value": "b1"}, Term("bnode", "b1")),
    ],
    ids=["uri", "list of QALD-8", "language", "typed", "blank"],
)
def test_a_binding_becomes_a_term(tmp_path: Path, bound: object, term: Term) -> None:
    assert _read(tmp_path, _question([_table({"x": bound})]))[0].answers == (term,)


def test_only_the_first_variable_of_the_head_is_gold(tmp_path: Path) -> None:
    row = {"y": {"type": "literal", "value": "label"}, "x": {"type": "uri", "value": "http://e/a"}}
    assert _read(tmp_path, _question([_table(row)]))[0].answers == (iri("http://e/a"),)


def test_an_ask_query_has_a_truth_value(tmp_path: Path) -> None:
    example = _read(tmp_path, _question([{"head": {}, "boolean": False}]))[0]
    assert (example.answers, example.answer_kind) == ((literal("false", XSD_BOOLEAN),), "boolean")


def test_an_empty_table_is_a_gold_answer_and_a_missing_one_is_not(tmp_path: Path) -> None:
    empty, missing = _read(tmp_path, _question([_table()]), _question([]))
    assert (empty.answer_form, empty.is_answerable) == ("terms", False)
    assert (missing.answer_form, missing.is_answerable) == ("none", True)


def test_the_language_is_matched_without_its_region(tmp_path: Path) -> None:
    example = _read(tmp_path, _question([_table()]), language="hi")[0]
    assert (example.question.text, example.language) == ("कौन?", "hi-in")


def test_all_languages_and_wordings_are_examples_of_their_own(tmp_path: Path) -> None:
    question = _question([_table()])
    wordings = (("de", "Wer?"), ("de", "Wer denn?"), ("en", "Who?"))
    question["question"] = [{"language": language, "string": text} for language, text in wordings]
    found = _read(tmp_path, question, language="all")
    assert [e.question.id for e in found] == ["3@de", "3@de#2", "3@en"]
    assert [e.question.text for e in _read(tmp_path, question, language="de")] == ["Wer?"]


def test_a_question_without_the_language_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "qald.json"
    path.write_text(json.dumps({"questions": [_question([_table()])]}))
    assert read_qald_json(path, "de").bad_lines == (BadLine(1, "no wording in 'de'; there is one in en, hi-in"),)


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("x", "expected an object, found a text"),
        (_question([_table({"x": {"type": "odd", "value": "a"}})]), "unknown type 'odd'"),
        (_question([_table({"x": "a"})]), "with 'type' and 'value'"),
        (_question([{"results": {}}]), "without 'bindings'"),
        ({"question": [{"language": "en", "string": "Who?"}]}, "neither 'answers' nor a gold query"),
    ],
    ids=["text", "type", "binding", "table", "no gold"],
)
def test_a_malformed_question_is_listed_by_its_number(tmp_path: Path, question: object, reason: str) -> None:
    path = tmp_path / "qald.json"
    path.write_text(json.dumps({"questions": [_question([_table()]), question]}))
    found = read_qald_json(path)
    assert len(found.items) == 1
    assert found.bad_lines[0].number == 2
    assert reason in found.bad_lines[0].reason


XML = """\ufeff<?xml version="1.0"?>
<dataset id="d">
<question id="1" answertype="resource"><string lang="en"><![CDATA[
Which  groups? ]]></string><string lang="de">Welche?</string><query><![CDATA[ SELECT ?g ]]></query>
<answers><answer><uri>http://e/a</uri></answer><answer>http://e/b</answer></answers></question>
<question id="2"><string lang="en">Out?</string><query>OUT OF SCOPE</query></question>
<question id="3" answertype="number"><string lang="en">How many?</string><pseudoquery>p</pseudoquery>
<answers><answer>8</answer></answers></question>
<question id="4"><string lang="en">When?</string><query>q</query>
<answers><answer><date>1935-01-08</date></answer></answers></question>
<question id="5"><string lang="en">Is it?</string><query>q</query>
<answers><answer><boolean>True</boolean></answer></answers></question>
<question id="6"><string lang="en">Open?</string><query>q</query></question>
<question id="7"><string lang="en">Nothing?</string></question>
</dataset>"""


def test_qald_xml_answers_become_terms(tmp_path: Path) -> None:
    (tmp_path / "qald.xml").write_text(XML)
    found = read_qald_xml(tmp_path / "qald.xml")
    first, outside, number, date, truth, without = found.items
    assert first.question.text == "Which groups?"
    assert first.answers == (iri("http://e/a"), iri("http://e/b"))
    assert (outside.answers, outside.answer_form, outside.gold_sparql) == ((), "terms", None)
    assert (number.answers, number.gold_sparql) == ((literal("8", XSD + "decimal"),), None)
    assert ("pseudoquery", "p") in number.metadata
    assert date.answers == (literal("1935-01-08", XSD + "date"),)
    assert truth.answers == (literal("true", XSD_BOOLEAN),)
    assert without.answer_form == "none"
    assert found.bad_lines == (BadLine(7, "neither answers nor a gold query"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('<!DOCTYPE d [<!ENTITY a "b">]><d>&a;</d>', ":1: a document type or entity is not read"),
        ('<!DOCTYPE d SYSTEM "http://127.0.0.1/x.dtd"><d/>', "a document type or entity is not read"),
        ("<d>\n<question>", ":2:11: not XML: no element found"),
        ("<d>" * 65 + "</d>" * 65, "nested more than 64 deep"),
    ],
    ids=["entity", "external", "truncated", "deep"],
)
def test_hostile_xml_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "qald.xml").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_qald_xml(tmp_path / "qald.xml")

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kgqa.datasets.question_files import read_examples, read_questions
from kgqa.datatypes import XSD_BOOLEAN, XSD_INTEGER, Question, iri, literal
from kgqa.errors import DatasetError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "questions.jsonl"


def test_questions_keep_their_order_and_ids(path: Path) -> None:
    path.write_text('{"id": "b", "question": "Who?"}\n\n{"question": "Where?"}\n{"id": 7, "question": ""}\n')
    found = read_questions(path)
    assert found.items == (Question("Who?", "b"), Question("Where?", ""), Question("", "7"))
    assert found.bad_lines == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{oops", "not JSON: .* at column 2"),
        (b"[1]", "expected a JSON object, found a list"),
        (b'{"text": "Who?"}', "no 'question'"),
        (b'{"question": null}', "found null"),
        (b'{"question": 3}', "found a number"),
        (b'{"question": "Who?", "id": []}', "'id' must be .* found a list"),
        (b'{"question": "\xff"}', "not UTF-8 at byte 14"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5_000, "too many digits"),
    ],
    ids=["syntax", "list", "missing", "null", "number", "id", "encoding", "nesting", "digits"],
)
def test_a_bad_line_is_left_out_and_told_by_its_number(path: Path, line: bytes, reason: str) -> None:
    path.write_bytes(b'{"question": "Who?"}\n\n' + line + b'\n{"question": "Where?"}')
    found = read_questions(path)
    assert [question.text for question in found.items] == ["Who?", "Where?"]
    assert [bad.number for bad in found.bad_lines] == [3]
    assert re.search(reason, found.bad_lines[0].reason)


def test_only_a_newline_ends_a_line(path: Path) -> None:
    path.write_bytes('\ufeff{"question": "a\u2028b\x85c"}\r\n'.encode())
    assert read_questions(path).items == (Question("a\u2028b\x85c"),)


def test_a_missing_file_is_one_clear_error(path: Path) -> None:
    with pytest.raises(DatasetError, match="No such file"):
        read_questions(path)


def test_gold_answers_become_terms(path: Path) -> None:
    path.write_text(
        '{"question": "a", "category": "list", "ordered": true, "answers": [{"type": "uri", "value": "http://e/a"},'
        ' {"type": "literal", "value": "3", "datatype": "http://www.w3.org/2001/XMLSchema#integer"},'
        ' {"type": "literal", "value": "Wien", "lang": "de"}, {"type": "boolean", "value": false}]}\n'
        '{"question": "b", "answers": []}\n{"question": "c"}\n'
        '{"question": "d", "answers": [{"type": "x", "value": ""}]}\n'
    )
    found = read_examples(path)
    first, second = found.items
    assert first.answers == (
        iri("http://e/a"), literal("3", XSD_INTEGER), literal("Wien", lang="de"), literal("false", XSD_BOOLEAN)
    )  # fmt: skip
    assert (first.category, first.ordered, first.is_answerable) == ("list", True, True)
    assert not second.is_answerable
    assert [(bad.number, bad.reason) for bad in found.bad_lines] == [
        (3, "no list of gold 'answers'"),
        (4, "unknown answer type 'x'; expected one of: boolean, literal, uri"),
    ]

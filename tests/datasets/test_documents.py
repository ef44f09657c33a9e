from __future__ import annotations

from pathlib import Path

import pytest

from kgqa.datasets import documents
from kgqa.datasets.documents import list_in, read_csv, read_json, read_yaml, records
from kgqa.datasets.query_sets import fields
from kgqa.datasets.question_files import BadLine
from kgqa.errors import DatasetError

READ = records(fields(sparql="sparql"), "questions")


@pytest.mark.parametrize(
    "text",
    [
        '[{"question": "Who?", "sparql": "q"}, {"question": "", "sparql": "q"}]',
        '{"questions": [{"question": "Who?", "sparql": "q"}, {"question": null, "sparql": "q"}]}',
        '{"question": "Who?", "sparql": "q"}\n{"sparql": "q"}\n',
    ],
    ids=["list", "object", "lines"],
)
def test_records_are_read_from_a_list_an_object_or_lines(tmp_path: Path, text: str) -> None:
    path = tmp_path / "set.json"
    path.write_text(text)
    found = READ(path, "en")
    assert [example.question.text for example in found.items] == ["Who?"]
    assert found.bad_lines == (BadLine(2, "no 'question'"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1,\n", r"set.json:2:1: not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": []}', "expected a list, or an object with 'questions', found an object"),
        ("3", "found a number"),
    ],
    ids=["syntax", "nesting", "root", "kind"],
)
def test_a_document_that_is_none_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "set.json"
    path.write_text(text)
    with pytest.raises(DatasetError, match=message):
        READ(path, "en")


def test_a_document_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "set.json"
    path.write_text("[1, 2]")
    monkeypatch.setattr(documents, "MAX_DOCUMENT_BYTES", 5)
    with pytest.raises(DatasetError, match="larger than 5 bytes"):
        read_json(path)


def test_other_encodings_are_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    path.write_bytes(b'["\xff"]')
    with pytest.raises(DatasetError, match="not UTF-8 at byte 2"):
        read_json(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("a: [1", r":1:\d+: not YAML"),
        ("[" * 10_000, "not YAML that can be read"),
    ],
    ids=["object", "syntax", "nesting"],
)
def test_hostile_yaml_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "questions.yml"
    path.write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_yaml(path)


def test_a_table_is_read_by_its_head(tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_text('question,cypher\n"Who, then?","MATCH\n(m)"\n')
    assert list(read_csv(path)) == [{"question": "Who, then?", "cypher": "MATCH\n(m)"}]


def test_a_list_is_found_under_the_first_name_that_is_there() -> None:
    assert list_in({"b": [1], "c": [2]}, Path("x"), "a", "b", "c") == [1]

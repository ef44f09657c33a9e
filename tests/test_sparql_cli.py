from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from kgqa import cli

FAMILY = str(Path(__file__).resolve().parent.parent / "graphs" / "family.ttl")
NAMESPACE = "https://kgqa.example/family#"
CHILDREN = f"SELECT ?child WHERE {{ ?child <{NAMESPACE}parent> <{NAMESPACE}Dan> }} ORDER BY ?child"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KGQA_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(["sparql", *arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_a_select_is_printed_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(CHILDREN, "--graph", FAMILY) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "child"
    assert lines[2:] == [f"<{NAMESPACE}Eve>", f"<{NAMESPACE}Finn>", "2 rows"]


def test_json_is_in_the_form_of_the_recommendation(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(CHILDREN, "--graph", FAMILY, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "head": {"vars": ["child"]},
        "results": {"bindings": [{"child": {"type": "uri", "value": NAMESPACE + n}} for n in ("Eve", "Finn")]},
    }


def test_an_ask_is_a_word_or_a_boolean(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ASK { ?s ?p ?o }", "--graph", FAMILY) == 0
    assert capsys.readouterr().out == "yes\n"
    assert run("ASK { ?s ?p 12345 }", "--graph", FAMILY, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"head": {}, "boolean": False}


def test_a_query_may_come_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("ASK { ?s ?p ?o }"))
    assert run("-", "--graph", FAMILY) == 0
    assert capsys.readouterr().out == "yes\n"


def test_rows_that_are_left_out_are_told_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("SELECT * { ?s ?p ?o }", "--graph", FAMILY, "--max-rows", "2", "--json") == 0
    told = capsys.readouterr()
    assert len(json.loads(told.out)["results"]["bindings"]) == 2
    assert told.err == "kgqa: only the first 2 rows are shown\n"


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("DROP ALL", "kgqa: updates are refused: only SELECT, ASK, CONSTRUCT and DESCRIBE are run\n"),
        ("SELECT * { SERVICE ?u { } }", "kgqa: SERVICE is refused: a query may not ask other hosts\n"),
    ],
)
def test_a_refused_query_is_one_line_on_standard_error(
    query: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(query, "--graph", FAMILY) == 1
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", line)


def test_escape_sequences_in_a_literal_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run('SELECT ?x { BIND("\\u001b[31mred\\u202e" AS ?x) }', "--graph", FAMILY) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\u202e" not in out and "red" in out

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kgqa.datasets.cli import main
from kgqa.datasets.registry import BENCHMARKS
from kgqa.errors import DatasetError


def test_the_list_needs_no_data_and_names_every_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in listed] == list(BENCHMARKS)
    (metaqa,) = (row for row in listed if row["name"] == "metaqa")
    assert (metaqa["questions"], metaqa["graph_comes_along"], metaqa["licence"]) == (407_513, True, "CC BY 3.0")


def test_the_table_shows_size_and_source(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    main([])
    row = next(line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("qald-10 "))
    assert "394" in row and "Wikidata" in row and "github.com/KGQA/QALD-10" in row


def test_one_set_is_shown_with_its_files(capsys: pytest.CaptureFixture[str]) -> None:
    main(["cwq"])
    out = " ".join(capsys.readouterr().out.split())
    assert "dev, 3,519 questions: ComplexWebQuestions_dev.json" in out


def test_a_download_is_checked_and_what_is_skipped_is_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "PQ-2H.txt").write_text("who ?\tal(al/)\tbo#child#al\nwho ?\tal\n")
    main(["pq-2h", "--data", str(tmp_path)])
    out = capsys.readouterr().out.splitlines()
    assert out[0] == (
        "pq-2h all: 1 questions of 1,908 published, 1 with gold answers, 1 with gold links; 1 skipped"
    )
    assert out[1].startswith("  PQ-2H.txt: 2: expected 3 columns")


def test_the_graph_of_a_set_is_written(tmp_path: Path) -> None:
    (tmp_path / "kb.txt").write_text("A|knows|B\n")
    main(["metaqa", "--data", str(tmp_path), "--write-graph", str(tmp_path / "out" / "kb.nt")])
    assert len((tmp_path / "out" / "kb.nt").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--split", "dev"], "name the benchmark"),
        (["metaqa", "--write-graph", "x.nt"], "--write-graph needs --data"),
        (["metaqa", "--data", "."], "has no file of metaqa"),
        (["qald-10", "--data", ".", "--write-graph", "x.nt"], "no graph that needs to be converted"),
        (["meta"], "unknown benchmark 'meta'"),
    ],
    ids=["no name", "no data", "no files", "no graph", "unknown"],
)
def test_a_mistake_is_one_clear_error(arguments: list[str], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        main(arguments)

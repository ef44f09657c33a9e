from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from kgqa.datasets.question_files import QAExample
from kgqa.datatypes import Question, iri
from kgqa.errors import DatasetError
from kgqa.evaluation.outcomes import Given, Outcome
from kgqa.evaluation.run_folder import PREDICTIONS, RunFolder, provenance, read_card, read_outcomes, sha256

A = iri("http://e/a")
CARD = {"benchmark": "b", "linking": "predicted", "command": ["kgqa", "evaluate"]}
OUTCOMES = tuple(
    Outcome(QAExample(Question(f"q{n}\u2028", str(n)), (A,)), Given((A,), ("a",), n / 3)) for n in range(3)
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "one"


def test_outcomes_are_on_disk_before_they_are_handed_on(path: Path) -> None:
    folder = RunFolder.open(path, CARD)
    for number, _ in enumerate(folder.append(OUTCOMES), start=1):
        assert (path / PREDICTIONS).read_bytes().count(b"\n") == number
    assert read_outcomes(path) == OUTCOMES


def test_a_run_goes_on_after_its_last_whole_line(path: Path) -> None:
    list(RunFolder.open(path, CARD).append(OUTCOMES[:2]))
    with (path / PREDICTIONS).open("ab") as file:
        file.write(b'{"id": "2", "questi')  # the process was killed here
    again = RunFolder.open(path, {**CARD, "command": ["kgqa", "evaluate", "again"]})
    assert again.n_done == 2
    list(again.append(OUTCOMES[2:]))
    assert read_outcomes(path) == OUTCOMES


def test_a_run_with_other_settings_is_not_mixed_in(path: Path) -> None:
    RunFolder.open(path, CARD)
    with pytest.raises(DatasetError, match="another linking.*--restart"):
        RunFolder.open(path, {**CARD, "linking": "gold"})


def test_a_restart_begins_anew(path: Path) -> None:
    folder = RunFolder.open(path, CARD)
    list(folder.append(OUTCOMES))
    folder.finish({"scores": 1}, {"questions": []}, {"seconds": 2})
    again = RunFolder.open(path, {**CARD, "linking": "gold"}, restart=True)
    assert again.n_done == 0
    assert sorted(file.name for file in path.iterdir()) == ["run.json"]
    assert read_card(path)["linking"] == "gold"


def test_the_card_tells_whether_the_run_is_complete(path: Path) -> None:
    folder = RunFolder.open(path, CARD)
    assert read_card(path)["status"] == "running"
    folder.finish({}, {}, {"seconds": 2})
    assert (read_card(path)["status"], read_card(path)["timing"]) == ("complete", {"seconds": 2})


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    for restart in (False, True):
        with pytest.raises(DatasetError, match="other files"):
            RunFolder.open(tmp_path, CARD, restart=restart)
    with pytest.raises(DatasetError, match="is a file"):
        RunFolder.open(tmp_path / "thesis.tex", CARD)


def test_a_line_that_is_not_of_a_run_is_told_by_its_number(path: Path) -> None:
    list(RunFolder.open(path, CARD).append(OUTCOMES[:1]))
    with (path / PREDICTIONS).open("a") as file:
        file.write(json.dumps({"id": "1", "answers": []}) + "\n")
    with pytest.raises(DatasetError, match="line 2: "):
        read_outcomes(path)


def test_a_folder_without_a_run_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no run"):
        read_card(tmp_path)


def test_the_checksum_of_a_folder_tells_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"xy")
    (tmp_path / "b").write_bytes(b"z")
    assert sha256(tmp_path / "b") == hashlib.sha256(b"z").hexdigest()
    before = sha256(tmp_path)
    (tmp_path / "a").rename(tmp_path / "c")
    assert sha256(tmp_path) != before
    (tmp_path / "c").rename(tmp_path / "a")
    assert sha256(tmp_path) == before


def test_provenance_names_what_a_run_was_made_from(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_bytes(b"q")
    found = provenance(["kgqa", "evaluate"], {"q.jsonl": tmp_path / "q.jsonl"})
    assert found["command"] == ["kgqa", "evaluate"]
    assert found["sha256"] == {"q.jsonl": hashlib.sha256(b"q").hexdigest()}
    assert {"versions", "machine", "commit"} <= set(found)

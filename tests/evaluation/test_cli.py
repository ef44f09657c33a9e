from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from kgqa import cli
from kgqa.pipeline import Pipeline

ROOT = Path(__file__).resolve().parents[2]
FAMILY_QUESTIONS = ROOT / "data" / "family_questions.jsonl"
FAMILY = "https://kgqa.example/family#"


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str

    @property
    def rows(self) -> dict[str, list[str]]:
        """The table rows that were printed, by their first word; of several the first."""
        found: dict[str, list[str]] = {}
        for line in self.out.splitlines():
            name, *cells = line.split() or [""]
            found.setdefault(name, cells)
        return found


@pytest.fixture(autouse=True)
def home(family_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("KGQA_CONFIG", "KGQA_THRESHOLD", "KGQA_N_THREADS", "KGQA_MODEL_FOLDER"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("KGQA_HOME", str(family_home))
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch, family: Pipeline) -> Pipeline:
    """The family pipeline, in place of loading one."""
    monkeypatch.setattr(Pipeline, "load", lambda *_, **__: family)
    return family


@pytest.fixture
def kgqa(capfd: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    def run(*arguments: object) -> Run:
        with pytest.raises(SystemExit) as caught:
            cli.main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Run(int(caught.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    def answer(name: str) -> dict[str, str]:
        return {"type": "uri", "value": FAMILY + name}

    rows = [
        {"id": "1", "question": "Who are Eve Novak's parents?", "category": "[red]1-hop",
         "answers": [answer("Clara"), answer("Eve")]},
        {"id": "2", "question": "Who is Zebulon Quackenbush?", "category": "unanswerable", "answers": []},
        {"id": "3", "question": "Who?"},
    ]  # fmt: skip
    path = tmp_path / "q.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_evaluate_prints_a_row_a_category_and_keeps_a_run(
    kgqa: Callable[..., Run], loaded: Pipeline, questions: Path, tmp_path: Path
) -> None:
    run = kgqa("evaluate", questions, "--graph", "family", "--output", tmp_path / "run")
    assert run.code == 0
    assert run.rows["[red]1-hop"] == ["1", "0.500", "0.500", "0.500", "0.000", "1.000", "1.000", "0.500"]
    assert run.rows["unanswerable"] == ["1", "1.000", "1.000", "1.000", "1.000", "-", "-", "1.000"]
    assert run.rows["all"][:3] == ["2", "0.750", "0.750"]
    assert run.err == "kgqa: line 3: no list of gold 'answers'\n"
    card = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert (card["status"], card["n_questions"], card["n_skipped"]) == ("complete", 2, 1)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf-8"))
    assert summary["overall"]["macro"]["f1"] == 0.75


def test_both_linkings_are_two_runs_in_one_folder_and_one_table(
    kgqa: Callable[..., Run], loaded: Pipeline, tmp_path: Path
) -> None:
    options = ("-g", "family", "--linking", "both", "--limit", 4, "-o", tmp_path / "run")
    run = kgqa("evaluate", FAMILY_QUESTIONS, *options)
    assert run.code == 0
    cards = [json.loads((tmp_path / "run" / mode / "run.json").read_text()) for mode in ("predicted", "gold")]
    assert [card["linking"] for card in cards] == ["predicted", "gold"]
    lines = [line for line in run.out.splitlines() if line.startswith(("predicted links", "gold links"))]
    assert len([line for line in lines if "[" in line]) == 2
    again = kgqa(
        "evaluate", FAMILY_QUESTIONS, "-g", "family", "--linking", "both", "--limit", 4, "-o", tmp_path / "run"
    )
    assert "4 of 4 questions are answered already" in again.err


def test_the_oracle_adds_a_row_a_category(kgqa: Callable[..., Run], loaded: Pipeline) -> None:
    out = kgqa("evaluate", FAMILY_QUESTIONS, "-g", "family", "--oracle", "--limit", 5, "--seed", 3).out
    assert "Best answer F1 still reachable after each stage" in out
    assert "link retrieve enumerate prune rank answer" in " ".join(out.split())


def test_the_predictions_of_another_system_need_no_graph_or_model(
    kgqa: Callable[..., Run], questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("a pipeline was loaded")

    monkeypatch.setattr(Pipeline, "load", fail)
    theirs = tmp_path / "theirs.jsonl"
    theirs.write_text(
        '{"id": "1", "answers": [{"type": "uri", "value": "' + FAMILY + 'Clara"}]}\n{"id": "8", "answers": []}\n'
    )
    run = kgqa("evaluate", questions, "--predictions", theirs)
    assert run.rows["all"][:4] == ["2", "0.833", "1.000", "0.750"]
    assert "1 without a prediction: 2\n" in run.err
    assert "1 predicted but not asked: 8\n" in run.err


def test_a_report_is_written_with_its_tables(
    kgqa: Callable[..., Run], loaded: Pipeline, questions: Path, tmp_path: Path
) -> None:
    kgqa("evaluate", questions, "-g", "family", "-o", tmp_path / "run")
    page, markdown, latex = (tmp_path / name for name in ("r.html", "r.md", "r.tex"))
    run = kgqa("report", tmp_path / "run", "-o", page, "--markdown", markdown, "--latex", latex)
    assert (run.code, run.err) == (0, f"wrote {page}, {markdown}, {latex}\n")
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert r"| \[red\]1-hop | 1 | 0.500 |" in markdown.read_text(encoding="utf-8")
    assert r"\begin{tabular}" in latex.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("evaluate", "q.jsonl", "--linking", "best"), 2, "--linking is 'best'"),
        (("evaluate", "q.jsonl", "--engine", "spark"), 2, "--engine is 'spark'"),
        (("evaluate", "none.jsonl"), 1, "none.jsonl: cannot be read"),
        (("evaluate", "metaqa"), 1, "say where the files of metaqa are"),
        (("evaluate", "empty.jsonl"), 1, "holds no question with gold answers"),
        (("report", "."), 1, "holds no run"),
        (("batch", "q.jsonl", "-o", "p.jsonl", "--engine", "spark"), 2, "--engine is 'spark'"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    kgqa: Callable[..., Run],
    questions: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.jsonl").write_text("\n")
    run = kgqa(*arguments)
    assert run.code == code
    assert message in " ".join(run.err.replace("│", " ").split())
    assert "Traceback" not in run.err


@pytest.mark.parametrize(
    "engine",
    [
        "local",
        pytest.param(
            "ray",
            marks=[
                pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: kgqa[ray]"),
                pytest.mark.filterwarnings("ignore"),
            ],
        ),
    ],
)
def test_a_batch_on_several_workers_writes_what_one_writes(
    kgqa: Callable[..., Run], family: Pipeline, questions: Path, tmp_path: Path, engine: str
) -> None:
    run = kgqa("batch", questions, "-g", "family", "-o", tmp_path / "p.jsonl", "--engine", engine, "--processes", 2)
    assert run.code == 0
    assert "3 questions: 1 answered, 2 not; 0 bad lines left out\n" in run.err
    rows = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text(encoding="utf-8").splitlines()]
    expected = family("Who are Eve Novak's parents?").to_dict()
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert (rows[0]["answers"], rows[0]["sparql"]) == (expected["answers"], expected["sparql"])

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kgqa.datasets.question_files import QAExample
from kgqa.datatypes import Question, iri
from kgqa.errors import DatasetError
from kgqa.evaluation import evaluating
from kgqa.evaluation.evaluating import (
    Part,
    QuestionSet,
    Settings,
    evaluate,
    evaluate_predictions,
    predictions_card,
    question_set,
    run_card,
)
from kgqa.evaluation.outcomes import Given, Outcome
from kgqa.evaluation.run_folder import PREDICTIONS, SUMMARY, RunFolder, read_card, sha256
from kgqa.reasoning.model import shipped_model

ROOT = Path(__file__).resolve().parents[2]
FAMILY_QUESTIONS = ROOT / "data" / "family_questions.jsonl"
A, B = iri("http://e/a"), iri("http://e/b")
EXAMPLES = tuple(QAExample(Question(f"q{n}", str(n)), (A,), f"kind {n % 3}") for n in range(50))
QUESTIONS = QuestionSet("made", "", (Part("x", EXAMPLES[:30], ("g",)), Part("y", EXAMPLES[30:], ("h",))))
SETTINGS = Settings(Path("model"))


class Stopped(Exception):
    """Stands for the interrupt of a user."""


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lets a made-up system answer, the same way each time; the list tells what it was asked."""
    asked: list[str] = []

    def answer(part: Part, example: QAExample) -> Outcome:
        asked.append(example.question.id)
        rng = random.Random(example.question.id)
        given = Given((rng.choice((A, B)),), ("a",), rng.random(), latency_ms=rng.random())
        return Outcome(example, given, part.name)

    monkeypatch.setattr(
        evaluating, "_part_answers", lambda part, examples, _: (answer(part, example) for example in examples)
    )
    return asked


@pytest.mark.parametrize("n_first", [0, 1, 17, 30, 31, 49, 50])
def test_an_interrupted_run_goes_on_and_gives_the_identical_summary(
    answers: list[str], tmp_path: Path, n_first: int
) -> None:
    whole, parted = RunFolder.open(tmp_path / "whole", {}), RunFolder.open(tmp_path / "parted", {})
    evaluate(QUESTIONS, SETTINGS, whole)
    answers.clear()

    def stop(n_done: int, n_all: int) -> None:
        if n_done > n_first:
            raise Stopped

    if n_first < 50:
        with pytest.raises(Stopped):
            evaluate(QUESTIONS, SETTINGS, parted, stop)
        with (tmp_path / "parted" / PREDICTIONS).open("ab") as file:
            file.write(b'{"half a li')
    evaluate(QUESTIONS, SETTINGS, RunFolder.open(tmp_path / "parted", {}))
    assert [int(number) for number in answers] == list(range(50))  # each was asked once
    for name in (SUMMARY, PREDICTIONS):
        assert (tmp_path / "parted" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_finished_run_answers_nothing_again(answers: list[str], tmp_path: Path) -> None:
    evaluate(QUESTIONS, SETTINGS, RunFolder.open(tmp_path, {}))
    answers.clear()
    again = evaluate(QUESTIONS, SETTINGS, RunFolder.open(tmp_path, {}))
    assert (answers, len(again.outcomes)) == ([], 50)


def test_a_run_of_other_questions_is_not_gone_on_with(answers: list[str], tmp_path: Path) -> None:
    evaluate(QUESTIONS, SETTINGS, RunFolder.open(tmp_path, {}))
    other = replace(QUESTIONS, parts=QUESTIONS.parts[::-1])
    with pytest.raises(DatasetError, match="line 1 of the run is of 'q0', but 'q30' was asked"):
        evaluate(other, SETTINGS, RunFolder.open(tmp_path, {}))


def test_progress_counts_what_was_done_before(answers: list[str], tmp_path: Path) -> None:
    list(RunFolder.open(tmp_path, {}).append(evaluate(QUESTIONS, SETTINGS).outcomes[:48]))
    told: list[tuple[int, int]] = []
    evaluate(QUESTIONS, SETTINGS, RunFolder.open(tmp_path, {}), lambda *counts: told.append(counts))
    assert told == [(49, 50), (50, 50)]


def test_two_processes_give_what_one_gives(tmp_path: Path, family_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KGQA_HOME", str(family_home))
    questions = question_set(str(FAMILY_QUESTIONS), None, graphs=("family",)).sample(8, seed=1)
    settings = Settings(shipped_model(), n_processes=2)
    two = RunFolder.open(tmp_path, run_card(questions, settings, ["test"], limit=8, seed=1))
    found = evaluate(questions, settings, two)
    assert found.summary == evaluate(questions, replace(settings, n_processes=1)).summary
    card = read_card(tmp_path)
    assert (card["status"], card["n_questions"], card["linking"]) == ("complete", 8, "predicted")
    assert card["graphs"] == {"family": {"family.ttl": sha256(ROOT / "graphs" / "family.ttl")}}
    assert isinstance(card["model_sha256"], str)
    qald = json.loads((tmp_path / "predictions.qald.json").read_text(encoding="utf-8"))
    assert [q["id"] for q in qald["questions"]] == [e.question.id for e in questions.parts[0].examples]


def test_a_set_without_gold_answers_is_one_clear_error(answers: list[str]) -> None:
    example = QAExample(Question("?"), (), answer_form="none", gold_sparql="ASK { ?a ?b ?c }")
    with pytest.raises(DatasetError, match="made gives no answers to compare with"):
        evaluate(QuestionSet("made", "", (Part("", (example,), ("g",)),)), SETTINGS)


# -- choosing questions


def test_a_sample_is_drawn_by_its_seed_and_keeps_the_order() -> None:
    drawn = QUESTIONS.sample(10, seed=3)
    places = [int(example.question.id) for part in drawn.parts for example in part.examples]
    assert places == sorted(places)
    assert [len(part.examples) for part in drawn.parts] == [10, 10]
    assert drawn == QUESTIONS.sample(10, seed=3) != QUESTIONS.sample(10, seed=4)
    assert QUESTIONS.sample(1000) == QUESTIONS


@pytest.fixture
def own(tmp_path: Path) -> Callable[[str], Path]:
    def write(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "graph.ttl").write_text("<http://e/a> <http://e/p> <http://e/b> .")
        rows = [{"id": f"{name}-1", "question": "?", "answers": [{"type": "uri", "value": "http://e/a"}]}, {"id": 2}]
        (folder / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return folder

    return write


def test_a_question_file_is_asked_of_the_graph_that_is_named(own: Callable[[str], Path]) -> None:
    path = own("corp") / "questions.jsonl"
    found = question_set(str(path), None, graphs=("g.ttl",))
    assert (found.name, found.n_questions, found.parts[0].graphs) == ("questions", 1, ("g.ttl",))
    assert [line.number for line in found.skipped] == [2]
    assert question_set(str(path), None).with_default_graph("world").parts[0].graphs == ("world",)


def test_a_benchmark_with_a_graph_a_split_is_asked_split_by_split(own: Callable[[str], Path], tmp_path: Path) -> None:
    own("corp"), own("movies")
    found = question_set("zeroshot", tmp_path)
    assert sorted(part.name for part in found.parts) == ["corp", "movies"]
    assert {part.name: part.graphs for part in found.parts}["corp"] == (str(tmp_path / "corp" / "graph.ttl"),)
    assert sorted(found.parts[0].files)[0].endswith("graph.ttl")
    one = question_set("zeroshot", tmp_path, split="corp")
    assert [(part.name, part.graphs) for part in one.parts] == [("", (str(tmp_path / "corp" / "graph.ttl"),))]


def test_a_graph_that_is_no_rdf_is_converted_into_the_cache(tmp_path: Path) -> None:
    data, cache = tmp_path / "metaqa", tmp_path / "cache"
    (data / "1-hop" / "vanilla").mkdir(parents=True)
    (data / "1-hop" / "vanilla" / "qa_dev.txt").write_text("who directed [Alien]\tRidley Scott\n")
    (data / "kb.txt").write_text("Alien|directed_by|Ridley Scott\n")
    found = question_set("metaqa-1hop", data, cache=cache)
    assert found.split == "dev"
    assert Path(found.parts[0].graphs[0]).is_relative_to(cache)
    assert "directed" in Path(found.parts[0].graphs[0]).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("metaqa", None, "say where the files of metaqa are"),
        ("metqa", None, "unknown benchmark 'metqa'"),
        ("missing.jsonl", None, "cannot be read"),
        ("metaqa", "nowhere", "no such file or folder"),
    ],
)
def test_what_cannot_be_found_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: str | None, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match=message):
        question_set(name, Path(data) if data else None)


# -- other systems


def test_the_predictions_of_another_system_are_scored(tmp_path: Path) -> None:
    path = tmp_path / "theirs.jsonl"
    answer = {"type": "uri", "value": A.value}
    rows = [{"id": str(n), "question": f"q{n}", "answers": [answer]} for n in range(0, 50, 2)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    card = predictions_card(QUESTIONS, path, ["test"])
    found, matched = evaluate_predictions(QUESTIONS, path, RunFolder.open(tmp_path / "run", card))
    assert found.summary.overall.macro_f1 == 0.5
    assert len(matched.missing) == 25
    assert read_card(tmp_path / "run")["system"] == "theirs.jsonl"
    assert found.summary.answerability.n_abstained == 25
    again, _ = evaluate_predictions(QUESTIONS, path, RunFolder.open(tmp_path / "run", card))
    assert again.summary == found.summary


def test_a_run_can_be_scored_again_from_its_own_predictions(answers: list[str], tmp_path: Path) -> None:
    first = evaluate(QUESTIONS, SETTINGS, RunFolder.open(tmp_path, {}))
    for name in (PREDICTIONS, "predictions.qald.json"):
        again, matched = evaluate_predictions(QUESTIONS, tmp_path / name)
        assert (matched.missing, matched.unused) == ((), ())
        assert again.summary.overall == first.summary.overall

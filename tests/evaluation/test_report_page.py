from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from kgqa.datasets.question_files import QAExample
from kgqa.datatypes import Question, iri
from kgqa.errors import DatasetError
from kgqa.evaluation.outcomes import Given, Outcome
from kgqa.evaluation.report_page import Run, report_page
from kgqa.evaluation.run_folder import RunFolder

HOSTILE = "</td><script>alert(1)</script><img src=http://e/x onerror=alert(1)>\"'\u202e"


class Tags(HTMLParser):
    """Collects the tags with their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def run(family_outcomes: tuple[Outcome, ...]) -> Run:
    return Run("one", {"benchmark": "family", "system": "kgqa", "linking": "predicted"}, family_outcomes)


def test_the_page_of_a_real_run_is_whole_and_needs_no_network(run: Run) -> None:
    page = Tags(report_page([run]))
    assert page.open == []
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "img", "iframe", "object", "base", "form"})
    assert not any(name in attributes for _, attributes in page.tags for name in ("src", "href", "onclick", "onload"))
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    for heading in ("Scores", "By kind of question", "Where answers are lost", "Confidence", "Time", "Run cards"):
        assert heading in page.text


def test_the_worst_questions_are_shown_with_gold_answers_sparql_and_the_stage_that_failed(run: Run) -> None:
    page = Tags(report_page([run])).text
    wrong = [outcome for outcome in run.outcomes if outcome.f1 < 1.0 and outcome.example.is_answerable]
    assert wrong
    for outcome in wrong:
        assert outcome.example.question.text in page
        assert all(label in page for label in outcome.gold_labels[:5])
        assert (outcome.example.gold_sparql or "") in page
        assert outcome.failed_stage is not None
    right = next(o for o in run.outcomes if o.f1 == 1.0 and o.given.sparql)
    assert right.example.question.text not in page


def test_text_from_strangers_stays_text() -> None:
    example = QAExample(Question(HOSTILE, HOSTILE), (iri(HOSTILE),), HOSTILE, gold_sparql=HOSTILE)
    given = Given((iri("http://e/b"),), (HOSTILE,), 0.5, HOSTILE, HOSTILE, HOSTILE)
    outcomes = (Outcome(example, given, HOSTILE, (HOSTILE,)), Outcome(replace(example, category="b"), Given()))
    page = Tags(report_page([Run(HOSTILE, {"benchmark": HOSTILE}, outcomes), Run("two", {}, outcomes[::-1])]))
    assert page.open == []
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "img"})
    assert "<script>alert(1)</script>" in page.text
    assert "\u202e" not in page.text


def test_two_runs_are_set_side_by_side_with_what_flipped(run: Run) -> None:
    flipped = next(place for place, o in enumerate(run.outcomes) if o.f1 == 1.0 and o.example.answers)
    outcomes = list(run.outcomes)
    outcomes[flipped] = replace(outcomes[flipped], given=Given((), (), 0.1, reason="not_sure"))
    page = Tags(report_page([run, Run("two", {"benchmark": "family"}, tuple(outcomes))])).text
    assert "two against one" in page
    assert "Right in one only (1)" in page
    assert "Right in two only" not in page
    assert run.outcomes[flipped].example.question.text in page
    assert "0 became right, 1 wrong" in page


def test_predictions_without_confidence_time_or_stages_make_a_page_too() -> None:
    example = QAExample(Question("Who?"), (iri("http://e/a"),))
    page = Tags(report_page([Run("theirs", {}, (Outcome(example, Given()),))])).text
    for sentence in ("tell no confidence", "tell no times", "with --oracle", "of one kind"):
        assert sentence in page


def test_runs_are_named_by_what_tells_their_folders_apart(tmp_path: Path, family_outcomes: tuple[Outcome, ...]) -> None:
    folders = [tmp_path / "a" / "gold", tmp_path / "b" / "gold"]
    for folder in folders:
        list(RunFolder.open(folder, {"benchmark": "x"}).append(family_outcomes[:3]))
    assert [run.name for run in Run.load_all(folders)] == ["a/gold", "b/gold"]
    assert [run.name for run in Run.load_all(folders[:1])] == ["gold"]
    assert [len(run.outcomes) for run in Run.load_all(folders)] == [3, 3]
    with pytest.raises(DatasetError, match="holds no run"):
        Run.load_all([tmp_path])


def test_colours_stay_apart_for_four_runs(run: Run) -> None:
    page = report_page([replace(run, name=f"run {n}") for n in range(4)])
    assert {f"back{n}" for n in range(4)} <= set(re.findall(r"back\d", page))

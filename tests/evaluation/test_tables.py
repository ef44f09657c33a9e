from __future__ import annotations

import re

from kgqa.datasets.question_files import QAExample
from kgqa.datatypes import Question, iri
from kgqa.evaluation.outcomes import Given, Outcome
from kgqa.evaluation.summary import Summary, summarize
from kgqa.evaluation.tables import (
    MAX_GROUPS,
    Table,
    cross_table,
    details_table,
    group_table,
    runs_table,
    stage_table,
    to_latex,
    to_markdown,
)

A = iri("http://e/a")
HOSTILE = Table("a|b_%", ("n", "F1"), (("x|y\n# z <b> $\\", "0.5"), ("all", "1.0")), True, "a note")


def _summary(*categories: str) -> Summary:
    rows = [QAExample(Question(c, str(n)), (A,), c) for n, c in enumerate(categories)]
    return summarize([Outcome(row, Given((A,), ("a",), 0.5)) for row in rows])


def test_a_group_table_ends_with_all_questions() -> None:
    table = group_table(_summary("b", "a", "b"), "category")
    assert table is not None
    assert [row[:3] for row in table.rows] == [("b", "2", "1.000"), ("a", "1", "1.000"), ("all", "3", "1.000")]
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert group_table(_summary("a", "a"), "category") is None


def test_a_cross_table_has_a_row_a_category_and_a_column_a_part() -> None:
    def outcome(part: str, category: str, *, right: bool) -> Outcome:
        return Outcome(QAExample(Question("?"), (A,), category), Given((A,) if right else (), ("",) * right), part)

    outcomes = [outcome("x", "a", right=True), outcome("x", "b", right=False), outcome("y", "a", right=False)]
    table = cross_table(outcomes)
    assert table is not None
    assert table.columns == ("category", "x", "y", "all")
    assert table.rows == (
        ("a", "1.000 (1)", "0.000 (1)", "0.500 (2)"),
        ("b", "0.000 (1)", "", "0.000 (1)"),
        ("all", "0.500 (2)", "0.000 (1)", "0.333 (3)"),
    )
    assert cross_table(outcomes[:2]) is None


def test_only_the_largest_of_many_groups_are_shown_in_their_order() -> None:
    names = [f"c{n}" for n in range(MAX_GROUPS + 5)]
    table = group_table(_summary(*names, *names[10:]), "category")
    assert table is not None
    assert len(table.rows) == MAX_GROUPS + 1
    assert {f"c{n}" for n in range(10, MAX_GROUPS + 5)} <= {row[0] for row in table.rows}
    assert table.note == f"The {MAX_GROUPS} largest of {MAX_GROUPS + 5}."


def test_the_table_of_runs_has_intervals_and_refusals() -> None:
    table = runs_table({"one": _summary("a", "b")})
    assert table.rows[0][:3] == ("one", "2", "1.000 [1.000, 1.000]")
    assert table.rows[0][5:8] == ("-", "0/2", "0.500")


def test_scores_that_no_run_has_are_left_out() -> None:
    names = [row[0] for row in details_table({"one": _summary("a")}).rows]
    assert "precision" in names
    assert "entity link F1" not in names
    assert stage_table(_summary("a")) is None


def test_real_stages_have_a_row_a_category(family_outcomes: tuple[Outcome, ...]) -> None:
    table = stage_table(summarize(family_outcomes))
    assert table is not None
    assert table.columns == ("category", "link", "retrieve", "enumerate", "prune", "rank", "answer")
    assert not any(row[0].startswith("unanswerable") for row in table.rows)


def test_markdown_cells_cannot_break_out_of_their_column() -> None:
    lines = to_markdown(HOSTILE).splitlines()
    assert lines[2:4] == ["| n | F1 |", "| --- | ---: |"]
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in lines[2:6])
    assert "<b>" not in lines[4].replace(r"\<b\>", "")
    assert len(lines) == 8


def test_latex_has_no_special_character_left() -> None:
    text = to_latex(HOSTILE)
    assert r"x\textbar{}y \# z \textless{}b\textgreater{} \$\textbackslash{} & 0.5 \\" in text
    assert r"\caption{a\textbar{}b\_\%. a note}" in text
    assert text.count(r"\midrule") == 2
    assert r"\begin{tabular}{lr}" in text

"""Tables of scores, as plain values: shown on the terminal and in the report, and written as Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kgqa.evaluation.markup import visible
from kgqa.evaluation.metrics import mean
from kgqa.evaluation.oracle import STAGES, StageScores
from kgqa.evaluation.outcomes import Outcome
from kgqa.evaluation.significance import Interval
from kgqa.evaluation.summary import DIMENSIONS, OVERALL, Group, Scores, Summary

MAX_GROUPS = 40
_SCORES = ("questions", "F1", "P", "R", "exact", "Hits@1", "MRR", "QALD F1")


@dataclass(frozen=True, slots=True)
class Table:
    """A title, column names, and rows of texts, as many in each as there are columns. The first column names the row.

    `last_is_total` says that the last row sums up the others; `note` explains what the columns do not.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    last_is_total: bool = False
    note: str = ""


def number(value: float | None, *, digits: int = 3) -> str:
    """Return a score as text, "-" where it is not defined."""
    return "-" if value is None else f"{value:.{digits}f}"


def with_interval(value: float | None, interval: Interval | None) -> str:
    """Return a score with its interval, such as "0.750 [0.701, 0.799]"."""
    if value is None or interval is None:
        return number(value)
    return f"{value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def runs_table(summaries: Mapping[str, Summary]) -> Table:
    """Return a row a run: its main scores with 95 % bootstrap intervals, its abstentions and its calibration."""
    rows = []
    for name, summary in summaries.items():
        overall, told, intervals = summary.overall, summary.answerability, summary.intervals
        refused = told.n_abstained - told.n_both
        n_answerable = told.n_questions - told.n_unanswerable
        rows.append(
            (
                name,
                f"{overall.n_questions:,}",
                with_interval(overall.macro_f1, intervals.get("macro_f1")),
                with_interval(overall.hits_at_1, intervals.get("hits_at_1")),
                with_interval(overall.exact, intervals.get("exact")),
                f"{told.n_both}/{told.n_unanswerable}" if told.n_unanswerable else "-",
                f"{refused}/{n_answerable}",
                number(summary.confidence.ece),
                number(summary.confidence.auroc),
            )
        )
    return Table(
        "Runs",
        ("run", "questions", "macro F1", "Hits@1", "exact", "rightly refused", "wrongly refused", "ECE", "AUROC"),
        tuple(rows),
        note="In brackets: 95 % percentile bootstrap intervals over questions. Hits@1 is strict and over answerable "
        "questions. ECE and AUROC are over the answers given.",
    )


def group_table(summary: Summary, dimension: str) -> Table | None:
    """Return a row a value of a dimension and a last one for all questions; None where there is one value only.

    The largest groups are shown where there are many.
    """
    groups = summary.by(dimension)
    if not groups:
        return None
    shown = _largest(groups)
    rows = [(group.name, *_cells(group.scores)) for group in shown]
    note = f"The {len(shown)} largest of {len(groups)}." if len(shown) < len(groups) else ""
    return Table(f"By {dimension}", (dimension, *_SCORES), (*rows, (OVERALL, *_cells(summary.overall))), True, note)


def cross_table(outcomes: Sequence[Outcome], rows: str = "category", columns: str = "part") -> Table | None:
    """Return macro F1 by two dimensions, with the number of questions; None where either has one value only."""
    cells: dict[tuple[str, str], list[float]] = {}
    for outcome in outcomes:
        if outcome.is_scored:
            row, column = DIMENSIONS[rows](outcome) or "(none)", DIMENSIONS[columns](outcome) or "(none)"
            for key in ((row, column), (row, OVERALL), (OVERALL, column), (OVERALL, OVERALL)):
                cells.setdefault(key, []).append(outcome.f1)
    row_names = [row for row, column in cells if column == OVERALL and row != OVERALL]
    column_names = [column for row, column in cells if row == OVERALL and column != OVERALL]
    if len(row_names) < 2 or len(column_names) < 2:
        return None

    def cell(row: str, column: str) -> str:
        found = cells.get((row, column))
        return f"{mean(found):.3f} ({len(found)})" if found else ""

    return Table(
        f"Macro F1 by {rows} and {columns}",
        (rows, *column_names, OVERALL),
        tuple((row, *(cell(row, column) for column in (*column_names, OVERALL))) for row in (*row_names, OVERALL)),
        True,
        "In brackets: questions.",
    )


def stage_table(summary: Summary, dimension: str = "category") -> Table | None:
    """Return the best F1 still reachable after each stage, a row a value of a dimension; None without the oracle."""
    if summary.stages is None:
        return None
    rows = [(g.name, *_stage_cells(g.stages)) for g in _largest(summary.by(dimension)) if g.stages is not None]
    return Table(
        "Best answer F1 still reachable after each stage",
        (dimension, *STAGES),
        (*rows, (OVERALL, *_stage_cells(summary.stages))),
        True,
        "Answerable questions. `link` is the share of gold entities among the candidates of the links; `rank` is the "
        "first reading, `answer` what was given above the threshold.",
    )


def details_table(summaries: Mapping[str, Summary]) -> Table:
    """Return the other scores of runs, a column a run and a row a score; scores that no run has are left out."""
    rows = []
    for name in ("precision", "recall", "MRR", "QALD F1", "lenient hit (RoG; not comparable to Hits@1)",
                 "abstention precision", "abstention recall", "abstention F1", "ECE, first readings",
                 "AUROC, first readings", "AURC, first readings", "mention F1", "entity link F1",
                 "gold entities among candidates", "SPARQL that returns the answers"):  # fmt: skip
        values = [_detail(name, summary) for summary in summaries.values()]
        if any(value is not None for value in values):
            rows.append((name, *(number(value) for value in values)))
    return Table("Details", ("score", *summaries), tuple(rows))


def _detail(name: str, summary: Summary) -> float | None:
    overall, told, confidence, links = summary.overall, summary.answerability, summary.confidence, summary.links
    asked = told.n_unanswerable > 0
    return {
        "precision": overall.macro.precision,
        "recall": overall.macro.recall,
        "MRR": overall.mrr,
        "QALD F1": overall.qald_f1,
        "lenient hit (RoG; not comparable to Hits@1)": overall.lenient_hit,
        "abstention precision": told.precision if asked else None,
        "abstention recall": told.recall if asked else None,
        "abstention F1": told.f1 if asked else None,
        "ECE, first readings": confidence.first_ece,
        "AUROC, first readings": confidence.first_auroc,
        "AURC, first readings": confidence.aurc,
        "mention F1": links.mentions.f1 if links and links.mentions else None,
        "entity link F1": links.entities.f1 if links else None,
        "gold entities among candidates": links.recall if links else None,
        "SPARQL that returns the answers": summary.executed,
    }[name]


def to_markdown(table: Table) -> str:
    """Return a table in GitHub's Markdown, under its title. Cells cannot break out of their column."""
    rows = [table.columns, tuple("---" if place == 0 else "---:" for place in range(len(table.columns))), *table.rows]
    lines = ["| " + " | ".join(map(_markdown_cell, row)) + " |" for row in rows]
    note = ["", table.note] if table.note else []
    return "\n".join([f"### {_markdown_cell(table.title)}", "", *lines, *note]) + "\n"


def to_latex(table: Table) -> str:
    """Return a table in LaTeX with booktabs rules, every special character escaped."""
    body = [" & ".join(map(_latex_cell, row)) + r" \\" for row in table.rows]
    if table.last_is_total:
        body.insert(len(body) - 1, r"\midrule")
    caption = _latex_cell(f"{table.title}. {table.note}" if table.note else f"{table.title}.")
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
            r"\toprule",
            " & ".join(map(_latex_cell, table.columns)) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    ) + "\n"  # fmt: skip


def _largest(groups: Sequence[Group]) -> tuple[Group, ...]:
    """Return the groups, or the largest of them where there are too many to read, in their own order."""
    if len(groups) <= MAX_GROUPS:
        return tuple(groups)
    kept = sorted(groups, key=lambda group: -group.scores.n_questions)[:MAX_GROUPS]
    return tuple(group for group in groups if group in kept)


def _cells(scores: Scores) -> tuple[str, ...]:
    return (
        f"{scores.n_questions:,}",
        number(scores.macro.f1),
        number(scores.macro.precision),
        number(scores.macro.recall),
        number(scores.exact),
        number(scores.hits_at_1),
        number(scores.mrr),
        number(scores.qald_f1),
    )


def _stage_cells(stages: StageScores) -> tuple[str, ...]:
    told = stages.to_dict()
    return tuple(number(told[stage]) for stage in STAGES)


_MARKDOWN = str.maketrans({character: "\\" + character for character in "\\`*_[]<>|#"})
_LATEX = str.maketrans(
    {character: "\\" + character for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
)


def _markdown_cell(text: str) -> str:
    return visible(text).translate(_MARKDOWN)


def _latex_cell(text: str) -> str:
    return visible(text).translate(_LATEX)

"""One self-contained HTML page about runs: no script, no font, no request. Everything shown as text is escaped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kgqa.datatypes import Term
from kgqa.evaluation.charts import Series, bar_chart, histogram, line_chart, waterfall
from kgqa.evaluation.comparison import Comparison, Pair, compare
from kgqa.evaluation.markup import escape, escape_code
from kgqa.evaluation.metrics import reliability_bins, risk_coverage
from kgqa.evaluation.oracle import STAGES
from kgqa.evaluation.outcomes import Outcome
from kgqa.evaluation.run_folder import read_card, read_outcomes
from kgqa.evaluation.summary import DIMENSIONS, Group, Summary, summarize
from kgqa.evaluation.tables import Table, cross_table, details_table, group_table, runs_table, stage_table

MAX_ANSWERS, MAX_FLIPS, MAX_BARS, MAX_POINTS = 8, 25, 24, 400
STYLE = Path(__file__).parent / "report_page.css"


@dataclass(frozen=True)
class Run:
    """A run as a report shows it: its name, its card and its outcomes."""

    name: str
    card: Mapping[str, object]
    outcomes: tuple[Outcome, ...]

    @classmethod
    def load_all(cls, folders: Sequence[Path]) -> tuple[Run, ...]:
        """Return the runs in folders, named by as much of their paths as tells them apart. Raises DatasetError."""
        names = _short_names([folder.resolve() for folder in folders])
        return tuple(
            cls(name, read_card(folder), read_outcomes(folder)) for name, folder in zip(names, folders, strict=True)
        )

    @cached_property
    def summary(self) -> Summary:
        """The scores, worked out from the outcomes."""
        return summarize(self.outcomes)

    def tables(self) -> tuple[Table, ...]:
        """Return the tables of this run alone."""
        groups = (group_table(self.summary, dimension) for dimension in DIMENSIONS)
        found = (
            runs_table({self.name: self.summary}), *groups, cross_table(self.outcomes), stage_table(self.summary)
        )  # fmt: skip
        return tuple(table for table in (*found, details_table({self.name: self.summary})) if table is not None)

    def calibration(self) -> tuple[list[float], list[bool]]:
        """Return confidence and rightness of each first reading, or of the answers given where only those are known."""
        told = [
            (outcome.given.confidence, right)
            for outcome in self.outcomes
            if outcome.is_scored and (right := outcome.first_is_right) is not None
        ]
        known = [(confidence, right) for confidence, right in told if confidence is not None]
        return [confidence for confidence, _ in known], [right for _, right in known]


def report_page(runs: Sequence[Run], *, n_worst: int = 40) -> str:
    """Return the page. Two runs or more are set side by side, and each is compared with the first."""
    summaries = {run.name: run.summary for run in runs}
    comparisons = [(run, found) for run in runs[1:] if (found := compare(runs[0].outcomes, run.outcomes)) is not None]
    sections = [
        _section("Scores", _table(runs_table(summaries)) + _table(details_table(summaries))),
        *(_comparison(runs[0], run, found) for run, found in comparisons),
        _section("By kind of question", _bars(runs)),
        _section("Where answers are lost", _waterfalls(runs)),
        _section("Confidence", _confidence_plots(runs)),
        _section("Time", _latencies(runs)),
        *(_worst(run, n_worst) for run in runs),
        _section("All tables", "".join(_folded(run.name, "".join(map(_table, run.tables()))) for run in runs)),
        _section("Run cards", "".join(_folded(run.name, _pre(json.dumps(run.card, indent=1))) for run in runs)),
    ]
    title = "Evaluation of " + ", ".join(dict.fromkeys(str(run.card.get("benchmark", run.name)) for run in runs))
    style = STYLE.read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>"
        f"<h1>{escape(title)}</h1>{_legend(runs)}{''.join(sections)}</main></body></html>\n"
    )


# -- sections


def _legend(runs: Sequence[Run]) -> str:
    items = []
    for place, run in enumerate(runs):
        told = [f"{run.card[key]}" for key in ("system", "split") if run.card.get(key)]
        told += [f"{run.card['linking']} links"] if run.card.get("linking") else []
        told += [f"commit {str(run.card['commit'])[:10]}"] if run.card.get("commit") else []
        items.append(
            f'<li><span class="swatch back{place % 4}"></span><b>{escape(run.name)}</b> '
            f"{escape(', '.join([*told, f'{len(run.outcomes):,} questions']))}</li>"
        )
    return f'<ul class="legend">{"".join(items)}</ul>'


def _comparison(first: Run, second: Run, found: Comparison) -> str:
    parts = [_table(found.table())]
    for title, pairs in (
        (f"Right in {second.name} only", found.gained),
        (f"Right in {first.name} only", found.lost),
    ):
        if pairs:
            shown = "".join(_flip(pair) for pair in pairs[:MAX_FLIPS])
            head = "<tr><th>question</th><th>gold</th><th>first run</th><th>second run</th></tr>"
            more = f"<p class='note'>The first {MAX_FLIPS} of {len(pairs):,}.</p>" if len(pairs) > MAX_FLIPS else ""
            body = f'<table class="questions"><thead>{head}</thead><tbody>{shown}</tbody></table>{more}'
            parts.append(_folded(f"{title} ({len(pairs):,})", body))
    return _section(f"{second.name} against {first.name}", "".join(parts))


def _flip(pair: Pair) -> str:
    a, b = pair
    cells = (_question(a), _gold(a), _said(a), _said(b))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _bars(runs: Sequence[Run]) -> str:
    plots = []
    for dimension in DIMENSIONS:
        by_run = [{group.name: group for group in run.summary.by(dimension)} for run in runs]
        names = _most_frequent(by_run)
        if not names:
            continue
        series = [
            (run.name, [groups[name].scores.macro_f1 if name in groups else None for name in names])
            for run, groups in zip(runs, by_run, strict=True)
        ]
        plots.append(_figure(bar_chart(names, series, title=f"macro F1 by {dimension}"), f"Macro F1 by {dimension}"))
    return _grid(plots) or _nothing("All questions are of one kind.")


def _most_frequent(by_run: Sequence[Mapping[str, Group]]) -> list[str]:
    counts: dict[str, int] = {}
    for groups in by_run:
        for name, group in groups.items():
            counts[name] = max(counts.get(name, 0), group.scores.n_questions)
    kept = sorted(counts, key=lambda name: -counts[name])[:MAX_BARS]
    return [name for name in counts if name in kept]


def _waterfalls(runs: Sequence[Run]) -> str:
    plots = []
    for run in runs:
        if (stages := run.summary.stages) is not None:
            shown = STAGES[1:]
            values = [value for stage in shown if (value := stages.to_dict()[stage]) is not None]
            plots.append(_figure(waterfall(shown, values, title=f"stages of {run.name}"), _stage_caption(run)))
    return _grid(plots) or _nothing("Not measured: run `kgqa evaluate` with --oracle.")


def _stage_caption(run: Run) -> str:
    failed: dict[str, int] = {}
    for outcome in run.outcomes:
        if (stage := outcome.failed_stage) is not None:
            failed[stage] = failed.get(stage, 0) + 1
    lost = ", ".join(f"{stage} {failed[stage]:,}" for stage in STAGES if stage in failed)
    return f"{run.name}: best answer F1 still reachable after each stage. Questions lost most at: {lost or 'none'}."


def _confidence_plots(runs: Sequence[Run]) -> str:
    curves, reliability = [], []
    for run in runs:
        confidences, right = run.calibration()
        if not confidences:
            continue
        points = [(point.coverage, point.risk) for point in risk_coverage(confidences, right)]
        curves.append(Series(run.name, tuple(_thinned(points))))
        bins = reliability_bins(confidences, right)
        reliability.append(
            Series(
                run.name,
                tuple((b.confidence, b.accuracy) for b in bins),
                tuple(b.n_questions / len(confidences) for b in bins),
            )
        )
    if not curves:
        return _nothing("The predictions tell no confidence.")
    risk = line_chart(
        curves, title="risk and coverage", x_label="coverage: share answered", y_label="risk: share of them wrong"
    )
    diagram = line_chart(
        reliability, title="reliability", x_label="confidence", y_label="share exactly right", diagonal=True
    )
    return _grid(
        [
            _figure(risk, "Risk and coverage of the first readings, the surest first. Lower is better."),
            _figure(diagram, "Reliability: marks grow with the number of questions; on the dashed line is calibrated."),
        ]
    )


def _latencies(runs: Sequence[Run]) -> str:
    plots = []
    for run in runs:
        times = [o.given.latency_ms for o in run.outcomes if o.given.latency_ms is not None]
        if times:
            timing = run.card.get("timing")
            told = timing.get("latency") if isinstance(timing, dict) else None
            caption = f"{run.name}: milliseconds a question"
            if isinstance(told, dict):
                caption += f"; p50 {told['p50_ms']:.0f}, p95 {told['p95_ms']:.0f}"
            chart = histogram(times, title=f"latency of {run.name}", x_label="milliseconds")
            plots.append(_figure(chart, caption))
    return _grid(plots) or _nothing("The predictions tell no times.")


def _worst(run: Run, n: int) -> str:
    wrong = [outcome for outcome in run.outcomes if outcome.is_scored and outcome.f1 < 1.0]
    ranked = sorted(wrong, key=lambda outcome: (outcome.f1, -(outcome.given.confidence or 0.0)))[:n]
    if not ranked:
        return _section(f"Worst questions: {run.name}", _nothing("Every question is right."))
    rows = "".join(
        f"<tr><td>{_question(o)}</td><td>{_gold(o)}</td><td>{_said(o)}</td>"
        f"<td class='number'>{o.f1:.2f}</td><td>{escape(o.failed_stage or '')}</td></tr>"
        for o in ranked
    )
    head = "<tr><th>question</th><th>gold</th><th>predicted</th><th>F1</th><th>failed at</th></tr>"
    note = f"{len(ranked):,} of {len(wrong):,} that are not fully right: lowest F1, then surest, first."
    table = f'<table class="questions"><thead>{head}</thead><tbody>{rows}</tbody></table>'
    return _section(f"Worst questions: {run.name}", f"{table}<p class='note'>{note}</p>")


# -- pieces


def _question(outcome: Outcome) -> str:
    example = outcome.example
    told = " · ".join(text for text in (example.question.id, outcome.part, example.category) if text)
    query = _folded("gold query", _pre(example.gold_sparql)) if example.gold_sparql else ""
    return f"{escape(example.question.text)}<div class='note'>{escape(told)}</div>{query}"


def _gold(outcome: Outcome) -> str:
    if not outcome.example.answers:
        return "<i>no answer</i>" if outcome.is_scored else "<i>not given</i>"
    labels = outcome.gold_labels or ("",) * len(outcome.example.answers)
    return _answers(outcome.example.answers, labels)


def _said(outcome: Outcome) -> str:
    given = outcome.given
    answer = _answers(given.answers, given.labels) if given.answers else "<i>no answer</i>"
    sure = "" if given.confidence is None else f"{given.confidence:.0%} sure"
    note = " · ".join(text for text in (sure, given.reason.replace("_", " "), given.reading) if text)
    query = _folded("SPARQL", _pre(given.sparql)) if given.sparql else ""
    return f"{answer}<div class='note'>{escape(note)}</div>{query}"


def _answers(terms: Sequence[Term], labels: Sequence[str]) -> str:
    shown = [
        f'<span title="{escape(term.n3())}">{escape(label or term.value)}</span>'
        for term, label in zip(terms[:MAX_ANSWERS], labels, strict=False)
    ]
    more = f" <span class='note'>and {len(terms) - MAX_ANSWERS:,} more</span>" if len(terms) > MAX_ANSWERS else ""
    return ", ".join(shown) + more


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    rows = []
    for place, row in enumerate(table.rows, start=1):
        total = " class='total'" if table.last_is_total and place == len(table.rows) else ""
        rows.append(f"<tr{total}>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>")
    note = f"<p class='note'>{escape(table.note)}</p>" if table.note else ""
    return (
        f"<h3>{escape(table.title)}</h3><div class='wide'><table class='scores'><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>{note}"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _grid(figures: Iterable[str]) -> str:
    found = "".join(figures)
    return f"<div class='grid'>{found}</div>" if found else ""


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def _pre(text: str) -> str:
    return f"<pre>{escape_code(text)}</pre>"


def _nothing(text: str) -> str:
    return f"<p class='note'>{escape(text)}</p>"


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Return at most about `MAX_POINTS` of the points, the first and the last among them."""
    step = max(1, len(points) // MAX_POINTS)
    return [*points[:-1:step], *points[-1:]]


def _short_names(paths: Sequence[Path]) -> list[str]:
    for n in range(1, 12):
        names = ["/".join(path.parts[-n:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [f"{place}: {path}" for place, path in enumerate(paths, start=1)]

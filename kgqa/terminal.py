"""What a person reads on the terminal: predictions, graphs and reports.

Labels and file names come from strangers: they are printed as text, never as markup, without control characters.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from kgqa.datatypes import Answer, Fact, Prediction

if TYPE_CHECKING:
    from rich.console import Console

    from kgqa.evaluation.evaluating import Evaluation
    from kgqa.evaluation.tables import Table
    from kgqa.stores.manifest import Manifest

MAX_ANSWERS = 20
MAX_FACTS = 20
MAX_NAMES = 15
_INDENT = "  "
_ESCAPE = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]).*?(?:\x1b\\|\x07|\x9c|$)"  # strings for the terminal: titles, links, images
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor
    r"|\x1b[ -/]*[0-~]",
    re.DOTALL,
)
_JOINERS = "\u200c\u200d"  # they build letters and emoji, and hide nothing


def plain(text: str) -> str:
    """Return `text` as one line without escape sequences, control and formatting characters."""
    words = _ESCAPE.sub("", text).split()
    return " ".join("".join(character for character in word if _is_shown(character)) for word in words).strip()


def sparql_text(query: str) -> str:
    """Return a query with the characters that `plain` would drop as SPARQL escapes, so that it stays itself."""
    return "".join(c if _is_shown(c) or c in "\n\t" else f"\\U{ord(c):08X}" for c in query)


def json_line(record: Mapping[str, object]) -> str:
    """Return `record` as one line of JSON, with the characters that `plain` would drop written as JSON's escapes."""
    line = json.dumps(record, ensure_ascii=False)
    return "".join(c if _is_shown(c) else json.dumps(c)[1:-1] if c != "\x7f" else "\\u007f" for c in line)


def _is_shown(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


# -- predictions


def print_prediction(console: Console, prediction: Prediction, *, verbose: bool = False) -> None:
    """Print the answer, how sure it is, how the question was read, the facts behind it and the SPARQL.

    `verbose` adds the other readings, the links and the timings. An abstention is printed with its reason.
    """
    if prediction.status == "answered":
        _print_answers(console, prediction.answers, verbose=verbose)
        if not prediction.answers:
            _line(console, Text("None: nothing in the graph fits.", style="bold"))
        _line(console)
        _field(console, "Confidence", f"{prediction.confidence:.0%}")
        if prediction.readings:
            _field(console, "Read as", prediction.readings[0].text)
        _print_facts(console, prediction.evidence)
        _print_sparql(console, prediction.sparql)
    else:
        _line(console, Text("No answer. ", style="bold") + Text(plain(prediction.reason_text)))
        if prediction.readings:
            best = prediction.readings[0]
            _field(console, "Best reading, not sure enough", f"{best.text} ({prediction.confidence:.0%})")
    if verbose:
        _print_trace(console, prediction)


def _print_answers(console: Console, answers: Sequence[Answer], *, verbose: bool) -> None:
    for answer in answers[:MAX_ANSWERS]:
        line = Text(plain(answer.label) or plain(answer.term.value) or '""', style="bold")
        if verbose and answer.term.kind == "uri":
            line.append(f"  <{plain(answer.term.value)}>", style="not bold dim")
        _line(console, line)
    if len(answers) > MAX_ANSWERS:
        _line(console, Text(f"… and {len(answers) - MAX_ANSWERS:,} more; --json prints them all", style="dim"))


def _print_facts(console: Console, facts: Sequence[Fact]) -> None:
    if not facts:
        return
    _heading(console, "Facts")
    for fact in facts[:MAX_FACTS]:
        _line(console, Text(_INDENT + (plain(fact.text) or plain(_triple(fact)))))
    if len(facts) > MAX_FACTS:
        _line(console, Text(f"{_INDENT}… and {len(facts) - MAX_FACTS:,} more", style="dim"))


def _triple(fact: Fact) -> str:
    return f"{fact.subject.n3()} {fact.predicate.n3()} {fact.object.n3()}"


def _print_sparql(console: Console, sparql: str | None) -> None:
    if sparql:
        _heading(console, "SPARQL")
        for line in sparql_text(sparql).splitlines():
            _line(console, Text(_INDENT + line))


def _print_trace(console: Console, prediction: Prediction) -> None:
    if prediction.readings[1:]:
        _heading(console, "Other readings")
        for reading in prediction.readings[1:]:
            answers = ", ".join(plain(label) for label in reading.preview)
            _line(console, Text(f"{_INDENT}{reading.probability:4.0%}  {plain(reading.text)}"))
            if answers:
                _line(console, Text(f"{_INDENT}      {answers} ({reading.n_answers:,} in all)", style="dim"))
    if prediction.links:
        _heading(console, "Links")
        for link in prediction.links:
            found = ", ".join(f"{plain(c.label)} ({c.kind}, {c.match}, {c.score:.2f})" for c in link.candidates[:3])
            _line(console, Text(f"{_INDENT}{plain(link.mention.text)}: {found or 'names nothing in this graph'}"))
    if prediction.timings_ms:
        _heading(console, "Time")
        parts = ", ".join(f"{plain(stage)} {time_ms:.1f} ms" for stage, time_ms in prediction.timings_ms.items())
        _line(console, Text(f"{_INDENT}{prediction.latency_ms:.1f} ms: {parts}"))


# -- graphs


def print_graph(
    console: Console, manifest: Manifest, classes: Sequence[tuple[str, int]], predicates: Sequence[tuple[str, int]]
) -> None:
    """Print what a graph holds: its size, sources and label predicates, its classes and relations with their counts."""
    _field(console, "Name", manifest.name)
    _field(console, "Triples", f"{manifest.n_triples:,}")
    for file in manifest.files:
        _field(console, "File", f"{file.name} (sha256 {file.sha256})")
    for graph in manifest.named_graphs:
        _field(console, "Named graph", graph)
    for predicate in manifest.label_predicates:
        _field(console, "Labels from", predicate)
    for title, counts in (("Classes", classes), ("Relations", predicates)):
        if counts:
            _heading(console, f"{title} ({len(counts):,})")
            for name, count in counts[:MAX_NAMES]:
                _line(console, Text(f"{_INDENT}{plain(name)}: {count:,}"))
            if len(counts) > MAX_NAMES:
                _line(console, Text(f"{_INDENT}… and {len(counts) - MAX_NAMES:,} more", style="dim"))


# -- scores


def print_evaluations(console: Console, found: Mapping[str, Evaluation]) -> None:
    """Print of each run its groups, and its stages where they are known; then the scores of all, and their times."""
    from kgqa.evaluation.summary import DIMENSIONS
    from kgqa.evaluation.tables import cross_table, details_table, group_table, runs_table, stage_table

    for name, run in found.items():
        if len(found) > 1:
            _line(console, Text(plain(name), style="bold underline"))
        groups = (group_table(run.summary, dimension) for dimension in DIMENSIONS)
        for table in (*groups, cross_table(run.outcomes), stage_table(run.summary)):
            if table is not None:
                print_table(console, table)
    summaries = {name: run.summary for name, run in found.items()}
    print_table(console, details_table(summaries))
    print_table(console, runs_table(summaries))
    for name, run in found.items():
        latency, speed = run.timing.get("latency"), run.timing.get("questions_per_second")
        if isinstance(latency, dict):
            text = f"p50 {latency['p50_ms']:.0f} ms, p95 {latency['p95_ms']:.0f} ms a question"
            _field(console, f"Time ({name})", text + (f"; {speed} questions a second" if speed else ""))


def print_table(console: Console, table: Table) -> None:
    """Print a table of texts; its cells are shown as they are, without markup."""
    from rich import box
    from rich.table import Table as RichTable

    shown = RichTable(
        title=Text(plain(table.title)), title_justify="left", box=box.SIMPLE, show_edge=False, pad_edge=False
    )
    for place, name in enumerate(table.columns):
        shown.add_column(Text(plain(name)), justify="right" if place else "left")
    for number, row in enumerate(table.rows, start=1):
        is_total = table.last_is_total and number == len(table.rows)
        if is_total:
            shown.add_section()
        shown.add_row(*(Text(plain(cell)) for cell in row), style="bold" if is_total else None)
    console.print(shown)
    if table.note:
        _line(console, Text(plain(table.note), style="dim"))
    _line(console)


# -- lines


def _line(console: Console, text: Text | None = None) -> None:
    console.print(Text() if text is None else text, soft_wrap=True, markup=False, highlight=False, emoji=False)


def _field(console: Console, name: str, value: str) -> None:
    _line(console, Text(f"{name}: ", style="cyan") + Text(plain(value)))


def _heading(console: Console, name: str) -> None:
    _line(console, Text(f"{name}:", style="cyan"))

"""Answers the zero-shot question sets and reports the scores of each graph and category.

Each folder of the set holds `graph.ttl` and `questions.jsonl` with gold answers. The set is looked for in the folder
that `--questions` names, else in `zeroshot/` under `KGQA_BENCHMARKS` (or in that folder itself), else in
`../shared/benchmarks/zeroshot` beside the checkout. Nothing of it is used for training.

    python benchmarks/zero_shot.py --output benchmarks/results/zero_shot.json
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kgqa import Pipeline, __version__
from kgqa.datasets.question_files import read_examples
from kgqa.errors import DatasetError, KGQAError
from kgqa.evaluation.report import OVERALL, Outcome, Report, Row, make_report, pair_up
from kgqa.terminal import plain

CHECKOUT = Path(__file__).resolve().parent.parent
VARIABLE = "KGQA_BENCHMARKS"


def find_sets(environ: Mapping[str, str], named: Path | None = None) -> dict[str, Path]:
    """Return the folders that hold a graph and its questions: name -> folder. Raises DatasetError."""
    told = environ.get(VARIABLE, "")
    places = [named] if named else [Path(told) / "zeroshot", Path(told)] if told else []
    if not places:
        places = [CHECKOUT.parent / "shared" / "benchmarks" / "zeroshot"]
    for place in places:
        if place.is_dir():
            found = {path.parent.name: path.parent for path in sorted(place.glob("*/questions.jsonl"))}
            found = {name: folder for name, folder in found.items() if (folder / "graph.ttl").is_file()}
            if found:
                return found
    raise DatasetError(f"no question sets in {' or '.join(map(str, places))}; name their folder in {VARIABLE}")


def answer_set(folder: Path, *, model: Path | None, threshold: float | None, n_threads: int) -> tuple[Outcome, ...]:
    """Return the outcomes of the questions in `folder`. Raises KGQAError, also where a line of the file is bad."""
    path = folder / "questions.jsonl"
    found = read_examples(path)
    if found.bad_lines:
        raise DatasetError(f"{path}: line {found.bad_lines[0].number}: {found.bad_lines[0].reason}")
    pipeline = Pipeline.load(str(folder / "graph.ttl"), model=model, threshold=threshold, n_threads=n_threads)
    return pair_up(found.items, pipeline.answer_batch(example.question for example in found.items))


def latencies_ms(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """Return the median and the 95th percentile of the time a question took, the nearest rank for the latter."""
    times = sorted(outcome.prediction.latency_ms for outcome in outcomes)
    return statistics.median(times), times[-(-95 * len(times) // 100) - 1]


def print_tables(console: Console, reports: Mapping[str, Report], outcomes: Mapping[str, Sequence[Outcome]]) -> None:
    """Print macro F1 by category and graph, then the other scores of each graph. `reports` ends with all graphs."""
    by_category = Table(title="macro F1", box=box.SIMPLE)
    by_category.add_column("category")
    for name in reports:
        by_category.add_column(Text(name), justify="right")
    total = reports[OVERALL]
    for category in [row.category for row in total.rows]:
        rows = [next((row for row in report.rows if row.category == category), None) for report in reports.values()]
        by_category.add_row(Text(plain(category)), *(_cell(row) for row in rows))
    by_category.add_section()
    by_category.add_row("all", *(_cell(report.overall) for report in reports.values()))
    console.print(by_category)
    by_graph = Table(title="by graph", box=box.SIMPLE)
    by_graph.add_column("graph")
    names = ("questions", "macro F1", "Hits@1", "exact", "abstention F1", "ECE", "AUROC", "median ms", "p95 ms")
    for name in names:
        by_graph.add_column(name, justify="right")
    for name, report in reports.items():
        overall, (median, p95) = report.overall, latencies_ms(outcomes[name])
        scores = (
            overall.macro_f1, overall.hits_at_1, overall.exact_match, report.answerability.f1, report.ece, report.auroc
        )  # fmt: skip
        cells = ("-" if score is None else f"{score:.3f}" for score in scores)
        by_graph.add_row(Text(name), str(overall.n_questions), *cells, f"{median:.0f}", f"{p95:.0f}")
    console.print(by_graph)


def provenance(arguments: argparse.Namespace, folders: Mapping[str, Path]) -> dict[str, object]:
    """Return what is needed to repeat the run: command, versions, commit, settings and checksums of the data."""
    git = ["git", "-C", str(CHECKOUT)]
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=False).stdout
    return {
        "command": ["benchmarks/zero_shot.py", *sys.argv[1:]],
        "kgqa_version": __version__,
        "commit": commit or None,
        "uncommitted_changes": bool(changed.strip()),
        "python": platform.python_version(),
        "linking": "predicted",
        "threshold": arguments.threshold,
        "n_threads": arguments.threads,
        "sha256": {
            f"{name}/{file}": hashlib.sha256((folder / file).read_bytes()).hexdigest()
            for name, folder in folders.items()
            for file in ("graph.ttl", "questions.jsonl")
        },
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    parser = argparse.ArgumentParser(description="Answer the zero-shot question sets and report the scores.")
    parser.add_argument("--questions", type=Path, help="the folder of the question sets")
    parser.add_argument("--graph", action="append", default=[], help="only this graph; may be given again")
    parser.add_argument("--model", type=Path, help="the folder of a model, instead of the shipped one")
    parser.add_argument("--threshold", type=float, help="give no answer below this confidence")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, help="write scores and all predictions with gold as JSON")
    arguments = parser.parse_args(argv)
    try:
        folders = find_sets(os.environ, arguments.questions)
        if unknown := [name for name in arguments.graph if name not in folders]:
            raise DatasetError(f"no question set {unknown[0]!r}; there are: {', '.join(folders)}")
        folders = {name: folder for name, folder in folders.items() if name in arguments.graph or not arguments.graph}
        outcomes: dict[str, Sequence[Outcome]] = {}
        for name, folder in folders.items():
            print(f"answering {name}", file=sys.stderr)
            outcomes[name] = answer_set(
                folder, model=arguments.model, threshold=arguments.threshold, n_threads=arguments.threads
            )
    except KGQAError as error:
        print(f"zero_shot: {error}", file=sys.stderr)
        return 1
    outcomes[OVERALL] = [outcome for found in outcomes.values() for outcome in found]
    reports = {name: make_report(found) for name, found in outcomes.items()}
    console = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else 160)
    print_tables(console, reports, outcomes)
    if arguments.output is not None:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        record = {
            **provenance(arguments, folders),
            "reports": {name: report.to_dict() for name, report in reports.items()},
            "predictions": {name: [o.to_dict() for o in found] for name, found in outcomes.items() if name in folders},
        }
        arguments.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


def _cell(row: Row | None) -> str:
    return "" if row is None else f"{row.macro_f1:.3f} ({row.n_questions})"


if __name__ == "__main__":
    raise SystemExit(main())

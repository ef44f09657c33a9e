"""Where the milliseconds of a question go: p50 and p95 of each stage, over question files with their graphs.

Questions are asked once to warm up and then timed one by one, the graphs in turn.

    python benchmarks/latency.py GRAPH=QUESTIONS.jsonl [...] [--threads 2] [--model M] [--output FILE.json]
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from kgqa import Pipeline
from kgqa.datasets.question_files import read_questions
from kgqa.evaluation.metrics import percentile

STAGES = ("link", "encode", "retrieve", "read", "answer", "all")


def time_questions(graph: str, questions: Path, *, model: Path | None, n_threads: int) -> dict[str, list[float]]:
    """Return the milliseconds of each stage, one number a question, warm."""
    pipeline = Pipeline.load(graph, model=model, n_threads=n_threads)
    items = read_questions(questions).items
    times: dict[str, list[float]] = defaultdict(list)
    for warm in (False, True):
        for question in items:
            prediction = pipeline.answer(question)
            if warm:
                for stage, value in prediction.timings_ms.items():
                    times[stage].append(value)
                times["all"].append(prediction.latency_ms)
    return dict(times)


def print_table(console: Console, times: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """Print p50 / p95 of each stage, a row a graph."""
    table = Table(title="milliseconds a question, p50 / p95", box=box.SIMPLE)
    table.add_column("graph")
    table.add_column("questions", justify="right")
    for stage in STAGES:
        table.add_column(stage, justify="right")
    for name, stages in times.items():
        cells = [f"{percentile(stages[s], 0.5):.1f} / {percentile(stages[s], 0.95):.1f}" for s in STAGES if s in stages]
        table.add_row(name, str(len(stages["all"])), *cells)
    console.print(table)


def main() -> None:
    """Time the graphs and questions that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="GRAPH=QUESTIONS", help="a graph and a file of questions about it")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    found: dict[str, dict[str, list[float]]] = {}
    for text in options.sets:
        graph, _, questions = text.partition("=")
        found[graph] = time_questions(graph, Path(questions), model=options.model, n_threads=options.threads)
    if len(found) > 1:
        together: dict[str, list[float]] = defaultdict(list)
        for stages in found.values():
            for stage, values in stages.items():
                together[stage] += values
        found["all"] = dict(together)
    print_table(Console(width=140), found)
    if options.output:
        options.output.write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Fits the model to the graph of a question set and tells the strict Hits@1 on its dev questions, before and after.

What is learned from is the set's train split, or where it has none (MetaQA, whose train questions are not at hand),
four fifths of its dev questions, told by a checksum; what is asked is the rest. Time bounds training: measure on idle
cores.

    python benchmarks/adapting.py pq-2h --data PathQuestion --minutes 4
    python benchmarks/adapting.py metaqa --data MetaQA --minutes 4 --max-questions 1800 --limit 1200
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from zlib import crc32

from kgqa.cli import main as kgqa
from kgqa.datasets.benchmark import load_benchmark, splits_present, write_graph
from kgqa.datasets.question_files import QAExample
from kgqa.datasets.registry import benchmark


def write_questions(examples: Iterable[QAExample], path: Path) -> None:
    """Write the questions and their answers as `kgqa train` and `kgqa evaluate` read them, the hops as category."""
    with path.open("w", encoding="utf-8") as file:
        for number, example in enumerate(examples):
            answers = [{"type": term.kind, "value": term.value} for term in example.answers]
            row = {"id": str(number), "question": example.question.text, "answers": answers}
            file.write(json.dumps(row | {"category": str(example.hops or "")}) + "\n")


def parts(name: str, data: Path) -> tuple[list[QAExample], list[QAExample]]:
    """Return the questions to learn from and those to ask."""
    chosen = benchmark(name)
    dev = list(load_benchmark(chosen, data, "dev").examples)
    if "train" in splits_present(chosen, data):
        return list(load_benchmark(chosen, data, "train").examples), dev
    asked = [example for example in dev if crc32(example.question.text.encode()) % 5 == 0]
    return [example for example in dev if crc32(example.question.text.encode()) % 5], asked


def run(*arguments: object) -> None:
    """Run a command of `kgqa`. Raises SystemExit if it fails."""
    try:
        kgqa([str(argument) for argument in arguments])
    except SystemExit as end:
        if end.code:
            raise


def main(arguments: Sequence[str]) -> None:
    """Write the files, evaluate, fit and evaluate again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="a set with a graph, as `kgqa benchmarks` names it")
    parser.add_argument("--data", type=Path, required=True, help="the folder with its files")
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--max-questions", type=int, default=2000)
    parser.add_argument("--limit", type=int, default=100_000, help="ask a sample of so many")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        graph, model = work / f"{options.name}.nt", work / "model"
        write_graph(benchmark(options.name), options.data, graph)
        train, asked = parts(options.name, options.data)
        write_questions(train, work / "train.jsonl")
        write_questions(asked, work / "asked.jsonl")
        shared = ["--graph", graph, "--threshold", 0, "--limit", options.limit]
        run("evaluate", work / "asked.jsonl", *shared, "--output", work / "before")
        run("train", "--graph", graph, "--questions", work / "train.jsonl", "--out", model,
            "--minutes", options.minutes, "--max-questions", options.max_questions)  # fmt: skip
        run("evaluate", work / "asked.jsonl", *shared, "--model", model, "--output", work / "after")


if __name__ == "__main__":
    main(sys.argv[1:])

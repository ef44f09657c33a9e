"""Lists the question sets that can be read, checks a download, and writes the graph that comes along with a set.

    kgqa benchmarks                                         the list
    kgqa benchmarks metaqa                                  one of them: splits, files, counts
    kgqa benchmarks metaqa --data DIR                       reads what lies in DIR; lists what is skipped
    kgqa benchmarks metaqa --data DIR --write-graph kb.nt   its graph as RDF, for `kgqa load`
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kgqa.datasets.benchmark import Benchmark, LoadedBenchmark, load_benchmark, splits_present, write_graph
from kgqa.datasets.registry import BENCHMARKS, benchmark
from kgqa.errors import DatasetError

if TYPE_CHECKING:
    from rich.console import Console

MAX_SKIPPED = 20


def parser() -> argparse.ArgumentParser:
    """Return the argument parser of `kgqa benchmarks`."""
    made = argparse.ArgumentParser(
        prog="kgqa benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("name", nargs="?", help="a benchmark of the list")
    made.add_argument("--data", type=Path, help="the folder with its official files, or one of them")
    made.add_argument("--split", default="", help="only this split [all that are there]")
    made.add_argument("--language", default="en", help="where a set has several [en]; QALD also reads 'all'")
    made.add_argument("--write-graph", type=Path, metavar="FILE", help="write the graph of the set as N-Triples")
    made.add_argument("--json", action="store_true", help="print JSON")
    return made


def main(arguments: Sequence[str]) -> int:
    """List, describe or read benchmarks as the arguments say; return the exit status. Raises DatasetError."""
    options = parser().parse_args(list(arguments))
    if options.name is None:
        if options.data or options.write_graph or options.split:
            raise DatasetError("name the benchmark that --data, --split or --write-graph is about")
        _print_list(as_json=options.json)
        return 0
    chosen = benchmark(options.name)
    if options.data is None:
        if options.write_graph:
            raise DatasetError("--write-graph needs --data, the folder with the set's files")
        _print_one(chosen, as_json=options.json)
        return 0
    if options.write_graph:
        n = write_graph(chosen, options.data, options.write_graph, options.split)
        _console(stderr=True).print(f"{options.write_graph}: {n:,} triples")
        return 0
    splits = [options.split] if options.split or options.data.is_file() else list(splits_present(chosen, options.data))
    loaded = [load_benchmark(chosen, options.data, split, language=options.language) for split in splits or [""]]
    _print_loaded(loaded, as_json=options.json)
    return 0


def describe(found: Benchmark) -> dict[str, object]:
    """Return what is known of a benchmark, ready for JSON."""
    return {
        "name": found.name,
        "title": found.title,
        "splits": {name: {"files": split.files, "questions": split.published} for name, split in found.splits.items()},
        "questions": found.published,
        "gold": found.gold,
        "knowledge_graph": found.knowledge_graph,
        "graph_comes_along": found.graph is not None,
        "languages": found.languages,
        "licence": found.licence,
        "source": found.source,
    }


def _print_list(*, as_json: bool) -> None:
    if as_json:
        print(json.dumps([describe(found) for found in BENCHMARKS.values()], ensure_ascii=False))
        return
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in ("name", "questions", "graph", "licence", "from"):
        table.add_column(head, justify="right" if head == "questions" else "left", overflow="fold")
    for found in BENCHMARKS.values():
        size = "" if found.published is None else f"{found.published:,}"
        graph = "comes along" if found.graph is not None else found.knowledge_graph
        table.add_row(found.name, size, graph, found.licence, found.source.removeprefix("https://"))
    _console().print(table)


def _print_one(found: Benchmark, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(describe(found), ensure_ascii=False))
        return
    console = _console()
    console.print(f"{found.name}: {found.title}")
    for name, split in found.splits.items():
        size = "" if split.published is None else f", {split.published:,} questions"
        console.print(f"  {name}{size}: {', '.join(file.replace('|', ' or ') for file in split.files)}")
    for head, text in (
        ("graph", found.knowledge_graph),
        ("gold", found.gold),
        ("languages", ", ".join(found.languages)),
        ("licence", found.licence),
        ("from", found.source),
    ):
        console.print(f"{head}: {text}")


def _print_loaded(loaded: Sequence[LoadedBenchmark], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "name": found.benchmark.name,
                "split": found.split,
                "questions": len(found.examples),
                "published": found.published,
                "skipped": [{"file": s.file, "number": s.number, "reason": s.reason} for s in found.skipped],
            }
            for found in loaded
        ]
        print(json.dumps(rows, ensure_ascii=False))
        return
    from kgqa.datasets.question_files import BadLine

    console = _console()
    for found in loaded:
        told = "" if found.published is None else f" of {found.published:,} published"
        with_answers = sum(1 for example in found.examples if example.answer_form != "none")
        links = sum(1 for example in found.examples if example.gold_links)
        console.print(
            f"{found.benchmark.name} {found.split}: {len(found.examples):,} questions{told}, "
            f"{with_answers:,} with gold answers, {links:,} with gold links; {len(found.skipped):,} skipped"
        )
        shown: tuple[BadLine, ...] = found.skipped[:MAX_SKIPPED]
        for line in shown:
            console.print(f"  {line.file}: {line.number}: {line.reason}")
        if len(found.skipped) > len(shown):
            console.print(f"  and {len(found.skipped) - len(shown):,} more; --json lists them all")


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)

"""`kgqa evaluate` and `kgqa report`: answer questions whose answers are known, score them, and show what went wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kgqa.errors import DatasetError

if TYPE_CHECKING:
    from kgqa.evaluation.evaluating import Evaluation, Progress, QuestionSet

DEFAULT_GRAPH = "world"
_LINKINGS: Mapping[str, tuple[Literal["predicted", "gold"], ...]] = {
    "predicted": ("predicted",),
    "gold": ("gold",),
    "both": ("predicted", "gold"),
}


ProcessesOption = Annotated[
    int, typer.Option("--processes", "-p", min=1, help="How many processes answer, each with a model of its own.")
]
EngineOption = Annotated[str, typer.Option("--engine", help="local, or ray for a Ray cluster (needs kgqa[ray]).")]
RayAddressOption = Annotated[
    str | None, typer.Option("--ray-address", help="A running Ray cluster; by default one is started here.")
]


def evaluate(
    benchmark: Annotated[
        str, typer.Argument(help="A question file with gold answers, or a set that `kgqa benchmarks` lists.")
    ],
    data: Annotated[
        Path | None, typer.Option("--data", "-d", help="The folder (or file) of a listed set, as it was downloaded.")
    ] = None,
    split: Annotated[str, typer.Option("--split", help="The split; by default the first that is there.")] = "",
    language: Annotated[
        str, typer.Option("--language", help="The language of the questions, where a set has several.")
    ] = "en",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many questions of each graph, drawn at random.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The seed of --limit.")] = 0,
    graph: Annotated[
        list[str] | None,
        typer.Option("--graph", "-g", help="A graph's name or an RDF file. [default: the set's own, else world]"),
    ] = None,
    linking: Annotated[
        str, typer.Option("--linking", help="predicted, gold (the set's own entity links), or both.")
    ] = "predicted",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The folder of the run; an interrupted one in it is gone on with."),
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin the run in --output anew.")] = False,
    model: Annotated[Path | None, typer.Option("--model", help="The folder of a model, not the shipped one.")] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Give no answer below this confidence, from 0 to 1.")
    ] = None,
    processes: ProcessesOption = 1,
    engine: EngineOption = "local",
    ray_address: RayAddressOption = None,
    oracle: Annotated[
        bool, typer.Option("--oracle", help="Tell too what was still reachable after each stage; slower.")
    ] = False,
    execute: Annotated[
        bool, typer.Option("--execute", help="Run each SPARQL, and tell if it gives the answers.")
    ] = False,
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", help="Score this file of another system, QALD JSON or our JSONL, instead."),
    ] = None,
) -> None:
    """Answer questions whose answers are known, and print the scores. See also: kgqa report."""
    from kgqa.config import load_settings_with

    asked = load_settings_with(os.environ, model=model, threshold=threshold)
    linkings = chosen_linkings(linking)
    chosen = chosen_engine(engine)
    from kgqa.evaluation import evaluating
    from kgqa.evaluation.run_folder import RunFolder
    from kgqa.stores.catalog import Catalog

    questions = evaluating.question_set(
        benchmark, data, split=split, language=language, graphs=graph or (), cache=Catalog().cache / "benchmarks"
    )
    _tell_skipped(questions)
    if limit is not None:
        questions = questions.sample(limit, seed=seed)
    if predictions is not None:
        card = evaluating.predictions_card(questions, predictions, sys.argv, limit=limit, seed=seed)
        folder = RunFolder.open(output, card, restart=restart) if output else None
        done, matched = evaluating.evaluate_predictions(questions, predictions, folder)
        for what, ids in (("without a prediction", matched.missing), ("predicted but not asked", matched.unused)):
            if ids:
                _say(f"{len(ids):,} {what}: {', '.join(ids[:5])}{', ...' if len(ids) > 5 else ''}")
        _print({predictions.name: done})
        return
    from kgqa.reasoning.model import shipped_model

    questions = questions.with_default_graph(DEFAULT_GRAPH)
    results: dict[str, Evaluation] = {}
    for mode in linkings:
        settings = evaluating.Settings(
            model=asked.model_folder or shipped_model(),
            threshold=asked.threshold,
            n_threads=1 if processes > 1 or chosen == "ray" else asked.n_threads,
            linking=mode,
            oracle=oracle,
            execute=execute,
            n_processes=processes,
            engine=chosen,
            address=ray_address,
        )
        place = output / mode if output and len(linkings) > 1 else output
        card = evaluating.run_card(questions, settings, sys.argv, limit=limit, seed=seed)
        folder = RunFolder.open(place, card, restart=restart) if place else None
        if folder is not None and folder.n_done > 0:
            _say(f"{folder.n_done:,} of {questions.n_questions:,} questions are answered already in {place}")
        try:
            with _progress(questions.n_questions) as progress:
                results[f"{mode} links"] = evaluating.evaluate(questions, settings, folder, progress)
        except KeyboardInterrupt:
            _say("interrupted" + (f"; the same command goes on with {place}" if place else ""))
            raise typer.Exit(130) from None
    _print(results)


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders that `kgqa evaluate -o` wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML page to write.")] = Path("report.html"),
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write the tables as Markdown, too, into this file.")
    ] = None,
    latex: Annotated[
        Path | None, typer.Option("--latex", help="Write the tables as LaTeX (booktabs), too, into this file.")
    ] = None,
    worst: Annotated[int, typer.Option("--worst", min=0, help="How many of the worst questions to show.")] = 40,
) -> None:
    """Write one page about runs: tables, plots, the worst questions; of two runs also what flipped between them."""
    from kgqa.evaluation.report_page import Run, report_page
    from kgqa.evaluation.run_folder import written_whole
    from kgqa.evaluation.tables import to_latex, to_markdown

    loaded = Run.load_all(runs)
    with written_whole(output) as file:
        file.write(report_page(loaded, n_worst=worst))
    for path, write in ((markdown, to_markdown), (latex, to_latex)):
        if path is not None:
            with written_whole(path) as file:
                file.write("\n".join(write(table) for run in loaded for table in run.tables()))
    _say(f"wrote {', '.join(str(path) for path in (output, markdown, latex) if path is not None)}")


def chosen_engine(name: str) -> Literal["local", "ray"]:
    """Return the engine that an option names. Raises typer.BadParameter."""
    if name not in ("local", "ray"):
        raise typer.BadParameter(f"--engine is {name!r}; expected one of: local, ray")
    return "local" if name == "local" else "ray"


def chosen_linkings(name: str) -> tuple[Literal["predicted", "gold"], ...]:
    """Return the ways of linking that an option names. Raises typer.BadParameter."""
    if name not in _LINKINGS:
        raise typer.BadParameter(f"--linking is {name!r}; expected one of: {', '.join(_LINKINGS)}")
    return _LINKINGS[name]


def _tell_skipped(questions: QuestionSet) -> None:
    for line in questions.skipped[:20]:
        _say(f"kgqa: {line.file + ': ' if line.file else ''}line {line.number}: {line.reason}")
    if len(questions.skipped) > 20:
        _say(f"kgqa: {len(questions.skipped) - 20:,} more lines were left out")
    if not questions.n_questions:
        raise DatasetError(f"{questions.name} holds no question that can be asked")


def _print(results: Mapping[str, Evaluation]) -> None:
    from rich.console import Console

    from kgqa.terminal import print_evaluations

    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:  # a file is as wide as its tables
        console = Console(markup=False, highlight=False, emoji=False, width=160)
    print_evaluations(console, results)


@contextmanager
def _progress(total: int) -> Iterator[Progress]:
    """Yield what shows how far a run is, on standard error where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("Answering"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total, rate="")

        def show(n_done: int, n_all: int) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, completed=n_done, rate=f"{speed:.1f}/s" if speed else "")

        yield show


def _say(text: str) -> None:
    from kgqa.terminal import plain

    typer.echo(plain(text), err=True)

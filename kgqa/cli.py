"""The command line: `kgqa ask`, `batch`, `load`, `graphs`, `info`, `remove`, `ui`, `train`, and those of other parts.

What a command needs is imported inside it, so that `kgqa --help` is instant. Answers go to standard output; progress
and complaints to standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, NoReturn

import typer

from kgqa import __version__
from kgqa.errors import DatasetError, KGQAError, SettingsError, UnknownGraphError
from kgqa.evaluation.cli import EngineOption, ProcessesOption, RayAddressOption, chosen_engine, evaluate, report
from kgqa.sparql_cli import sparql

if TYPE_CHECKING:
    from rich.console import Console

    from kgqa.config import Settings
    from kgqa.datasets.question_files import BadLine
    from kgqa.pipeline import Pipeline
    from kgqa.stores.catalog import Catalog

DEFAULT_GRAPH = "world"
TRAINING_LIBRARIES = ("torch", "transformers", "sqlglot")
_PACKAGE = Path(__file__).resolve().parent

app = typer.Typer(
    name="kgqa",
    help="Ask any RDF graph a question in plain English and get the exact answer with its proof.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

GraphOption = Annotated[
    list[str] | None,
    typer.Option("--graph", "-g", help="A graph's name or an RDF file; several are merged. [default: world]"),
]
ModelOption = Annotated[Path | None, typer.Option("--model", help="The folder of a model, instead of the shipped one.")]
ThresholdOption = Annotated[
    float | None, typer.Option("--threshold", help="Give no answer below this confidence, from 0 to 1.")
]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0, or 1 after one line on standard error, or 2 for wrong usage."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(arguments)
    except KGQAError as error:
        _complain(str(error))
    sys.exit(1)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kgqa {__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    pass


# -- asking


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question, in English.")],
    graph: GraphOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the prediction as one line of JSON.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the other readings, the links and the timings too.")
    ] = False,
    model: ModelOption = None,
    threshold: ThresholdOption = None,
) -> None:
    """Answer one question. That the graph does not say is an answer too, and no failure."""
    settings = _settings(model=model, threshold=threshold)
    from kgqa.datatypes import Question

    prediction = _open_pipeline(graph or [DEFAULT_GRAPH], settings).answer(Question(question))
    from kgqa.terminal import json_line, print_prediction

    if as_json:
        typer.echo(json_line(prediction.to_dict()))
    else:
        print_prediction(_console(), prediction, verbose=verbose)


@app.command()
def batch(
    questions: Annotated[Path, typer.Argument(help='A file with an object a line: {"id": ..., "question": ...}.')],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write a prediction a line, in order.")],
    graph: GraphOption = None,
    model: ModelOption = None,
    threshold: ThresholdOption = None,
    processes: ProcessesOption = 1,
    engine: EngineOption = "local",
    ray_address: RayAddressOption = None,
) -> None:
    """Answer a file of questions. A line that is no question is reported by its number and left out."""
    settings = _settings(model=model, threshold=threshold)
    chosen = chosen_engine(engine)
    from kgqa.datasets.question_files import read_questions
    from kgqa.terminal import json_line

    found = read_questions(questions)
    _report_bad_lines(found.bad_lines)
    graphs, n_answered = graph or [DEFAULT_GRAPH], 0
    with _written_whole(output) as file:
        if chosen == "local" and processes == 1:
            answered = _open_pipeline(graphs, settings).answer_batch(found.items)
            rows: Iterator[dict[str, object]] = (prediction.to_dict() for prediction in answered)
        else:
            from kgqa.evaluation.answering import Answerer
            from kgqa.evaluation.engines import run

            answerer = Answerer(tuple(graphs), settings.model_folder, settings.threshold)
            rows = run(answerer, found.items, engine=chosen, n_workers=processes, address=ray_address)
        for row in _with_progress(rows, len(found.items)):
            file.write(json_line(row) + "\n")
            n_answered += row["status"] == "answered"
    n, n_bad = len(found.items), len(found.bad_lines)
    _say(f"{n:,} questions: {n_answered:,} answered, {n - n_answered:,} not; {n_bad:,} bad lines left out")


app.command()(evaluate)
app.command()(report)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def benchmarks(context: typer.Context) -> None:
    """List the question sets that can be read, check a download, or write a set's graph; see --help."""
    from kgqa.datasets.cli import main as run

    raise typer.Exit(run(context.args))


# -- graphs


@app.command()
def load(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="RDF files, merged; .gz is read too.")],
    name: Annotated[str, typer.Option("--name", "-n", help="What to call the graph. One of that name is replaced.")],
    format: Annotated[
        str | None,
        typer.Option("--format", help="turtle, ntriples, nquads, trig, rdfxml or jsonld, if a file does not tell."),
    ] = None,
    label_predicate: Annotated[
        list[str] | None,
        typer.Option("--label-predicate", metavar="IRI", help="A predicate whose values are names; the first wins."),
    ] = None,
) -> None:
    """Load RDF files as a graph that can be asked by name. All or nothing."""
    settings = _settings()
    if label_predicate:
        settings = replace(settings, label_predicates=tuple(label_predicate))
    catalog = _catalog()
    with _counting("Reading", "triples") as count:
        try:
            report = catalog.load(
                files, name, format=format, label_predicates=settings.label_predicates, progress=count
            )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    for reason, number in report.skipped:
        _say(f"skipped {number:,}: {reason}")
    n_files = "1 file" if len(report.files) == 1 else f"{len(report.files)} files"
    _say(f"loaded {report.n_triples:,} triples from {n_files} as {name} in {report.seconds:.1f} s")


@app.command()
def graphs() -> None:
    """List the graphs that can be asked by name."""
    _settings()
    from kgqa.stores.catalog import shipped_files
    from kgqa.terminal import plain

    catalog = _catalog()
    loaded = catalog.names()
    for name in sorted({*loaded, *shipped_files()}):
        try:
            told = f"loaded, {catalog.info(name).n_triples:,} triples" if name in loaded else "shipped"
        except KGQAError as error:
            told = f"cannot be read: {error}"
        typer.echo(f"{plain(name)}\t{plain(told)}")


@app.command()
def info(name: Annotated[str, typer.Argument(help="The name of a graph, or an RDF file.")]) -> None:
    """Show what a graph holds."""
    _settings()
    from kgqa.stores.manifest import read_manifest
    from kgqa.terminal import print_graph

    with _counting("Reading", "triples") as count:
        graph = _catalog().open([name], progress=count)
    print_graph(_console(), read_manifest(graph.folder), graph.index.classes(), graph.index.predicates())


@app.command()
def remove(name: Annotated[str, typer.Argument(help="The name of a loaded graph.")]) -> None:
    """Remove a loaded graph."""
    _settings()
    from kgqa.stores.catalog import shipped_files

    catalog = _catalog()
    if name not in catalog.names() and name in shipped_files():
        raise UnknownGraphError(f"{name} ships with kgqa and cannot be removed")
    catalog.remove(name)
    _say(f"removed {name}")


app.command()(sparql)


# -- the page, training


@app.command()
def ui(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port of the page.")] = 8501,
    address: Annotated[
        str, typer.Option("--address", help="Where to listen; anything but this machine lets others in.")
    ] = "127.0.0.1",
) -> None:
    """Open the page in a local server."""
    import subprocess

    _settings()
    places = (_PACKAGE / "_ui" / "app.py", _PACKAGE.parent / "ui" / "app.py")
    page = next((path for path in places if path.is_file()), None)
    if page is None:
        raise SettingsError("the page is missing from this installation; install kgqa again")
    options = {
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.port": str(port),
        "server.address": address,
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "viewer",
        "theme.primaryColor": "#3b82c4",
    }
    flags = [part for key, value in options.items() for part in (f"--{key}", value)]
    try:
        code = subprocess.call([sys.executable, "-m", "streamlit", "run", str(page), *flags])
    except KeyboardInterrupt:
        code = 0
    raise typer.Exit(code)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def train(context: typer.Context) -> None:
    """Train a model; `kgqa train --help` lists the steps. Needs kgqa[train]."""
    import importlib
    import importlib.util

    missing = [name for name in TRAINING_LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        raise SettingsError(f"training needs {', '.join(missing)}; install the extra: pip install 'kgqa[train]'")
    _settings()
    raise typer.Exit(importlib.import_module("kgqa.training.cli").main(context.args) or 0)


# -- parts


def _settings(*, model: Path | None = None, threshold: float | None = None) -> Settings:
    """Return the settings with the options of a command on top, and make the data folder the catalog's."""
    from kgqa.config import load_settings_with

    return load_settings_with(os.environ, model=model, threshold=threshold)


def _catalog() -> Catalog:
    from kgqa.stores.catalog import Catalog

    return Catalog()


def _open_pipeline(graphs: Sequence[str], settings: Settings) -> Pipeline:
    from kgqa.pipeline import Pipeline

    return Pipeline.load(
        graphs, model=settings.model_folder, threshold=settings.threshold, n_threads=settings.n_threads
    )


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def _say(text: str) -> None:
    from kgqa.terminal import plain

    typer.echo(plain(text), err=True)


def _complain(text: str) -> None:
    _say(f"kgqa: {text}")


def _report_bad_lines(bad_lines: Iterable[BadLine]) -> None:
    for line in bad_lines:
        _complain(f"line {line.number}: {line.reason}")


def _with_progress(rows: Iterable[dict[str, object]], total: int) -> Iterator[dict[str, object]]:
    """Yield the predictions, with a bar on standard error where that is a terminal."""
    from rich.progress import Progress

    console = _console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        yield from progress.track(rows, total=total, description="Answering")


@contextmanager
def _counting(verb: str, unit: str) -> Iterator[Callable[[int], None]]:
    """Yield a function that shows how many there are so far, on standard error where that is a terminal."""
    console = _console(stderr=True)
    with console.status(f"{verb}…") if console.is_terminal else nullcontext() as status:

        def show(number: int) -> None:
            if status is not None:
                status.update(f"{verb}… {number:,} {unit}")

        yield show


@contextmanager
def _written_whole(path: Path) -> Iterator[IO[str]]:
    """Yield a file that appears at `path` only when all went well. Pipes and devices are written directly."""
    import secrets

    target = path.resolve()
    partial = target.with_name(f".{target.name}.{secrets.token_hex(6)}.partial")
    direct = target.exists() and not target.is_file()
    try:
        with open(target if direct else partial, "w", encoding="utf-8", newline="\n") as file:
            yield file
        if not direct:
            os.replace(partial, target)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        if not direct:
            partial.unlink(missing_ok=True)

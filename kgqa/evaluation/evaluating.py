"""Evaluates a question set: chooses its questions and graphs, answers them, and keeps a folder of the run.

One path for everything that reports a score: `kgqa evaluate`, the benchmark scripts and the tests.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from kgqa.datasets.benchmark import graph_files, load_benchmark, splits_present
from kgqa.datasets.question_files import BadLine, QAExample, read_examples
from kgqa.datasets.registry import BENCHMARKS, benchmark
from kgqa.errors import DatasetError
from kgqa.evaluation.answering import Asker, Linking
from kgqa.evaluation.engines import Engine, run
from kgqa.evaluation.outcomes import Outcome
from kgqa.evaluation.predictions import Matched, match, read_predictions, to_qald
from kgqa.evaluation.run_folder import RunFolder, provenance, read_outcomes, sha256
from kgqa.evaluation.summary import Summary, latency_percentiles, summarize

Progress = Callable[[int, int], None]
"""Called with how many questions are done and how many there are."""


@dataclass(frozen=True, slots=True)
class Part:
    """The questions that are asked of one graph. `files` are what they and the graph were read from, by name."""

    name: str
    examples: tuple[QAExample, ...]
    graphs: tuple[str, ...]
    files: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """What is evaluated: a benchmark, or a split or sample of it. `skipped` lines could not be read."""

    name: str
    split: str
    parts: tuple[Part, ...]
    skipped: tuple[BadLine, ...] = ()

    @property
    def n_questions(self) -> int:
        """How many questions all parts have."""
        return sum(len(part.examples) for part in self.parts)

    def with_default_graph(self, graph: str) -> QuestionSet:
        """Return the set with its questions asked of `graph` where no other graph is named."""
        return replace(self, parts=tuple(replace(part, graphs=part.graphs or (graph,)) for part in self.parts))

    def sample(self, n: int, *, seed: int = 0) -> QuestionSet:
        """Return the set with at most `n` questions of each part, drawn without replacement, in their own order."""
        rng = random.Random(seed)
        drawn = []
        for part in self.parts:
            places = sorted(rng.sample(range(len(part.examples)), min(n, len(part.examples))))
            drawn.append(replace(part, examples=tuple(part.examples[place] for place in places)))
        return replace(self, parts=tuple(drawn))


@dataclass(frozen=True, slots=True)
class Settings:
    """How questions are answered. `n_processes` share the work; `model` is a checkpoint's folder."""

    model: Path
    threshold: float | None = None
    n_threads: int = 1
    linking: Linking = "predicted"
    oracle: bool = False
    execute: bool = False
    n_processes: int = 1
    engine: Engine = "local"
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The outcomes of a set in order, their summary, and how long answering took (what was resumed not counted)."""

    outcomes: tuple[Outcome, ...]
    summary: Summary
    timing: Mapping[str, object]


def question_set(
    name: str,
    data: Path | None,
    *,
    split: str = "",
    language: str = "en",
    graphs: Sequence[str] = (),
    cache: Path | None = None,
) -> QuestionSet:
    """Return the questions of a registered benchmark in the folder `data`, or of a file of our JSONL called `name`.

    `graphs` are asked in place of the graph that comes along, which is converted into `cache` where it is no RDF.
    A benchmark whose splits have a graph each gives a part for each split that is there, unless `split` names one.
    Raises DatasetError.
    """
    path = Path(name)
    if name not in BENCHMARKS and (path.is_file() or data is None):
        return _from_file(path, graphs)
    chosen = benchmark(name)
    if data is None:
        raise DatasetError(f"say where the files of {name} are: --data FOLDER ({chosen.source})")
    splits = [split]
    if not split and chosen.graph is not None and any("{split}" in file for file in chosen.graph.files):
        splits = list(splits_present(chosen, data)) or [split]
    several = len(splits) > 1
    parts: list[Part] = []
    skipped: list[BadLine] = []
    for one in splits:
        loaded = load_benchmark(chosen, data, one, language=language)
        files = {_name_below(file, data): file for file in loaded.files}
        asked = tuple(graphs)
        if not asked and chosen.graph is not None:
            found = graph_files(chosen, data, loaded.split, folder=cache)
            files.update({file.name if file in files.values() else _name_below(file, data): file for file in found})
            asked = tuple(str(file) for file in found)
        parts.append(Part(loaded.split if several else "", loaded.examples, asked, files))
        skipped += loaded.skipped
    if not any(part.examples for part in parts):
        raise DatasetError(f"{data}: no question of {name} could be read")
    return QuestionSet(name, ", ".join(splits) if several else loaded.split, tuple(parts), tuple(skipped))


def _from_file(path: Path, graphs: Sequence[str]) -> QuestionSet:
    if not path.exists() and not path.suffix:
        benchmark(str(path))  # says which names there are
    found = read_examples(path)
    if not found.items:
        raise DatasetError(f"{path}: holds no question with gold answers")
    part = Part("", found.items, tuple(graphs), {path.name: path})
    return QuestionSet(path.stem, "", (part,), found.bad_lines)


def _name_below(file: Path, folder: Path) -> str:
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else file.name


def run_card(
    questions: QuestionSet, settings: Settings, command: Sequence[str], *, limit: int | None = None, seed: int = 0
) -> dict[str, object]:
    """Return the card of a run: what was asked, how, and all that is needed to do it again. Raises KGQAError."""
    files = {name: path for part in questions.parts for name, path in part.files.items()}
    graphs = {graph: _graph_checksums(graph) for part in questions.parts for graph in part.graphs}
    return {
        **_what(questions, limit, seed),
        "system": "kgqa",
        "linking": settings.linking,
        "threshold": settings.threshold,
        "oracle": settings.oracle,
        "execute": settings.execute,
        "n_threads": settings.n_threads,
        "n_processes": settings.n_processes,
        "engine": settings.engine,
        "model": settings.model.name,
        "model_sha256": sha256(settings.model),
        "graphs": graphs,
        **provenance(command, files),
    }


def _what(questions: QuestionSet, limit: int | None, seed: int) -> dict[str, object]:
    return {
        "benchmark": questions.name,
        "split": questions.split,
        "n_questions": questions.n_questions,
        "parts": {part.name: len(part.examples) for part in questions.parts},
        "n_skipped": len(questions.skipped),
        "limit": limit,
        "seed": seed,
    }


def _graph_checksums(graph: str) -> object:
    """Return what tells a graph's content: checksums of its files, or for an address only that it is one."""
    if Path(graph).is_file():
        return {Path(graph).name: sha256(Path(graph))}
    if "://" in graph:
        return "remote"
    from kgqa.stores.catalog import Catalog

    return {file.name: file.sha256 for file in Catalog().info(graph).files}


def evaluate(
    questions: QuestionSet, settings: Settings, folder: RunFolder | None = None, progress: Progress | None = None
) -> Evaluation:
    """Answer a set and return the outcomes; with `folder`, go on after what is there and write it. Raises KGQAError."""
    done: tuple[Outcome, ...] = read_outcomes(folder.path) if folder and folder.n_done else ()
    _check_same(done, questions)
    started = time.perf_counter()
    coming = _answers(questions, settings, len(done))
    outcomes = list(done)
    for outcome in folder.append(coming) if folder else coming:
        outcomes.append(outcome)
        if progress is not None:
            progress(len(outcomes), questions.n_questions)
    seconds = time.perf_counter() - started
    n_new = len(outcomes) - len(done)
    timing = {
        "latency": latency_percentiles(outcomes),
        "seconds": round(seconds, 2),
        "n_answered_now": n_new,
        "questions_per_second": round(n_new / seconds, 2) if n_new else None,
    }
    return _finished(questions.name, outcomes, timing, folder)


def evaluate_predictions(
    questions: QuestionSet, path: Path, folder: RunFolder | None = None
) -> tuple[Evaluation, Matched]:
    """Score the predictions that another system wrote into a file. Raises DatasetError."""
    examples = [example for part in questions.parts for example in part.examples]
    parts = [part.name for part in questions.parts for _ in part.examples]
    matched = match(examples, read_predictions(path), parts)
    if folder is not None:
        done = read_outcomes(folder.path) if folder.n_done else ()
        for _ in folder.append(matched.outcomes[len(done) :]):
            pass
    timing = {"latency": latency_percentiles(matched.outcomes)}
    return _finished(questions.name, matched.outcomes, timing, folder), matched


def predictions_card(
    questions: QuestionSet, path: Path, command: Sequence[str], *, limit: int | None = None, seed: int = 0
) -> dict[str, object]:
    """Return the card of a run of another system's predictions. Raises DatasetError."""
    files = {name: file for part in questions.parts for name, file in part.files.items()}
    return {**_what(questions, limit, seed), "system": path.name, **provenance(command, {**files, path.name: path})}


def _finished(
    name: str, outcomes: Sequence[Outcome], timing: Mapping[str, object], folder: RunFolder | None
) -> Evaluation:
    if not any(outcome.is_scored for outcome in outcomes):
        raise DatasetError(f"{name} gives no answers to compare with, only gold queries over a graph of its own")
    summary = summarize(outcomes)
    if folder is not None:
        folder.finish(summary.to_dict(), to_qald(outcomes, name), timing)
    return Evaluation(tuple(outcomes), summary, timing)


def _answers(questions: QuestionSet, settings: Settings, n_done: int) -> Iterator[Outcome]:
    for part in questions.parts:
        rest = part.examples[n_done:]
        n_done = max(0, n_done - len(part.examples))
        if rest:
            yield from _part_answers(part, rest, settings)


def _part_answers(part: Part, examples: Iterable[QAExample], settings: Settings) -> Iterator[Outcome]:
    asker = Asker(
        part.graphs,
        settings.model,
        settings.threshold,
        settings.n_threads,
        settings.linking,
        settings.oracle,
        settings.execute,
        part.name,
    )
    return run(asker, examples, engine=settings.engine, n_workers=settings.n_processes, address=settings.address)


def _check_same(done: Sequence[Outcome], questions: QuestionSet) -> None:
    examples = (example for part in questions.parts for example in part.examples)
    for number, (outcome, example) in enumerate(zip(done, examples, strict=False), start=1):
        if outcome.example.question != example.question:
            raise DatasetError(
                f"line {number} of the run is of {outcome.example.question.text!r}, "
                f"but {example.question.text!r} was asked; begin anew with --restart"
            )
    if len(done) > questions.n_questions:
        raise DatasetError(f"the run has {len(done)} predictions of {questions.n_questions} questions")

"""What a benchmark is: where it comes from, which files its splits are, how they are read, which graph comes along."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kgqa.datasets.minted_graph import Triple, write_ntriples
from kgqa.datasets.question_files import BadLine, QAExample, QuestionFile
from kgqa.errors import DatasetError

Reader = Callable[[Path, str], QuestionFile[QAExample]]
"""Reads one file; the text is the language asked for, which sets in one language do not look at."""


@dataclass(frozen=True, slots=True)
class Split:
    """The files of a split, and how many questions were published (None where the set has no such split of its own).

    Each entry of `files` is a path below the data folder, or several with "|" between, of which the first that is there
    is read.
    """

    files: tuple[str, ...]
    published: int | None = None


@dataclass(frozen=True, slots=True)
class GraphSource:
    """The graph that comes with a set: RDF `files`, or a text that `convert` turns into triples.

    `{split}` in a path stands for the split's name. `|` is as in `Split`.
    """

    files: tuple[str, ...]
    convert: Callable[[Path], Iterator[Triple]] | None = None


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A question set. `gold` says what it gives for a question; `graph` is None where its questions are over a graph
    that does not come along, which `knowledge_graph` names."""

    name: str
    title: str
    splits: Mapping[str, Split]
    read: Reader
    gold: str
    knowledge_graph: str
    licence: str
    source: str
    languages: tuple[str, ...] = ("en",)
    graph: GraphSource | None = None

    @property
    def published(self) -> int | None:
        """How many questions all splits have; None where no count was published."""
        counts = [split.published for split in self.splits.values()]
        return sum(count for count in counts if count is not None) if any(counts) else None


@dataclass(frozen=True, slots=True)
class LoadedBenchmark:
    """The examples of a split in the order of its files, and what was left out of them, each with its file."""

    benchmark: Benchmark
    split: str
    examples: tuple[QAExample, ...]
    skipped: tuple[BadLine, ...]
    files: tuple[Path, ...]

    @property
    def published(self) -> int | None:
        """How many questions the split is published with; None where that is not known."""
        split = self.benchmark.splits.get(self.split)
        return split.published if split else None


def load_benchmark(benchmark: Benchmark, data: Path, split: str = "", *, language: str = "en") -> LoadedBenchmark:
    """Return a split of a benchmark whose files lie in the folder `data`. Without `split` its first that is there.

    `data` may be one question file as well, which is then read as the whole split. Raises DatasetError, with one line
    that says which file is missing or cannot be read.
    """
    if split and split not in benchmark.splits:
        raise DatasetError(f"{benchmark.name} has no split {split!r}; expected one of: {', '.join(benchmark.splits)}")
    if data.is_file():
        return _read(benchmark, split or data.stem, (data,), language, data.parent)
    if not data.is_dir():
        raise DatasetError(f"{data}: no such file or folder")
    names = [split] if split else [name for name in benchmark.splits if _found(data, benchmark.splits[name].files)]
    if not names:
        looked_for = ", ".join(file for found in benchmark.splits.values() for file in found.files)
        raise DatasetError(f"{data} has no file of {benchmark.name}; looked for: {looked_for}")
    return _read(benchmark, names[0], _required(data, benchmark.splits[names[0]].files, names[0]), language, data)


def splits_present(benchmark: Benchmark, data: Path) -> tuple[str, ...]:
    """Return the splits whose files all lie in the folder `data`."""
    return tuple(name for name, split in benchmark.splits.items() if _found(data, split.files))


def graph_files(benchmark: Benchmark, data: Path, split: str = "", *, folder: Path | None = None) -> tuple[Path, ...]:
    """Return RDF files with the graph that comes with a set whose files lie in the folder `data`.

    A graph that comes as RDF is returned as it lies there. One that has to be converted is written into `folder` as
    `<name>.nt`, unless a file of that name is there already that is newer than what it was made from.
    Raises DatasetError where no graph comes along, a file is missing, or `folder` is wanted and not given.
    """
    source = benchmark.graph
    if source is None:
        raise DatasetError(
            f"no graph comes with {benchmark.name}: its questions are over {benchmark.knowledge_graph}"
        )
    data = data.parent if data.is_file() else data
    files = _required(data, tuple(file.replace("{split}", split) for file in source.files), split)
    if source.convert is None:
        return files
    if folder is None:
        raise DatasetError(f"the graph of {benchmark.name} has to be converted; say into which folder")
    target = folder / f"{benchmark.name}.nt"
    newest = max(file.stat().st_mtime for file in files)
    if not target.is_file() or target.stat().st_mtime < newest:
        write_graph(benchmark, data, target, split)
    return (target,)


def write_graph(benchmark: Benchmark, data: Path, path: Path, split: str = "") -> int:
    """Write the graph that comes as a text with a set to `path` as N-Triples, and return the number of triples.

    `path` appears only when all is written. Raises DatasetError, also where the graph is RDF already.
    """
    source = benchmark.graph
    if source is None or source.convert is None:
        raise DatasetError(f"{benchmark.name} has no graph that needs to be converted")
    convert = source.convert
    files = _required(data, tuple(file.replace("{split}", split) for file in source.files), split)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f"{path.parent}: cannot be made: {error.strerror or error}") from error
    return write_ntriples((triple for file in files for triple in convert(file)), path)


def _read(benchmark: Benchmark, split: str, files: Sequence[Path], language: str, folder: Path) -> LoadedBenchmark:
    examples: list[QAExample] = []
    skipped: list[BadLine] = []
    for file in files:
        found = benchmark.read(file, language)
        name = str(file.relative_to(folder))
        examples += found.items
        skipped += [replace(line, file=name) for line in found.bad_lines]
    return LoadedBenchmark(benchmark, split, tuple(examples), tuple(skipped), tuple(files))


def _found(data: Path, files: Sequence[str]) -> tuple[Path, ...]:
    """Return the files that are meant; empty where one of them is missing."""
    found = []
    for alternatives in files:
        there = [data / name for name in alternatives.split("|") if (data / name).is_file()]
        if not there:
            return ()
        found.append(there[0])
    return tuple(found)


def _required(data: Path, files: Sequence[str], split: str) -> tuple[Path, ...]:
    if found := _found(data, files):
        return found
    missing = next(names for names in files if not _found(data, (names,)))
    raise DatasetError(f"{data}: {missing.replace('|', ' or ')} is missing" + (f" (split {split})" if split else ""))

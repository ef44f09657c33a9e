"""One pass over what a graph is built from: each triple is checked, numbered for the index, and handed to the store.

The store is filled by a thread of pyoxigraph's, through a pipe of N-Quads, while this one goes on reading: both are
busy for about as long, and neither holds the graph in memory.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, cycle, islice, pairwise, repeat
from pathlib import Path
from types import TracebackType

import numpy as np
import pyoxigraph as ox
from numpy.typing import NDArray

from kgqa.errors import GraphLoadError
from kgqa.index.arrays import Ids
from kgqa.index.graph_index import GraphIndex
from kgqa.index.terms import TripleBuffer, split_literal
from kgqa.stores.folders import FolderHandle
from kgqa.stores.formats import RdfSyntax
from kgqa.stores.guarded_reading import LoadLimits, OpenedFile, open_guarded
from kgqa.stores.manifest import INDEX_FOLDER, SourceFile, read_manifest
from kgqa.stores.oxigraph import OxigraphStore, from_oxigraph

PARSERS: dict[RdfSyntax, ox.RdfFormat] = {
    "turtle": ox.RdfFormat.TURTLE, "ntriples": ox.RdfFormat.N_TRIPLES, "nquads": ox.RdfFormat.N_QUADS,
    "trig": ox.RdfFormat.TRIG, "rdfxml": ox.RdfFormat.RDF_XML, "jsonld": ox.RdfFormat.JSON_LD,
}  # fmt: skip
_PART_OF: dict[RdfSyntax, tuple[RdfSyntax, ...]] = {
    "turtle": ("ntriples",), "trig": ("turtle", "ntriples"), "nquads": ("ntriples",)
}  # fmt: skip
_HINT_LINES = 5  # a file in another syntax fails at once; later errors are the file's own
_PLACE = re.compile(r"^Parser error [^:]*: (?=\S)")
_DIRECTION = re.compile(r"--(?:ltr|rtl)\Z")
_PROGRESS_S = 0.1
_BATCH = 20_000

_WITHOUT_GRAPHS = ("ntriples", "turtle", "rdfxml")
# Blank nodes, triple terms and text directions, each with a character that is in all of them and is looked for first:
# finding that there is none takes a tenth of the time.
_SPECIAL = (("_", "_:"), ("(", "<<("), ("@", "--ltr"), ("@", "--rtl"))
Quad = tuple[str, str]
"""A statement in N-Triples syntax without its full stop, and its graph: empty for the default graph."""


@dataclass(frozen=True, slots=True, eq=False)
class FileRows:
    """A file and the places of its triples in the buffer. Shape of the places: (n,)."""

    file: SourceFile
    places: NDArray[np.int64]


class StoreWriter:
    """Fills an empty store from lines of N-Quads, in threads of its own. Leaving it waits until all is written.

    Statements with blank nodes are put aside and come last, because pyoxigraph renames those of what it loads.
    """

    def __init__(self, store: ox.Store, *, n_threads: int = 2) -> None:
        self._store = store
        self._error: Exception | None = None
        self._aside = tempfile.SpooledTemporaryFile(max_size=1 << 24)  # noqa: SIM115
        ends = [os.pipe() for _ in range(n_threads)]
        self._pipes = [os.fdopen(write_end, "wb", 1 << 20) for _, write_end in ends]
        self._turns = cycle(self._pipes)
        self._threads = [threading.Thread(target=self._load, args=(end,), daemon=True) for end, _ in ends]

    def __enter__(self) -> StoreWriter:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):
            self._close()
        if kind is None:
            for thread in self._threads:
                thread.join()
            self._raise()
            if self._aside.tell():
                self._aside.seek(0)
                self._store.bulk_extend(ox.parse(self._aside, ox.RdfFormat.N_QUADS, lenient=True))
        self._aside.close()

    def write(self, statements: str) -> None:
        """Hand on lines of N-Quads. Raises what went wrong in a thread."""
        self._raise()
        if statements:
            next(self._turns).write(statements.encode())

    def write_blank(self, statements: str) -> None:
        """Hand on lines of N-Quads with blank nodes."""
        self._aside.write(statements.encode())

    def finish(self) -> None:
        """Say that nothing more is to be written; the threads may still be busy."""
        self._raise()
        self._close()

    def _close(self) -> None:
        for pipe in self._pipes:
            pipe.close()

    def _load(self, read_end: int) -> None:
        try:
            # By its path the pipe is read without the interpreter's lock. The lines were parsed once already.
            self._store.bulk_load(path=f"/dev/fd/{read_end}", format=ox.RdfFormat.N_QUADS, lenient=True)
        except Exception as error:  # it is raised again in the thread that reads the files
            self._error = error
        with os.fdopen(read_end, "rb", 0) as rest:
            while rest.read(1 << 16):  # or the writer would wait for ever
                pass

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error


class TripleReading:
    """What one pass saw: `buffer` holds the triples, `named_graphs` the graphs, and `files` what each file stated."""

    def __init__(self, writer: StoreWriter, limits: LoadLimits, progress: Callable[[int], None]) -> None:
        self._writer, self._limits, self._progress = writer, limits, progress
        self._next_report = time.monotonic() + _PROGRESS_S
        self._n_bnodes = 0
        self._bnodes: dict[str, str] = {}
        self.buffer = TripleBuffer()
        self.named_graphs: set[str] = set()
        self.files: list[FileRows] = []
        self.n_read = 0
        self.n_directions = 0

    def read_file(self, source: Path, *, flag: str | None) -> None:
        """Read an RDF file. Raises GraphLoadError."""
        first = self.n_read
        opened = open_guarded(source, flag=flag, limits=self._limits)
        with source.open("rb") as file:
            described = SourceFile(source.name, hashlib.file_digest(file, "sha256").hexdigest())
        with opened.stream as stream:
            try:
                quads = ox.parse(stream, PARSERS[opened.syntax])
                if opened.syntax in _WITHOUT_GRAPHS:
                    self.read(quads, source.name)
                else:
                    self.read_quads(_with_graph(quads), source.name)
            except SyntaxError as error:
                raise _syntax_error(error, source.name, opened) from error
            except MemoryError as error:
                if "buffer maximal size" in str(error):
                    message = "a single term or statement is longer than 16 MiB"
                    raise GraphLoadError(message, path=source.name) from error
                raise
        self.files.append(FileRows(described, np.arange(first, self.n_read)))

    def read_folder(self, source: Path, *, without: Sequence[str] = ()) -> None:
        """Read a graph folder, its literals as they were written, but for what only files named in `without` state."""
        handle = FolderHandle(source)
        index = GraphIndex.open(handle.path / INDEX_FOLDER)
        files = read_manifest(handle.path, name=source.name).files
        rows_of = files_of(index, files)
        kept = np.zeros(index.n_triples, np.bool_)
        for file, rows in rows_of:
            if file.name not in without:
                kept[rows] = True
        place = self.n_read + np.cumsum(kept) - 1
        for file, rows in rows_of:
            if file.name not in without:
                self.files.append(FileRows(file, place[rows]))
        self.read_quads(_folder_quads(source, index, kept, handle), source.name)

    def read(self, triples: Iterable[ox.Quad], name: str) -> None:
        """Read the statements of one source, all of the default graph.

        Blank nodes are renamed b0, b1, ... in order of appearance, so that sources do not share them and the same load
        gives the same names.
        """
        self._bnodes = {}
        triples = iter(triples)
        while text := _lines(islice(triples, _BATCH)):
            batch = text.removesuffix(" .\n").split(" .\n")
            if len(max(batch, key=len)) <= self._limits.max_literal_chars and not _has_special(text):
                # Neither blank nodes nor other things to look at: all in loops of the interpreter's own.
                self.buffer.extend(chain.from_iterable(map(str.split, batch, repeat(" "), repeat(2))))
                self._writer.write(text)
            else:
                self._add([(statement, "") for statement in batch], name)
            self._report(len(batch))

    def read_quads(self, quads: Iterable[Quad], name: str) -> None:
        """Read the statements of one source, each with its graph, as `read` does.

        A triple of a named graph goes to that graph and to the default graph.
        """
        self._bnodes = {}
        quads = iter(quads)
        while batch := list(islice(quads, _BATCH)):
            self._add(batch, name)
            self._report(len(batch))

    def _add(self, batch: Sequence[Quad], name: str) -> None:
        ids = self.buffer.ids
        plain: list[str] = []
        blank: list[str] = []
        terms: list[str] = []
        for statement, graph in batch:
            s, p, o = statement.split(" ", 2)
            target = plain
            if s[0] == "_":
                s, target = self._renamed(s), blank
            if o[0] == "_":
                o, target = self._renamed(o), blank
            if o not in ids:
                o = self._checked(o, name)
            terms += (s, p, o)
            target.append(f"{s} {p} {o} .\n")
            if graph:
                if graph[0] == "_":
                    graph, target = self._renamed(graph), blank
                self.named_graphs.add(graph)
                target.append(f"{s} {p} {o} {graph} .\n")
        self.buffer.extend(terms)
        self._writer.write("".join(plain))
        self._writer.write_blank("".join(blank))

    def _report(self, n: int) -> None:
        self.n_read += n
        if time.monotonic() > self._next_report:
            self._progress(self.n_read)
            self._next_report = time.monotonic() + _PROGRESS_S

    def _renamed(self, node: str) -> str:
        renamed = self._bnodes.get(node)
        if renamed is None:
            renamed = self._bnodes[node] = f"_:b{self._n_bnodes}"
            self._n_bnodes += 1
        return renamed

    def _checked(self, term: str, name: str) -> str:
        """Return an object that was not seen yet, without a text direction. Raises GraphLoadError."""
        if term[0] == '"':
            if len(term) > self._limits.max_literal_chars:
                n_chars = len(split_literal(term)[0])
                if n_chars > self._limits.max_literal_chars:
                    message = f"a literal has {n_chars:,} characters (limit max_literal_chars)"
                    raise GraphLoadError(message, path=name)
            if term[-1] in "lr" and _DIRECTION.search(term):
                self.n_directions += 1
                return _DIRECTION.sub("", term)
        elif term.startswith("<<"):
            raise GraphLoadError("RDF 1.2 triple terms, << ... >>, are not supported", path=name)
        return term


def _lines(triples: Iterable[ox.Quad]) -> str:
    """Return triples as lines of N-Triples: of many, pyoxigraph writes them quicker than `str` writes each."""
    written = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES)
    assert written is not None  # as it is where a file is given to write to
    return written.decode()


def _has_special(text: str) -> bool:
    """Return whether statements may have blank nodes, triple terms or text directions, or what looks like them."""
    return any(character in text and special in text for character, special in _SPECIAL)


def _with_graph(quads: Iterable[ox.Quad]) -> Iterator[Quad]:
    default = ox.DefaultGraph()
    for quad in quads:
        if quad.graph_name == default:
            yield str(quad), ""
        else:
            graph = str(quad.graph_name)
            yield str(quad).removesuffix(f" {graph}"), graph


def files_of(index: GraphIndex, files: Sequence[SourceFile]) -> list[tuple[SourceFile, Ids]]:
    """Return for each file the places of its triples, in the order of subject, predicate and object."""
    if len(files) == 1:
        return [(files[0], np.arange(index.n_triples, dtype=np.int32))]
    starts = index.arrays["file_start"].tolist()
    rows = (index.arrays["file_row"][a:b] for a, b in pairwise(starts))
    return list(zip(files, rows, strict=True))


def _folder_quads(source: Path, index: GraphIndex, kept: NDArray[np.bool_], handle: FolderHandle) -> Iterator[Quad]:
    """Yield the kept triples of a graph folder, in order, then those of its named graphs again."""
    for node in range(index.n_terms):
        a, b = int(index.out_start[node]), int(index.out_start[node + 1])
        if a == b:
            continue
        s = index.term(node).n3()
        for row in range(a, b):
            if kept[row]:
                predicate, obj = int(index.pred_terms[index.out_p[row]]), int(index.out_o[row])
                yield f"{s} {index.term(predicate).n3()} {index.term(obj).n3()}", ""
    named = OxigraphStore.open(source, n_triples=index.n_triples, handle=handle).named_quads()
    if kept.all():
        yield from _with_graph(named)
    else:
        yield from _with_graph(quad for quad in named if (row := _row_of(quad, index)) >= 0 and kept[row])


def _row_of(quad: ox.Quad, index: GraphIndex) -> int:
    s, o = (index.find_term(from_oxigraph(term)) for term in (quad.subject, quad.object))
    return index.row_of(s, index.predicate_id(quad.predicate.value), o)


def _syntax_error(error: SyntaxError, name: str, opened: OpenedFile) -> GraphLoadError:
    message = _PLACE.sub("", " ".join(str(error.msg).split()))
    if "LoadDocumentCallback" in message or "remote context" in message:
        message = "remote @context not allowed: nothing is fetched; write the context into the file"
    elif "No scheme found" in message:
        message = "a relative IRI, and the file names no base to resolve it against"
    elif (
        (error.lineno or 1) <= _HINT_LINES
        and opened.sniffed not in (None, opened.syntax)
        and opened.sniffed not in _PART_OF.get(opened.syntax, ())
    ):
        message += f" (read as {opened.syntax}, but it looks like {opened.sniffed})"
    return GraphLoadError(message, path=name, line=error.lineno, column=error.offset)

"""One pass over what a graph is built from: each triple is checked, numbered for the index, and handed to the store.

The store is filled by a thread of pyoxigraph's, through a pipe of N-Quads, while this one goes on reading: both are
busy for about as long, and neither holds the graph in memory.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import pyoxigraph as ox

from kgqa.errors import GraphLoadError
from kgqa.index.graph_index import GraphIndex
from kgqa.index.terms import TripleBuffer, split_literal
from kgqa.stores.formats import RdfSyntax
from kgqa.stores.guarded_reading import LoadLimits, OpenedFile, open_guarded
from kgqa.stores.manifest import INDEX_FOLDER
from kgqa.stores.oxigraph import OxigraphStore

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

Line = tuple[str, str, str, str]
"""Subject, predicate, object and graph in N-Triples syntax; the graph is empty for the default graph."""


class StoreWriter:
    """Fills an empty store from lines of N-Quads, in a thread of its own. Leaving it waits until all is written.

    Statements with blank nodes are put aside and come last, because pyoxigraph renames those of what it loads.
    """

    def __init__(self, store: ox.Store) -> None:
        self._store = store
        self._error: Exception | None = None
        self._read_end, write_end = os.pipe()
        self._pipe = os.fdopen(write_end, "wb", 1 << 20)
        self._aside = tempfile.SpooledTemporaryFile(max_size=1 << 24)  # noqa: SIM115
        self._thread = threading.Thread(target=self._load, daemon=True)

    def __enter__(self) -> StoreWriter:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):
            self._pipe.close()
        if kind is None:
            self._thread.join()
            self._raise()

    def write(self, lines: Sequence[str], with_blank_nodes: Sequence[str]) -> None:
        """Hand on statements without their full stops. Raises what went wrong in the thread."""
        self._raise()
        for file, statements in ((self._pipe, lines), (self._aside, with_blank_nodes)):
            if statements:
                file.write((" .\n".join(statements) + " .\n").encode())

    def finish(self) -> None:
        """Say that nothing more is to be written; the store may still be busy."""
        self._raise()
        self._pipe.close()

    def _load(self) -> None:
        try:
            # By its path the pipe is read without the interpreter's lock. The lines were parsed once already.
            self._store.bulk_load(path=f"/dev/fd/{self._read_end}", format=ox.RdfFormat.N_QUADS, lenient=True)
            if self._aside.tell():
                self._aside.seek(0)
                self._store.bulk_extend(ox.parse(self._aside, ox.RdfFormat.N_QUADS, lenient=True))
        except Exception as error:  # it is raised again in the thread that reads the files
            self._error = error
        with os.fdopen(self._read_end, "rb", 0) as rest:
            while rest.read(1 << 16):  # or the writer would wait for ever
                pass

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error


class TripleReading:
    """What one pass saw: `buffer` holds the triples, `named_graphs` the graphs, and `ends` how many triples there were
    after each source."""

    def __init__(self, writer: StoreWriter, limits: LoadLimits, progress: Callable[[int], None]) -> None:
        self._writer, self._limits, self._progress = writer, limits, progress
        self._next_report = time.monotonic() + _PROGRESS_S
        self._n_bnodes = 0
        self._bnodes: dict[str, str] = {}
        self.buffer = TripleBuffer()
        self.named_graphs: set[str] = set()
        self.ends: list[int] = []
        self.n_read = 0
        self.n_directions = 0

    def read_file(self, source: Path, *, flag: str | None) -> None:
        """Read an RDF file. Raises GraphLoadError."""
        opened = open_guarded(source, flag=flag, limits=self._limits)
        with opened.stream as stream:
            try:
                self.read(_lines(ox.parse(stream, PARSERS[opened.syntax]), opened.syntax), source.name)
            except SyntaxError as error:
                raise _syntax_error(error, source.name, opened) from error
            except MemoryError as error:
                if "buffer maximal size" in str(error):
                    message = "a single term or statement is longer than 16 MiB"
                    raise GraphLoadError(message, path=source.name) from error
                raise

    def read_folder(self, source: Path) -> None:
        """Read a graph folder, its literals as they were written."""
        self.read(folder_lines(source), source.name)

    def read(self, lines: Iterable[Line], name: str) -> None:
        """Read the statements of one source, whose blank nodes are its own.

        Blank nodes are renamed b0, b1, ... in order of appearance, so that sources do not share them and the same load
        gives the same names. A triple of a named graph goes to that graph and to the default graph.
        """
        self._bnodes = {}
        ids = self.buffer.ids
        number, known = ids.setdefault, ids.get
        plain: list[str] = []
        blank: list[str] = []
        row: list[int] = []
        for s, p, o, graph in lines:
            batch = plain
            if s[0] == "_":
                s, batch = self._renamed(s), blank
            if o[0] == "_":
                o, batch = self._renamed(o), blank
            place = known(o)
            if place is None:
                o = self._checked(o, name)
                place = number(o, len(ids))
            line = f"{s} {p} {o}"
            batch.append(line)
            row += (number(s, len(ids)), number(p, len(ids)), place)
            if graph:
                if graph[0] == "_":
                    graph, batch = self._renamed(graph), blank
                self.named_graphs.add(graph)
                batch.append(f"{line} {graph}")
            if len(row) >= 3 * _BATCH:
                self._flush(plain, blank, row)
        self._flush(plain, blank, row)
        self.ends.append(self.n_read)

    def _flush(self, plain: list[str], blank: list[str], row: list[int]) -> None:
        self._writer.write(plain, blank)
        self.buffer.extend(row)
        self.n_read += len(row) // 3
        plain.clear()
        blank.clear()
        row.clear()
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


def _lines(quads: Iterable[ox.Quad], syntax: RdfSyntax) -> Iterator[Line]:
    if syntax in ("ntriples", "turtle", "rdfxml"):
        for quad in quads:
            s, p, o = str(quad).split(" ", 2)
            yield s, p, o, ""
    else:
        default = ox.DefaultGraph()
        for quad in quads:
            s, p, o = str(quad).split(" ", 2)
            graph = "" if quad.graph_name == default else str(quad.graph_name)
            yield s, p, o.removesuffix(f" {graph}") if graph else o, graph


def folder_lines(source: Path) -> Iterator[Line]:
    """Yield every triple of a graph folder, then those of its named graphs again."""
    index = GraphIndex.open(source / INDEX_FOLDER)
    for node in range(index.n_terms):
        preds, ends = index.out_row(node)
        if len(preds):
            s = index.term(node).n3()
            for p, o in zip(preds.tolist(), ends.tolist(), strict=True):
                yield s, index.term(int(index.pred_terms[p])).n3(), index.term(o).n3(), ""
    named = OxigraphStore.open(source, n_triples=index.n_triples).named_quads()
    yield from _lines(named, "nquads")


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

"""The child process of a load: reads a request from stdin, builds a graph folder, and reports in JSON lines on stdout.

Run by `kgqa.stores.loading` only. A parser that dies of what it is fed dies here, under limits, and takes nothing
along.
Lines are {"progress": n}, and at the end {"done": {...}} or {"error": {...}}.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pyoxigraph as ox

from kgqa.errors import GraphLoadError
from kgqa.stores.formats import RdfSyntax
from kgqa.stores.guarded_reading import LoadLimits, OpenedFile, open_guarded
from kgqa.stores.manifest import INDEX_FOLDER, MANIFEST_FILE, Manifest, SourceFile, read_manifest, write_manifest
from kgqa.stores.oxigraph import (
    STORE_FOLDER,
    OxigraphStore,
    may_be_respelled,
    respellings,
    write_respelled,
)

_PARSERS: dict[RdfSyntax, ox.RdfFormat] = {
    "turtle": ox.RdfFormat.TURTLE, "ntriples": ox.RdfFormat.N_TRIPLES, "nquads": ox.RdfFormat.N_QUADS,
    "trig": ox.RdfFormat.TRIG, "rdfxml": ox.RdfFormat.RDF_XML, "jsonld": ox.RdfFormat.JSON_LD,
}  # fmt: skip
_PART_OF: dict[RdfSyntax, tuple[RdfSyntax, ...]] = {
    "turtle": ("ntriples",), "trig": ("turtle", "ntriples"), "nquads": ("ntriples",)
}  # fmt: skip
_HINT_LINES = 5  # a file in another syntax fails at once; later errors are the file's own
_PLACE = re.compile(r"^Parser error [^:]*: (?=\S)")
_PROGRESS_S = 0.1
_REPEATED = "repeated triple"
_DIRECTION = "text direction of a literal"


def build_folder(
    sources: Sequence[Path],
    folder: Path,
    *,
    name: str,
    flag: str | None,
    label_predicates: Sequence[str] | None,
    limits: LoadLimits,
    progress: Callable[[int], None],
) -> dict[str, object]:
    """Build a graph folder from files, and from other graph folders, and return the report's numbers.

    `folder` exists and is empty. Blank nodes are renamed b0, b1, ... in order of appearance, so that files do not share
    them and the same load gives the same names. Raises GraphLoadError, and leaves `folder` half built then.
    """
    files: list[SourceFile] = []
    for source in sources:
        if (source / MANIFEST_FILE).is_file():
            files.extend(read_manifest(source).files)
        elif source.is_file():
            with source.open("rb") as file:
                files.append(SourceFile(source.name, hashlib.file_digest(file, "sha256").hexdigest()))
    reading = _Reading(sources, flag, limits, progress)
    store = ox.Store(str(folder / STORE_FOLDER))
    store.bulk_extend(reading.quads())
    if reading.n_read == 0:
        raise GraphLoadError("no triples found", path=", ".join(source.name for source in sources))
    respelled = respellings(reading.pending)
    reading.pending.clear()
    write_respelled(folder, respelled)
    n_triples = sum(1 for _ in store.quads_for_pattern(None, None, None, ox.DefaultGraph()))
    named_graphs = tuple(sorted(str(graph.value) for graph in store.named_graphs()))
    store.flush()

    from kgqa.index.build import build_index
    from kgqa.index.graph_index import DEFAULT_LABEL_PREDICATES

    labels = tuple(DEFAULT_LABEL_PREDICATES if label_predicates is None else label_predicates)
    triples = OxigraphStore(store, respelled, n_triples=n_triples).triples()
    build_index(triples, folder / INDEX_FOLDER, label_predicates=labels)
    write_manifest(folder, Manifest(name, tuple(files), n_triples, named_graphs, labels, _version()))
    progress(reading.n_read)
    skipped = {_REPEATED: reading.n_read - n_triples, _DIRECTION: reading.n_directions}
    return {
        "n_triples": n_triples,
        "skipped": [[reason, count] for reason, count in skipped.items() if count],
        "files": [file.name for file in files],
    }


class _Reading:
    """One pass over all sources, and what it saw."""

    def __init__(
        self, sources: Sequence[Path], flag: str | None, limits: LoadLimits, progress: Callable[[int], None]
    ) -> None:
        self._sources, self._flag, self._limits, self._progress = sources, flag, limits, progress
        self._n_bnodes = 0
        self._bnodes: dict[str, ox.BlankNode] = {}
        self.n_read = 0
        self.n_directions = 0
        self.pending: list[tuple[ox.NamedNode | ox.BlankNode | ox.Triple, ox.NamedNode, ox.Literal]] = []

    def quads(self) -> Iterator[ox.Quad]:
        """Yield every triple into the default graph, and those of a named graph there too."""
        default = ox.DefaultGraph()
        next_report = time.monotonic() + _PROGRESS_S
        for source in self._sources:
            self._bnodes = {}
            for quad in _read(source, self._flag, self._limits):
                subject, predicate, obj, graph = quad.subject, quad.predicate, quad.object, quad.graph_name
                if type(subject) is ox.BlankNode:
                    subject = self._bnode(subject)
                if type(obj) is ox.BlankNode:
                    obj = self._bnode(obj)
                elif type(obj) is ox.Literal:
                    obj = self._literal(obj, source)
                    if may_be_respelled(obj):
                        self.pending.append((subject, predicate, obj))
                elif type(obj) is ox.Triple:
                    raise GraphLoadError("RDF 1.2 triple terms, << ... >>, are not supported", path=source.name)
                if type(graph) is not ox.DefaultGraph:
                    graph = self._bnode(graph) if type(graph) is ox.BlankNode else graph
                    yield ox.Quad(subject, predicate, obj, graph)
                yield ox.Quad(subject, predicate, obj, default)
                self.n_read += 1
                if not self.n_read & 1023 and time.monotonic() > next_report:
                    self._progress(self.n_read)
                    next_report = time.monotonic() + _PROGRESS_S

    def _bnode(self, node: ox.BlankNode) -> ox.BlankNode:
        renamed = self._bnodes.get(node.value)
        if renamed is None:
            renamed = self._bnodes[node.value] = ox.BlankNode(f"b{self._n_bnodes}")
            self._n_bnodes += 1
        return renamed

    def _literal(self, literal: ox.Literal, source: Path) -> ox.Literal:
        n_chars = len(literal.value)
        if n_chars > self._limits.max_literal_chars:
            raise GraphLoadError(f"a literal has {n_chars:,} characters (limit max_literal_chars)", path=source.name)
        if literal.direction is not None:
            self.n_directions += 1
            return ox.Literal(literal.value, language=literal.language)
        return literal


def _read(source: Path, flag: str | None, limits: LoadLimits) -> Iterator[ox.Quad]:
    if (source / MANIFEST_FILE).is_file():
        yield from OxigraphStore.open(source, n_triples=0).quads()
        return
    opened = open_guarded(source, flag=flag, limits=limits)
    with opened.stream as stream:
        try:
            yield from ox.parse(stream, _PARSERS[opened.syntax])
        except SyntaxError as error:
            raise _syntax_error(error, source.name, opened) from error
        except MemoryError as error:
            if "buffer maximal size" in str(error):
                raise GraphLoadError("a single term or statement is longer than 16 MiB", path=source.name) from error
            raise


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


def _bare_message(error: GraphLoadError) -> str:
    """Return the message without its place."""
    place = ":".join(str(part) for part in (error.path, error.line, error.column) if part not in ("", None))
    return str(error).removeprefix(f"{place}: ")


def _version() -> str:
    try:
        return version("kgqa")
    except PackageNotFoundError:
        return "unknown"


def _set_limits(limits: LoadLimits) -> None:
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    allowed = limits.memory_bytes if hard == resource.RLIM_INFINITY else min(limits.memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve the one request on stdin. Exits with 0 whenever it could say what happened."""
    request = json.load(sys.stdin)
    limits = LoadLimits(**request["limits"])
    _set_limits(limits)
    try:
        done = build_folder(
            [Path(path) for path in request["sources"]],
            Path(request["folder"]),
            name=request["name"],
            flag=request["flag"],
            label_predicates=request["label_predicates"],
            limits=limits,
            progress=lambda n: _say({"progress": n}),
        )
    except GraphLoadError as error:
        _say(
            {"error": {"message": _bare_message(error), "path": error.path, "line": error.line, "column": error.column}}
        )
    except MemoryError:
        _say({"out_of_memory": True})
    except OSError as error:
        message = f"cannot write the graph: {error.strerror or error}"
        _say({"error": {"message": message, "path": "", "line": None, "column": None}})
    else:
        _say({"done": done})


if __name__ == "__main__":
    main()

"""The graphs a user has: loaded by name into the data folder, shipped with the package, or just files on disk."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from kgqa.errors import GraphLoadError, UnknownGraphError
from kgqa.protocols import GraphStore
from kgqa.stores.folders import FolderHandle
from kgqa.stores.formats import stem, syntax_from_flag, syntax_from_name
from kgqa.stores.guarded_reading import LoadLimits
from kgqa.stores.loading import LoadReport, add_to_graph, clean_up, load_graph, remove_graph
from kgqa.stores.manifest import FORMAT_VERSION, INDEX_FOLDER, MANIFEST_FILE, Manifest, read_manifest

if TYPE_CHECKING:
    import rdflib

    from kgqa.index.graph_index import GraphIndex

HOME_VARIABLE = "KGQA_HOME"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_N_ATTEMPTS = 5
_PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class LoadedGraph:
    """A graph ready to be asked. `folder` is its graph folder, or a temporary one for a graph that has none."""

    name: str
    store: GraphStore
    index: GraphIndex
    folder: Path

    @classmethod
    def from_rdflib(cls, graph: rdflib.Graph, *, label_predicates: Sequence[str] | None = None) -> LoadedGraph:
        """Return an rdflib graph as it is now, ready to be asked; later changes of it are not seen."""
        from kgqa.index.graph_index import GraphIndex
        from kgqa.stores.rdflib_store import RdflibStore

        store = RdflibStore(graph)
        index = GraphIndex.from_triples(store.triples(), label_predicates=label_predicates)
        folder = Path(tempfile.mkdtemp(prefix="kgqa-"))
        weakref.finalize(store, shutil.rmtree, folder, ignore_errors=True)
        return cls("rdflib", store, index, folder)

    def to_rdflib(self) -> rdflib.Graph:
        """Return a read-only rdflib graph over the same index; literals are as they were written."""
        from kgqa.stores.rdflib_view import view_of

        return view_of(self.index)


def check_name(name: str) -> str:
    """Return `name` if a graph may be called so. Raises ValueError, so that no name leads out of the data folder."""
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise ValueError(
            f"a graph cannot be named {name[:120]!r}; use at most 100 letters, digits, '-', '_' and '.', "
            "the first a letter, digit or '_', the last not a '.'"
        )
    return name


def default_folders() -> tuple[Path, Path]:
    """Return where graphs and built caches lie: under KGQA_HOME where that is set, else the platform's usual places."""
    home = os.environ.get(HOME_VARIABLE)
    if home:
        return Path(home) / "graphs", Path(home) / "cache"
    import platformdirs

    return Path(platformdirs.user_data_dir("kgqa")) / "graphs", Path(platformdirs.user_cache_dir("kgqa"))


def shipped_files() -> dict[str, Path]:
    """Return the graphs that come with the package, or lie beside it in a checkout: name -> file."""
    for folder in (_PACKAGE / "_graphs", _PACKAGE.parent / "graphs"):
        if folder.is_dir():
            files = (path for path in sorted(folder.iterdir()) if path.is_file() and syntax_from_name(path.name))
            return {stem(path.name): path for path in files}
    return {}


class Catalog:
    """A user's graphs under `root`, or under `default_folders()`. Several processes may use one at once."""

    def __init__(self, root: Path | None = None) -> None:
        self.graphs, self.cache = (root / "graphs", root / "cache") if root is not None else default_folders()

    def load(
        self,
        paths: Sequence[Path | str],
        name: str,
        *,
        format: str | None = None,
        label_predicates: Sequence[str] | None = None,
        limits: LoadLimits | None = None,
        progress: Callable[[int], None] | None = None,
        replace: bool = True,
        add: bool = False,
    ) -> LoadReport:
        """Load RDF files, merged, as the graph `name`, and return what was taken in.

        With `add`, the graph's other files stay, and what is returned tells of the whole; see `add_to_graph`.

        All or nothing: on failure the graph of that name is as it was. Arguments are `load_graph`'s. Raises
        GraphLoadError
        (also where the name is taken and `replace` is False), and ValueError for a bad name or format.
        """
        if add:
            if name not in self.names():
                self._unknown(name)
            return add_to_graph(paths, self.graphs / name, format=format, limits=limits, progress=progress)
        return load_graph(
            paths,
            self.graphs / check_name(name),
            format=format,
            label_predicates=label_predicates,
            limits=limits,
            progress=progress,
            if_exists="replace" if replace else "refuse",
        )

    def names(self) -> tuple[str, ...]:
        """Return the names of the loaded graphs, sorted; shipped graphs are `shipped_files()`."""
        if not self.graphs.is_dir():
            return ()
        found = (path.name for path in self.graphs.iterdir() if (path / MANIFEST_FILE).is_file())
        return tuple(sorted(name for name in found if _NAME.fullmatch(name)))

    def info(self, name: str) -> Manifest:
        """Return what the graph `name` holds; a shipped graph is built first. Raises UnknownGraphError."""
        return read_manifest(self._folder_of_name(name) or self._unknown(name))

    def remove(self, name: str) -> None:
        """Remove a loaded graph. Raises UnknownGraphError where there is none of that name, shipped ones included."""
        if name not in self.names():
            self._unknown(name)
        remove_graph(self.graphs / name)

    def open(
        self,
        names_or_files: Sequence[str],
        *,
        format: str | None = None,
        label_predicates: Sequence[str] | None = None,
        limits: LoadLimits | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> LoadedGraph:
        """Return the graph that the items name, merged where there are several.

        An item is the name of a loaded graph, of a shipped one, or a file. What is not loaded yet is built once into
        the
        cache folder, keyed by content; the keyword arguments matter then only. Raises UnknownGraphError,
        GraphLoadError.
        """
        if not names_or_files:
            raise ValueError("no graph was named")
        items = [str(item) for item in names_or_files]
        names = [item if self._is_name(item) else stem(Path(item).name) for item in items]
        if len(items) == 1 and (found := self._loaded_folder(items[0])):
            folder = found
        else:
            sources = [self._loaded_folder(item) or shipped_files().get(item) or _file(item) for item in items]
            if any(source is None for source in sources):
                self._unknown(items[sources.index(None)])
            known = [source for source in sources if source is not None]
            folder = self._cached(known, "+".join(names), format, label_predicates, limits, progress)
        return open_folder(folder, "+".join(names))

    def _is_name(self, item: str) -> bool:
        return self._loaded_folder(item) is not None or item in shipped_files()

    def _loaded_folder(self, name: str) -> Path | None:
        if not _NAME.fullmatch(name):
            return None
        folder = self.graphs / name
        if not (folder / MANIFEST_FILE).is_file():
            clean_up(self.graphs)  # another process may be between the two renames of a replacement, or died there
        return folder if (folder / MANIFEST_FILE).is_file() else None

    def _folder_of_name(self, name: str) -> Path | None:
        shipped = shipped_files().get(name)
        return self._loaded_folder(name) or (self._cached([shipped], name) if shipped else None)

    def _cached(
        self,
        sources: Sequence[Path],
        name: str,
        format: str | None = None,
        label_predicates: Sequence[str] | None = None,
        limits: LoadLimits | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Path:
        from kgqa.index.graph_index import FORMAT_VERSION as INDEX_VERSION

        syntax = syntax_from_flag(format) if format is not None else None
        key = hashlib.sha256(repr((FORMAT_VERSION, INDEX_VERSION, syntax, label_predicates)).encode())
        for source in sources:
            key.update(_content_key(source))
        readable = re.sub(r"[^A-Za-z0-9._+-]", "_", name)[:60]
        folder = self.cache / f"{readable}-{key.hexdigest()[:24]}"
        if not (folder / MANIFEST_FILE).is_file():
            load_graph(
                sources,
                folder,
                name=name,
                format=format,
                label_predicates=label_predicates,
                limits=limits,
                progress=progress,
                if_exists="keep",
            )
        return folder

    def _unknown(self, name: str) -> NoReturn:
        known = sorted({*self.names(), *shipped_files()})
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else f"; there are: {', '.join(known) or 'none yet'}"
        raise UnknownGraphError(f"no graph or file named {name[:200]!r}{hint}")


def _file(item: str) -> Path | None:
    try:
        path = Path(item)
        return path if path.is_file() else None
    except (OSError, ValueError):
        return None


def _content_key(source: Path) -> bytes:
    """Return a digest of a file's bytes and syntax, or of a graph folder's manifest and place in time."""
    if source.is_dir():
        manifest = source / MANIFEST_FILE
        return hashlib.sha256(manifest.read_bytes() + str(manifest.stat().st_mtime_ns).encode()).digest()
    try:
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    except OSError as error:
        raise GraphLoadError(f"cannot be read: {error.strerror or error}", path=source.name) from error
    digest.update(f"{syntax_from_name(source.name, loose=True)} {source.name}".encode("utf-8", "surrogateescape"))
    return digest.digest()


GraphSource: TypeAlias = "str | Sequence[str] | LoadedGraph | rdflib.Graph"
"""Whatever can be asked: names and files, or a graph that the caller holds."""


def open_graph(graph: GraphSource) -> LoadedGraph:
    """Return the graph that names and files stand for, or that an rdflib graph holds. Raises KGQAError."""
    if isinstance(graph, LoadedGraph):
        return graph
    if isinstance(graph, str):
        return Catalog().open([graph])
    if isinstance(graph, Sequence):
        return Catalog().open(graph)
    return LoadedGraph.from_rdflib(graph)


def open_folder(folder: Path, name: str) -> LoadedGraph:
    """Return the graph of a graph folder. Raises GraphLoadError.

    All its parts are opened through one handle, so that they belong together whoever replaces the folder meanwhile.
    """
    for attempt in range(_N_ATTEMPTS):
        try:
            return _open_parts(folder, name)
        except GraphLoadError:
            if attempt == _N_ATTEMPTS - 1 or ((folder / MANIFEST_FILE).is_file() and attempt):
                raise
            clean_up(folder.parent)  # it may have been replaced at this very moment
    raise AssertionError("unreachable")


def _open_parts(folder: Path, name: str) -> LoadedGraph:
    from kgqa.index.graph_index import GraphIndex
    from kgqa.stores.oxigraph import OxigraphStore

    try:
        handle = FolderHandle(folder)
        manifest = read_manifest(handle.path, name=folder.name)
        index = GraphIndex.open(handle.path / INDEX_FOLDER)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GraphLoadError(f"the index cannot be opened ({error}); load the graph again", path=name) from error
    store = OxigraphStore.open(folder, n_triples=manifest.n_triples, handle=handle)
    return LoadedGraph(name, store, index, folder)

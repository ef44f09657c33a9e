"""The child process of a load: reads a request from stdin, builds a graph folder, and reports in JSON lines on stdout.

Run by `kgqa.stores.loading` only. A parser that dies of what it is fed dies here, under limits, and takes nothing
along.
Lines are {"progress": n}, and at the end {"done": {...}} or {"error": {...}}.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pyoxigraph as ox

from kgqa.errors import GraphLoadError
from kgqa.index.arrays import Array, Ids, distinct, places_of_rows
from kgqa.index.build import write_index
from kgqa.index.graph_index import GraphIndex
from kgqa.index.terms import split_literal
from kgqa.stores.folders import IN_USE_FILE
from kgqa.stores.guarded_reading import LoadLimits
from kgqa.stores.manifest import INDEX_FOLDER, MANIFEST_FILE, Manifest, write_manifest
from kgqa.stores.oxigraph import RESPELLED_FILE, STORE_FOLDER, canonical_literals, may_be_respelled
from kgqa.stores.triple_reading import FileRows, StoreWriter, TripleReading

_REPEATED = "repeated triple"
_DIRECTION = "text direction of a literal"
_CANONICAL_BATCH = 50_000


def build_folder(
    sources: Sequence[Path],
    folder: Path,
    *,
    name: str,
    flag: str | None,
    label_predicates: Sequence[str] | None,
    limits: LoadLimits,
    progress: Callable[[int], None],
    replaced_files: Sequence[str] = (),
) -> dict[str, object]:
    """Build a graph folder from files, and from other graph folders, and return the report's numbers.

    Of graph folders the files named in `replaced_files` are left out. `folder` exists and is empty. The index is made
    while pyoxigraph goes on filling the store. Raises GraphLoadError, and leaves `folder` half built then.
    """
    store = ox.Store(str(folder / STORE_FOLDER))
    with StoreWriter(store) as writer:
        reading = TripleReading(writer, limits, progress)
        for source in sources:
            if (source / MANIFEST_FILE).is_file():
                reading.read_folder(source, without=replaced_files)
            else:
                reading.read_file(source, flag=flag)
        writer.finish()
        if reading.n_read == 0:
            raise GraphLoadError("no triples found", path=", ".join(source.name for source in sources))
        keys, rows = list(reading.buffer.ids), reading.buffer.rows()
        del reading.buffer  # as large again as keys and rows
        respelled = respelled_literals(keys)
        keys, rows = with_one_spelling(keys, rows, respelled)
        write_respelled(folder / RESPELLED_FILE, keys, rows, respelled)
        index, ids = GraphIndex.from_rows(keys, rows, label_predicates=label_predicates)
        write_index(index, folder / INDEX_FOLDER, more=file_arrays(index, ids[rows], reading.files))
        (folder / IN_USE_FILE).touch()
    store.flush()
    n_triples = index.n_triples
    named_graphs = tuple(sorted(graph.strip("<>").removeprefix("_:") for graph in reading.named_graphs))
    files = tuple(found.file for found in reading.files)
    write_manifest(folder, Manifest(name, files, n_triples, named_graphs, index.label_predicates, _version()))
    progress(reading.n_read)
    skipped = {_REPEATED: reading.n_read - n_triples, _DIRECTION: reading.n_directions}
    return {
        "n_triples": n_triples,
        "skipped": [[reason, count] for reason, count in skipped.items() if count],
        "files": [file.name for file in files],
    }


def file_arrays(index: GraphIndex, triples: Ids, files: Sequence[FileRows]) -> dict[str, Array]:
    """Return where the triples of each of several files are in the index, as arrays `file_*`; nothing for one file.

    `triples` are in the order in which they were read, as ids of terms. Shape: (n, 3).
    """
    if len(files) < 2:
        return {}
    predicates = np.searchsorted(index.pred_terms, triples[:, 1]).astype(np.int32)
    subjects = np.repeat(np.arange(index.n_terms, dtype=np.int32), np.diff(index.out_start))
    place = places_of_rows(
        (subjects, index.out_p, index.out_o),
        (triples[:, 0], predicates, triples[:, 2]),
        (index.n_terms, index.n_predicates, index.n_terms),
    )
    rows = [distinct(place[found.places]) for found in files]
    return {"file_start": np.cumsum([0, *map(len, rows)], dtype=np.int64), "file_row": np.concatenate(rows)}


def respelled_literals(keys: Sequence[str]) -> dict[str, str]:
    """Return the literals among `keys`, in N-Triples syntax, that the store respells -> what it makes of them."""
    respelled: dict[str, str] = {}
    doubtful: dict[ox.Literal, str] = {}
    for place, key in enumerate(keys):
        if key[0] == '"' and key[-1] == ">":
            text, datatype, _ = split_literal(key)
            if datatype and may_be_respelled(text, datatype):
                doubtful[ox.Literal(text, datatype=ox.NamedNode(datatype))] = key
        if doubtful and (len(doubtful) == _CANONICAL_BATCH or place == len(keys) - 1):
            for literal, canonical in canonical_literals(doubtful).items():
                if canonical != literal:
                    respelled[doubtful[literal]] = str(canonical)
            doubtful.clear()
    return respelled


def with_one_spelling(keys: list[str], rows: Ids, respelled: dict[str, str]) -> tuple[list[str], Ids]:
    """Return keys and rows in which a value that one subject and predicate have in several spellings has the first.

    The store knows values only: what is one triple there is one triple here. Spellings that are left over are dropped.
    """
    if not respelled:
        return keys, rows
    place_of = {key: place for place, key in enumerate(keys)}
    value_of = np.arange(len(keys), dtype=np.int64)
    for written, canonical in respelled.items():
        value_of[place_of[written]] = place_of.setdefault(canonical, len(place_of))
    shared = np.bincount(value_of, minlength=len(place_of)) > 1
    places = np.flatnonzero(shared[value_of[rows[:, 2]]])
    triples = np.column_stack((rows[places, 0], rows[places, 1], value_of[rows[places, 2]]))
    _, first, group = np.unique(triples, axis=0, return_index=True, return_inverse=True)
    objects = rows[places[first[group.ravel()]], 2]
    if np.array_equal(objects, rows[places, 2]):
        return keys, rows
    rows = rows.copy()
    rows[places, 2] = objects
    used = np.zeros(len(keys), np.bool_)
    used[rows.ravel()] = True
    new_place = np.cumsum(used, dtype=np.int32) - 1
    return [key for key, kept in zip(keys, used.tolist(), strict=True) if kept], new_place[rows]


def write_respelled(path: Path, keys: Sequence[str], rows: Ids, respelled: dict[str, str]) -> None:
    """Write the triples whose literal the store respells, as they were written; no file where there are none."""
    is_respelled = np.fromiter((key in respelled for key in keys), np.bool_, len(keys))
    found = np.unique(rows[is_respelled[rows[:, 2]]], axis=0)
    if len(found):
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for s, p, o in found.tolist():
                file.write(f"{keys[s]} {keys[p]} {keys[o]} .\n")


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
    gc.disable()  # nothing here has cycles, and millions of objects are made
    try:
        done = build_folder(
            [Path(path) for path in request["sources"]],
            Path(request["folder"]),
            name=request["name"],
            flag=request["flag"],
            label_predicates=request["label_predicates"],
            replaced_files=request["replaced_files"],
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
    os._exit(0)  # the thread that fills the store may be in the middle of it, and nothing of it is needed


if __name__ == "__main__":
    main()

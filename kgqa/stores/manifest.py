"""What a graph folder holds, written beside its store and index as `manifest.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from kgqa.errors import GraphLoadError

MANIFEST_FILE = "manifest.json"
INDEX_FOLDER = "index"
FORMAT_VERSION = 2


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that a graph was built from; `sha256` is of the bytes as they lay on disk."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was loaded, from what, by which version. `n_triples` counts distinct triples over all named graphs."""

    name: str
    files: tuple[SourceFile, ...]
    n_triples: int
    named_graphs: tuple[str, ...]
    label_predicates: tuple[str, ...]
    kgqa_version: str
    format_version: int = FORMAT_VERSION


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a graph folder."""
    (folder / MANIFEST_FILE).write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")


def read_manifest(folder: Path, *, name: str = "") -> Manifest:
    """Return the manifest of a graph folder. Raises GraphLoadError where there is none that this version can read.

    Errors call the folder `name`, where that is another than its own.
    """
    name = name or folder.name
    try:
        found = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        version = found["format_version"]
        if version != FORMAT_VERSION:
            raise GraphLoadError(f"built in graph format {version}, not {FORMAT_VERSION}; load it again", path=name)
        return Manifest(
            name=str(found["name"]),
            files=tuple(SourceFile(str(file["name"]), str(file["sha256"])) for file in found["files"]),
            n_triples=int(found["n_triples"]),
            named_graphs=tuple(str(graph) for graph in found["named_graphs"]),
            label_predicates=tuple(str(predicate) for predicate in found["label_predicates"]),
            kgqa_version=str(found["kgqa_version"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GraphLoadError(f"not a graph folder ({error}); load the graph again", path=name) from error

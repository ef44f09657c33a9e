"""From the files a user brings to a graph folder: parsed in a child process under limits, and all or nothing.

The folder is built beside its place and renamed into it, so that readers see the old graph or the new one.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal, TypedDict

from kgqa.errors import GraphLoadError
from kgqa.index.vocabularies import DEFAULT_LABEL_PREDICATES
from kgqa.stores.child_processes import child_environment
from kgqa.stores.folders import remove_unused
from kgqa.stores.formats import syntax_from_flag
from kgqa.stores.guarded_reading import LoadLimits
from kgqa.stores.manifest import MANIFEST_FILE, read_manifest

IfExists = Literal["replace", "refuse", "keep"]
_BUILDING = re.compile(r"\.building-(?P<name>.+)-[0-9a-f]{12}")
_REPLACED = re.compile(r"\.replaced-(?P<name>.+)-[0-9a-f]{12}")


class _Request(TypedDict):
    sources: list[str]
    folder: str
    name: str
    flag: str | None
    label_predicates: list[str] | None
    replaced_files: list[str]
    limits: dict[str, float]


class _Done(TypedDict):
    n_triples: int
    skipped: list[tuple[str, int]]
    files: list[str]


class _Line(TypedDict, total=False):
    """One line of the worker's: how far it is, what it built, what was wrong, or that memory ran out."""

    progress: int
    done: _Done
    error: _Failure
    out_of_memory: bool


class _Failure(TypedDict):
    message: str
    path: str
    line: int | None
    column: int | None


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load took in. `skipped` gives each reason with its count, `n_skipped` is their sum."""

    n_triples: int
    n_skipped: int
    skipped: tuple[tuple[str, int], ...]
    files: tuple[str, ...]
    seconds: float


def load_graph(
    sources: Sequence[Path | str],
    folder: Path,
    *,
    name: str | None = None,
    format: str | None = None,
    label_predicates: Sequence[str] | None = None,
    limits: LoadLimits | None = None,
    progress: Callable[[int], None] | None = None,
    if_exists: IfExists = "replace",
) -> LoadReport:
    """Build a graph folder at `folder` from RDF files, and from graph folders, merged, and return what was taken in.

    `format` names the syntax of every file, else each tells its own; `label_predicates` default to the index's.
    `progress` is called with the triples read so far, about ten times a second. On any failure `folder` is as it was.
    With `if_exists="keep"`, a folder that appeared meanwhile is kept instead. Raises GraphLoadError; ValueError for an
    unknown format or no source.
    """
    if not sources:
        raise ValueError("no file to load was named")
    if if_exists == "refuse" and folder.exists():
        raise GraphLoadError(f"there is already a graph named {folder.name}", path=folder.name)
    return _load(
        sources,
        folder,
        name=name,
        format=format,
        label_predicates=label_predicates,
        limits=limits,
        progress=progress,
        if_exists=if_exists,
    )


def add_to_graph(
    sources: Sequence[Path | str],
    folder: Path,
    *,
    format: str | None = None,
    limits: LoadLimits | None = None,
    progress: Callable[[int], None] | None = None,
) -> LoadReport:
    """Add files to the graph folder at `folder`, in place of files of the same names, and return what it now holds.

    The triples of a replaced file go unless another file states them too; a named graph keeps those that are left in
    the whole. Additions to one folder wait for one another. Arguments and errors are those of `load_graph`.
    """
    if not sources:
        raise ValueError("no file to load was named")
    if not (folder / MANIFEST_FILE).is_file():
        clean_up(folder.parent)
    with _exclusive(folder.parent, f".adding-{folder.name}.lock"):
        manifest = read_manifest(folder)
        labels = manifest.label_predicates
        usual = labels[: len(DEFAULT_LABEL_PREDICATES)] == DEFAULT_LABEL_PREDICATES
        return _load(
            [folder, *sources],
            folder,
            name=manifest.name,
            format=format,
            label_predicates=None if usual else labels,
            limits=limits,
            progress=progress,
            if_exists="replace",
            replaced_files=[Path(source).name for source in sources],
        )


def _load(
    sources: Sequence[Path | str],
    folder: Path,
    *,
    name: str | None,
    format: str | None,
    label_predicates: Sequence[str] | None,
    limits: LoadLimits | None,
    progress: Callable[[int], None] | None,
    if_exists: IfExists,
    replaced_files: Sequence[str] = (),
) -> LoadReport:
    started = time.monotonic()
    limits = limits or LoadLimits()
    if format is not None:
        format = syntax_from_flag(format)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _building_place(folder) as place:
            done = _run_worker(
                {
                    "sources": [str(Path(source).absolute()) for source in sources],
                    "folder": str(place),
                    "name": name or folder.name,
                    "flag": format,
                    "label_predicates": None if label_predicates is None else list(label_predicates),
                    "replaced_files": list(replaced_files),
                    "limits": asdict(limits),
                },
                limits,
                progress,
            )
            _put_in_place(place, folder, if_exists=if_exists)
    except OSError as error:
        raise GraphLoadError(f"cannot write the graph: {error.strerror or error}", path=folder.name) from error
    return LoadReport(
        n_triples=done["n_triples"],
        n_skipped=sum(count for _, count in done["skipped"]),
        skipped=tuple((reason, count) for reason, count in done["skipped"]),
        files=tuple(done["files"]),
        seconds=time.monotonic() - started,
    )


def remove_graph(folder: Path) -> None:
    """Remove a graph folder in one step: no reader sees half of it."""
    with _exclusive(folder.parent):
        gone = folder.with_name(f".replaced-{folder.name}-{secrets.token_hex(6)}")
        os.rename(folder, gone)
        # Without its manifest it is never taken for the good half of an interrupted replacement.
        (gone / MANIFEST_FILE).unlink(missing_ok=True)
    remove_unused(gone)


def clean_up(parent: Path) -> None:
    """Remove what crashed loads left in `parent`, and restore a graph whose replacement was interrupted."""
    if not parent.is_dir():
        return
    with _exclusive(parent):
        for left in list(parent.iterdir()):
            if not left.is_dir():
                continue
            if _BUILDING.fullmatch(left.name):
                lock = left.with_name(left.name + ".lock")
                with suppress(BlockingIOError), lock.open("a") as file:
                    _lock(file, wait=False)
                    shutil.rmtree(left, ignore_errors=True)
                    lock.unlink(missing_ok=True)
            elif found := _REPLACED.fullmatch(left.name):
                target = parent / found["name"]
                if not target.exists() and (left / MANIFEST_FILE).is_file():
                    os.rename(left, target)
                else:
                    remove_unused(left)


@contextmanager
def _building_place(folder: Path) -> Iterator[Path]:
    """Give an empty folder beside `folder`, locked for as long as it is in use, and gone afterwards."""
    clean_up(folder.parent)
    place = folder.with_name(f".building-{folder.name}-{secrets.token_hex(6)}")
    lock = place.with_name(place.name + ".lock")
    file: IO[str] | None = None
    try:
        with _exclusive(folder.parent):
            file = lock.open("a")
            _lock(file, wait=False)
            place.mkdir()
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        lock.unlink(missing_ok=True)
        if file is not None:
            file.close()


def _put_in_place(place: Path, folder: Path, *, if_exists: IfExists) -> None:
    gone = folder.with_name(f".replaced-{folder.name}-{secrets.token_hex(6)}")
    with _exclusive(folder.parent):
        if folder.exists():
            if if_exists == "keep":
                return
            if if_exists == "refuse":
                raise GraphLoadError(f"there is already a graph named {folder.name}", path=folder.name)
            os.rename(folder, gone)
        try:
            os.rename(place, folder)
        except OSError:
            if gone.exists():
                os.rename(gone, folder)
            raise
    remove_unused(gone)


@contextmanager
def _exclusive(parent: Path, name: str = ".lock") -> Iterator[None]:
    """Keep other processes from what the lock file is for: `.lock`, held for moments only, from renaming."""
    with (parent / name).open("a") as file:
        _lock(file, wait=True)
        yield


def _lock(file: IO[str], *, wait: bool) -> None:
    """Lock an open file until it is closed. Raises BlockingIOError where it is locked and `wait` is False."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from error
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def _run_worker(request: _Request, limits: LoadLimits, progress: Callable[[int], None] | None) -> _Done:
    last: _Line = {}
    timed_out = threading.Event()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        worker = subprocess.Popen(
            [sys.executable, "-m", "kgqa.stores.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            encoding="utf-8",
            env=child_environment(),
        )

        def stop() -> None:
            timed_out.set()
            worker.kill()

        timer = threading.Timer(limits.timeout_s, stop)
        timer.start()
        try:
            assert worker.stdin is not None and worker.stdout is not None
            with suppress(BrokenPipeError):
                worker.stdin.write(json.dumps(request))
                worker.stdin.close()
            for line in worker.stdout:
                last = json.loads(line)
                if progress is not None and "progress" in last:
                    progress(last["progress"])
            worker.wait()
        finally:
            timer.cancel()
            worker.kill()
            worker.wait()
            if worker.stdout is not None:
                worker.stdout.close()
        complaints.seek(0)
        traceback = complaints.read()[-4000:]
    if "done" in last:
        return last["done"]
    if "error" in last:
        raise GraphLoadError(**last["error"])
    names = ", ".join(Path(source).name for source in request["sources"])
    gib = limits.memory_bytes / (1 << 30)
    if last.get("out_of_memory"):
        raise GraphLoadError(f"needs more memory than {gib:.1f} GiB (limit memory_bytes)", path=names)
    if timed_out.is_set():
        raise GraphLoadError(f"took longer than {limits.timeout_s:g} s (limit timeout_s)", path=names)
    if worker.returncode < 0:
        raise GraphLoadError(
            f"the parser died of this file: it is nested too deeply, or needs more than {gib:.1f} GiB", path=names
        )
    reason = traceback.strip().splitlines()[-1] if traceback.strip() else f"exit status {worker.returncode}"
    raise GraphLoadError(f"loading failed: {reason}", path=names) from RuntimeError(traceback)

"""The folder of a run: what was asked for, what was said to each question, and the scores.

`run.json` is the run card, `predictions.jsonl` has a line a question in order, `summary.json` the scores;
`predictions.qald.json` has the answers for GERBIL. Lines are appended as they come, so that a run which was interrupted
goes on after its last whole line, with the same summary in the end as one that was not.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from kgqa.errors import DatasetError
from kgqa.evaluation.outcomes import Outcome

CARD, PREDICTIONS, SUMMARY, QALD = "run.json", "predictions.jsonl", "summary.json", "predictions.qald.json"
LIBRARIES = ("numpy", "onnxruntime", "pyoxigraph", "rdflib", "spacy", "tokenizers")
# What may differ between the two halves of a run: how it was started, and where.
_FREE = frozenset(("command", "machine", "status", "timing", "versions", "n_threads", "n_processes", "engine"))


@dataclass(frozen=True)
class RunFolder:
    """A run's folder, opened. `n_done` is the number of its first examples that have a prediction already."""

    path: Path
    card: dict[str, object]
    n_done: int

    @classmethod
    def open(cls, path: Path, card: Mapping[str, object], *, restart: bool = False) -> RunFolder:
        """Make the folder, or go on with the run in it. With `restart` what is in it is begun anew.

        Raises DatasetError where the folder holds something else, or a run with other settings, data or code.
        """
        if (path / CARD).is_file() and not restart:
            told = read_card(path)
            differing = sorted(
                key for key in {*card, *told} - _FREE if json.dumps(card.get(key)) != json.dumps(told.get(key))
            )
            if differing:
                raise DatasetError(
                    f"{path} holds a run with another {differing[0].replace('_', ' ')}; "
                    "name another folder, or begin anew with --restart"
                )
        elif path.exists() and not path.is_dir():
            raise DatasetError(f"{path} is a file; a run needs a folder")
        elif path.is_dir() and any(path.iterdir()) and not (path / CARD).is_file():
            raise DatasetError(f"{path} holds other files; name a new folder for the run")
        try:
            path.mkdir(parents=True, exist_ok=True)
            if restart:
                for name in (PREDICTIONS, SUMMARY, QALD):
                    (path / name).unlink(missing_ok=True)
            n_done = _mend(path / PREDICTIONS)
            folder = cls(path, {**card, "status": "running"}, n_done)
            folder._write_json(CARD, folder.card)
        except OSError as error:
            raise DatasetError(f"{path}: cannot be written: {error.strerror or error}") from error
        return folder

    def append(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """Write outcomes as they come, and yield each when it is written."""
        with (self.path / PREDICTIONS).open("a", encoding="utf-8", newline="\n") as file:
            for outcome in outcomes:
                file.write(json.dumps(outcome.to_dict(), ensure_ascii=False) + "\n")
                file.flush()
                yield outcome

    def finish(self, summary: Mapping[str, object], qald: Mapping[str, object], timing: Mapping[str, object]) -> None:
        """Write the scores and the QALD file, and mark the run as complete."""
        self._write_json(SUMMARY, summary)
        self._write_json(QALD, qald)
        self._write_json(CARD, {**self.card, "status": "complete", "timing": dict(timing)})

    def _write_json(self, name: str, value: Mapping[str, object]) -> None:
        with written_whole(self.path / name) as file:
            file.write(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_card(path: Path) -> dict[str, object]:
    """Return the card of the run in a folder. Raises DatasetError."""
    try:
        found = json.loads((path / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} holds no run of `kgqa evaluate`: {CARD} cannot be read") from error
    if not isinstance(found, dict):
        raise DatasetError(f"{path}: {CARD} is no JSON object")
    return found


def read_outcomes(path: Path) -> tuple[Outcome, ...]:
    """Return the outcomes in a run's folder. Raises DatasetError, with the line that is wrong."""
    file, found = path / PREDICTIONS, []
    for number, row in enumerate(_rows(file), start=1):
        try:
            found.append(Outcome.from_dict(row))
        except (ValueError, TypeError, AttributeError) as error:
            raise DatasetError(f"{file}: line {number}: {error}") from error
    return tuple(found)


def provenance(command: Sequence[str], files: Mapping[str, Path]) -> dict[str, object]:
    """Return what is needed to repeat a run: command, code, data, versions and machine. `files` are checksummed."""
    commit, changed = _commit()
    return {
        "command": list(command),
        "kgqa_version": _version("kgqa"),
        "commit": commit,
        "uncommitted_changes": changed,
        "sha256": {name: sha256(path) for name, path in files.items()},
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}},
        "machine": {
            "system": platform.platform(),
            "processor": _processor(),
            "n_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        },
    }


def sha256(path: Path) -> str:
    """Return the checksum of a file, or of a folder's files in the order of their names. Raises DatasetError."""
    digest = hashlib.sha256()
    try:
        for file in sorted(path.rglob("*")) if path.is_dir() else (path,):
            if file.is_file():
                if path.is_dir():
                    digest.update(f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\0".encode())
                with file.open("rb") as opened:
                    while block := opened.read(1 << 20):
                        digest.update(block)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}") from error
    return digest.hexdigest()


@contextmanager
def written_whole(path: Path) -> Iterator[IO[str]]:
    """Yield a file that appears at `path` only when all went well. Raises DatasetError where it cannot be written."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(6)}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        os.replace(partial, path)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _mend(path: Path) -> int:
    """Cut off a last line that is not whole, and return how many lines there are."""
    if not path.is_file():
        return 0
    with path.open("rb+") as file:
        n, end = 0, 0
        for line in file:
            if not line.endswith(b"\n"):
                break
            n, end = n + 1, end + len(line)
        file.truncate(end)
    return n


def _rows(path: Path) -> Iterator[Mapping[str, object]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise DatasetError(f"{path}: line {number} is no JSON object")
                yield row
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error


def _commit() -> tuple[str | None, bool | None]:
    """Return the commit of the checkout that this code is in, and whether it has changes; None outside of one."""
    folder = Path(__file__).resolve().parent.parent.parent
    git = ["git", "-C", str(folder)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None, None
    return commit.stdout.strip(), bool(changed.stdout.strip())


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")

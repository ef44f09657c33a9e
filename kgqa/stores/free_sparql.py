"""SPARQL that users write, run read-only in a child process under limits.

The child is kept between queries. One that meets its deadline, or dies of its query, is replaced at the next one.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from kgqa.errors import QueryError
from kgqa.stores.child_processes import child_environment
from kgqa.stores.sparql_results import QueryResult, result_from_json

_START_S = 30.0
_LAST_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class SparqlLimits:
    """What one query may take. `max_bytes` counts the text of the result.

    `memory_bytes` is address space beyond what the child has taken once the graph is open.
    """

    timeout_s: float = 8.0
    max_rows: int = 10_000
    max_bytes: int = 16 << 20
    memory_bytes: int = 1 << 30

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected a positive number")


class SparqlWorker:
    """Runs free SPARQL over one graph folder; several threads may share it, and wait for each other.

    Without a folder it only checks queries. Close it, or use it in a `with` block, to end the child process early.
    """

    def __init__(self, folder: Path | None, limits: SparqlLimits | None = None) -> None:
        self.folder, self.limits = folder, limits or SparqlLimits()
        self.network_denied = False
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def __enter__(self) -> SparqlWorker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, query: str) -> QueryResult:
        """Return the result of a query. Raises QueryError with one line if it is refused, fails or meets a limit."""
        return result_from_json(self._ask(query)["result"])

    def check(self, query: str) -> tuple[str, str]:
        """Return the text to send to an engine in place of `query`, and its kind. For a worker without a folder.

        Raises QueryError if it does more than read.
        """
        answer = self._ask(query)
        return str(answer["checked"]), str(answer["kind"])

    def close(self) -> None:
        """End the child process. The next query starts another."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _ask(self, query: str) -> dict[str, object]:
        if not self._lock.acquire(timeout=2 * self.limits.timeout_s):
            raise QueryError("other queries are still running; try again in a moment")
        try:
            if self._child is None:
                self._start()
            assert self._child is not None
            answer = self._child.ask({"query": query}, self.limits.timeout_s)
        except _Gone as gone:
            self.close()
            raise QueryError(self._reason(gone)) from gone
        finally:
            self._lock.release()
        if "error" in answer:
            raise QueryError(str(answer["error"]))
        return answer

    def _start(self) -> None:
        folder = None if self.folder is None else str(self.folder)
        self._child = child = _Child()
        try:
            ready = child.ask({"folder": folder, "limits": asdict(self.limits)}, _START_S)
        except _Gone as gone:  # no query ran yet: none is to blame
            self.close()
            raise QueryError(f"the process that runs queries did not start ({gone.cause})") from gone
        if "error" in ready:
            self.close()
            raise QueryError(str(ready["error"]))
        self.network_denied = bool(ready["network_denied"])

    def _reason(self, gone: _Gone) -> str:
        if gone.late:
            return f"the query was stopped after {self.limits.timeout_s:g} s"
        if "overflowed its stack" in gone.words or gone.code == -signal.SIGSEGV:
            return "the query is nested too deeply"
        if gone.code in (-signal.SIGABRT, -signal.SIGKILL):
            return f"the query needs more memory than is allowed ({self.limits.memory_bytes >> 20:,} MiB)"
        return "the query ended the process that ran it; simplify it"


class _Gone(Exception):
    """The child met the deadline (`late`), or died, with the last words it wrote to standard error."""

    def __init__(self, *, late: bool = False, code: int | None = None, words: str = "") -> None:
        super().__init__(f"late: {late}, exit status: {code}, {words}")
        self.late, self.code, self.words = late, code, words

    @property
    def cause(self) -> str:
        """What is known of the end, in one line."""
        if self.late:
            return f"no sign of it in {_START_S:g} s"
        last = self.words.strip().splitlines()[-1:]
        return "; ".join([f"exit status {self.code}", *(line[:200] for line in last)])


class _Child:
    """One child process: a line goes in, a line comes out."""

    def __init__(self) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kgqa.stores.sparql_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=child_environment(),
        )
        self._end = weakref.finalize(self, _end, self._process, self._errors)

    def kill(self) -> None:
        self._end()

    def ask(self, request: dict[str, object], timeout_s: float) -> dict[str, object]:
        """Return the child's answer. Raises _Gone; the child is of no use then."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        deadline = time.monotonic() + timeout_s
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        except OSError as error:
            raise self._died() from error
        parts: list[bytes] = []
        while not parts or not parts[-1].endswith(b"\n"):
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not select.select([process.stdout], [], [], remaining)[0]:
                raise _Gone(late=True)
            part = os.read(process.stdout.fileno(), 1 << 20)
            if not part:
                raise self._died()
            parts.append(part)
        answer: dict[str, object] = json.loads(b"".join(parts))
        return answer

    def _died(self) -> _Gone:
        code = self._process.wait(timeout=10)
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - _LAST_BYTES))
        return _Gone(code=code, words=self._errors.read().decode("utf-8", "replace"))


def _end(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, errors):
        if stream is not None:
            try:
                stream.close()
            except OSError:
                continue

"""The child process of free SPARQL: checks each query, runs it on one graph, and reports in JSON lines on stdout.

Run by `kgqa.stores.free_sparql` only. A query that exhausts time, memory or the stack of either parser ends this
process, and no other. A query is a line {"query": text}; the answer is one line, {"result": ...} or {"error": text}.
Without a graph folder, queries are checked and not run: the answer is {"checked": text, "kind": ...}.
"""

from __future__ import annotations

import ctypes
import json
import platform
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from kgqa.datatypes import Term
from kgqa.errors import QueryError
from kgqa.protocols import Row
from kgqa.stores.sparql_guard import check_query
from kgqa.stores.sparql_results import TRIPLE_VARIABLES, QueryResult, result_to_json

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 22, 38, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _DENY = 0x7FFF0000, 0x00050001  # the second makes the call fail with EPERM
# The machine's audit number, and the calls that lead to a network: socket, connect, io_uring_setup.
_MACHINES = {"x86_64": (0xC000003E, (41, 42, 425)), "aarch64": (0xC00000B7, (198, 203, 425))}


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def deny_network() -> bool:
    """Make this process unable to open sockets, for good, and return whether that could be done (Linux only).

    The second wall behind the check of the parsed query: should the engine's parser ever read a query differently,
    its SERVICE still reaches no one. By seccomp; see "Seccomp BPF" in the kernel's documentation.
    """
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        return False
    architecture, calls = machine
    n = len(calls)
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 0, n + 3, architecture), (_LOAD, 0, 0, 0), (_AT_LEAST, n + 1, 0, 0x40000000)]
    steps += [(_EQUAL, n - place, 0, call) for place, call in enumerate(calls)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _DENY)]
    filled = (_Instruction * len(steps))(*(_Instruction(*step) for step in steps))
    program = _Program(len(steps), filled)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            return False
        return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def run_query(store: Any, text: str, *, max_rows: int, max_bytes: int) -> QueryResult:
    """Return what an Oxigraph store answers, cut after `max_rows` rows or `max_bytes` of text. Raises QueryError.

    Give it only the text of a checked query. Literals come in Oxigraph's spelling.
    """
    import pyoxigraph as ox

    from kgqa.stores.oxigraph import from_oxigraph

    try:
        found = store.query(text)
        if isinstance(found, ox.QueryBoolean):
            return QueryResult(truth=bool(found))
        names: tuple[str, ...] = TRIPLE_VARIABLES
        if isinstance(found, ox.QuerySolutions):
            names = tuple(variable.value for variable in found.variables)
        rows: list[Row] = []
        n_bytes = 0
        for solution in found:
            row: tuple[Term | None, ...] = tuple(None if t is None else from_oxigraph(t) for t in solution)
            n_bytes += sum(len(term.value) for term in row if term is not None)
            if len(rows) == max_rows or n_bytes > max_bytes:
                return QueryResult(names, tuple(rows), truncated=True)
            rows.append(row)
        return QueryResult(names, tuple(rows))
    except (SyntaxError, ValueError, RuntimeError, OSError) as error:
        raise QueryError(" ".join(str(error).split())[:300] or type(error).__name__) from error


def _answer(request: dict[str, str], store: Any, graphs: frozenset[str], limits: dict[str, Any]) -> dict[str, object]:
    signal.setitimer(signal.ITIMER_REAL, limits["timeout_s"] + 1)  # should the parent be gone, this ends the process
    try:
        checked = check_query(request["query"], graphs=graphs)
        if store is None:
            return {"checked": checked.text, "kind": checked.kind}
        result = run_query(store, checked.text, max_rows=limits["max_rows"], max_bytes=limits["max_bytes"])
        return {"result": {**result_to_json(result), "truncated": result.truncated}}
    except QueryError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "the query needs more memory than is allowed"}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main() -> None:
    """Serve queries until stdin ends. The first line on stdin holds the graph folder and the limits."""
    setup = json.loads(sys.stdin.readline())
    limits = setup["limits"]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    denied = deny_network()
    store = None
    graphs: frozenset[str] = frozenset()
    if setup["folder"] is not None:
        import pyoxigraph as ox

        from kgqa.stores.oxigraph import STORE_FOLDER

        try:
            store = ox.Store.read_only(str(Path(setup["folder"]) / STORE_FOLDER))
        except OSError as error:
            _say({"error": f"the graph cannot be opened ({' '.join(str(error).split())}); load it again"})
            return
        graphs = frozenset(graph.value for graph in store.named_graphs() if isinstance(graph, ox.NamedNode))
    _limit_memory(limits["memory_bytes"])
    _say({"ready": True, "network_denied": denied})
    for line in sys.stdin:
        _say(_answer(json.loads(line), store, graphs, limits))


def _limit_memory(n_bytes: int) -> None:
    """Let this process take `n_bytes` of address space beyond what it has, as far as its own hard limit allows."""
    taken = 0
    if sys.platform == "linux":
        taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    allowed = taken + n_bytes if hard == resource.RLIM_INFINITY else min(taken + n_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

"""The small family graph that many tests read."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from kgqa.index.graph_index import GraphIndex
from kgqa.protocols import Triple
from kgqa.stores.oxigraph import OxigraphStore, from_oxigraph

FAMILY = Path(__file__).parent.parent / "graphs" / "family.ttl"


def _family_triples() -> list[Triple]:
    import pyoxigraph as ox

    with FAMILY.open("rb") as file:
        rows = list(ox.parse(file, ox.RdfFormat.TURTLE))
    return [(from_oxigraph(q.subject), from_oxigraph(q.predicate), from_oxigraph(q.object)) for q in rows]


@pytest.fixture(scope="session")
def family_index() -> GraphIndex:
    """The index of graphs/family.ttl."""
    return GraphIndex.from_triples(_family_triples())


@pytest.fixture(scope="session")
def family_store() -> OxigraphStore:
    """A store in memory that holds graphs/family.ttl."""
    return OxigraphStore.in_memory(_family_triples())


# -- SPARQL servers, each a process of its own on a free port of this machine


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _started(command: list[str], url: str) -> subprocess.Popen[bytes]:
    """Start a server and wait until it answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}?query=ASK%7B%7D", timeout=5):
                return process
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"{command[0]} did not start")


def _oxigraph_program() -> str:
    beside = Path(sys.executable).parent / "oxigraph"
    found = str(beside) if beside.is_file() else shutil.which("oxigraph")
    if found is None:
        pytest.skip("there is no oxigraph server; install the package oxigraph")
    return found


def _serve(folder: Path, graph: Path) -> Iterator[str]:
    program = _oxigraph_program()
    load = [program, "load", "--location", str(folder), "--file", str(graph)]
    subprocess.run(load, check=True, capture_output=True, timeout=120)
    url = f"http://127.0.0.1:{_free_port()}/query"
    place = url.removeprefix("http://").removesuffix("/query")
    process = _started([program, "serve-read-only", "--location", str(folder), "--bind", place], url)
    yield url
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def family_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an Oxigraph server that holds graphs/family.ttl."""
    yield from _serve(tmp_path_factory.mktemp("served") / "family", FAMILY)


@pytest.fixture(scope="session")
def world_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an Oxigraph server that holds graphs/world.ttl.gz."""
    yield from _serve(tmp_path_factory.mktemp("served") / "world", FAMILY.parent / "world.ttl.gz")


@pytest.fixture(scope="session")
def writable_endpoint() -> Iterator[str]:
    """The address of an empty Oxigraph server; its default graph may be put at `/store?default`."""
    url = f"http://127.0.0.1:{_free_port()}/query"
    place = url.removeprefix("http://").removesuffix("/query")
    process = _started([_oxigraph_program(), "serve", "--bind", place], url)
    yield url
    process.kill()
    process.wait()


_RDFLIB_SERVER = """
import sys
import rdflib, uvicorn
from rdflib_endpoint import SparqlEndpoint
graph = rdflib.Dataset(default_union=True)
graph.parse(sys.argv[1])
uvicorn.run(SparqlEndpoint(graph=graph, path="/"), host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
"""


@pytest.fixture(scope="session")
def rdflib_endpoint() -> Iterator[str]:
    """The address of an rdflib server, a second engine, that holds graphs/family.ttl."""
    pytest.importorskip("rdflib_endpoint", reason="the package rdflib-endpoint is not installed")
    pytest.importorskip("uvicorn", reason="the package uvicorn is not installed")
    port = _free_port()
    url = f"http://127.0.0.1:{port}/"
    process = _started([sys.executable, "-c", _RDFLIB_SERVER, str(FAMILY), str(port)], url)
    yield url
    process.kill()
    process.wait()

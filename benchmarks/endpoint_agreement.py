"""Asks an endpoint and the embedded store the same questions, and reports how often the answer sets are the same.

The endpoint is a process of its own, Oxigraph's server, which the package `oxigraph` brings; it is loaded with a
shipped graph and asked on this machine only. `--max-labels 0` keeps the label table away, as a large graph would.

    python benchmarks/endpoint_agreement.py --graph world
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kgqa import Pipeline
from kgqa.datatypes import Prediction
from kgqa.remote.pipeline import RemotePipeline
from kgqa.stores.catalog import shipped_files
from kgqa.stores.endpoint import EndpointStore
from kgqa.stores.remote_queries import RemoteLimits

CHECKOUT = Path(__file__).resolve().parent.parent


@contextmanager
def served(graph: Path, folder: Path) -> Iterator[str]:
    """Give the address of a server that holds a graph file, for as long as it is needed."""
    beside = Path(sys.executable).parent / "oxigraph"
    program = str(beside) if beside.is_file() else shutil.which("oxigraph")
    if program is None:
        sys.exit("there is no oxigraph server; pip install oxigraph")
    load = [program, "load", "--location", str(folder), "--file", str(graph)]
    subprocess.run(load, check=True, capture_output=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{probe.getsockname()[1]}"
    server = subprocess.Popen(
        [program, "serve-read-only", "--location", str(folder), "--bind", place],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://{place}/query?query=ASK%7B%7D", timeout=5):
                    break
            except OSError:
                time.sleep(0.1)
        yield f"http://{place}/query"
    finally:
        server.kill()
        server.wait()


def outcome(prediction: Prediction) -> tuple[object, ...]:
    """Return what two predictions share when they answer alike."""
    terms = frozenset((a.term.kind, a.term.value, a.term.datatype, a.term.lang) for a in prediction.answers)
    return prediction.status, terms


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graph", default="world", choices=("family", "world"))
    parser.add_argument("--max-labels", type=int, default=RemoteLimits().max_labels)
    parser.add_argument("--every", type=int, default=1, help="ask every nth question only")
    options = parser.parse_args()
    path = CHECKOUT / "data" / f"{options.graph}_questions.jsonl"
    asked = [json.loads(line)["question"] for line in path.read_text(encoding="utf-8").splitlines()][:: options.every]
    embedded = Pipeline.load(options.graph)
    with (
        tempfile.TemporaryDirectory() as scratch,
        served(shipped_files()[options.graph], Path(scratch) / "store") as url,
    ):
        started = time.perf_counter()
        limits = RemoteLimits(max_labels=options.max_labels)
        store = EndpointStore(url, allowed=["127.0.0.1"])
        remote = RemotePipeline(store, embedded.model, Path(scratch) / "profile", limits=limits)
        print(f"profile: {store.n_requests} requests, {time.perf_counter() - started:.1f} s")
        alike, seconds, requests = 0, [], []
        for text in asked:
            ours = embedded(text)
            before, started = store.n_requests, time.perf_counter()
            theirs = remote(text)
            seconds.append(time.perf_counter() - started)
            requests.append(store.n_requests - before)
            alike += outcome(ours) == outcome(theirs)
            if outcome(ours) != outcome(theirs):
                said = [[answer.label for answer in p.answers[:3]] or p.reason for p in (ours, theirs)]
                print(f"  differs: {text}  embedded {said[0]}, endpoint {said[1]}")
    p95 = sorted(seconds)[int(0.95 * len(seconds))]
    print(f"{options.graph}: {alike} of {len(asked)} answer sets are the same ({alike / len(asked):.3f})")
    print(f"a question: {statistics.median(seconds):.2f} s (p95 {p95:.2f} s), {statistics.median(requests):g} requests")


if __name__ == "__main__":
    main()

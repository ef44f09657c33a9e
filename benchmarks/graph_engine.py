"""Times the graph engine against its peers over scale-free graphs, in one run, the engines taking turns.

    python -m benchmarks.graph_engine --triples 1000000
    python -m benchmarks.graph_engine --triples 10000000 --engines kgqa,pyoxigraph --ask 100
    python -m benchmarks.graph_engine --triples 100000 --engines kgqa --kills 50

Each engine works in a process of its own. Every operation is timed for many inputs in several rounds; engines must
agree on each result. Times are of the wall clock, as p50 and p95; the table also tells the processor time of loading.
Needs the extra `benchmarks`. Writes a table (JSON and Markdown) and a plot to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.graph_peers import ENGINES, PERSISTENT, Engine
from benchmarks.scale_free import ScaleFree, questions

CHECKOUT = Path(__file__).resolve().parent.parent
RESULTS = CHECKOUT / "benchmarks" / "results"
MAX_EDGES = 10_000
GRAPH_STAGES = ("link", "retrieve", "answer")
N_INPUTS = {"facts": 40, "two_hop": 15, "two_hop_decoded": 15, "path": 30, "argmax": 1, "count": 1, "typo": 60}
TITLES = {
    "facts": "facts of an entity", "two_hop": "two hops, up to 10k edges, ids", "two_hop_decoded": "the same, decoded",
    "path": "follow a path", "argmax": "argmax over a class", "count": "count a class", "typo": "label with a slip",
    "open": "open and first facts",
}  # fmt: skip


class Worker:
    """An engine in a process of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.graph_engine", "--worker", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
            env=environment,
        )

    def __call__(self, command: str, *arguments: object) -> Any:
        """Return what the worker answers. Raises RuntimeError if it died."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([command, *arguments]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker of {self.name} died at {command}")
        return json.loads(line)

    def stop(self) -> None:
        """End the process."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def serve(name: str) -> None:
    """Answer the commands of a `Worker` on standard input."""
    engine = ENGINES[name]()
    before = _resident_bytes()
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        if command == "load":
            answer: object = _load(engine, Path(arguments[0]), Path(arguments[1]))
        elif command == "open":
            answer = _open(engine, Path(arguments[0]), arguments[1])
        elif command == "memory":
            answer = _resident_bytes() - before
        elif command == "operations":
            answer = list(engine.operations())
        else:
            answer = _time(engine, command, arguments[0])
        print(json.dumps(answer), flush=True)


def _load(engine: Engine, file: Path, folder: Path) -> dict[str, float]:
    started, processor = time.perf_counter(), _processor_seconds()
    n = engine.load(file, folder)
    seconds = time.perf_counter() - started
    return {"n": n, "seconds": seconds, "processor_seconds": _processor_seconds() - processor}


def _open(engine: Engine, folder: Path, iri: str) -> list[float]:
    found = []
    for _ in range(6):
        started = time.perf_counter()
        engine.open(folder)
        engine.operations()["facts"](iri)
        found.append((time.perf_counter() - started) * 1000)
    return found


def _time(engine: Engine, name: str, inputs: Sequence[Sequence[str]]) -> list[tuple[float, int]]:
    operation = engine.operations()[name]
    found = []
    gc.disable()  # as timeit does
    for arguments in inputs:
        started = time.perf_counter()
        result = operation(*arguments)
        found.append(((time.perf_counter() - started) * 1000, result))
    gc.enable()
    return found


def _processor_seconds() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _disk_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def compare(graph: ScaleFree, names: Sequence[str], place: Path, *, n_rounds: int) -> dict[str, Any]:
    """Return the times of every engine: loading, opening, and each operation."""
    file = place / "graph.nt"
    graph.write(file)
    entity = graph.iri("Person", 3)
    loads: dict[str, Any] = {}
    workers: dict[str, Worker] = {}
    opened: dict[str, list[float]] = {}
    for name in names:
        worker = Worker(name)
        loads[name] = worker("load", str(file), str(place / name))
        if name in PERSISTENT:
            worker.stop()
            worker = Worker(name)
            opened[name] = worker("open", str(place / name), entity)
            loads[name]["disk_bytes"] = _disk_bytes(place / name)
        workers[name] = worker
    n_triples = {loads[name]["n"] for name in names if name != "rapidfuzz"}
    if len(n_triples) != 1:
        raise AssertionError(f"engines hold different graphs: {loads}")
    inputs = _inputs(graph, workers["kgqa"])
    supported = {name: worker("operations") for name, worker in workers.items()}
    times: dict[str, dict[str, list[float]]] = {}
    edges: list[float] = []
    for turn in range(n_rounds):
        for operation, everything in inputs.items():
            # Corrections are remembered, so each round has other slips.
            arguments = everything[turn::n_rounds] if operation == "typo" else everything
            order = [name for name in names if operation in supported[name]]
            order = order[turn % len(order) :] + order[: turn % len(order)]
            results: dict[str, list[int]] = {}
            for name in order:
                timed = workers[name](operation, arguments)
                results[name] = [result for _, result in timed]
                times.setdefault(operation, {}).setdefault(name, []).extend(ms for ms, _ in timed)
            if operation != "typo" and len({tuple(found) for found in results.values()}) != 1:
                raise AssertionError(f"engines disagree on {operation}: {results}")
            if operation == "two_hop":
                edges = [float(n) for n in results["kgqa"]]
    memory = {name: worker("memory") for name, worker in workers.items()}
    for worker in workers.values():
        worker.stop()
    times["open"] = {name: found[1:] for name, found in opened.items()}
    return {
        "n_triples": n_triples.pop(),
        "load": loads,
        "first_open_ms": {name: found[0] for name, found in opened.items()},
        "resident_bytes": memory,
        "milliseconds": {
            operation: {name: _summary(found) for name, found in by_engine.items()}
            for operation, by_engine in times.items()
        },
        "edges_of_two_hops": _summary(edges),
    }


def _inputs(graph: ScaleFree, kgqa: Worker) -> dict[str, list[tuple[str, ...]]]:
    rng = random.Random(graph.seed)
    n_people = graph.size("Person")
    people = [graph.iri("Person", int(n_people * rng.random() ** 2)) for _ in range(40)]
    known = [(graph.iri("City", number),) for number in range(min(graph.size("City"), 400))]
    edges = [n for _, n in kgqa("two_hop", known)]
    fitting = sorted((n, iri) for n, (iri,) in zip(edges, known, strict=True) if n <= MAX_EDGES)
    around: list[tuple[str, ...]] = [(iri,) for _, iri in fitting[-N_INPUTS["two_hop"] :]]
    directors = [graph.iri("Person", number) for number in range(N_INPUTS["path"])]
    labels = [graph.label("Person", int(n_people * rng.random())) for _ in range(N_INPUTS["typo"])]
    return {
        "facts": [(iri,) for iri in people],
        "two_hop": around,
        "two_hop_decoded": around,
        "path": [(iri, "directedBy", "starring") for iri in directors],
        "argmax": [("Person", "height")],
        "count": [("Person",)],
        "typo": [(label[:2] + label[3:],) for label in labels],
    }


def _summary(found: Sequence[float]) -> dict[str, float]:
    ordered = sorted(found)
    p95 = ordered[min(int(0.95 * len(ordered)), len(ordered) - 1)]
    return {"p50": statistics.median(ordered), "p95": p95, "n": len(ordered)}


def ask(graph: ScaleFree, place: Path, n: int) -> dict[str, Any]:
    """Return the milliseconds that each stage of a question takes on the loaded graph, and those of several together.

    `graph` is what is done on the graph, with every candidate executed; what is left of `all` is done by the model.
    """
    from kgqa import Pipeline
    from kgqa.stores.catalog import open_folder

    pipeline = Pipeline.load(open_folder(place / "kgqa", "graph"), n_threads=1)
    asked = questions(graph, n + 10)
    predictions = [pipeline(text) for text in asked][10:]  # the first ones warm up
    times: dict[str, list[float]] = {}
    for prediction in predictions:
        stages = prediction.timings_ms
        on_graph = sum(stages.get(name, 0.0) for name in GRAPH_STAGES)
        for name, ms in {**stages, "graph": on_graph, "all": prediction.latency_ms}.items():
            times.setdefault(name, []).append(ms)
    return {
        "n": n,
        "n_answered": sum(p.status == "answered" for p in predictions),
        "milliseconds": {name: _summary(found) for name, found in times.items()},
    }


def kill(graph: ScaleFree, place: Path, n: int) -> dict[str, int]:
    """Return how a graph opened after each of `n` loads that replaced it and were killed: as before, or complete."""
    from kgqa.stores.catalog import open_folder
    from kgqa.stores.loading import load_graph

    file, small, folder = place / "graph.nt", place / "small.nt", place / "killed" / "graph"
    if not file.is_file():
        graph.write(file)
    small.write_text('<http://e/a> <http://e/p> "small" .\n', encoding="ascii")
    code = "import sys; from pathlib import Path; from kgqa.stores.loading import load_graph;"
    code += "load_graph([sys.argv[1]], Path(sys.argv[2]))"
    load = [sys.executable, "-c", code, str(file), str(folder)]
    started = time.monotonic()
    subprocess.run(load, cwd=CHECKOUT, check=True)
    seconds = time.monotonic() - started
    n_triples = open_folder(folder, "graph").index.n_triples
    rng, found = random.Random(0), {"as before": 0, "complete": 0}
    for _ in range(n):
        load_graph([small], folder)
        loader = subprocess.Popen(load, cwd=CHECKOUT, start_new_session=True)
        time.sleep(rng.random() * 1.2 * seconds)
        os.killpg(loader.pid, signal.SIGKILL)
        loader.wait()
        opened = open_folder(folder, "graph")
        counts = (opened.index.n_triples, sum(1 for _ in opened.store.triples()))
        if counts not in ((1, 1), (n_triples, n_triples)):
            raise AssertionError(f"half a graph was opened: {counts}")
        found["as before" if counts[0] == 1 else "complete"] += 1
    return found


def rows_of(report: dict[str, Any]) -> list[list[str]]:
    """Return the table: what is measured, then p50 (p95) of each engine, and how many times kgqa's p50 it takes."""
    names = list(report["load"])
    rows = [["", *names]]
    per_second = {name: report["load"][name]["n"] / report["load"][name]["seconds"] for name in names}
    rows.append(["load, triples a second", *(_cell(per_second[n], per_second["kgqa"], faster=True) for n in names)])
    for operation, by_engine in report["milliseconds"].items():
        ours = by_engine["kgqa"]["p50"]
        cells = [
            f"{_number(by_engine[n]['p50'])} ({_number(by_engine[n]['p95'])}) ms{_ratio(by_engine[n]['p50'] / ours)}"
            if n in by_engine
            else "-"
            for n in names
        ]
        rows.append([TITLES[operation], *cells])
    resident = report["resident_bytes"]
    rows.append(["memory, MB", *(_cell(resident[n] / 1e6, resident["kgqa"] / 1e6) for n in names)])
    disk = [report["load"][n].get("disk_bytes") for n in names]
    rows.append(["disk, MB", *("-" if size is None else _number(size / 1e6) for size in disk)])
    return rows


def _cell(value: float, ours: float, *, faster: bool = False) -> str:
    return _number(value) + _ratio(ours / value if faster else value / ours)


def _ratio(ratio: float) -> str:
    return "" if 0.999 < ratio < 1.001 else f" x{ratio:,.0f}" if ratio >= 10 else f" x{ratio:.2g}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def show(report: dict[str, Any], console: Console) -> None:
    """Print the report."""
    for part in report["compared"]:
        rows = rows_of(part)
        table = Table(*rows[0], box=box.SIMPLE, title=f"{part['n_triples']:,} triples: p50 (p95), x times kgqa's")
        for row in rows[1:]:
            table.add_row(*row)
        console.print(table)
    for line in _sentences(report):
        console.print(line)


def _sentences(report: dict[str, Any]) -> list[str]:
    """Return what was found of questions and of killed loads, a line each."""
    lines = []
    if asked := report.get("ask"):
        cells = [f"{name} {_number(s['p50'])} ({_number(s['p95'])})" for name, s in asked["milliseconds"].items()]
        lines.append(f"{asked['n']} questions, {asked['n_answered']} answered, p50 (p95) ms: {', '.join(cells)}")
    if kills := report.get("kills"):
        lines.append(f"{sum(kills.values())} loads killed, the graph then: {kills}")
    return lines


def write(report: dict[str, Any], name: str) -> None:
    """Write the report as JSON, as Markdown and, where matplotlib is installed, as a plot."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    lines = [f"`{report['command']}`, {report['machine']}, Python {report['python']}", ""]
    for part in report["compared"]:
        head, *rows = rows_of(part)
        lines += [f"{part['n_triples']:,} triples: p50 (p95), and how many times kgqa's p50", ""]
        lines += [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
        lines += [f"| {' | '.join(row)} |" for row in rows] + [""]
    for line in _sentences(report):
        lines += [line, ""]
    (RESULTS / f"{name}.md").write_text("\n".join(lines), encoding="utf-8")
    try:
        import matplotlib
    except ImportError:
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    part = report["compared"][-1] if report["compared"] else None
    if part is None:
        return
    operations = [operation for operation in TITLES if operation in part["milliseconds"]]
    names = list(part["load"])
    figure, axes = pyplot.subplots(figsize=(9, 4.5), layout="constrained")
    width = 0.8 / len(names)
    for place, engine in enumerate(names):
        heights = [part["milliseconds"][o].get(engine, {"p50": 0})["p50"] for o in operations]
        axes.bar([i + place * width for i in range(len(operations))], heights, width, label=engine)
    axes.set_yscale("log")
    axes.set_ylabel("milliseconds, p50")
    ticks = [i + 0.35 for i in range(len(operations))]
    axes.set_xticks(ticks, [TITLES[o] for o in operations], rotation=20, ha="right")
    axes.set_title(f"{part['n_triples']:,} triples")
    axes.legend()
    figure.savefig(RESULTS / f"{name}.png", dpi=110)


def _shown(arguments: Sequence[str]) -> list[str]:
    """Return the arguments without the folder of the graphs, which is no one else's."""
    return [part for place, part in enumerate(arguments) if "--keep" not in arguments[max(place - 1, 0) : place + 1]]


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--triples", type=int, nargs="*", default=[100_000], help="sizes, about")
    parser.add_argument("--engines", default=",".join(ENGINES), help="which, kgqa among them")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ask", type=int, default=0, metavar="N", help="time N questions over the last graph too")
    parser.add_argument("--kills", type=int, default=0, metavar="N", help="kill N loads and open what they leave")
    parser.add_argument("--name", default="graph_engine", help="of the files in benchmarks/results")
    parser.add_argument("--keep", type=Path, help="a folder for the graphs, kept; else a temporary one")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        serve(options.worker)
        return
    report: dict[str, Any] = {
        "command": " ".join(["python -m benchmarks.graph_engine", *_shown(sys.argv[1:])]),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "python": platform.python_version(),
        "compared": [],
    }
    place = options.keep or Path(tempfile.mkdtemp(prefix="kgqa-benchmark-"))
    place.mkdir(parents=True, exist_ok=True)
    try:
        for n_triples in options.triples:
            graph = ScaleFree(n_triples)
            report["compared"].append(compare(graph, options.engines.split(","), place, n_rounds=options.rounds))
        if options.ask:
            report["ask"] = ask(ScaleFree(options.triples[-1]), place, options.ask)
        if options.kills:
            report["kills"] = kill(ScaleFree(options.triples[-1]), place, options.kills)
    finally:
        if not options.keep:
            shutil.rmtree(place, ignore_errors=True)
    write(report, options.name)
    show(report, Console())


if __name__ == "__main__":
    main()

"""Files are added to a loaded graph, or replaced in it, while others read it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kgqa.datatypes import XSD, Term, iri, literal
from kgqa.errors import UnknownGraphError
from kgqa.stores.catalog import Catalog, open_folder
from kgqa.stores.loading import clean_up, load_graph
from kgqa.stores.manifest import read_manifest

P = iri("http://e/p")


def line(subject: str, obj: str) -> str:
    return f"<http://e/{subject}> <http://e/p> <http://e/{obj}> .\n"


def stated(catalog: Catalog, name: str = "g") -> set[str]:
    """What the store says; the index must say the same."""
    graph = catalog.open([name])
    triples = set(graph.store.triples())
    index = graph.index
    from_index = {
        (index.term(s), index.term(int(index.pred_terms[p])), index.term(o))
        for s in range(index.n_terms)
        for p, o in zip(*(column.tolist() for column in index.out_row(s)), strict=True)
    }
    assert from_index == triples
    assert len(graph.store) == index.n_triples == len(triples)
    return {f"{s.value[-1]}{o.value[-1]}" for s, _, o in triples}


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """A catalog with the graph g, of the files one.nt and two.nt, which have one triple in common."""
    (tmp_path / "one.nt").write_text(line("a", "b") + line("a", "c"))
    (tmp_path / "two.nt").write_text(line("a", "c") + line("x", "y"))
    found = Catalog(tmp_path / "home")
    found.load([tmp_path / "one.nt", tmp_path / "two.nt"], "g", label_predicates=["http://e/name"])
    return found


def test_an_added_file_joins_the_others(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "three.ttl").write_text(line("q", "r"))
    report = catalog.load([tmp_path / "three.ttl"], "g", add=True)
    assert stated(catalog) == {"ab", "ac", "xy", "qr"}
    assert report.n_triples == 4
    manifest = catalog.info("g")
    assert [file.name for file in manifest.files] == ["one.nt", "two.nt", "three.ttl"]
    assert manifest.label_predicates == ("http://e/name",)


def test_a_file_of_the_same_name_replaces_what_only_the_old_one_stated(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "one.nt").write_text(line("a", "d"))
    catalog.load([tmp_path / "one.nt"], "g", add=True)
    assert stated(catalog) == {"ac", "xy", "ad"}
    assert sorted(file.name for file in catalog.info("g").files) == ["one.nt", "two.nt"]
    (tmp_path / "two.nt").write_text(line("x", "z"))
    catalog.load([tmp_path / "two.nt"], "g", add=True)
    assert stated(catalog) == {"ad", "xz"}


def test_the_only_file_can_be_replaced(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "home")
    (tmp_path / "one.nt").write_text(line("a", "b"))
    catalog.load([tmp_path / "one.nt"], "g")
    (tmp_path / "one.nt").write_text(line("a", "c"))
    catalog.load([tmp_path / "one.nt"], "g", add=True)
    assert stated(catalog) == {"ac"}


def test_a_replaced_file_takes_its_named_graph_along(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "home")
    (tmp_path / "one.nq").write_text("<http://e/a> <http://e/p> <http://e/b> <http://g/1> .\n")
    (tmp_path / "two.nq").write_text(f'<http://e/a> <http://e/p> "01.50"^^<{XSD}decimal> <http://g/2> .\n')
    catalog.load([tmp_path / "one.nq", tmp_path / "two.nq"], "g")
    (tmp_path / "one.nq").write_text("<http://e/c> <http://e/p> <http://e/d> .\n")
    catalog.load([tmp_path / "one.nq"], "g", add=True)
    assert catalog.info("g").named_graphs == ("http://g/2",)
    graph = catalog.open(["g"])
    price = literal("01.50", XSD + "decimal")
    assert graph.store.select("SELECT ?o { GRAPH <http://g/2> { ?s ?p ?o } }") == ((price,),)
    assert (iri("http://e/a"), P, price) in set(graph.store.triples())


def test_blank_nodes_of_an_added_file_are_new(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "home")
    for name in ("one.nt", "two.nt"):
        (tmp_path / name).write_text(f'_:x <http://e/p> "{name}" .\n')
    catalog.load([tmp_path / "one.nt"], "g")
    catalog.load([tmp_path / "two.nt"], "g", add=True)
    subjects = {s for s, _, _ in catalog.open(["g"]).store.triples()}
    assert subjects == {Term("bnode", "b0"), Term("bnode", "b1")}


def test_a_value_in_two_spellings_is_one_triple_with_the_first(tmp_path: Path) -> None:
    spelled = "".join(f'<http://e/a> <http://e/p> "{text}"^^<{XSD}decimal> .\n' for text in ("1.50", "1.5", "1.500"))
    (tmp_path / "a.nt").write_text(spelled + f'<http://e/b> <http://e/p> "1.500"^^<{XSD}decimal> .\n')
    load_graph([tmp_path / "a.nt"], tmp_path / "g")
    graph = open_folder(tmp_path / "g", "g")
    assert set(graph.store.triples()) == {
        (iri("http://e/a"), P, literal("1.50", XSD + "decimal")),
        (iri("http://e/b"), P, literal("1.500", XSD + "decimal")),
    }
    assert graph.index.n_triples == 2
    assert {graph.index.text_of(n) for n in range(graph.index.n_terms)} == {
        "http://e/a", "http://e/b", "http://e/p", "1.50", "1.500",
    }  # fmt: skip


def test_adding_to_a_graph_that_is_not_there_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(UnknownGraphError, match="no graph or file named 'h'"):
        catalog.load([tmp_path / "one.nt"], "h", add=True)


def test_a_failed_addition_leaves_the_graph(catalog: Catalog, tmp_path: Path) -> None:
    (tmp_path / "three.nt").write_text("oops\n")
    with pytest.raises(Exception, match=r"three\.nt:1"):
        catalog.load([tmp_path / "three.nt"], "g", add=True)
    assert stated(catalog) == {"ab", "ac", "xy"}


def test_two_processes_that_add_at_once_both_succeed(catalog: Catalog, tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from kgqa.stores.catalog import Catalog;"
    code += "Catalog(Path(sys.argv[1])).load([sys.argv[2]], 'g', add=True)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    loaders = []
    for place in ("m", "n"):
        (tmp_path / f"{place}.nt").write_text(line(place, place))
        command = [sys.executable, "-c", code, str(tmp_path / "home"), str(tmp_path / f"{place}.nt")]
        loaders.append(subprocess.Popen(command, env=environment))
    assert [loader.wait(timeout=300) for loader in loaders] == [0, 0]
    assert stated(catalog) == {"ab", "ac", "xy", "mm", "nn"}


def test_a_reader_keeps_the_graph_it_opened_and_its_folder_goes_with_it(catalog: Catalog, tmp_path: Path) -> None:
    reader = catalog.open(["g"])
    (tmp_path / "one.nt").write_text(line("n", "n"))
    catalog.load([tmp_path / "one.nt"], "g")
    assert reader.index.n_triples == 3
    assert reader.store.ask("ASK { <http://e/x> ?p <http://e/y> }")
    left = [path.name for path in catalog.graphs.iterdir() if path.is_dir()]
    assert len(left) == 2 and "g" in left
    del reader
    clean_up(catalog.graphs)
    assert [path.name for path in catalog.graphs.iterdir() if path.is_dir()] == ["g"]


def test_readers_see_all_of_the_old_graph_or_all_of_the_new(tmp_path: Path) -> None:
    """Two versions, of 50 and 80 triples, are loaded in turn while the graph is opened again and again."""
    files = []
    for n in (50, 80):
        files.append(tmp_path / f"{n}.nt")
        files[-1].write_text("".join(line(f"v{n}n{i}", f"v{n}n{i + 1}") for i in range(n)))
    folder = tmp_path / "graphs" / "g"
    load_graph([files[0]], folder)
    stop, failures = threading.Event(), []

    def load() -> None:
        try:
            for turn in range(4):
                load_graph([files[(turn + 1) % 2]], folder)
        except Exception as error:
            failures.append(error)
        stop.set()

    loader = threading.Thread(target=load)
    loader.start()
    seen = set()
    while not stop.is_set():
        graph = open_folder(folder, "g")
        n = graph.index.n_triples
        versions = {graph.index.text_of(i)[9:12] for i in range(graph.index.n_terms) if graph.index.is_entity(i)}
        assert versions == {f"v{n}", "p"}
        assert graph.store.select("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")[0][0].value == str(n)  # type: ignore[union-attr]
        assert len(graph.store) == n
        seen.add(n)
    loader.join()
    assert not failures
    assert seen == {50, 80}


def test_a_load_killed_at_any_moment_leaves_the_graph_as_before_or_complete(tmp_path: Path) -> None:
    """`python -m benchmarks.graph_engine --kills 50` does the same 50 times over."""
    folder = tmp_path / "graphs" / "g"
    big, small = tmp_path / "big.nt", tmp_path / "small.nt"
    big.write_text("".join(line(f"n{i}", f"n{i % 97}") for i in range(20_000)))
    small.write_text(line("a", "b"))
    started = time.monotonic()
    load_graph([big], folder)
    seconds = time.monotonic() - started
    load_graph([small], folder)
    code = "import sys; from pathlib import Path; from kgqa.stores.loading import load_graph;"
    code += "load_graph([sys.argv[1]], Path(sys.argv[2]))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    rng = random.Random(0)
    for _ in range(4):
        command = [sys.executable, "-c", code, str(big), str(folder)]
        loader = subprocess.Popen(command, env=environment, start_new_session=True)
        time.sleep(rng.random() * 1.2 * seconds)
        os.killpg(loader.pid, signal.SIGKILL)
        loader.wait()
        clean_up(folder.parent)
        graph = open_folder(folder, "g")
        assert (graph.index.n_triples, sum(1 for _ in graph.store.triples())) in ((1, 1), (20_000, 20_000))
        assert read_manifest(folder).n_triples == graph.index.n_triples

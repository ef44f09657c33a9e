from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from kgqa.datatypes import Term, iri
from kgqa.errors import GraphLoadError, UnknownGraphError
from kgqa.index.graph_index import INDEX_FILE
from kgqa.stores import catalog as catalog_module
from kgqa.stores.catalog import Catalog, check_name, default_folders

A_TO_B = "<http://e/a> <http://e/p> <http://e/b> ."
B_TO_A = "<http://e/b> <http://e/p> <http://e/a> ."


def _triple(line: str) -> tuple[Term, ...]:
    return tuple(iri(part.strip("<>")) for part in line.removesuffix(" .").split())


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "home")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "roads.nt"
    path.write_text(A_TO_B)
    return path


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cinema.ttl"
    path.write_text(B_TO_A)
    monkeypatch.setattr(catalog_module, "shipped_files", lambda: {"cinema": path})
    return path


def test_a_loaded_graph_is_listed_described_opened_and_removed(catalog: Catalog, file: Path) -> None:
    assert catalog.names() == ()
    report = catalog.load([file], "my-roads_1.0")
    assert report.n_triples == 1
    assert catalog.names() == ("my-roads_1.0",)
    assert catalog.info("my-roads_1.0").n_triples == 1
    graph = catalog.open(["my-roads_1.0"])
    assert graph.name == "my-roads_1.0"
    assert list(graph.store.triples()) == [_triple(A_TO_B)]
    assert graph.index.n_triples == len(graph.store) == 1
    catalog.remove("my-roads_1.0")
    assert catalog.names() == ()
    with pytest.raises(UnknownGraphError):
        catalog.open(["my-roads_1.0"])


def test_a_file_is_built_once_and_again_when_its_content_changes(catalog: Catalog, file: Path) -> None:
    first = catalog.open([str(file)])
    assert first.name == "roads"
    assert catalog.open([str(file)]).folder == first.folder
    file.write_text(B_TO_A)
    second = catalog.open([str(file)])
    assert second.folder != first.folder
    assert list(second.store.triples()) == [_triple(B_TO_A)]


def test_several_items_are_merged(catalog: Catalog, file: Path, shipped: Path) -> None:
    catalog.load([file], "roads")
    graph = catalog.open(["roads", "cinema"])
    assert graph.name == "roads+cinema"
    assert set(graph.store.triples()) == {_triple(A_TO_B), _triple(B_TO_A)}
    assert catalog.info("roads").n_triples == 1


def test_a_merge_follows_a_reloaded_graph(catalog: Catalog, file: Path, shipped: Path) -> None:
    catalog.load([file], "roads")
    assert len(catalog.open(["roads", "cinema"]).store) == 2
    file.write_text("<http://e/a> <http://e/p> <http://e/c> , <http://e/d> .")
    catalog.load([file], "roads", format="turtle")
    assert len(catalog.open(["roads", "cinema"]).store) == 3


def test_a_shipped_graph_is_opened_by_its_name_and_gives_way_to_a_loaded_one(
    catalog: Catalog, file: Path, shipped: Path
) -> None:
    assert list(catalog.open(["cinema"]).store.triples()) == [_triple(B_TO_A)]
    assert catalog.info("cinema").files[0].name == "cinema.ttl"
    assert catalog.names() == ()
    catalog.load([file], "cinema")
    assert list(catalog.open(["cinema"]).store.triples()) == [_triple(A_TO_B)]


def test_an_unknown_name_lists_near_ones(catalog: Catalog, file: Path, shipped: Path) -> None:
    with pytest.raises(UnknownGraphError, match="no graph or file named 'cinma'; did you mean cinema?"):
        catalog.open(["cinma"])
    with pytest.raises(UnknownGraphError, match="there are: cinema"):
        catalog.info("zzzzzz")
    with pytest.raises(UnknownGraphError):
        catalog.remove("cinema")


def test_opening_nothing_is_a_wrong_argument(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match="no graph was named"):
        catalog.open([])


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "/etc/x",
        "a/b",
        "a\\b",
        ".hidden",
        "-rf",
        "x\0",
        "x\n",
        "é",
        "a b",
        "x" * 101,
        "x.",
        "a+b",
    ],
)
def test_a_name_that_could_lead_elsewhere_is_refused(catalog: Catalog, file: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be named"):
        catalog.load([file], name)
    with pytest.raises(UnknownGraphError):
        catalog.remove(name)
    with pytest.raises(UnknownGraphError):
        catalog.info(name)


@pytest.mark.parametrize("name", ["a", "Roads-2.1_b", "2024", "_x"])
def test_plain_names_are_allowed(name: str) -> None:
    assert check_name(name) == name


def test_a_taken_name_is_refused_without_replace(catalog: Catalog, file: Path) -> None:
    catalog.load([file], "roads")
    with pytest.raises(GraphLoadError, match="already a graph named roads"):
        catalog.load([file], "roads", replace=False)


def test_the_home_variable_moves_graphs_and_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KGQA_HOME", str(tmp_path / "elsewhere"))
    assert default_folders() == (tmp_path / "elsewhere" / "graphs", tmp_path / "elsewhere" / "cache")
    assert Catalog().graphs == tmp_path / "elsewhere" / "graphs"


def test_a_damaged_graph_folder_says_to_load_it_again(catalog: Catalog, file: Path) -> None:
    catalog.load([file], "roads")
    (catalog.graphs / "roads" / "index" / INDEX_FILE).write_text("{}")
    with pytest.raises(GraphLoadError, match="load the graph again"):
        catalog.open(["roads"])
    (catalog.graphs / "roads" / "manifest.json").write_text("[]")
    with pytest.raises(GraphLoadError, match="load the graph again"):
        catalog.info("roads")


def test_an_open_graph_can_be_opened_again_and_quickly(catalog: Catalog, file: Path) -> None:
    catalog.load([file], "roads")
    kept = [catalog.open(["roads"])]
    started = time.perf_counter()
    kept.append(catalog.open(["roads"]))
    assert time.perf_counter() - started < 0.5, "a tenth of a second is expected even of a busy machine"
    assert [len(graph.store) for graph in kept] == [1, 1]


def test_two_processes_may_load_the_same_name_at_once(catalog: Catalog, file: Path, tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from kgqa.stores.catalog import Catalog;"
    code += "Catalog(Path(sys.argv[1])).load([sys.argv[2]], 'roads')"
    command = [sys.executable, "-c", code, str(tmp_path / "home"), str(file)]
    root = Path(catalog_module.__file__).parents[2]
    loaders = [subprocess.Popen(command, cwd=root) for _ in range(3)]
    assert [loader.wait(timeout=60) for loader in loaders] == [0, 0, 0]
    assert list(catalog.open(["roads"]).store.triples()) == [_triple(A_TO_B)]
    assert {path.name for path in catalog.graphs.iterdir()} == {"roads", ".lock"}

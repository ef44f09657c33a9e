from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kgqa.datatypes import XSD, XSD_INTEGER, Term, iri, literal
from kgqa.errors import GraphLoadError
from kgqa.index.graph_index import GraphIndex
from kgqa.stores.guarded_reading import LoadLimits
from kgqa.stores.loading import clean_up, load_graph, remove_graph
from kgqa.stores.manifest import read_manifest
from kgqa.stores.oxigraph import OxigraphStore

A, B, P, Q = (iri("http://e/" + name) for name in ("a", "b", "p", "q"))
TURTLE = '<http://e/a> <http://e/p> <http://e/b> ; <http://e/q> "01.50"^^<http://www.w3.org/2001/XMLSchema#decimal> .\n'
TRIPLES = {(A, P, B), (A, Q, literal("01.50", XSD + "decimal"))}
SAME = {
    "a.ttl": TURTLE,
    "a.nt": "\n".join(f"{s.n3()} {p.n3()} {o.n3()} ." for s, p, o in TRIPLES),
    "a.nq": "\n".join(f"{s.n3()} {p.n3()} {o.n3()} <http://g/1> ." for s, p, o in TRIPLES),
    "a.trig": f"<http://g/1> {{ {TURTLE} }}",
    "a.rdf": (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:e="http://e/">'
        '<rdf:Description rdf:about="http://e/a"><e:p rdf:resource="http://e/b"/>'
        '<e:q rdf:datatype="http://www.w3.org/2001/XMLSchema#decimal">01.50</e:q></rdf:Description></rdf:RDF>'
    ),
    "a.jsonld": (
        '{"@id": "http://e/a", "http://e/p": {"@id": "http://e/b"},'
        '"http://e/q": {"@value": "01.50", "@type": "http://www.w3.org/2001/XMLSchema#decimal"}}'
    ),
}


def _write(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def _triples(folder: Path) -> set[tuple[Term, Term, Term]]:
    return set(OxigraphStore.open(folder).triples())


def _left_over(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".lock"}


@pytest.mark.parametrize("suffix", ["", ".gz"], ids=["plain", "gz"])
@pytest.mark.parametrize("name", SAME)
def test_each_format_gives_the_same_triples(tmp_path: Path, name: str, suffix: str) -> None:
    report = load_graph([_write(tmp_path / (name + suffix), SAME[name])], tmp_path / "out" / "g")
    assert (report.n_triples, report.n_skipped, report.files) == (2, 0, (name + suffix,))
    assert _triples(tmp_path / "out" / "g") == TRIPLES
    assert _left_over(tmp_path / "out") == {"g"}


@pytest.mark.parametrize("name", SAME)
def test_the_format_is_found_in_the_content_where_the_name_says_nothing(tmp_path: Path, name: str) -> None:
    load_graph([_write(tmp_path / "upload", SAME[name])], tmp_path / "g")
    assert _triples(tmp_path / "g") == TRIPLES


def test_the_index_holds_the_literals_as_written(tmp_path: Path) -> None:
    load_graph([_write(tmp_path / "a.ttl", TURTLE)], tmp_path / "g")
    index = GraphIndex.open(tmp_path / "g" / "index")
    assert literal("01.50", XSD + "decimal") in {index.term(node) for node in range(index.n_terms)}


def test_named_graphs_are_kept_and_their_triples_counted_once(tmp_path: Path) -> None:
    text = (
        "<http://e/a> <http://e/p> <http://e/b> . "
        "<http://g/1> { <http://e/a> <http://e/p> <http://e/b> , <http://e/c> }"
    )
    report = load_graph([_write(tmp_path / "a.trig", text)], tmp_path / "g")
    assert report.n_triples == 2
    assert report.skipped == (("repeated triple", 1),)
    assert read_manifest(tmp_path / "g").named_graphs == ("http://g/1",)
    store = OxigraphStore.open(tmp_path / "g")
    in_graph = store.select("SELECT ?o { GRAPH <http://g/1> { ?s ?p ?o } } ORDER BY ?o")
    assert in_graph == ((iri("http://e/b"),), (iri("http://e/c"),))


def test_blank_nodes_of_two_files_are_not_the_same(tmp_path: Path) -> None:
    files = [_write(tmp_path / f"{i}.nt", f'_:x <http://e/p> "{i}" .') for i in range(2)]
    load_graph(files, tmp_path / "g")
    assert {s for s, _, _ in _triples(tmp_path / "g")} == {Term("bnode", "b0"), Term("bnode", "b1")}


def test_loading_the_same_file_twice_gives_the_same_blank_nodes(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.ttl", "<http://e/a> <http://e/p> ( 1 [ <http://e/q> 2 ] ) .")
    for name in ("one", "two"):
        load_graph([file], tmp_path / name)
    assert _triples(tmp_path / "one") == _triples(tmp_path / "two")


def test_a_graph_folder_can_be_merged_with_a_file(tmp_path: Path) -> None:
    load_graph([_write(tmp_path / "a.trig", SAME["a.trig"])], tmp_path / "one")
    extra = _write(tmp_path / "b.nt", "<http://e/b> <http://e/p> <http://e/a> .")
    report = load_graph([tmp_path / "one", extra], tmp_path / "two")
    assert _triples(tmp_path / "two") == TRIPLES | {(B, P, A)}
    assert report.files == ("a.trig", "b.nt")
    assert read_manifest(tmp_path / "two").named_graphs == ("http://g/1",)


def test_progress_grows_to_the_number_read(tmp_path: Path) -> None:
    lines = "".join(f"<http://e/a> <http://e/p> <http://e/n{i}> .\n" for i in range(3000))
    seen: list[int] = []
    load_graph([_write(tmp_path / "a.nt", lines)], tmp_path / "g", progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 3000


def test_the_manifest_says_what_was_loaded(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.ttl", "<http://e/a> <http://e/p> 1 .")
    load_graph([file], tmp_path / "g", name="tiny", label_predicates=["http://e/name"])
    manifest = read_manifest(tmp_path / "g")
    assert (manifest.name, manifest.n_triples, manifest.label_predicates) == ("tiny", 1, ("http://e/name",))
    # printf '<http://e/a> <http://e/p> 1 .' | sha256sum
    printed = subprocess.run(["sha256sum", str(file)], capture_output=True, text=True, check=True).stdout.split()[0]
    assert [(source.name, source.sha256) for source in manifest.files] == [("a.ttl", printed)]


def test_a_second_load_replaces_the_first(tmp_path: Path) -> None:
    load_graph([_write(tmp_path / "a.ttl", TURTLE)], tmp_path / "out" / "g")
    old = OxigraphStore.open(tmp_path / "out" / "g")
    load_graph([_write(tmp_path / "b.nt", "<http://e/b> <http://e/p> <http://e/a> .")], tmp_path / "out" / "g")
    assert _triples(tmp_path / "out" / "g") == {(B, P, A)}
    assert set(old.triples()) >= {(A, P, B)}, "a reader of the old graph goes on reading it"
    del old
    clean_up(tmp_path / "out")
    assert _left_over(tmp_path / "out") == {"g"}


def test_a_failed_load_leaves_the_old_graph(tmp_path: Path) -> None:
    out = tmp_path / "out"
    load_graph([_write(tmp_path / "a.ttl", TURTLE)], out / "g")
    bad = _write(tmp_path / "bad.nt", "<http://e/b> <http://e/p> <http://e/a> .\noops\n")
    with pytest.raises(GraphLoadError) as caught:
        load_graph([tmp_path / "a.ttl", bad], out / "g")
    assert (caught.value.path, caught.value.line) == ("bad.nt", 2)
    assert str(caught.value).startswith("bad.nt:2:")
    assert _triples(out / "g") == TRIPLES
    assert _left_over(out) == {"g"}


def test_an_existing_graph_is_kept_or_refused_when_asked(tmp_path: Path) -> None:
    load_graph([_write(tmp_path / "a.ttl", TURTLE)], tmp_path / "g")
    other = _write(tmp_path / "b.nt", "<http://e/b> <http://e/p> <http://e/a> .")
    with pytest.raises(GraphLoadError, match="already a graph named g"):
        load_graph([other], tmp_path / "g", if_exists="refuse")
    load_graph([other], tmp_path / "g", if_exists="keep")
    assert _triples(tmp_path / "g") == TRIPLES


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (LoadLimits(max_bytes=100), "more than 100 bytes after inflation .limit max_bytes"),
        (LoadLimits(max_literal_chars=4), "a literal has 5 characters .limit max_literal_chars"),
        (LoadLimits(timeout_s=0.01), "took longer than 0.01 s .limit timeout_s"),
        (LoadLimits(memory_bytes=256 << 20), r"needs more memory than|died of this file|loading failed"),
    ],
    ids=["bytes", "literal", "time", "memory"],
)
def test_a_limit_that_is_met_is_named(tmp_path: Path, limits: LoadLimits, message: str) -> None:
    with pytest.raises(GraphLoadError, match=message):
        load_graph([_write(tmp_path / "a.ttl", TURTLE)], tmp_path / "out" / "g", limits=limits)
    assert _left_over(tmp_path / "out") == set()


def test_the_nesting_limit_counts_elements_and_brackets(tmp_path: Path) -> None:
    deep = '{"http://e/p": ' * 3 + '"x"' + "}" * 3
    file = _write(tmp_path / "a.jsonld", deep)
    load_graph([file], tmp_path / "g", limits=LoadLimits(max_nesting=3))
    with pytest.raises(GraphLoadError, match="a.jsonld:1: nested too deeply: more than 2 brackets"):
        load_graph([file], tmp_path / "g", limits=LoadLimits(max_nesting=2))


def test_a_bracket_inside_a_string_is_no_nesting(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.jsonld", '{"@id": "http://e/a", "http://e/p": "[[[[\\"{{{{\\\\"}')
    load_graph([file], tmp_path / "g", limits=LoadLimits(max_nesting=1))
    assert _triples(tmp_path / "g") == {(A, P, literal('[[[["{{{{\\'))}


def test_limits_refuse_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="timeout_s is 0"):
        LoadLimits(timeout_s=0)


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_what_is_not_a_file_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.ttl"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(GraphLoadError, match=r"x\.ttl: (cannot be opened|this is a folder|this is not a regular file)"):
        load_graph([path], tmp_path / "g")


def test_no_source_and_an_unknown_format_are_wrong_arguments(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no file"):
        load_graph([], tmp_path / "g")
    with pytest.raises(ValueError, match="unknown RDF format 'csv'"):
        load_graph(["a.csv"], tmp_path / "g", format="csv")


def test_text_direction_is_dropped_and_counted(tmp_path: Path) -> None:
    report = load_graph([_write(tmp_path / "a.ttl", '<http://e/a> <http://e/p> "x"@ar--rtl .')], tmp_path / "g")
    assert report.skipped == (("text direction of a literal", 1),)
    assert _triples(tmp_path / "g") == {(A, P, literal("x", lang="ar"))}


def test_what_a_killed_load_left_is_cleaned_up_and_a_running_one_is_not(tmp_path: Path) -> None:
    out = tmp_path / "out"
    slow = tmp_path / "slow.nt"
    slow.write_text("".join(f"<http://e/a> <http://e/p> <http://e/n{i}> .\n" for i in range(300_000)))
    code = "import sys; from pathlib import Path; from kgqa.stores.loading import load_graph;"
    code += "load_graph([sys.argv[1]], Path(sys.argv[2]))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    loader = subprocess.Popen([sys.executable, "-c", code, str(slow), str(out / "g")], env=environment)
    try:
        deadline = time.monotonic() + 20
        while not list(out.glob(".building-*[0-9a-f]")) and time.monotonic() < deadline:
            time.sleep(0.01)
        clean_up(out)
        assert list(out.glob(".building-*[0-9a-f]")), "a running load keeps its place"
    finally:
        loader.send_signal(signal.SIGKILL)
        loader.wait()
    deadline = time.monotonic() + 20
    while _left_over(out) and time.monotonic() < deadline:
        clean_up(out)
        time.sleep(0.05)
    assert _left_over(out) == set()


def test_a_replacement_interrupted_between_its_two_renames_is_undone(tmp_path: Path) -> None:
    load_graph([_write(tmp_path / "a.ttl", TURTLE)], tmp_path / "out" / "g")
    os.rename(tmp_path / "out" / "g", tmp_path / "out" / ".replaced-g-0123456789ab")
    clean_up(tmp_path / "out")
    assert _triples(tmp_path / "out" / "g") == TRIPLES


def test_a_removed_graph_leaves_nothing(tmp_path: Path) -> None:
    load_graph([_write(tmp_path / "a.ttl", TURTLE)], tmp_path / "out" / "g")
    remove_graph(tmp_path / "out" / "g")
    assert _left_over(tmp_path / "out") == set()


def test_a_file_in_the_working_folder_does_not_shadow_a_library_of_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyoxigraph.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [part for part in sys.path if part])
    load_graph([_write(tmp_path / "a.ttl", TURTLE)], tmp_path / "g")
    assert _triples(tmp_path / "g") == TRIPLES


def test_numbers_are_compared_by_value_whatever_their_spelling(tmp_path: Path) -> None:
    text = '<http://e/a> <http://e/p> "007"^^<http://www.w3.org/2001/XMLSchema#integer> .'
    load_graph([_write(tmp_path / "a.nt", text)], tmp_path / "g")
    rows = OxigraphStore.open(tmp_path / "g").select("SELECT ?n { ?s ?p ?n FILTER(?n = 7) }")
    assert rows == ((literal("007", XSD_INTEGER),),)

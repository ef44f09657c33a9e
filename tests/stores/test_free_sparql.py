from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest

from kgqa.datatypes import XSD_INTEGER, iri, literal
from kgqa.errors import QueryError
from kgqa.stores.free_sparql import SparqlLimits, SparqlWorker
from kgqa.stores.loading import load_graph
from kgqa.stores.oxigraph import STORE_FOLDER

CORPUS = Path(os.environ.get("KGQA_BADINPUTS") or Path(__file__).parents[2].parent / "shared" / "badinputs") / "sparql"
FAMILY = Path(__file__).parents[2] / "graphs" / "family.ttl"
NINE = "1 2 3 4 5 6 7 8 9"
NAMED = """<http://e/a> <http://e/p> 1 .
<http://e/g> { <http://e/b> <http://e/p> 2 }
"""
REFUSED = {
    "deep_groups.rq": "nested too deeply",
    "deep_parens.rq": "nested too deeply",
    "drop.rq": "updates are refused",
    "from_file.rq": "FROM <file:///etc/hostname> is refused",
    "from_http.rq": "FROM <http://127.0.0.1:8777/ttl-from> is refused",
    "from_named.rq": "FROM NAMED <http://127.0.0.1:8777/ttl-fromnamed> is refused",
    "insert.rq": "updates are refused",
    "load_file.rq": "updates are refused",
    "load_http.rq": "updates are refused",
    "query_then_update.rq": "column 29: this is not a SPARQL 1.1 query that only reads",
    "service.rq": "SERVICE is refused",
    "service_silent.rq": "SERVICE is refused",
    "service_var.rq": "SERVICE is refused",
}
LIMITED = {
    "cartesian.rq": "stopped after 4 s",
    "concat_blowup.rq": "stopped after 4 s|more memory than is allowed",
    "group_concat.rq": "stopped after 4 s|more memory than is allowed",
    "order_all.rq": "stopped after 4 s|more memory than is allowed",
    "path_star.rq": "stopped after 4 s",
}
FINISHES = {"long_values.rq": 10_000, "regex_redos.rq": 1, "replace_redos.rq": 1}


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparqlWorker]:
    """A worker over one triple in no named graph and one in <http://e/g>."""
    place = tmp_path_factory.mktemp("named")
    (place / "named.trig").write_text(NAMED)
    load_graph([place / "named.trig"], place / "graph")
    with SparqlWorker(place / "graph", SparqlLimits(timeout_s=8, max_rows=3)) as worker:
        yield worker


def test_a_select_gives_its_variables_and_rows(named: SparqlWorker) -> None:
    result = named.run("SELECT ?s ?o ?none { ?s <http://e/p> ?o FILTER(?o > 1) OPTIONAL { ?o ?o ?none } }")
    assert result.variables == ("s", "o", "none")
    assert result.rows == ((iri("http://e/b"), literal("2", XSD_INTEGER), None),)
    assert not result.truncated


def test_an_ask_gives_a_truth_value(named: SparqlWorker) -> None:
    assert named.run("ASK { <http://e/a> ?p 1 }").truth is True
    assert named.run("ASK { <http://e/a> ?p 2 }").truth is False


def test_construct_and_describe_give_triples(named: SparqlWorker) -> None:
    triple = (iri("http://e/a"), iri("http://e/p"), literal("1", XSD_INTEGER))
    for query in ("CONSTRUCT { ?s ?p ?o } { ?s ?p ?o FILTER(?o = 1) }", "DESCRIBE <http://e/a>"):
        result = named.run(query)
        assert result.variables == ("subject", "predicate", "object")
        assert result.rows == (triple,)


def test_a_graph_that_is_loaded_may_be_read_from(named: SparqlWorker) -> None:
    assert [row[0] for row in named.run("SELECT ?s FROM <http://e/g> { ?s ?p ?o }").rows] == [iri("http://e/b")]
    query = "SELECT ?s FROM NAMED <http://e/g> { GRAPH ?g { ?s ?p ?o } }"
    assert [row[0] for row in named.run(query).rows] == [iri("http://e/b")]


def test_rows_past_the_limit_are_cut_and_the_result_says_so(named: SparqlWorker) -> None:
    assert not named.run("SELECT * { VALUES ?x { 1 2 3 } }").truncated
    cut = named.run("SELECT * { VALUES ?x { 1 2 3 4 } }")
    assert len(cut.rows) == 3 and cut.truncated


def test_text_past_the_limit_is_cut_and_the_result_says_so(named: SparqlWorker) -> None:
    with SparqlWorker(named.folder, SparqlLimits(max_bytes=10)) as worker:
        cut = worker.run('SELECT * { VALUES ?x { "123456" "123456" } }')
    assert len(cut.rows) == 1 and cut.truncated


def test_a_stopped_query_leaves_the_worker_usable(named: SparqlWorker) -> None:
    with SparqlWorker(named.folder, SparqlLimits(timeout_s=1)) as worker:
        started = time.monotonic()
        with pytest.raises(QueryError, match="stopped after 1 s"):
            worker.run("SELECT (COUNT(*) AS ?n) {" + "".join(f"VALUES ?v{i} {{ {NINE} }}" for i in range(12)) + "}")
        assert time.monotonic() - started < 5
        assert worker.run("ASK { ?s ?p ?o }").truth is True


def test_the_stack_of_the_engine_takes_only_the_child_along(named: SparqlWorker) -> None:
    nested = "SELECT * " + "{" * 6000 + "}" * 6000
    with pytest.raises(QueryError, match="nested too deeply"):
        named.run(nested)
    assert named.run("ASK { ?s ?p ?o }").truth is True


def test_threads_share_one_worker(named: SparqlWorker) -> None:
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(len(named.run(f"SELECT * {{ BIND({n} AS ?x) }}").rows)))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert answers == [1] * 8


def test_a_folder_without_a_graph_is_one_line(tmp_path: Path) -> None:
    with SparqlWorker(tmp_path) as worker, pytest.raises(QueryError, match="cannot be opened") as caught:
        worker.run("ASK {}")
    assert "\n" not in str(caught.value)


def test_a_worker_without_a_folder_checks_and_runs_nothing() -> None:
    with SparqlWorker(None) as worker:
        assert worker.check("SELECT * { ?s ?p '\\u0041' }") == ("SELECT * { ?s ?p 'A' }", "SELECT")
        with pytest.raises(QueryError, match="SERVICE is refused"):
            worker.check("SELECT * { SERVICE <http://e/> { } }")


@pytest.mark.parametrize("limits", [{"timeout_s": 0.0}, {"max_rows": -1}, {"memory_bytes": 0}])
def test_a_limit_that_is_not_positive_is_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected a positive number"):
        SparqlLimits(**limits)


# -- no way out of the machine


UNCHECKED = """
import json, sys
import pyoxigraph as ox
from kgqa.errors import QueryError
from kgqa.stores.sparql_worker import deny_network, run_query
denied = deny_network() if sys.argv[1] == "deny" else None
query = "SELECT * { SERVICE <http://127.0.0.1:8777/svc> { ?s ?p ?o } }"
try:
    run_query(ox.Store(), query, max_rows=1, max_bytes=100)
except QueryError:
    pass
print(denied)
"""


def _run_unchecked(word: str) -> str:
    import subprocess
    import sys

    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-c", UNCHECKED, word], capture_output=True, text=True, timeout=60, check=True, cwd=root
    )
    return run.stdout.strip()


def test_the_worker_process_cannot_reach_the_network_even_unchecked(canary: list[str]) -> None:
    """The control run shows that the same query does reach it where nothing denies it."""
    if _run_unchecked("deny") != "True":
        pytest.skip("this system has no seccomp filters")
    time.sleep(0.2)
    assert canary == []
    _run_unchecked("allow")
    time.sleep(0.2)
    assert canary != []


@pytest.fixture(scope="module")
def corpus_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparqlWorker]:
    """A worker over 20,000 triples: enough for every query that is meant to blow up."""
    place = tmp_path_factory.mktemp("corpus")
    lines = (f"<http://e/{i}> <http://e/p{i % 7}> <http://e/{(i * 7) % 20_000}> .\n" for i in range(20_000))
    (place / "many.nt").write_text("".join(lines) + '<http://e/0> <http://e/name> "aaaaaaaaaaaaaaaaaaaaaaaaaaaa!" .\n')
    (place / "redos.nt").write_text('<http://e/0> <http://e/name> "aaaa" .\n')
    load_graph([place / "many.nt", place / "redos.nt"], place / "graph")
    with SparqlWorker(place / "graph", SparqlLimits(timeout_s=4)) as worker:
        yield worker


needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="no bad-input corpus; set KGQA_BADINPUTS to its folder")


@needs_corpus
def test_the_tables_name_every_query_of_the_corpus() -> None:
    assert {path.name for path in CORPUS.iterdir()} == REFUSED.keys() | LIMITED.keys() | FINISHES.keys()


@needs_corpus
@pytest.mark.parametrize("name", [*REFUSED, *LIMITED])
def test_a_hostile_query_is_refused_or_stopped_in_one_line(
    name: str, corpus_worker: SparqlWorker, canary: list[str]
) -> None:
    started = time.monotonic()
    with pytest.raises(QueryError, match={**REFUSED, **LIMITED}[name]) as caught:
        corpus_worker.run((CORPUS / name).read_text())
    assert time.monotonic() - started < 10
    assert "\n" not in str(caught.value)
    assert canary == []
    assert corpus_worker.run("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }").rows == ((literal("20002", XSD_INTEGER),),)


@needs_corpus
@pytest.mark.parametrize("name", FINISHES)
def test_a_heavy_query_that_can_finish_does(name: str, corpus_worker: SparqlWorker) -> None:
    assert len(corpus_worker.run((CORPUS / name).read_text()).rows) == FINISHES[name]


def test_the_store_is_not_changed_by_what_is_run(tmp_path: Path) -> None:
    load_graph([FAMILY], tmp_path / "family")
    before = sum(1 for _ in ox.Store.read_only(str(tmp_path / "family" / STORE_FOLDER)))
    with SparqlWorker(tmp_path / "family") as worker:
        for query in ("DROP ALL", "DELETE WHERE { ?s ?p ?o }", "SELECT * { ?s ?p ?o }"):
            try:
                worker.run(query)
            except QueryError:
                continue
    assert sum(1 for _ in ox.Store.read_only(str(tmp_path / "family" / STORE_FOLDER))) == before

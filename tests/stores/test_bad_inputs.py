"""Hostile and broken files lead to a one-line error or a correct graph, never further.

The corpus lies outside the repository: KGQA_BADINPUTS, else shared/badinputs beside the checkout.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from kgqa.datatypes import XSD_INTEGER, iri, literal
from kgqa.errors import GraphLoadError
from kgqa.stores.loading import load_graph
from kgqa.stores.oxigraph import OxigraphStore

CORPUS = Path(os.environ.get("KGQA_BADINPUTS") or Path(__file__).parents[2].parent / "shared" / "badinputs")
MAX_SECONDS = 10

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="no bad-input corpus; set KGQA_BADINPUTS to its folder")

DTD = "DTD entities not allowed"
REMOTE = "remote @context not allowed"
REFUSED = {
    "rdfxml/billion_laughs.rdf": f":2:15: {DTD}",
    "rdfxml/quadratic_blowup.rdf": DTD,
    "rdfxml/laughs_300KB.rdf": DTD,
    "rdfxml/xxe_external_dtd.rdf": DTD,
    "rdfxml/xxe_file.rdf": DTD,
    "rdfxml/xxe_http.rdf": DTD,
    "rdfxml/xxe_parameter_entity.rdf": DTD,
    "rdfxml/truncated.rdf": ":2:.*the XML is truncated",
    "rdfxml/html_login_page.rdf": "an HTML page",
    "rdfxml/utf16_declared_utf8.rdf": "the encoding is UTF-16",
    "rdfxml/deep_nesting.rdf": ":2:.*nested too deeply",
    "turtle/binary_png.ttl": "a PNG image",
    "turtle/invalid_utf8.ttl": ":1: the encoding is not UTF-8 .byte 0xFF",
    "turtle/latin1.ttl": ":1: the encoding is not UTF-8 .byte 0xE9",
    "turtle/good_then_bad.ttl": ":1001:27: ",
    "turtle/empty.ttl": "no triples found",
    "turtle/only_comments.ttl": "no triples found",
    "turtle/iri_space.ttl": ":1:1: ",
    "turtle/bad_iri_injection.ttl": ":1:1: ",
    "turtle/bad_prefix.ttl": ":2:1: The prefix x: has not been declared",
    "turtle/lone_surrogate.ttl": ":1:28: ",
    "turtle/rdf12_triple_term.ttl": "RDF 1.2 triple terms.* are not supported",
    "nt/one_bad_line_in_1000.nt": ":501:27: ",
    "nt/relative_iri.nt": ":1:1: a relative IRI",
    "nt/turtle_named_nt.nt": ":1:1: .*looks like turtle",
    "trig/bad_nested.trig": ":1:31: ",
    "jsonld/deep_array.jsonld": ":1: nested too deeply",
    "jsonld/deep_nodes.jsonld": ":1: nested too deeply",
    "jsonld/remote_context.jsonld": REMOTE,
    "jsonld/redirect_context.jsonld": REMOTE,
    "jsonld/import_context.jsonld": REMOTE,
    "jsonld/relative_context.jsonld": REMOTE,
    "jsonld/file_context.jsonld": REMOTE,
    "jsonld/huge_int.jsonld": ":1: a number too large",
    "jsonld/truncated.jsonld": ":1:35: ",
    "archives/bomb_100MB.nt.gz": "longer than 16 MiB|gzip bomb",
    "archives/bomb_valid_triples_100MB.nt.gz": "gzip bomb .limit max_ratio",
    "archives/bomb_nested.ttl.gz.gz": "gzip inside gzip",
    "archives/truncated.nt.gz": "cut short",
    "archives/not_gzip.ttl.gz": "not gzip data",
    "archives/bomb_100MB.zip": "zip archives are not read",
    "archives/zip_slip.zip": "zip archives are not read",
}
# Counted in the files: a statement a line, or by their generators' names; long_list has 20,000 cells of two triples +
# 1.
ACCEPTED = {
    "turtle/utf8_bom.ttl": 1,
    "turtle/owl_imports_remote.ttl": 2,
    "turtle/ill_typed_literals.ttl": 10,
    "turtle/no_labels.ttl": 50,
    "turtle/bnodes_only.ttl": 20,
    "turtle/all_same_label.ttl": 600,
    "turtle/self_loops_cycles.ttl": 6,
    "turtle/hub_20k.ttl.gz": 20_000,
    "turtle/long_list.ttl": 40_001,
    "turtle/nul_byte.ttl": 1,
    "turtle/deep_bnodes.ttl": 5001,
    "turtle/deep_lists.ttl": 9999,
    "nt/crlf_mixed.nt": 3,
    "nt/huge_literal_5MB.nt.gz": 1,
    "trig/named_graphs.trig": 2,
    "jsonld/dup_keys.jsonld": 2,
    "labels/hostile_labels.ttl": 89,
    "labels/redos_labels.ttl": 21,
}
OLD = (iri("http://e/old"), iri("http://e/p"), iri("http://e/o"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with one good graph, `old`, that every later load tries to replace."""
    place = tmp_path_factory.mktemp("graphs")
    (place / "old.nt").write_text(" ".join(term.n3() for term in OLD) + " .")
    load_graph([place / "old.nt"], place / "old")
    return place


def test_the_tables_name_every_file_that_could_be_parsed() -> None:
    kinds = ("rdfxml", "turtle", "nt", "trig", "jsonld", "archives", "labels")
    present = {f"{kind}/{path.name}" for kind in kinds for path in (CORPUS / kind).iterdir()}
    assert present == REFUSED.keys() | ACCEPTED.keys()


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_in_one_line_and_the_old_graph_still_answers(
    name: str, folder: Path, canary: list[str]
) -> None:
    started = time.monotonic()
    with pytest.raises(GraphLoadError, match=REFUSED[name]) as caught:
        load_graph([CORPUS / name], folder / "old")
    assert time.monotonic() - started < MAX_SECONDS
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(Path(name).name)
    assert canary == []
    assert list(OxigraphStore.open(folder / "old").triples()) == [OLD]
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"old"}


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_odd_file_is_loaded_whole(name: str, tmp_path: Path, canary: list[str]) -> None:
    report = load_graph([CORPUS / name], tmp_path / "g")
    assert report.n_triples == ACCEPTED[name]
    assert report.seconds < MAX_SECONDS
    assert canary == []


def test_ill_typed_literals_are_shown_verbatim(tmp_path: Path) -> None:
    load_graph([CORPUS / "turtle/ill_typed_literals.ttl"], tmp_path / "g")
    store = OxigraphStore.open(tmp_path / "g")
    assert store.select("SELECT ?o { ?s <http://e/n> ?o }") == ((literal("abc", XSD_INTEGER),),)
    [(date,)] = store.select("SELECT ?o { ?s <http://e/d> ?o }")
    assert date is not None
    assert date.value == "2024-13-45"


def test_json_ld_that_repeats_a_key_keeps_both_values(tmp_path: Path) -> None:
    load_graph([CORPUS / "jsonld/dup_keys.jsonld"], tmp_path / "g")
    assert {o.value for _, _, o in OxigraphStore.open(tmp_path / "g").triples()} == {"a", "b"}

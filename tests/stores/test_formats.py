from __future__ import annotations

import pytest

from kgqa.errors import GraphLoadError
from kgqa.stores.formats import (
    RdfSyntax,
    choose_syntax,
    sniff_syntax,
    stem,
    syntax_from_flag,
    syntax_from_name,
)


@pytest.mark.parametrize(
    ("name", "syntax"),
    [
        ("a.ttl", "turtle"),
        ("A.TTL.GZ", "turtle"),
        ("a.nt.gz", "ntriples"),
        ("a.nq", "nquads"),
        ("a.trig", "trig"),
        ("a.rdf", "rdfxml"),
        ("a.jsonld", "jsonld"),
        ("a.json", None),
        ("a.txt", None),
        ("ttl", None),
        (".gz", None),
    ],
)
def test_a_name_promises_a_syntax_only_by_an_unambiguous_suffix(name: str, syntax: RdfSyntax | None) -> None:
    assert syntax_from_name(name) == syntax


@pytest.mark.parametrize(
    ("head", "syntax"),
    [
        (b"<http://e/s> <http://e/p> <http://e/o> .\n", "ntriples"),
        (b'# note\n<http://e/s> <http://e/p> "a . {"@en .', "ntriples"),
        (b'<http://e/s> <http://e/p> "a"^^<http://e/d> <http://e/g> .\n', "nquads"),
        (b"@prefix e: <http://e/> .\ne:a e:b e:c .", "turtle"),
        (b"PREFIX e: <http://e/>\ne:a e:b e:c .", "turtle"),
        (b'<http://e/s> <http://e/p> "{" ; <http://e/q> 1 .', "turtle"),
        (b"@prefix e: <http://e/> . e:g { e:a e:b e:c }", "trig"),
        (b"{ <http://e/s> <http://e/p> 1 }", "trig"),
        (b'\xef\xbb\xbf  {"@id": "http://e/s"}', "jsonld"),
        (b'[{"@id": "http://e/s"}]', "jsonld"),
        (b'<?xml version="1.0"?><x/>', "rdfxml"),
        (b'<rdf:RDF\n xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">', "rdfxml"),
        (b"", None),
        (b"# only a comment", None),
        (b"name,age\nanna,61\n", None),
    ],
)
def test_content_tells_the_syntax(head: bytes, syntax: RdfSyntax | None) -> None:
    assert sniff_syntax(head) == syntax


@pytest.mark.parametrize("head", [b"<!doctype html><html>", b" <HTML lang='en'>", b"<!-- hi --><!DOCTYPE html>"])
def test_a_web_page_is_refused_by_name(head: bytes) -> None:
    with pytest.raises(GraphLoadError, match="page.rdf: this is an HTML page"):
        sniff_syntax(head, name="page.rdf")


def test_a_flag_beats_the_name_and_the_name_beats_the_content() -> None:
    assert choose_syntax("a.ttl", "rdfxml", flag="nt") == "ntriples"
    assert choose_syntax("a.ttl", "rdfxml") == "turtle"
    assert choose_syntax("a.owl", "turtle") == "turtle"
    assert choose_syntax("a.owl", None) == "rdfxml"


def test_a_file_that_tells_nothing_is_refused_with_the_choices() -> None:
    with pytest.raises(GraphLoadError, match="cannot tell the RDF format; name one of: turtle, "):
        choose_syntax("notes", None)


def test_an_unknown_flag_names_the_nearest_format() -> None:
    assert syntax_from_flag("RDF/XML") == "rdfxml"
    with pytest.raises(ValueError, match="unknown RDF format 'turtel'.*did you mean turtle"):
        syntax_from_flag("turtel")


@pytest.mark.parametrize(
    ("name", "expected"), [("films.ttl.gz", "films"), ("a.b.nt", "a.b"), ("x.json", "x"), ("README", "README")]
)
def test_the_stem_drops_suffix_and_gz(name: str, expected: str) -> None:
    assert stem(name) == expected

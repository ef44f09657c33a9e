"""The text indexes of SPARQL engines, which each has its own way to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from kgqa.datatypes import Term, literal
from kgqa.index.text import tokenize
from kgqa.protocols import Triple
from kgqa.stores.remote_queries import RemoteReader

SEARCH_S = 6.0
_MIN_LETTERS = 5


def _virtuoso(predicate: Term, word: str) -> str:
    return f"?s {predicate.n3()} ?l . ?l <bif:contains> {literal(_quoted(word)).n3()}"


def _quoted(word: str) -> str:
    return f"'{word}'" if word.isalnum() else "''"


def _jena(predicate: Term, word: str) -> str:
    return f"?s <http://jena.apache.org/text#query> {literal(word).n3()} . ?s {predicate.n3()} ?l"


def _blazegraph(predicate: Term, word: str) -> str:
    return f"?l <http://www.bigdata.com/rdf/search#search> {literal(word).n3()} . ?s {predicate.n3()} ?l"


def _stardog(predicate: Term, word: str) -> str:
    return f"?l <tag:stardog:api:property:textMatch> {literal(word).n3()} . ?s {predicate.n3()} ?l"


TEXT_INDEXES: Mapping[str, Callable[[Term, str], str]] = {
    "virtuoso": _virtuoso,
    "jena": _jena,
    "blazegraph": _blazegraph,
    "stardog": _stardog,
}
"""Each known text index -> the pattern by which it finds ?s by a word of its label ?l."""


def find_text_index(reader: RemoteReader, labels: Iterable[Triple]) -> str:
    """Return which text index the engine has: the first that finds a known label by its longest word, or none."""
    for _, predicate, label in labels:
        words = [word for _, _, word in tokenize(label.value) if word.isascii() and word.isalpha()]
        word = max(words, key=len, default="")
        if len(word) >= _MIN_LETTERS:
            for name, pattern in TEXT_INDEXES.items():
                query = f"SELECT ?s ?l WHERE {{ {pattern(predicate, word)} }} LIMIT 1"
                if reader.rows(query, optional=True, timeout_s=SEARCH_S):
                    return name
            return ""
    return ""

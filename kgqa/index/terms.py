"""The terms of a graph: numbered as they stream by, then kept as sorted columns.

A term's id is its place among the IRIs, literals and blank nodes, in that order, each sorted by its text. So ids do not
depend on the order of the triples, and a term is found by bisection in the very text that is shown.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from kgqa.datatypes import Term, TermKind
from kgqa.index.arrays import Ids
from kgqa.index.values import literal_value

KINDS: tuple[TermKind, ...] = ("uri", "literal", "bnode")
URI, LITERAL, BNODE = 0, 1, 2
_MARKS = {"<": URI, '"': LITERAL, "_": BNODE}
_ESCAPE = re.compile(r"\\(?:([tbnrf\"'\\])|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))")
_ESCAPED = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f", '"': '"', "'": "'", "\\": "\\"}


class TripleBuffer:
    """Triples on their way into an index.

    `ids` numbers terms, written in N-Triples syntax, in order of appearance: to look one up is to number it.
    """

    def __init__(self) -> None:
        self.ids: dict[str, int] = defaultdict(count().__next__)
        self._batches: list[Ids] = []

    def extend(self, terms: Iterable[str]) -> None:
        """Add triples: a subject, a predicate and an object, again and again."""
        self._batches.append(np.fromiter(map(self.ids.__getitem__, terms), np.int32).reshape(-1, 3))

    def add_terms(self, triples: Iterable[tuple[Term, Term, Term]]) -> None:
        """Number the terms of `triples` and add them."""
        self.extend(term.n3() for triple in triples for term in triple)

    def rows(self) -> Ids:
        """Return the triples added so far. Shape: (n, 3)."""
        return np.concatenate([np.empty((0, 3), np.int32), *self._batches])


@dataclass(frozen=True, slots=True)
class TermColumns:
    """The terms by id. `text` holds IRIs, lexical forms and blank node ids, `text_start` where each starts.

    `datatype` and `lang` are places in `datatypes` and `langs`, or -1; `value_kind` and `value` are those of
    `kgqa.index.values`.
    """

    kind: NDArray[np.uint8]
    text_start: NDArray[np.int64]
    text: NDArray[np.uint8]
    datatype: Ids
    lang: Ids
    datatypes: tuple[str, ...]
    langs: tuple[str, ...]
    value_kind: NDArray[np.uint8]
    value: NDArray[np.float64]


def make_columns(keys: Sequence[str]) -> tuple[TermColumns, Ids]:
    """Return the columns of distinct terms in N-Triples syntax, and the id of each key. Shape of the ids: (len(keys),).
    """
    texts: list[str] = []
    sort_keys: list[str] = []
    suffixes: dict[int, tuple[str | None, str | None]] = {}
    by_kind: tuple[list[int], list[int], list[int]] = ([], [], [])
    for place, key in enumerate(keys):
        kind = _MARKS[key[0]]
        by_kind[kind].append(place)
        if kind == LITERAL:
            text, datatype, lang = split_literal(key)
            sort_keys.append(_sort_key(text, datatype, lang))
            if datatype or lang:
                suffixes[place] = (datatype, lang)
        else:
            text = key[1:-1] if kind == URI else key[2:]
            sort_keys.append(text)
        texts.append(text)
    order = [place for places in by_kind for place in sorted(places, key=sort_keys.__getitem__)]
    del sort_keys
    ids = np.empty(len(keys), np.int32)
    ids[np.array(order, np.int64)] = np.arange(len(keys), dtype=np.int32)
    datatypes = tuple(sorted({datatype for datatype, _ in suffixes.values() if datatype}))
    langs = tuple(sorted({lang for _, lang in suffixes.values() if lang}))
    place_of_datatype = {name: place for place, name in enumerate(datatypes)}
    place_of_lang = {name: place for place, name in enumerate(langs)}
    datatype_column, lang_column = np.full(len(keys), -1, np.int32), np.full(len(keys), -1, np.int32)
    value_kind, value = np.zeros(len(keys), np.uint8), np.full(len(keys), np.nan)
    for place, (datatype, lang) in suffixes.items():
        node = ids[place]
        if datatype:
            datatype_column[node] = place_of_datatype[datatype]
            value_kind[node], value[node] = literal_value(texts[place], datatype)
        elif lang:
            lang_column[node] = place_of_lang[lang]
    encoded = [texts[place].encode("utf-8", "surrogatepass") for place in order]
    text_start = np.zeros(len(keys) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=text_start[1:])
    columns = TermColumns(
        kind=np.repeat(np.arange(3, dtype=np.uint8), [len(places) for places in by_kind]),
        text_start=text_start,
        text=np.frombuffer(b"".join(encoded), np.uint8),
        datatype=datatype_column,
        lang=lang_column,
        datatypes=datatypes,
        langs=langs,
        value_kind=value_kind,
        value=value,
    )
    return columns, ids


def sort_key_of(term: Term) -> str:
    """Return what terms of one kind are sorted by."""
    return _sort_key(term.value, term.datatype, term.lang)


def _sort_key(text: str, datatype: str | None, lang: str | None) -> str:
    return f"{text}\0{datatype or ''}\0{lang or ''}" if datatype or lang else text


def split_literal(key: str) -> tuple[str, str | None, str | None]:
    """Return (lexical form, datatype, language) of a literal in N-Triples syntax."""
    datatype = lang = None
    if key[-1] == '"':
        text = key[1:-1]
    elif key[-1] == ">":
        end = key.rindex('"^^<')
        text, datatype = key[1:end], key[end + 4 : -1]
    else:
        end = key.rindex('"@')
        text, lang = key[1:end], key[end + 2 :]
    return _ESCAPE.sub(_unescape, text) if "\\" in text else text, datatype, lang


def _unescape(match: re.Match[str]) -> str:
    named, short, long = match.groups()
    return _ESCAPED[named] if named else chr(int(short or long, 16))

"""Which predicates name the things of a graph that uses none of the usual label predicates.

Graphs made from tables keep names in columns of their own, such as `ex:companyName`, codes such as `ex:order_no`, and
people's names in two.
A predicate names things where its own words say so, where its texts are hardly ever shared, and where most of its
subjects have no name yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kgqa.index.arrays import Ids, distinct
from kgqa.index.terms import LITERAL, URI
from kgqa.index.text import local_name, normalize
from kgqa.index.values import NO_VALUE

if TYPE_CHECKING:
    from kgqa.index.graph_index import GraphIndex

_NAMES = frozenset("name title label caption designation nom nombre nome titel titre titulo bezeichnung".split())
_CODES = frozenset("no number num nr code cd id key sku identifier ref reference symbol notation acronym".split())
_OF_SOMETHING_ELSE = frozenset(
    "job first given middle last family maiden user nick file path host domain phone fax tel mobile account".split()
)
_FIRST_NAMES = frozenset(("first name", "given name", "forename", "prenom", "vorname", "nombre de pila"))
_LAST_NAMES = frozenset(("last name", "family name", "surname", "nom de famille", "nachname", "apellido", "apellidos"))
_MIN_DISTINCT = 0.6
_MAX_PER_SUBJECT = 1.2
_MAX_MEDIAN_LENGTH = 80


def naming_predicates(index: GraphIndex) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return (names, codes), dense ids of predicates in the order in which they are consulted.

    Codes are shown where there is no name, but stay facts that can be asked for.
    """
    named = np.zeros(index.n_terms, np.bool_)
    named[index.label_rows[0]] = True
    names: list[int] = []
    codes: list[int] = []
    for is_code, _, _, predicate in sorted(_candidates(index)):
        subjects = _named_by(index, predicate, must_differ=is_code)
        if len(subjects) == 0 or named[subjects].mean() > 0.5:
            continue
        named[subjects] = True
        (codes if is_code else names).append(predicate)
    return tuple(names), tuple(codes)


def full_names(index: GraphIndex) -> dict[int, str]:
    """Return the nodes that have a first and a last name and no other -> both together."""
    labels = [normalize(label) for label in index.predicate_labels]
    named = np.zeros(index.n_terms, np.bool_)
    named[index.label_rows[0]] = True
    parts: list[dict[int, int]] = [{}, {}]
    for part, words in zip(parts, (_FIRST_NAMES, _LAST_NAMES), strict=True):
        for predicate in index.relation_predicates:
            if labels[predicate] in words:
                subjects, ends = index.pairs(predicate)
                keep = (index.kind[subjects] == URI) & (index.kind[ends] == LITERAL) & ~named[subjects]
                for subject, end in zip(subjects[keep].tolist(), ends[keep].tolist(), strict=True):
                    part.setdefault(subject, end)
    first, last = parts
    both = sorted(first.keys() & last.keys())
    return {node: f"{index.text_of(first[node])} {index.text_of(last[node])}" for node in both}


def _candidates(index: GraphIndex) -> list[tuple[bool, bool, int, int]]:
    """Return (is it a code, has it other words, minus its triples, predicate) of those whose words say that they name.
    """
    found = []
    for predicate in index.relation_predicates:
        words = normalize(index.predicate_labels[predicate]).split()
        if words and words[-1] in _NAMES | _CODES and not _OF_SOMETHING_ELSE & set(words):
            found.append((words[-1] not in _NAMES, len(words) > 1, -len(index.pairs(predicate)[0]), predicate))
    return found


def _named_by(index: GraphIndex, predicate: int, *, must_differ: bool) -> Ids:
    """Return the subjects of a predicate, sorted, if its ends are texts that tell them apart; else nothing."""
    subjects, ends = index.pairs(predicate)
    texts = (index.kind[ends] == LITERAL) & (index.value_kind[ends] == NO_VALUE)
    things = distinct(subjects[index.kind[subjects] == URI])
    values = distinct(ends[texts])
    if not texts.all() or len(things) == 0 or len(ends) > _MAX_PER_SUBJECT * len(things):
        return things[:0]
    if len(values) < (1.0 if must_differ else _MIN_DISTINCT) * len(things):
        return things[:0]
    if must_differ and not _has_digits(index, things).mean() > 0.5:  # things with readable IRIs need no code
        return things[:0]
    starts: NDArray[np.int64] = index.text_start
    lengths = starts[values.astype(np.int64) + 1] - starts[values]
    return things if np.median(lengths) <= _MAX_MEDIAN_LENGTH else things[:0]


def _has_digits(index: GraphIndex, nodes: Ids) -> NDArray[np.bool_]:
    names = map(local_name, index.texts_of(nodes[:1000]))
    return np.array([any(char.isdigit() for char in name) for name in names], np.bool_)

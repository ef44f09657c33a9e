"""How labels and questions are normalised before they are compared."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z]{2})")
_SEPARATORS = re.compile(r"[_\-.+]+|%20")
_LETTERS = r"(?:[^\W_][\u0300-\u036f]*)+"  # an accent may be a character of its own
_WORD = re.compile(rf"{_LETTERS}(?:['’]{_LETTERS})*|[#&]")
_ASCII_WORD = re.compile(r"[a-z0-9]+|[#&]")
_ELISION = re.compile(r"^(?:d|l|qu|n|s|j|c|m|t)['’](?=\w{2})", re.IGNORECASE)
_OPAQUE = re.compile(r"^[A-Za-z]{0,4}[-_]?\d+$")
_KEY = re.compile(r"^(?=.*\d)[A-Za-z0-9_=;-]+$")
_COLUMN = re.compile(r"[^;=]+=")  # of a row's key in the W3C's direct mapping: POLICY_ID=7
_KEY_WORD = re.compile(r"[A-Za-z]{4,}")
_NUMBERED = re.compile(r"^[A-Z]{1,3}\d+[a-z]?_(?=[A-Za-z]{2})")  # P108i_was_produced_by, E21_Person

_MIN_SHOUTED = 5  # letters of a name all in capitals that is a word rather than an abbreviation

# "s" forms that are not plurals, and the irregular plurals that occur as class words.
_NOT_PLURAL = frozenset("is was his this its us bus gas plus has as does yes thus series species news".split())
_IRREGULAR = {
    "people": "person", "children": "child", "men": "man", "women": "woman", "cities": "city", "countries": "country",
    "wives": "wife", "lives": "life", "mice": "mouse", "feet": "foot", "movies": "movie", "cookies": "cookie",
    "criteria": "criterion", "matrices": "matrix", "indices": "index", "analyses": "analysis", "theses": "thesis",
    "statuses": "status", "heroes": "hero", "leaves": "leaf", "knives": "knife", "phenomena": "phenomenon",
}  # fmt: skip


@lru_cache(maxsize=200_000)
def fold(text: str) -> str:
    """Return `text` lower-cased, without accents, with typographic quotes and dashes made plain.

    Keeps one character where it can, but may change the length (ß to ss): never use its offsets on the original.
    """
    decomposed = unicodedata.normalize("NFKD", text.replace("’", "'").replace("–", "-").replace("—", "-"))
    stripped = "".join(char for char in decomposed if not unicodedata.combining(char))
    return stripped.replace("ł", "l").replace("Ł", "l").replace("ø", "o").replace("Ø", "o").casefold()


@lru_cache(maxsize=100_000)
def singular(word: str) -> str:
    """Return the singular of a folded English word; other words come back unchanged."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or word in _NOT_PLURAL or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "zes", "sses")):
        return word[:-2]
    return word[:-1]


def tokenize(text: str) -> list[tuple[int, int, str]]:
    """Return the words of `text` as (start, end, folded word); a trailing "'s" is not part of the word."""
    tokens = []
    for match in _WORD.finditer(text):
        start, end = match.span()
        word = match.group()
        if elided := _ELISION.match(word):
            tokens.append((start, start + elided.end() - 1, fold(word[: elided.end() - 1])))
            start, word = start + elided.end(), word[elided.end() :]
        folded = fold(word)
        if folded.endswith("'s"):
            folded, end = folded[:-2], end - 2
        tokens.append((start, end, folded.replace("'", "")))
    return [token for token in tokens if token[2]]


@lru_cache(maxsize=200_000)
def normalize(text: str) -> str:
    """Return the form under which labels are compared: folded, punctuation gone, each word singular."""
    if text.isascii() and "'" not in text:  # the same, several times quicker
        words = _ASCII_WORD.findall(text.lower())
        return " ".join([singular(word) if word[-1] == "s" or word in _IRREGULAR else word for word in words])
    return " ".join(singular(word) for _, _, word in tokenize(text))


def local_name(iri: str) -> str:
    """Return the last part of an IRI: after its `#`, else after its last `/` or `:`."""
    trimmed = iri.rstrip("/#")
    for separator in ("#", "/", ":"):
        _, found, tail = trimmed.rpartition(separator)
        if found and tail:
            return tail
    return trimmed


@lru_cache(maxsize=200_000)
def split_local_name(iri: str) -> str:
    """Return readable words from an IRI: `.../productionBudgetUSD` gives "production budget USD".

    Identifiers such as Q42 or EMP-1045 stay whole, abbreviations in capitals; `FIRST_NAME` does not. The numbers of
    ontologies go: `P108i_was_produced_by` gives "was produced by".
    """
    name = local_name(iri)
    if _OPAQUE.match(name):
        return name
    name = _NUMBERED.sub("", name)
    spaced = _CAMEL.sub(" ", _SEPARATORS.sub(" ", name))
    if name.isupper() and ("_" in name or len(name) >= _MIN_SHOUTED):
        spaced = spaced.lower()
    words = [word if word.isupper() and len(word) > 1 else word.lower() for word in spaced.split()]
    return " ".join(words) or name


def is_opaque(iri: str) -> bool:
    """Return whether the local name is an identifier that carries no words, such as P31 or EMP-1045."""
    return bool(_OPAQUE.match(local_name(iri)))


def is_mere_key(iri: str) -> bool:
    """Return whether the local name only tells a thing from others, such as APT-0001, e824tw or a hash."""
    name = _COLUMN.sub("", local_name(iri))
    return bool(_KEY.match(name)) and not _KEY_WORD.search(name)

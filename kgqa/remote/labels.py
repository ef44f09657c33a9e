"""Which labels and values of a remote graph a question may name: looked up by exact values, in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kgqa.datatypes import iri, literal
from kgqa.index.text import fold, normalize, singular, tokenize
from kgqa.linking.words import FUNCTION_WORDS
from kgqa.protocols import Triple
from kgqa.stores.remote_profile import Profile
from kgqa.stores.remote_queries import RemoteReader
from kgqa.stores.remote_text import SEARCH_S, TEXT_INDEXES

MAX_WORDS = 7
MAX_QUESTION_WORDS = 60
MAX_LANGUAGES = 6
MAX_SEARCHED = 4
MAX_SCANNED_LABELS = 2_000_000
_FOUND_ROWS = 1000
_PARTIAL_ROWS = 200


def look_up(reader: RemoteReader, profile: Profile, text: str) -> list[Triple]:
    """Return the triples whose object is a part of the question, spelled and cased in several ways.

    Words that name nothing that way are searched for within labels, by the engine's text index where it has one. Raises
    EndpointError.
    """
    forms = list(dict.fromkeys(form for surface in surfaces(text) for form in spellings(surface)))
    languages = _languages(profile)
    literals = [literal(form, lang=lang) for form in forms for lang in (None, *languages)]
    labels = [iri(name) for name in profile.label_predicates]
    found: list[Triple] = []
    if labels and not profile.has_all_labels:
        found += reader.with_values(literals, labels, n=_FOUND_ROWS)
    found += reader.with_values(literals, n=_FOUND_ROWS)
    if not profile.has_all_labels:
        for word in _unmatched(text, found)[:MAX_SEARCHED]:
            found += _search(reader, profile, word)
    return found


def surfaces(text: str) -> Iterator[str]:
    """Yield each run of up to seven words of the question that holds more than function words, the longest first."""
    tokens = tokenize(text)[:MAX_QUESTION_WORDS]
    for width in range(min(MAX_WORDS, len(tokens)), 0, -1):
        for first in range(len(tokens) - width + 1):
            run = tokens[first : first + width]
            surface = text[run[0][0] : run[-1][1]]
            if any(word not in FUNCTION_WORDS for _, _, word in run) or (surface[:1].isupper() and first > 0):
                yield surface


def spellings(surface: str) -> list[str]:
    """Return a name as it is, in lower case, with capitals, all in capitals where short, and in the singular."""
    found = [surface, surface.lower(), surface[:1].upper() + surface[1:], _title(surface)]
    if len(surface) <= 5 and " " not in surface:
        found.append(surface.upper())
    words = surface.split(" ")
    one = singular(fold(words[-1]))
    if one != fold(words[-1]):
        alone = " ".join([*words[:-1], one])
        found += [alone.lower(), _title(alone)]
    return list(dict.fromkeys(found))


def _title(text: str) -> str:
    words = text.split(" ")
    return " ".join(
        word if fold(word) in FUNCTION_WORDS and place else word[:1].upper() + word[1:]
        for place, word in enumerate(words)
    )


def _languages(profile: Profile) -> tuple[str, ...]:
    """The languages of the labels, English first: a label in a language equals none without."""
    ordered = sorted(profile.languages, key=lambda lang: (lang.split("-")[0] != "en", lang))
    return tuple(ordered[:MAX_LANGUAGES])


def _unmatched(text: str, found: Sequence[Triple]) -> list[str]:
    """The content words of the question that are part of no label found so far, the longest first."""
    covered = {word for _, _, label in found for word in normalize(label.value).split()}
    words = [word for _, _, word in tokenize(text) if len(word) > 3 and word not in FUNCTION_WORDS]
    left = [word for word in dict.fromkeys(words) if singular(word) not in covered and word not in covered]
    return sorted(left, key=len, reverse=True)


def _search(reader: RemoteReader, profile: Profile, word: str) -> list[Triple]:
    """Return the labels that contain a word."""
    for predicate in profile.label_predicates[:2]:
        pattern = TEXT_INDEXES[profile.text_index](iri(predicate), word) if profile.text_index else ""
        if not pattern:
            if profile.n_labels > MAX_SCANNED_LABELS:
                return []
            pattern = f"?s {iri(predicate).n3()} ?l FILTER(CONTAINS(LCASE(STR(?l)), {literal(word).n3()}))"
        query = f"SELECT ?s ?l WHERE {{ {pattern} }} LIMIT {_PARTIAL_ROWS}"
        rows = reader.rows(query, optional=True, timeout_s=SEARCH_S)
        if rows:
            return [(s, iri(predicate), label) for s, label in rows if s is not None and label is not None]
    return []

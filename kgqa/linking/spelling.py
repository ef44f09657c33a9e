"""Corrects misspelt ordinary words of a question ("captial"); names are the linker's, which compares them with labels.

Corrections one slip away are made and looked up, after Norvig, "How to Write a Spelling Corrector" (2007).
"""

from __future__ import annotations

import string
from collections.abc import Collection, Iterator, Mapping, Sequence

from kgqa.datatypes import EntityLink
from kgqa.index.text import singular, tokenize

MIN_LETTERS = 5
MAX_RANK = 12_000
LINKED = 0.8


def respell(
    text: str,
    links: Sequence[EntityLink],
    schema_words: Collection[str],
    known_words: Mapping[str, int],
    names: Collection[str],
) -> str:
    """Return the question with unknown lower-case words put right: to a word of the schema, else to a frequent one.

    Words of the linked mentions and of `names`, the graph's label words, stay. `known_words` gives each ordinary word
    its rank, 0 the most frequent; without any, nothing is corrected.
    """
    if not known_words:
        return text
    taken = [link.mention for link in links if link.candidates and link.candidates[0].score >= LINKED]
    for start, end, word in reversed(tokenize(text)):
        surface = text[start:end]
        if len(word) < MIN_LETTERS or not surface.isascii() or not surface.isalpha() or not surface[1:].islower():
            continue
        if (surface[0].isupper() and start > 0) or any(m.start < end and start < m.end for m in taken):
            continue
        if any(form in vocabulary for form in (word, singular(word)) for vocabulary in (known_words, names)):
            continue
        better = _correction(word, schema_words, known_words)
        if better:
            text = text[:start] + better + text[end:]
    return text


def _correction(word: str, schema_words: Collection[str], known_words: Mapping[str, int]) -> str | None:
    near = set(_one_slip_away(word))
    in_schema = sorted(near.intersection(schema_words))
    if in_schema:
        return min(in_schema, key=lambda other: (known_words.get(other, MAX_RANK), other))
    frequent = [other for other in near if known_words.get(other, MAX_RANK) < MAX_RANK and other[0] == word[0]]
    return min(frequent, key=lambda other: (known_words[other], other), default=None)


def _one_slip_away(word: str) -> Iterator[str]:
    """Yield the words with one letter dropped, swapped with the next, replaced or inserted."""
    for place in range(len(word) + 1):
        before, after = word[:place], word[place:]
        if after:
            yield before + after[1:]
            yield from (before + letter + after[1:] for letter in string.ascii_lowercase)
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        yield from (before + letter + after for letter in string.ascii_lowercase)

"""Words for people that say two things at once, put as a graph states them: "mother" as "female parent".

Graphs often state `parent` and `gender` where people ask for mothers, grandsons or women. A word is put in two only
where the graph has no word of its own for it; the gender is left out where no value of the graph tells it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kgqa.datatypes import EntityLink
from kgqa.index.graph_index import GraphIndex
from kgqa.index.text import normalize

_GENDER_WORDS = frozenset(("gender", "sex"))
_VALUES = {
    "female": frozenset(("female", "woman", "feminine")),
    "male": frozenset(("male", "man", "masculine")),
}
# word: (the relation before it, gender, relation); "" where there is none
_SINGULAR = {
    "mother": ("", "female", "parent"), "mum": ("", "female", "parent"), "mom": ("", "female", "parent"),
    "father": ("", "male", "parent"), "dad": ("", "male", "parent"),
    "son": ("", "male", "child"), "daughter": ("", "female", "child"),
    "brother": ("", "male", "sibling"), "sister": ("", "female", "sibling"),
    "grandmother": ("parent", "female", "parent"), "grandfather": ("parent", "male", "parent"),
    "grandparent": ("parent", "", "parent"), "grandchild": ("child", "", "child"),
    "grandson": ("child", "male", "child"), "granddaughter": ("child", "female", "child"),
    "mother-in-law": ("spouse", "female", "parent"), "father-in-law": ("spouse", "male", "parent"),
    "daughter-in-law": ("child", "female", "spouse"), "son-in-law": ("child", "male", "spouse"),
    "uncle": ("parent", "male", "sibling"), "aunt": ("parent", "female", "sibling"),
    "nephew": ("sibling", "male", "child"), "niece": ("sibling", "female", "child"),
    "woman": ("", "female", "person"), "man": ("", "male", "person"), "girl": ("", "female", "person"),
    "boy": ("", "male", "person"), "lady": ("", "female", "person"), "gentleman": ("", "male", "person"),
}  # fmt: skip
_PLURALS = {
    "grandchild": "grandchildren", "woman": "women", "man": "men", "lady": "ladies",
    "gentleman": "gentlemen", "person": "people", "child": "children", "mother-in-law": "mothers-in-law",
    "father-in-law": "fathers-in-law", "daughter-in-law": "daughters-in-law", "son-in-law": "sons-in-law",
}  # fmt: skip
_STATED_AS = {
    "parent": ("parent", "child"), "child": ("child", "parent"), "sibling": ("sibling", "parent", "child"),
    "spouse": ("spouse", "partner", "married", "marriage"), "person": (),
}  # fmt: skip


def _plural(word: str) -> str:
    return _PLURALS.get(word, f"{word}s")


_WORDS = {word: (*told, False) for word, told in _SINGULAR.items()}
_WORDS |= {_plural(word): (*told, True) for word, told in _SINGULAR.items()}
_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
_ANY = re.compile(rf"(?P<owner>['’]s?\s+|(?<![\w-]))(?P<word>{_WORD})\b(?:\s+(?:and|or)\s+(?P<other>{_WORD})\b)?", re.I)


class Kinship:
    """How one graph states kinship and gender. `words` are the words of its schema."""

    def __init__(self, index: GraphIndex, words: frozenset[str]) -> None:
        self._words = words
        self._genders = _genders_of(index)

    def spelled_out(self, text: str, links: Sequence[EntityLink]) -> str:
        """Return the question with such words in two, outside the names in `links`."""
        names = [link.mention for link in links if link.candidates and link.candidates[0].score >= 0.9]

        def put(match: re.Match[str]) -> str:
            start, end = match.span("word")
            if any(name.start < end and start < name.end for name in names):
                return match[0]
            word, other = match["word"].lower(), (match["other"] or "").lower()
            said = self._said(word, owned=bool(match["owner"]), either=_is_other_gender(word, other))
            if said is None:
                return match[0]
            rest = "" if _is_other_gender(word, other) else match[0][end - match.start() :]
            return match["owner"] + said + rest

        return _ANY.sub(put, text)

    def _said(self, word: str, *, owned: bool, either: bool) -> str | None:
        first, gender, last, many = _WORDS[word]
        parts = [part for part in (first, last) if part]
        if normalize(word) in self._words or not all(self._states(part) for part in parts):
            return None
        if not first and not either and gender not in self._genders:
            return None  # all that would be said is "parent"
        told = "" if either else self._genders.get(gender, "")
        noun = f"{told} {_plural(last) if many or either else last}".strip()
        if not first:
            return noun
        return f"{first}'s {noun}" if owned else f"{noun} of the {first}"

    def _states(self, part: str) -> bool:
        stated_as = _STATED_AS[part]
        return not stated_as or any(word in self._words for word in stated_as)


def _is_other_gender(word: str, other: str) -> bool:
    """Return whether two words, "sons" and "daughters", differ only in gender."""
    if not other:
        return False
    (first, gender, *rest), (other_first, other_gender, *other_rest) = _WORDS[word], _WORDS[other]
    return (first, rest) == (other_first, other_rest) and gender != other_gender


def _genders_of(index: GraphIndex) -> dict[str, str]:
    """Return each gender that the graph tells -> what it calls it."""
    found: dict[str, str] = {}
    for predicate, label in enumerate(index.predicate_labels):
        if _GENDER_WORDS & set(normalize(label).split()):
            for node in index.ends(predicate)[:20].tolist():
                called = index.label(node)
                for gender, words in _VALUES.items():
                    if normalize(called) in words:
                        found.setdefault(gender, called.lower())
    return found

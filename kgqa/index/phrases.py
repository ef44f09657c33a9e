"""How a predicate's label reads in a sentence: as a noun ("director"), a verb ("directed by") or a role ("member of").

Labels are written in every style: `director`, `hasDirector`, `directed_by`, `isDirectorOf`, `works in`. What a label is
decides how "the director of Alien" and "the films directed by Scott" are said with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Form = Literal["noun", "participle", "verb", "role"]

_PREPOSITIONS = frozenset(
    "by in on at to for from with into under via through about after before as near against".split()
)
_LEADING = frozenset("in on at for to from of under by".split())
_AUXILIARIES = frozenset("has have had having is are was were be".split())
_PARTICIPLES = frozenset(
    "born made written held built sold won known found sung led told taught fought drawn grown kept given taken shown "
    "set cut read sent spoken chosen driven flown hidden worn run put bound bred fed".split()
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A label without its auxiliaries and how it is used.

    Subject to object is "`text` of s" for a noun, "s is `text` o" for a participle and a role, "s `text` o" for a verb.
    """

    form: Form
    text: str

    def forward(self, start: str, *, end: str = "") -> str:
        """Return a phrase for the objects that `start` has, with `end` as what they are, if that is known."""
        if self.form == "noun":
            return f"{self.text} of {start}"
        what = end or "what"
        that = "that " if end else ""
        return f"{what} {that}{start} {'' if self.form == 'verb' else 'is '}{self.text}"

    def inverse(self, start: str, *, end: str = "") -> str:
        """Return a phrase for the subjects that have `start` as object, with `end` as what they are."""
        if self.form == "role":
            return f"{self.text} {start}"
        return f"{end or 'things'} {self.clause(start)}"

    def clause(self, start: str) -> str:
        """Return what follows a noun to say that it has `start` as object: "whose director is X", "directed by X"."""
        if self.form == "noun":
            return f"whose {self.text} is {start}"
        if self.form == "participle":
            return f"{self.text} {start}"
        return f"that {'' if self.form == 'verb' else 'are '}{self.text} {start}"

    @property
    def noun(self) -> str:
        """Return the label as something that is had: "director", "what it is directed by"."""
        return self.text if self.form == "noun" else f"thing it {'' if self.form == 'verb' else 'is '}{self.text}"


@lru_cache(maxsize=20_000)
def phrase(label: str) -> Phrase:
    """Return how `label` is used in a sentence."""
    words = label.split()
    while len(words) > 1 and words[0].lower() in _AUXILIARIES:
        words = words[1:]
    lowered = [word.lower() for word in words]
    text = " ".join(words)
    if len(words) < 2:
        return Phrase("noun", text)
    if lowered[-1] == "of":
        return Phrase("role", text)
    if lowered[-1] in _PREPOSITIONS:
        first = lowered[0]
        if first in _PARTICIPLES or (first.endswith("ed") and len(first) > 4):
            return Phrase("participle", text)
        if first.endswith("s") and not first.endswith("ss"):
            return Phrase("verb", text)
        return Phrase("role", text)
    if lowered[0] in _LEADING:
        return Phrase("noun", " ".join(words[1:]))
    return Phrase("noun", text)

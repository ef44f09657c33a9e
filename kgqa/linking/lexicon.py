"""The dictionaries from five languages to English: what a phrase means, and what kind of word that is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from kgqa.linking.inflection import (
    compare_english,
    english_plural,
    english_verb,
    feminines,
    german_adjective,
    noun_plurals,
    verb_forms,
)

Language = Literal["en", "fr", "es", "de", "it", "pt"]
ForeignLanguage = Literal["fr", "es", "de", "it", "pt"]
LANGUAGES: tuple[ForeignLanguage, ...] = ("fr", "es", "de", "it", "pt")

TOKEN = re.compile(r"[^\W\d_]+['’](?=\w|\Z)|\w+(?:[.,]\d+)*|[^\w\s]")
"""A word, an elided word with its apostrophe ("l'"), a number or a mark."""
AUXILIARY = re.compile(r"(does|do|did|has|have|is|are|was|were) (?:it|he|she|they)\b ?")
"""An English auxiliary with a pronoun, as "has it" for the French "a-t-il"."""
_TAGS = {"the": "the", "of": "of", "of the": "of", "has": "have", "have": "have", "had": "have", "more": "more"}
_TAGS |= {"less": "more", "than": "than", "that": "than", "not": "not", "the most": "most", "the least": "most"}
_WH = re.compile(r"(?:(?:in|of|to|from|by|with|for|on) )?(?:which|what|who|whom|whose|where|when|how)\b")
_NOT_FOLDED = ("à ", "è ", "é ")  # "a la population" is not "à la population"
_PASSIVE = {"es": "se", "pt": "se", "it": "si"}  # "se habla" is "is spoken"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a phrase means in English. `past` is set for participles: "written" has "wrote"."""

    english: str
    tag: str
    past: str = ""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The dictionary of one language: phrases as written (lower case), the same without accents, adjectives that may
    be nouns too, plurals that are written as their singular, the single words of all phrases, and the number of words
    of the longest phrase that begins with a word."""

    exact: dict[str, Entry]
    folded: dict[str, Entry]
    adjectives: dict[str, Entry]
    plurals: dict[str, Entry]
    words: frozenset[str]
    longest: dict[str, int]

    def get(self, phrase: str) -> Entry | None:
        return self.exact.get(phrase) or self.folded.get(fold(phrase))


def fold(text: str) -> str:
    """Return text without accents; ß becomes ss."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFD", text.replace("ß", "ss").replace("œ", "oe"))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def read_rows(language: ForeignLanguage) -> Iterator[tuple[str, str, str]]:
    """Yield (section, phrase, English) for every line of a language's file, in the file's order.

    A line "# nouns" opens a section: `words` (as they stand), `nouns`, `people`, `adjectives`, `verbs` or irregular
    `participles`; regular forms are derived. Raises ValueError for a line that is neither.
    """
    lines = (files("kgqa.linking") / "lexicons" / f"{language}.tsv").read_text(encoding="utf-8").splitlines()
    section = ""
    for number, line in enumerate(lines, start=1):
        if line.startswith("# "):
            section = line[2:]
            continue
        columns = line.split("\t")
        if len(columns) != 2 or section not in ("words", "nouns", "people", "adjectives", "verbs", "participles"):
            raise ValueError(f"{language}.tsv line {number}: expected 'phrase<TAB>English' in a section, got {line!r}")
        yield section, columns[0], columns[1]


@cache
def load_lexicon(language: ForeignLanguage) -> Lexicon:
    """Return a language's dictionary. What the file states goes before derived forms; the first of two equals wins."""
    rows = list(read_rows(language))
    exact: dict[str, Entry] = {}
    derived: dict[str, Entry] = {}
    for section, phrase, english in rows:
        key = _key(phrase)
        if section == "words":
            exact.setdefault(key, Entry(english, _tag(english)))
        elif section in ("nouns", "people"):
            exact.setdefault(key, Entry(english, "noun"))
        elif section == "adjectives":
            exact.setdefault(key, Entry(english, "adjective"))
        elif section == "participles":
            _, _, past, participle = english_verb(english)
            exact.setdefault(key, Entry(participle, "participle", past))
        else:
            exact.setdefault(key, Entry(english.split("|")[0], "verb"))
    plurals: dict[str, Entry] = {}
    for section, phrase, english in rows:
        for form, entry in _derive(language, section, phrase, english):
            derived.setdefault(_key(form), entry)
            if form == phrase and entry.english != english and section in ("nouns", "people"):
                plurals[_key(phrase)] = entry
    adjectives: dict[str, Entry] = {}
    for section, phrase, english in rows:
        if section == "adjectives":
            adjectives.setdefault(fold(_key(phrase)), Entry(english, "adjective"))
            for form, entry in _derive(language, section, phrase, english):
                adjectives.setdefault(fold(_key(form)), entry)
    exact = derived | exact
    folded: dict[str, Entry] = {}
    longest: dict[str, int] = {}
    for key, entry in exact.items():
        if not key.startswith(_NOT_FOLDED):
            folded.setdefault(fold(key), entry)
        first = fold(key.split(" ", 1)[0])
        longest[first] = max(longest.get(first, 1), key.count(" ") + 1)
    words = frozenset(word for key in exact for word in key.split(" "))
    return Lexicon(exact, folded, adjectives, plurals, words, longest)


def _tag(english: str) -> str:
    if _WH.match(english):
        return "wh"
    return _TAGS.get(english, "inversion" if AUXILIARY.match(english) else "word")


def _derive(language: ForeignLanguage, section: str, phrase: str, english: str) -> Iterator[tuple[str, Entry]]:
    if section in ("nouns", "people"):
        singulars = [phrase, *(feminines(language, phrase) if section == "people" else ())]
        for singular in singulars:
            yield singular, Entry(english, "noun")
            if language == "de" and section == "nouns":
                yield singular + "es", Entry(english, "noun")
            for plural in noun_plurals(language, singular):
                genitive = language == "de" and plural == singular + "s"
                yield plural, Entry(english if genitive else english_plural(english), "noun")
    elif section == "adjectives" and language == "de":
        comparative, superlative = compare_english(english)
        degrees = {"positive": english, "comparative": comparative, "superlative": superlative}
        for degree, form in german_adjective(phrase):
            yield form, Entry(degrees[degree], "adjective")
    elif section == "adjectives":
        for singular in (phrase, *feminines(language, phrase)):
            yield singular, Entry(english, "adjective")
            for plural in noun_plurals(language, singular):
                yield plural, Entry(english, "adjective")
    elif section == "participles" and language != "de":
        _, _, past, participle = english_verb(english)
        for singular in (phrase, *feminines(language, phrase)):
            for text in (singular, *noun_plurals(language, singular)):
                yield text, Entry(participle, "participle", past)
    elif section == "verbs":
        base, third, past, participle = english_verb(english)
        pronoun = _PASSIVE.get(language)
        for form, text in verb_forms(language, phrase):
            if pronoun and form != "participle":
                passive = Entry({"singular": "is ", "plural": "are ", "past": "was "}[form] + participle, "verb")
                yield f"{pronoun} {text}", passive
                if language == "pt":
                    yield f"{text} {pronoun}", passive
            if form == "participle":
                yield text, Entry(participle, "participle", past)
            else:
                yield text, Entry({"singular": third, "plural": base, "past": past}[form], "verb")


def _key(phrase: str) -> str:
    return " ".join(_words(phrase.lower()))


def _words(text: str) -> list[str]:
    return [match[0].replace("’", "'") for match in TOKEN.finditer(text) if match[0] != "-"]

"""Regular word forms: plurals, feminines and verb forms of five languages, and their English counterparts.

Light on purpose: a rule may give a form that no one writes, which costs a dictionary entry and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

Form = Literal["singular", "plural", "past", "participle"]

_ENGLISH_PLURALS = {"person": "people", "child": "children", "man": "men", "woman": "women", "wife": "wives"}
_ENGLISH_PLURALS |= {"foot": "feet", "series": "series", "species": "species", "life": "lives", "fish": "fish"}
_COMPARED = {"good": ("better", "best"), "bad": ("worse", "worst"), "far": ("farther", "farthest")}
_ALREADY_PLURAL = frozenset(
    "children coordinates data grandparents headquarters inhabitants lyrics parents people siblings studies".split()
)
_FRENCH_FEMININES = tuple(
    pair.split(":") for pair in "teur:trice eur:euse f:ve eux:euse er:ère el:elle en:enne on:onne c:que e:e".split()
)
_UNACCENTED = str.maketrans("áéíóúâêô", "aeiouaeo")
_UMLAUTS = {"a": "ä", "o": "ö", "u": "ü"}


def english_plural(noun: str) -> str:
    """Return the plural of an English noun phrase; its head is the word before "of", or else the last."""
    head, of, rest = noun.partition(" of ")
    before, space, word = head.rpartition(" ")
    if word in _ALREADY_PLURAL:
        return noun
    if word in _ENGLISH_PLURALS:
        word = _ENGLISH_PLURALS[word]
    elif re.search(r"[^aeiou]y$", word):
        word = word[:-1] + "ies"
    elif re.search(r"(s|x|z|ch|sh)$", word):
        word += "es"
    else:
        word += "s"
    return before + space + word + of + rest


def english_verb(rows: str) -> tuple[str, str, str, str]:
    """Return (base, third person, past, participle) of "direct" or of "write|wrote|written"; only the first word
    of a phrase such as "belong to" is inflected."""
    base, *irregular = rows.split("|")
    word, space, rest = base.partition(" ")
    tail = space + rest
    third = "is" if word == "be" else "has" if word == "have" else english_plural(word)
    third = word + "es" if word in ("do", "go") else third
    if irregular:
        return base, third + tail, irregular[0] + tail, irregular[-1] + tail
    if word.endswith("e"):
        past = word + "d"
    elif re.search(r"[^aeiou]y$", word):
        past = word[:-1] + "ied"
    else:
        past = word + "ed"
    return base, third + tail, past + tail, past + tail


def compare_english(adjective: str) -> tuple[str, str]:
    """Return the comparative and the superlative of an English adjective."""
    if adjective in _COMPARED:
        return _COMPARED[adjective]
    syllables = len(re.findall(r"[aeiouy]+", adjective.removesuffix("e")))
    if " " in adjective or "-" in adjective or syllables > 2 or (syllables == 2 and not adjective.endswith("y")):
        return f"more {adjective}", f"most {adjective}"
    if re.search(r"[^aeiou]y$", adjective):
        stem = adjective[:-1] + "i"
    elif adjective.endswith("e"):
        stem = adjective[:-1]
    elif re.search(r"[^aeiouw][aeiou][bdgnt]$", adjective):
        stem = adjective + adjective[-1]
    else:
        stem = adjective
    return stem + "er", stem + "est"


def noun_plurals(language: str, noun: str) -> Iterator[str]:
    """Yield the plurals a noun may have. In a phrase the first word changes, of two words perhaps both."""
    word, space, rest = noun.partition(" ")
    for plural in _plurals(language, word):
        yield plural + space + rest
        if rest and " " not in rest and language != "de":
            yield from (f"{plural} {second}" for second in _plurals(language, rest))


def _plurals(language: str, word: str) -> Iterator[str]:
    if language == "fr":
        if word.endswith(("au", "eu")):
            yield word + "x"
        elif word.endswith("al"):
            yield word[:-2] + "aux"
        yield word if word.endswith(("s", "x", "z")) else word + "s"
    elif language == "es":
        if word.endswith("z"):
            yield word[:-1] + "ces"
        elif word[-1] in "aeiouáéó":
            yield word + "s"
        else:
            yield _without_last_accent(word) + "es"
    elif language == "pt":
        if word.endswith("ão"):
            yield from (word[:-2] + "ões", word + "s")
        elif word.endswith("m"):
            yield word[:-1] + "ns"
        elif word.endswith("il"):
            yield word[:-1] + "s"
        elif word.endswith("l"):
            yield word[:-1] + "is"
        elif word.endswith(("r", "z", "s")):
            yield _without_last_accent(word) + "es"
        else:
            yield word + "s"
    elif language == "it":
        if word.endswith(("co", "go")):
            yield from (word[:-1] + "hi", word[:-1] + "i")
        elif word.endswith(("ca", "ga")):
            yield word[:-1] + "he"
        elif word.endswith("io"):
            yield word[:-1]
        elif word.endswith(("cia", "gia")):
            yield from (word[:-2] + "e", word[:-1] + "e")
        elif word.endswith("ista"):
            yield from (word[:-1] + "i", word[:-1] + "e")
        elif word.endswith("a"):
            yield word[:-1] + "e"
        elif word.endswith(("o", "e")) and word != "serie":
            yield word[:-1] + "i"
        else:
            yield word
    elif language == "de":
        yield from _german_plurals(word)


def _without_last_accent(word: str) -> str:
    """Return "cancion" for "canción", but "país": there the accent stays in "países"."""
    return word if word.endswith("ís") else word[:-2] + word[-2:].translate(_UNACCENTED)


def _german_plurals(word: str) -> Iterator[str]:
    if word.endswith("in"):
        yield word + "nen"
    if word.endswith(("um", "us")):
        yield word[:-2] + "en"
    if word.endswith(("er", "el", "en")):
        yield word
    yield from (word + ending for ending in ("e", "n", "en", "er", "s"))
    vowel = max(word.rfind(letter) for letter in _UMLAUTS)
    if vowel > 0 and word[vowel - 1 : vowel + 1] == "au":
        vowel -= 1
    if vowel >= 0:
        changed = word[:vowel] + _UMLAUTS[word[vowel]] + word[vowel + 1 :]
        yield from (changed + ending for ending in ("er", "e", "ern", "en"))
        yield changed


def feminines(language: str, word: str) -> Iterator[str]:
    """Yield the feminines that an adjective or a word for a person may have."""
    if language == "fr":
        yield next((word[: -len(a)] + b for a, b in _FRENCH_FEMININES if word.endswith(a)), word + "e")
        if word.endswith("eur"):
            yield from (word + "e", word[:-1] + "se")
    elif language in ("es", "pt"):
        if word.endswith("o") and not word.endswith("ão"):
            yield word[:-1] + "a"
        elif word.endswith(("or", "és", "ês", "ín", "án", "ón")):
            yield word[:-2] + word[-2:].translate(_UNACCENTED) + "a"
        elif word.endswith("ão"):
            yield word[:-1]
    elif language == "it":
        if word.endswith("tore"):
            yield word[:-3] + "rice"
        elif word.endswith("o"):
            yield word[:-1] + "a"
    elif language == "de" and len(word) > 3:
        stem = word[:-1] if word.endswith("e") else word
        yield from (stem + "in", stem.replace("a", "ä") + "in")


def german_adjective(word: str) -> Iterator[tuple[Literal["positive", "comparative", "superlative"], str]]:
    """Yield the endings of a German adjective, with those of its comparative and superlative."""
    stem = word[:-1] if word.endswith("e") else word
    for ending in ("e", "en", "er", "es", "em"):
        yield "positive", stem + ending
    link = "e" if stem.endswith(("t", "d", "s", "ß", "z", "sch")) else ""
    for ending in ("e", "en", "er", "es", "em", ""):
        yield "comparative", stem + "er" + ending
        yield "superlative", stem + link + "st" + (ending or "en")


_VERB_ENDINGS: dict[str, tuple[tuple[str, dict[Form, str]], ...]] = {
    "fr": (
        ("er", {"singular": "e", "plural": "ent", "past": "a èrent ait aient", "participle": "é ée és ées"}),
        ("ir", {"singular": "it", "plural": "issent", "past": "irent issait issaient", "participle": "i ie is ies"}),
        ("re", {"singular": " ", "plural": "ent", "past": "it irent ait aient", "participle": "u ue us ues"}),
    ),
    "es": (
        ("ar", {"singular": "a", "plural": "an", "past": "ó aron aba aban", "participle": "ado ada ados adas"}),
        ("er", {"singular": "e", "plural": "en", "past": "ió ieron ía ían", "participle": "ido ida idos idas"}),
        ("ir", {"singular": "e", "plural": "en", "past": "ió ieron ía ían", "participle": "ido ida idos idas"}),
    ),
    "pt": (
        ("ar", {"singular": "a", "plural": "am", "past": "ou aram ava avam", "participle": "ado ada ados adas"}),
        ("er", {"singular": "e", "plural": "em", "past": "eu eram ia iam", "participle": "ido ida idos idas"}),
        ("ir", {"singular": "e", "plural": "em", "past": "iu iram ia iam", "participle": "ido ida idos idas"}),
    ),
    "it": (
        ("are", {"singular": "a", "plural": "ano", "past": "ò arono ava avano", "participle": "ato ata ati ate"}),
        ("ere", {"singular": "e", "plural": "ono", "past": "é erono eva evano", "participle": "uto uta uti ute"}),
        ("ire", {"singular": "e isce", "plural": "ono iscono", "past": "ì irono iva", "participle": "ito ita iti ite"}),
    ),
    "de": (("en", {"singular": "t et", "plural": "en", "past": "te ten ete eten", "participle": ""}),),
}
_UNSEPARATED = ("be", "ent", "er", "ge", "ver", "zer", "über", "unter", "wider")


def verb_forms(language: str, infinitive: str) -> Iterator[tuple[Form, str]]:
    """Yield the third-person forms of a regular verb; of a phrase such as "se trouver", its last word changes."""
    before, space, word = infinitive.rpartition(" ")
    for ending, forms in _VERB_ENDINGS[language]:
        if not word.endswith(ending):
            continue
        stem = word.removesuffix(ending)
        for form, suffixes in forms.items():
            for suffix in suffixes.split() or ([""] if suffixes else []):
                yield form, before + space + stem + suffix
        if language == "fr" and stem.endswith("g"):
            yield from (("past", before + space + stem + "ea"), ("past", before + space + stem + "eait"))
        if language == "de":
            prefix = "" if stem.startswith(_UNSEPARATED) or stem.endswith("ier") else "ge"
            endings = ("t", "et", "te", "ten", "ter", "tes")
            yield from (("participle", prefix + stem + suffix) for suffix in endings)
        return

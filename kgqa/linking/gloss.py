"""A word-by-word English gloss of a question in French, Spanish, German, Italian or Portuguese.

The encoder is English. A gloss is no translation: it gives the encoder the English words for the question's relations,
classes and operators, in roughly English order, and leaves every name as it was written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
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

_TOKEN = re.compile(r"[^\W\d_]+['’](?=\w|\Z)|\w+(?:[.,]\d+)*|[^\w\s]")
_NUMBER = re.compile(r"\d|(?:two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|hundred|thousand|million)\b")
_TAGS = {"the": "the", "of": "of", "of the": "of", "has": "have", "have": "have", "had": "have", "more": "more"}
_TAGS |= {"less": "more", "than": "than", "that": "than", "not": "not", "the most": "most", "the least": "most"}
_WH = re.compile(r"(?:(?:in|of|to|from|by|with|for|on) )?(?:which|what|who|whom|whose|where|when|how)\b")
_AUXILIARY = re.compile(r"(does|do|did|has|have|is|are|was|were) (?:it|he|she|they)\b ?")
_PASSIVE = {"es": "se", "pt": "se", "it": "si"}  # "se habla" is "is spoken"
_INVERTED = frozenset("t il elle ils elles on ce".split())
_COMPARATIVE = re.compile(r"(?:more|less) \w+$|(?!over|under|after|other|number|ever)\w+er$|worse$")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a phrase means in English. `past` is set for participles: "written" has "wrote"."""

    english: str
    tag: str
    past: str = ""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The dictionary of one language: phrases as written (lower case), the same without accents, adjectives that may
    be nouns too, plurals that are written as their singular, and the number of words of the longest phrase that begins
    with a word."""

    exact: dict[str, Entry]
    folded: dict[str, Entry]
    adjectives: dict[str, Entry]
    plurals: dict[str, Entry]
    longest: dict[str, int]

    def get(self, phrase: str) -> Entry | None:
        return self.exact.get(phrase) or self.folded.get(fold(phrase))


@dataclass(frozen=True, slots=True)
class Gloss:
    """A gloss with the places in it of the protected spans, in the order they were given.

    A span that fell inside another has the place of the outer one.
    """

    text: str
    language: Language
    protected: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    tag: str
    start: int
    end: int
    past: str = ""


def fold(text: str) -> str:
    """Return text without accents; ß becomes ss."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFD", text.replace("ß", "ss").replace("œ", "oe"))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


# --- the dictionary ---------------------------------------------------------------------------------------------------


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


@lru_cache(maxsize=None)
def load_lexicon(language: ForeignLanguage) -> Lexicon:
    """Return a language's dictionary. What the file states goes before derived forms, and the first of two equals wins."""
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
    adjectives = {fold(_key(phrase)): Entry(english, "adjective") for kind, phrase, english in rows if kind == "adjectives"}
    for section, phrase, english in rows:
        if section == "adjectives":
            for form, entry in _derive(language, section, phrase, english):
                adjectives.setdefault(fold(_key(form)), entry)
    exact = derived | exact
    folded: dict[str, Entry] = {}
    longest: dict[str, int] = {}
    for key, entry in exact.items():
        folded.setdefault(fold(key), entry)
        first = fold(key.split(" ", 1)[0])
        longest[first] = max(longest.get(first, 1), key.count(" ") + 1)
    return Lexicon(exact, folded, adjectives, plurals, longest)


def _tag(english: str) -> str:
    if _WH.match(english):
        return "wh"
    return _TAGS.get(english, "inversion" if _AUXILIARY.match(english) else "word")


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
        degrees = dict(zip(("positive", "comparative", "superlative"), (english, *compare_english(english)), strict=True))
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
    return [match[0].replace("’", "'") for match in _TOKEN.finditer(text) if match[0] != "-"]


# --- which language ---------------------------------------------------------------------------------------------------

_ENGLISH = frozenset(
    """the of is are were was who whom whose what which where when why how did does doing done and by with from to that
    this these those has had have many much been being give show list find tell get me any all its it they their there
    you your than then more most less least not into about between also each every some other be will would should can
    could whats who's what's where's name names whose at for as if whether or an either same both""".split()
)
_INTERROGATIVE: dict[ForeignLanguage, frozenset[str]] = {
    "fr": frozenset("quel quelle quels quelles combien lequel laquelle lesquels lesquelles où qui quand pourquoi".split()),
    "es": frozenset(
        """cuál cuáles cuántos cuántas cuánto cuánta quién quiénes qué dónde cuándo cómo cual cuales cuantos cuantas cuanto
        cuanta quien quienes donde cuando adónde""".split()
    ),
    "de": frozenset("wer wem wen wessen wo wann wie wieviel wieviele welche welcher welches welchem welchen warum".split()),
    "it": frozenset("quale quali quanti quante quanto quanta chi qual quando dov' qual perché".split()),
    "pt": frozenset("qual quais quantos quantas quanto quanta quem quando onde".split()),
}
_BIGRAMS: dict[ForeignLanguage, frozenset[str]] = {
    "fr": frozenset(
        """est ce|qu' est|a t|t il|t elle|t on|y a|comment s'|sont les|donne moi|donnez moi|liste des|nombre de
        |est il|est elle|sont ils|sont elles|à quel|à quelle|dis moi|montre moi|comment se|qu' a|ont ils|ont elles
        |s' appelle|ont été|a été|ne sont|n' est|n' a|n' ont""".replace("\n", "").replace("  ", "").split("|")
    ),
    "es": frozenset("número de|de qué|en qué|en que|numero de|lista de|muéstrame los|dame los|dime los|cómo se|hay en".split("|")),
    "de": frozenset("was ist|was sind|was war|gibt es|zeige mir|gib mir|nenne alle|nenne mir|anzahl der".split("|")),
    "it": frozenset("dove si|dove è|dov' è|che cosa|cos' è|in che|di che|in quale|come si|numero di|elenca i".split("|")),
    "pt": frozenset("o que|em que|de que|como se|número de|liste os|liste as|que país|há em".split("|")),
}
_FUNCTION: dict[ForeignLanguage, frozenset[str]] = {
    "fr": frozenset(
        """le la les l' un une des du de d' et ou est sont dans en au aux à par pour sur avec sans qu' ne n' pas ce cette ces
        il elle ils elles se s' dont été était étaient ont ainsi chez son sa ses leur leurs entre plus moins depuis t""".split()
    ),
    "es": frozenset(
        """el la los las un una unos unas de del al y e o en es son fue fueron está están ha han hay por para con sin que se su
        sus más menos entre desde hasta como este esta ese tiene tienen no lo le""".split()
    ),
    "de": frozenset(
        """der das den dem des ein eine einen einem einer eines und oder ist sind waren wird werden wurde wurden von vom zu zum
        zur im mit für auf aus bei nach über hat haben gibt es nicht kein keine als sich ihre seine durch ohne zwischen seit
        vor in die war an am""".split()
    ),
    "it": frozenset(
        """il lo la i gli le un una uno di del dello della dei degli delle dell' al allo alla ai alle all' nel nella nei nelle
        nell' sul sulla da dal dalla dall' e ed o è sono era ha hanno fu con per su tra fra che si non più meno l' d' c' ci
        stato stata stati state in""".split()
    ),
    "pt": frozenset(
        """o a os as um uma de do da dos das no na nos nas ao à aos às em e ou é são foi foram está estão tem têm há por pelo
        pela para com sem que se seu sua mais menos entre desde até não""".split()
    ),
}
_OPENERS: dict[ForeignLanguage, frozenset[str]] = {
    "fr": frozenset("citez donnez donne nommez cite nomme liste listez existe montre montrez trouve trouvez".split()),
    "es": frozenset("nombra dime dame muestra muéstrame enumera lista existe existen hay indica es son está están tiene tienen fue fueron".split()),
    "de": frozenset("nenne nennen zeige liste gib gibt hat haben ist sind wurde wurden wird liegt finde".split()),
    "it": frozenset("è sono ha hanno elenca dimmi dammi mostra mostrami nomina esiste esistono trova indica".split()),
    "pt": frozenset("é são tem têm há foi diga liste mostre nomeie existe existem encontre cite indique".split()),
}


_PLURAL: dict[ForeignLanguage, frozenset[str]] = {
    "fr": frozenset("quels quelles les des aux combien plusieurs tous toutes ces deux trois quatre cinq dix".split()),
    "es": frozenset(),
    "de": frozenset("welche viele vielen alle aller meisten beiden mehrere zwei drei vier fünf zehn".split()),
    "it": frozenset("quali quanti quante i gli le dei degli delle tutti tutte alcuni alcune molti due tre".split()),
    "pt": frozenset(),
}


def detect_language(text: str) -> Language:
    """Return the language of a question; "en" whenever the evidence is thin, as for names alone or keywords.

    Another language needs a question word or an opening of its own and more of its function words, or a text whose
    every word that is not capitalized is in its dictionary. Common English words outweigh both.
    """
    return _detect(text, names_known=False)


def _detect(text: str, *, names_known: bool) -> Language:
    """Return the language; with `names_known`, what looks like a name and is no "X" is not one."""
    if text.isupper():
        text = text.lower()
    written = [match[0].replace("’", "'") for match in _TOKEN.finditer(text) if match[0][0].isalpha()]
    if not written:
        return "en"
    words = [word.lower() for word in written]
    plain = [word for n, word in enumerate(words) if n == 0 or written[n].islower()]
    scores = {language: _score(language, words, plain) for language in LANGUAGES}
    if "¿" in text:
        scores["es"] += 6
    best = max(LANGUAGES, key=lambda language: scores[language])
    if scores[best] >= 3:
        outside = [word for n, word in enumerate(words) if n == 0 or (written[n].islower() and not _in_title(written, n))]
        if scores[best] >= 3 + 3 * len(_english_words(best, outside)):
            return best
        return "en"
    if len(words) < 2 or words[0] in _ENGLISH:
        return "en"
    return _language_of_keywords(written, words, plain, names_known=names_known)


def _score(language: ForeignLanguage, words: Sequence[str], plain: Sequence[str]) -> int:
    """Return the weight of a language's own words; 0 without a question word, an opening or a phrase of questions."""
    distinct = set(plain)
    asked = distinct & _INTERROGATIVE[language]
    phrases = {f"{a} {b}" for a, b in pairwise(words)} & _BIGRAMS[language]
    opened = words[0] in _OPENERS[language]
    if not asked and not phrases and not opened:
        return 0
    small = distinct & _FUNCTION[language]
    content = _content_words(language, distinct - small - asked)
    late = asked and not phrases and not opened and not any(word in asked for word in words[:3])
    return 2 * len(asked) + 2 * len(phrases) + opened + len(small) + len(content) - (2 if late else 0)


def _content_words(language: ForeignLanguage, words: Iterable[str]) -> set[str]:
    """Return the words that the language's dictionary has and English writes differently."""
    lexicon = load_lexicon(language)
    found = {word: lexicon.get(word) for word in words if len(word) > 3 and word not in _ENGLISH}
    return {word for word, entry in found.items() if entry and entry.english.lower() != fold(word)}


def _in_title(written: Sequence[str], n: int) -> bool:
    """Whether one or two small words, such as "of the", stand between capitalized words other than the first."""
    before = next((k for k in range(n - 1, max(n - 3, -1), -1) if not written[k].islower()), 0)
    after = next((k for k in range(n + 1, min(n + 3, len(written))) if not written[k].islower()), 0)
    return before > 0 and after > 0 and after - before <= 3


def _english_words(language: ForeignLanguage, words: Iterable[str]) -> set[str]:
    """Return the words that are English and not of the language."""
    exact = load_lexicon(language).exact
    unlike = {word for word in words if word not in _FUNCTION[language] and word not in exact}
    common = unlike & _ENGLISH
    return common | ((unlike - _INTERROGATIVE[language]) & _english_vocabulary())


@lru_cache(maxsize=1)
def _english_vocabulary() -> frozenset[str]:
    """Return every English word that some dictionary gives."""
    columns = {english for language in LANGUAGES for _, _, english in read_rows(language)}
    words = {word for english in columns for word in re.findall(r"[a-z]{3,}", english)}
    return frozenset(words | {word + "s" for word in words})


def _language_of_keywords(
    written: Sequence[str], words: Sequence[str], plain: Sequence[str], *, names_known: bool
) -> Language:
    """Return the language of a text without a question word.

    "en" if a word is unknown or English, or if the whole may be a name: "la casa de papel", "Tour de France".
    """
    named = any(not word.islower() for word in written[1:])
    best: Language = "en"
    most = 2
    for language in LANGUAGES:
        function = _FUNCTION[language]
        lexicon = load_lexicon(language)
        own = [word for n, word in enumerate(words) if n == 0 or written[n].islower() or language == "de"]
        if not all(word in function or lexicon.get(word) for word in plain) or _english_words(language, plain):
            continue
        small = set(plain) & function
        content = _content_words(language, set(own) - function)
        if not small or not content - _english_vocabulary():
            continue
        if not names_known and language != "de":
            article = words[0] in function and not words[0].endswith("s") and not named
            title = content == {words[0]} and not written[0].islower() and len(small) < 2
            if (article and not {"plus", "más", "più", "mais"} & small) or title:
                continue
        weight = 2 * len(content) + len(small)
        if weight > most:
            best, most = language, weight
    return best


# --- the gloss --------------------------------------------------------------------------------------------------------


def gloss(text: str, protected: Sequence[tuple[int, int]] = ()) -> str:
    """Return the question in English, word by word; English text comes back unchanged.

    The `protected` character spans, which are names of the graph, stand in the gloss as they were written and do not
    count when the language is told. Raises ValueError for a span outside the text.
    """
    return align_gloss(text, protected).text


def align_gloss(text: str, protected: Sequence[tuple[int, int]] = ()) -> Gloss:
    """Return what `gloss` returns, with the language and the places of the protected spans in it."""
    for start, end in protected:
        if not 0 <= start < end <= len(text):
            raise ValueError(f"span ({start}, {end}) is not inside a text of {len(text)} characters")
    spans = _outermost(protected)
    language = _detect(_blank(text, spans), names_known=bool(spans))
    if language == "en":
        return Gloss(text, "en", tuple(protected))
    pieces = list(_look_up(text, spans, language))
    for reorder in (_compare, _invert, _tense, _adjectives_first, _names_without_article):
        pieces = reorder(pieces)
    rendered, places = _render(text, pieces)
    outer = [next(span for span in spans if span[0] <= start and end <= span[1]) for start, end in protected]
    return Gloss(rendered, language, tuple(places[span] for span in outer))


def _outermost(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return disjoint spans in order; spans that overlap are one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _blank(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return the text with "X" for every name; the case of a name is not the writer's."""
    for start, end in reversed(list(spans)):
        text = f"{text[:start]}X{text[end:]}"
    return text


def _look_up(text: str, spans: Sequence[tuple[int, int]], language: ForeignLanguage) -> Iterator[_Piece]:
    """Yield the pieces of a question: the longest phrase of the dictionary at each place, names and all else as is."""
    lexicon = load_lexicon(language)
    shouted = text.isupper()
    position = 0
    for start, end in [*spans, (len(text), len(text))]:
        tokens = [m for m in _TOKEN.finditer(text, position, start) if m[0] not in "¿¡-" or _stands_alone(text, m)]
        yield from _look_up_tokens(tokens, lexicon, language, shouted=shouted)
        if end > start:
            yield _Piece(text[start:end], "name", start, end)
        position = end


def _stands_alone(text: str, match: re.Match[str]) -> bool:
    return match[0] == "-" and text[match.start() - 1 : match.start()].isspace()


def _look_up_tokens(
    tokens: Sequence[re.Match[str]], lexicon: Lexicon, language: ForeignLanguage, *, shouted: bool
) -> Iterator[_Piece]:
    words = [token[0].replace("’", "'").lower() for token in tokens]
    n = 0
    before = ""
    while n < len(tokens):
        token = tokens[n]
        start, end = token.span()
        if not token[0][0].isalpha():
            yield _Piece(token[0], "number" if token[0][0].isdigit() else "mark", start, end)
            n += 1
            before = ""
            continue
        if language == "fr" and words[n] in _INVERTED and token.string[start - 1 : start] == "-":
            n += 1
            continue
        for length in range(min(lexicon.longest.get(fold(words[n]), 1), len(tokens) - n), 0, -1):
            entry = lexicon.get(" ".join(words[n : n + length]))
            german_noun = language == "de" and entry is not None and entry.tag == "noun"
            if entry and (shouted or german_noun or _is_lower(tokens[n : n + length])):
                if language == "de" and entry.tag == "the" and n and words[n - 1] == ",":
                    entry = Entry("which", "word")
                if not _PLURAL[language].isdisjoint(words[max(0, n - 3) : n]):
                    entry = lexicon.plurals.get(" ".join(words[n : n + length]), entry)
                if length == 1 and before in ("noun", "more", "most"):
                    entry = lexicon.adjectives.get(fold(words[n]), entry)
                if entry.english != "-":
                    before = entry.tag
                    yield _Piece(entry.english, entry.tag, start, tokens[n + length - 1].end(), entry.past)
                n += length
                break
        else:
            compound = _split_compound(words[n], lexicon) if language == "de" else None
            tag = "noun" if compound else "name" if token[0][0].isupper() else "unknown"
            before = tag
            yield _Piece(compound or token[0], tag, start, end)
            n += 1


def _is_lower(tokens: Iterable[re.Match[str]]) -> bool:
    """Whether the words are no name: none is capitalized but the question's first."""
    return all(token[0][0].islower() or not token.string[: token.start()].strip(" ¿¡\"'«(") for token in tokens)


def _split_compound(word: str, lexicon: Lexicon) -> str | None:
    """Return "population density" for "bevölkerungsdichte": two nouns of the dictionary, with or without a link."""
    for cut in range(len(word) - 3, 2, -1):
        last = lexicon.get(word[cut:])
        if last is None or last.tag != "noun":
            continue
        for link in ("", "s", "es", "n", "en"):
            first = lexicon.get(word[:cut].removesuffix(link)) if word[:cut].endswith(link) else None
            if first is not None and first.tag in ("noun", "adjective") and cut - len(link) > 2:
                return f"{first.english} {last.english}"
    return None


def _compare(pieces: list[_Piece]) -> list[_Piece]:
    """Turn "le plus grand" into "the largest", "plus grand que" into "larger than", "más habitantes" into "most"."""
    result: list[_Piece] = []
    n = 0
    while n < len(pieces):
        piece = pieces[n]
        following = pieces[n + 1] if n + 1 < len(pieces) else None
        if piece.tag in ("more", "most") and following and following.tag in ("adjective", "participle"):
            comparative, superlative = compare_english(following.text)
            if piece.text.endswith(("less", "least")):
                comparative, superlative = f"less {following.text}", f"least {following.text}"
            before = result[-1] if result else None
            if before and _NUMBER.match(before.text) and len(result) > 1:
                before = result[-2]
            than = n + 2 < len(pieces) and pieces[n + 2].tag == "than"
            is_best = piece.tag == "most" or (before and before.tag in ("the", "noun") and not than)
            if piece.tag == "most" and not (result and result[-1].tag == "the"):
                result.append(_Piece("the", "the", piece.start, piece.start))
            result.append(_Piece(superlative if is_best else comparative, "adjective", piece.start, following.end))
            n += 2
            continue
        if piece.tag == "more" and following and following.tag == "noun":
            later = any(other.tag == "than" for other in pieces[n + 2 :])
            words = {"more": "more", "less": "fewer"} if later else {"more": "the most", "less": "the fewest"}
            piece = replace(piece, text=words[piece.text])
        elif piece.text in ("more than", "less than") and following and following.tag == "noun":
            piece = replace(piece, text=piece.text.removesuffix(" than"))
        elif piece.text in ("that", "than the") and result and _COMPARATIVE.search(result[-1].text):
            piece = replace(piece, text="than")
        elif piece.text == "that" and any("same" in other.text.split() for other in result[-3:]):
            piece = replace(piece, text="as")
        elif piece.text == "why" and following and following.tag == "noun":
            piece = replace(piece, text="through which")
        elif piece.tag == "of" and result and _COMPARATIVE.search(result[-1].text) and result[-1].tag == "adjective":
            piece = replace(piece, text="than")
        result.append(piece)
        n += 1
    return result


def _invert(pieces: list[_Piece]) -> list[_Piece]:
    """Move "does it have" before its subject: "Islande does it have" becomes "does Islande have"."""
    for n, piece in enumerate(pieces):
        auxiliary = _AUXILIARY.match(piece.text) if piece.tag == "inversion" else None
        if auxiliary is None:
            continue
        first = n
        while first and pieces[first - 1].tag in ("name", "unknown", "noun", "adjective", "of", "the", "number"):
            if pieces[first - 1].tag in ("noun", "adjective") and any(p.tag == "wh" for p in pieces[max(0, first - 3) : first]):
                break
            first -= 1
            if pieces[first].tag == "the" and (not first or pieces[first - 1].tag != "of"):
                break
        if first == n:
            continue
        verb = _Piece(auxiliary[1], "have" if auxiliary[1] in ("has", "have") else "word", piece.start, piece.end)
        rest = piece.text[auxiliary.end() :]
        after = [_Piece(rest, "word", piece.start, piece.end)] if rest else []
        return [*pieces[:first], verb, *pieces[first:n], *after, *pieces[n + 1 :]]
    return pieces


def _tense(pieces: list[_Piece]) -> list[_Piece]:
    """Turn "has directed" into "directed", and the German "who has the film directed" into "who directed the film";
    "when is she died" becomes "when did she die"."""
    result: list[_Piece] = []
    for piece in pieces:
        if piece.tag == "participle" and result:
            if result[-1].tag == "have":
                result[-1] = _Piece(piece.past or piece.text, "verb", piece.start, piece.end)
                continue
            if len(result) > 1 and result[0].text == "who" and result[1].tag == "have":
                result[1] = _Piece(piece.past or piece.text, "verb", piece.start, piece.end)
                continue
        if piece.text == "died" and any(other.text in ("is", "are") for other in result):
            at = max(n for n, other in enumerate(result) if other.text in ("is", "are"))
            result[at] = replace(result[at], text="did")
            piece = replace(piece, text="die")
        result.append(piece)
    return result


def _adjectives_first(pieces: list[_Piece]) -> list[_Piece]:
    """Turn "language official" into "official language", and "city the largest" into "largest city"."""
    result: list[_Piece] = []
    for n, piece in enumerate(pieces):
        if piece.tag in ("adjective", "participle") and result and _joined(result[-1], piece):
            at = len(result)
            if result[-1].tag == "the" and len(result) > 1 and result[-2].tag == "noun" and _is_best(piece):
                result.pop()
                at -= 1
            while at and result[at - 1].tag == "noun" and (at == len(result) or result[at].tag == "noun"):
                at -= 1
                break
            followed = n + 1 < len(pieces) and pieces[n + 1].tag == "noun" and piece.tag == "adjective"
            agent = n + 1 < len(pieces) and piece.tag == "participle"
            if not followed and not agent and not (at and result[at - 1].tag == "wh" and _ends_with_verb(result, at)):
                result.insert(at, piece)
                continue
        result.append(piece)
    return result


def _joined(before: _Piece, piece: _Piece) -> bool:
    return before.tag in ("noun", "the") and before.start <= piece.start


def _ends_with_verb(result: Sequence[_Piece], at: int) -> bool:
    return bool(re.search(r"\b(?:is|are|was|were)$", result[at - 1].text))


def _is_best(piece: _Piece) -> bool:
    return piece.text.endswith("est") or piece.text.startswith(("most ", "least ")) or piece.text in ("best", "worst")


def _names_without_article(pieces: list[_Piece]) -> list[_Piece]:
    """Drop the article that French and its sisters put before a name."""
    result: list[_Piece] = []
    for piece, following in zip(pieces, [*pieces[1:], None], strict=True):
        if following is not None and following.tag == "name" and following.start > piece.start:
            if piece.tag == "the":
                continue
            if piece.tag != "name" and piece.text.endswith(" the"):
                piece = replace(piece, text=piece.text.removesuffix(" the"))
        result.append(piece)
    return result


def _render(text: str, pieces: Sequence[_Piece]) -> tuple[str, dict[tuple[int, int], tuple[int, int]]]:
    """Return the gloss, and where in it each name stands, by its span in the text."""
    parts: list[str] = []
    places: dict[tuple[int, int], tuple[int, int]] = {}
    length = 0
    before: _Piece | None = None
    for piece in pieces:
        if before is not None:
            gap = " "
            untouched = all(p.tag in ("name", "unknown", "number", "mark") for p in (before, piece))
            if untouched and before.end <= piece.start and not text[before.end : piece.start].strip(" -"):
                gap = text[before.end : piece.start]
            if piece.text in ("?", ".", ",", ";", "!", ":", ")"):
                gap = ""
            elif before.text in ("(", "«"):
                gap = ""
            parts.append(gap)
            length += len(gap)
        places[piece.start, piece.end] = (length, length + len(piece.text))
        parts.append(piece.text)
        length += len(piece.text)
        before = piece
    return "".join(parts), places


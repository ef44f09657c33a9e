"""A word-by-word English gloss of a question in French, Spanish, German, Italian or Portuguese.

The encoder is English. A gloss is no translation: it gives the encoder the English words for the question's relations,
classes and operators, in roughly English order, and leaves every name as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from kgqa.linking.inflection import compare_english
from kgqa.linking.language import detect_language, detect_with_names
from kgqa.linking.lexicon import AUXILIARY, TOKEN, Entry, ForeignLanguage, Language, Lexicon, fold, load_lexicon

__all__ = ["Gloss", "align_gloss", "detect_language", "gloss"]

_NUMBER = re.compile(r"\d|(?:two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|hundred|thousand|million)\b")
_COMPARATIVE = re.compile(r"(?:more|less) \w+$|(?!over|under|after|other|number|ever)\w+er$|worse$")
_PREPOSITIONS = frozenset("in of to from with by for on".split())
_INVERTED = frozenset("t il elle ils elles on ce".split())
_PLURAL: dict[ForeignLanguage, frozenset[str]] = {
    "fr": frozenset("quels quelles les des aux combien plusieurs tous toutes ces deux trois quatre cinq dix".split()),
    "es": frozenset(),
    "de": frozenset("welche viele vielen alle aller meisten beiden mehrere zwei drei vier fünf zehn".split()),
    "it": frozenset("quali quanti quante i gli le dei degli delle tutti tutte alcuni alcune molti due tre".split()),
    "pt": frozenset(),
}


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
    language = detect_with_names(_blank(text, spans), names_known=bool(spans))
    if language == "en":
        return Gloss(text, "en", tuple(protected))
    pieces = list(_look_up(text, spans, language))
    pieces = _tense(_invert(_compare(pieces)))
    if language != "de":
        pieces = _adjectives_first(pieces)
    pieces = _names_without_article(text, pieces)
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
        tokens = [m for m in TOKEN.finditer(text, position, start) if m[0] not in "¿¡-" or _stands_alone(text, m)]
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
            german = language == "de" and entry is not None and (entry.tag == "noun" or length > 1)
            if entry and (shouted or german or _is_lower(tokens[n : n + length])):
                if language == "de":
                    entry = _german_in_context(entry, tokens, n, lexicon, after_noun=before == "noun")
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


def _german_in_context(
    entry: Entry, tokens: Sequence[re.Match[str]], n: int, lexicon: Lexicon, *, after_noun: bool
) -> Entry:
    """Return "which" for the article that opens a clause, "of the" for "der" after a noun, "by" for "nach Fläche"."""
    following = tokens[n + 1][0] if n + 1 < len(tokens) else ""
    if entry.tag == "the" and n and tokens[n - 1][0] == ",":
        return Entry("which", "word") if following.islower() else entry
    if tokens[n][0] == "der" and after_noun and entry.tag == "the":
        return Entry("of the", "of")
    if entry.english == "after" and following.istitle():
        noun = lexicon.get(following.lower())
        return Entry("by", "word") if noun and noun.tag == "noun" else entry
    return entry


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
        else:
            piece = replace(piece, text=_in_context(piece, result, pieces[n + 1 :]))
        result.append(piece)
        n += 1
    return result


def _in_context(piece: _Piece, before: Sequence[_Piece], after: Sequence[_Piece]) -> str:
    """Return the English of a small word that has several: "que" is "than" after "larger", "as" after "the same"."""
    last = before[-1] if before else None
    noun_follows = bool(after) and after[0].tag == "noun"
    compared = last is not None and _COMPARATIVE.search(last.text)
    match piece.text:
        case "that" if last is None:
            return "what"
        case "that" | "than the" if compared:
            return "than"
        case "that" if any("same" in other.text.split() for other in before[-3:]):
            return "as"
        case "that" if noun_follows and last is not None and last.text in _PREPOSITIONS:
            return "which"
        case "of" | "of the" if compared and last is not None and last.tag == "adjective":
            return "than"
        case "who" if last is not None and last.tag in ("noun", "adjective", "name"):
            return "that"
        case "why" if noun_follows:
            return "through which"
        case "is there" if last is not None and last.tag in ("noun", "adjective"):
            return "are there"
        case "there are" if last is None and after and after[-1].text == "?":
            return "are there"
    return piece.text


def _invert(pieces: list[_Piece]) -> list[_Piece]:
    """Move "does it have" before its subject: "Islande does it have" becomes "does Islande have"."""
    for n, piece in enumerate(pieces):
        auxiliary = AUXILIARY.match(piece.text) if piece.tag == "inversion" else None
        if auxiliary is None:
            continue
        first = n
        while first and pieces[first - 1].tag in ("name", "unknown", "noun", "adjective", "of", "the", "number"):
            asked = any(piece.tag == "wh" for piece in pieces[max(0, first - 3) : first])
            if asked and pieces[first - 1].tag in ("noun", "adjective"):
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
            if result[at - 1].tag == "noun":
                at -= 1
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


def _names_without_article(text: str, pieces: list[_Piece]) -> list[_Piece]:
    """Drop the article that French and its sisters put before a name; "de" within a name stays."""
    result: list[_Piece] = []
    for piece, following in zip(pieces, [*pieces[1:], None], strict=True):
        named = following is not None and following.tag == "name" and result and result[-1].tag == "name"
        if named and piece.tag == "of" and result[-1].end < piece.start:
            result.append(replace(piece, text=text[piece.start : piece.end], tag="name"))
            continue
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
            if piece.text in ("?", ".", ",", ";", "!", ":", ")") or before.text in ("(", "«"):
                gap = ""
            parts.append(gap)
            length += len(gap)
        places[piece.start, piece.end] = (length, length + len(piece.text))
        parts.append(piece.text)
        length += len(piece.text)
        before = piece
    return "".join(parts), places

"""Numbers, dates and ranges in a question: "over 2.5 million", "the 1990s", "before May 2001", "between 5 and 10
kg"."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from math import isfinite

from kgqa.datatypes import XSD, Mention, Term, ValueRange, literal
from kgqa.index.values import days_since_epoch

_MAGNITUDES = {
    "thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "mio": 1e6, "mn": 1e6, "billion": 1e9, "bn": 1e9, "b": 1e9,
    "trillion": 1e12, "millions": 1e6, "millones": 1e6, "mille": 1e3, "mil": 1e3, "hundred": 1e2, "dozen": 12.0,
}  # fmt: skip
_UNITS = "one two three four five six seven eight nine".split()
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORDS = (
    {word: float(number) for number, word in enumerate(["zero", *_UNITS, *_TEENS])}
    | {word: float(number) for number, word in zip(range(20, 100, 10), _TENS, strict=True)}
    | {
        f"{tens}{between}{units}": float(10 * i + j)
        for i, tens in enumerate(_TENS, start=2)
        for j, units in enumerate(_UNITS, start=1)
        for between in "- "
    }
    | {"hundred": 100.0, "thousand": 1e3, "million": 1e6, "dozen": 12.0, "billion": 1e9, "half a million": 5e5}
)
_MONTHS = {
    name[:length]: number
    for number, name in enumerate(
        "january february march april may june july august september october november december".split(), start=1
    )
    for length in {3, len(name)}
} | {"sept": 9}

_NUMBER = r"(?:\d{1,3}(?:[,  ]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_NUMBER_RE = re.compile(
    rf"(?<![\w.-])(?P<currency>[$€£])?(?P<number>{_NUMBER}|\b(?:{'|'.join(sorted(_WORDS, key=len, reverse=True))})\b)"
    rf"(?:\s*(?P<magnitude>{'|'.join(sorted(_MAGNITUDES, key=len, reverse=True))})\b)?(?![\w-]*\d)",
    re.IGNORECASE,
)
_MONTH_NAMES = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE_RES = (
    re.compile(r"(?<![\w-])(?P<year>\d{4})-(?P<month>\d\d)(?:-(?P<day>\d\d))?(?![\w-])"),
    re.compile(
        rf"\b(?P<name>{_MONTH_NAMES})\.?\s+(?:the\s+)?(?P<day>\d\d?)(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})\b", re.I
    ),
    re.compile(
        rf"\b(?P<day>\d\d?)(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<name>{_MONTH_NAMES})\.?,?\s+(?P<year>\d{{4}})\b", re.I
    ),
    re.compile(rf"\b(?P<name>{_MONTH_NAMES})\.?,?\s+(?:of\s+)?(?P<year>\d{{4}})\b", re.I),
    re.compile(r"(?<![\w.,$€£-])(?P<decade>\d{3}0)['’]?s\b"),
    re.compile(r"(?<!\w)['’]?(?P<short>[2-9]0)['’]?s\b"),
    re.compile(r"\b(?P<century>[1-9]\d?)(?:st|nd|rd|th)\s+century\b", re.I),
    re.compile(r"(?<![\w.,$€£-])(?P<year>1[0-9]\d\d|20\d\d)(?![\w,.-]*\d)(?!\s*(?:k|thousand|million|billion|[$€£%])\b)"),
)  # fmt: skip

_BEGINNING = re.compile(
    rf"\b(?:between|from)\s+(?:the\s+)?(?P<date>(?P<day>\d\d?)(?:st|nd|rd|th)?(?:\s+(?:of\s+)?(?P<name>{_MONTH_NAMES}))?"
    rf"|(?P<month>{_MONTH_NAMES})(?:\s+(?P<late>\d\d?)(?:st|nd|rd|th)?)?)\s+(?:and|to|until|till|through|-|–)\s+(?:the\s+)?$",
    re.I,
)
"""The beginning of a period, as far as its end does not say it too: "from 3 to 9 May 2021"."""

_ABOVE = r"more than|greater than|higher than|larger than|bigger than|longer than|taller than|heavier than|older than|over|above|exceed(?:s|ing)?|beyond|upwards of|beat(?:s|ing)?|>|plus de|más de|mas de|mehr als|über"
_BELOW = r"less than|fewer than|lower than|smaller than|shorter than|cheaper than|lighter than|younger than|under|below|beneath|<|moins de|menos de|weniger als|unter"
_AT_LEAST = r"at least|no (?:smaller|lower|shorter|younger|lighter) than|no less than|no fewer than|a minimum of|minimum|from|not less than|≥|>=|au moins|al menos|mindestens"
_AT_MOST = r"at most|no (?:greater|higher|larger|bigger|longer|taller|heavier|older) than|no more than|up to|a maximum of|maximum|within|not more than|≤|<=|au plus|como máximo|höchstens"
_AFTER = r"after|(?<!no )(?<!not )later than|since the end of|past|après|despues de|después de|nach"
_SINCE = r"since|(?:no|not) earlier than|not before|from|starting|as of|depuis|desde|seit|ab"
_BEFORE = r"(?<!not )before|(?<!no )(?<!not )earlier than|prior to|ahead of|older than|avant|antes de|vor"
_UNTIL = r"until|till|(?:no|not) later than|up to|by|through|jusqu'en|hasta|bis"
_FILLER = r"(?:\s+(?:the|a|an|of|year|about|end of))*\s*"
_TRAILING_MORE = re.compile(
    r"^\s*(?:\w+\s+){0,2}?(?:or|and|and\s+/\s*or)\s+(?:more|above|over|longer|later|higher|greater|up|upwards|older|after)\b|^\s*\+",
    re.I,
)
_TRAILING_LESS = re.compile(
    r"^\s*(?:\w+\s+){0,2}?(?:or|and)\s+(?:less|fewer|below|under|shorter|earlier|lower|younger|before)\b", re.I
)
_NUMBER_CUES = tuple(
    (re.compile(rf"(?:^|(?<=\W))(?:{words}){_FILLER}[$€£]?$", re.I), low, inclusive)
    for words, low, inclusive in (
        (_AT_LEAST, True, True),
        (_AT_MOST, False, True),
        (_ABOVE, True, False),
        (_BELOW, False, False),
    )
)
_DATE_CUES = tuple(
    (re.compile(rf"(?:^|(?<=\W))(?:{words}){_FILLER}$", re.I), kind)
    for words, kind in (
        (_UNTIL, "until"), (_AFTER, "after"), (_BEFORE, "before"), (_SINCE, "since"),
        (_ABOVE, "after"), (_BELOW, "before"), (_AT_LEAST, "since"), (_AT_MOST, "until"),
    )
)  # fmt: skip
_BETWEEN = re.compile(r"\b(?:between|from|entre|zwischen)\s*(?:the\s+)?[$€£]?$", re.I)
_JOIN = re.compile(r"^\s*(?:\w+\s+)?(?:and|to|through|until|et|y|und|bis|-|–)\s+(?:the\s+)?[$€£]?$", re.I)

Found = tuple[Mention, ValueRange, Term]
"""A mention that includes its comparing words, the values it allows, and the literal it states."""


def find_values(text: str) -> list[Found]:
    """Return the numbers and dates of a question, in text order; a four-digit number may be both."""
    dates = list(_spans(text, _dates(text)))
    numbers = list(_spans(text, _numbers(text)))
    kept = []
    for found in numbers:
        mention = found[0]
        inside = [d for d in dates if d[0].start <= mention.start and mention.end <= d[0].end]
        if not inside or any(d[0].end - d[0].start == mention.end - mention.start and _bare_year(d) for d in inside):
            kept.append(found)
    return sorted(dates + kept, key=lambda found: (found[0].start, found[1].kind))


def _bare_year(found: Found) -> bool:
    return found[0].text.strip().isdigit() or found[2].datatype == XSD + "gYear"


_Raw = tuple[int, int, ValueRange, Term]


def _numbers(text: str) -> Iterator[_Raw]:
    for match in _NUMBER_RE.finditer(text):
        raw, magnitude = match.group("number"), match.group("magnitude")
        plain = raw.replace(",", "").replace(" ", "").replace(" ", "")
        word = raw.lower()
        number = _WORDS[word] if word in _WORDS else float(plain)
        before = text[: match.start()]
        if word == "one" and not magnitude and not any(pattern.search(before) for pattern, _, _ in _NUMBER_CUES):
            continue  # "which one", "one of": no number
        end = match.end()
        if magnitude and _is_unit(match, number):
            magnitude, end = None, match.end("number")
        if magnitude:
            number *= _MAGNITUDES[magnitude.lower()]
        if not isfinite(number):
            continue
        lexical = str(int(number)) if number == int(number) else str(number)
        term = literal(lexical, XSD + ("integer" if number == int(number) else "decimal"))
        yield match.start(), end, ValueRange("number", number, number), term


def _is_unit(match: re.Match[str], number: float) -> bool:
    """Return whether the letter after a number is a unit: metres in "8000 m", a million in "5m" and "$8 m"."""
    letter = match.group("magnitude").lower()
    apart = match.start("magnitude") > match.end("number")
    return len(letter) == 1 and not match.group("currency") and (apart or (letter == "m" and number >= 1000))


def _dates(text: str) -> Iterator[_Raw]:
    taken: list[tuple[int, int]] = []
    for pattern in _DATE_RES:
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(start < b and a < end for a, b in taken):
                continue
            parts = match.groupdict()
            span = _date_range(parts)
            if span is None:
                continue
            taken.append((start, end))
            low, high, term = span
            if (begin := _BEGINNING.search(text[:start])) and (first := _beginning(begin, parts)):
                taken.append(begin.span("date"))
                yield *begin.span("date"), ValueRange("date", first[0], first[1], True, False), first[2]
            yield start, end, ValueRange("date", low, high, True, False), term


def _beginning(begin: re.Match[str], end: dict[str, str | None]) -> tuple[float, float, Term] | None:
    """Return the date that a period begins with; what it leaves out is that of its end."""
    month = begin["name"] or begin["month"] or end.get("name")
    if not end.get("year") or not month:
        return None
    return _date_range({"year": end["year"], "name": month, "day": begin["day"] or begin["late"]})


def _date_range(parts: dict[str, str | None]) -> tuple[float, float, Term] | None:
    """Return (first day, first day after, literal) of a day, month, year, decade or century."""
    if decade := parts.get("decade"):
        year = int(decade)
        return days_since_epoch(year), days_since_epoch(year + 10), literal(decade + "s")
    if short := parts.get("short"):
        year = 1900 + int(short)
        return days_since_epoch(year), days_since_epoch(year + 10), literal(short + "s")
    if century := parts.get("century"):
        year = (int(century) - 1) * 100 + 1
        return days_since_epoch(year), days_since_epoch(year + 100), literal(century + "th century")
    year = int(parts["year"] or 0)
    if year < 1:
        return None
    name, digits, day_text = parts.get("name"), parts.get("month"), parts.get("day")
    month = _MONTHS[name.lower()] if name else int(digits) if digits else None
    if month is None:
        return days_since_epoch(year), days_since_epoch(year + 1), literal(str(year), XSD + "gYear")
    if not 1 <= month <= 12:
        return None
    if day_text is None:
        following = (year + 1, 1) if month == 12 else (year, month + 1)
        return (
            days_since_epoch(year, month),
            days_since_epoch(*following),
            literal(f"{year}-{month:02d}", XSD + "gYearMonth"),
        )
    day = int(day_text)
    if not 1 <= day <= monthrange(year, month)[1]:
        return None
    first = days_since_epoch(year, month, day)
    return first, first + 1, literal(f"{year}-{month:02d}-{day:02d}", XSD + "date")


def _spans(text: str, raw: Iterator[_Raw]) -> Iterator[Found]:
    """Widen each value by its comparing words, and join "between A and B"."""
    items = sorted(raw, key=lambda item: item[0])
    place = 0
    while place < len(items):
        start, end, span, term = items[place]
        if place + 1 < len(items):
            other = items[place + 1]
            opening = _BETWEEN.search(text[:start])
            if opening and _JOIN.match(text[end : other[0]]):
                low, high = span, other[2]
                if low.low is not None and high.high is not None and low.low < high.high:
                    joined = ValueRange(span.kind, low.low, high.high, True, high.high_inclusive)
                    yield _mention(text, opening.start(), other[1]), joined, term
                    place += 2
                    continue
        yield _compare(text, start, end, span, term)
        place += 1


def _compare(text: str, start: int, end: int, span: ValueRange, term: Term) -> Found:
    before, after = text[:start], text[end:]
    if span.kind == "number":
        assert span.low is not None
        for pattern, is_low, inclusive in _NUMBER_CUES:
            if match := pattern.search(before):
                bound = _one_sided("number", span.low, low=is_low, inclusive=inclusive)
                return _mention(text, match.start(), end), bound, term
        if match := _TRAILING_MORE.match(after):
            return _mention(text, start, end + match.end()), ValueRange("number", low=span.low), term
        if match := _TRAILING_LESS.match(after):
            return _mention(text, start, end + match.end()), ValueRange("number", high=span.low), term
        return _mention(text, start, end), span, term
    assert span.low is not None and span.high is not None
    for pattern, kind in _DATE_CUES:
        if match := pattern.search(before):
            where = _mention(text, match.start(), end)
            if kind == "after":
                return where, ValueRange("date", low=span.high), term
            if kind == "since":
                return where, ValueRange("date", low=span.low), term
            if kind == "before" and "end of" not in match.group().lower():
                return where, ValueRange("date", high=span.low, high_inclusive=False), term
            return where, ValueRange("date", high=span.high, high_inclusive=False), term
    if match := _TRAILING_MORE.match(after):
        return _mention(text, start, end + match.end()), ValueRange("date", low=span.low), term
    if match := _TRAILING_LESS.match(after):
        return _mention(text, start, end + match.end()), ValueRange("date", high=span.high, high_inclusive=False), term
    return _mention(text, start, end), span, term


def _one_sided(kind: str, bound: float, *, low: bool, inclusive: bool) -> ValueRange:
    assert kind == "number"
    if low:
        return ValueRange("number", low=bound, low_inclusive=inclusive)
    return ValueRange("number", high=bound, high_inclusive=inclusive)


def _mention(text: str, start: int, end: int) -> Mention:
    return Mention(start, end, text[start:end])

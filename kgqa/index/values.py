"""Typed literals as numbers that compare by value."""

from __future__ import annotations

import math
import re
from datetime import date

from kgqa.datatypes import XSD

NO_VALUE, NUMBER, DATE, BOOLEAN = 0, 1, 2, 3

_NUMERIC = frozenset(
    XSD + name
    for name in (
        "integer decimal double float int long short byte nonNegativeInteger positiveInteger negativeInteger "
        "nonPositiveInteger unsignedInt unsignedLong unsignedShort unsignedByte"
    ).split()
)
_DATES = frozenset(XSD + name for name in ("date", "dateTime", "dateTimeStamp", "gYear", "gYearMonth"))
_DURATIONS = frozenset(XSD + name for name in ("duration", "dayTimeDuration", "yearMonthDuration"))
_ISO_DATE = re.compile(
    r"^(-?\d{4,6})(?:-(\d\d)(?:-(\d\d))?)?(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?$"
)
_PLAIN_DATE = {
    XSD + name: re.compile(pattern)
    for name, pattern in {
        "date": r"-?\d{4,}-\d\d-\d\d",
        "dateTime": r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\dZ?",
        "gYear": r"-?\d{4,}",
        "gYearMonth": r"-?\d{4,}-\d\d",
    }.items()
}
_DURATION = re.compile(r"^(-)?P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")


def days_since_epoch(year: int, month: int = 1, day: int = 1) -> float:
    """Return the day number of a proleptic Gregorian date, 1970-01-01 being 0. Years below 1 are approximate."""
    if 1 <= year <= 9999:
        return float(date(year, month, day).toordinal() - 719163)
    return (year - 1970) * 365.2425 + (month - 1) * 30.4375 + (day - 1)


def is_plain_date(text: str, datatype: str) -> bool:
    """Return whether a date has no time zone (but for a date-time's Z) and no fraction of a second."""
    pattern = _PLAIN_DATE.get(datatype)
    return pattern is not None and pattern.fullmatch(text) is not None


def parse_date(text: str) -> float | None:
    """Return the day number (a float: the time of day is its fraction) of an ISO date, month or year, or None."""
    match = _ISO_DATE.match(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) if part else None for part in match.groups())
    assert year is not None
    if (hour or 0) > 24 or (minute or 0) > 59 or (second or 0) > 60:
        return None
    try:
        base = days_since_epoch(year, month or 1, day or 1)
    except ValueError:
        return None
    return base + ((hour or 0) * 3600 + (minute or 0) * 60 + (second or 0)) / 86400


def literal_value(lexical: str, datatype: str | None) -> tuple[int, float]:
    """Return (kind, value) of a literal: NUMBER, DATE in days, BOOLEAN as 0/1, or (NO_VALUE, NaN).

    Durations compare as seconds under NUMBER. Ill-typed literals have no value; their text is kept elsewhere.
    """
    if datatype in _NUMERIC:
        try:
            number = float(lexical)
        except ValueError:
            return NO_VALUE, math.nan
        return (NUMBER, number) if math.isfinite(number) else (NO_VALUE, math.nan)
    if datatype in _DATES:
        day = parse_date(lexical)
        return (DATE, day) if day is not None else (NO_VALUE, math.nan)
    if datatype == XSD + "boolean":
        if lexical in ("true", "1"):
            return BOOLEAN, 1.0
        if lexical in ("false", "0"):
            return BOOLEAN, 0.0
    if datatype in _DURATIONS and (match := _DURATION.match(lexical)):
        sign, *parts = match.groups()
        years, months, days, hours, minutes, seconds = (float(part) if part else 0.0 for part in parts)
        total = ((years * 12 + months) * 30.4375 + days) * 86400 + hours * 3600 + minutes * 60 + seconds
        return NUMBER, -total if sign else total
    return NO_VALUE, math.nan

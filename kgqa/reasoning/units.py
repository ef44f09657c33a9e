"""Units: what a question's number means in the unit that a relation's label states.

"Longer than eight minutes" over a relation "duration (seconds)" compares with 480; "five million copies" over "sales
(millions)" with 5.
"""

from __future__ import annotations

import re
from dataclasses import replace

from kgqa.datatypes import ValueRange
from kgqa.index.text import tokenize

_SCALES: tuple[dict[str, float], ...] = tuple(
    {word: factor for words, factor in family for word in words.split()}
    for family in (
        (("ms msec millisecond milliseconds", 0.001), ("s sec secs second seconds", 1.0), ("min mins minute minutes", 60.0),
         ("h hr hrs hour hours", 3600.0), ("day days", 86400.0), ("week weeks", 604800.0)),
        (("mm millimetre millimetres millimeter millimeters", 0.001), ("cm centimetre centimetres centimeter centimeters", 0.01),
         ("m metre metres meter meters", 1.0), ("km kilometre kilometres kilometer kilometers kms", 1000.0),
         ("mi mile miles", 1609.344), ("ft foot feet", 0.3048), ("inch inches", 0.0254)),
        (("mg milligram milligrams", 1e-6), ("g gram grams gramme grammes", 0.001), ("kg kilo kilos kilogram kilograms kgs", 1.0),
         ("t ton tons tonne tonnes", 1000.0), ("lb lbs pound pounds", 0.45359237)),
        (("w watt watts", 1.0), ("kw kilowatt kilowatts", 1000.0), ("mw megawatt megawatts", 1e6), ("gw gigawatt gigawatts", 1e9)),
        (("ml millilitre millilitres milliliter milliliters", 0.001), ("cl", 0.01), ("l litre litres liter liters", 1.0)),
        (("month months", 1.0), ("year years", 12.0)),
    )
)  # fmt: skip
_MAGNITUDES = {"thousand": 1e3, "thousands": 1e3, "million": 1e6, "millions": 1e6, "billion": 1e9, "billions": 1e9}
_NEXT = re.compile(r"\s*([A-Za-z²³]+)")


def following_unit(text: str, end: int) -> str:
    """Return the word after position `end`, folded, if it is a unit; else an empty string."""
    match = _NEXT.match(text, end)
    word = match.group(1).lower() if match else ""
    return word if any(word in scale for scale in _SCALES) else ""


def scale_range(span: ValueRange, unit: str, label: str) -> ValueRange:
    """Return the range in the unit and magnitude that a relation's label states, where it states one."""
    if span.kind != "number":
        return span
    factor = 1.0
    words = [word for _, _, word in tokenize(label)]
    for scale in _SCALES:
        stated = next((scale[word] for word in reversed(words) if word in scale), None)
        if unit in scale and stated is not None:
            factor *= scale[unit] / stated
    magnitude = next((_MAGNITUDES[word] for word in words if word in _MAGNITUDES), 1.0)
    bound = span.low if span.low is not None else span.high
    if magnitude > 1.0 and bound is not None and abs(bound) >= magnitude / 2:
        factor /= magnitude
    if factor == 1.0:
        return span
    low = None if span.low is None else span.low * factor
    high = None if span.high is None else span.high * factor
    return replace(span, low=low, high=high)

"""Facts about putting ordinary words of a question right."""

from __future__ import annotations

import pytest

from kgqa.datatypes import EntityCandidate, EntityLink, Mention, iri
from kgqa.linking.spelling import respell

KNOWN = {word: rank for rank, word in enumerate("the of what which capital countries border composer capitol".split())}
SCHEMA = frozenset(("capital", "border", "abv"))
NAMES = frozenset(("narnia", "wakandia"))


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("captial of Narnia", "capital of Narnia"),
        ("which countires border it", "which countries border it"),
        ("Captial of Narnia", "capital of Narnia"),
        ("compser of Narnia", "composer of Narnia"),
        ("which capital", "which capital"),
        ("the Captial Radio", "the Captial Radio"),
        ("the narnia", "the narnia"),
        ("the bordr", "the border"),
        ("the abw", "the abw"),
        ("the bordeaux", "the bordeaux"),
    ],
)
def test_a_slip_is_put_right_and_nothing_else(text: str, corrected: str) -> None:
    assert respell(text, (), SCHEMA, KNOWN, NAMES) == corrected


def test_a_linked_name_stays_and_without_known_words_all_do() -> None:
    link = EntityLink(
        Mention(0, 7, "captial"), (EntityCandidate(iri("http://x.example/c"), "Captial", 0.95, "entity"),)
    )
    assert respell("captial of", (link,), SCHEMA, KNOWN, NAMES) == "captial of"
    assert respell("captial of", (), SCHEMA, {}, NAMES) == "captial of"

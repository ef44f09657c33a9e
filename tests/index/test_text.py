"""Facts about folding, singulars, tokens and local names."""

from __future__ import annotations

import unicodedata

import pytest

from kgqa.index.text import fold, is_opaque, normalize, singular, split_local_name, tokenize


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Łódź", "lodz"), ("Zoë’s", "zoe's"), ("STRASSE", "strasse"), ("Straße", "strasse"), ("Søren", "soren")],
)
def test_folding_drops_case_and_accents(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("cities", "city"), ("movies", "movie"), ("people", "person"), ("boxes", "box"),
        ("class", "class"), ("series", "series"), ("bus", "bus"), ("was", "was"), ("parents", "parent"),
        ("paris", "paris"),
    ],
)  # fmt: skip
def test_words_become_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Clara Moreau's parents", ["Clara", "Moreau", "parents"]),
        ("Qui est l'auteur d’Emma ?", ["Qui", "est", "l", "auteur", "d", "Emma"]),
        ("AT&T (Q42)", ["AT", "&", "T", "Q42"]),
        ("O'Brien", ["O'Brien"]),
        ("東京 2020", ["東京", "2020"]),
        ("!?", []),
    ],
)
def test_tokens_lie_where_they_say(text: str, tokens: list[str]) -> None:
    assert [text[start:end] for start, end, _ in tokenize(text)] == tokens


def test_a_word_is_the_same_however_its_accents_are_encoded() -> None:
    composed, decomposed = (unicodedata.normalize(form, "Zürich's Äcker") for form in ("NFC", "NFD"))
    assert normalize(decomposed) == normalize(composed) == "zurich acker"


@pytest.mark.parametrize(
    ("iri", "words"),
    [
        ("http://x/productionBudgetUSD", "production budget USD"),
        ("http://x/birth_place", "birth place"),
        ("http://x#hasISBN10", "has ISBN 10"),
        ("http://x/Q42", "Q42"),
        ("http://x/EMP-1045", "EMP-1045"),
        ("urn:isbn:book", "book"),
    ],
)
def test_local_names_are_split_into_words(iri: str, words: str) -> None:
    assert split_local_name(iri) == words


def test_identifiers_are_opaque_and_words_are_not() -> None:
    assert is_opaque("http://x/P31") and not is_opaque("http://x/parent")

"""Facts about the words of labels: found by their start, and with a slip of the pen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from kgqa.index.words import SortedTexts, Vocabulary, signature

texts = st.text(alphabet="abcdeéß12 z", max_size=10)
words = st.text(alphabet="abcné", min_size=1, max_size=9)


def make_vocabulary(of: set[str]) -> Vocabulary:
    arrays = Vocabulary.arrays_of(sorted(of))
    sorted_words = SortedTexts(arrays["word_start"], arrays["word"])
    return Vocabulary(
        sorted_words, arrays["word_by_length"], arrays["word_signature"], arrays["word_length_start"]
    )


@given(st.sets(texts), texts)
def test_sorted_texts_find_what_they_hold(held: set[str], wanted: str) -> None:
    arrays = SortedTexts.arrays_of(sorted(held), "t")
    found = SortedTexts(arrays["t_start"], arrays["t"])
    assert [found[i] for i in range(len(found))] == sorted(held)
    assert found.find(wanted) == (sorted(held).index(wanted) if wanted in held else -1)
    assert [text for _, text in found.starting_with(wanted)] == sorted(t for t in held if t.startswith(wanted))


@given(words, words)
def test_a_slip_changes_at_most_two_bits_of_a_signature(one: str, other: str) -> None:
    apart = (signature(one) ^ signature(other)).bit_count()
    assert apart <= 2 * OSA.distance(one, other)


@settings(deadline=None)
@given(st.sets(words, max_size=30), words)
def test_corrections_are_those_of_comparing_with_every_word(held: set[str], word: str) -> None:
    limit = 1 if len(word) < 8 else 2
    near = [
        (other, 1 - OSA.distance(word, other) / len(word) - (0 if other[0] == word[0] else 0.1))
        for other in held
        if len(word) >= 4 and OSA.distance(word, other) <= limit
    ]
    expected = tuple(sorted(near, key=lambda item: (-item[1], item[0]))[:3])
    assert make_vocabulary(held).corrections(word) == expected


@pytest.mark.parametrize(
    ("word", "found"),
    [("germny", ("germany",)), ("gremany", ("germany",)), ("germanyy", ("germany",)), ("frog", ()), ("2024", ())],
    ids=["dropped", "swapped", "doubled", "far", "number"],
)
def test_a_misspelt_word_is_corrected(word: str, found: tuple[str, ...]) -> None:
    vocabulary = make_vocabulary({"germany", "france", "2025"})
    assert tuple(other for other, _ in vocabulary.corrections(word)) == found


def test_words_of_one_stem_are_found_and_the_word_itself_is_not() -> None:
    vocabulary = make_vocabulary({"negotiate", "negotiation", "negotiator", "negation"})
    assert vocabulary.same_stem("negotiate") == ("negotiation", "negotiator")


def test_a_word_that_no_label_has_is_not_in_the_vocabulary() -> None:
    assert "paris" in make_vocabulary({"paris"})
    assert "pari" not in make_vocabulary({"paris"})

"""Numbers and dates in questions: each phrase with the range it means, worked out by hand."""

from __future__ import annotations

from datetime import date

import pytest

from kgqa.datatypes import ValueRange
from kgqa.linking.values import find_values


def day(text: str) -> float:
    return float((date.fromisoformat(text) - date(1970, 1, 1)).days)


def between(first: str, after_last: str) -> ValueRange:
    return ValueRange("date", day(first), day(after_last), True, False)


def number(value: float) -> ValueRange:
    return ValueRange("number", value, value)


def above(value: float) -> ValueRange:
    return ValueRange("number", low=value, low_inclusive=False)


def below(value: float) -> ValueRange:
    return ValueRange("number", high=value, high_inclusive=False)


def at_least(value: float) -> ValueRange:
    return ValueRange("number", low=value)


def at_most(value: float) -> ValueRange:
    return ValueRange("number", high=value)


def since(first: str) -> ValueRange:
    return ValueRange("date", low=day(first))


def before(first_not: str) -> ValueRange:
    return ValueRange("date", high=day(first_not), high_inclusive=False)


CASES: list[tuple[str, str, ValueRange]] = [
    # a question, the mention in it, the range the mention means
    ("films over 20 kg", "over 20", above(20)),
    ("peaks above 8000 m", "above 8000", above(8000)),
    ("peaks above 8000m", "above 8000", above(8000)),
    ("it cost over $5m to make", "over $5m", above(5e6)),
    ("worth $2 bn", "$2 bn", number(2e9)),
    ("cities with more than 5m people", "more than 5m", above(5e6)),
    ("more than 2.5 million copies", "more than 2.5 million", above(2.5e6)),
    ("fewer than three children", "fewer than three", below(3)),
    ("under 1,500 seats", "under 1,500", below(1500)),
    ("at least two dozen", "at least two dozen", at_least(24)),
    ("no fewer than 12 wins", "no fewer than 12", at_least(12)),
    ("no more than 5 people", "no more than 5", at_most(5)),
    ("up to 40 pages", "up to 40", at_most(40)),
    ("no older than 20", "no older than 20", at_most(20)),
    ("no shorter than 90 minutes", "no shorter than 90", at_least(90)),
    ("5 or more goals", "5 or more", at_least(5)),
    ("5+ goals", "5+", at_least(5)),
    ("10 seats or fewer", "10 seats or fewer", at_most(10)),
    ("exactly 3 wins", "3", number(3)),
    ("half a million readers", "half a million", number(5e5)),
    ("twenty-five players", "twenty-five", number(25)),
    ("sixty five players", "sixty five", number(65)),
    ("seventeen films", "seventeen", number(17)),
    ("more than one spouse", "more than one", above(1)),
    ("between 5 and 10 kg", "between 5 and 10", ValueRange("number", 5, 10)),
    ("between 1 January and 31 March 2022", "between 1 January and 31 March 2022", between("2022-01-01", "2022-04-01")),
    ("from 3 to 9 May 2021", "from 3 to 9 May 2021", between("2021-05-03", "2021-05-10")),
    ("between March and May 2020", "between March and May 2020", between("2020-03-01", "2020-06-01")),
    ("1 000 000 inhabitants", "1 000 000", number(1e6)),
    ("born on 1941-05-02", "1941-05-02", between("1941-05-02", "1941-05-03")),
    ("on May 5th, 2001", "May 5th, 2001", between("2001-05-05", "2001-05-06")),
    ("the 5th of May 2001", "5th of May 2001", between("2001-05-05", "2001-05-06")),
    ("in December 1999", "December 1999", between("1999-12-01", "2000-01-01")),
    ("in 2001-05", "2001-05", between("2001-05-01", "2001-06-01")),
    ("in the 1990s", "1990s", between("1990-01-01", "2000-01-01")),
    ("during the '60s", "'60s", between("1960-01-01", "1970-01-01")),
    ("in the 20th century", "20th century", between("1901-01-01", "2001-01-01")),
    ("in the 9th century", "9th century", between("0801-01-01", "0901-01-01")),
    ("since May 2001", "since May 2001", since("2001-05-01")),
    ("after May 2001", "after May 2001", since("2001-06-01")),
    ("before May 2001", "before May 2001", before("2001-05-01")),
    ("before the end of May 2001", "before the end of May 2001", before("2001-06-01")),
    ("by the end of May 2001", "by the end of May 2001", before("2001-06-01")),
    ("no later than May 2001", "no later than May 2001", before("2001-06-01")),
    ("no earlier than May 2001", "no earlier than May 2001", since("2001-05-01")),
    ("not before May 2001", "not before May 2001", since("2001-05-01")),
    ("May 2001 or later", "May 2001 or later", since("2001-05-01")),
    ("May 2001 or earlier", "May 2001 or earlier", before("2001-06-01")),
    ("between May 2001 and June 2003", "between May 2001 and June 2003", between("2001-05-01", "2003-07-01")),
    ("in the 1990s or later", "1990s or later", since("1990-01-01")),
]


@pytest.mark.parametrize(("text", "mention", "span"), CASES, ids=[text for text, _, _ in CASES])
def test_a_phrase_means_one_range(text: str, mention: str, span: ValueRange) -> None:
    assert [(found[0].text, found[1]) for found in find_values(text)] == [(mention, span)]


YEARS: list[tuple[str, ValueRange, ValueRange | None]] = [
    ("in 2001", between("2001-01-01", "2002-01-01"), number(2001)),
    ("over 2000", since("2001-01-01"), above(2000)),
    ("after 2001", since("2002-01-01"), None),
    ("from 1990 to 1995", between("1990-01-01", "1996-01-01"), ValueRange("number", 1990, 1995)),
    ("2001 or later", since("2001-01-01"), at_least(2001)),
]


@pytest.mark.parametrize(("text", "as_date", "as_number"), YEARS, ids=[text for text, _, _ in YEARS])
def test_a_four_digit_number_may_be_a_year_and_a_number(
    text: str, as_date: ValueRange, as_number: ValueRange | None
) -> None:
    assert [found[1] for found in find_values(text)] == [as_date, *([as_number] if as_number else [])]


@pytest.mark.parametrize(
    "text",
    ["the B-52 bomber", "the 747-400", "which one won", "one of them", "in 0000-05", "on 2001-02-30", "9" * 400, ""],
)
def test_what_states_no_value_gives_none(text: str) -> None:
    assert find_values(text) == []


def test_mentions_lie_where_they_say() -> None:
    text = "Which films over 90 minutes came out between 1990 and 1995?"
    for mention, _, _ in find_values(text):
        assert text[mention.start : mention.end] == mention.text


def test_the_literal_is_the_value_as_it_would_be_written() -> None:
    terms = {found[0].text: found[2].n3() for found in find_values("over 2.5 million in May 2001 or on 1999-12-31")}
    assert terms == {
        "over 2.5 million": '"2500000"^^<http://www.w3.org/2001/XMLSchema#integer>',
        "May 2001": '"2001-05"^^<http://www.w3.org/2001/XMLSchema#gYearMonth>',
        "1999-12-31": '"1999-12-31"^^<http://www.w3.org/2001/XMLSchema#date>',
    }

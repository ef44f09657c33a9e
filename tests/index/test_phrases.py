"""How labels of every style read in a sentence."""

from __future__ import annotations

import pytest

from kgqa.index.phrases import phrase

ROWS = [
    ("director", "director of Alien", "film whose director is Scott"),
    ("has genre", "genre of Alien", "film whose genre is Scott"),
    ("directed by", "person that Alien is directed by", "film directed by Scott"),
    ("is member of", "person that Alien is member of", "member of Scott"),
    ("reports to", "person that Alien reports to", "film that reports to Scott"),
    ("in language", "language of Alien", "film whose language is Scott"),
    ("born in", "person that Alien is born in", "film born in Scott"),
    ("account manager for", "person that Alien is account manager for", "account manager for Scott"),
]


@pytest.mark.parametrize(("label", "forward", "inverse"), ROWS, ids=[row[0] for row in ROWS])
def test_a_label_is_said_in_both_directions(label: str, forward: str, inverse: str) -> None:
    said = phrase(label)
    assert said.forward("Alien", end="person") == forward
    assert said.inverse("Scott", end="film") == inverse


def test_a_verb_without_a_known_end_asks_what() -> None:
    assert phrase("directed by").forward("Alien") == "what Alien is directed by"


def test_a_single_word_is_a_noun_whatever_it_ends_in() -> None:
    assert phrase("by").form == "noun"

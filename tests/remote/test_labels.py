from __future__ import annotations

import pytest

from kgqa.remote.labels import spellings, surfaces


def test_every_run_of_words_that_could_be_a_name_is_looked_up() -> None:
    found = list(surfaces("Who directed The Matrix?"))
    assert {"The Matrix", "Matrix", "directed", "directed The Matrix"} <= set(found)
    assert "Who" not in found
    assert found[0] == "Who directed The Matrix"


@pytest.mark.parametrize(
    ("surface", "expected"),
    [
        ("the matrix", "The Matrix"),
        ("lord of the rings", "Lord of the Rings"),
        ("nato", "NATO"),
        ("Rivers", "river"),
        ("big rivers", "Big River"),
        ("ÉCOLE", "école"),
    ],
)
def test_a_name_is_looked_up_in_the_spellings_that_labels_have(surface: str, expected: str) -> None:
    assert expected in spellings(surface)
    assert spellings(surface)[0] == surface

"""What the wording of a question hints."""

from __future__ import annotations

import pytest

from kgqa.reasoning.cues import read_cues

FLAGS = ("count", "ask", "other", "negation", "compare", "order", "high", "low", "early", "late")

CASES: list[tuple[str, set[str]]] = [
    ("Who is the mother of Ada?", set()),
    ("How many films did Nolan direct?", {"count"}),
    ("What is the number of moons?", {"count"}),
    ("Is Porto a city?", {"ask"}),
    ("Did Ada write it?", {"ask"}),
    ("Tell me, is Ada a person?", {"ask"}),
    ("What else did she write?", {"other"}),
    ("Who has the same parents?", {"other"}),
    ("Which films did the director of Alien also make?", {"other"}),
    ("Who stars in films directed by the director of Alien?", {"other"}),
    ("Which countries does the country border?", set()),
    ("Which films have no director?", {"negation"}),
    ("Who was not born there?", {"negation"}),
    ("Which animals are unvaccinated?", {"negation"}),
    ("Which islands are uninhabited?", {"negation"}),
    ("What lies under the United Union?", set()),
    ("List the films in order of budget", {"order"}),
    ("What is the highest mountain?", {"high"}),
    ("Which river is longest?", {"high"}),
    ("Which river is the shortest?", {"low"}),
    ("Who is the oldest?", {"early"}),
    ("Who was born first?", {"early"}),
    ("What is her latest film?", {"late"}),
    ("Who is the youngest person?", {"late"}),
    ("Who lives in the west?", set()),
    ("Who climbed Everest?", set()),
    ("Which is larger, Porto or Faro?", {"high", "compare"}),
    ("List the trials, earliest start first", {"order", "early"}),
    ("What is the northernmost city?", {"high"}),
    ("Which is the southernmost city?", {"low"}),
]


@pytest.mark.parametrize(("text", "flags"), CASES, ids=[text for text, _ in CASES])
def test_a_wording_hints_at_operators(text: str, flags: set[str]) -> None:
    cues = read_cues(text)
    assert {name for name in FLAGS if getattr(cues, name)} == flags
    assert cues.superlative == bool(flags & {"high", "low", "early", "late"})


@pytest.mark.parametrize(
    ("text", "rank", "n_best"),
    [
        ("Which keeper has the most animals to look after?", 1, None),
        ("What is the largest country after Russia?", 2, None),
        ("What is the second highest mountain?", 2, None),
        ("the 3rd largest city", 3, None),
        ("the next largest city", 2, None),
        ("the largest city", 1, None),
        ("the three largest cities", 1, 3),
        ("the top 5 films", 1, 5),
        ("the first two presidents", 1, 2),
        ("the 10 most populous cities", 1, 10),
    ],
)
def test_ordinals_and_top_k_are_read(text: str, rank: int, n_best: int | None) -> None:
    cues = read_cues(text)
    assert (cues.rank, cues.n_best) == (rank, n_best)
    assert cues.superlative


@pytest.mark.parametrize(
    ("text", "wh"),
    [
        ("Who wrote it?", {"who"}),
        ("When did he die?", {"when"}),
        ("In which year did he die?", {"when", "which"}),
        ("Where did he die?", {"where"}),
        ("How tall is it?", {"how_much"}),
        ("Name a city", set()),
    ],
)
def test_question_words_are_read(text: str, wh: set[str]) -> None:
    assert read_cues(text).wh == wh

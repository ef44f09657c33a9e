"""Facts about what people say before they ask."""

from __future__ import annotations

import pytest

from kgqa.linking.preamble import without_preamble
from kgqa.reasoning.cues import read_cues


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Can you tell me who runs the depot?", "who runs the depot?"),
        ("Could you please let me know the last day of the fair?", "the last day of the fair?"),
        ("Would you mind telling me who leads it?", "who leads it?"),
        ("Do you happen to know how many people live there?", "how many people live there?"),
        ("I'd like to know the height of Everest.", "the height of Everest."),
        ("I'm trying to find out which firm made it", "which firm made it"),
        ("I am looking for the code of the tent", "the code of the tent"),
        ("Hi, please tell me when it opened", "when it opened"),
        ("Do you sell tents?", "Do you sell tents?"),
        ("Could Ann be the boss of Bo?", "Could Ann be the boss of Bo?"),
        ("Can I bring a dog?", "Can I bring a dog?"),
        ("Please help", "Please help"),
        ("Who wrote Emma?", "Who wrote Emma?"),
    ],
)
def test_only_what_comes_before_the_question_goes(text: str, question: str) -> None:
    assert without_preamble(text) == question


def test_what_is_left_tells_whether_something_is_so() -> None:
    assert read_cues(without_preamble("Do you know if Bo lives in Rome?")).ask
    assert read_cues(without_preamble("Can you tell me whether Bo lives in Rome?")).ask
    assert not read_cues(without_preamble("Do you know when Bo was born?")).ask

from __future__ import annotations

import pytest

from kgqa.datasets.question_files import QAExample
from kgqa.datatypes import Question, Term, iri
from kgqa.evaluation.comparison import compare
from kgqa.evaluation.outcomes import Given, Outcome

A, B = iri("http://e/a"), iri("http://e/b")


def _run(**given: tuple[Term, ...]) -> list[Outcome]:
    return [
        Outcome(QAExample(Question(name, name), (A, B)), Given(answers, ("",) * len(answers)))
        for name, answers in given.items()
    ]


def test_questions_that_flipped_are_told_with_the_largest_change_first() -> None:
    first = _run(q1=(A,), q2=(), q3=(A, B), q4=(A, B), q5=(A,))
    second = _run(q1=(A, B), q2=(A, B), q3=(), q4=(A, B), q6=(A,))
    found = compare(first, second)
    assert found is not None
    assert [a.example.question.id for a, _ in found.gained] == ["q2", "q1"]
    assert [a.example.question.id for a, _ in found.lost] == ["q3"]
    assert (found.n_questions, found.n_unpaired) == (4, 2)
    assert (found.flips.n_only_first, found.flips.n_only_second) == (1, 2)
    # (1 - 2/3 + 1 - 0 + 0 - 1 + 0) / 4
    assert found.tests["macro F1"].difference == pytest.approx((1 / 3 + 1 - 1) / 4)
    assert found.tests["Hits@1"].difference == pytest.approx((0 + 1 - 1 + 0) / 4)
    assert [row[0] for row in found.table().rows] == ["macro F1", "exact", "Hits@1"]


def test_the_order_of_the_questions_does_not_matter() -> None:
    first, second = _run(q1=(A,), q2=()), _run(q1=(A, B), q2=(A,))
    one, other = compare(first, second), compare(first, second[::-1])
    assert one is not None
    assert other is not None
    assert one.tests == other.tests


def test_runs_without_a_common_question_are_not_compared() -> None:
    assert compare(_run(q1=(A,)), _run(q2=(A,))) is None

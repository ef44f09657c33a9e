from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgqa.datasets.question_files import QAExample
from kgqa.datatypes import XSD, XSD_BOOLEAN, XSD_INTEGER, Answer, Prediction, Question, Term, iri, literal
from kgqa.evaluation.metrics import (
    answer_f1,
    answer_key,
    answerability,
    auroc,
    exact_match,
    expected_calibration_error,
    hits_at_1,
    macro_f1,
)
from kgqa.evaluation.report import Outcome, make_report, pair_up

A, B, C, D = (iri(f"http://e/{name}") for name in "abcd")
DECIMAL, DOUBLE, DATE = XSD + "decimal", XSD + "double", XSD + "date"
answer_sets = st.lists(st.sampled_from([A, B, C, D, literal("1", XSD_INTEGER), literal("1.0", DECIMAL)]), max_size=6)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (literal("485", XSD_INTEGER), literal("485.00", DECIMAL)),
        (literal("+7", XSD_INTEGER), literal("007", XSD_INTEGER)),
        (literal("1.5e3", DOUBLE), literal("1500", XSD_INTEGER)),
        (literal("-0", XSD_INTEGER), literal("0.0", DECIMAL)),
        (literal("1", XSD_BOOLEAN), literal("true", XSD_BOOLEAN)),
        (literal("Wien", lang="de"), literal("Wien")),
        (literal("2001-02-03", DATE), literal("2001-02-03")),
    ],
    ids=["trailing-zeros", "leading-zeros", "exponent", "minus-zero", "boolean", "language", "other-datatype"],
)
def test_answers_of_the_same_value_are_the_same(left: Term, right: Term) -> None:
    assert answer_key(left) == answer_key(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (literal("007"), literal("7", XSD_INTEGER)),
        (literal("+351"), literal("351")),
        (iri("http://e/a"), literal("http://e/a")),
        (iri("http://e/a"), iri("http://e/A")),
        (literal("1", XSD_BOOLEAN), literal("1", XSD_INTEGER)),
        (literal("0.1", DECIMAL), literal("0.1000000000000000001", DECIMAL)),
        (literal("NaN", DOUBLE), literal("0", DOUBLE)),
        (literal("wien"), literal("Wien")),
        (Term("bnode", "x"), literal("x")),
    ],
    ids=["text-007", "phone-code", "iri-text", "iri-case", "true-1", "precision", "nan", "case", "bnode"],
)
def test_answers_of_different_value_differ(left: Term, right: Term) -> None:
    assert answer_key(left) != answer_key(right)


def test_f1_of_two_right_of_three_given_and_four_gold_is_four_sevenths() -> None:
    # precision 2/3, recall 2/4: 2 * (2/3 * 1/2) / (2/3 + 1/2) = 4/7
    assert answer_f1([A, B, iri("http://e/x")], [A, B, C, D]) == pytest.approx(4 / 7)


def test_f1_of_no_answer_is_one_only_where_none_is_gold() -> None:
    assert (answer_f1([], []), answer_f1([A], []), answer_f1([], [A])) == (1.0, 0.0, 0.0)


@given(answer_sets, answer_sets)
def test_f1_is_symmetric(left: list[Term], right: list[Term]) -> None:
    assert answer_f1(left, right) == answer_f1(right, left)


@given(answer_sets, answer_sets)
def test_f1_is_one_exactly_where_the_sets_match(left: list[Term], right: list[Term]) -> None:
    assert (answer_f1(left, right) == 1.0) == (exact_match(left, right) == 1.0)


@given(answer_sets, answer_sets)
def test_f1_equals_the_harmonic_mean_of_precision_and_recall(left: list[Term], right: list[Term]) -> None:
    predicted, gold = {answer_key(t) for t in left}, {answer_key(t) for t in right}
    if predicted & gold:
        precision, recall = len(predicted & gold) / len(predicted), len(predicted & gold) / len(gold)
        assert answer_f1(left, right) == pytest.approx(2 * precision * recall / (precision + recall))


def test_only_the_first_answer_counts_for_hits_at_1() -> None:
    assert (hits_at_1([A, B], [A]), hits_at_1([B, A], [A]), hits_at_1([], [A])) == (1.0, 0.0, 0.0)


def test_hits_at_1_of_an_unanswerable_question_is_refused() -> None:
    with pytest.raises(ValueError, match="gold"):
        hits_at_1([A], [])


def test_order_counts_for_exact_match_only_when_asked() -> None:
    assert exact_match([B, A], [A, B]) == 1.0
    assert exact_match([B, A], [A, B], ordered=True) == 0.0
    assert exact_match([A, A, B], [A, B], ordered=True) == 1.0


def test_macro_f1_weighs_each_question_alike() -> None:
    # one answer right of one; none right of three: the micro-average would be 0.25 or less
    assert macro_f1([([A], [A]), ([A], [B, C, D])]) == 0.5


def test_macro_f1_of_no_questions_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        macro_f1([])


def test_answerability_counts_abstentions_on_unanswerable_questions() -> None:
    told = answerability([True, True, True, False, False], [True, True, False, True, False])
    assert (told.n_questions, told.n_abstained, told.n_unanswerable, told.n_both) == (5, 3, 3, 2)
    assert told.precision == pytest.approx(2 / 3)
    assert told.recall == pytest.approx(2 / 3)
    assert told.f1 == pytest.approx(2 / 3)
    assert told.accuracy == pytest.approx(3 / 5)


def test_answerability_of_a_system_that_always_answers_has_no_precision() -> None:
    told = answerability([False, False], [True, False])
    assert (told.precision, told.recall, told.f1, told.accuracy) == (0.0, 0.0, 0.0, 0.5)


def test_ece_weighs_the_gap_of_each_bin_by_its_size() -> None:
    # bin (0.8, 0.9]: confidence .9, .9, .9, right 2 of 3: gap .2333, weight 3/4; bin (0.5, 0.6]: gap .4, weight 1/4
    assert expected_calibration_error([0.9, 0.9, 0.9, 0.6], [True, True, False, True]) == pytest.approx(0.275)


@pytest.mark.parametrize("tenth", range(1, 10))
def test_an_ece_bin_holds_its_upper_bound(tenth: int) -> None:
    # In one bin, the two outcomes cancel: |(t - .05 + t) - 1|; were the bound in the next bin, they would add up.
    high, low = tenth / 10, tenth / 10 - 0.05
    assert expected_calibration_error([high, low], [True, False]) == pytest.approx(abs(high + low - 1) / 2)


def test_a_confidence_outside_the_unit_interval_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1\.2"):
        expected_calibration_error([1.2], [True])


def test_auroc_equals_the_share_of_pairs_in_order_with_ties_half() -> None:
    rng = random.Random(7)
    for _ in range(50):
        scores = [rng.randrange(6) / 5 for _ in range(12)]
        positive = [rng.random() < 0.5 for _ in range(11)] + [True]
        positive[0] = False
        pairs = itertools.product(
            [s for s, p in zip(scores, positive, strict=True) if p],
            [s for s, p in zip(scores, positive, strict=True) if not p],
        )
        wins = [1.0 if high > low else 0.5 if high == low else 0.0 for high, low in pairs]
        assert auroc(scores, positive) == pytest.approx(sum(wins) / len(wins))


def test_auroc_needs_both_classes() -> None:
    with pytest.raises(ValueError, match="positive and a negative"):
        auroc([0.1, 0.2], [True, True])


def _outcome(category: str, gold: tuple[Term, ...], predicted: tuple[Term, ...], confidence: float = 0.9) -> Outcome:
    question = Question(f"{category}?", category)
    answers = tuple(Answer(term, "", 1.0) for term in predicted)
    prediction = Prediction(question, "answered" if answers else "not_found", answers=answers, confidence=confidence)
    return Outcome(QAExample(question, gold, category), prediction)


def test_a_report_has_a_row_a_category_in_order_of_occurrence_and_one_for_all() -> None:
    report = make_report(
        [
            _outcome("list", (A, B), (A,)),
            _outcome("count", (C,), (C,)),
            _outcome("list", (A,), ()),
            _outcome("unanswerable", (), ()),
        ]
    )
    assert [(row.category, row.n_questions) for row in report.rows] == [("list", 2), ("count", 1), ("unanswerable", 1)]
    assert report.rows[0].macro_f1 == pytest.approx(1 / 3)  # (2/3 + 0) / 2
    assert report.rows[0].hits_at_1 == 0.5
    assert report.rows[2].hits_at_1 is None
    assert report.overall.macro_f1 == pytest.approx((2 / 3 + 1 + 0 + 1) / 4)
    assert report.overall.hits_at_1 == pytest.approx(2 / 3)
    assert (report.answerability.n_abstained, report.answerability.n_both) == (2, 1)


def test_calibration_is_over_the_answers_given() -> None:
    report = make_report([_outcome("a", (A,), (A,), 0.9), _outcome("b", (A,), (B,), 0.2), _outcome("c", (A,), (), 0.1)])
    assert report.ece == pytest.approx((0.1 + 0.2) / 2)
    assert report.auroc == 1.0


def test_predictions_of_other_questions_are_refused() -> None:
    one, two = _outcome("a", (A,), (A,)), _outcome("b", (A,), (A,))
    with pytest.raises(ValueError, match=r"'b\?'"):
        pair_up([one.example], [two.prediction])

from __future__ import annotations

import itertools
import random
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgqa.datatypes import XSD, XSD_BOOLEAN, XSD_INTEGER, Term, iri, literal
from kgqa.evaluation.metrics import (
    PRF,
    ReliabilityBin,
    RiskPoint,
    answer_f1,
    answer_key,
    answerability,
    area_under_risk_coverage,
    auroc,
    exact_match,
    expected_calibration_error,
    hits_at_1,
    lenient_hit,
    macro_f1,
    macro_prf,
    micro_prf,
    percentile,
    precision_recall_f1,
    qald_macro,
    reciprocal_rank,
    reliability_bins,
    risk_coverage,
)

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


def test_precision_and_recall_of_two_right_of_three_given_and_four_gold() -> None:
    assert precision_recall_f1([A, B, iri("http://e/x")], [A, B, C, D]) == PRF(2 / 3, 1 / 2, 4 / 7)


@pytest.mark.parametrize(
    ("predicted", "gold", "score"),
    [([], [], 1.0), ([A], [], 0.0), ([], [A], 0.0), ([A], [B], 0.0)],
    ids=["both-empty", "none-gold", "none-given", "disjoint"],
)
def test_precision_and_recall_of_empty_sides(predicted: list[Term], gold: list[Term], score: float) -> None:
    assert precision_recall_f1(predicted, gold) == PRF(score, score, score)


@given(answer_sets, answer_sets)
def test_precision_is_recall_the_other_way_round(left: list[Term], right: list[Term]) -> None:
    one, other = precision_recall_f1(left, right), precision_recall_f1(right, left)
    assert (one.precision, one.recall) == (other.recall, other.precision)
    assert one.f1 == answer_f1(left, right)


def test_reciprocal_rank_counts_places_of_distinct_values() -> None:
    one, same = literal("1", XSD_INTEGER), literal("1.0", DECIMAL)
    assert reciprocal_rank([A, one, same, B], [B]) == pytest.approx(1 / 3)
    assert (reciprocal_rank([A], [A, B]), reciprocal_rank([A], [B]), reciprocal_rank([], [B])) == (1.0, 0.0, 0.0)


def test_the_reciprocal_rank_of_an_unanswerable_question_is_refused() -> None:
    with pytest.raises(ValueError, match="gold"):
        reciprocal_rank([A], [])


QALD_ROWS = [([A], [A, B]), ([], [A]), ([C], [A]), ([], [])]
"""Precision 1, 0 (QALD: 1), 0, 1; recall 1/2, 0, 0, 1; F1 2/3, 0, 0, 1."""


def test_macro_scores_are_means_of_the_questions_scores() -> None:
    assert astuple(macro_prf(QALD_ROWS)) == pytest.approx((2 / 4, 1.5 / 4, (2 / 3 + 1) / 4))


def test_the_qald_variant_trusts_abstentions_and_takes_the_mean_of_the_means() -> None:
    # precision 3/4, recall 3/8: 2 * 3/4 * 3/8 / (9/8) = 1/2
    assert astuple(qald_macro(QALD_ROWS)) == pytest.approx((0.75, 0.375, 0.5))


def test_the_qald_variant_of_answers_that_are_all_wrong_is_zero() -> None:
    assert qald_macro([([A], [B])]) == PRF(0.0, 0.0, 0.0)


def test_micro_scores_count_each_item_alike() -> None:
    # 1 of 1 and 1 of 3 right, 4 gold
    assert micro_prf([("a", "a"), ("bcd", "bxy")]) == PRF(0.5, 0.5, 0.5)
    assert micro_prf([((), ())]) == PRF(1.0, 1.0, 1.0)
    assert micro_prf([((), "a")]) == PRF(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("predicted", "gold", "hit"),
    [
        (["Romeo"], ["Rome"], 1.0),
        (["The U.S.A."], ["usa"], 1.0),
        (["New", "York"], ["New York"], 1.0),
        (["Rome"], ["Romeo"], 0.0),
        (["Paris"], ["Rome", "paris"], 1.0),
        ([], ["Rome"], 0.0),
        (["Rome"], ["?!"], 1.0),
    ],
    ids=["substring", "punctuation", "over-two-answers", "other-way-round", "any-gold", "nothing-given", "empty-gold"],
)
def test_the_lenient_hit_is_as_lenient_as_that_of_rog(predicted: list[str], gold: list[str], hit: float) -> None:
    assert lenient_hit(predicted, gold) == hit


def test_the_lenient_hit_needs_a_gold_label() -> None:
    with pytest.raises(ValueError, match="gold label"):
        lenient_hit(["Rome"], [])


@pytest.mark.parametrize(("share", "value"), [(0.5, 20), (0.51, 30), (0.95, 40), (1.0, 40), (0.01, 10)])
def test_a_percentile_is_the_value_at_the_nearest_rank(share: float, value: float) -> None:
    assert percentile([40, 10, 30, 20], share) == value


def test_reliability_bins_hold_the_mean_confidence_and_the_share_right() -> None:
    low, high = reliability_bins([0.95, 0.05, 1.0, 0.0], [True, False, False, True])
    assert low == ReliabilityBin(0.0, 0.1, 2, 0.025, 0.5)
    assert astuple(high) == pytest.approx((0.9, 1.0, 2, 0.975, 0.5))


def test_risk_and_coverage_by_hand() -> None:
    # surest first: right, then two alike of which one is wrong, then wrong
    curve = risk_coverage([0.2, 0.9, 0.5, 0.5], [False, True, True, False])
    assert curve == (RiskPoint(0.9, 0.25, 0.0), RiskPoint(0.5, 0.75, 1 / 3), RiskPoint(0.2, 1.0, 0.5))
    area = area_under_risk_coverage([0.2, 0.9, 0.5, 0.5], [False, True, True, False])
    assert area == pytest.approx(0.25 * 0 + 0.5 / 3 + 0.25 * 0.5)


def test_each_risk_point_is_what_its_threshold_gives() -> None:
    rng = random.Random(3)
    for _ in range(30):
        confidences = [rng.randrange(8) / 7 for _ in range(20)]
        right = [rng.random() < 0.6 for _ in range(20)]
        for point in risk_coverage(confidences, right):
            kept = [r for c, r in zip(confidences, right, strict=True) if c >= point.threshold]
            assert point.coverage == pytest.approx(len(kept) / 20)
            assert point.risk == pytest.approx(kept.count(False) / len(kept))

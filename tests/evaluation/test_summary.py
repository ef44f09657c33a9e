from __future__ import annotations

import json
import statistics
from dataclasses import astuple, replace

import pytest
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score
from sklearn.preprocessing import MultiLabelBinarizer

from kgqa.datasets.question_files import GoldLink, QAExample
from kgqa.datatypes import Mention, Question, Term, iri, literal
from kgqa.evaluation.metrics import PRF, answer_keys, qald_macro
from kgqa.evaluation.outcomes import Diagnosis, Given, Linked, Outcome
from kgqa.evaluation.summary import latency_percentiles, summarize

A, B, C = (iri(f"http://e/{name}") for name in "abc")


def _outcome(category: str, gold: tuple[Term, ...], given: tuple[Term, ...], confidence: float = 0.9) -> Outcome:
    return Outcome(
        QAExample(Question(f"{category}?", category), gold, category), Given(given, ("",) * len(given), confidence)
    )


FOUR = (
    _outcome("list", (A, B), (A,), 0.8),
    _outcome("count", (C,), (C,), 0.9),
    _outcome("list", (A,), (), 0.3),
    _outcome("unanswerable", (), (), 0.2),
)


def test_the_groups_of_a_dimension_are_in_the_order_of_their_first_question() -> None:
    groups = summarize(FOUR).by("category")
    assert [(group.name, group.scores.n_questions) for group in groups] == [
        ("list", 2), ("count", 1), ("unanswerable", 1)
    ]  # fmt: skip
    assert groups[0].scores.macro_f1 == pytest.approx(1 / 3)  # (2/3 + 0) / 2
    assert (groups[0].scores.hits_at_1, groups[2].scores.hits_at_1, groups[2].scores.mrr) == (0.5, None, None)


def test_the_overall_scores_by_hand() -> None:
    overall = summarize(FOUR).overall
    assert (overall.n_questions, overall.n_answerable) == (4, 3)
    assert astuple(overall.macro) == pytest.approx((3 / 4, 2.5 / 4, (2 / 3 + 1 + 0 + 1) / 4))
    assert overall.exact == 0.5
    assert overall.hits_at_1 == overall.mrr == pytest.approx(2 / 3)
    # precision 1, 1, 1 (abstained), 1; recall 1/2, 1, 0, 1: 2 * 1 * .625 / 1.625
    assert overall.qald_f1 == pytest.approx(1.25 / 1.625)


def test_abstentions_are_counted() -> None:
    told = summarize(FOUR).answerability
    assert (told.n_abstained, told.n_unanswerable, told.n_both) == (2, 1, 1)


def test_a_dimension_with_one_value_has_no_groups() -> None:
    assert summarize(FOUR).by("language") == ()
    assert {group.dimension for group in summarize(FOUR).groups} == {"category", "answer kind"}


def test_questions_without_gold_answers_are_counted_and_left_out() -> None:
    without = replace(FOUR[0], example=replace(FOUR[0].example, answers=(), answer_form="none"))
    found = summarize([*FOUR, without])
    assert (found.overall, found.n_without_gold) == (summarize(FOUR).overall, 1)
    with pytest.raises(ValueError, match="no question has gold"):
        summarize([without])


def test_confidence_is_of_the_answers_given_and_apart_of_all_first_readings() -> None:
    known = [
        replace(outcome, diagnosis=Diagnosis(1.0, exact)) for outcome, exact in zip(FOUR, (0, 1, 1, 0), strict=True)
    ]
    found = summarize(known).confidence
    assert found.ece == pytest.approx((0.8 + 0.1) / 2)  # .8 wrong, .9 right
    assert found.auroc == 1.0
    assert found.first_ece == pytest.approx((0.8 + 0.1 + 0.7 + 0.2) / 4)
    assert found.first_auroc == pytest.approx(3 / 4)  # .9 above .8 and .2; .3 above .2 only
    assert summarize(FOUR).confidence.first_ece is None


def test_the_links_of_readings_are_scored_over_all_of_them() -> None:
    links = (GoldLink(A, "a", Mention(0, 1, "a")), GoldLink(B, "b", Mention(5, 6, "b")))
    example = QAExample(Question("a or b?"), (A,), gold_links=links)
    given = Given((A,), ("",), links=(Linked(A, 0, 1), Linked(C, 5, 6)))
    found = summarize([Outcome(example, given, diagnosis=Diagnosis(linked_share=1.0)), FOUR[0]]).links
    assert found is not None
    assert (found.n_questions, found.recall) == (1, 1.0)
    assert (found.mentions, found.entities) == (PRF(1.0, 1.0, 1.0), PRF(0.5, 0.5, 0.5))
    assert summarize(FOUR).links is None


def test_the_lenient_hit_is_over_labels_and_apart() -> None:
    rome = replace(FOUR[0], given=replace(FOUR[0].given, labels=("Romeo",)), gold_labels=("Rome", "b"))
    assert summarize([rome]).overall.lenient_hit == 1.0
    assert summarize(FOUR).overall.lenient_hit is None


def test_gold_labels_are_compared_with_labels() -> None:
    example = QAExample(Question("?"), (literal("Rome"),), answer_form="labels")
    found = summarize([Outcome(example, Given((A,), ("Rome",))), Outcome(example, Given((A,), ("",)))])
    assert found.overall.exact == 0.5


def test_a_summary_is_written_as_json() -> None:
    written = json.loads(json.dumps(summarize(FOUR).to_dict()))
    assert written["overall"]["macro"]["f1"] == pytest.approx((2 / 3 + 1 + 0 + 1) / 4)
    assert next(group["name"] for group in written["groups"] if group["dimension"] == "category") == "list"


def test_percentiles_of_latency_leave_out_what_is_not_told() -> None:
    timed = [replace(FOUR[0], given=replace(FOUR[0].given, latency_ms=ms)) for ms in (30.0, 10.0, 20.0)]
    assert latency_percentiles([*timed, FOUR[1]]) == {"p50_ms": 20.0, "p95_ms": 30.0}
    assert latency_percentiles(FOUR) is None


# -- against other libraries, on what the shipped model says


def test_macro_scores_of_real_predictions_are_those_of_scikit_learn(family_outcomes: tuple[Outcome, ...]) -> None:
    answered = [outcome for outcome in family_outcomes if outcome.example.answers]
    gold = [answer_keys(outcome.example.answers) for outcome in answered]
    given = [answer_keys(outcome.given.answers) for outcome in answered]
    binarizer = MultiLabelBinarizer().fit([*gold, *given])
    precision, recall, f1, _ = precision_recall_fscore_support(
        binarizer.transform(gold), binarizer.transform(given), average="samples", zero_division=0
    )
    found = summarize(answered).overall
    assert 0 < found.macro_f1 < 1
    assert (found.macro.precision, found.macro.recall, found.macro_f1) == pytest.approx((precision, recall, f1))


def test_the_auroc_of_real_predictions_is_that_of_scikit_learn(family_outcomes: tuple[Outcome, ...]) -> None:
    told = [o for o in family_outcomes if o.first_is_right is not None and o.diagnosis.first_exact is not None]
    area = roc_auc_score([bool(o.first_is_right) for o in told], [o.given.confidence for o in told])
    assert summarize(family_outcomes).confidence.first_auroc == pytest.approx(area)


def test_scores_of_real_predictions_are_those_of_a_slow_obvious_count(family_outcomes: tuple[Outcome, ...]) -> None:
    found = summarize(family_outcomes).overall
    exact, hits, ranks = [], [], []
    for outcome in family_outcomes:
        gold = {(t.kind, t.value) for t in outcome.example.answers}
        given = [(t.kind, t.value) for t in outcome.given.answers]
        exact.append(set(given) == gold and (not outcome.example.ordered or given == list(gold)))
        if gold:
            hits.append(given[:1] != [] and given[0] in gold)
            ranks.append(next((1 / (i + 1) for i, key in enumerate(given) if key in gold), 0.0))
    assert found.exact == pytest.approx(statistics.mean(exact))
    assert found.hits_at_1 == pytest.approx(statistics.mean(hits))
    assert found.mrr == pytest.approx(statistics.mean(ranks))
    pairs = [(o.given.answers, o.example.answers) for o in family_outcomes]
    assert found.qald_f1 == qald_macro(pairs).f1


def test_the_stages_of_real_predictions_are_means_over_the_answerable(family_outcomes: tuple[Outcome, ...]) -> None:
    stages = summarize(family_outcomes).stages
    known = [o.diagnosis.stages for o in family_outcomes if o.diagnosis.stages is not None]
    assert stages is not None
    assert len(known) == sum(o.example.is_answerable for o in family_outcomes)
    assert stages.rank == pytest.approx(statistics.mean(s.rank for s in known))
    assert stages.answer == pytest.approx(statistics.mean(o.f1 for o in family_outcomes if o.example.is_answerable))

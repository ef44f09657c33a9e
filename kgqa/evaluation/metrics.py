"""Scores of predicted answers against gold ones. Strict: an answer is right when it is the same RDF term by value.

Two answers are the same when they are the same IRI, the same number (`485` and `485.00`), the same truth value, or
literals of the same lexical form. Language tags and the datatypes of other literals are not compared. Duplicates count
once. The order of a list is its ranking; a set whose members rank alike is in the order in which the system gave it,
so that Hits@1 and MRR of a set depend on that order and F1 does not.

Empty sides, the same in every function here but `qald_macro`: no answer where none is gold is right (1.0); one side
empty and the other not is wrong (0.0). What is not defined is an error, not a number.
"""

from __future__ import annotations

import math
import re
import string
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from kgqa.datatypes import XSD, XSD_BOOLEAN, Term

AnswerKey = tuple[Literal["uri", "bnode", "number", "boolean", "text"], str | Decimal | bool]

_NUMERIC = frozenset(
    XSD + name
    for name in (
        "integer", "decimal", "float", "double", "int", "long", "short", "byte", "nonNegativeInteger",
        "positiveInteger", "nonPositiveInteger", "negativeInteger", "unsignedInt", "unsignedLong", "unsignedShort",
        "unsignedByte",
    )
)  # fmt: skip
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")


def answer_key(term: Term) -> AnswerKey:
    """Return the value under which two answers are the same.

    A literal is a number only where its datatype says so: the text "007" is not 7. A numeric literal that is not a
    number ("12 kg", "NaN") is compared as text.
    """
    if term.kind != "literal":
        return (term.kind, term.value)
    if term.datatype == XSD_BOOLEAN and term.value in ("true", "false", "1", "0"):
        return ("boolean", term.value in ("true", "1"))
    if term.datatype in _NUMERIC and _NUMBER.fullmatch(term.value.strip()):
        return ("number", Decimal(term.value.strip()))
    return ("text", term.value)


def answer_keys(terms: Iterable[Term]) -> tuple[AnswerKey, ...]:
    """Return the distinct keys of `terms`, in order of first occurrence."""
    return tuple(dict.fromkeys(answer_key(term) for term in terms))


def answer_f1(predicted: Iterable[Term], gold: Iterable[Term]) -> float:
    """Return the F1 of two answer sets, in [0, 1]; symmetric.

    No answer where none is gold scores 1.0; one side empty and the other not scores 0.0. Duplicates count once.
    """
    left, right = set(answer_keys(predicted)), set(answer_keys(gold))
    if not left and not right:
        return 1.0
    return 2 * len(left & right) / (len(left) + len(right))


@dataclass(frozen=True, slots=True)
class PRF:
    """Precision, recall and F1 of one question, or their means over many."""

    precision: float
    recall: float
    f1: float


def precision_recall_f1(predicted: Iterable[Term], gold: Iterable[Term]) -> PRF:
    """Return precision, recall and F1 of two answer sets, each in [0, 1].

    Both empty: all 1.0. One empty: all 0.0, as GERBIL scores it (Usbeck et al., "Benchmarking Question Answering
    Systems", 2019, section 4).
    """
    left, right = set(answer_keys(predicted)), set(answer_keys(gold))
    if not left or not right:
        score = float(not left and not right)
        return PRF(score, score, score)
    n = len(left & right)
    return PRF(n / len(left), n / len(right), 2 * n / (len(left) + len(right)))


def hits_at_1(predicted: Sequence[Term], gold: Iterable[Term]) -> float:
    """Return 1.0 if the first answer is a gold answer, else 0.0; an empty prediction scores 0.0.

    WebQSP, MetaQA and CWQ papers report the mean of this. Raises ValueError if `gold` is empty: unanswerable questions
    are reported apart.
    """
    keys = set(answer_keys(gold))
    if not keys:
        raise ValueError("Hits@1 needs a gold answer; report unanswerable questions apart")
    return float(bool(predicted) and answer_key(predicted[0]) in keys)


def reciprocal_rank(predicted: Sequence[Term], gold: Iterable[Term]) -> float:
    """Return 1 / (place of the first gold answer, from 1), 0.0 where none is given; MRR is the mean of this.

    Answers that are the same by value hold one place. Raises ValueError if `gold` is empty, as `hits_at_1` does.
    """
    keys = set(answer_keys(gold))
    if not keys:
        raise ValueError("the reciprocal rank needs a gold answer; report unanswerable questions apart")
    places = (place for place, key in enumerate(answer_keys(predicted), start=1) if key in keys)
    return 1 / next(places, math.inf)


def exact_match(predicted: Iterable[Term], gold: Iterable[Term], *, ordered: bool = False) -> float:
    """Return 1.0 if the answer sets are equal, else 0.0; both empty are equal. With `ordered`, the order counts too."""
    left, right = answer_keys(predicted), answer_keys(gold)
    return float(left == right if ordered else set(left) == set(right))


def mean(values: Iterable[float]) -> float:
    """Return the arithmetic mean. Raises ValueError where there are no values."""
    found = list(values)
    if not found:
        raise ValueError("the mean of no values is not defined")
    return math.fsum(found) / len(found)


def macro_f1(pairs: Iterable[tuple[Iterable[Term], Iterable[Term]]]) -> float:
    """Return the mean of `answer_f1` over (predicted, gold) pairs, each question counting alike.

    This is the mean of the F1s, as WebQSP's "average F1", and not the F1 of mean precision and mean recall.
    Raises ValueError where there are no pairs.
    """
    return mean(answer_f1(predicted, gold) for predicted, gold in pairs)


def macro_prf(pairs: Iterable[tuple[Iterable[Term], Iterable[Term]]]) -> PRF:
    """Return the means of precision, recall and F1 over (predicted, gold) pairs, each question counting alike.

    The F1 is the mean of the questions' F1s, not the harmonic mean of the other two. Raises ValueError for no pairs.
    """
    found = [precision_recall_f1(predicted, gold) for predicted, gold in pairs]
    return PRF(mean(f.precision for f in found), mean(f.recall for f in found), mean(f.f1 for f in found))


def qald_macro(pairs: Iterable[tuple[Iterable[Term], Iterable[Term]]]) -> PRF:
    """Return the QALD variant of macro precision, recall and F1: "Macro F1 QALD" of the QALD-8 and QALD-9 reports.

    An abstention on an answerable question has precision 1 and recall 0, since the system said that it does not know.
    The F1 is the harmonic mean of the mean precision and the mean recall (Usbeck et al., "9th Challenge on Question
    Answering over Linked Data", 2018, section 4). All else is as in `macro_prf`. Raises ValueError for no pairs.
    """
    precisions, recalls = [], []
    for predicted, gold in pairs:
        left, right = set(answer_keys(predicted)), set(answer_keys(gold))
        told = precision_recall_f1(predicted, gold)
        precisions.append(1.0 if right and not left else told.precision)
        recalls.append(told.recall)
    precision, recall = mean(precisions), mean(recalls)
    total = precision + recall
    return PRF(precision, recall, 2 * precision * recall / total if total else 0.0)


def micro_prf(pairs: Iterable[tuple[Iterable[Hashable], Iterable[Hashable]]]) -> PRF:
    """Return precision, recall and F1 of all items of all (predicted, gold) pairs together; each item counts alike.

    A denominator of 0 gives 0.0, but where nothing at all is predicted and gold all are 1.0.
    """
    n_both, n_predicted, n_gold = 0, 0, 0
    for predicted, gold in pairs:
        left, right = set(predicted), set(gold)
        n_both, n_predicted, n_gold = n_both + len(left & right), n_predicted + len(left), n_gold + len(right)
    if not n_predicted and not n_gold:
        return PRF(1.0, 1.0, 1.0)
    precision = n_both / n_predicted if n_predicted else 0.0
    recall = n_both / n_gold if n_gold else 0.0
    return PRF(precision, recall, 2 * n_both / (n_predicted + n_gold))


def lenient_hit(predicted_labels: Iterable[str], gold_labels: Iterable[str]) -> float:
    """Return 1.0 if any gold label is a substring of the predicted labels' text. NOT a strict score: to compare only.

    This is "Hit" of Luo et al., "Reasoning on Graphs" (RoG, 2024), as its `eval_hit` computes it: both sides in lower
    case, without punctuation and the words a, an, the; the predicted labels joined by spaces. "Rome" counts where
    "Romeo" is answered, and a gold label of punctuation alone always counts. Raises ValueError if there is no gold
    label.
    """
    text = _rog_normalized(" ".join(dict.fromkeys(predicted_labels)))
    gold = list(gold_labels)
    if not gold:
        raise ValueError("the lenient hit needs a gold label")
    return float(any(_rog_normalized(label) in text for label in gold))


def _rog_normalized(text: str) -> str:
    kept = "".join(character for character in text.lower() if character not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value at the nearest rank, the smallest that at least `share` of the values do not exceed.

    `share` is in (0, 1]: 0.5 is the (lower) median, 0.95 is p95. Raises ValueError where there are no values.
    """
    found = sorted(values)
    if not found or not 0.0 < share <= 1.0:
        raise ValueError(f"the percentile {share!r} of {len(found)} values is not defined")
    return found[math.ceil(share * len(found)) - 1]


@dataclass(frozen=True, slots=True)
class Answerability:
    """How well abstentions match unanswerable questions, which are the positive class.

    `precision` and `recall` are 0.0 where their denominator is 0, and so is `f1` where both are.
    """

    n_questions: int
    n_unanswerable: int
    n_abstained: int
    n_both: int

    @property
    def precision(self) -> float:
        """The share of abstentions that were right."""
        return self.n_both / self.n_abstained if self.n_abstained else 0.0

    @property
    def recall(self) -> float:
        """The share of unanswerable questions on which the system abstained."""
        return self.n_both / self.n_unanswerable if self.n_unanswerable else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.n_abstained + self.n_unanswerable
        return 2 * self.n_both / total if total else 0.0

    @property
    def accuracy(self) -> float:
        """The share of questions that were rightly answered or rightly not answered, whatever the answer."""
        return (self.n_questions - self.n_abstained - self.n_unanswerable + 2 * self.n_both) / self.n_questions


def answerability(abstained: Sequence[bool], unanswerable: Sequence[bool]) -> Answerability:
    """Return the counts behind abstention scores; item i of both sequences is of question i.

    Raises ValueError where the lengths differ or there are no questions.
    """
    pairs = list(zip(abstained, unanswerable, strict=True))
    if not pairs:
        raise ValueError("answerability of no questions is not defined")
    return Answerability(len(pairs), sum(unanswerable), sum(abstained), sum(a and u for a, u in pairs))


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Questions of like confidence: how many, their mean confidence, and the share that was right."""

    low: float
    high: float
    n_questions: int
    confidence: float
    accuracy: float


def reliability_bins(
    confidences: Sequence[float], correct: Sequence[bool], *, n_bins: int = 10
) -> tuple[ReliabilityBin, ...]:
    """Return the bins that are not empty, the least confident first: the points of a reliability diagram.

    Bins are of equal width and closed on the right; 0.0 falls into the first. Raises ValueError where the lengths
    differ, there are no questions, or a confidence is outside [0, 1].
    """
    if len(confidences) != len(correct) or not confidences:
        raise ValueError(f"expected as many confidences as outcomes, got {len(confidences)} and {len(correct)}")
    upper_bounds = [number / n_bins for number in range(1, n_bins + 1)]
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, outcome in zip(confidences, correct, strict=True):
        if not 0.0 <= confidence <= 1.0:
            raise ValueError(f"confidence {confidence!r} is outside [0, 1]")
        bins.setdefault(bisect_left(upper_bounds, confidence), []).append((confidence, outcome))
    return tuple(
        ReliabilityBin(
            place / n_bins, upper_bounds[place], len(found), mean(c for c, _ in found), mean(o for _, o in found)
        )
        for place, found in sorted(bins.items())
    )


def expected_calibration_error(confidences: Sequence[float], correct: Sequence[bool], *, n_bins: int = 10) -> float:
    """Return the ECE, in [0, 1], 0 is best: Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3.

    Bins are those of `reliability_bins`; empty ones weigh nothing. Raises ValueError as that does.
    """
    bins = reliability_bins(confidences, correct, n_bins=n_bins)
    return math.fsum(b.n_questions * abs(b.confidence - b.accuracy) for b in bins) / len(confidences)


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """At a threshold: the share of questions answered, and of those the share that is wrong."""

    threshold: float
    coverage: float
    risk: float


def risk_coverage(confidences: Sequence[float], correct: Sequence[bool]) -> tuple[RiskPoint, ...]:
    """Return the risk-coverage curve, the surest first: El-Yaniv and Wiener, "On the Foundations of Noise-free
    Selective Classification" (2010).

    Each point answers all questions of at least its confidence; those of equal confidence are answered together. The
    last point answers all. Raises ValueError where the lengths differ or there are no questions.
    """
    if len(confidences) != len(correct) or not confidences:
        raise ValueError(f"expected as many confidences as outcomes, got {len(confidences)} and {len(correct)}")
    ranked = sorted(zip(confidences, correct, strict=True), key=lambda pair: -pair[0])
    points, n_wrong = [], 0
    for place, (confidence, right) in enumerate(ranked, start=1):
        n_wrong += not right
        if place == len(ranked) or ranked[place][0] != confidence:
            points.append(RiskPoint(confidence, place / len(ranked), n_wrong / place))
    return tuple(points)


def area_under_risk_coverage(confidences: Sequence[float], correct: Sequence[bool]) -> float:
    """Return the AURC, in [0, 1], 0 is best: the mean, over questions, of the risk at the point that answers each.

    Geifman and El-Yaniv, "Selective Classification for Deep Neural Networks" (2017). Raises ValueError as
    `risk_coverage` does.
    """
    area, before = 0.0, 0.0
    for point in risk_coverage(confidences, correct):
        area, before = area + (point.coverage - before) * point.risk, point.coverage
    return area


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """Return the chance that a positive scores above a negative, ties counting half: the area under the ROC curve.

    Raises ValueError where the lengths differ, a class is absent, or a score is not a number.
    """
    if any(math.isnan(score) for score in scores):
        raise ValueError("a score is not a number")
    ranked = sorted(zip(scores, positive, strict=True))
    n_positive = sum(positive)
    n_negative = len(ranked) - n_positive
    if not n_positive or not n_negative:
        raise ValueError("AUROC needs a positive and a negative question")
    wins, n_below, place = 0.0, 0, 0
    while place < len(ranked):
        end = place
        while end < len(ranked) and ranked[end][0] == ranked[place][0]:
            end += 1
        tied_positive = sum(outcome for _, outcome in ranked[place:end])
        tied_negative = end - place - tied_positive
        wins += tied_positive * (n_below + tied_negative / 2)
        n_below, place = n_below + tied_negative, end
    return wins / (n_positive * n_negative)

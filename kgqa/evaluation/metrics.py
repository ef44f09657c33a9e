"""Scores of predicted answers against gold ones. Strict: an answer is right when it is the same RDF term by value.

Two answers are the same when they are the same IRI, the same number (`485` and `485.00`), the same truth value, or
literals of the same lexical form. Language tags and the datatypes of other literals are not compared.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
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


def hits_at_1(predicted: Sequence[Term], gold: Iterable[Term]) -> float:
    """Return 1.0 if the first answer is a gold answer, else 0.0; an empty prediction scores 0.0.

    WebQSP, MetaQA and CWQ papers report the mean of this. Raises ValueError if `gold` is empty: unanswerable questions
    are reported apart.
    """
    keys = set(answer_keys(gold))
    if not keys:
        raise ValueError("Hits@1 needs a gold answer; report unanswerable questions apart")
    return float(bool(predicted) and answer_key(predicted[0]) in keys)


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


def expected_calibration_error(confidences: Sequence[float], correct: Sequence[bool], *, n_bins: int = 10) -> float:
    """Return the ECE, in [0, 1], 0 is best: Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3.

    Bins are of equal width and closed on the right; 0.0 falls into the first; empty bins weigh nothing. Raises
    ValueError where the lengths differ, there are no questions, or a confidence is outside [0, 1].
    """
    if len(confidences) != len(correct) or not confidences:
        raise ValueError(f"expected as many confidences as outcomes, got {len(confidences)} and {len(correct)}")
    upper_bounds = [number / n_bins for number in range(1, n_bins + 1)]
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, outcome in zip(confidences, correct, strict=True):
        if not 0.0 <= confidence <= 1.0:
            raise ValueError(f"confidence {confidence!r} is outside [0, 1]")
        bins.setdefault(bisect_left(upper_bounds, confidence), []).append((confidence, outcome))
    gaps = (abs(math.fsum(c for c, _ in found) - sum(outcome for _, outcome in found)) for found in bins.values())
    return math.fsum(gaps) / len(confidences)


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

"""What `kgqa evaluate` and the benchmarks report: scores by category and over all, with every prediction kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from kgqa.datasets.question_files import QAExample
from kgqa.datatypes import Prediction, Term
from kgqa.evaluation.metrics import (
    Answerability,
    answer_f1,
    answerability,
    auroc,
    exact_match,
    expected_calibration_error,
    hits_at_1,
    mean,
)

OVERALL = "all"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An example with what was predicted for it."""

    example: QAExample
    prediction: Prediction

    @property
    def predicted(self) -> tuple[Term, ...]:
        """The answers given; none where the system abstained."""
        return tuple(answer.term for answer in self.prediction.answers)

    @property
    def abstained(self) -> bool:
        """Whether no answer was given."""
        return not self.prediction.answers

    @property
    def f1(self) -> float:
        """The F1 of the answer set; 1.0 for an unanswerable question that was not answered."""
        return answer_f1(self.predicted, self.example.answers)

    @property
    def exact(self) -> float:
        """1.0 where the answers are the gold ones, in the gold order where that counts."""
        return exact_match(self.predicted, self.example.answers, ordered=self.example.ordered)

    def to_dict(self) -> dict[str, object]:
        """Return the prediction with its gold and scores, for a JSON file."""
        return {
            **self.prediction.to_dict(),
            "category": self.example.category,
            "gold": [asdict(term) for term in self.example.answers],
            "f1": round(self.f1, 4),
            "exact": bool(self.exact),
        }


@dataclass(frozen=True, slots=True)
class Row:
    """The scores of one category. `hits_at_1` is over the answerable questions, None where there are none."""

    category: str
    n_questions: int
    macro_f1: float
    exact_match: float
    hits_at_1: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """Scores of a question set: one row a category in order of first occurrence, then `overall`.

    `ece` compares the confidence of given answers with how often they are exactly right; `auroc` is how well confidence
    tells right answers from wrong ones among those given. Both are None where they are not defined.
    """

    rows: tuple[Row, ...]
    overall: Row
    answerability: Answerability
    ece: float | None
    auroc: float | None

    def to_dict(self) -> dict[str, object]:
        """Return the scores, for a JSON file."""
        told = self.answerability
        return {
            "overall": asdict(self.overall),
            "categories": [asdict(row) for row in self.rows],
            "answerability": {
                **asdict(told),
                "precision": told.precision,
                "recall": told.recall,
                "f1": told.f1,
                "accuracy": told.accuracy,
            },
            "ece": self.ece,
            "auroc": self.auroc,
        }


def make_report(outcomes: Sequence[Outcome]) -> Report:
    """Return the scores of `outcomes`. Raises ValueError where there are none."""
    by_category: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_category.setdefault(outcome.example.category or "(none)", []).append(outcome)
    given = [outcome for outcome in outcomes if not outcome.abstained]
    confidences = [outcome.prediction.confidence for outcome in given]
    right = [outcome.exact == 1.0 for outcome in given]
    return Report(
        rows=tuple(_row(category, found) for category, found in by_category.items()),
        overall=_row(OVERALL, outcomes),
        answerability=answerability(
            [outcome.abstained for outcome in outcomes], [not outcome.example.is_answerable for outcome in outcomes]
        ),
        ece=expected_calibration_error(confidences, right) if given else None,
        auroc=auroc(confidences, right) if len(set(right)) == 2 else None,
    )


def pair_up(examples: Iterable[QAExample], predictions: Iterable[Prediction]) -> tuple[Outcome, ...]:
    """Return examples with their predictions, which come in the same order. Raises ValueError where they do not fit."""
    found = []
    for example, prediction in zip(examples, predictions, strict=True):
        if example.question != prediction.question:
            raise ValueError(f"prediction of {prediction.question!r} where {example.question!r} was asked")
        found.append(Outcome(example, prediction))
    return tuple(found)


def _row(category: str, outcomes: Sequence[Outcome]) -> Row:
    answerable = [outcome for outcome in outcomes if outcome.example.is_answerable]
    return Row(
        category=category,
        n_questions=len(outcomes),
        macro_f1=mean(outcome.f1 for outcome in outcomes),
        exact_match=mean(outcome.exact for outcome in outcomes),
        hits_at_1=mean(hits_at_1(o.predicted, o.example.answers) for o in answerable) if answerable else None,
    )

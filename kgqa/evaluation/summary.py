"""The scores of a run: over all questions, by every property of a question that the set tells, and of its confidence.

A summary is worked out from outcomes alone and holds no times, so that the same outcomes give the same summary to the
last bit. What a score means, and what empty answers score, is said in `metrics`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from kgqa.evaluation.gold import answer_kind_of, operator_of
from kgqa.evaluation.metrics import (
    PRF,
    Answerability,
    answerability,
    area_under_risk_coverage,
    auroc,
    expected_calibration_error,
    hits_at_1,
    lenient_hit,
    mean,
    micro_prf,
    percentile,
    qald_macro,
    reciprocal_rank,
)
from kgqa.evaluation.oracle import StageScores, mean_stages
from kgqa.evaluation.outcomes import Outcome
from kgqa.evaluation.significance import Interval, bootstrap_interval

OVERALL = "all"
DIMENSIONS: dict[str, Callable[[Outcome], str]] = {
    "part": lambda outcome: outcome.part,
    "hops": lambda outcome: "" if outcome.example.hops is None else str(outcome.example.hops),
    "category": lambda outcome: outcome.example.category,
    "operator": lambda outcome: operator_of(outcome.example),
    "answer kind": lambda outcome: answer_kind_of(outcome.example),
    "language": lambda outcome: outcome.example.language,
}


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of a group of questions.

    `macro` and `exact` are over all of them; Hits@1, MRR and RoG's lenient hit over the answerable, None where there
    are none (or, for the lenient hit, no labels). `qald_f1` is "Macro F1 QALD".
    """

    n_questions: int
    n_answerable: int
    macro: PRF
    exact: float
    hits_at_1: float | None
    mrr: float | None
    qald_f1: float
    lenient_hit: float | None

    @property
    def macro_f1(self) -> float:
        """The mean of the questions' F1s."""
        return self.macro.f1


@dataclass(frozen=True, slots=True)
class Group:
    """The scores of the questions that have one value of a property, such as the category "2-hop"."""

    dimension: str
    name: str
    scores: Scores
    stages: StageScores | None = None


@dataclass(frozen=True, slots=True)
class Confidence:
    """How confidence relates to being exactly right. None where it is not defined.

    `ece` and `auroc` are over the answers given; `first_*` over the first reading of every question that has one, given
    or held back, where any reading of an unanswerable question is wrong; `aurc` is the area under their risk-coverage
    curve.
    """

    ece: float | None = None
    auroc: float | None = None
    first_ece: float | None = None
    first_auroc: float | None = None
    aurc: float | None = None


@dataclass(frozen=True, slots=True)
class LinkScores:
    """Of the questions with gold links: exact mention spans and entities that the readings start from, micro-averaged.

    `mentions` is None where the set tells no spans. `recall` is the mean share of gold entities among all candidates of
    the linker, None where it was not recorded.
    """

    n_questions: int
    mentions: PRF | None
    entities: PRF
    recall: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The scores of a run. `intervals` are 95 % bootstrap intervals of the means in `overall`, seed 0.

    `groups` hold the values of a dimension where there are several, in the order of their first question. `executed` is
    the share of given SPARQL that ran and returned the given answers. `n_without_gold` questions are in no score.
    """

    overall: Scores
    intervals: dict[str, Interval]
    groups: tuple[Group, ...]
    answerability: Answerability
    confidence: Confidence
    links: LinkScores | None
    stages: StageScores | None
    executed: float | None
    n_without_gold: int = 0

    def by(self, dimension: str) -> tuple[Group, ...]:
        """Return the groups of one dimension."""
        return tuple(group for group in self.groups if group.dimension == dimension)

    def to_dict(self) -> dict[str, object]:
        """Return the scores, for a JSON file."""
        told = self.answerability
        return {
            "overall": asdict(self.overall),
            "intervals_95": {name: asdict(interval) for name, interval in self.intervals.items()},
            "answerability": {
                **asdict(told),
                "precision": told.precision,
                "recall": told.recall,
                "f1": told.f1,
                "accuracy": told.accuracy,
            },
            "confidence": asdict(self.confidence),
            "links": asdict(self.links) if self.links else None,
            "stages": self.stages.to_dict() if self.stages else None,
            "executed": self.executed,
            "n_without_gold": self.n_without_gold,
            "groups": [
                {
                    "dimension": group.dimension,
                    "name": group.name,
                    **asdict(group.scores),
                    "stages": group.stages.to_dict() if group.stages else None,
                }
                for group in self.groups
            ],
        }


def summarize(outcomes: Sequence[Outcome]) -> Summary:
    """Return the summary of outcomes. Raises ValueError where none of them has gold to compare with."""
    scored = [outcome for outcome in outcomes if outcome.is_scored]
    if not scored:
        raise ValueError("no question has gold answers to compare with")
    answerable = [outcome for outcome in scored if outcome.example.is_answerable]
    executed = [outcome.diagnosis.executes for outcome in scored if outcome.diagnosis.executes is not None]
    intervals = {
        "macro_f1": bootstrap_interval([outcome.f1 for outcome in scored]),
        "exact": bootstrap_interval([outcome.exact for outcome in scored]),
    }
    if answerable:
        intervals["hits_at_1"] = bootstrap_interval([hits_at_1(o.compared, o.example.answers) for o in answerable])
    return Summary(
        overall=scores_of(scored),
        intervals=intervals,
        groups=tuple(group for dimension in DIMENSIONS for group in groups_of(scored, dimension)),
        answerability=answerability(
            [outcome.abstained for outcome in scored], [not outcome.example.is_answerable for outcome in scored]
        ),
        confidence=_confidence(scored),
        links=_link_scores(scored),
        stages=_stages(scored),
        executed=mean(executed) if executed else None,
        n_without_gold=len(outcomes) - len(scored),
    )


def scores_of(outcomes: Sequence[Outcome]) -> Scores:
    """Return the scores of outcomes that have gold. Raises ValueError where there are none."""
    answerable = [outcome for outcome in outcomes if outcome.example.is_answerable]
    labelled = [(outcome, labels) for outcome in answerable if (labels := _gold_labels(outcome))]
    return Scores(
        n_questions=len(outcomes),
        n_answerable=len(answerable),
        macro=PRF(
            mean(outcome.prf.precision for outcome in outcomes),
            mean(outcome.prf.recall for outcome in outcomes),
            mean(outcome.prf.f1 for outcome in outcomes),
        ),
        exact=mean(outcome.exact for outcome in outcomes),
        hits_at_1=mean(hits_at_1(o.compared, o.example.answers) for o in answerable) if answerable else None,
        mrr=mean(reciprocal_rank(o.compared, o.example.answers) for o in answerable) if answerable else None,
        qald_f1=qald_macro((outcome.compared, outcome.example.answers) for outcome in outcomes).f1,
        lenient_hit=mean(lenient_hit(o.given.labels, labels) for o, labels in labelled) if labelled else None,
    )


def groups_of(outcomes: Sequence[Outcome], dimension: str) -> tuple[Group, ...]:
    """Return a group for each value of a dimension, in order of occurrence; none where there is one value only."""
    by_name: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_name.setdefault(DIMENSIONS[dimension](outcome) or "(none)", []).append(outcome)
    if len(by_name) < 2:
        return ()
    return tuple(Group(dimension, name, scores_of(found), _stages(found)) for name, found in by_name.items())


def latency_percentiles(outcomes: Sequence[Outcome]) -> dict[str, float] | None:
    """Return p50 and p95 of the time a question took, in milliseconds, by nearest rank; None where nothing tells."""
    times = [outcome.given.latency_ms for outcome in outcomes if outcome.given.latency_ms is not None]
    return {"p50_ms": percentile(times, 0.5), "p95_ms": percentile(times, 0.95)} if times else None


def _gold_labels(outcome: Outcome) -> tuple[str, ...]:
    if outcome.example.answer_form == "labels":
        return tuple(term.value for term in outcome.example.answers)
    return tuple(label for label in outcome.gold_labels if label)


def _confidence(outcomes: Sequence[Outcome]) -> Confidence:
    given = [(o.given.confidence, o.exact == 1.0) for o in outcomes if not o.abstained]
    first = [(o.given.confidence, o.first_is_right) for o in outcomes if o.diagnosis.first_exact is not None]
    ece, auc, _ = _calibration(given)
    return Confidence(ece, auc, *_calibration(first))


def _calibration(pairs: Sequence[tuple[float | None, bool | None]]) -> tuple[float | None, float | None, float | None]:
    """Return ECE, AUROC and AURC of (confidence, right) pairs; None for each that is not defined."""
    told = [(confidence, bool(right)) for confidence, right in pairs if confidence is not None]
    if not told:
        return None, None, None
    confidences, right = [c for c, _ in told], [r for _, r in told]
    area = auroc(confidences, right) if len(set(right)) == 2 else None
    return expected_calibration_error(confidences, right), area, area_under_risk_coverage(confidences, right)


def _link_scores(outcomes: Sequence[Outcome]) -> LinkScores | None:
    told = [o for o in outcomes if o.example.gold_links and o.given.links is not None]
    if not told:
        return None
    spans, entities = [], []
    for outcome in told:
        gold, links = outcome.example.gold_links, outcome.given.links or ()
        if all(link.mention is not None for link in gold):
            marked = {(link.mention.start, link.mention.end) for link in gold if link.mention is not None}
            spans.append(({(link.start, link.end) for link in links}, marked))
        entities.append(({link.entity for link in links}, {link.entity for link in gold}))
    shares = [o.diagnosis.linked_share for o in told if o.diagnosis.linked_share is not None]
    return LinkScores(
        len(told), micro_prf(spans) if spans else None, micro_prf(entities), mean(shares) if shares else None
    )


def _stages(outcomes: Sequence[Outcome]) -> StageScores | None:
    found = [outcome.diagnosis.stages for outcome in outcomes if outcome.diagnosis.stages is not None]
    return mean_stages(found) if found else None

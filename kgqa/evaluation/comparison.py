"""Two runs on the same questions: how far they differ, whether that is more than chance, and what flipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kgqa.evaluation.metrics import hits_at_1
from kgqa.evaluation.outcomes import Outcome
from kgqa.evaluation.significance import McNemar, PairedTest, mcnemar, paired_test
from kgqa.evaluation.tables import Table, number

Pair = tuple[Outcome, Outcome]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two runs have in common. `tests` are of second minus first; `flips` counts exactly right questions.

    `gained` are right in the second run only, `lost` in the first only, those with the largest change of F1 first.
    `n_unpaired` questions are in one run only.
    """

    n_questions: int
    n_unpaired: int
    tests: dict[str, PairedTest]
    flips: McNemar
    gained: tuple[Pair, ...]
    lost: tuple[Pair, ...]

    def table(self) -> Table:
        """Return a row a score, with the difference, its interval and both p-values."""
        rows = [
            (
                name,
                f"{test.difference:+.3f}",
                f"[{test.interval.low:+.3f}, {test.interval.high:+.3f}]",
                number(test.p_bootstrap),
                number(test.p_randomization),
                number(self.flips.p) if name == "exact" else "",
            )
            for name, test in self.tests.items()
        ]
        return Table(
            "Second run against the first",
            ("score", "difference", "95 % interval", "p (paired bootstrap)", "p (randomization)", "p (McNemar)"),
            tuple(rows),
            note=f"{self.n_questions:,} questions in both runs, {self.n_unpaired:,} in one only. "
            f"{self.flips.n_only_second:,} became right, {self.flips.n_only_first:,} wrong. Tests are two-sided.",
        )


def compare(first: Sequence[Outcome], second: Sequence[Outcome]) -> Comparison | None:
    """Return how two runs compare on the questions that both have, by id, text and part; None where there is none."""
    scored = {_key(outcome): outcome for outcome in first if outcome.is_scored}
    others = {_key(outcome): outcome for outcome in second if outcome.is_scored}
    pairs = [(outcome, others[key]) for key, outcome in scored.items() if key in others]
    if not pairs:
        return None
    answerable = [pair for pair in pairs if pair[0].example.is_answerable]
    tests = {
        "macro F1": paired_test([a.f1 for a, _ in pairs], [b.f1 for _, b in pairs]),
        "exact": paired_test([a.exact for a, _ in pairs], [b.exact for _, b in pairs]),
    }
    if answerable:
        tests["Hits@1"] = paired_test([_hit(a) for a, _ in answerable], [_hit(b) for _, b in answerable])
    flips = mcnemar([a.exact == 1.0 for a, _ in pairs], [b.exact == 1.0 for _, b in pairs])
    return Comparison(
        len(pairs),
        len(scored) + len(others) - 2 * len(pairs),
        tests,
        flips,
        tuple(sorted((p for p in pairs if p[0].exact < p[1].exact), key=lambda p: p[0].f1 - p[1].f1)),
        tuple(sorted((p for p in pairs if p[0].exact > p[1].exact), key=lambda p: p[1].f1 - p[0].f1)),
    )


def _key(outcome: Outcome) -> tuple[str, str, str]:
    return outcome.part, outcome.example.question.id, outcome.example.question.text


def _hit(outcome: Outcome) -> float:
    return hits_at_1(outcome.compared, outcome.example.answers)

"""Facts about the threshold of confidence."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from kgqa.training.calibration import MAX_THRESHOLD, Outcome, calibrate


def outcomes(rng: np.random.Generator, n: int, *, wrong: float) -> list[Outcome]:
    """Return outcomes whose first feature tells right from wrong, but for some noise."""
    found = []
    for _ in range(n):
        right = bool(rng.random() >= wrong)
        told = np.array([(2.0 if right else -2.0) + rng.normal(), rng.normal()], np.float32)
        found.append(Outcome(told, right, answerable=True))
    return found


def confidence(weights: np.ndarray[tuple[int, ...], np.dtype[np.float32]], outcome: Outcome) -> float:
    return float(1 / (1 + np.exp(-(outcome.features @ weights[:-1] + weights[-1]))))


def test_the_threshold_refuses_as_many_as_it_may_and_confidence_tells_right_from_wrong() -> None:
    found = outcomes(np.random.default_rng(0), 400, wrong=0.4)
    weights, threshold = calibrate(found, max_refused=0.1)
    told = [confidence(weights, outcome) for outcome in found]
    assert np.mean([c < threshold for c in told]) == pytest.approx(0.1, abs=0.01)
    right = np.mean([c for c, o in zip(told, found, strict=True) if o.right])
    assert right > 0.8 > 0.3 > np.mean([c for c, o in zip(told, found, strict=True) if not o.right])


def test_where_all_is_right_nothing_is_refused_for_being_a_little_less_sure() -> None:
    weights, threshold = calibrate(outcomes(np.random.default_rng(1), 60, wrong=0.0), max_refused=0.02)
    assert threshold == MAX_THRESHOLD
    assert confidence(weights, Outcome(np.array([0.0, 0.0], np.float32), True, True)) > threshold

"""How far scores can be trusted: bootstrap intervals, and paired tests between two runs on the same questions.

Scores are one number a question. Randomness comes from a seed alone, so that a report can be repeated. The tests are
two-sided. See Dror et al., "The Hitchhiker's Guide to Testing Statistical Significance in NLP" (2018).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

N_RESAMPLES = 2000
_CHUNK_CELLS = 4_000_000  # random numbers drawn at once, so that many questions take little memory


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval of a mean."""

    low: float
    high: float


def bootstrap_interval(
    scores: Sequence[float], *, level: float = 0.95, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Interval:
    """Return the percentile bootstrap interval of the mean: Efron and Tibshirani (1993), section 13.3.

    Questions are resampled with replacement. Raises ValueError where there are no scores.
    """
    import numpy as np

    means = _resampled_means(_array(scores), n_resamples, seed)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


@dataclass(frozen=True, slots=True)
class PairedTest:
    """How two runs differ: the mean of (second - first), its interval, and p-values under "they are alike".

    `p_bootstrap` is the paired bootstrap's, `p_randomization` that of approximate randomization.
    """

    difference: float
    interval: Interval
    p_bootstrap: float
    p_randomization: float


def paired_test(
    first: Sequence[float],
    second: Sequence[float],
    *,
    level: float = 0.95,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> PairedTest:
    """Compare the scores of two runs; item i of both is of question i. Raises ValueError where the lengths differ."""
    import numpy as np

    differences = _differences(first, second)
    means = _resampled_means(differences, n_resamples, seed)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return PairedTest(
        float(differences.mean()),
        Interval(float(low), float(high)),
        _bootstrap_p(means, float(differences.mean())),
        randomization_p(first, second, n_resamples=n_resamples, seed=seed),
    )


def paired_bootstrap_p(
    first: Sequence[float], second: Sequence[float], *, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> float:
    """Return the p-value of the paired bootstrap, shifted to the null: Berg-Kirkpatrick et al., "An Empirical
    Investigation of Statistical Significance in NLP" (2012), made two-sided.

    The share of resamples whose mean difference is at least as far from the observed one as that is from 0, with one
    added above and below so that it is never 0. Raises ValueError where the lengths differ.
    """
    differences = _differences(first, second)
    return _bootstrap_p(_resampled_means(differences, n_resamples, seed), float(differences.mean()))


def randomization_p(
    first: Sequence[float], second: Sequence[float], *, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> float:
    """Return the p-value of approximate randomization: Noreen (1989); Yeh, "More Accurate Tests for the Statistical
    Significance of Result Differences" (2000).

    The two scores of a question are swapped at random. The share of swaps whose absolute mean difference is at least
    the observed one, with one added above and below. Raises ValueError where the lengths differ.
    """
    import numpy as np

    differences = _differences(first, second)
    differing = differences[differences != 0.0]
    observed = abs(float(differing.sum()))
    rng = np.random.default_rng(seed)
    n_extreme = 0
    for n in _chunks(n_resamples, len(differing)):
        signs = rng.integers(0, 2, (n, len(differing)), np.int8) * 2 - 1  # (n, n_differing)
        n_extreme += int((np.abs(signs @ differing) >= observed - 1e-9).sum())
    return (n_extreme + 1) / (n_resamples + 1)


@dataclass(frozen=True, slots=True)
class McNemar:
    """Questions that only one of two runs answers right, and the exact p-value of that split."""

    n_only_first: int
    n_only_second: int
    p: float


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> McNemar:
    """Return McNemar's exact test (1947): under the null, each question that flips does so either way with chance 1/2.

    Two-sided binomial, p capped at 1.0; 1.0 where nothing flips. Raises ValueError where the lengths differ.
    """
    pairs = list(zip(first, second, strict=True))
    only_first = sum(a and not b for a, b in pairs)
    only_second = sum(b and not a for a, b in pairs)
    n, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(n, k) for k in range(fewer + 1))
    return McNemar(only_first, only_second, float(min(1.0, 2 * tail / 2**n)) if n else 1.0)


def _bootstrap_p(means: NDArray[np.float64], observed: float) -> float:
    n_extreme = int((abs(means - observed) >= abs(observed) - 1e-12).sum())
    return (n_extreme + 1) / (len(means) + 1)


def _array(scores: Sequence[float]) -> NDArray[np.float64]:
    import numpy as np

    if not len(scores):
        raise ValueError("no scores to resample")
    return np.asarray(scores, np.float64)


def _differences(first: Sequence[float], second: Sequence[float]) -> NDArray[np.float64]:
    if len(first) != len(second):
        raise ValueError(f"a paired test needs the same questions, got {len(first)} and {len(second)}")
    return _array(second) - _array(first)


def _resampled_means(scores: NDArray[np.float64], n_resamples: int, seed: int) -> NDArray[np.float64]:
    """Return the mean of each resample. Shape: (n_resamples,)."""
    import numpy as np

    rng = np.random.default_rng(seed)
    means = [
        scores[rng.integers(0, len(scores), (n, len(scores)))].mean(axis=1) for n in _chunks(n_resamples, len(scores))
    ]
    return np.concatenate(means)


def _chunks(n_resamples: int, n_questions: int) -> list[int]:
    size = max(1, min(n_resamples, _CHUNK_CELLS // max(n_questions, 1)))
    return [min(size, n_resamples - start) for start in range(0, n_resamples, size)]

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from scipy import stats

from kgqa.evaluation.significance import (
    bootstrap_interval,
    mcnemar,
    paired_bootstrap_p,
    paired_test,
    randomization_p,
)


def _scores(n: int, mean: float, seed: int) -> list[float]:
    rng = random.Random(seed)
    return [float(rng.random() < mean) for _ in range(n)]


def test_the_bootstrap_interval_is_that_of_scipy() -> None:
    scores = np.array(_scores(200, 0.7, 1)) * np.linspace(0.5, 1.0, 200)
    mine = bootstrap_interval(scores.tolist(), n_resamples=20_000)
    other = stats.bootstrap((scores,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(5))
    assert mine.low == pytest.approx(other.confidence_interval.low, abs=0.004)
    assert mine.high == pytest.approx(other.confidence_interval.high, abs=0.004)


def test_the_bootstrap_interval_of_equal_scores_is_that_score() -> None:
    interval = bootstrap_interval([0.5] * 10)
    assert (interval.low, interval.high) == (0.5, 0.5)


def test_the_same_seed_gives_the_same_interval() -> None:
    scores = np.random.default_rng(2).random(50).tolist()
    assert bootstrap_interval(scores, seed=4) == bootstrap_interval(scores, seed=4)
    assert bootstrap_interval(scores, seed=4) != bootstrap_interval(scores, seed=5)


def test_many_questions_are_resampled_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    from kgqa.evaluation import significance

    monkeypatch.setattr(significance, "_CHUNK_CELLS", 120)
    assert significance._chunks(10, 50) == [2, 2, 2, 2, 2]
    interval = bootstrap_interval([0.0, 1.0] * 25, n_resamples=501)
    assert 0.3 < interval.low < 0.45 < 0.55 < interval.high < 0.7  # two standard errors of 0.07 each way


def test_randomization_over_few_questions_is_the_share_of_all_swaps() -> None:
    first, second = [0.0, 0.0, 1.0, 0.2, 0.5], [1.0, 0.4, 1.0, 0.1, 0.9]
    differences = [b - a for a, b in zip(first, second, strict=True)]
    observed = abs(sum(differences))
    swaps = list(itertools.product((1, -1), repeat=5))
    exact = sum(abs(sum(s * d for s, d in zip(signs, differences, strict=True))) >= observed - 1e-9 for signs in swaps)
    assert randomization_p(first, second, n_resamples=40_000) == pytest.approx(exact / len(swaps), abs=0.01)


def test_randomization_is_the_permutation_test_of_scipy() -> None:
    first, second = _scores(120, 0.6, 3), _scores(120, 0.75, 4)
    other = stats.permutation_test(
        (first, second),
        lambda a, b, axis: np.mean(b - a, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=20_000,
        rng=np.random.default_rng(0),
    )
    assert randomization_p(first, second, n_resamples=20_000) == pytest.approx(other.pvalue, abs=0.01)


@pytest.mark.parametrize("test", [paired_bootstrap_p, randomization_p], ids=["bootstrap", "randomization"])
def test_equal_runs_do_not_differ_and_very_different_ones_do(test: object) -> None:
    assert callable(test)
    scores = _scores(100, 0.5, 5)
    assert test(scores, scores) == 1.0
    assert test([0.0] * 90 + [1.0] * 10, [1.0] * 100) < 0.001


def test_under_the_null_few_p_values_are_small() -> None:
    rng = random.Random(8)
    small = {"bootstrap": 0, "randomization": 0}
    for _ in range(200):
        first, second = ([float(rng.random() < 0.5) for _ in range(60)] for _ in range(2))
        small["bootstrap"] += paired_bootstrap_p(first, second, n_resamples=200) < 0.05
        small["randomization"] += randomization_p(first, second, n_resamples=200) < 0.05
    assert all(n <= 24 for n in small.values())  # 10 expected; 24 is over four standard deviations away


def test_a_paired_test_tells_the_difference_of_second_minus_first() -> None:
    found = paired_test([0.0, 0.5, 1.0, 0.0], [1.0, 0.5, 1.0, 0.5])
    assert found.difference == pytest.approx(0.375)
    assert found.interval.low <= found.difference <= found.interval.high


def test_runs_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="same questions"):
        paired_test([1.0], [1.0, 0.0])


@pytest.mark.parametrize(("n_first", "n_second"), [(0, 0), (1, 9), (5, 5), (0, 6), (300, 341)])
def test_mcnemar_is_the_exact_binomial_test(n_first: int, n_second: int) -> None:
    first = [True] * n_first + [False] * n_second + [True, False]
    second = [False] * n_first + [True] * n_second + [True, False]
    found = mcnemar(first, second)
    assert (found.n_only_first, found.n_only_second) == (n_first, n_second)
    n = n_first + n_second
    assert found.p == pytest.approx(stats.binomtest(n_first, n, 0.5).pvalue if n else 1.0)

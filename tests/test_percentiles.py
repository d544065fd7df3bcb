"""Percentiles are times that occurred, and their intervals those of the textbooks."""

from __future__ import annotations

import numpy as np
import pytest

from cspine_edge.percentiles import interval_ranks, percentile, percentile_interval


def test_a_percentile_is_the_smallest_time_that_so_many_runs_did_not_exceed() -> None:
    hundred = np.random.default_rng(0).permutation(np.arange(1, 101))
    assert [percentile(hundred, q) for q in (50, 90, 95, 99, 100)] == [50, 90, 95, 99, 100]
    four = np.array([40, 10, 30, 20])
    assert [percentile(four, q) for q in (25, 26, 50, 51, 90, 99)] == [10, 20, 20, 30, 40, 40]
    assert percentile(np.array([7]), 50) == 7


@pytest.mark.parametrize(
    ("runs", "ranks"),
    # Ranks of the 95 % interval of a median as tables print them, e.g. in Altman et al., Statistics with
    # Confidence, 2nd ed., table 18.4.
    [
        (6, (1, 6)),
        (10, (2, 9)),
        (15, (4, 12)),
        (20, (6, 15)),
        (30, (10, 21)),
        (50, (18, 33)),
        (100, (40, 61)),
    ],
)
def test_ranks_of_a_median_are_those_of_the_tables(runs: int, ranks: tuple[int, int]) -> None:
    assert interval_ranks(runs, 50) == ranks


@pytest.mark.parametrize("percent", [50, 90, 95, 99])
@pytest.mark.parametrize("runs", [5, 6, 35, 36, 71, 72, 367, 368, 1000, 12345, 250_000])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_ranks_are_those_of_the_exact_binomial(runs: int, percent: int, confidence: float) -> None:
    binom = pytest.importorskip("scipy.stats").binom(runs, percent / 100)
    tail = (1 - confidence) / 2
    # The largest lower rank whose tail is small enough, and the smallest upper one, tried one by one.
    lower = (
        max((rank for rank in range(runs + 1) if binom.cdf(rank - 1) <= tail), default=0) if runs < 500 else 0
    )
    upper = min(rank for rank in range(1, runs + 2) if binom.cdf(rank - 1) >= 1 - tail) if runs < 500 else 0
    found = interval_ranks(runs, percent, confidence)
    if runs < 500:
        assert found == ((lower, upper) if lower >= 1 and upper <= runs else None)
        return
    assert found is not None
    low, high = found
    assert binom.cdf(low - 1) <= tail < binom.cdf(low)
    assert binom.cdf(high - 2) < 1 - tail <= binom.cdf(high - 1)


def test_too_few_runs_have_no_interval() -> None:
    assert [interval_ranks(runs, 50) for runs in (1, 5)] == [None, None]
    for percent, least in ((50, 6), (90, 36), (95, 72), (99, 368)):
        assert interval_ranks(least - 1, percent) is None
        assert interval_ranks(least, percent) is not None
    assert percentile_interval(np.arange(5), 50) is None


def test_the_interval_is_made_of_times_that_occurred() -> None:
    times = np.random.default_rng(1).permutation(np.arange(1, 21)) * 1000
    assert percentile_interval(times, 50) == (6000, 15000)


@pytest.mark.parametrize(("percent", "runs"), [(50, 40), (90, 100), (99, 500)])
def test_intervals_hold_the_true_percentile_as_often_as_stated(percent: int, runs: int) -> None:
    """Of times that are far from normal, and known exactly."""
    generator, held = np.random.default_rng(2), 0
    truth = -np.log(1 - percent / 100)  # of the exponential distribution
    for _ in range(600):
        interval = percentile_interval((generator.exponential(size=runs) * 1e9).astype(np.int64), percent)
        assert interval is not None
        held += interval[0] <= truth * 1e9 <= interval[1]
    assert 0.93 <= held / 600 <= 0.995

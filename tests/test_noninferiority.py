"""The gate's statistics: equal to published examples, to scipy and to statsmodels, and honest where cases are few."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cspine_edge.noninferiority import (
    ALPHA,
    Loss,
    bound_without_loss,
    mcnemar_exact,
    paired_loss,
    series_needed,
)

Kind = tuple[int, int, int, int]
"""So many series of so many slices, of which so many are lost and so many gained."""


def loss_of(*kinds: Kind, margin: float = 0.01) -> Loss:
    """The loss where series are of these kinds: (series, slices, lost, gained)."""
    reference, candidate, series = [], [], []
    for kind, (count, slices, lost, gained) in enumerate(kinds):
        for number in range(count):
            series += [(kind, number)] * slices
            reference += [True] * (slices - gained) + [False] * gained
            candidate += [False] * lost + [True] * (slices - lost)
    return paired_loss(np.array(reference), np.array(candidate), series, margin)


# Without a loss


@pytest.mark.parametrize(("cases", "bound"), [(10, 0.259), (20, 0.139), (100, 0.0295), (299, 0.00997)])
def test_bounds_without_a_loss(cases: int, bound: float) -> None:
    assert bound_without_loss(cases) == pytest.approx(bound, abs=5e-4)


def test_bounds_equal_clopper_pearson() -> None:
    stats = pytest.importorskip("scipy.stats")
    for cases in (1, 7, 59, 299):
        upper = stats.binomtest(0, cases, alternative="less").proportion_ci(0.95, method="exact").high
        assert bound_without_loss(cases) == pytest.approx(upper, abs=1e-12)
    assert bound_without_loss(0) == 1


@pytest.mark.parametrize(("margin", "series"), [(0.01, 299), (0.05, 59), (0.02, 149), (0.1, 29), (0.5, 5)])
def test_series_needed_is_the_least_number_that_bounds_the_loss(margin: float, series: int) -> None:
    assert series_needed(margin) == series
    assert bound_without_loss(series) <= margin < bound_without_loss(series - 1)


@pytest.mark.parametrize(
    ("lost", "gained"),
    [(0, 0), (1, 0), (5, 0), (6, 0), (3, 3), (10, 2), (2, 10), (40, 60), (700, 500), (900, 900)],
)
def test_mcnemar_is_the_exact_binomial_test(lost: int, gained: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.binomtest(lost, lost + gained).pvalue if lost + gained else 1.0
    assert mcnemar_exact(lost, gained) == pytest.approx(expected, rel=1e-9)


def test_six_one_way_flips_are_the_first_significant_ones() -> None:
    assert mcnemar_exact(5, 0) == 2 / 2**5 > 0.05
    assert mcnemar_exact(6, 0) == 2 / 2**6 < 0.05
    assert mcnemar_exact(0, 6) == mcnemar_exact(6, 0)


@pytest.mark.parametrize(("cases", "percent"), [(14, 19.3), (167, 1.8)])
def test_zero_numerators_as_published(cases: int, percent: float) -> None:
    """0 of 14 and 0 of 167, examples 1 and 3 of Hanley and Lippman-Hand, JAMA 249:1743 (1983)."""
    assert 100 * bound_without_loss(cases) == pytest.approx(percent, abs=0.05)
    if cases > 100:
        assert bound_without_loss(cases) == pytest.approx(3 / cases, rel=0.02)  # their rule of three


@pytest.mark.parametrize("series", [1, 3, 10, 299, 2999])
def test_no_discordant_slice_gives_the_bound_without_loss_on_either_side(series: int) -> None:
    found = loss_of((series, 7, 0, 0))
    assert (found.estimate, found.upper) == (0.0, bound_without_loss(series))
    assert found.lower == pytest.approx(-bound_without_loss(series), abs=1e-7)
    assert found.non_inferior_p == pytest.approx(0.99**series, rel=1e-12)
    assert found.missing == max(0, 299 - series)


# Published examples and other programs


def test_mcnemar_on_the_sputum_specimens() -> None:
    """Armitage and Berry, Statistical Methods in Medical Research (3rd ed. 1994), p. 127.

    50 specimens on two media: growth on both 20, on A only 12, on B only 2. StatsDirect gives the exact p, 0.0129.
    """
    found = loss_of((20, 1, 0, 0), (12, 1, 1, 0), (2, 1, 0, 1), (16, 1, 0, 0))
    assert (found.lost, found.gained, found.slices) == (12, 2, 50)
    assert round(found.mcnemar_p, 4) == 0.0129
    assert found.series_p == found.mcnemar_p
    assert found.estimate == pytest.approx(0.2)


def test_mcnemar_equals_statsmodels() -> None:
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    for lost, gained in ((12, 2), (0, 6), (5, 5), (33, 21), (1, 0)):
        expected = tables.mcnemar([[20, lost], [gained, 16]], exact=True).pvalue
        assert mcnemar_exact(lost, gained) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17:857 (1998), table I, method 5 (Clopper-Pearson), two-sided 95 %
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_one_slice_a_series_has_the_published_exact_bound(
    successes: int, trials: int, low: float, high: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cspine_edge.noninferiority.ALPHA", 0.025)
    lost = loss_of((successes, 1, 1, 0), (trials - successes, 1, 0, 0))
    assert lost.upper == pytest.approx(high, abs=5e-5)
    kept = loss_of((trials - successes, 1, 1, 0), (successes, 1, 0, 0))
    assert 1 - kept.upper == pytest.approx(low, abs=5e-5)


@pytest.mark.parametrize("trials", [2, 9, 59, 300, 3000, 30_000])
@pytest.mark.parametrize("losses", [1, 2, 8, 250])
def test_one_slice_a_series_is_clopper_and_pearson(losses: int, trials: int) -> None:
    proportion_confint = pytest.importorskip("statsmodels.stats.proportion").proportion_confint
    stats = pytest.importorskip("scipy.stats")
    if losses >= trials:
        return
    found = loss_of((losses, 1, 1, 0), (trials - losses, 1, 0, 0))
    assert found.upper == pytest.approx(proportion_confint(losses, trials, 2 * ALPHA, "beta")[1], abs=1e-7)
    exact = stats.binomtest(losses, trials, 0.01, alternative="less").pvalue
    assert found.non_inferior_p == pytest.approx(exact, abs=1e-7)
    assert (found.non_inferior_p <= ALPHA) == (found.upper <= 0.01)


def test_slices_that_all_go_together_count_once() -> None:
    alone = loss_of((3, 1, 1, 0), (97, 1, 0, 0))
    together = loss_of((3, 21, 21, 0), (97, 21, 0, 0))
    assert together.upper == pytest.approx(alone.upper, abs=1e-7)
    assert together.series_p == alone.series_p == alone.mcnemar_p == 0.25
    assert together.mcnemar_p < 1e-9  # what one would believe who takes the 63 slices for independent


def test_many_series_have_the_cluster_robust_standard_error() -> None:
    """With many series the bounds lie 1.645 of the standard errors off that statsmodels clusters by series."""
    api = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(3)
    sizes = rng.integers(4, 12, 4000)
    series = np.repeat(np.arange(4000), sizes)
    kind = np.repeat(rng.choice([1, -1, 0], 4000, p=[0.3, 0.1, 0.6]), sizes)
    affected = rng.random(len(series)) < 0.9
    reference, candidate = ~((kind < 0) & affected), ~((kind > 0) & affected)
    found = paired_loss(reference, candidate, series.tolist(), 0.05)
    difference = reference.astype(float) - candidate
    fit = api.OLS(difference, np.ones(len(series))).fit(cov_type="cluster", cov_kwds={"groups": series})
    assert found.estimate == pytest.approx(fit.params[0], abs=1e-12)
    assert found.upper - found.estimate == pytest.approx(1.645 * fit.bse[0], rel=0.05)
    assert found.estimate - found.lower == pytest.approx(1.645 * fit.bse[0], rel=0.05)
    slices_alone = difference.std() / math.sqrt(len(series))
    assert fit.bse[0] > 2 * slices_alone


def test_the_quantile_is_that_of_the_bootstrap_it_stands_for() -> None:
    """Series of unequal size with losses and gains, against 200,000 draws of the weights."""
    kinds = [(5, 30, 3, 0), (100, 12, 0, 0), (100, 40, 0, 0), (3, 8, 0, 2)]
    found = loss_of(*kinds)
    counts, sizes, lost, gained = (np.array(column, dtype=float) for column in zip(*kinds, strict=True))
    worst = (counts * sizes).sum() / counts.sum()
    weights = np.random.default_rng(0).gamma(np.append(counts, 1.0), size=(200_000, 5))
    drawn = weights @ np.append(lost - gained, worst) / (weights @ np.append(sizes, worst))
    assert found.upper == pytest.approx(np.quantile(drawn, 0.95), rel=0.01)
    assert found.non_inferior_p == pytest.approx((drawn > 0.01).mean(), abs=0.005)
    drawn = weights @ np.append(lost - gained, -worst) / (weights @ np.append(sizes, worst))
    assert found.lower == pytest.approx(np.quantile(drawn, 0.05), abs=2e-4)
    assert found.inferior_p == pytest.approx((drawn < 0.01).mean(), abs=0.005)


# How often it is wrong


@pytest.mark.parametrize(
    ("series", "margin"), [(300, 0.01), (1000, 0.01), (60, 0.05), (100, 0.05), (10, 0.3)]
)
def test_a_loss_at_the_margin_passes_no_more_often_than_stated(series: int, margin: float) -> None:
    """Whole series are lost, each with the chance of the margin: how often does the gate pass? Exactly."""
    binom = pytest.importorskip("scipy.stats").binom

    def passes(losses: int) -> bool:
        return loss_of((losses, 1, 1, 0), (series - losses, 1, 0, 0), margin=margin).upper <= margin

    most = next(losses for losses in range(series) if not passes(losses)) - 1
    assert most >= 0
    assert binom.cdf(most, series, margin) <= ALPHA
    assert binom.cdf(most + 1, series, margin) > ALPHA  # and it is no stricter than it has to be
    # Why it is no percentile of a plain bootstrap, which of so many losses in so many series is a binomial one.
    losses = np.arange(series)
    percentile = int((binom.ppf(1 - ALPHA, series, losses / series) / series <= margin).sum()) - 1
    assert percentile > most
    assert binom.cdf(percentile, series, margin) > 1.6 * ALPHA


@pytest.mark.slow
def test_unequal_series_with_gains_pass_no_more_often_than_stated() -> None:
    rng = np.random.default_rng(7)
    times, passed = 200, 0
    for _ in range(times):
        sizes = rng.choice([5, 10, 20, 40], 100)
        outcome = np.repeat(rng.choice([1, -1, 0], 100, p=[0.1, 0.05, 0.85]), sizes)
        names = np.repeat(np.arange(100), sizes).tolist()
        passed += paired_loss(outcome >= 0, outcome <= 0, names, 0.05).upper <= 0.05
    assert passed / times <= ALPHA + 2 * math.sqrt(ALPHA * (1 - ALPHA) / times)


# How many are missing


@pytest.mark.parametrize(
    "kinds",
    [
        [(2, 1, 1, 0), (298, 1, 0, 0)],
        [(1, 21, 21, 0), (9, 21, 0, 0)],
        [(3, 20, 1, 0), (27, 20, 0, 0)],
        [(10, 1, 1, 0), (10, 1, 0, 1), (280, 1, 0, 0)],
    ],
)
def test_so_many_more_like_these_are_enough_and_hardly_fewer_are(kinds: list[Kind]) -> None:
    margin = 0.12 if kinds[0][1] == 21 else 0.01
    first = loss_of(*kinds, margin=margin)
    assert first.missing > 0
    times = 1 + first.missing / first.series

    def like_these(copies: int) -> Loss:
        return loss_of(*((count * copies, *rest) for count, *rest in kinds), margin=margin)

    assert like_these(math.ceil(times)).upper <= margin < like_these(int(0.9 * times)).upper


def test_a_loss_above_the_margin_has_no_number_of_series() -> None:
    found = loss_of((4, 1, 1, 0), (296, 1, 0, 0))
    assert (found.missing, found.upper > 0.01) == (0, True)
    assert found.inferior_p > ALPHA
    assert found.lower < 0.01
    shown = loss_of((12, 1, 1, 0), (288, 1, 0, 0))
    assert shown.inferior_p <= ALPHA
    assert shown.lower > 0.01


@pytest.mark.parametrize("series", [1, 2, 3])
def test_one_to_three_series_show_next_to_nothing(series: int) -> None:
    """A plain bootstrap over one series has no spread at all; here the bounds say how little is known."""
    found = loss_of((series, 400, 10, 0), margin=0.01)
    assert found.estimate == 0.025
    assert found.upper >= bound_without_loss(series) > 0.6
    assert found.lower < -0.6
    assert found.inferior_p > 0.5 ** (series + 1)
    assert found.non_inferior_p > 0.95


def test_all_lost_and_none_at_all() -> None:
    assert loss_of((5, 3, 3, 0)).upper == 1.0
    empty = paired_loss(np.zeros(0, bool), np.zeros(0, bool), [], 0.05)
    assert (empty.series, empty.upper, empty.lower, empty.missing) == (0, 1.0, -1.0, 59)

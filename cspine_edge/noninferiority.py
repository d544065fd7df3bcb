"""How much lower a rate is for one model than for another on the same slices, and what that says of new series.

Series are the independent cases. Each has a number of slices and a net loss among them (slices that only the
reference decides rightly, less those that only the candidate does); the loss is the sum of the one over the sum
of the other. Its bounds are those of a bootstrap over series to which one more series of mean size is added that
lost everything: nobody has seen the worst series yet. The weights of the series are spread evenly over all that
sum to one (Rubin, Annals of Statistics 9:130, 1981); the quantiles are computed, not drawn.

With one slice per series and no gains the bound is that of Clopper and Pearson, in particular ``1 - 0.05 ** (1/n)``
where nothing was lost; for other values between two ends it is that of Gaffke (Mathematical Methods of Statistics
14:451, 2005; Learned-Miller and Thomas, arXiv 1905.06208, 2019). A percentile bootstrap lacks the worst series
and is too sure of itself where few were lost: it bounds 1 loss in 300 series at 1.00 %, the exact bound is 1.57 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .metrics import cluster_index

ALPHA = 0.05
"""Level of each one-sided test, and of each one-sided bound."""

_CUT_OFF = 32.0
"""Terms of an integral that are smaller than the first by this many natural logarithms are left out."""
_MOST_COPIES = 2.0**24


@dataclass(frozen=True)
class Loss:
    """How much lower a rate is for the candidate than for the reference.

    Attributes
    ----------
    estimate
        Reference minus candidate.
    lower, upper
        One-sided 95 % bounds for series like these; together a two-sided 90 % interval. The upper one is never
        below :func:`bound_without_loss` of the number of series: gains do not stand in for missing series.
    slices, series
        Cases that the rate is over.
    lost, gained
        Slices that only the reference, or only the candidate, decides rightly.
    series_lost, series_gained
        Series that lost more slices than they gained, or gained more.
    mcnemar_p
        Exact two-sided McNemar test on slices (McNemar, Psychometrika 12:153, 1947). It takes them for
        independent, so it is too small where a series has several.
    series_p
        The same test on series, which are independent: the sign test of their net losses.
    non_inferior_p
        For "the loss is the margin or more": at most 0.05 shows non-inferiority.
    inferior_p
        For "the loss is the margin or less": at most 0.05 shows inferiority.
    missing
        Series like these still needed to show non-inferiority; 0 if it is shown, or if the estimate is above the
        margin, so that no number of them would show it.
    """

    estimate: float
    lower: float
    upper: float
    slices: int
    series: int
    lost: int
    gained: int
    series_lost: int
    series_gained: int
    mcnemar_p: float
    series_p: float
    non_inferior_p: float
    inferior_p: float
    missing: int


def paired_loss(
    right_reference: npt.NDArray[np.bool_],
    right_candidate: npt.NDArray[np.bool_],
    series: Sequence[object],
    margin: float,
) -> Loss:
    """Compare two models on the slices of one class.

    Parameters
    ----------
    right_reference, right_candidate
        Whether each decides a slice rightly, shape (n,); n may be 0.
    series
        Series of each slice, n of them.
    margin
        Accepted loss, in (0, 1).
    """
    slices = len(right_reference)
    if not slices:
        return Loss(0.0, -1.0, 1.0, 0, 0, 0, 0, 0, 0, 1.0, 1.0, 1.0, 1.0, series_needed(margin))
    lost, gained = right_reference & ~right_candidate, ~right_reference & right_candidate
    cluster = cluster_index(series)
    net = np.bincount(cluster, lost.astype(float) - gained.astype(float)).astype(np.float64)
    seen = _Series.of(net, np.bincount(cluster).astype(np.float64))
    n, total_lost, total_gained = len(net), int(lost.sum()), int(gained.sum())
    estimate = float(net.sum() / slices)
    upper, non_inferior_p = bound_without_loss(n), (1.0 - margin) ** n
    if (net > 0).any():
        upper = max(upper, seen.upper_bound())
        non_inferior_p = max(non_inferior_p, seen.probability_above(margin))
    series_lost, series_gained = int((net > 0).sum()), int((net < 0).sum())
    return Loss(
        estimate=estimate,
        lower=-seen.mirrored().upper_bound(),
        upper=upper,
        slices=slices,
        series=n,
        lost=total_lost,
        gained=total_gained,
        series_lost=series_lost,
        series_gained=series_gained,
        mcnemar_p=mcnemar_exact(total_lost, total_gained),
        series_p=mcnemar_exact(series_lost, series_gained),
        non_inferior_p=non_inferior_p,
        inferior_p=seen.mirrored().probability_above(-margin),
        missing=0 if upper <= margin or estimate > margin else max(1, seen.needed(margin) - n),
    )


def mcnemar_exact(lost: int, gained: int) -> float:
    """Exact two-sided McNemar test: the probability of so uneven a division of the discordant pairs."""
    discordant = lost + gained
    tail = term = 1
    for k in range(min(lost, gained)):
        term = term * (discordant - k) // (k + 1)
        tail += term
    return min(1.0, 2 * tail / 2**discordant)


def series_needed(margin: float) -> int:
    """Independent cases without a loss that bound it at ``margin`` (one-sided 95 %): 299 for 1 %."""
    return math.ceil(math.log(ALPHA) / math.log1p(-margin))


def bound_without_loss(cases: int) -> float:
    """One-sided 95 % upper bound of the loss when none of so many independent cases was lost."""
    return 1.0 - ALPHA ** (1.0 / cases) if cases else 1.0


@dataclass(frozen=True)
class _Series:
    """Kinds of series: net loss, slices, and how many there are of each kind; arrays of one shape, float64."""

    net: npt.NDArray[np.float64]
    slices: npt.NDArray[np.float64]
    counts: npt.NDArray[np.float64]

    @classmethod
    def of(cls, net: npt.NDArray[np.float64], slices: npt.NDArray[np.float64]) -> _Series:
        kinds, counts = np.unique(np.stack([net, slices]), axis=1, return_counts=True)
        return cls(kinds[0], kinds[1], counts.astype(np.float64))

    def mirrored(self) -> _Series:
        """Losses for gains."""
        return replace(self, net=-self.net)

    def probability_above(self, loss: float, copies: float = 1.0) -> float:
        """Probability that the loss of series like these is above ``loss``, if each had been seen so often."""
        worst = np.average(self.slices, weights=self.counts)
        surplus = np.append(self.net - loss * self.slices, (1.0 - loss) * worst)
        return _probability_positive(surplus, np.append(copies * self.counts, 1.0))

    def upper_bound(self) -> float:
        """The loss that is exceeded with probability ``ALPHA``."""
        estimate = float((self.net * self.counts).sum() / (self.slices * self.counts).sum())
        return _last(lambda loss: self.probability_above(loss) > ALPHA, estimate, 1.0, 1e-8)

    def needed(self, margin: float) -> int:
        """How many series like these would bound the loss at ``margin``.

        An estimate at the margin could never be shown to be within it: the number is then the one that bounds
        it a tenth of the margin above the estimate.
        """
        n = float(self.counts.sum())
        estimate = float((self.net * self.counts).sum() / (self.slices * self.counts).sum())
        aim = max(margin, estimate + margin / 10)
        enough = series_needed(margin)
        if (self.net > 0).any() and self.probability_above(aim, max(1.0, enough / n)) > ALPHA:
            copies = _last(lambda c: self.probability_above(aim, c) > ALPHA, 1.0, _MOST_COPIES / n, 0.5 / n)
            enough = max(enough, math.ceil(n * copies))
        return enough


def _last(holds: Callable[[float], bool], low: float, high: float, width: float) -> float:
    """Where a condition that holds at ``low`` and not at ``high`` ends, from above and to within ``width``."""
    while high - low > width:
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return high


def _probability_positive(weights: npt.NDArray[np.float64], shapes: npt.NDArray[np.float64]) -> float:
    """Probability that independent gamma variables, each times its weight, have a sum above 0.

    Parameters
    ----------
    weights, shapes
        Of the variables, shape (n,); shapes are at least 1.

    Notes
    -----
    The moment generating function is inverted along a line through the saddle point, where the trapezoidal rule
    converges exponentially (Rice, SIAM Journal on Scientific and Statistical Computing 1:438, 1980).
    """
    if (weights <= 0).all() or (weights >= 0).all():
        return float((weights > 0).any())
    weights = weights / weights.max()
    saddle = _last(lambda z: float((shapes * weights / (1 - weights * z)).sum()) < 1 / z, 0.0, 1.0, 1e-9)
    width = float((shapes * (weights / (1 - weights * saddle)) ** 2).sum() + saddle**-2) ** -0.5

    def logarithms(place: npt.NDArray[np.float64]) -> npt.NDArray[np.complex128]:
        """Of the integrand; the distance from the saddle point grows as the hyperbolic sine of the place."""
        line = saddle + 1j * width * np.sinh(place)
        powers = (np.log(1 - line[:, np.newaxis] * weights) * shapes).sum(axis=1)
        return np.log(np.cosh(place)) - powers - np.log(line)

    coarse = np.arange(0.0, 20.0, 0.5)
    sizes = logarithms(coarse).real
    end = coarse[(sizes > sizes[0] - _CUT_OFF).nonzero()[0][-1]] + 0.5
    step = 0.04
    values = np.exp(logarithms(np.arange(0.0, end, step))).real
    return min(1.0, max(0.0, step * width / math.pi * float(values.sum() - values[0] / 2)))

"""Percentiles of measured times, with intervals that assume nothing of their distribution.

A percentile ``q`` is the shortest measured time that at least ``q`` percent of the runs did not exceed: a time
that occurred, never one between two. Its interval is made of two measured times as well: how many of ``n`` runs
fall below the true percentile is binomial whatever the distribution, so that the ranks between which it lies
follow from ``n`` alone (Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2; David and Nagaraja,
Order Statistics, 3rd ed., section 7.1).

The runs are taken as independent, which neighbouring inferences are not quite: an interval says how well so many
runs tell the percentile, not how the machine drifts from one minute to the next.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
"""Share of such intervals that hold the true percentile, at least, for independent runs and a fixed number of them."""
_DEVIATIONS = 12
"""Standard deviations of the binomial on both sides that are looked at; beyond them lies less than 1e-30."""


def percentile(times: npt.NDArray[np.int64], percent: float) -> int:
    """Smallest of ``times``, one-dimensional, int64, that at least ``percent`` of them do not exceed."""
    return int(np.percentile(times, percent, method="inverted_cdf"))


def percentile_interval(
    times: npt.NDArray[np.int64], percent: float, confidence: float = CONFIDENCE
) -> tuple[int, int] | None:
    """Interval of a percentile, by order statistics.

    Parameters
    ----------
    times
        One-dimensional, int64, of runs that are independent of one another.
    percent
        Between 0 and 100, both exclusive.
    confidence
        Least probability that the interval holds the true percentile.

    Returns
    -------
    tuple or None
        Two of ``times``; None if there are too few of them for both ends.
    """
    ranks = interval_ranks(len(times), percent, confidence)
    if ranks is None:
        return None
    low, high = np.partition(times, [rank - 1 for rank in ranks])[[rank - 1 for rank in ranks]]
    return int(low), int(high)


def interval_ranks(runs: int, percent: float, confidence: float = CONFIDENCE) -> tuple[int, int] | None:
    """Ranks, from 1 up, of the order statistics that enclose a percentile, equal-tailed.

    With ``B`` binomial of ``runs`` trials with probability ``percent`` / 100, the lower rank is the largest ``l``
    with P(B < l) <= (1 - confidence) / 2, the upper one the smallest ``u`` with P(B < u) >= (1 + confidence) / 2.
    Both exist from 6 runs on for the median, and from 36, 72 and 368 on for the percentiles 90, 95 and 99.

    Returns
    -------
    tuple or None
        None if the runs are too few for both.
    """
    share, tail = percent / 100, (1 - confidence) / 2
    deviation = (runs * share * (1 - share)) ** 0.5
    first = max(0, int(runs * share - _DEVIATIONS * deviation) - 1)
    last = min(runs, int(runs * share + _DEVIATIONS * deviation) + 1)
    counts = np.arange(first, last + 1)
    # From one count to the next the probability grows by (runs - k) / (k + 1) * share / (1 - share).
    growth = np.log((runs - counts[:-1]) / (counts[:-1] + 1)) + np.log(share / (1 - share))
    logarithms = np.concatenate([[0.0], np.cumsum(growth)])
    probabilities = np.exp(logarithms - logarithms.max())
    at_most = np.cumsum(probabilities) / probabilities.sum()
    lower = first + int(np.searchsorted(at_most, tail, side="right"))
    upper = first + int(np.searchsorted(at_most, 1 - tail, side="left")) + 1
    return (lower, upper) if lower >= 1 and upper <= runs else None

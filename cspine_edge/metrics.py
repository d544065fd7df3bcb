"""How good a classifier is, with intervals that respect that slices of one patient are not independent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

_REPLICATES = 2000
_ENOUGH_SERIES = 10
"""From this many series on, series are the clusters; below, slice families are, and the metrics say so."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its two-sided 95 % interval; ``None`` where it is undefined (0/0)."""

    estimate: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.estimate is None or self.low is None or self.high is None:
            return "undefined"
        return f"{100 * self.estimate:.2f} % [{100 * self.low:.1f}, {100 * self.high:.1f}]"


@dataclass(frozen=True)
class ConfusionMatrix:
    """Counts of decisions; fracture is the positive class."""

    true_positive: int
    false_negative: int
    false_positive: int
    true_negative: int


@dataclass(frozen=True)
class Metrics:
    """Classification metrics at one threshold.

    Attributes
    ----------
    slices, series
        Number of slices and of series.
    clusters, cluster_unit
        How many units the intervals take for independent, and which: ``series`` or ``slice family``. Slice
        families of few patients are not independent, so intervals over them are too narrow for new patients.
    confusion
        Counts.
    accuracy, precision, recall, specificity, f1, auc
        Estimates with cluster bootstrap percentile intervals (2,000 replicates); a rate of exactly 0 or 1 has
        the Wilson interval over the number of clusters instead.
    """

    slices: int
    series: int
    clusters: int
    cluster_unit: str
    confusion: ConfusionMatrix
    accuracy: Interval
    precision: Interval
    recall: Interval
    specificity: Interval
    f1: Interval
    auc: Interval

    @property
    def unit(self) -> str:
        """What the intervals are over, in words, for people."""
        return (
            "series"
            if self.cluster_unit == "series"
            else "slice families (of few series: too narrow for new patients)"
        )

    def __str__(self) -> str:
        c = self.confusion
        names = ("accuracy", "recall", "specificity", "auc")
        rates = ", ".join(f"{name} {getattr(self, name)}" for name in names)
        return (
            f"{rates}; {c.true_positive} TP, {c.false_negative} FN, {c.false_positive} FP, "
            f"{c.true_negative} TN; {self.slices} slices of {self.series} series, intervals over "
            f"{self.clusters} {'series' if self.cluster_unit == 'series' else 'slice families'}"
        )


def wilson(successes: float, trials: float, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided score interval of a binomial proportion (Wilson, JASA 22:209, 1927)."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = successes / trials
    centre = (rate + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * (rate * (1 - rate) / trials + z * z / (4 * trials * trials)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)


def roc_auc(
    scores: npt.ArrayLike, labels: npt.ArrayLike, weights: npt.NDArray[np.float64] | None = None
) -> npt.NDArray[np.float64]:
    """Area under the ROC curve (Mann-Whitney, ties count one half).

    Parameters
    ----------
    scores, labels
        Shape (n,); a higher score means more likely 1.
    weights
        Shape (replicates, n): weight of each case in each replicate; by default one replicate of ones.

    Returns
    -------
    numpy.ndarray
        Shape (replicates,), float64; NaN where a class has no weight.
    """
    values = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(labels) == 1
    case_weights = np.ones((1, len(values))) if weights is None else weights
    levels, level_of = np.unique(values, return_inverse=True)
    order = np.argsort(level_of, kind="stable")
    starts = np.searchsorted(level_of[order], np.arange(len(levels)))
    positive = np.add.reduceat(np.where(truth, case_weights, 0.0)[:, order], starts, axis=1)
    negative = np.add.reduceat(np.where(truth, 0.0, case_weights)[:, order], starts, axis=1)
    below = np.cumsum(negative, axis=1) - 0.5 * negative
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (positive * below).sum(axis=1) / pairs


def evaluate(
    scores: npt.ArrayLike,
    labels: npt.ArrayLike,
    series: Sequence[str],
    families: Sequence[object],
    threshold: float,
    *,
    seed: int = 0,
) -> Metrics:
    """Compute the metrics of one classifier on labelled slices.

    Parameters
    ----------
    scores
        Shape (n,); ``score >= threshold`` is called a fracture.
    labels
        Shape (n,), 0 or 1.
    series, families
        Identity of each slice's series, and of its original slice (its variants share it).
    threshold
        Operating threshold on the scale of the scores.
    seed
        Seed of the bootstrap.
    """
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(labels).astype(bool)
    called = values >= threshold
    n_series = len(set(series))
    unit = "series" if n_series >= _ENOUGH_SERIES else "slice family"
    cluster = cluster_index(series if unit == "series" else families)
    n_clusters = int(cluster.max()) + 1
    outcomes = np.stack([truth & called, truth & ~called, ~truth & called, ~truth & ~called])
    counts = np.stack([np.bincount(cluster, row, n_clusters) for row in outcomes], axis=1)
    resampled = bootstrap_weights(n_clusters, np.random.default_rng(seed))
    totals, replicates = counts.sum(axis=0), resampled @ counts

    def rate(*, numerator: slice | list[int], denominator: slice | list[int]) -> Interval:
        size = totals[denominator].sum()
        if not size:
            return Interval(None, None, None)
        estimate = float(totals[numerator].sum() / size)
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = replicates[:, numerator].sum(axis=1) / replicates[:, denominator].sum(axis=1)
        units = int((counts[:, denominator].sum(axis=1) > 0).sum())
        return _interval(estimate, spread, units)

    tp, fn, fp, tn = (int(total) for total in totals)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1_spread = 2 * replicates[:, 0] / (2 * replicates[:, 0] + replicates[:, 1] + replicates[:, 2])
    f1 = 2 * tp / (2 * tp + fn + fp) if tp + fn + fp else None
    auc = float(roc_auc(values, truth)[0])
    auc_spread = np.concatenate(
        [roc_auc(values, truth, chunk[:, cluster]) for chunk in np.split(resampled, 20)]
    )
    return Metrics(
        slices=len(values),
        series=n_series,
        clusters=n_clusters,
        cluster_unit=unit,
        confusion=ConfusionMatrix(tp, fn, fp, tn),
        accuracy=rate(numerator=[0, 3], denominator=[0, 1, 2, 3]),
        precision=rate(numerator=[0], denominator=[0, 2]),
        recall=rate(numerator=[0], denominator=[0, 1]),
        specificity=rate(numerator=[3], denominator=[2, 3]),
        f1=Interval(None, None, None) if f1 is None else _interval(f1, f1_spread, n_clusters),
        auc=Interval(None, None, None) if np.isnan(auc) else _interval(auc, auc_spread, n_clusters),
    )


def cluster_index(units: Iterable[object]) -> npt.NDArray[np.intp]:
    """Number the distinct units from 0 in order of first appearance; shape (n,)."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(unit, len(numbers)) for unit in units], dtype=np.intp)


def bootstrap_weights(
    clusters: int, rng: np.random.Generator, replicates: int = _REPLICATES
) -> npt.NDArray[np.float64]:
    """How often each cluster is drawn in each replicate; shape (replicates, clusters)."""
    return rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=replicates).astype(np.float64)


def _interval(estimate: float, spread: npt.NDArray[np.float64], units: int) -> Interval:
    if estimate in (0.0, 1.0):
        low, high = wilson(estimate * units, units)
    else:
        low, high = (float(value) for value in np.nanpercentile(spread, [2.5, 97.5]))
    return Interval(estimate, low, high)

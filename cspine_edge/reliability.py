"""How far the scores and the referrals of a model can be relied on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .decision import Decision

_BINS = 15


@dataclass(frozen=True)
class Referrals:
    """What abstention does on labelled slices; rates are over slices, and ``None`` where they are over none.

    Attributes
    ----------
    stated
        Coverage that the contract states.
    fracture_coverage, normal_coverage
        Share of the slices of each class whose prediction set holds their class.
    referred
        Share of all slices that is sent to a radiologist.
    decided
        Number of those that are not.
    decided_accuracy
        Share of these that is called rightly.
    decided_missed
        Number of fractures among them that are called normal: the ones that nobody would look at.
    """

    stated: float
    fracture_coverage: float | None
    normal_coverage: float | None
    referred: float
    decided: int
    decided_accuracy: float | None
    decided_missed: int


@dataclass(frozen=True)
class Reliability:
    """Reliability of a model on labelled slices.

    Attributes
    ----------
    ece_before, ece_after
        Expected calibration error of the score without and with the temperature: mean distance of score and
        frequency of fractures over 15 bins of equal width, weighted with their slices (Guo et al., ICML 2017,
        here on the score of the positive class).
    brier_before, brier_after
        Mean squared distance of score and truth (Brier, Monthly Weather Review 78:1, 1950, for one of two classes).
    referrals
        What abstention does; ``None`` if the model states none.
    """

    ece_before: float
    ece_after: float
    brier_before: float
    brier_after: float
    referrals: Referrals | None

    def __str__(self) -> str:
        text = (
            f"ECE {self.ece_before:.4f} -> {self.ece_after:.4f}, "
            f"Brier {self.brier_before:.4f} -> {self.brier_after:.4f} with the temperature"
        )
        referrals = self.referrals
        if referrals is None:
            return f"{text}; no abstention"
        return (
            f"{text}; {percent(referrals.referred)} referred, {percent(referrals.decided_accuracy)} of the "
            f"{referrals.decided} decided right, {referrals.decided_missed} fractures missed among them; coverage "
            f"{percent(referrals.fracture_coverage)} of fractures, {percent(referrals.normal_coverage)} of normal "
            f"slices, {100 * referrals.stated:g} % stated"
        )


def assess(margins: npt.ArrayLike, labels: npt.ArrayLike, decision: Decision) -> Reliability:
    """Assess scores and referrals on labelled slices that chose nothing.

    Parameters
    ----------
    margins
        Difference of the logits, positive minus other, shape (n,), n above 0.
    labels
        0 or 1, shape (n,).
    decision
        How the model decides.
    """
    values = np.asarray(margins, dtype=np.float64).tolist()
    truth = np.asarray(labels) == 1
    before, after = (
        np.array([how.score(value) for value in values])
        for how in (replace(decision, temperature=1.0), decision)
    )
    return Reliability(
        calibration_error(before, truth),
        calibration_error(after, truth),
        float(np.mean((before - truth) ** 2)),
        float(np.mean((after - truth) ** 2)),
        _referrals(values, truth, decision),
    )


def calibration_error(scores: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_]) -> float:
    """Expected calibration error of scores in 0 to 1, shape (n,); see :class:`Reliability`."""
    return float(np.abs(np.bincount(_bins(scores), scores - truth)).sum() / len(scores))


def reliability_curve(
    scores: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Give the bins of :func:`calibration_error` that are not empty: mean score, share of fractures, slices."""
    bins = _bins(scores)
    counts = np.bincount(bins)
    filled = counts > 0
    means, shares = (np.bincount(bins, values)[filled] / counts[filled] for values in (scores, truth))
    return means, shares, counts[filled]


def _bins(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    return np.minimum((scores * _BINS).astype(np.intp), _BINS - 1)


def percent(rate: float | None) -> str:
    """Write a rate for people."""
    return "none" if rate is None else f"{100 * rate:.2f} %"


def _referrals(values: Sequence[float], truth: npt.NDArray[np.bool_], decision: Decision) -> Referrals | None:
    abstention = decision.abstention
    if abstention is None:
        return None
    covered = np.array(
        [
            abstention.allows_fracture(value) if fracture else abstention.allows_normal(value)
            for value, fracture in zip(values, truth, strict=True)
        ]
    )
    called = np.array([decision.is_positive(value) for value in values])
    decided = np.array([not decision.referral(value).is_needed for value in values])
    return Referrals(
        stated=abstention.coverage,
        fracture_coverage=_rate(covered[truth]),
        normal_coverage=_rate(covered[~truth]),
        referred=float(1 - decided.mean()),
        decided=int(decided.sum()),
        decided_accuracy=_rate((called == truth)[decided]),
        decided_missed=int((decided & truth & ~called).sum()),
    )


def _rate(hits: npt.NDArray[np.bool_]) -> float | None:
    return float(hits.mean()) if len(hits) else None

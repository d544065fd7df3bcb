"""The gate: whether the quantised model is as good as its float reference on the same cases.

Paired and recall first. Independent cases are series: each bound is computed over series, and where their
number cannot carry the claim the verdict says how many are missing. Each model decides as its own contract says,
at the threshold that was chosen on its own margins: what is compared is what a device would answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .classifier import Classifier
from .dataset import LabelledDataset, read_labelled_slice
from .decision import Decision
from .documents import encode
from .errors import ContractError, DatasetError
from .files import write_json
from .metrics import Metrics, bootstrap_weights, cluster_index, evaluate
from .preprocess import prepare
from .reliability import Reliability, assess
from .window import Window

DEFAULT_MARGIN = 0.01
"""Loss of sensitivity, or of specificity, that would still be accepted: one percentage point."""
_ALPHA = 0.05


class GateVerdict(str, Enum):
    """What the gate says."""

    PASSED = "passed"
    """Sensitivity and specificity are shown to be lower by no more than the margin."""
    FAILED = "failed"
    """A loss above the margin was seen."""
    TOO_LITTLE_EVIDENCE = "too little evidence"
    """No loss above the margin was seen, but the cases are too few to exclude it."""


@dataclass(frozen=True)
class Loss:
    """How much lower a rate is for the candidate than for the reference.

    Attributes
    ----------
    estimate
        Reference minus candidate.
    upper
        One-sided 95 % upper bound: the larger of the cluster bootstrap's over series and of
        :func:`bound_without_loss` for n series.
    slices, series
        Cases that the rate is over.
    lost, gained
        Slices that only the reference, or only the candidate, decides rightly.
    mcnemar_p
        Exact two-sided McNemar test on these (McNemar, Psychometrika 12:153, 1947).
    """

    estimate: float
    upper: float
    slices: int
    series: int
    lost: int
    gained: int
    mcnemar_p: float


@dataclass(frozen=True)
class Flip:
    """A slice on which the two decide differently."""

    path: str
    label: str
    reference_margin: float
    candidate_margin: float


@dataclass(frozen=True)
class ParityReport:
    """Result of ``check``.

    Attributes
    ----------
    candidate, reference, data
        What was compared, on what.
    verdict, reason
        The gate's verdict, and why in one sentence.
    margin
        Accepted loss.
    missing_fracture_series, missing_normal_series
        How many more series the claim needs; 0 where it does not lack any.
    sensitivity_loss, specificity_loss
        The two losses.
    agreement
        Share of slices on which the two decide alike.
    largest_difference, mean_difference
        Of the margins (differences of logits), absolute.
    reference_decision, candidate_decision
        How each decides.
    reference_metrics, candidate_metrics
        Each on its own.
    reference_reliability, candidate_reliability
        Of the scores and the referrals of each.
    flips
        Slices that are decided differently.
    """

    candidate: str
    reference: str
    data: str
    verdict: GateVerdict
    reason: str
    margin: float
    missing_fracture_series: int
    missing_normal_series: int
    sensitivity_loss: Loss
    specificity_loss: Loss
    agreement: float
    largest_difference: float
    mean_difference: float
    reference_decision: Decision
    candidate_decision: Decision
    reference_metrics: Metrics
    candidate_metrics: Metrics
    reference_reliability: Reliability
    candidate_reliability: Reliability
    flips: tuple[Flip, ...]

    def to_json(self) -> dict[str, object]:
        """Give plain data for JSON, schema and version first."""
        return {"schema": "cspine-edge/parity", "version": 2} | encode(self)

    def save(self, path: Path | str, *, overwrite: bool = False) -> None:
        """Write the report as JSON."""
        write_json(path, self.to_json(), overwrite=overwrite)

    def summary(self) -> dict[str, object]:
        """Give what the contract keeps of it."""
        loss = self.sensitivity_loss
        return {
            "verdict": self.verdict.value,
            "reason": self.reason,
            "reference": Path(self.reference).name,
            "data": self.data,
            "margin": self.margin,
            "slices": self.reference_metrics.slices,
            "series": self.reference_metrics.series,
            "flips": len(self.flips),
            "sensitivity_loss": {"estimate": loss.estimate, "upper_95": loss.upper, "series": loss.series},
            "largest_difference": self.largest_difference,
            "reliability": encode(self.candidate_reliability),
        }


@dataclass(frozen=True)
class PairedMargins:
    """Margins of two models on the same labelled slices, all arrays of shape (n,), and how each decides on them."""

    dataset: LabelledDataset
    reference: npt.NDArray[np.float64]
    candidate: npt.NDArray[np.float64]
    reference_decision: Decision = field(default_factory=Decision)
    candidate_decision: Decision = field(default_factory=Decision)


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
    return math.ceil(math.log(_ALPHA) / math.log1p(-margin))


def bound_without_loss(cases: int) -> float:
    """One-sided 95 % upper bound of the loss when none of so many independent cases was lost."""
    return 1.0 - _ALPHA ** (1.0 / cases) if cases else 1.0


def require_same_task(candidate: Classifier, reference: Classifier) -> None:
    """Refuse to pair models that preprocess differently or look for different things.

    Raises
    ------
    ContractError
        If they do.
    """
    ours, theirs = candidate.contract, reference.contract
    if candidate.spec != reference.spec or (ours.labels, ours.positive) != (theirs.labels, theirs.positive):
        raise ContractError(
            candidate.file.path,
            f"has other preprocessing or labels than {reference.file.path}; pair it with its own float model",
        )


def measure(
    candidate: Classifier,
    reference: Classifier,
    dataset: LabelledDataset,
    *,
    window: Window | None = None,
    on_slice: Callable[[], object] = lambda: None,
) -> PairedMargins:
    """Run both models over the same slices; each slice is read and prepared once.

    Raises
    ------
    ContractError
        If the two preprocess differently or look for different things, so that pairing means nothing.
    DatasetError
        If the data set is empty.
    """
    require_same_task(candidate, reference)
    if not len(dataset):
        raise DatasetError(dataset.root, "has no slices to check on")
    rows = []
    for item in dataset.slices:
        image = prepare(read_labelled_slice(dataset.path_of(item)), candidate.spec, window).image
        rows.append((reference.margin(image), candidate.margin(image)))
        on_slice()
    margins = np.array(rows, dtype=np.float64)
    decisions = reference.contract.decision, candidate.contract.decision
    return PairedMargins(dataset, margins[:, 0], margins[:, 1], *decisions)


def judge(
    paired: PairedMargins,
    *,
    margin: float = DEFAULT_MARGIN,
    candidate: str = "candidate",
    reference: str = "reference",
    seed: int = 0,
) -> ParityReport:
    """Judge paired margins.

    Parameters
    ----------
    paired
        Margins of both models, and how each decides.
    margin
        Accepted loss of sensitivity and of specificity, in (0, 1).
    candidate, reference
        Names for the report.
    seed
        Seed of the bootstrap.
    """
    dataset = paired.dataset
    truth = dataset.labels == 1
    sides = ((paired.reference, paired.reference_decision), (paired.candidate, paired.candidate_decision))
    called_reference, called_candidate = (margins >= how.threshold.logit for margins, how in sides)
    series = dataset.series
    sensitivity = _loss(called_reference[truth], called_candidate[truth], series[truth], seed)
    specificity = _loss(~called_reference[~truth], ~called_candidate[~truth], series[~truth], seed)
    verdict, reason, missing = _verdict(sensitivity, specificity, margin)
    families = [item.family for item in dataset.slices]
    reference_metrics, candidate_metrics = (
        evaluate(margins, dataset.labels, series.tolist(), families, how.threshold.logit, seed=seed)
        for margins, how in sides
    )
    reference_reliability, candidate_reliability = (
        assess(margins, dataset.labels, how) for margins, how in sides
    )
    difference = np.abs(paired.reference - paired.candidate)
    flipped = np.flatnonzero(called_reference != called_candidate)
    return ParityReport(
        candidate=candidate,
        reference=reference,
        data=dataset.describe(),
        verdict=verdict,
        reason=reason,
        margin=margin,
        missing_fracture_series=missing[0],
        missing_normal_series=missing[1],
        sensitivity_loss=sensitivity,
        specificity_loss=specificity,
        agreement=float((called_reference == called_candidate).mean()),
        largest_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        reference_decision=paired.reference_decision,
        candidate_decision=paired.candidate_decision,
        reference_metrics=reference_metrics,
        candidate_metrics=candidate_metrics,
        reference_reliability=reference_reliability,
        candidate_reliability=candidate_reliability,
        flips=tuple(
            Flip(
                dataset.slices[i].path,
                "fracture" if truth[i] else "normal",
                float(paired.reference[i]),
                float(paired.candidate[i]),
            )
            for i in flipped
        ),
    )


def _loss(
    right_reference: npt.NDArray[np.bool_],
    right_candidate: npt.NDArray[np.bool_],
    series: Sequence[str],
    seed: int,
) -> Loss:
    cases = len(right_reference)
    if not cases:
        return Loss(0.0, 1.0, 0, 0, 0, 0, 1.0)
    lost, gained = right_reference & ~right_candidate, ~right_reference & right_candidate
    cluster = cluster_index(list(series))
    n = int(cluster.max()) + 1
    net = np.bincount(cluster, lost.astype(float) - gained.astype(float), n)
    sizes = np.bincount(cluster, minlength=n).astype(float)
    resampled = bootstrap_weights(n, np.random.default_rng(seed))
    spread = (resampled @ net) / (resampled @ sizes)
    return Loss(
        estimate=float(net.sum() / cases),
        upper=max(float(np.percentile(spread, 100 * (1 - _ALPHA))), bound_without_loss(n)),
        slices=cases,
        series=n,
        lost=int(lost.sum()),
        gained=int(gained.sum()),
        mcnemar_p=mcnemar_exact(int(lost.sum()), int(gained.sum())),
    )


def _verdict(sensitivity: Loss, specificity: Loss, margin: float) -> tuple[GateVerdict, str, tuple[int, int]]:
    """Sensitivity first; what it says stands before anything of specificity."""
    allowed = f"the margin of {100 * margin:g} points"
    for name, loss in (("sensitivity", sensitivity), ("specificity", specificity)):
        if loss.estimate > margin:
            reason = (
                f"{name} is lower by {100 * loss.estimate:.2f} points ({loss.lost} lost, {loss.gained} "
                f"gained of {loss.slices} slices), more than {allowed}"
            )
            return GateVerdict.FAILED, reason, (0, 0)
    missing = tuple(
        0 if loss.upper <= margin else _missing(loss, margin) for loss in (sensitivity, specificity)
    )
    if not any(missing):
        reason = (
            f"sensitivity is lower by at most {100 * sensitivity.upper:.2f} points and specificity by at "
            f"most {100 * specificity.upper:.2f} (95 %), within {allowed}"
        )
        return GateVerdict.PASSED, reason, (0, 0)
    parts = [
        f"{loss.series} {kind} series bound the loss of {name} at {100 * loss.upper:.1f} points only, "
        f"{more} more are needed"
        for kind, name, loss, more in (
            ("fracture", "sensitivity", sensitivity, missing[0]),
            ("normal", "specificity", specificity, missing[1]),
        )
        if more
    ]
    seen = f"{sensitivity.lost + specificity.lost} decisions were lost"
    return (
        GateVerdict.TOO_LITTLE_EVIDENCE,
        f"{seen}, but {'; '.join(parts)} for {allowed}",
        (missing[0], missing[1]),
    )


def _missing(loss: Loss, margin: float) -> int:
    """Series still needed, for the exact bound and for the bootstrap's."""
    needed = series_needed(margin)
    if loss.upper > bound_without_loss(loss.series):
        # The bootstrap's is the larger; its width shrinks with the root of their number. An estimate at the
        # margin could never be shown to be within it: the count is then for a tenth of the margin below.
        room = max(margin - loss.estimate, margin / 10)
        needed = max(needed, math.ceil(loss.series * ((loss.upper - loss.estimate) / room) ** 2))
    return max(1, needed - loss.series)

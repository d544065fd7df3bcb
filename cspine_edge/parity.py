"""The gate: whether the quantised model is as good as its float reference on the same cases.

Paired and recall first. Independent cases are series: each bound is computed over series, and where their
number cannot carry the claim the verdict says how many are missing. Each model decides as its own contract says,
at the threshold that was chosen on its own margins: what is compared is what a device would answer.
``docs/gate.md`` has the tests, their sources and the meaning of each field.
"""

from __future__ import annotations

from collections.abc import Callable
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
from .metrics import Metrics, evaluate
from .noninferiority import Loss, paired_loss
from .preprocess import prepare
from .reliability import Reliability, assess, percent
from .window import Window

DEFAULT_MARGIN = 0.01
"""Loss of sensitivity, or of specificity, that would still be accepted: one percentage point."""
UNKNOWN_LEAK = "not known: the data were given without the split that the model was trained by"
"""What a report says of leaks where nothing tells them."""


class GateVerdict(str, Enum):
    """What the gate says."""

    PASSED = "passed"
    """Sensitivity and specificity are shown to be lower by no more than the margin."""
    FAILED = "failed"
    """A loss above the margin was seen: more series like these would never show it to be within the margin."""
    TOO_LITTLE_EVIDENCE = "too little evidence"
    """No loss above the margin was seen, but the cases are too few to exclude it."""


@dataclass(frozen=True)
class Flip:
    """A slice on which the two decide differently.

    Attributes
    ----------
    path, series, label
        Which slice, of which series, and the truth.
    lost
        True if only the reference is right, false if only the candidate is.
    reference_margin, candidate_margin
        On these they decided, each at its own threshold.
    """

    path: str
    series: str
    label: str
    lost: bool
    reference_margin: float
    candidate_margin: float


@dataclass(frozen=True)
class ParityReport:
    """Result of ``check``.

    Attributes
    ----------
    candidate, reference, data
        What was compared, on what.
    leak
        What of the data the model was trained on, in one sentence.
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
    leak: str
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
        return {"schema": "cspine-edge/parity", "version": 3} | encode(self)

    def save(self, path: Path | str, *, overwrite: bool = False) -> None:
        """Write the report as JSON."""
        write_json(path, self.to_json(), overwrite=overwrite)

    def rows(self) -> list[tuple[str, str, str]]:
        """Give the figures of each model as text: name, reference, candidate."""
        metrics = (self.reference_metrics, self.candidate_metrics)
        reliabilities = (self.reference_reliability, self.candidate_reliability)
        referrals = [entry.referrals for entry in reliabilities]
        cells = {
            name: [str(getattr(entry, name)) for entry in metrics]
            for name in ("recall", "specificity", "accuracy", "precision", "f1", "auc")
        }
        for name in ("true_positive", "false_negative", "false_positive", "true_negative"):
            cells[name.replace("_", " ")] = [str(getattr(entry.confusion, name)) for entry in metrics]
        for label, name in (("ECE", "ece"), ("Brier", "brier")):
            for words, when in (("temperature 1", "before"), ("its temperature", "after")):
                values = [f"{getattr(entry, f'{name}_{when}'):.4f}" for entry in reliabilities]
                cells[f"{label}, {words}"] = values
        if any(referrals):
            for label, name in (
                ("coverage, stated", "stated"),
                ("coverage, fracture", "fracture_coverage"),
                ("coverage, normal", "normal_coverage"),
                ("referred", "referred"),
                ("decided, accuracy", "decided_accuracy"),
            ):
                cells[label] = [percent(getattr(entry, name)) if entry else "-" for entry in referrals]
            cells["decided, missed"] = [str(entry.decided_missed) if entry else "-" for entry in referrals]
        return [(name, before, after) for name, (before, after) in cells.items()]

    def summary(self) -> dict[str, object]:
        """Give what the contract keeps of it."""

        def short(loss: Loss) -> dict[str, object]:
            return {"estimate": loss.estimate, "upper_95": loss.upper, "series": loss.series}

        return {
            "verdict": self.verdict.value,
            "reason": self.reason,
            "reference": Path(self.reference).name,
            "data": self.data,
            "leak": self.leak,
            "margin": self.margin,
            "slices": self.reference_metrics.slices,
            "series": self.reference_metrics.series,
            "flips": len(self.flips),
            "sensitivity_loss": short(self.sensitivity_loss),
            "specificity_loss": short(self.specificity_loss),
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
    leak: str = UNKNOWN_LEAK,
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
    leak
        What of the data the model was trained on, for the report.
    seed
        Seed of the bootstrap of each model's own metrics; the gate's bounds have none.
    """
    dataset = paired.dataset
    truth = dataset.labels == 1
    sides = ((paired.reference, paired.reference_decision), (paired.candidate, paired.candidate_decision))
    called_reference, called_candidate = (margins >= how.threshold.logit for margins, how in sides)
    series = dataset.series
    right_reference, right_candidate = called_reference == truth, called_candidate == truth
    sensitivity, specificity = (
        paired_loss(right_reference[kind], right_candidate[kind], series[kind].tolist(), margin)
        for kind in (truth, ~truth)
    )
    verdict, reason = _verdict(sensitivity, specificity, margin)
    failed = verdict is GateVerdict.FAILED
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
        leak=leak,
        verdict=verdict,
        reason=reason,
        margin=margin,
        missing_fracture_series=0 if failed else sensitivity.missing,
        missing_normal_series=0 if failed else specificity.missing,
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
                dataset.slices[i].series,
                "fracture" if truth[i] else "normal",
                bool(right_reference[i]),
                float(paired.reference[i]),
                float(paired.candidate[i]),
            )
            for i in flipped
        ),
    )


def _verdict(sensitivity: Loss, specificity: Loss, margin: float) -> tuple[GateVerdict, str]:
    """Sensitivity first; what it says stands before anything of specificity."""
    allowed = f"the margin of {100 * margin:g} points"
    for name, loss in (("sensitivity", sensitivity), ("specificity", specificity)):
        if loss.estimate > margin:
            seen = (
                f"{name} is lower by {100 * loss.estimate:.2f} points ({loss.lost} lost, {loss.gained} "
                f"gained of {loss.slices} slices), more than {allowed}"
            )
            return GateVerdict.FAILED, f"{seen}; {_strength(loss, margin)}"
    if not (sensitivity.missing or specificity.missing):
        return GateVerdict.PASSED, (
            f"sensitivity is lower by at most {100 * sensitivity.upper:.2f} points and specificity by at "
            f"most {100 * specificity.upper:.2f} (95 %), within {allowed}"
        )
    parts = [
        f"{loss.series} {kind} series bound the loss of {name} at {100 * loss.upper:.1f} points only, "
        f"{loss.missing} more are needed"
        for kind, name, loss in (
            ("fracture", "sensitivity", sensitivity),
            ("normal", "specificity", specificity),
        )
        if loss.missing
    ]
    seen = f"{sensitivity.lost + specificity.lost} decisions were lost"
    return GateVerdict.TOO_LITTLE_EVIDENCE, f"{seen}, but {'; '.join(parts)} for {allowed}"


def _strength(loss: Loss, margin: float) -> str:
    """Whether a loss that was seen would be found in other series, too."""
    if loss.lower > margin:
        return f"it is above it in series like these ({100 * loss.lower:.2f} points or more, 95 %)"
    return (
        f"that other series lose as much is not shown (p {loss.inferior_p:.2f}, {loss.series} series), but more like "
        "these would not pass it"
    )

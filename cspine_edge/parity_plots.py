"""The figures of the gate's page, as SVG; matplotlib comes with the train extra.

The reference is always grey, the candidate teal; fractures are orange, normal slices blue, as on the audit's page.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .dataset import LABELS
from .errors import MissingExtraError
from .layer_error import LayerError
from .noninferiority import Loss
from .parity import PairedMargins
from .reliability import reliability_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_REFERENCE, _CANDIDATE, _SOFT = "#57606a", "#0f766e", "#8c959f"
_CLASSES = ("#2563ab", "#c2410c")


def require_matplotlib() -> None:
    """Fail now, and not after the slices were run, where the figures cannot be drawn.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("drawing the page", "train") from error


def plot_losses(losses: Sequence[tuple[str, Loss]], margin: float) -> str:
    """Draw each loss with its one-sided 95 % bounds, and the margin."""
    figure, (axis,) = _figure(7.6, 1.9, 1)
    for row, (_, loss) in enumerate(losses):
        known = loss.slices > 0
        axis.plot([100 * loss.lower, 100 * loss.upper], [row, row], color=_CANDIDATE, linewidth=2)
        axis.plot([100 * loss.lower, 100 * loss.upper], [row, row], "|", color=_CANDIDATE, markersize=12)
        axis.plot([100 * loss.estimate] * known, [row] * known, "o", color=_CANDIDATE)
    axis.axvline(0, color=_SOFT, linewidth=1)
    axis.axvline(100 * margin, color=_CLASSES[1], linestyle="--", label=f"margin, {100 * margin:g} points")
    axis.set(
        yticks=range(len(losses)), yticklabels=[name for name, _ in losses], ylim=(len(losses) - 0.5, -0.5)
    )
    axis.set(xlabel="loss in points: gain to the left, loss to the right")
    axis.legend(frameon=False, loc="upper right", bbox_to_anchor=(1, 1.25), fontsize=8)
    return _svg(figure)


def plot_roc(paired: PairedMargins) -> str:
    """Draw the ROC curves of both, whole and near the corner, with the operating points."""
    truth = paired.dataset.labels == 1
    figure, axes = _figure(9.4, 4.4, 2)
    for name, margins, threshold, colour, line in _sides(paired):
        false_alarms, found = _roc(margins, truth)
        called = margins >= threshold
        point = (100 * called[~truth].mean(), 100 * called[truth].mean())
        for axis in axes:
            axis.plot(100 * false_alarms, 100 * found, line, color=colour, label=name)
            axis.plot(
                *point, "o" if colour == _CANDIDATE else "s", color=colour, label=f"{name}, operating point"
            )
    axes[0].plot([0, 100], [0, 100], ":", color=_SOFT)
    axes[0].legend(frameon=False, loc="lower right", fontsize=8)
    axes[0].set(title="ROC", xlim=(-1, 101), ylim=(-1, 101))
    points = np.array([line.get_xydata()[0] for line in axes[1].lines[1::2]])
    far = min(100.0, 2 * points[:, 0].max() + 5)
    low = max(0.0, 100 - 2 * (100 - points[:, 1].min()) - 5)
    axes[1].set(
        title="the same near the operating points", xlim=(-far / 50, far), ylim=(low, 100 + (100 - low) / 50)
    )
    for axis in axes:
        axis.set(xlabel="1 - specificity, %", ylabel="sensitivity, %")
    return _svg(figure)


def plot_margins(paired: PairedMargins) -> str:
    """Draw the margins of one against those of the other, with thresholds and flips; whole, and near the thresholds."""
    truth = paired.dataset.labels == 1
    thresholds = (paired.reference_decision.threshold.logit, paired.candidate_decision.threshold.logit)
    flips = (paired.reference >= thresholds[0]) != (paired.candidate >= thresholds[1])
    figure, axes = _figure(9.4, 4.7, 2)
    for axis in axes:
        for label, colour in enumerate(_CLASSES):
            for chosen, marker, size, what in (
                (~flips, ".", 14, ""),
                (flips, "X", 34, ", decided differently"),
            ):
                here = chosen & (truth == label)
                if here.any():
                    places = paired.reference[here], paired.candidate[here]
                    axis.scatter(
                        *places,
                        marker=marker,
                        s=size,
                        color=colour,
                        alpha=0.9 if what else 0.35,
                        linewidths=0.4,
                        edgecolors="black" if what else "none",
                        label=f"{LABELS[label]}{what}, {here.sum()}",
                        rasterized=not what,
                        zorder=3 if what else 2,
                    )
        axis.axvline(thresholds[0], color=_REFERENCE, linestyle="--", linewidth=1)
        axis.axhline(thresholds[1], color=_CANDIDATE, linestyle="--", linewidth=1)
        axis.axline((0, 0), slope=1, color=_SOFT, linestyle=":", linewidth=1)
        axis.set(xlabel="margin of the reference", ylabel="margin of the candidate")
    axes[0].legend(frameon=False, loc="upper left", fontsize=7.5)
    axes[0].set(title="all slices")
    if flips.any():
        off = (np.abs(paired.reference - thresholds[0]), np.abs(paired.candidate - thresholds[1]))
        reach = 1.3 * max(float(side[flips].max()) for side in off)
    else:
        reach = 1.5 * float(np.abs(paired.reference - paired.candidate).max()) or 1.0
    axes[1].set(xlim=(thresholds[0] - reach, thresholds[0] + reach))
    axes[1].set(ylim=(thresholds[1] - reach, thresholds[1] + reach), title="near the thresholds (dashed)")
    return _svg(figure)


def plot_reliability(paired: PairedMargins) -> str:
    """Draw how often slices of a score are fractures, and how many slices have it; each with its temperature."""
    truth = paired.dataset.labels == 1
    figure, axes = _figure(9.4, 4.2, 2)
    decisions = (paired.reference_decision, paired.candidate_decision)
    for (name, margins, _, colour, line), decision in zip(_sides(paired), decisions, strict=True):
        scores = np.array([decision.score(value) for value in margins.tolist()])
        means, shares, counts = reliability_curve(scores, truth)
        axes[0].plot(means, shares, line, marker="o", markersize=4, color=colour, label=name)
        axes[1].plot(means, counts, line, marker="o", markersize=4, color=colour, label=name)
    axes[0].plot([0, 1], [0, 1], ":", color=_SOFT, label="perfect")
    axes[0].set(title="reliability", ylabel="share of fractures", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes[1].set(title="slices in each of 15 bins", ylabel="slices", yscale="log", xlim=(-0.02, 1.02))
    for axis in axes:
        axis.set(xlabel="mean score of the bin")
        axis.legend(frameon=False, fontsize=8)
    return _svg(figure)


def plot_layers(layers: Sequence[LayerError]) -> str:
    """Draw the SQNR of each layer as a bar."""
    figure, (axis,) = _figure(7.6, 0.9 + 0.17 * len(layers), 1)
    axis.barh(range(len(layers)), [layer.sqnr_db for layer in layers], color=_CANDIDATE, height=0.75)
    axis.set(yticks=range(len(layers)), yticklabels=[layer.name[-40:] for layer in layers])
    axis.set(xlabel="signal to quantisation noise, dB (higher is better)")
    axis.tick_params(axis="y", labelsize=6.5)
    axis.set_ylim(len(layers) - 0.4, -0.6)
    return _svg(figure)


def _sides(paired: PairedMargins) -> tuple[tuple[str, npt.NDArray[np.float64], float, str, str], ...]:
    ends = paired.reference_decision.threshold.logit, paired.candidate_decision.threshold.logit
    return (
        ("reference", paired.reference, ends[0], _REFERENCE, "--"),
        ("candidate", paired.candidate, ends[1], _CANDIDATE, "-"),
    )


def _roc(
    margins: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """False alarms and fractures found, as shares, at each threshold from above all margins down."""
    order = np.argsort(-margins, kind="stable")
    last_of_ties = np.append(np.diff(margins[order]) != 0, True)
    found, false_alarms = (
        np.append(0, np.cumsum(kind[order])[last_of_ties]) / max(int(kind.sum()), 1)
        for kind in (truth, ~truth)
    )
    return false_alarms, found


def _figure(width: float, height: float, columns: int) -> tuple[Figure, list[Any]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    axes = list(np.atleast_1d(figure.subplots(1, columns)))
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
        axis.xaxis.label.set_size(9)
        axis.yaxis.label.set_size(9)
        axis.title.set_size(10)
    return figure, axes


def _svg(figure: Figure) -> str:
    import matplotlib as mpl

    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "cspine-edge"}):  # equal figures give equal bytes
        figure.savefig(stream, format="svg", dpi=160, metadata={"Date": None})
    return stream.getvalue()

"""Learning curves and confusion matrix as pictures."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

from ..dataset import LABELS
from ..files import replacing
from ..metrics import Metrics
from .loop import Epoch

mpl.use("Agg")
from matplotlib import pyplot as plt


def plot_curves(history: list[Epoch], path: Path, monitored: str) -> None:
    """Draw loss and accuracy over the epochs of all phases.

    Parameters
    ----------
    history
        One entry per epoch.
    path
        PNG to write; replaced if it exists.
    monitored
        What the second line shows, e.g. ``"validation"``.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    epochs = range(1, len(history) + 1)
    for axis, quantity in zip(axes, ("loss", "accuracy"), strict=True):
        axis.plot(epochs, [entry[quantity] for entry in history], "o-", label="training (augmented)")
        if history and f"monitor_{quantity}" in history[0]:
            axis.plot(epochs, [entry[f"monitor_{quantity}"] for entry in history], "s-", label=monitored)
        for before, entry in enumerate(history[1:], start=1):
            if entry["phase"] != history[before - 1]["phase"]:
                axis.axvline(before + 0.5, color="grey", linestyle=":", linewidth=1)
        axis.set(xlabel="epoch", ylabel=quantity)
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0].legend(frameon=False)
    with replacing(path, overwrite=True) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
    plt.close(figure)


def plot_confusion(metrics: Metrics, path: Path, title: str) -> None:
    """Draw the confusion matrix, counts and row percentages, as a PNG; replaced if it exists."""
    c = metrics.confusion
    counts = np.array([[c.true_negative, c.false_positive], [c.false_negative, c.true_positive]])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axis = plt.subplots(figsize=(3.8, 3.6), layout="constrained")
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        colour = "white" if share > 0.5 else "black"
        axis.text(column, row, f"{count}\n{100 * share:.1f} %", ha="center", va="center", color=colour)
    axis.set(xticks=[0, 1], yticks=[0, 1], xticklabels=LABELS, yticklabels=LABELS)
    axis.set(xlabel="called", ylabel="truth", title=title)
    with replacing(path, overwrite=True) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
    plt.close(figure)

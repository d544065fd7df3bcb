"""Learning curves, confusion matrix and the errors of layers as pictures. Needs no TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..dataset import LABELS
from ..errors import MissingExtraError
from ..files import replacing
from ..layer_error import LayerReport
from ..metrics import Metrics

if TYPE_CHECKING:
    from .loop import Epoch

try:
    from matplotlib.figure import Figure  # and not pyplot, whose backend is the caller's to choose
except ModuleNotFoundError as error:
    raise MissingExtraError("drawing", "train") from error


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
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axes = figure.subplots(1, 2)
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


def plot_confusion(metrics: Metrics, path: Path, title: str) -> None:
    """Draw the confusion matrix, counts and row percentages, as a PNG; replaced if it exists."""
    c = metrics.confusion
    counts = np.array([[c.true_negative, c.false_positive], [c.false_negative, c.true_positive]])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(3.8, 3.6), layout="constrained")
    axis = figure.subplots()
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        colour = "white" if share > 0.5 else "black"
        axis.text(column, row, f"{count}\n{100 * share:.1f} %", ha="center", va="center", color=colour)
    axis.set(xticks=[0, 1], yticks=[0, 1], xticklabels=LABELS, yticklabels=LABELS)
    axis.set(xlabel="called", ylabel="truth", title=title)
    with replacing(path, overwrite=True) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def plot_layers(report: LayerReport, path: Path, *, overwrite: bool = False) -> None:
    """Draw the SQNR of each layer as a PNG, in the network's order from top to bottom.

    Parameters
    ----------
    report
        What :func:`cspine_edge.layer_error.compare_layers` gave.
    path, overwrite
        PNG to write, and whether an existing one is replaced.
    """
    layers = report.layers
    figure = Figure(figsize=(7, 1.4 + 0.16 * len(layers)), layout="constrained")
    axis = figure.subplots()
    for number, operation in enumerate(dict.fromkeys(layer.operation for layer in layers)):
        rows = [row for row, layer in enumerate(layers) if layer.operation == operation]
        values = [layers[row].sqnr_db for row in rows]
        axis.barh(rows, values, color=f"C{number % 10}", label=operation.lower().replace("_", " "))
    axis.set(xlabel="signal to quantisation noise (dB)", title=f"{report.candidate}, {report.slices} slices")
    axis.set_yticks(range(len(layers)), [layer.name for layer in layers], fontsize=6)
    axis.set_ylim(len(layers) - 0.5, -0.5)
    axis.grid(axis="x", linewidth=0.4)
    axis.legend(frameon=False, fontsize=7)
    with replacing(path, overwrite=overwrite) as temporary:
        figure.savefig(temporary, format="png", dpi=120)

"""The nearest-neighbour probe: what is gained by having seen a patient, without looking at any fracture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_ROWS = 512
"""Slices whose distances to all others are in memory at a time."""


@dataclass(frozen=True)
class HeldOutSeries:
    """Accuracy on one series by neighbours in the other series."""

    series: str
    slices: int
    accuracy: float


@dataclass(frozen=True)
class NeighbourProbe:
    """Accuracy of copying the label of the most similar thumbnail.

    Attributes
    ----------
    random_test
        Test slices of the random image split; 0 if there is none.
    random_accuracy
        Accuracy on them by neighbours in its training part.
    held_out
        Accuracy on each series by neighbours in the others; empty if there is one series only.
    held_out_accuracy
        Mean over the series.
    """

    random_test: int
    random_accuracy: float | None
    held_out: tuple[HeldOutSeries, ...]
    held_out_accuracy: float | None


def probe_neighbours(
    thumbnails: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    series: npt.NDArray[np.str_],
    train: npt.NDArray[np.bool_],
    test: npt.NDArray[np.bool_],
) -> tuple[NeighbourProbe, npt.NDArray[np.int64] | None]:
    """Classify by the nearest neighbour under a random split and with each series held out.

    Parameters
    ----------
    thumbnails
        Grey levels, shape (n, pixels), uint8.
    labels, series
        Shape (n,).
    train, test
        The random split, shape (n,); both all false if there is none.

    Returns
    -------
    tuple
        The probe; and the label of each slice's nearest neighbour in another series, shape (n,), or None if
        there is one series only.
    """
    # Around mid-grey every term below stays under 2**24: the distances are exact in float32.
    pixels = thumbnails.astype(np.float32) - 128
    squares = np.einsum("ij,ij->i", pixels, pixels)
    _, series_of = np.unique(series, return_inverse=True)
    several = bool(series_of.max() > 0)
    nearest_known = np.zeros(len(labels), dtype=np.intp)
    nearest_foreign = np.zeros(len(labels), dtype=np.intp)
    for start in range(0, len(labels), _ROWS):
        rows = slice(start, start + _ROWS)
        distance = squares - 2 * (pixels[rows] @ pixels.T)
        nearest_known[rows] = np.where(train, distance, np.inf).argmin(axis=1)
        nearest_foreign[rows] = np.where(series_of[rows, None] != series_of, distance, np.inf).argmin(axis=1)
    random_accuracy = float((labels[nearest_known] == labels)[test].mean()) if test.any() else None
    if not several:
        return NeighbourProbe(int(test.sum()), random_accuracy, (), None), None
    copied = labels[nearest_foreign]
    held_out = tuple(
        HeldOutSeries(
            str(name), int((series == name).sum()), float((copied == labels)[series == name].mean())
        )
        for name in np.unique(series)
    )
    mean = float(np.mean([entry.accuracy for entry in held_out]))
    return NeighbourProbe(int(test.sum()), random_accuracy, held_out, mean), copied

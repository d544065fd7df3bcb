"""The nearest-neighbour probe: what is gained by having seen a patient, without looking at any fracture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_ROWS, _COLUMNS = 512, 8192
"""Slices whose distances to so many others are in memory at a time."""


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


class _Nearest:
    """The nearest other of each slice among those that have been seen; of equally near ones the first."""

    def __init__(self, count: int) -> None:
        self.position = np.zeros(count, dtype=np.intp)
        self._distance = np.full(count, np.inf, dtype=np.float32)

    def see(self, rows: slice, others: slice, distance: npt.NDArray[np.floating[Any]]) -> None:
        """Compare some slices with some others, their distances of shape (rows, others)."""
        at = distance.argmin(axis=1)
        least = np.take_along_axis(distance, at[:, None], axis=1)[:, 0]
        nearer = least < self._distance[rows]
        self.position[rows] = np.where(nearer, at + others.start, self.position[rows])
        self._distance[rows] = np.where(nearer, least, self._distance[rows])


def _distances(
    thumbnails: npt.NDArray[np.uint8],
) -> Iterator[tuple[slice, slice, npt.NDArray[np.float32]]]:
    """Squared distances less the first's square, some rows by some columns at a time."""
    for column in range(0, len(thumbnails), _COLUMNS):
        others = slice(column, column + _COLUMNS)
        # Around mid-grey every term stays under 2**24: the distances are exact in float32.
        second = thumbnails[others].astype(np.float32) - 128
        squares = np.einsum("ij,ij->i", second, second)
        for row in range(0, len(thumbnails), _ROWS):
            rows = slice(row, row + _ROWS)
            first = thumbnails[rows].astype(np.float32) - 128
            yield rows, others, squares - 2 * (first @ second.T)


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
    _, series_of = np.unique(series, return_inverse=True)
    several = bool(series_of.max() > 0)
    known, foreign = _Nearest(len(labels)), _Nearest(len(labels))
    for rows, others, distance in _distances(thumbnails):
        known.see(rows, others, np.where(train[others], distance, np.inf))
        same = series_of[rows, None] == series_of[others]
        foreign.see(rows, others, np.where(same, np.inf, distance))
    nearest_known, nearest_foreign = known.position, foreign.position
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

"""The nearest-neighbour probe: what is gained by having seen a patient, without looking at any fracture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..metrics import cluster_index
from ..scratch import Rows

MOST_TRIED = 8192
"""Slices that are tried with their series held out; of more, so many are taken evenly from all series."""

_ROWS, _COLUMNS = 512, 4096
"""Slices whose distances to so many others are in memory at a time."""

_Numbers = npt.NDArray[np.intp]


@dataclass(frozen=True)
class HeldOutSeries:
    """Accuracy on one series by neighbours in the other series; ``slices`` of it were tried."""

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
        Accuracy on each series by neighbours in the others, of which :data:`MOST_TRIED` slices were tried; empty if
        there is one series only.
    held_out_accuracy
        Mean over the series.
    """

    random_test: int
    random_accuracy: float | None
    held_out: tuple[HeldOutSeries, ...]
    held_out_accuracy: float | None


@dataclass(frozen=True, eq=False)
class Copied:
    """Labels of the most similar thumbnails of other series.

    Attributes
    ----------
    tried
        Positions of the slices that were tried, ascending, shape (m,).
    labels
        The label of the most similar slice of another series, shape (m,).
    """

    tried: _Numbers
    labels: npt.NDArray[np.int64]


def probe_neighbours(
    thumbnails: Rows,
    labels: npt.NDArray[np.int64],
    series: list[str],
    train: _Numbers,
    test: _Numbers,
) -> tuple[NeighbourProbe, Copied | None]:
    """Classify by the nearest neighbour under a random split and with each series held out.

    Parameters
    ----------
    thumbnails
        Grey levels, rows of shape (pixels,), uint8.
    labels, series
        Of each slice, n of them.
    train, test
        Positions of the random split's slices; both empty if there is none.

    Returns
    -------
    tuple
        The probe; and what was copied from other series, or None if there is one series only.
    """
    random_accuracy = None
    if len(test):
        nearest = train[_nearest(thumbnails, test, train)]
        random_accuracy = float((labels[nearest] == labels[test]).mean())
    series_of = cluster_index(series)
    if not series_of.any():
        return NeighbourProbe(len(test), random_accuracy, (), None), None
    tried = _evenly(series_of)
    copied = labels[_nearest(thumbnails, tried, np.arange(len(labels)), series_of)]
    right = copied == labels[tried]
    numbers, first = np.unique(series_of, return_index=True)
    names = {series[position]: number for number, position in zip(numbers, first, strict=True)}
    sizes = np.bincount(series_of[tried], minlength=len(numbers))
    hits = np.bincount(series_of[tried], right, minlength=len(numbers))
    held_out = tuple(
        HeldOutSeries(name, int(sizes[number]), float(hits[number] / sizes[number]))
        for name, number in sorted(names.items())
        if sizes[number]
    )
    mean = float(np.mean([entry.accuracy for entry in held_out]))
    return NeighbourProbe(len(test), random_accuracy, held_out, mean), Copied(tried, copied)


def _evenly(series_of: _Numbers) -> _Numbers:
    """Give the positions of slices evenly from all series, ascending."""
    count = len(series_of)
    if count <= MOST_TRIED:
        return np.arange(count)
    order = np.argsort(series_of, kind="stable")
    return np.sort(order[np.arange(MOST_TRIED) * count // MOST_TRIED])


def _nearest(thumbnails: Rows, tried: _Numbers, others: _Numbers, group: _Numbers | None = None) -> _Numbers:
    """Find the position in ``others`` of the most similar one; of equally near ones the first, none of one's group."""
    found = np.zeros(len(tried), dtype=np.intp)
    least = np.full(len(tried), np.inf, dtype=np.float32)
    first = thumbnails.take(tried)
    for column in range(0, len(others), _COLUMNS):
        columns = others[column : column + _COLUMNS]
        # Around mid-grey every term stays under 2**24: the distances are exact in float32.
        second = thumbnails.take(columns).astype(np.float32) - 128
        squares = np.einsum("ij,ij->i", second, second)
        for row in range(0, len(tried), _ROWS):
            rows = slice(row, row + _ROWS)
            # Less the square of the first, which is the same for all others.
            distance = squares - 2 * ((first[rows].astype(np.float32) - 128) @ second.T)
            if group is not None:
                distance[group[tried[rows], None] == group[columns]] = np.inf
            at = distance.argmin(axis=1)
            new = distance[np.arange(len(at)), at]
            nearer = new < least[rows]
            found[rows] = np.where(nearer, at + column, found[rows])
            least[rows] = np.where(nearer, new, least[rows])
    return found

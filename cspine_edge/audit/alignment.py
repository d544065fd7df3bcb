"""How two pictures lie on each other when one may be turned or mirrored about its centre.

A picture is sampled on rings around its centre. A turn shifts every ring, a mirroring reverses it, and neither
changes the magnitudes of a ring's Fourier coefficients: those are the signature by which candidates are found.
The turn itself is the peak of the circular cross-correlation of the rings, summed over all rings.

Of many pictures each is compared with a part only: some of them are taken for *pivots*, every picture belongs to the
cell of its likest pivot, and is compared with those in the cells of its likest few pivots (an inverted file, Sivic and
Zisserman 2003, whose words are drawn from the data). So the work grows with the number of pictures, not with its
square.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from ..scratch import Rows

SIDE = 112
"""Rows and columns of the pictures that are compared here."""

_RINGS, _ANGLES, _FREQUENCIES, _SIGNATURE = 24, 256, 64, 20
_CHUNK = 256
_CELL, _CELLS = 1024, 8  # pictures of a cell, about; cells that a picture is compared with
_BLOCK = 1024  # pictures that are compared with so many others at a time


@dataclass(frozen=True, eq=False)
class Rings:
    """Fourier coefficients along the rings of many pictures.

    Attributes
    ----------
    spectra
        A row per picture, shape (rings, frequencies), complex64; every picture has mean 0 and length 1.
    signatures
        A row per picture, shape (rings * lowest,), float32, length 1: magnitudes of the lowest frequencies.
    """

    spectra: Rows
    signatures: Rows


@dataclass(frozen=True)
class Placement:
    """How the second picture comes from the first.

    Its pixel at angle t shows the first's at ``turn + t`` or, mirrored, ``turn - t``; in radians, from the
    column axis towards the row axis.
    """

    turn: float
    mirrored: bool


def sample_rings(pictures: Iterable[npt.NDArray[np.uint8]]) -> Rings:
    """Sample pictures, each of shape (SIDE, SIDE), uint8, on rings inside their inscribed circle."""
    radius = np.linspace(3, SIDE / 2 - 2, _RINGS, dtype=np.float32)[:, None]
    angle = np.arange(_ANGLES, dtype=np.float32) * np.float32(2 * np.pi / _ANGLES)
    row, column = SIDE / 2 - 0.5 + radius * np.sin(angle), SIDE / 2 - 0.5 + radius * np.cos(angle)
    top, left = row.astype(np.intp), column.astype(np.intp)
    down, right = row - top, column - left
    corners = (
        (top * SIDE + left, (1 - down) * (1 - right)),
        (top * SIDE + left + 1, (1 - down) * right),
        ((top + 1) * SIDE + left, down * (1 - right)),
        ((top + 1) * SIDE + left + 1, down * right),
    )
    spectra = Rows((_RINGS, _FREQUENCIES), np.complex64)
    signatures = Rows((_RINGS * _SIGNATURE,), np.float32)
    left = iter(pictures)
    while some := list(islice(left, _CHUNK)):
        flat = np.stack(some).reshape(-1, SIDE * SIDE)
        rings = sum(flat[:, index] * weight for index, weight in corners)
        rings = (rings - rings.mean(axis=(1, 2), keepdims=True)) * np.sqrt(radius)  # equal weight by area
        lines = np.fft.rfft(rings, axis=2)[:, :, :_FREQUENCIES].astype(np.complex64)
        lines /= _length(lines)[:, None, None]
        spectra.append(lines)
        magnitudes = np.abs(lines[:, :, :_SIGNATURE]).reshape(len(lines), -1)
        signatures.append(magnitudes / _length(magnitudes)[:, None])
    return Rings(spectra, signatures)


def _length(values: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    # An even picture has length 0 and stays 0.
    length = np.sqrt((np.abs(values.reshape(len(values), -1)) ** 2).sum(axis=1))
    return np.where(length > 0, length, 1).astype(np.float32)


def likest_pairs(signatures: Rows, members: npt.NDArray[np.intp], count: int) -> npt.NDArray[np.intp]:
    """Pair each of some pictures with the ``count`` others of them whose signatures are the most similar.

    Up to ``_CELL * _CELLS`` members all are compared with all.

    Parameters
    ----------
    signatures
        Of all pictures.
    members
        Numbers of those to pair, ascending, shape (m,).
    count
        How many others.

    Returns
    -------
    numpy.ndarray
        Each pair once, the lower number first, sorted; shape (p, 2), intp.
    """
    found = np.full((len(members), count), -1, dtype=np.intp)  # -1 is none
    likeness = np.full((len(members), count), -np.inf, dtype=np.float32)
    for home, near in _cells(signatures, members):
        for others in _blocks(home):
            second = signatures.take(members[others])
            for rows in _blocks(near):
                new = signatures.take(members[rows]) @ second.T
                new[rows[:, None] == others] = -np.inf
                new = np.concatenate([likeness[rows], new], axis=1)
                numbers = np.concatenate(
                    [found[rows], np.broadcast_to(others, (len(rows), len(others)))], axis=1
                )
                best = np.argpartition(-new, count - 1, axis=1)[:, :count]
                likeness[rows] = np.take_along_axis(new, best, axis=1)
                found[rows] = np.take_along_axis(numbers, best, axis=1)
    one, rank = np.nonzero(np.isfinite(likeness))
    ends = np.sort(np.stack([members[one], members[found[one, rank]]], axis=1), axis=1)
    return np.unique(ends, axis=0)


def _blocks(numbers: npt.NDArray[np.intp]) -> Iterator[npt.NDArray[np.intp]]:
    return (numbers[start : start + _BLOCK] for start in range(0, len(numbers), _BLOCK))


def _cells(
    signatures: Rows, members: npt.NDArray[np.intp]
) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Give per cell the positions among the members of those that belong to it, and of those to compare with them."""
    everything = np.arange(len(members))
    cells = -(-len(members) // _CELL)
    if cells <= _CELLS:
        yield everything, everything
        return
    pivots = signatures.take(members[np.linspace(0, len(members) - 1, cells).astype(np.intp)])
    likest = np.empty((len(members), _CELLS), dtype=np.int32)
    for rows in _blocks(everything):
        likeness = signatures.take(members[rows]) @ pivots.T
        best = np.argpartition(-likeness, _CELLS - 1, axis=1)[:, :_CELLS]
        order = np.argsort(-np.take_along_axis(likeness, best, axis=1), axis=1, kind="stable")
        likest[rows] = np.take_along_axis(best, order, axis=1)
    homes, visitors = (_by_cell(numbers, cells) for numbers in (likest[:, :1], likest))
    yield from zip(homes, visitors, strict=True)


def _by_cell(cell: npt.NDArray[np.int32], cells: int) -> list[npt.NDArray[np.intp]]:
    """Give per cell the rows that name it, ascending."""
    order = np.argsort(cell, axis=None, kind="stable")
    ends = np.searchsorted(cell.ravel()[order], np.arange(1, cells))
    return np.split(order // cell.shape[1], ends)


def place(
    rings: Rings, pairs: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
    """Find the turn that lays each pair on each other best.

    Parameters
    ----------
    rings
        Of all pictures.
    pairs
        First and second picture, shape (m, 2).

    Returns
    -------
    tuple
        Of each pair's :class:`Placement` the turn and whether it is mirrored; and the correlation there, up to 1;
        each of shape (m,).
    """
    turns = np.empty(len(pairs), dtype=np.float64)
    mirrored = np.empty(len(pairs), dtype=np.bool_)
    likeness = np.empty(len(pairs), dtype=np.float32)
    for start in range(0, len(pairs), _CHUNK):
        some = slice(start, start + _CHUNK)
        first, second = (rings.spectra.take(pairs[some, side]) for side in (0, 1))
        products = np.stack([np.einsum("nrk,nrk->nk", first, other) for other in (second.conj(), second)])
        curves = np.fft.irfft(products, _ANGLES, axis=2) * (_ANGLES / 2)
        mirrored[some] = curves[1].max(axis=1) > curves[0].max(axis=1)
        chosen = np.where(mirrored[some, None], curves[1], curves[0])
        peak = chosen.argmax(axis=1)
        before, top, after = (
            np.take_along_axis(chosen, ((peak + step) % _ANGLES)[:, None], axis=1)[:, 0]
            for step in (-1, 0, 1)
        )
        bend = before - 2 * top + after
        # The peak of the parabola through the three values.
        offset = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1), 0)
        turns[some] = (peak + offset) * (2 * np.pi / _ANGLES)
        likeness[some] = top
    return turns, mirrored, likeness

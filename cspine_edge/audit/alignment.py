"""How two pictures lie on each other when one may be turned or mirrored about its centre.

A picture is sampled on rings around its centre. A turn shifts every ring, a mirroring reverses it, and neither
changes the magnitudes of a ring's Fourier coefficients: those are the signature by which candidates are found.
The turn itself is the peak of the circular cross-correlation of the rings, summed over all rings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from ..scratch import Rows

SIDE = 112
"""Rows and columns of the pictures that are compared here."""

_RINGS, _ANGLES, _FREQUENCIES, _SIGNATURE = 24, 256, 64, 20
_CHUNK = 256
_HELD = 2**23  # likenesses in memory at a time


@dataclass(frozen=True, eq=False)
class Rings:
    """Fourier coefficients along the rings of many pictures.

    Attributes
    ----------
    spectra
        A row per picture, shape (rings, frequencies), complex64; every picture has mean 0 and length 1.
    signatures
        Magnitudes of the lowest frequencies, shape (n, rings * lowest), float32, length 1.
    """

    spectra: Rows
    signatures: npt.NDArray[np.float32]


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
    signatures = []
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
    return Rings(spectra, np.concatenate(signatures))


def _length(values: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    # An even picture has length 0 and stays 0.
    length = np.sqrt((np.abs(values.reshape(len(values), -1)) ** 2).sum(axis=1))
    return np.where(length > 0, length, 1).astype(np.float32)


def nearest(signatures: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.intp]:
    """Find the ``count`` most similar other signatures of each, shape (n, count), the most similar first."""
    count = min(count, len(signatures) - 1)
    found = np.empty((len(signatures), count), dtype=np.intp)
    step = max(1, min(_CHUNK, _HELD // len(signatures)))
    for start in range(0, len(signatures), step):
        rows = slice(start, start + step)
        likeness = signatures[rows] @ signatures.T
        likeness[np.arange(len(likeness)), np.arange(start, start + len(likeness))] = -1
        best = np.argpartition(-likeness, count - 1, axis=1)[:, :count] if count else found[rows]
        order = np.argsort(-np.take_along_axis(likeness, best, axis=1), axis=1, kind="stable")
        found[rows] = np.take_along_axis(best, order, axis=1)
    return found


def place(rings: Rings, pairs: npt.NDArray[np.intp]) -> tuple[list[Placement], npt.NDArray[np.float32]]:
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
        Per pair its placement; and the correlation there, shape (m,), up to 1.
    """
    placements: list[Placement] = []
    likeness = np.empty(len(pairs), dtype=np.float32)
    for start in range(0, len(pairs), _CHUNK):
        first, second = (rings.spectra.take(pairs[start : start + _CHUNK, side]) for side in (0, 1))
        products = np.stack([np.einsum("nrk,nrk->nk", first, other) for other in (second.conj(), second)])
        curves = np.fft.irfft(products, _ANGLES, axis=2) * (_ANGLES / 2)
        mirrored = curves[1].max(axis=1) > curves[0].max(axis=1)
        chosen = np.where(mirrored[:, None], curves[1], curves[0])
        peak = chosen.argmax(axis=1)
        before, top, after = (
            np.take_along_axis(chosen, ((peak + step) % _ANGLES)[:, None], axis=1)[:, 0]
            for step in (-1, 0, 1)
        )
        bend = before - 2 * top + after
        # The peak of the parabola through the three values.
        offset = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1), 0)
        turns = (peak + offset) * (2 * np.pi / _ANGLES)
        placements += [Placement(float(t), bool(m)) for t, m in zip(turns, mirrored, strict=True)]
        likeness[start : start + _CHUNK] = top
    return placements, likeness

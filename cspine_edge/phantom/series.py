"""Whole series: anatomy, place, fractures and noise, each from a stream of random numbers of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .anatomy import COLUMN_MM, Fracture, SeriesAnatomy, draw_anatomy, draw_fractures
from .render import correlated_noise, render_slice


@dataclass(frozen=True, eq=False)
class PhantomSeries:
    """One synthetic series and the truth about it.

    Attributes
    ----------
    seed, index
        What it was drawn from.
    difficulty
        The dial, 0 (easy) to 1 (hard).
    anatomy
        What was drawn for the series.
    volume
        HU, shape ``(slices, size, size)``, int16.
    fractures
        Per slice, its fracture, or ``None`` for a normal slice.
    z_mm
        Per slice, its height in mm, evenly spaced.
    thickness_mm
        Distance from slice to slice.
    """

    seed: int
    index: int
    difficulty: float
    anatomy: SeriesAnatomy
    volume: NDArray[np.int16]
    fractures: tuple[Fracture | None, ...]
    z_mm: tuple[float, ...]
    thickness_mm: float

    @property
    def pixel_spacing_mm(self) -> float:
        """Side of a pixel in mm."""
        return self.anatomy.field_mm / self.volume.shape[-1]


class _Stream(Enum):
    """Independent streams of random numbers in one series, so that none shifts another."""

    ANATOMY = 0
    FRACTURE = 1
    NOISE = 2
    PLACE = 3
    INTACT = 4


def generate_series(
    seed: int, index: int, *, slices: int, fractured: bool = True, difficulty: float = 0.3, size: int = 512
) -> PhantomSeries:
    """Draw series ``index`` of the phantom ``seed``; no other series has a say in it.

    Half of the slices of a fractured series are fractured: a run of neighbours that begins anywhere and goes
    on at the first slice when it passes the last, so that every slice position is fractured equally often.
    Each vertebral level in the run has a fracture of its own.

    Parameters
    ----------
    seed, index
        Not negative; together they determine everything drawn.
    slices
        Number of slices, at least 1. They are at most 3 mm apart, and cover C3 to C7 if they can.
    fractured
        ``False`` gives the same series without its fractures, all else equal to the last bit.
    difficulty
        0: gaps of 4 to 6 mm, displaced, low noise. 1: gaps below 1 mm, hardly displaced, high noise, blur,
        and vessels, joints, growth lines and osteophytes that imitate fractures.
    size
        Rows and columns of a slice, at least 64.

    Returns
    -------
    PhantomSeries
        The slices with their truth.

    Raises
    ------
    UsageError
        If a parameter is out of its range.
    """
    if seed < 0 or index < 0 or slices < 1 or size < 64 or not 0 <= difficulty <= 1:
        raise UsageError(
            "a phantom needs seed and index >= 0, slices >= 1, size >= 64 and a difficulty from 0 to 1"
            f" (got {seed}, {index}, {slices}, {size} and {difficulty})"
        )
    anatomy = draw_anatomy(_stream(seed, index, _Stream.ANATOMY), difficulty)
    thickness = min(COLUMN_MM / slices, 3.0)
    start = _stream(seed, index, _Stream.PLACE).uniform(0, COLUMN_MM - thickness * (slices - 1))
    heights = tuple(float(start + thickness * k) for k in range(slices))
    fractures: tuple[Fracture | None, ...] = (None,) * slices
    if fractured:
        fractures = draw_fractures(_stream(seed, index, _Stream.FRACTURE), anatomy, heights, difficulty)
    noise = _stream(seed, index, _Stream.NOISE)
    volume = np.empty((slices, size, size), np.int16)
    for k, (height, fracture) in enumerate(zip(heights, fractures, strict=True)):
        image = render_slice(anatomy, height, fracture, size=size)
        image += anatomy.noise_hu * correlated_noise(noise, size)
        volume[k] = np.clip(np.rint(image), -1024, 3071)
    return PhantomSeries(seed, index, difficulty, anatomy, volume, fractures, heights, thickness)


def _stream(seed: int, index: int, stream: _Stream) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index, stream.value)))


def is_intact(seed: int, index: int, share: float) -> bool:
    """Whether series ``index`` is one of the share (0..1) of series that have no fracture at all."""
    return bool(_stream(seed, index, _Stream.INTACT).uniform() < share)

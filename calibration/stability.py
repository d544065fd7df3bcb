"""Whether the calibration set is large enough: how far the activation ranges of two halves of it are apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cspine_edge.dataset import LabelledSlice

TOLERANCE = 0.1
"""Largest mean difference over the layers that counts as stable. The mean, since single layers of a network without
bounded activations (DenseNet) differ by a quarter at any size, as one slice may hold the largest value of all
(results/calibration-stability-csf.json)."""

_DIGITS = 4
"""What is written down; further digits differ from processor to processor."""

Ranges = Mapping[str, tuple[float, float]]
"""Smallest and largest value of each layer's output."""


@dataclass(frozen=True)
class LayerDifference:
    """How far apart the ranges of one layer are.

    Attributes
    ----------
    layer
        Its name.
    difference
        The larger shift of the two ends, relative to the range that holds both: 0 if they are equal, 1 if they
        have nothing in common.
    """

    layer: str
    difference: float


@dataclass(frozen=True)
class RangeStability:
    """What two halves of a calibration set say of each other.

    Attributes
    ----------
    slices
        Slices in both halves together.
    tolerance
        Largest mean difference that counts as stable.
    mean_difference
        Mean over the layers.
    stable
        Whether that is tolerated.
    layers
        All layers, the one that differs most first.
    """

    slices: int
    tolerance: float
    mean_difference: float
    stable: bool
    layers: tuple[LayerDifference, ...]

    def advice(self, available: int) -> str:
        """Say whether the set will do, or how many slices to take next of those ``available``."""
        worst = self.layers[0]
        found = (
            f"its halves' ranges differ by {self.mean_difference:.1%} on average ({worst.layer}: "
            f"{worst.difference:.0%}), {self.tolerance:.0%} is tolerated"
        )
        if self.stable:
            return f"stable: {found}"
        if self.slices >= available:
            return f"not stable: {found}; the training part has no more slices, calibrate with more data"
        return f"not stable: {found}; use --calibration-size {min(2 * self.slices, available)}"


def two_halves(slices: Sequence[LabelledSlice], seed: int = 0) -> tuple[list[int], list[int]]:
    """Divide a calibration set in two, balanced over classes and series, all variants of a slice on one side.

    Parameters
    ----------
    slices
        The calibration set.
    seed
        Seed of the choice; within a class and series it is random.

    Returns
    -------
    tuple of list of int
        Positions in ``slices``, ascending; the halves' sizes differ by at most the variants of one slice.
    """
    families: dict[tuple[int, str, tuple[str, str]], list[int]] = {}
    for position in np.random.default_rng(seed).permutation(len(slices)).tolist():
        item = slices[position]
        families.setdefault((item.label, item.series, item.family), []).append(position)
    halves: tuple[list[int], list[int]] = ([], [])
    for key in sorted(families, key=lambda key: key[:2]):
        min(halves, key=len).extend(families[key])
    return sorted(halves[0]), sorted(halves[1])


def compare_ranges(
    first: Ranges, second: Ranges, *, slices: int, tolerance: float = TOLERANCE
) -> RangeStability:
    """Compare the ranges that two disjoint sets of slices give.

    Parameters
    ----------
    first, second
        Range of each layer, of the same layers.
    slices
        Slices in both sets together.
    tolerance
        Largest mean difference that counts as stable.

    Raises
    ------
    ValueError
        If the layers are not the same.
    """
    if first.keys() != second.keys() or not first:
        raise ValueError("the ranges should be of the same layers, at least one")
    layers = [LayerDifference(name, _difference(first[name], second[name])) for name in first]
    layers.sort(key=lambda layer: -layer.difference)
    mean = round(sum(layer.difference for layer in layers) / len(layers), _DIGITS)
    return RangeStability(slices, tolerance, mean, mean <= tolerance, tuple(layers))


def _difference(one: tuple[float, float], other: tuple[float, float]) -> float:
    width = max(one[1], other[1]) - min(one[0], other[0])
    shift = max(abs(one[0] - other[0]), abs(one[1] - other[1]))
    return round(shift / width, _DIGITS) if width > 0 else 0.0

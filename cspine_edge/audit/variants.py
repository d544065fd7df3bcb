"""Families: pictures that were made from one original by turning, mirroring, sharpening, brightening ...

Neighbouring slices of a scan look more alike than a slice and its sharpened copy, so likeness does not tell a
variant. What tells it is the fine detail, noise above all: another slice has other noise. Two pictures are
variants if, turned onto each other, one *explains the detail* of the other in most places. Explained is what a
least-squares fit gives: a filter of 3 x 3 pixels (which covers sharpening, blurring, brightness and shifts below
a pixel), a small turn and zoom, and a constant. Detail is the difference to the mean of 5 x 5 pixels.

Candidates come from the signatures of :mod:`.alignment`. Families grow by rounds: first every picture is tried
against its likest, then the best picture of each family against those of the likest families, until nothing
joins. Memory holds some 200 bytes a picture.
"""

from __future__ import annotations

import math
import os
import threading
from array import array
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import numpy.typing as npt

from ..preprocess import resize
from ..scratch import Rows
from .alignment import SIDE as COARSE_SIDE
from .alignment import Placement, Rings, likest_pairs, place, sample_rings
from .disjoint import DisjointSets

SIDE = 224
"""Rows and columns of the pictures that are compared."""

EXPLAINED_BOUND = 0.58
"""Share of the detail that must be explained in three quarters of the tiles.

Measured: no two of the 199 originals of the paper's data come above 0.31, while each family still hangs together
at 0.58; neighbouring phantom slices with the least noise come up to 0.55.
"""

_CANDIDATES = 8
_AT_ONCE = 32  # pairs of pictures in memory
_TOGETHER = 4096
_CROP, _TILE = 144, 16  # the crop lies inside the inscribed circle, whatever the turn
_GLANCE, _GLANCE_BOUND = 80, 0.3
"""Crop, and share of its detail, that are looked at first, as most pairs are no variants.

Measured: the variants of the paper's data have 0.48 and more there, nine of ten other pairs less than the bound.
"""
_MARGIN = 2
_ROUNDING = 1 / 6  # variance that rounding both pictures to whole grey levels adds
_LEAST_TILES = 6
_STEPS = 3  # corrections of the turn
_NONE = -1.0  # share where there is nothing to explain
_PARTS = 12  # of what a picture is explained by: nine shifts, a turn, a zoom, a constant

_Picture = npt.NDArray[np.uint8]
_Floats = npt.NDArray[np.float32]
_Numbers = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Picture:
    """A slice at the size in which slices are compared.

    Attributes
    ----------
    mean
        Reduced with averaging, shape (SIDE, SIDE), uint8.
    sampled
        Reduced without averaging, as many tools do; None where nothing was reduced.
    pixels
        Number of pixels as stored.
    """

    mean: _Picture
    sampled: _Picture | None
    pixels: int

    @classmethod
    def of(cls, grey: _Picture) -> Picture:
        """Reduce (or enlarge) a slice, shape (h, w), uint8."""
        reduced = max(grey.shape) > SIDE
        sampled = _warp(grey, Placement(0.0, False), SIDE) if reduced else None
        return cls(resize(grey, SIDE, SIDE), sampled, grey.size)

    @property
    def sharpness(self) -> float:
        """Variance of the differences of neighbouring rows."""
        grey = (self.mean if self.sampled is None else self.sampled).astype(np.float32)
        return float(np.var(np.diff(grey, axis=0)))


class Pictures:
    """The pictures of a data set, on the disk; memory holds their sizes and sharpness."""

    def __init__(self) -> None:
        self._mean, self._sampled = (Rows((SIDE, SIDE), np.uint8) for _ in range(2))
        self._sampled_at, self._pixels, self._sharpness = array("q"), array("q"), array("d")

    def __len__(self) -> int:
        return len(self._pixels)

    def append(self, picture: Picture) -> None:
        """Add one at the end."""
        self._mean.append(picture.mean[None])
        self._sampled_at.append(-1 if picture.sampled is None else len(self._sampled))
        if picture.sampled is not None:
            self._sampled.append(picture.sampled[None])
        self._pixels.append(picture.pixels)
        self._sharpness.append(picture.sharpness)

    def __getitem__(self, position: int) -> Picture:
        at = self._sampled_at[position]
        sampled = None if at < 0 else self._sampled.take([at])[0]
        return Picture(self._mean.take([position])[0], sampled, self._pixels[position])

    def quality(self) -> _Numbers:
        """Rank the pictures, shape (n,): of two variants the larger is nearer to the original, then the sharper."""
        places = np.arange(len(self))
        rank = np.empty_like(places)
        # Of equals the first ranks highest.
        rank[np.lexsort((-places, np.asarray(self._sharpness), np.asarray(self._pixels)))] = places
        return rank


def find_families(pictures: Pictures, same: _Numbers) -> _Numbers:
    """Group pictures into families.

    Parameters
    ----------
    pictures
        The slices.
    same
        Number of the group of equal pixels of each slice, from 0, shape (n,): those are of one family anyway.

    Returns
    -------
    numpy.ndarray
        Number of each picture's family, shape (n,), intp.
    """
    _, first = np.unique(same, return_index=True)
    quality = pictures.quality()[first]
    rings = sample_rings(resize(pictures[position].mean, COARSE_SIDE, COARSE_SIDE) for position in first)
    family = DisjointSets(len(first))
    tried = np.empty(0, dtype=np.intp)
    while True:
        leaders = _leaders(family.numbers(), quality)
        pairs = likest_pairs(rings.signatures, leaders, _CANDIDATES)
        keys = pairs[:, 0] * len(first) + pairs[:, 1]
        fresh = pairs[~np.isin(keys, tried)]
        tried = np.union1d(tried, keys)
        if not len(fresh) or not _join(family, pictures, first, rings, fresh):
            return family.numbers()[same]


def _leaders(family: _Numbers, quality: _Numbers) -> _Numbers:
    """Give the best picture of each family, ascending."""
    order = np.lexsort((quality, family))
    last = np.flatnonzero(np.diff(family[order], append=-1))
    return np.sort(order[last])


def _join(family: DisjointSets, pictures: Pictures, first: _Numbers, rings: Rings, pairs: _Numbers) -> bool:
    """Try pairs and unite the families of those that are variants; say if any are.

    The likest come first, but of so many pictures at a time, so that these are read from the disk once.
    ``first`` is where among all pictures each of those lies whose families and rings are given.
    """
    turns, mirrored, likeness = place(rings, pairs)
    order = np.lexsort((-likeness, pairs[:, 0] // _TOGETHER))

    def strangers() -> Iterator[tuple[int, int, Picture, Picture, Placement]]:
        for position in order:
            a, b = pairs[position].tolist()
            if family.find(a) != family.find(b):
                placement = Placement(float(turns[position]), bool(mirrored[position]))
                yield a, b, pictures[first[a]], pictures[first[b]], placement

    own = threading.local()

    def alike(pair: tuple[int, int, Picture, Picture, Placement]) -> bool:
        # A new megabyte for each pair takes longer than all that is computed in it.
        if not hasattr(own, "room"):
            own.room = np.empty(_PARTS * _CROP**2, dtype=np.float32)
        return _are_variants(*pair[2:], own.room)

    left, joined = strangers(), False
    # Computing releases the interpreter lock. What is tried in vain, as its families have met, changes nothing.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        while some := list(islice(left, _AT_ONCE)):
            for (a, b, *_), found in zip(some, pool.map(alike, some), strict=True):
                if found:
                    family.unite(a, b)
                    joined = True
    return joined


def _are_variants(first: Picture, second: Picture, placement: Placement, room: _Floats) -> bool:
    """Say if one of two pictures explains the detail of the other, laid on each other as placed.

    ``room`` is memory to compute in, shape (_PARTS * _CROP ** 2,).
    """
    back = Placement(placement.turn if placement.mirrored else -placement.turn, placement.mirrored)
    ways = [
        (source, target, way)
        for one, other, way in ((first, second, placement), (second, first, back))
        for source, target in _ways(one, other)
    ]
    glances = (_fit(*way, _GLANCE, room)[0] for way in ways)
    if not any(share >= _GLANCE_BOUND or share == _NONE for share in glances):
        return False
    return any(_explained(*way, room) >= EXPLAINED_BOUND for way in ways)


def _ways(source: Picture, target: Picture) -> list[tuple[_Picture, _Picture]]:
    """Pairs of pixels to compare: of two sizes, the larger reduced in either manner."""
    ways = [(source.mean, target.mean)]
    if source.sampled is not None and target.sampled is None:
        ways.append((source.sampled, target.mean))
    if target.sampled is not None and source.sampled is None:
        ways.append((source.mean, target.sampled))
    return ways


def _explained(source: _Picture, target: _Picture, placement: Placement, room: _Floats) -> float:
    """Share of the target's detail that the source explains in three quarters of the tiles; 1 is all."""
    best = _NONE
    for _ in range(_STEPS):
        share, correction = _fit(source, target, placement, _CROP, room)
        best = max(best, share)
        if not 0 <= share < EXPLAINED_BOUND or abs(correction) < 1e-3:
            break
        step = -correction if placement.mirrored else correction
        placement = replace(placement, turn=placement.turn + step)
    return best


def _fit(
    source: _Picture, target: _Picture, placement: Placement, size: int, room: _Floats
) -> tuple[float, float]:
    """Explain the middle (size, size) pixels of the target; give the share and by how much more to turn, in radians."""
    margin = (SIDE - size) // 2 - _MARGIN
    centre = target[margin : SIDE - margin, margin : SIDE - margin].astype(np.float32)
    turned = _warp(source, placement, size + 2 * _MARGIN).astype(np.float32)
    axis = np.arange(size, dtype=np.float32) - (size - 1) / 2
    parts = room[: _PARTS * size**2].reshape(_PARTS, size, size)
    wanted = _shifted(centre, 0, 0)
    valid = (wanted > 2) & (wanted < 253)  # what is clipped says nothing
    for number in range(9):
        parts[number] = _shifted(turned, number // 3 - 1, number % 3 - 1)
    down, right = (parts[7] - parts[1]) / 2, (parts[5] - parts[3]) / 2
    parts[9] = axis * down - axis[:, None] * right  # a small turn
    parts[10] = axis * right + axis[:, None] * down  # a small zoom
    parts[11] = 1
    parts *= valid
    rows = parts.reshape(len(parts), -1)
    normal, right_side = (rows @ rows.T).astype(np.float64), (rows @ wanted.ravel()).astype(np.float64)
    weights = np.linalg.lstsq(normal, right_side, rcond=1e-9)[0]
    left_over = (wanted.ravel() - weights.astype(np.float32) @ rows).reshape(wanted.shape) * valid
    detail = (wanted - _mean_of_5(centre)) * valid
    count = _by_tile(valid.astype(np.float32))
    used = count > _TILE**2 / 4
    if used.sum() < _LEAST_TILES:
        return _NONE, 0.0
    energies = (_by_tile(values**2)[used] / count[used] + _ROUNDING for values in (left_over, detail))
    unexplained, whole = energies
    gain = float(weights[:9].sum())
    turn = float(weights[9]) / gain if abs(gain) > 0.1 else 0.0
    return float(np.quantile(1 - unexplained / whole, 0.25)), turn


def _shifted(values: _Floats, down: int, right: int) -> _Floats:
    size = len(values) - 2 * _MARGIN
    return values[_MARGIN + down : _MARGIN + down + size, _MARGIN + right : _MARGIN + right + size]


def _mean_of_5(values: _Floats) -> _Floats:
    """Means of 5 x 5 pixels; four rows and columns less."""
    size = len(values) - 4
    sums, means = values[:size].copy(), np.zeros((size, size), np.float32)
    for down in range(1, 5):
        sums += values[down : down + size]
    for right in range(5):
        means += sums[:, right : right + size]
    means /= 25
    return means


def _by_tile(values: _Floats) -> _Floats:
    side = len(values) // _TILE
    return values.reshape(side, _TILE, side, _TILE).sum(axis=(1, 3))


def _warp(grey: _Picture, placement: Placement, size: int) -> _Picture:
    """Turn a slice about its centre; give the middle (size, size) pixels of SIDE, taken without averaging."""
    from PIL import Image

    height, width = grey.shape
    cosine, sine = math.cos(placement.turn), math.sin(placement.turn)
    hand = -1 if placement.mirrored else 1
    a, b = cosine * width / SIDE, -hand * sine * width / SIDE
    c, d = sine * height / SIDE, hand * cosine * height / SIDE
    matrix = (a, b, width / 2 - (a + b) * size / 2, c, d, height / 2 - (c + d) * size / 2)
    turned = Image.fromarray(grey).transform(
        (size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
    )
    return np.asarray(turned)

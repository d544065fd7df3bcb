"""From anatomy to Hounsfield units.

A slice is a stack of implicit shapes (signed distances in mm, negative inside) painted with edges one pixel
wide: table, skin, fat, muscles, airway, and one vertebra with cortex, trabecular texture, canal, foramina and
processes. A fracture takes a band of bone out of it and slides one side along the other.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .anatomy import COLUMN_MM, Fracture, Point, Section, SeriesAnatomy

_Array = NDArray[np.float32]
_NOISE_SIGMA = 0.7
"""Pixels that a reconstruction kernel spreads the noise over."""


def render_slice(
    anatomy: SeriesAnatomy, z_mm: float, fracture: Fracture | None = None, *, size: int = 512
) -> NDArray[np.float32]:
    """Paint one slice, blurred, without noise.

    Parameters
    ----------
    anatomy
        The series.
    z_mm
        Height of the slice, 0 (C3) to 90 (C7).
    fracture
        The fracture to put in, if any.
    size
        Rows and columns.

    Returns
    -------
    numpy.ndarray
        HU, shape ``(size, size)``, float32.
    """
    canvas = _Canvas(anatomy, z_mm, size)
    section = Section.at(anatomy, z_mm)
    _paint_soft_tissue(canvas, anatomy, z_mm, section)
    _paint_vertebra(canvas, anatomy, z_mm, section, fracture)
    return blur(canvas.image, anatomy.blur_mm / canvas.spacing)


def blur(image: _Array, sigma: float) -> _Array:
    """Convolve with a Gaussian of ``sigma`` pixels, edges repeated."""
    weights = _gaussian(sigma)
    radius = len(weights) - 1
    for _ in range(2):
        padded: _Array = np.pad(image.T, ((radius, radius), (0, 0)), mode="edge")
        rows = len(padded) - 2 * radius
        out = padded[radius : radius + rows].copy()
        out *= weights[0]
        for k in range(1, radius + 1):
            pair = padded[radius - k : radius - k + rows] + padded[radius + k : radius + k + rows]
            pair *= weights[k]
            out += pair
        image = out
    return image


def correlated_noise(rng: np.random.Generator, size: int) -> _Array:
    """Noise of variance 1 whose neighbouring pixels are correlated as after a reconstruction kernel."""
    noise = blur(rng.standard_normal((size, size), dtype=np.float32), _NOISE_SIGMA)
    weights = _gaussian(_NOISE_SIGMA)
    noise /= weights[0] ** 2 + 2 * (weights[1:] ** 2).sum()
    return noise


def _gaussian(sigma: float) -> _Array:
    """The middle and one side of a normalised Gaussian, three ``sigma`` long."""
    weights = np.exp(-0.5 * (np.arange(max(round(3 * sigma), 1) + 1) / sigma) ** 2)
    return (weights / (weights[0] + 2 * weights[1:].sum())).astype(np.float32)


class _Canvas:
    """An image in HU, and windows of it in the vertebra frame."""

    def __init__(self, anatomy: SeriesAnatomy, z_mm: float, size: int) -> None:
        self.image: _Array = np.full((size, size), -1000, np.float32)
        self.spacing = anatomy.field_mm / size
        self.axis = (np.arange(size, dtype=np.float32) - (size - 1) / 2) * np.float32(self.spacing)
        self.origin = anatomy.origin_mm(z_mm)
        angle = math.radians(anatomy.rotation_deg)
        self.cosine, self.sine = math.cos(angle), math.sin(angle)

    def window(self, x_mm: float, y_mm: float, reach_mm: float) -> tuple[tuple[slice, slice], _Array, _Array]:
        """The pixels within ``reach_mm`` of a point of the vertebra frame, with their x and y in it."""
        left = self.origin[0] + x_mm * self.cosine - y_mm * self.sine
        top = self.origin[1] + x_mm * self.sine + y_mm * self.cosine
        rows = slice(*np.searchsorted(self.axis, (top - reach_mm, top + reach_mm)).tolist())
        columns = slice(*np.searchsorted(self.axis, (left - reach_mm, left + reach_mm)).tolist())
        across = self.axis[None, columns] - np.float32(self.origin[0])
        down = self.axis[rows, None] - np.float32(self.origin[1])
        x = across * np.float32(self.cosine) + down * np.float32(self.sine)
        y = down * np.float32(self.cosine) - across * np.float32(self.sine)
        return (rows, columns), x, y

    def ellipse(self, centre: Point, radii: Point, hu: float, angle_deg: float = 0) -> None:
        """Fill an ellipse of the vertebra frame."""
        part, x, y = self.window(*centre, max(radii) + self.spacing)
        edge = self.cover(_ellipse(x, y, centre, radii, angle_deg))
        self.image[part] += edge * (np.float32(hu) - self.image[part])

    def cover(self, distance: _Array) -> _Array:
        """Share of each pixel (0..1) inside a shape, from its signed distance in mm."""
        return np.clip(0.5 - distance / np.float32(self.spacing), 0, 1, dtype=np.float32)


def _ellipse(x: _Array, y: _Array, centre: Point, radii: Point, angle_deg: float = 0) -> _Array:
    """Signed distance to an ellipse, exact to first order at its edge."""
    x, y = x - np.float32(centre[0]), y - np.float32(centre[1])
    if angle_deg:
        cosine, sine = (np.float32(f(math.radians(angle_deg))) for f in (math.cos, math.sin))
        x, y = x * cosine + y * sine, y * cosine - x * sine
    a, b = np.float32(radii[0]), np.float32(radii[1])
    u, v = x / a, y / b
    gauge = np.maximum(np.sqrt(u * u + v * v), np.float32(1e-3))
    u, v = u / a, v / b
    slope = np.maximum(np.sqrt(u * u + v * v), np.float32(1e-3) / max(a, b))
    return gauge * (gauge - 1) / slope


def _capsule(x: _Array, y: _Array, ends: tuple[Point, Point], radius: float, end_radius: float) -> _Array:
    """Signed distance to a rod with round ends whose radius changes from end to end."""
    (x0, y0), (x1, y1) = ends
    dx, dy = np.float32(x1 - x0), np.float32(y1 - y0)
    x, y = x - np.float32(x0), y - np.float32(y0)
    square = dx * dx + dy * dy + np.float32(1e-6)
    share = np.clip((x * dx + y * dy) / square, 0, 1, dtype=np.float32)
    x, y = x - share * dx, y - share * dy
    return np.sqrt(x * x + y * y) - (np.float32(radius) + np.float32(end_radius - radius) * share)


def _union(first: _Array, second: _Array, fillet_mm: float = 2.5) -> _Array:
    """Signed distance to two shapes together, their seam filled with a fillet."""
    near = np.maximum(np.float32(fillet_mm) - np.abs(first - second), 0)
    return np.minimum(first, second) - near * near / np.float32(4 * fillet_mm)


def _texture(
    canvas: _Canvas, part: tuple[slice, slice], anatomy: SeriesAnatomy, z_mm: float, scale_mm: float
) -> _Array:
    """A random field of variance 1 with structures of about ``scale_mm``, continuous in z: 32 plane waves."""
    rng = np.random.default_rng(anatomy.texture_seed)
    waves = (rng.normal(size=(3, 32)) / scale_mm).astype(np.float32)
    phase = rng.uniform(0, 2 * math.pi, 32).astype(np.float32) + np.float32(z_mm) * waves[2]
    down = canvas.axis[part[0], None] * waves[1] + phase
    across = canvas.axis[part[1], None] * waves[0]
    field = np.cos(down) @ np.cos(across).T - np.sin(down) @ np.sin(across).T
    return field / np.float32(4)


def _paint_soft_tissue(canvas: _Canvas, anatomy: SeriesAnatomy, z_mm: float, section: Section) -> None:
    """Table, skin, fat, muscles, vessels and airway, and what fills the canal."""
    across, down = canvas.axis[None, :], canvas.axis[:, None]
    depth = np.add(down - np.float32(anatomy.table_mm), across * across / np.float32(480), dtype=np.float32)
    canvas.image += canvas.cover(np.abs(depth - 1) - 1) * 820  # carbon-fibre shell, foam core, shell
    canvas.image += canvas.cover(np.abs(depth - 12) - 10) * 70
    canvas.image += canvas.cover(np.abs(depth - 23) - 1) * 820

    widen = 0.95 + 0.2 * z_mm / COLUMN_MM
    width, height = anatomy.neck_mm[0] * widen, anatomy.neck_mm[1]
    part, x, y = canvas.window(0, 0, 1.25 * max(width, height))
    skin = _ellipse(x, y, (0, 0.14 * height), (width, 0.86 * height))
    skin = _union(skin, _ellipse(x, y, (0, -0.17 * height), (0.74 * width, 0.82 * height)), 24)
    under = np.add(skin, 1.8, dtype=np.float32)
    deep = np.add(under, anatomy.fat_mm * (1 + np.clip(y / 70, -0.5, 0.8)), dtype=np.float32)
    streaks = _texture(canvas, part, anatomy, z_mm / 4, 4)
    image = canvas.image[part]
    for distance, tissue in ((skin, 45.0), (under, streaks * 8 - 102), (deep, streaks * 30 - 25)):
        image += canvas.cover(distance) * (tissue - image)

    muscle, front = anatomy.muscle_hu, -section.depth
    room = (height - anatomy.fat_mm * 1.5) / 50  # muscles grow with the neck they fill
    for x_mm, y_mm, a, b, angle in (
        (9, 31, 8, 13, 8), (23, 27, 8.5, 15, -25), (19, 43, 19, 4.5, -22), (38, 20, 8, 14, -22),
        (34, 1, 7, 11, 10), (45 * widen, -9, 6.5, 13, 22), (27, 12, 9, 7, 30),
    ):  # fmt: skip
        for side in (-1, 1):
            canvas.ellipse(
                (side * x_mm * room, y_mm * room), (0.95 * a * room, 0.95 * b * room), muscle, side * angle
            )
    for side in (-1, 1):
        canvas.ellipse((side * 6.5, front - 4), (6.5, 3.2), muscle, side * 8)
        canvas.ellipse((side * 27, front - 9), (3.6, 3.6), 48)
        canvas.ellipse((side * 35, front - 5), (5.5, 4.2), 42, side * 30)
    airway = anatomy.airway_mm * (1 - 0.12 * section.swing)
    centre = front - 13 - 0.7 * airway
    canvas.ellipse((0, front - 9), (8, 3.4), 40)
    canvas.ellipse((0, centre - 1), (airway + 8, airway * 0.8 + 6.5), muscle + 12)
    canvas.ellipse((0, centre), (airway + 1.6, airway * 0.8 + 1.6), 90)
    canvas.ellipse((0, centre), (airway, airway * 0.8), -1000)
    canvas.ellipse((0, 4), (29, 15), muscle)
    canvas.ellipse(
        (0, section.canal_depth / 2), (section.canal_width / 2 + 1, section.canal_depth / 2 + 1), 12
    )
    canvas.ellipse((0, section.canal_depth / 2 - 0.5), (6.6, 4.2), 42)


def _paint_vertebra(
    canvas: _Canvas, anatomy: SeriesAnatomy, z_mm: float, section: Section, fracture: Fracture | None
) -> None:
    """Put the bone over the soft tissue; the fracture opens it onto what lies beneath."""
    part, x, y = canvas.window(0, 12, 46)
    opened: _Array | float = 0.0
    if fracture is not None:
        opened, x, y = _break_open(x, y, fracture, canvas.spacing)
    bone, contrast = _bone(canvas, x, y, anatomy, section)
    depth = np.clip((np.float32(anatomy.cortex_mm) + bone) / np.float32(0.5) + 0.5, 0, 1)
    texture = _texture(canvas, part, anatomy, z_mm, 1.1)
    cancellous = np.float32(anatomy.cancellous_hu * (1 + 0.12 * section.swing)) + 90 * texture
    cancellous = np.maximum(cancellous, np.float32(100))  # the widest marrow space still outshines a gap
    density = cancellous + depth * (np.float32(anatomy.cortex_hu) - cancellous)
    image = canvas.image[part]
    image += canvas.cover(bone) * contrast * (1 - opened) * (density - image)


def _bone(
    canvas: _Canvas, x: _Array, y: _Array, anatomy: SeriesAnatomy, section: Section
) -> tuple[_Array, _Array]:
    """Signed distance to the vertebra, and the share of bone (0..1) that vessels, joints, lines leave."""
    half, front = section.width / 2, -section.depth
    bone = _ellipse(x, y, (0, front / 2), (half, -front / 2))
    bone = _union(bone, _capsule(x, y, ((-half + 3.5, -3.6), (half - 3.5, -3.6)), 3.2, 3.2), 4)
    contrast = np.ones_like(bone)
    lines: list[tuple[tuple[Point, Point], float, float]] = []
    tip = section.canal_depth + 3 + section.spinous
    for side in (-1, 1):
        pillar = side * (section.canal_width / 2 + 7.0), 6.0
        foramen = section.foramen(side, anatomy.foramen_mm)
        reach = anatomy.foramen_mm + 1.4
        tubercle = foramen[0] + side * (reach + 3.5)
        for rod in (
            _capsule(x, y, section.pedicle(side), 3.3, 3.6),
            _ellipse(x, y, pillar, (section.pillar, section.pillar * 0.85), side * 25),
            _capsule(x, y, section.lamina(side), 3.0, 2.6),
            _ellipse(x, y, foramen, (reach, reach)),
            _capsule(x, y, ((foramen[0], foramen[1] + reach), (tubercle, foramen[1] + 2.5)), 2.0, 1.7),
            _capsule(x, y, ((foramen[0], foramen[1] - reach), (tubercle - side, foramen[1] - 3.5)), 1.6, 1.5),
            _capsule(x, y, ((0, tip - 2), (side * section.bifid, tip + section.bifid / 3)), 2.6, 2.0),
        ):
            bone = _union(bone, rod)
        spur = (side * 0.65 * half, 0.7 * front), (
            side * (0.65 * half + 1.3 * anatomy.osteophyte_mm), 0.7 * front - 0.8 * anatomy.osteophyte_mm
        )  # fmt: skip
        bone = _union(bone, _capsule(x, y, spur, 2.2, 1.3))
        bone = np.maximum(bone, -_ellipse(x, y, foramen, (anatomy.foramen_mm, anatomy.foramen_mm * 0.9)))
        (inner, _), (outer, _) = section.pedicle(side)
        seam = inner + 0.25 * (outer - inner)  # where body and arch grow together in childhood
        growth = (seam - side * 2.5, -0.5), (seam + side * 2.0, -4.5)
        joint = (pillar[0] - side * 4.5, 7.5), (pillar[0] + side * 5, 5.0)
        lines += [(joint, 0.5, anatomy.joint * max(section.swing, 0)), (growth, 0.35, anatomy.joint * 0.6)]
    spine = (0, section.canal_depth + 1), (0, tip - 2)
    bone = _union(bone, _capsule(x, y, spine, 2.4, 3.0))
    canal = section.canal_width / 2, section.canal_depth / 2
    bone = np.maximum(bone, -_ellipse(x, y, (0, canal[1]), canal))
    lines.append((((0, 1), (0.2 * front, 0.55 * front)), 0.7, anatomy.vessel * max(-section.swing, 0)))
    lines.append((((-2, 0.2 * front), (1, 0.5 * front)), 0.4, anatomy.vessel * max(-section.swing, 0)))
    for ends, radius, strength in lines:
        if strength > 0:
            contrast *= 1 - np.float32(strength) * canvas.cover(_capsule(x, y, ends, radius, radius))
    return bone, contrast


def _break_open(x: _Array, y: _Array, fracture: Fracture, spacing: float) -> tuple[_Array, _Array, _Array]:
    """How much of each pixel the gap takes (0..1), and x and y from which the displaced bone comes."""
    angle = math.radians(fracture.angle_deg)
    cosine, sine = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    dx, dy = x - np.float32(fracture.x_mm), y - np.float32(fracture.y_mm)
    along, off = dx * cosine + dy * sine, dy * cosine - dx * sine
    ragged = np.float32(min(0.12 * fracture.gap_mm, 0.35))
    off = off + ragged * np.sin(along * np.float32(1.3) + np.float32(fracture.angle_deg))
    reach, pixel = np.float32(fracture.half_length_mm), np.float32(spacing)
    gap = np.float32(fracture.gap_mm)
    opened = np.clip((gap / 2 + pixel / 2 - np.abs(off)) / pixel, 0, min(gap / pixel, np.float32(1)))
    opened *= np.clip((reach - np.abs(along)) / pixel + 0.5, 0, 1)
    near = np.clip(2 - np.sqrt(dx * dx + dy * dy) / (reach + 1), 0, 1)
    moved = np.float32(fracture.displacement_mm) * near * (off > 0)
    return opened, x - moved * cosine, y - moved * sine

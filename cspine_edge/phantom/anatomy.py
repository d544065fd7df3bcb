"""What a phantom series is drawn from: the neck, the vertebra at each height, and its fractures.

All lengths are millimetres. The *vertebra frame* has its origin in the middle of the posterior wall of the
vertebral body, x to the right of the image, y posterior (down). Heights run from C3 (0) to C7 (90).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

COLUMN_MM = 90.0
"""Length of the cervical column that a series may cover, C3 to C7."""
LEVEL_MM = 17.0
"""Height of one vertebra with its disc: a fracture belongs to one such level."""

Point = tuple[float, float]
"""x and y, or width and depth, in mm."""


class Site(Enum):
    """The part of the vertebra that a fracture goes through."""

    BODY = "body"
    """A split through the whole vertebral body, roughly front to back."""
    CORTEX = "cortex"
    """A short break of the anterior or lateral wall of the body."""
    PEDICLE = "pedicle"
    """Across one pedicle, between body and articular pillar."""
    LAMINA = "lamina"
    """Across one lamina."""
    SPINOUS = "spinous"
    """Across the spinous process."""


_HALF_LENGTH_MM = {Site.BODY: 11.5, Site.CORTEX: 4.5, Site.PEDICLE: 5.5, Site.LAMINA: 5.0, Site.SPINOUS: 6.0}


@dataclass(frozen=True)
class Fracture:
    """The fracture of one slice, in the vertebra frame.

    Attributes
    ----------
    site
        The part it goes through.
    gap_mm
        Width of the lucent gap, across the crack.
    displacement_mm
        How far the fragment is moved along the crack.
    x_mm, y_mm
        The middle of the crack.
    angle_deg
        Direction in which the crack runs: 0 along x, 90 along y.
    """

    site: Site
    gap_mm: float
    displacement_mm: float
    x_mm: float
    y_mm: float
    angle_deg: float

    @property
    def half_length_mm(self) -> float:
        """How far the crack reaches from its middle to either side, in mm."""
        return _HALF_LENGTH_MM[self.site]


@dataclass(frozen=True)
class SeriesAnatomy:
    """Everything that is drawn once per series; lengths in mm, densities in HU.

    Attributes
    ----------
    field_mm
        Side of the square reconstruction field.
    rotation_deg, shift_mm, bend_mm
        Pose: rotation about the body axis, place of the vertebra in the field, sideways bend of the column.
    neck_mm, fat_mm
        Half width and half depth of the neck; thickness of the subcutaneous fat.
    body_mm, canal_mm
        Width and depth of the vertebral body and of the spinal canal.
    spinous_mm, foramen_mm, cortex_mm
        Length of the spinous process, radius of the transverse foramina, thickness of the cortex.
    airway_mm, table_mm
        Half width of the airway; height of the table under the middle of the field.
    muscle_hu, cancellous_hu, cortex_hu
        Densities.
    osteophyte_mm, vessel, joint
        What imitates fractures: size of the bony spurs; contrast (0..1) of the nutrient vessels and of the
        facet joints and growth lines.
    phase_rad
        Where in its level the series begins.
    texture_seed
        Seed of the trabecular texture.
    noise_hu, blur_mm
        Standard deviation of the noise and of the Gaussian point spread.
    """

    field_mm: float
    rotation_deg: float
    shift_mm: Point
    bend_mm: float
    neck_mm: Point
    fat_mm: float
    body_mm: Point
    canal_mm: Point
    spinous_mm: float
    foramen_mm: float
    cortex_mm: float
    airway_mm: float
    table_mm: float
    muscle_hu: float
    cancellous_hu: float
    cortex_hu: float
    osteophyte_mm: float
    vessel: float
    joint: float
    phase_rad: float
    texture_seed: int
    noise_hu: float
    blur_mm: float

    def origin_mm(self, z_mm: float) -> Point:
        """Origin of the vertebra frame at height ``z_mm``, from the middle of the image, in mm."""
        return self.shift_mm[0] + self.bend_mm * math.sin(z_mm / 30 + self.phase_rad), self.shift_mm[1]

    def to_pixel(self, x_mm: float, y_mm: float, z_mm: float, size: int) -> Point:
        """Column and row, in an image of ``size`` pixels a side, of a point in the vertebra frame."""
        sine, cosine = math.sin(math.radians(self.rotation_deg)), math.cos(math.radians(self.rotation_deg))
        left, top = self.origin_mm(z_mm)
        spacing = self.field_mm / size
        column = (left + x_mm * cosine - y_mm * sine) / spacing + (size - 1) / 2
        row = (top + x_mm * sine + y_mm * cosine) / spacing + (size - 1) / 2
        return column, row


@dataclass(frozen=True)
class Section:
    """The vertebra as one slice cuts it: sizes in mm that drift from C3 to C7 and swing within each level."""

    width: float
    depth: float
    canal_width: float
    canal_depth: float
    spinous: float
    bifid: float
    pillar: float
    swing: float

    @classmethod
    def at(cls, anatomy: SeriesAnatomy, z_mm: float) -> Section:
        """Cut the vertebra at height ``z_mm``."""
        down = z_mm / COLUMN_MM
        turn = 2 * math.pi * z_mm / LEVEL_MM + anatomy.phase_rad
        swing = math.cos(turn)
        return cls(
            width=anatomy.body_mm[0] * (0.92 + 0.2 * down) * (1 + 0.04 * swing),
            depth=anatomy.body_mm[1] * (0.96 + 0.08 * down) * (1 + 0.03 * swing),
            canal_width=anatomy.canal_mm[0] * (0.97 + 0.06 * down),
            canal_depth=anatomy.canal_mm[1] * (1.03 - 0.06 * down),
            spinous=anatomy.spinous_mm * (0.6 + 0.6 * down) * (1 + 0.12 * swing),
            bifid=4.0 * max(1 - 1.6 * down, 0),
            pillar=6.3 * (1 + 0.1 * math.sin(turn)),
            swing=swing,
        )

    def lamina(self, side: int) -> tuple[Point, Point]:
        """Both ends of the axis of a lamina (``side`` -1 or 1), from pillar to spinous process."""
        return (side * (self.canal_width / 2 + 3.5), 8.5), (0.0, self.canal_depth + 3.0)

    def pedicle(self, side: int) -> tuple[Point, Point]:
        """Both ends of the axis of a pedicle, from body to pillar."""
        return (side * self.width * 0.36, -3.5), (side * (self.canal_width / 2 + 4.0), 5.5)

    def foramen(self, side: int, radius: float) -> Point:
        """Centre of a transverse foramen."""
        return side * (self.width / 2 + radius + 1.8), -4.5


def draw_anatomy(rng: np.random.Generator, difficulty: float) -> SeriesAnatomy:
    """Draw the anatomy, pose and image quality of a series; the dial changes the last, not the first.

    Parameters
    ----------
    rng
        Source of randomness; the number of draws does not depend on ``difficulty``.
    difficulty
        0 (easy) to 1 (hard).
    """

    def about(mean: float, spread: float) -> float:
        return mean * rng.uniform(1 - spread, 1 + spread)

    neck = about(62, 0.09), about(57, 0.07)
    shift = rng.uniform(-9, 9), rng.uniform(-8, 4)
    return SeriesAnatomy(
        field_mm=rng.uniform(150, 205),
        rotation_deg=rng.uniform(-9, 9),
        shift_mm=shift,
        bend_mm=rng.uniform(-2.5, 2.5),
        neck_mm=neck,
        fat_mm=about(6, 0.5),
        body_mm=(about(21, 0.12), about(16.5, 0.1)),
        canal_mm=(about(23.5, 0.08), about(15, 0.12)),
        spinous_mm=about(19, 0.2),
        foramen_mm=about(2.9, 0.15),
        cortex_mm=about(1.1, 0.25),
        airway_mm=about(9, 0.2),
        table_mm=shift[1] + neck[1] + rng.uniform(7, 12),
        muscle_hu=about(52, 0.15),
        cancellous_hu=about(320, 0.2),
        cortex_hu=about(1150, 0.15),
        osteophyte_mm=difficulty * about(2.6, 0.5),
        vessel=difficulty * rng.uniform(0.3, 1),
        joint=difficulty * rng.uniform(0.3, 1),
        phase_rad=rng.uniform(0, 2 * math.pi),
        texture_seed=int(rng.integers(2**31)),
        noise_hu=14 * 5**difficulty * rng.uniform(0.85, 1.15),
        blur_mm=(0.35 + 0.5 * difficulty) * rng.uniform(0.85, 1.15),
    )


def draw_fractures(
    rng: np.random.Generator, anatomy: SeriesAnatomy, heights: tuple[float, ...], difficulty: float
) -> tuple[Fracture | None, ...]:
    """Choose the run of fractured slices and, per level in it, a fracture; truth per slice."""
    slices = len(heights)
    start, length = int(rng.integers(slices)), (slices + int(rng.integers(2))) // 2
    run = {(start + k) % slices for k in range(length)}
    levels: list[tuple[Fracture, int, float, float]] = []
    sites = list(Site)
    for _ in range(int(heights[-1] // LEVEL_MM) + 1):
        fracture = Fracture(
            sites[int(rng.integers(len(sites)))],
            gap_mm=float(5 * 0.15**difficulty * rng.uniform(0.8, 1.2)),
            displacement_mm=float((3 - 2.8 * difficulty) * rng.uniform(0.6, 1.4)),
            x_mm=0.0,
            y_mm=0.0,
            angle_deg=float(rng.uniform(-25, 25)),
        )
        side = 1 if rng.uniform() < 0.5 else -1
        levels.append((fracture, side, rng.uniform(-1, 1), rng.uniform(-0.04, 0.04)))
    truth: list[Fracture | None] = []
    for k, height in enumerate(heights):
        fracture, side, along, slope = levels[int(height // LEVEL_MM)]
        along += slope * (height % LEVEL_MM - LEVEL_MM / 2)
        (x, y), angle = _crack(Section.at(anatomy, height), fracture.site, side, along)
        placed = replace(fracture, x_mm=x, y_mm=y, angle_deg=angle + fracture.angle_deg)
        truth.append(placed if k in run else None)
    return tuple(truth)


def _crack(section: Section, site: Site, side: int, along: float) -> tuple[Point, float]:
    """Middle (mm) and direction (degrees) of a crack, square to the part; ``along`` is -1..1 on its axis."""
    if site is Site.BODY:
        return (0.25 * along * section.width, -section.depth / 2), 90.0
    if site is Site.CORTEX:
        angle = math.radians(-90 + 65 * along)
        middle = 0.44 * section.width * math.cos(angle), section.depth * (0.44 * math.sin(angle) - 0.5)
        slope = math.degrees(math.atan2(math.sin(angle) * section.width, math.cos(angle) * section.depth))
        return middle, slope
    if site is Site.SPINOUS:
        return (0.0, section.canal_depth + 4 + section.spinous * (0.4 + 0.2 * along)), 0.0
    (x0, y0), (x1, y1) = section.lamina(side) if site is Site.LAMINA else section.pedicle(side)
    share = 0.5 + (0.2 if site is Site.LAMINA else 0.12) * along
    direction = math.degrees(math.atan2(y1 - y0, x1 - x0)) + 90
    return (x0 + share * (x1 - x0), y0 + share * (y1 - y0)), direction

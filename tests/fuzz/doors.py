"""All doors."""

from __future__ import annotations

from . import models, slices
from .door import Door

DOORS: tuple[Door, ...] = (slices.DOOR, models.DOOR)

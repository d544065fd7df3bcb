"""All doors."""

from __future__ import annotations

from . import slices
from .door import Door

DOORS: tuple[Door, ...] = (slices.DOOR,)

"""All doors."""

from __future__ import annotations

from . import calls, documents, models, slices, trees

DOORS = (slices.DOOR, models.DOOR, documents.DOOR, trees.DOOR, calls.DOOR)

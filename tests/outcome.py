"""What a call of the command line gave, and the person whom it may not name."""

from __future__ import annotations

from dataclasses import dataclass

PERSON = "ZZYZX"
"""Stands in all that the phantom's DICOM files say of a person, and may stand nowhere else."""


@dataclass(frozen=True)
class Outcome:
    """What a call of the command line gave: exit code, standard output and standard error."""

    code: int
    out: str
    err: str

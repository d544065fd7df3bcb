"""What is done on which emulated board: the cases of the tests, so that they start before they are asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from emulation.roots import ARMV7, LITERT, TFLITE_RUNTIME, TRIXIE

from cspine_edge.shipped import SHIPPED


class Check(str, Enum):
    """What is run."""

    VERIFY = "verify"
    """``verify --json``."""
    PREDICT = "predict"
    """``predict --json`` of a PNG file, a DICOM file and a folder of both."""
    CT = "ct"
    """The same of slices of the paper's data set."""
    BENCH = "bench"
    """``bench --quick --json``."""
    COUNT = "count"
    """Instructions of an inference, of slices and of a process."""


@dataclass(frozen=True)
class Job:
    """One check of one model on one board."""

    install: str
    cpu: str
    check: Check
    model: str

    def __str__(self) -> str:
        return f"{self.install}-{self.cpu}-{self.model}"


DEVICES = (
    *(
        (install.name, cpu)
        for cpu in ("cortex-a76", "cortex-a72", "cortex-a53")
        for install in (LITERT, TRIXIE)
    ),
    *((TFLITE_RUNTIME.name, cpu) for cpu in ("cortex-a76", "cortex-a72", "cortex-a53")),
    (ARMV7.name, "cortex-a7"),
)
WITH_TFLITE_RUNTIME = (TFLITE_RUNTIME.name, ARMV7.name)


def jobs(
    check: Check, *, devices: tuple[tuple[str, str], ...] = DEVICES, models: tuple[str, ...] = tuple(SHIPPED)
) -> list[Job]:
    """The check on each of the devices with each of the models."""
    return [Job(*device, check, model) for device in devices for model in models]


@dataclass(frozen=True)
class Answer:
    """What a process printed."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Its standard output; fails with what it said of an error."""
        assert self.code == 0, self.err[-2000:]
        return json.loads(self.out)


Answers = Callable[[Job], Any]
"""Gives what a job gave."""

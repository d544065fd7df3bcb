"""Which of the measured networks to take, given what a device can bear."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from .contract import INTENDED_USE
from .documents import encode
from .errors import UsageError
from .pareto import ParetoTable, Row
from .shipped import shipped_model

if TYPE_CHECKING:
    from rich.console import RenderableType

PI4_PUBLISHED_MS = 27.4
"""Median time of int8 MobileNet v1 1.0/224 on a Raspberry Pi 4, published with MLPerf Inference v2; XNNPACK's README of
2022 has 24 ms, multi-threaded."""
PI4_INSTRUCTIONS = 174.7e6
"""Instructions of that network on Cortex-A72, one thread (``results/instructions-int8-arm64.json``)."""
CLOCK_GHZ = {"cortex-a72": 1.5, "cortex-a76": 2.4}
"""Of the Raspberry Pi 4 and 5."""


class Cpu(str, Enum):
    """What the model is to run on."""

    A72 = "a72"
    """Raspberry Pi 4."""
    A76 = "a76"
    """Raspberry Pi 5."""
    HERE = "here"
    """This machine, timed with the shipped model."""


@dataclass(frozen=True)
class Limits:
    """What a network must keep; None is no limit.

    Attributes
    ----------
    max_ms
        Longest time of one inference in ms.
    max_mb
        Largest model file in MB (1e6 bytes).
    min_sensitivity
        Least sensitivity, in [0, 1], on each held-out series.
    """

    max_ms: float | None = None
    max_mb: float | None = None
    min_sensitivity: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("--max-ms", self.max_ms), ("--max-mb", self.max_mb)):
            if value is not None and not 0 < value < math.inf:
                raise UsageError(f"{name} {value:g} is not a number above 0")
        if self.min_sensitivity is not None and not 0 <= self.min_sensitivity <= 1:
            raise UsageError(f"--min-sensitivity {self.min_sensitivity:g} is not between 0 and 1")


@dataclass(frozen=True)
class Speed:
    """How the time of an inference is estimated.

    Attributes
    ----------
    cpu
        What it is estimated for.
    basis
        What the estimate rests on, in a sentence.
    ms_of
        Estimated time of a row's network in ms.
    """

    cpu: Cpu
    basis: str
    ms_of: Callable[[Row], float]


@dataclass(frozen=True)
class Candidate:
    """A network of the table, held against the limits.

    Attributes
    ----------
    row
        The network.
    ms
        Estimated time of one inference in ms.
    balanced
        Mean balanced accuracy over the held-out series.
    lowest_sensitivity
        Sensitivity on the held-out series where it is lowest.
    breaches
        The limits that it does not keep, each in words.
    """

    row: Row
    ms: float
    balanced: float
    lowest_sensitivity: float
    breaches: tuple[str, ...]

    @property
    def model(self) -> str | None:
        """The name that verbs take its model by; None if it is not installed."""
        from .shipped import SHIPPED

        return next((name for name, file in SHIPPED.items() if file == self.row.shipped), None)


@dataclass(frozen=True)
class Recommendation:
    """The answer.

    Attributes
    ----------
    cpu, basis
        What the times are estimated for, and from what.
    limits
        What was asked for.
    series
        The held-out series that the figures are over.
    candidates
        All networks of the table, best first.
    """

    cpu: Cpu
    basis: str
    limits: Limits
    series: tuple[str, ...]
    candidates: tuple[Candidate, ...]

    @property
    def chosen(self) -> Candidate | None:
        """The best that keeps all limits; None if none does."""
        return next((candidate for candidate in self.candidates if not candidate.breaches), None)

    def to_json(self) -> dict[str, Any]:
        """Give plain data for JSON."""
        return {
            "schema": "cspine-edge/recommendation",
            "version": 1,
            "recommended": self.chosen.row.name if self.chosen else None,
            **encode(self),
            "intended_use": INTENDED_USE,
        }

    def __rich__(self) -> RenderableType:
        """Print the candidates as a table, and what to do."""
        from rich import box
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
        longest = max((len(candidate.row.name) for candidate in self.candidates), default=0)
        table.add_column("network", no_wrap=True, min_width=longest)
        for heading in (
            "balanced\n%",
            "sensitivity\n%, lowest",
            "ms\nhere" if self.cpu is Cpu.HERE else f"ms on\n{self.cpu.value}",
            "MB",
        ):
            table.add_column(heading, justify="right")
        table.add_column("", min_width=12)  # all of it within 80 columns
        for candidate in self.candidates:
            ends = "; ".join(candidate.breaches) or (
                "recommended" if candidate is self.chosen else "keeps the limits"
            )
            model = candidate.model
            table.add_row(
                candidate.row.name,
                f"{100 * candidate.balanced:.1f}",
                f"{100 * candidate.lowest_sensitivity:.1f}",
                f"{candidate.ms:.1f}",
                f"{candidate.row.size_bytes / 1e6:.2f}",
                f"{ends}; --model {model}" if model else ends,
            )
        lines = [
            f"figures: int8, series {', '.join(self.series)} held out in turn; that few patients cannot rank "
            "networks that lie close together",
            f"times: {self.basis}",
            self._advice(),
            *self._thin_gaps(),
            INTENDED_USE,
        ]
        return Group(table, *map(Text, lines))

    def _thin_gaps(self) -> Iterator[str]:
        """Say what the chosen network is worth where the label is no level of the neck."""
        if self.chosen is None:
            return
        found = self.chosen.row.phantom
        if found is None or found.balanced is None:
            yield "it was not tried on the hard phantom (thin gaps in much noise)"
        else:
            yield (
                f"on the hard phantom (thin gaps in much noise) its balanced accuracy is {100 * found.balanced:.1f} %, "
                f"sensitivity {100 * (found.sensitivity or 0):.1f} %"
            )

    def _advice(self) -> str:
        if self.chosen is None:
            return "no network of the table keeps these limits; loosen one of them"
        row = self.chosen.row
        if row.shipped == shipped_model().name:
            return f"recommended: {row.name}, the default model of predict"
        if self.chosen.model is not None:
            return f"recommended: {row.name}; cspine-edge predict --model {self.chosen.model}"
        if row.shipped:
            return f"recommended: {row.name}, models/{row.shipped} of the source tree"
        return f"recommended: {row.name}; cspine-edge train DATA {row.train}"


def recommend(table: ParetoTable, limits: Limits, speed: Speed) -> Recommendation:
    """Hold every network of the table against the limits; the best has the highest balanced accuracy.

    Of two with the same, the one with fewer instructions on Cortex-A72 comes first.
    """
    candidates = []
    for row in table.ranked().rows:
        ms, megabytes, sensitivity = speed.ms_of(row), row.size_bytes / 1e6, min(table.sensitivities(row))
        breaches = []
        if limits.max_ms is not None and ms > limits.max_ms:
            breaches.append(f"{ms:.1f} ms is over {limits.max_ms:g}")
        if limits.max_mb is not None and megabytes > limits.max_mb:
            breaches.append(f"{megabytes:.2f} MB is over {limits.max_mb:g}")
        if limits.min_sensitivity is not None and sensitivity < limits.min_sensitivity:
            worst = min(row.grouped, key=lambda series: _sensitivity_of(row, series))
            breaches.append(
                f"sensitivity {100 * sensitivity:.1f} % on {worst} is below {100 * limits.min_sensitivity:g} %"
            )
        candidates.append(Candidate(row, ms, table.balanced(row), sensitivity, tuple(breaches)))
    return Recommendation(speed.cpu, speed.basis, limits, table.series, tuple(candidates))


def _sensitivity_of(row: Row, series: str) -> float:
    rate = row.grouped[series].sensitivity
    return math.inf if rate is None else rate


def speed_of_core(cpu: Cpu) -> Speed:
    """Estimate times on a Raspberry Pi from instruction counts.

    The rate of the Pi 4 is that of a published time of one network; that of the Pi 5 takes as many instructions per
    clock, which is cautious for the wider core.
    """
    core = {Cpu.A72: "cortex-a72", Cpu.A76: "cortex-a76"}[cpu]
    rate = PI4_INSTRUCTIONS / PI4_PUBLISHED_MS * CLOCK_GHZ[core] / CLOCK_GHZ["cortex-a72"]
    basis = (
        f"an estimate: instructions counted on an emulated {core}, at {rate / 1e6:.1f} million per ms, from a "
        f"published figure ({PI4_PUBLISHED_MS} ms for MobileNet 1.0/224 on a Raspberry Pi 4, MLPerf)"
    )
    if cpu is Cpu.A76:
        basis += f", scaled by the Raspberry Pi 5's clock ({CLOCK_GHZ[core]} against 1.5 GHz)"
    return Speed(cpu, f"{basis}; inference alone", lambda row: row.instructions[core] / rate)


def speed_here(table: ParetoTable, duration_s: float = 1.0) -> Speed:
    """Time the shipped model on this machine, and scale the others by what the table says of them.

    Raises
    ------
    UsageError
        If the shipped model is not in the table.
    """
    import numpy as np

    from .classifier import Classifier
    from .machine import describe_machine
    from .progress import progress
    from .runtime import default_threads
    from .sweep import SWEEP_UNITS, Rules, sweep

    model = Classifier(threads=default_threads())
    known = next((row for row in table.rows if row.shipped == model.file.path.name), None)
    if known is None:
        raise UsageError(f"{model.file.path.name} is not in the table; give --cpu a72 or --cpu a76")
    with progress("timing the shipped model", SWEEP_UNITS) as step:
        rules = Rules(least_s=duration_s, least_runs=20, most_s=None, warmup=3)
        timings = sweep({"here": model}, rules, np.random.default_rng(0), step)
    ms, machine = timings["here"].latency.p50_ms, describe_machine()
    if machine.architecture == "aarch64":
        core = "cortex-a76" if "asimddp" in machine.simd else "cortex-a72"

        def cost(row: Row) -> float:
            return row.instructions[core]

        others = f"instructions on {core}"
    else:

        def cost(row: Row) -> float:
            return row.latency_ms["1"]

        others = f"times on {table.machine}"
    basis = (
        f"{known.name} took {ms:.2f} ms here (median, {model.session.threads} threads, {machine.banner}); the "
        f"others are an estimate, scaled from it by their {others}; inference alone"
    )
    return Speed(Cpu.HERE, basis, lambda row: ms * cost(row) / cost(known))

"""Two bench reports side by side: the ratio of their latencies, with an interval, if they are comparable.

The model file is what a comparison is about unless it is told otherwise; everything else that decides speed has to be
alike, or be named as what is compared. The interval is a bootstrap over blocks: inferences of one block of 0.1 s share
a clock, a temperature and their neighbours on the machine, and resampling them one by one would take them for
independent (Davison and Hinkley, Bootstrap Methods and their Application, section 8.2.3). Blocks of the two reports are
drawn on their own, since they were measured at different times; what changed between those times is in no interval.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .bench_report import BenchReport
from .documents import encode
from .errors import UsageError
from .latency import Blocks
from .percentiles import CONFIDENCE

if TYPE_CHECKING:
    from rich.console import RenderableType

PERCENTS = (50, 90)
_RESAMPLES = 2000
_LEAST_BLOCKS = 10
"""From fewer blocks a bootstrap's interval is too narrow to be shown."""


class Condition(str, Enum):
    """What decides speed besides the model; two reports are comparable if it is alike in both."""

    MACHINE = "machine"
    """Board, processor and its instruction sets, number of processors."""
    MODE = "mode"
    """Power mode of a Jetson."""
    CLOCK = "clock"
    """CPU governors and highest clocks."""
    RUNTIME = "runtime"
    """Interpreter and its version."""
    KERNELS = "kernels"
    """Kernel family."""


@dataclass(frozen=True)
class Difference:
    """A condition that is not alike.

    Attributes
    ----------
    condition
        Which.
    a, b
        What it is in the two reports.
    """

    condition: Condition
    a: str
    b: str

    def __str__(self) -> str:
        """One clause for people."""
        return f"{self.condition.value} ({self.a} / {self.b})"


@dataclass(frozen=True)
class Ratio:
    """How the latencies of two reports compare with one thread count.

    Attributes
    ----------
    threads
        Threads of the interpreter.
    percent
        Percentile that is compared.
    a_ms, b_ms
        It in the two reports, in milliseconds.
    ratio
        That of b over that of a: below 1 b is faster.
    interval
        Of 95 %, by a bootstrap over blocks; None if a report has fewer than 10 of them.
    """

    threads: int
    percent: int
    a_ms: float
    b_ms: float
    ratio: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Comparison:
    """Two bench reports side by side.

    Attributes
    ----------
    a, b
        What was measured: model file, and when.
    differences
        Conditions that are not alike, and were named as what is compared.
    ratios
        For each common thread count, the median and percentile 90.
    warnings
        Those of both reports, and what else makes the comparison doubtful.
    """

    a: str
    b: str
    differences: tuple[Difference, ...]
    ratios: tuple[Ratio, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Give plain data for JSON."""
        return {"schema": "cspine-edge/bench-comparison", "version": 1} | encode(self)

    def __rich__(self) -> RenderableType:
        """A table for people."""
        from rich.console import Group
        from rich.table import Table

        from .bench_tables import line, milliseconds

        table = Table("threads", "", "a, ms", "b, ms", "b / a", "95 % interval")
        for column in table.columns:
            column.justify = "right"
        for row in self.ratios:
            bounds = "-" if row.interval is None else f"{row.interval[0]:.3f} to {row.interval[1]:.3f}"
            cells = (milliseconds(row.a_ms), milliseconds(row.b_ms), f"{row.ratio:.3f}", bounds)
            table.add_row(str(row.threads), f"p{row.percent}", *cells)
        return Group(
            line(f"a: {self.a}"),
            line(f"b: {self.b}"),
            table,
            *(line(f"compared across {difference}") for difference in self.differences),
            line(
                "intervals: bootstrap over blocks of 0.1 s; what drifted between the two benches is not in them"
            ),
            *(line(f"warning: {warning}", "yellow") for warning in self.warnings),
        )


def compare(
    a: BenchReport, b: BenchReport, *, across: Collection[Condition] = (), seed: int = 0
) -> Comparison:
    """Compare two reports.

    Parameters
    ----------
    a, b
        The reports.
    across
        Conditions that may differ, since they are what is compared.
    seed
        Of the bootstrap.

    Raises
    ------
    UsageError
        If another condition differs, naming it, or there is no common thread count.
    """
    differences = tuple(_differences(a, b))
    unlike = [difference for difference in differences if difference.condition not in across]
    if unlike:
        names = ",".join(difference.condition.value for difference in differences)
        raise UsageError(
            f"the two benches are not comparable: they differ in {', '.join(map(str, unlike))}; measure both under "
            f"the same conditions or, if that is what you compare, give --across {names}"
        )
    blocks_a, blocks_b = ({entry.threads: entry for entry in report.blocks} for report in (a, b))
    common = sorted(blocks_a.keys() & blocks_b.keys())
    if not common:
        raise UsageError(
            f"the two benches have no thread count in common: {_listed(blocks_a)} / {_listed(blocks_b)}; measure one "
            "of them again with the other's --threads"
        )
    generator = np.random.default_rng(seed)
    ratios = [row for count in common for row in _ratios(blocks_a[count], blocks_b[count], generator)]
    return Comparison(_name(a), _name(b), differences, tuple(ratios), tuple(_warnings(a, b)))


def _listed(blocks: Collection[int]) -> str:
    return ", ".join(map(str, sorted(blocks)))


def _name(report: BenchReport) -> str:
    return f"{report.model.file} (sha256 {report.model.sha256[:12]}), {report.created}"


_TELL: dict[Condition, Callable[[BenchReport], Collection[object]]] = {
    Condition.MACHINE: lambda report: (
        *(report.machine.board, report.machine.cpu, report.machine.architecture),
        *(f"{report.machine.processors} processors", *report.machine.simd),
    ),
    Condition.MODE: lambda report: (report.machine.power_mode,),
    Condition.CLOCK: lambda report: (
        *(report.before.governors or ()),
        *(f"{mhz:.0f} MHz" for mhz in sorted(set(report.before.max_frequencies_mhz or ()))),
    ),
    Condition.RUNTIME: lambda report: (report.conditions.runtime, report.conditions.runtime_version),
    Condition.KERNELS: lambda report: (report.conditions.family.value,),
}


def _differences(a: BenchReport, b: BenchReport) -> Iterator[Difference]:
    for condition, tell in _TELL.items():
        of_a, of_b = ([str(part) for part in tell(report) if part is not None] for report in (a, b))
        if of_a != of_b:
            # Parts that both have say nothing of the difference.
            yield Difference(condition, _without(of_a, of_b), _without(of_b, of_a))


def _without(parts: Sequence[str], others: Sequence[str]) -> str:
    if not parts:
        return "not told"
    return ", ".join(part for part in parts if part not in others) or "no more than that"


def _warnings(a: BenchReport, b: BenchReport) -> Iterator[str]:
    for name, report in (("a", a), ("b", b)):
        for warning in report.warnings:
            yield f"{name}: {warning}"
    if a.machine.system != b.machine.system:
        yield f"the systems differ: {a.machine.system} / {b.machine.system}"
    if a.machine.firmware != b.machine.firmware:
        yield f"the board's software differs: {a.machine.firmware} / {b.machine.firmware}"


def _ratios(a: Blocks, b: Blocks, generator: np.random.Generator) -> Iterator[Ratio]:
    draws_a, draws_b = _Draws(a), _Draws(b)
    every = np.ones(len(a.microseconds)), np.ones(len(b.microseconds))
    resampled = None
    if min(len(a.microseconds), len(b.microseconds)) >= _LEAST_BLOCKS:
        resampled = np.array(
            [
                draws_b.percentiles(draws_b.draw(generator)) / draws_a.percentiles(draws_a.draw(generator))
                for _ in range(_RESAMPLES)
            ]
        )
    of_a, of_b = draws_a.percentiles(every[0]), draws_b.percentiles(every[1])
    for place, percent in enumerate(PERCENTS):
        bounds = None
        if resampled is not None:
            tail = (1 - CONFIDENCE) / 2
            low, high = np.quantile(resampled[:, place], [tail, 1 - tail])
            bounds = (float(low), float(high))
        a_us, b_us = float(of_a[place]), float(of_b[place])
        yield Ratio(a.threads, percent, a_us / 1e3, b_us / 1e3, b_us / a_us, bounds)


class _Draws:
    """Percentiles of the times of blocks, some drawn several times and some never."""

    def __init__(self, blocks: Blocks) -> None:
        times = blocks.times_us()
        joined = np.concatenate(times)
        order = np.argsort(joined, kind="stable")
        self._times = joined[order]
        self._block = np.repeat(np.arange(len(times)), [len(block) for block in times])[order]
        self._blocks = len(times)

    def draw(self, generator: np.random.Generator) -> npt.NDArray[np.float64]:
        """How often each block is drawn, as many draws as there are blocks."""
        drawn = generator.integers(0, self._blocks, self._blocks)
        return np.bincount(drawn, minlength=self._blocks).astype(np.float64)

    def percentiles(self, often: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Percentiles, as :mod:`cspine_edge.percentiles` defines them, in microseconds."""
        at_most = np.cumsum(often[self._block])
        ranks = np.array(PERCENTS) / 100 * at_most[-1]
        # Ranks that are whole numbers but for rounding must not move to the next time.
        return self._times[np.searchsorted(at_most, ranks - 1e-6)]

"""The time of one inference in short, and block by block; part of the bench's report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .percentiles import CONFIDENCE, percentile, percentile_interval

TAIL_SHARE = 0.05
"""How wide percentile 90's interval, which decides when a bench may end, may be, as a share of that percentile."""
Interval = tuple[float, float]


def refuse_unless_positive(*values: float) -> None:
    """Raise ValueError unless all these times and counts are finite and above 0."""
    wrong = [value for value in values if not 0 < value < float("inf")]
    if wrong:
        raise ValueError(f"times and counts should be above 0, not {wrong[0]}")


@dataclass(frozen=True)
class Latency:
    """Time of one inference: the interpreter's invoke alone.

    Attributes
    ----------
    threads
        Threads of the interpreter.
    runs
        Number of timed inferences.
    mean_ms
        Mean, in milliseconds.
    min_ms
        Shortest, in milliseconds.
    p50_ms
        Percentile 50, the median, in milliseconds.
    p90_ms
        Percentile 90 in milliseconds.
    p95_ms
        Percentile 95 in milliseconds.
    p99_ms
        Percentile 99 in milliseconds; with fewer than 100 runs the longest.
    max_ms
        Longest, in milliseconds.
    p50_interval_ms
        Interval of 95 % of the percentile, for independent runs and a fixed number of them: two measured times in
        milliseconds; null if the runs are too few (6).
    p90_interval_ms
        The same of percentile 90 (36 runs).
    p95_interval_ms
        The same of percentile 95 (72 runs).
    p99_interval_ms
        The same of percentile 99 (368 runs).
    """

    threads: int
    runs: int
    mean_ms: float
    min_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    p50_interval_ms: Interval | None
    p90_interval_ms: Interval | None
    p95_interval_ms: Interval | None
    p99_interval_ms: Interval | None

    def __post_init__(self) -> None:
        intervals = (self.p50_interval_ms, self.p90_interval_ms, self.p95_interval_ms, self.p99_interval_ms)
        refuse_unless_positive(
            *(self.threads, self.runs, self.mean_ms, self.min_ms, self.p50_ms),
            *(self.p90_ms, self.p95_ms, self.p99_ms, self.max_ms),
            *(end for interval in intervals for end in interval or ()),
        )

    @property
    def tail_width(self) -> float | None:
        """Width of the tail percentile's interval as a share of it; None where there is no interval."""
        if self.p90_interval_ms is None:
            return None
        low, high = self.p90_interval_ms
        return (high - low) / self.p90_ms

    @property
    def tight(self) -> bool:
        """True if the tail percentile is known well enough."""
        return self.tail_width is not None and self.tail_width <= TAIL_SHARE


def latency_of(threads: int, times_ns: npt.NDArray[np.int64]) -> Latency:
    """Summarise the times of inferences with ``threads`` threads, one-dimensional, int64, in nanoseconds."""

    def interval(percent: float) -> Interval | None:
        found = percentile_interval(times_ns, percent, CONFIDENCE)
        return found and (found[0] / 1e6, found[1] / 1e6)

    return Latency(
        threads=threads,
        runs=len(times_ns),
        mean_ms=float(times_ns.mean()) / 1e6,
        min_ms=int(times_ns.min()) / 1e6,
        p50_ms=percentile(times_ns, 50) / 1e6,
        p90_ms=percentile(times_ns, 90) / 1e6,
        p95_ms=percentile(times_ns, 95) / 1e6,
        p99_ms=percentile(times_ns, 99) / 1e6,
        max_ms=int(times_ns.max()) / 1e6,
        p50_interval_ms=interval(50),
        p90_interval_ms=interval(90),
        p95_interval_ms=interval(95),
        p99_interval_ms=interval(99),
    )


@dataclass(frozen=True)
class Blocks:
    """All timed inferences with one number of threads, block by block.

    Attributes
    ----------
    threads
        Threads of the interpreter.
    microseconds
        One text per block of about 0.1 s, in the order measured: the times in microseconds, separated by blanks.
        Blocks of different thread counts alternated; within a block times resemble one another.
    """

    threads: int
    microseconds: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.microseconds:
            raise ValueError("there are no blocks of times")
        for times in self.times_us():
            if not len(times) or not (times > 0).all() or not np.isfinite(times).all():
                raise ValueError("a block of times is empty, or not of numbers above 0")

    @classmethod
    def of(cls, threads: int, blocks: Sequence[npt.NDArray[np.int64]]) -> Blocks:
        """Keep blocks of times, int64, in nanoseconds, to a tenth of a microsecond."""
        return cls(threads, tuple(" ".join(f"{ns / 1e3:.1f}" for ns in block.tolist()) for block in blocks))

    def times_us(self) -> list[npt.NDArray[np.float64]]:
        """Times in microseconds, float64, one array per block.

        Raises
        ------
        ValueError
            If a text is not of numbers.
        """
        return [np.array([float(word) for word in block.split()]) for block in self.microseconds]

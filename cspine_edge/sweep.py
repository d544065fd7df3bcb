"""Timing the inferences of several sessions side by side: MLPerf's rules, in blocks that alternate.

After a warm-up each session is timed for a least time *and* a least number of inferences, as MLPerf Inference demands
of its single-stream scenario. Then the sweep ends as soon as the interval of the tail percentile is tight for all
sessions, or when the most time is over; never before. Inference is timed in short blocks that alternate, in shuffled
order, between the sessions, so that what drifts meanwhile (clock, temperature, other work) falls on all of them alike.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from .classifier import Classifier
from .errors import UsageError
from .latency import TAIL_SHARE, Latency, latency_of
from .progress import Step

_BLOCK_S = 0.1
"""Length of a block of timed inferences."""
_SETTLE_S = 0.01
"""Untimed inferences before it: weights come back into the cache, the other session's threads fall asleep."""
_LOOK_AGAIN = 1.1
"""Growth of the runs after which the interval is looked at again; each look is one more chance to stop by luck."""
SWEEP_UNITS = 20
"""Length of the sweep on the progress bar."""
K = TypeVar("K")


@dataclass(frozen=True)
class Rules:
    """How long a sweep goes on.

    Attributes
    ----------
    least_s
        Least time of timed inferences of each session, in seconds.
    least_runs
        Least number of timed inferences of each session.
    most_s
        Most time of timed inferences of each session, in seconds, unless the least number takes longer: the sweep
        goes on until the tail percentiles are tight, or so long. None stops at the least.
    warmup
        Untimed inferences of each session first; one at least.

    Raises
    ------
    UsageError
        If a number is out of its range.
    """

    least_s: float = 5.0
    least_runs: int = 100
    most_s: float | None = 60.0
    warmup: int = 20

    def __post_init__(self) -> None:
        if not 0 <= self.least_s < float("inf") or self.least_runs < 1 or self.warmup < 0:
            raise UsageError("timing needs a duration and a warm-up of 0 or more, and at least 1 run")
        if self.most_s is not None and not self.least_s <= self.most_s < float("inf"):
            raise UsageError(f"the most time, {self.most_s:g} s, is below the least, {self.least_s:g} s")


@dataclass(frozen=True)
class Timing:
    """Times of the inferences of one session.

    Attributes
    ----------
    threads
        Threads of the interpreter.
    blocks
        Times in nanoseconds, int64, block by block in the order they were measured.
    """

    threads: int
    blocks: tuple[npt.NDArray[np.int64], ...]

    @property
    def latency(self) -> Latency:
        """The times in short."""
        return latency_of(self.threads, np.concatenate(self.blocks))


def sweep(
    classifiers: Mapping[K, Classifier], rules: Rules, generator: np.random.Generator, step: Step
) -> dict[K, Timing]:
    """Time the inferences of several sessions side by side.

    Parameters
    ----------
    classifiers
        The sessions, of one model or of several, each with an input loaded.
    rules
        How long.
    generator
        Of the order of the blocks.
    step
        Told of the progress towards the least time, in :data:`SWEEP_UNITS`.
    """
    step(0, "bench: inference")
    names = list(classifiers)
    block_runs = {name: _warm_up(classifiers[name], rules.warmup) for name in names}
    blocks: dict[K, list[npt.NDArray[np.int64]]] = {name: [] for name in names}
    seconds, runs = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0)
    shown, look_at = 0, 0.0
    while True:
        for place in generator.permutation(len(names)).tolist():
            name = names[place]
            block = _timed_block(classifiers[name], block_runs[name])
            blocks[name].append(block)
            seconds[name] += float(block.sum()) / 1e9
            runs[name] += len(block)
        share = min(min(seconds[n] / (rules.least_s or 1e-9), runs[n] / rules.least_runs) for n in names)
        step(int(min(1.0, share) * SWEEP_UNITS) - shown)
        shown = int(min(1.0, share) * SWEEP_UNITS)
        if share < 1.0:
            continue
        found = {name: Timing(classifiers[name].session.threads, tuple(blocks[name])) for name in names}
        if rules.most_s is None or min(seconds.values()) >= rules.most_s:
            return found
        total = sum(runs.values())
        if total >= look_at:
            if all(timing.latency.tight for timing in found.values()):
                return found
            look_at = total * _LOOK_AGAIN
            step(0, f"bench: inference, until p90 is known to {100 * TAIL_SHARE:g} %")


def _warm_up(classifier: Classifier, warmup: int) -> int:
    """Run untimed inferences; give the number that makes a block, by their median."""
    seconds = []
    for _ in range(max(1, warmup)):
        begin = time.perf_counter()
        classifier.session.invoke()
        seconds.append(time.perf_counter() - begin)
    return max(1, min(1000, round(_BLOCK_S / statistics.median(seconds))))


def _timed_block(classifier: Classifier, runs: int) -> npt.NDArray[np.int64]:
    """Time inferences one by one, in nanoseconds."""
    times = np.zeros(runs, np.int64)
    clock, invoke = time.perf_counter_ns, classifier.session.invoke
    with without_garbage_collection():
        settled = clock() + int(_SETTLE_S * 1e9)
        invoke()
        while clock() < settled:
            invoke()
        for i in range(runs):
            begin = clock()
            invoke()
            times[i] = clock() - begin
    return times


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Let the garbage collector rest while something is timed."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

"""Inference without a pause for minutes or hours: does the board keep its speed, and what does an inference cost.

Sensors are read by a second thread while inference goes on, since a reading taken between two inferences would see a
board that rests. Broken off with Ctrl-C, what was measured so far is kept.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .classifier import Classifier
from .interruption import Interrupted
from .latency import refuse_unless_positive
from .percentiles import percentile
from .sensors import Readings
from .sweep import without_garbage_collection

_MOST_SAMPLES = 300
_IDLE_READINGS = 10
_IDLE_PAUSE_S = 0.5
Clocked = tuple[int, Readings]
"""Readings, and when they were taken: nanoseconds of ``time.perf_counter_ns``."""


@dataclass(frozen=True)
class Sample:
    """What happened in the time since the sample before.

    Attributes
    ----------
    second
        When it was taken, in seconds since the start.
    runs
        Number of inferences that ended since the sample before.
    p50_ms
        Their median time, in milliseconds; null if there were none.
    celsius
        Temperature of the hottest processor zone, in degrees Celsius.
    mhz
        Mean clock of the processors, in MHz.
    watts
        Power of the board, in watts.
    throttled
        What slowed the processor down at that moment; null if the board does not tell.
    """

    second: float
    runs: int
    p50_ms: float | None
    celsius: float | None
    mhz: float | None
    watts: float | None
    throttled: tuple[str, ...] | None

    def __post_init__(self) -> None:
        if self.runs < 0 or not 0 <= self.second < float("inf"):
            raise ValueError("a sample should have a second and runs of 0 or more")
        if self.p50_ms is not None:
            refuse_unless_positive(self.p50_ms)


@dataclass(frozen=True)
class Energy:
    """Energy by the board's own sensor: of all that it sees, with whatever else the board does.

    Attributes
    ----------
    source
        Which sensor, and which rails of it.
    idle_watts
        Mean power of the board just before, at rest but for this process waiting, in watts.
    load_watts
        Mean power of the board during inference, in watts.
    mj_per_inference
        Energy of the board per inference, rest included, in millijoules.
    mj_above_idle
        The same with the power at rest taken off, in millijoules.
    """

    source: str
    idle_watts: float
    load_watts: float
    mj_per_inference: float
    mj_above_idle: float


@dataclass(frozen=True)
class Sustained:
    """Inference without a pause.

    Attributes
    ----------
    threads
        Threads of the interpreter.
    asked_s
        How long it should have gone on, in seconds.
    measured_s
        How long it went on, in seconds.
    broken_off
        True if it was broken off before its time.
    runs
        Number of inferences.
    p50_ms
        Median time of an inference, in milliseconds.
    p90_ms
        Percentile 90 in milliseconds.
    p99_ms
        Percentile 99 in milliseconds.
    first_p50_ms
        Median of the first tenth of the time, in milliseconds.
    last_p50_ms
        Median of the last tenth of the time, in milliseconds.
    samples
        What the sensors said meanwhile, 300 at most.
    energy
        Null if the board has no sensor of its power.
    """

    threads: int
    asked_s: float
    measured_s: float
    broken_off: bool
    runs: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    first_p50_ms: float
    last_p50_ms: float
    samples: tuple[Sample, ...]
    energy: Energy | None

    def __post_init__(self) -> None:
        refuse_unless_positive(
            *(self.threads, self.asked_s, self.measured_s, self.runs),
            *(self.p50_ms, self.p90_ms, self.p99_ms, self.first_p50_ms, self.last_p50_ms),
        )

    @property
    def slowdown(self) -> float:
        """Median of the last tenth of the time over that of the first; 1 if the board keeps its speed."""
        return self.last_p50_ms / self.first_p50_ms


def sustain(
    classifier: Classifier,
    duration_s: float,
    read: Callable[[], Readings],
    *,
    every_s: float = 1.0,
    on_second: Callable[[float], object] = lambda _: None,
) -> Sustained:
    """Run inference without a pause.

    Parameters
    ----------
    classifier
        The model, with an input loaded and warm.
    duration_s
        How long, in seconds.
    read
        Reads the sensors.
    every_s
        Least time between two readings, in seconds; longer if there would be more than 300.
    on_second
        Called about once a second with the seconds gone by.

    Raises
    ------
    KeyboardInterrupt, Interrupted
        If it is broken off before the first inference has ended.
    """
    idle = _idle_watts(read)
    every_s = max(every_s, duration_s / _MOST_SAMPLES)
    begin = time.perf_counter_ns()
    broken_off: BaseException | None = None
    ends, times = array("q"), array("q")
    with _Watch(read, every_s) as watch:
        try:
            with without_garbage_collection():
                _run(classifier, begin, duration_s, ends, times, on_second)
        except (KeyboardInterrupt, Interrupted) as end:
            broken_off = end
    runs = min(len(ends), len(times))  # it may have been broken off between the two
    if broken_off and not runs:
        raise broken_off
    return _summarise(
        classifier.session.threads,
        duration_s,
        broken_off is not None,
        np.array(ends[:runs], np.int64) - begin,
        np.array(times[:runs], np.int64),
        [(moment - begin, readings) for moment, readings in watch.taken],
        idle,
    )


def _idle_watts(read: Callable[[], Readings]) -> float | None:
    found = []
    for _ in range(_IDLE_READINGS):
        power = read().power
        if power is None:
            return None
        found.append(power.watts)
        time.sleep(_IDLE_PAUSE_S)
    return sum(found) / len(found)


def _run(
    classifier: Classifier,
    begin: int,
    duration_s: float,
    ends: array[int],
    times: array[int],
    on_second: Callable[[float], object],
) -> None:
    clock, invoke = time.perf_counter_ns, classifier.session.invoke
    end, tell_at = begin + int(duration_s * 1e9), begin
    while True:
        start = clock()
        if start >= end and times:
            return
        if start >= tell_at:
            on_second((start - begin) / 1e9)
            tell_at += 1_000_000_000
            start = clock()
        invoke()
        stop = clock()
        times.append(stop - start)
        ends.append(stop)


class _Watch:
    """Reads the sensors in a thread of its own while the block runs, and once at its end."""

    def __init__(self, read: Callable[[], Readings], every_s: float) -> None:
        self.taken: list[Clocked] = []
        self._read, self._every_s = read, every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sensors", daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(self._every_s):
            self.taken.append((time.perf_counter_ns(), self._read()))
        self.taken.append((time.perf_counter_ns(), self._read()))


def _summarise(
    threads: int,
    asked_s: float,
    broken_off: bool,
    ends: npt.NDArray[np.int64],
    times: npt.NDArray[np.int64],
    taken: Sequence[Clocked],
    idle_watts: float | None,
) -> Sustained:
    measured = int(ends[-1])
    tenth = measured / 10
    first, last = times[ends <= max(tenth, ends[0])], times[ends > measured - tenth]
    places = np.searchsorted(ends, [moment for moment, _ in taken])
    samples = tuple(
        _sample(moment, readings, times[before:place])
        for (moment, readings), before, place in zip(taken, [0, *places], places, strict=False)
    )
    return Sustained(
        threads=threads,
        asked_s=asked_s,
        measured_s=measured / 1e9,
        broken_off=broken_off,
        runs=len(times),
        p50_ms=percentile(times, 50) / 1e6,
        p90_ms=percentile(times, 90) / 1e6,
        p99_ms=percentile(times, 99) / 1e6,
        first_p50_ms=percentile(first, 50) / 1e6,
        last_p50_ms=percentile(last, 50) / 1e6,
        samples=samples,
        energy=_energy(taken[:-1], idle_watts, measured / 1e9, len(times)),
    )


def _sample(moment: int, readings: Readings, times: npt.NDArray[np.int64]) -> Sample:
    clocks = readings.frequencies_mhz
    return Sample(
        second=moment / 1e9,
        runs=len(times),
        p50_ms=percentile(times, 50) / 1e6 if len(times) else None,
        celsius=readings.celsius,
        mhz=sum(clocks) / len(clocks) if clocks else None,
        watts=readings.power.watts if readings.power else None,
        throttled=readings.throttled_now,
    )


def _energy(taken: Sequence[Clocked], idle_watts: float | None, seconds: float, runs: int) -> Energy | None:
    """Energy from readings at even intervals; the last reading of all came after the load and is not among them."""
    powers = [readings.power for _, readings in taken if readings.power]
    if not powers or idle_watts is None:
        return None
    load = sum(power.watts for power in powers) / len(powers)
    each = 1e3 * seconds / runs
    return Energy(powers[0].source, idle_watts, load, load * each, (load - idle_watts) * each)

"""What a bench finds: the report, its tables and its JSON.

The JSON is the object ``{"schema": "cspine-edge/bench", "version": 1, ...}`` with the fields of
:class:`BenchReport`; each class below is an object in it, each tuple a list, what is unknown ``null``. Times
are in milliseconds of a monotonic clock with a resolution of nanoseconds, memory in MiB (2**20 bytes).

A percentile ``q`` is the shortest measured time that at least ``q`` percent of the runs did not exceed: a
time that occurred, never one between two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .contract import INTENDED_USE, KernelFamily, Precision
from .documents import encode
from .files import write_json
from .machine import Machine, Readings
from .runtime import Runtime

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

SCHEMA = "cspine-edge/bench"
VERSION = 1
STAGES = ("read", "preprocess", "invoke", "decide")
"""The stages of one slice, in their order."""


@dataclass(frozen=True)
class ModelFacts:
    """Which model was measured.

    Attributes
    ----------
    file
        Name of the file, without its folder.
    sha256, size_bytes
        Of the whole file, contract included.
    height, width, channels
        Of its input, in pixels.
    backbone, precision
        From the contract; None if it does not tell.
    """

    file: str
    sha256: str
    size_bytes: int
    height: int
    width: int
    channels: int
    backbone: str | None
    precision: Precision | None


@dataclass(frozen=True)
class Conditions:
    """How it was measured.

    Attributes
    ----------
    runtime, runtime_version, family
        The interpreter and its kernels.
    threads
        Thread counts as asked for; stages, cold start and memory are measured with the first.
    duration_s
        Least time of timed inferences for each thread count, in seconds.
    min_runs
        Least number of timed inferences for each thread count.
    warmup
        Untimed inferences of each session, and untimed slices of each file format, before all others.
    seed
        Of the order of the blocks and of the synthetic slices.
    synthetic
        True if the slices are synthetic, false if they were given.
    """

    runtime: Runtime
    runtime_version: str
    family: KernelFamily
    threads: tuple[int, ...]
    duration_s: float
    min_runs: int
    warmup: int
    seed: int
    synthetic: bool


@dataclass(frozen=True)
class Latency:
    """Time of one inference: the interpreter's invoke alone.

    Attributes
    ----------
    threads
        Threads of the interpreter.
    runs
        Number of timed inferences.
    mean_ms, min_ms, max_ms
        In milliseconds.
    p50_ms, p90_ms, p95_ms, p99_ms
        Percentiles in milliseconds, as the module defines them; with fewer than 100 runs p99 is the maximum.
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


@dataclass(frozen=True)
class StageTime:
    """Time of one stage of a slice.

    Attributes
    ----------
    mean_ms, p50_ms, p90_ms
        In milliseconds; means add up to the mean total, percentiles only nearly so.
    """

    mean_ms: float
    p50_ms: float
    p90_ms: float


@dataclass(frozen=True)
class StageTimes:
    """Time of whole slices of one file format, one after the other; the files lie in the system's page cache.

    Attributes
    ----------
    image_format
        DICOM, PNG or JPEG.
    files
        Number of different files among them, read in turn; of each its first frame.
    height, width
        Of the first file, in pixels.
    threads, runs
        Threads of the interpreter; number of slices.
    read
        From file to stored pixels.
    preprocess
        Window, resize and writing into the input tensor.
    invoke
        Inference.
    decide
        From the output tensor to margin, score and decision.
    total
        Of the four.
    """

    image_format: str
    files: int
    height: int
    width: int
    threads: int
    runs: int
    read: StageTime
    preprocess: StageTime
    invoke: StageTime
    decide: StageTime
    total: StageTime


@dataclass(frozen=True)
class ColdStart:
    """From the start of a new process to its first verdict: the repetition with the median total.

    Attributes
    ----------
    repetitions
        New processes that were started.
    image_format, threads
        Format of the slice; threads of the interpreter.
    start_ms
        From asking for the process to the first line of Python, in milliseconds.
    import_ms
        Importing this package, numpy and the interpreter.
    load_ms
        Opening the model and allocating its tensors.
    first_slice_ms
        Reading, preprocessing and classifying the first slice, with what is imported only then.
    total_ms
        Sum of the four.
    """

    repetitions: int
    image_format: str
    threads: int
    start_ms: float
    import_ms: float
    load_ms: float
    first_slice_ms: float
    total_ms: float


@dataclass(frozen=True)
class Memory:
    """Largest resident memory.

    Attributes
    ----------
    predict_mib
        In MiB, of a new process that classified one slice; None if it could not be had.
    bench_mib
        In MiB, of the process that measured, with all its sessions.
    """

    predict_mib: float | None
    bench_mib: float | None


@dataclass(frozen=True)
class BenchReport:
    """The result of :func:`cspine_edge.bench.bench`; its JSON is ``schema``, ``version`` and these fields.

    Attributes
    ----------
    created
        When it was measured, UTC, ISO 8601.
    toolkit
        Version of this package.
    model, machine, conditions
        What was measured, where and how.
    latencies
        Inference, one entry per thread count, ascending.
    stages
        Whole slices, one entry per file format.
    cold_start
        None if no new process could be started, which is then among the warnings.
    memory
        Peak memory.
    before, after
        Sensors before the warm-up, and right after the last timed slice.
    warnings
        What makes the figures doubtful, one sentence each.
    intended_use
        What the model may be used for.
    """

    created: str
    toolkit: str
    model: ModelFacts
    machine: Machine
    conditions: Conditions
    latencies: tuple[Latency, ...]
    stages: tuple[StageTimes, ...]
    cold_start: ColdStart | None
    memory: Memory
    before: Readings
    after: Readings
    warnings: tuple[str, ...]
    intended_use: str = INTENDED_USE

    def to_json(self) -> dict[str, Any]:
        """Give plain data for JSON, schema and version first."""
        return {"schema": SCHEMA, "version": VERSION} | encode(self)

    def save(self, path: Path | str, *, overwrite: bool = False) -> None:
        """Write the report as JSON; see :func:`cspine_edge.files.write_json`."""
        write_json(path, self.to_json(), overwrite=overwrite)

    def __rich__(self) -> RenderableType:
        """Tables for people."""
        from rich.console import Group
        from rich.text import Text

        model = self.model
        facts = [model.backbone, model.precision.value if model.precision else None]
        facts += [f"{model.size_bytes / 2**20:.1f} MiB", f"sha256 {model.sha256[:12]}"]
        threads = "1 thread" if self.stages[0].threads == 1 else f"{self.stages[0].threads} threads"
        formats = (f"{s.image_format} {s.width} x {s.height}, {s.runs} runs" for s in self.stages)
        return Group(
            Text(f"{model.file}: {', '.join(fact for fact in facts if fact)}"),
            Text("inference, ms"),
            self._inference_table(),
            Text(f"one slice, {threads}, ms ({'; '.join(formats)})"),
            self._slice_table(),
            *(Text(line) for line in self._other_lines()),
            *(Text(f"warning: {warning}", style="yellow") for warning in self.warnings),
            Text(self.intended_use),
        )

    def _inference_table(self) -> Table:
        from rich.table import Table

        table = Table()
        for name in ("threads", "runs", "mean", "min", "p50", "p90", "p95", "p99", "max"):
            table.add_column(name, justify="right")
        for row in self.latencies:
            times = (row.mean_ms, row.min_ms, row.p50_ms, row.p90_ms, row.p95_ms, row.p99_ms, row.max_ms)
            table.add_row(str(row.threads), str(row.runs), *map(_milliseconds, times))
        return table

    def _slice_table(self) -> Table:
        from rich.table import Table

        table = Table("stage")
        for entry in self.stages:
            table.add_column(f"{entry.image_format} p50", justify="right")
            table.add_column("p90", justify="right")
        for stage in (*STAGES, "total"):
            times: list[StageTime] = [getattr(entry, stage) for entry in self.stages]
            cells = (cell for time in times for cell in (time.p50_ms, time.p90_ms))
            table.add_row(stage, *map(_milliseconds, cells), end_section=stage == STAGES[-1])
        return table

    def _other_lines(self) -> Iterator[str]:
        cold = self.cold_start
        if cold is not None:
            yield (
                f"cold start {cold.total_ms:.0f} ms: process {cold.start_ms:.0f}, "
                f"import {cold.import_ms:.0f}, load {cold.load_ms:.0f}, "
                f"first slice ({cold.image_format}) {cold.first_slice_ms:.0f}"
            )
        peaks = (("to predict one slice", self.memory.predict_mib), ("of this bench", self.memory.bench_mib))
        known = [f"{mib:.0f} MiB {what}" for what, mib in peaks if mib is not None]
        if known:
            yield f"peak memory {', '.join(known)}"
        if self.before.governors:
            yield f"governor {' '.join(self.before.governors)}"
        for what, readings in (("before", self.before), ("after", self.after)):
            shown = [f"{zone.name} {zone.celsius:.1f} °C" for zone in readings.temperatures or ()]
            clocks = readings.frequencies_mhz
            if clocks:
                shown.append(f"clock {min(clocks):.0f} to {max(clocks):.0f} MHz")
            if shown:
                yield f"{what}: {', '.join(shown)}"


def _milliseconds(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:.0f}"

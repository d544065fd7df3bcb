"""What a bench finds: the report and its JSON.

The JSON is the object ``{"schema": "cspine-edge/bench", "version": 3, ...}`` with the fields of
:class:`BenchReport`; each dataclass is an object in it, each tuple a list, what is unknown ``null``. ``docs/bench.md``
tells every field, ``docs/bench.schema.json`` is its JSON Schema. Times are in milliseconds of a monotonic clock with a
resolution of nanoseconds, memory in MiB (2**20 bytes).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .cold_start import ColdStart
from .contract import INTENDED_USE, KernelFamily, Precision
from .cooling import Cooling
from .documents import DocumentError, decode, encode, read_document
from .errors import InputError
from .files import write_json
from .latency import Blocks, Latency
from .machine import Machine
from .roofline import Roofline
from .sensors import Readings
from .slice_times import StageTimes
from .sustained import Sustained

if TYPE_CHECKING:
    from rich.console import RenderableType

SCHEMA = "cspine-edge/bench"
VERSION = 3
_READABLE_VERSIONS = (2, VERSION)
"""Version 2 knew the interpreters of Python packages only; all that it can say, 3 says alike."""


@dataclass(frozen=True)
class ModelFacts:
    """Which model was measured.

    Attributes
    ----------
    file
        Name of the file, without its folder.
    sha256
        SHA-256 of the whole file, contract included, in hexadecimal.
    size_bytes
        Size of the whole file in bytes, contract included.
    height
        Of its input, in pixels.
    width
        Of its input, in pixels.
    channels
        Of its input.
    backbone
        From the contract; null if it does not tell.
    precision
        From the contract; null if it does not tell.
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
    runtime
        The interpreter: the Python package that brings it, or "builtin", the Android app's own.
    runtime_version
        Its version.
    family
        The interpreter's kernels.
    threads
        Thread counts as asked for; stages, cold start and sustained load are measured with the first.
    least_s
        Least time of timed inferences for each thread count, in seconds.
    least_runs
        Least number of timed inferences for each thread count.
    most_s
        Most time of timed inferences for each thread count, in seconds, unless the least number takes longer; null
        if it ended with the least.
    tail_share
        It ended before that as soon as the 95 % interval of percentile 90 was no wider than this share of it.
    most_reached
        True if it ended by the most time (or by the least where there is no most) and that interval was still wider.
    warmup
        Untimed inferences of each session, and untimed slices of each file format, before all others.
    seed
        Of the order of the blocks and of the synthetic slices.
    synthetic
        True if the slices are synthetic, false if they were given.
    """

    runtime: str
    runtime_version: str
    family: KernelFamily
    threads: tuple[int, ...]
    least_s: float
    least_runs: int
    most_s: float | None
    tail_share: float
    most_reached: bool
    warmup: int
    seed: int
    synthetic: bool


@dataclass(frozen=True)
class BenchReport:
    """The result of a bench; its JSON is ``schema``, ``version`` and these fields.

    Attributes
    ----------
    created
        When it was measured, UTC, ISO 8601.
    toolkit
        Version of this package, or of the Android app.
    model
        What was measured.
    machine
        Where it was measured.
    conditions
        How it was measured.
    latencies
        Inference, one entry per thread count, ascending.
    blocks
        The times that ``latencies`` sums up, one entry per thread count in the same order.
    roofline
        The rate beside the processor's int8 peak; null for a model that does not compute in int8, and in the app.
    stages
        Whole slices, one entry per file format.
    cold_start
        Null if no new process could be started, as in the app, which is then among the warnings.
    bench_peak_mib
        Largest resident memory of the process that measured, with all its sessions, in MiB; null if not told.
    cooling
        The wait for a cool board; null if there is no sensor, or none was asked for.
    sustained
        Inference without a pause, after all else; null if it was not asked for.
    before
        Sensors before the warm-up.
    after
        Sensors right after the last timed slice, or after the sustained load.
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
    blocks: tuple[Blocks, ...]
    roofline: Roofline | None
    stages: tuple[StageTimes, ...]
    cold_start: ColdStart | None
    bench_peak_mib: float | None
    cooling: Cooling | None
    sustained: Sustained | None
    before: Readings
    after: Readings
    warnings: tuple[str, ...]
    intended_use: str = INTENDED_USE

    def __post_init__(self) -> None:
        threads = [latency.threads for latency in self.latencies]
        if not threads or threads != [entry.threads for entry in self.blocks]:
            raise ValueError("latencies and blocks should be of the same thread counts, one at least")
        if not self.stages:
            raise ValueError("stages should have an entry")

    def to_json(self) -> dict[str, Any]:
        """Give plain data for JSON, schema and version first."""
        return {"schema": SCHEMA, "version": VERSION} | encode(self)

    def save(self, path: Path | str, *, overwrite: bool = False) -> None:
        """Write the report as JSON; see :func:`cspine_edge.files.write_json`."""
        write_json(path, self.to_json(), overwrite=overwrite)

    def __rich__(self) -> RenderableType:
        """Tables for people."""
        from .bench_tables import tables_of

        return tables_of(self)


def read_report(path: Path) -> BenchReport:
    """Read a report that :meth:`BenchReport.save` wrote.

    Raises
    ------
    InputError
        If the file cannot be read, is no whole report of a bench, or is one of another version.
    """
    again = "measure again with 'cspine-edge bench --out FILE'"
    try:
        document = read_document(path)
    except OSError as error:
        raise InputError.unreadable(path, error) from error
    except DocumentError as error:
        raise InputError(
            path, f"{error}, so it is no bench report or was cut short; copy it again, or {again}"
        ) from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise InputError(path, f"is no bench report; {again}")
    version = document.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise InputError(
            path,
            f"is a bench report of version {version}, and this toolkit reads 2 and {VERSION}; update it",
        )
    if version not in _READABLE_VERSIONS:
        raise InputError(
            path, f"is a bench report of version {version}, which lacks the single times; {again}"
        )
    try:
        return decode(BenchReport, document)
    except DocumentError as error:
        raise InputError(path, f"is a damaged bench report ({error}); copy it again, or {again}") from error

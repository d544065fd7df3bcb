"""Many bench reports as one table: Markdown, or a page with what happened under sustained load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from .bench_report import BenchReport
from .bench_tables import about_sustained, interval, milliseconds
from .errors import printable
from .files import write_bytes
from .line_plot import STYLE, line_plot
from .page import table, write_page
from .sustained import Sustained

Named = tuple[str, BenchReport]
"""A report and the name of its file."""
_TITLE = "Benches"


@dataclass(frozen=True)
class Row:
    """One thread count of one report.

    Attributes
    ----------
    report, model, machine, runtime
        Name of the report's file; model file; board and processor; interpreter, version and kernels.
    threads
        Threads of the interpreter.
    p50_ms, p90_ms, p99_ms
        Percentiles in milliseconds.
    p90_interval_ms
        Interval of 95 % of percentile 90, in milliseconds.
    peak_share
        Of the processor's int8 peak, 0 to 1.
    cold_start_ms, peak_mib
        From the start of a process to its first verdict, in milliseconds, and its peak memory in MiB.
    celsius
        Temperature at the end, in degrees Celsius.
    mj_per_inference
        Energy of the board per inference under sustained load, in millijoules.
    warnings
        How many the report has.
    """

    report: str
    model: str
    machine: str
    runtime: str
    threads: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p90_interval_ms: tuple[float, float] | None
    peak_share: float | None
    cold_start_ms: float | None
    peak_mib: float | None
    celsius: float | None
    mj_per_inference: float | None
    warnings: int

    def cells(self) -> list[str]:
        """Give plain texts, as many as there are :data:`COLUMNS`."""

        def shown(value: float | None, form: str, scale: float = 1) -> str:
            return "-" if value is None else format(scale * value, form)

        return [
            *(self.report, self.model, self.machine, self.runtime, str(self.threads)),
            *(milliseconds(self.p50_ms), f"{milliseconds(self.p90_ms)} ({interval(self.p90_interval_ms)})"),
            milliseconds(self.p99_ms),
            *(
                shown(self.peak_share, ".0f", 100),
                shown(self.cold_start_ms, ".0f"),
                shown(self.peak_mib, ".0f"),
            ),
            *(shown(self.celsius, ".0f"), shown(self.mj_per_inference, ".1f"), str(self.warnings)),
        ]


COLUMNS = (
    *("report", "model", "machine", "runtime", "threads", "p50, ms", "p90 (95 % interval), ms", "p99, ms"),
    *("% of int8 peak", "cold start, ms", "peak, MiB", "°C", "board mJ", "warnings"),
)


def rows_of(reports: Sequence[Named]) -> tuple[Row, ...]:
    """Give a row for each thread count of each report."""
    return tuple(row for name, report in reports for row in _rows(name, report))


def _rows(name: str, report: BenchReport) -> Iterator[Row]:
    machine, conditions, cold, load = report.machine, report.conditions, report.cold_start, report.sustained
    shares = {} if report.roofline is None else {rate.threads: rate.share for rate in report.roofline.rates}
    place = ", ".join(part for part in (machine.board, machine.cpu, machine.power_mode) if part)
    energy = load.energy if load else None
    for latency in report.latencies:
        yield Row(
            report=name,
            model=report.model.file,
            machine=place or machine.architecture,
            runtime=f"{conditions.runtime} {conditions.runtime_version}, {conditions.family.value}",
            threads=latency.threads,
            p50_ms=latency.p50_ms,
            p90_ms=latency.p90_ms,
            p99_ms=latency.p99_ms,
            p90_interval_ms=latency.p90_interval_ms,
            peak_share=shares.get(latency.threads),
            cold_start_ms=cold.total_ms if cold and cold.threads == latency.threads else None,
            peak_mib=cold.peak_mib if cold and cold.threads == latency.threads else None,
            celsius=report.after.celsius,
            mj_per_inference=energy.mj_per_inference
            if energy and load and load.threads == latency.threads
            else None,
            warnings=len(report.warnings),
        )


def markdown(reports: Sequence[Named]) -> str:
    """Give one Markdown table of all reports, and their warnings below it."""
    lines = [
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * 5}{'---:|' * (len(COLUMNS) - 5)}",
        *(
            f"| {' | '.join(printable(cell).replace('|', chr(92) + '|') for cell in row.cells())} |"
            for row in rows_of(reports)
        ),
    ]
    notes = [printable(f"- {name}: {line}") for name, report in reports for line in _notes(report)]
    return "\n".join([*lines, *(["", *notes] if notes else [])]) + "\n"


def _notes(report: BenchReport) -> list[str]:
    sustained = [] if report.sustained is None else list(about_sustained(report.sustained))
    return sustained + [f"warning: {warning}" for warning in report.warnings]


def write_listing(path: Path, reports: Sequence[Named], *, overwrite: bool = False) -> None:
    """Write the table as Markdown or, with the suffix ``.html``, as a page with plots of sustained load.

    Raises
    ------
    OutputError
        If the file exists and ``overwrite`` is false, or cannot be written.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        write_bytes(path, markdown(reports).encode(errors="backslashreplace"), overwrite=overwrite)
        return
    parts = [f"<h1>{_TITLE}</h1>", table(COLUMNS, [row.cells() for row in rows_of(reports)])]
    for name, report in reports:
        parts.append(
            f"<h2>{escape(name)}</h2><p class=soft>{escape(f'{report.machine.banner}; {report.created}')}</p>"
        )
        parts += [f"<p>{escape(line)}</p>" for line in _notes(report)]
        parts += [] if report.sustained is None else _plots(report.sustained)
    parts.append(f"<p class=soft>{escape(reports[0][1].intended_use)}</p>")
    write_page(path, _TITLE, parts, style=f"{STYLE}body {{ max-width: 90rem; }}", overwrite=overwrite)


def _plots(load: Sustained) -> Iterator[str]:
    seconds = [sample.second for sample in load.samples]
    curves: tuple[tuple[str, list[Any]], ...] = (
        ("median latency, ms", [sample.p50_ms for sample in load.samples]),
        ("temperature, °C", [sample.celsius for sample in load.samples]),
        ("clock, MHz", [sample.mhz for sample in load.samples]),
        ("board power, W", [sample.watts for sample in load.samples]),
        (
            "slowed down by throttling (1: yes)",
            [None if sample.throttled is None else float(bool(sample.throttled)) for sample in load.samples],
        ),
    )
    for name, values in curves:
        if any(value is not None for value in values):
            yield f"<figure>{line_plot(name, seconds, values)}</figure>"

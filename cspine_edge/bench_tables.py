"""A bench's report as people read it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .errors import printable
from .slice_times import STAGES, StageTime

if TYPE_CHECKING:
    from .bench_report import BenchReport
    from .sustained import Sustained


def tables_of(report: BenchReport) -> RenderableType:
    """Give the tables of a report."""
    model = report.model
    facts = [model.backbone, model.precision.value if model.precision else None]
    facts += [f"{model.size_bytes / 2**20:.1f} MiB", f"sha256 {model.sha256[:12]}"]
    threads = f"{report.stages[0].threads} {_threads(report.stages[0].threads)}"
    formats = (f"{s.image_format} {s.width} x {s.height}, {s.runs} runs" for s in report.stages)
    return Group(
        line(f"{model.file}: {', '.join(fact for fact in facts if fact)}"),
        Text("inference, ms"),
        _inference(report),
        *(line(text) for text in _about_inference(report)),
        line(f"one slice, {threads}, ms ({'; '.join(formats)})"),
        _slices(report),
        *(line(text) for text in _other(report)),
        *(line(text) for text in ([] if report.sustained is None else about_sustained(report.sustained))),
        *(line(f"warning: {warning}", "yellow") for warning in report.warnings),
        line(report.intended_use),
    )


def line(text: str, style: str = "") -> Text:
    """Give a line whose text may be others'; it stays one."""
    return Text(printable(text), style)


def milliseconds(value: float) -> str:
    """Give a time in milliseconds to three digits or so."""
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def _threads(count: int) -> str:
    return "thread" if count == 1 else "threads"


def interval(found: tuple[float, float] | None) -> str:
    """Give an interval in milliseconds, or a dash."""
    return "-" if found is None else f"{milliseconds(found[0])} to {milliseconds(found[1])}"


def _inference(report: BenchReport) -> Table:
    table = Table()
    for name in ("threads", "runs", "mean", "min", "p50", "p90", "p95", "p99", "max"):
        table.add_column(name, justify="right")
    for row in report.latencies:
        times = (row.mean_ms, row.min_ms, row.p50_ms, row.p90_ms, row.p95_ms, row.p99_ms, row.max_ms)
        table.add_row(str(row.threads), str(row.runs), *map(milliseconds, times))
    return table


def _about_inference(report: BenchReport) -> Iterator[str]:
    for row in report.latencies:
        yield (
            f"95 % intervals, {row.threads} {_threads(row.threads)}: p50 {interval(row.p50_interval_ms)}, "
            f"p90 {interval(row.p90_interval_ms)}, p99 {interval(row.p99_interval_ms)}"
        )
    limits = report.roofline
    if limits is not None:
        rates = [
            f"{rate.gmacs_per_s:.1f} billion a second with {rate.threads} {_threads(rate.threads)}"
            + ("" if rate.share is None else f" ({100 * rate.share:.0f} % of the int8 peak)")
            for rate in limits.rates
        ]
        peak = "peak not known"
        if limits.macs_per_cycle is not None:
            clock = "clock not told" if limits.clock_mhz is None else f"{limits.clock_mhz:.0f} MHz"
            peak = f"peak {limits.macs_per_cycle} a cycle and core ({limits.instruction}), {clock}"
        yield f"{limits.macs / 1e6:.0f} million multiply-accumulates: {'; '.join(rates)}; {peak}"


def _slices(report: BenchReport) -> Table:
    table = Table("stage")
    for entry in report.stages:
        table.add_column(f"{entry.image_format} p50", justify="right")
        table.add_column("p90", justify="right")
    for stage in (*STAGES, "total"):
        times: list[StageTime] = [getattr(entry, stage) for entry in report.stages]
        cells = (cell for time in times for cell in (time.p50_ms, time.p90_ms))
        table.add_row(stage, *map(milliseconds, cells), end_section=stage == STAGES[-1])
    return table


def _other(report: BenchReport) -> Iterator[str]:
    cold = report.cold_start
    if cold is not None:
        yield (
            f"cold start {cold.total_ms:.0f} ms: process {cold.start_ms:.0f}, "
            f"import {cold.import_ms:.0f}, load {cold.load_ms:.0f}, "
            f"first slice ({cold.image_format}) {cold.first_slice_ms:.0f}"
        )
        if cold.peak_mib is not None and cold.resident_mib is not None:
            yield f"memory to predict one slice {cold.resident_mib:.0f} MiB, peak {cold.peak_mib:.0f} MiB"
    if report.bench_peak_mib is not None:
        yield f"peak memory of this bench {report.bench_peak_mib:.0f} MiB"
    if report.before.governors:
        yield f"governor {' '.join(report.before.governors)}"
    if report.cooling is not None:
        yield str(report.cooling)
    for what, readings in (("before", report.before), ("after", report.after)):
        shown = [f"{zone.name} {zone.celsius:.1f} °C" for zone in readings.temperatures or ()]
        clocks = readings.frequencies_mhz
        if clocks:
            shown.append(f"clock {min(clocks):.0f} to {max(clocks):.0f} MHz")
        if readings.power:
            shown.append(f"board power {readings.power.watts:.2f} W")
        if shown:
            yield f"{what}: {', '.join(shown)}"


def about_sustained(load: Sustained) -> Iterator[str]:
    """Lines on inference without a pause."""
    short = f", broken off before {load.asked_s:.0f} s" if load.broken_off else ""
    percentiles = ", ".join(
        f"{name} {milliseconds(ms)}"
        for name, ms in (("p50", load.p50_ms), ("p90", load.p90_ms), ("p99", load.p99_ms))
    )
    yield (
        f"without a pause for {load.measured_s:.0f} s{short}, {load.threads} {_threads(load.threads)}: "
        f"{load.runs} inferences, {percentiles} ms; last tenth at {load.slowdown:.2f} times the first's time"
    )
    temperatures = [sample.celsius for sample in load.samples if sample.celsius is not None]
    if temperatures:
        yield f"temperature from {temperatures[0]:.0f} to {max(temperatures):.0f} °C at most"
    if load.energy is not None:
        energy = load.energy
        yield (
            f"board power ({energy.source}) {energy.load_watts:.2f} W, at rest {energy.idle_watts:.2f} W: "
            f"{energy.mj_per_inference:.1f} mJ an inference, {energy.mj_above_idle:.1f} mJ above rest"
        )

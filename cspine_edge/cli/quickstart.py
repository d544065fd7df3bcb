"""The verb ``quickstart``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import JsonOption, examples, print_json, progress_beside, say, show

if TYPE_CHECKING:
    from ..quickstart import QuickstartResult


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        "quickstart", epilog=examples("cspine-edge quickstart", "cspine-edge quickstart --out first-look")
    )(quickstart)


def quickstart(
    out: Annotated[Path, typer.Option("--out", help="Folder to make; must not exist.")] = Path("quickstart"),
    as_json: JsonOption = False,
) -> None:
    """Walk the whole way once on synthetic CT, in a few minutes. Needs the train extra.

    Phantom series as DICOM, audit and split by series, train MobileNet, tune it quantization-aware, convert
    to int8, check against float, classify an unseen series, bench; then one summary.
    """
    from ..quickstart import quickstart as run_quickstart

    with progress_beside(as_json):
        result = run_quickstart(out, log=say)
    if as_json:
        print_json(result.to_json())
    else:
        _print(result, out)


def _print(result: QuickstartResult, out: Path) -> None:
    from rich.table import Table

    from ..reliability import percent

    report = result.report
    right = sum(verdict.label == truth for verdict, truth in result.verdicts)
    files = [result.run.folder / name for name in (report.reference, report.candidate)]
    sizes = [file.stat().st_size / 1e6 for file in files]
    table = Table(
        title="Quickstart: synthetic CT, nothing here says anything about patients", title_justify="left"
    )
    for column in ("", "float32", "int8"):
        table.add_column(column)
    metrics = (report.reference_metrics, report.candidate_metrics)
    for name in ("accuracy", "recall", "specificity", "auc"):
        table.add_row(name, *(str(getattr(entry, name)) for entry in metrics))
    reliabilities = (report.reference_reliability, report.candidate_reliability)
    table.add_row("calibration error", *(f"{entry.ece_after:.4f}" for entry in reliabilities))
    referrals = [entry.referrals for entry in reliabilities]
    table.add_row("sent to a radiologist", *(percent(entry.referred) if entry else "" for entry in referrals))
    decided = (percent(entry.decided_accuracy) if entry else "" for entry in referrals)
    table.add_row("accuracy of the others", *decided)
    table.add_row("size", *(f"{size:.2f} MB" for size in sizes))
    table.add_row("latency", "", f"{result.median_ms:.2f} ms median, {result.threads} threads")
    table.add_row("unseen series (3)", "", f"{right} of {len(result.verdicts)} slices right")
    show(table)
    say(f"parity: {report.verdict.value.upper()}: {report.reason}")
    for name, path in (
        ("model", result.model),
        ("run", result.run.folder),
        ("check report", out / "check.json"),
        ("bench report", out / "bench.json"),
        ("audit, split", f"{out / 'audit.json'}, {out / 'split.json'}"),
    ):
        say(f"{name:<13} {path}")
    say(f"{sum(result.seconds.values()):.0f} s in all. Next: cspine-edge inspect {result.model}")

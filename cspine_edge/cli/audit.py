"""The verb ``audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import ExitCode
from .options import (
    DataArgument,
    JsonOption,
    OverwriteOption,
    SeedOption,
    SeriesPatternOption,
    WindowOption,
    examples,
    print_json,
    say,
    show,
)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        "audit",
        epilog=examples(
            "cspine-edge audit ct",
            "cspine-edge audit ct --out audited",
            "cspine-edge audit ct --split audited/split.json --json",
        ),
    )(audit)


def audit(
    data: DataArgument,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for audit.json, audit.html and split.json; without it nothing is written."
        ),
    ] = None,
    series_pattern: SeriesPatternOption = None,
    hold_out: Annotated[
        list[str] | None,
        typer.Option("--hold-out", metavar="SERIES", help="Series to test on; repeatable."),
    ] = None,
    split: Annotated[
        Path | None, typer.Option("--split", help="Split to examine for leaks, as 'train' uses it.")
    ] = None,
    window: WindowOption = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Find duplicates, leaks and shortcuts in labelled slices.

    Variants of one original too; with --out it writes a report, a page to look at and a split by series.

    Findings are no errors: the exit code is 0 when the audit ran, and 4 when slices could not be read.
    """
    from ..audit import audit_dataset, write_page
    from ..dataset import load_dataset
    from ..files import claimed, refuse_unwritable
    from ..progress import progress
    from ..splits import Split

    names = ("audit.json", "audit.html", "split.json")
    targets = [] if out is None else [out / name for name in names]
    for target in targets:
        refuse_unwritable(target, overwrite=overwrite)
    given = None if split is None else (split.name, Split.load(split))
    dataset = load_dataset(data, series_pattern=series_pattern, series_needed=False)
    with progress("reading slices", len(dataset)) as step:
        report, by_series = audit_dataset(
            dataset, seed=seed, hold_out=tuple(hold_out or ()), window=window, given=given, on_slice=step
        )
    if out is not None:
        with claimed(out):
            report.save(targets[0], overwrite=overwrite)
            write_page(targets[1], report, dataset, window=window, overwrite=overwrite)
            if by_series is None:
                targets.pop()
            else:
                by_series.save(targets[2], overwrite=overwrite)
    if as_json:
        print_json(report.to_dict())
    else:
        show(report)
        for target in targets:
            say(f"written: {target}")
    if report.unreadable:
        raise typer.Exit(int(ExitCode.BAD_INPUT))

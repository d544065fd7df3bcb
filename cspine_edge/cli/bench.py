"""The verb ``bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from ..slices import find_slices
from .options import JsonOption, ModelArgument, OverwriteOption, SeedOption, WindowOption, print_json


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("bench")(bench)


def bench(
    model: ModelArgument = None,
    threads: Annotated[
        str | None,
        typer.Option(
            "--threads",
            metavar="N,N",
            help="Thread counts to compare; whole slices, cold start and memory use the first. "
            "By default as many as 'predict' uses, and 1.",
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", min=0.0, help="Seconds of timed inference per thread count [5]."),
    ] = None,
    runs: Annotated[
        int | None, typer.Option("--runs", min=1, help="At least so many inferences per thread count [100].")
    ] = None,
    images: Annotated[
        list[Path] | None,
        typer.Option(
            "--images",
            metavar="FILE",
            help="Time whole slices on this file or folder; repeatable. By default on synthetic slices.",
        ),
    ] = None,
    window: WindowOption = None,
    quick: Annotated[bool, typer.Option("--quick", help="Rough figures in about two seconds.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Also write the report here, as JSON.")] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    seed: SeedOption = 0,
) -> None:
    """Measure latency, stages of a slice, cold start and memory on this machine."""
    from ..bench import bench as measure
    from ..files import refuse_existing
    from ..runtime import default_threads

    if out is not None:  # said now rather than after the work
        refuse_existing(out, overwrite=overwrite)
    report = measure(
        model,
        threads=tuple(dict.fromkeys((default_threads(), 1))) if threads is None else _parse_threads(threads),
        duration_s=(0.2 if quick else 5.0) if seconds is None else seconds,
        min_runs=(20 if quick else 100) if runs is None else runs,
        warmup=3 if quick else 20,
        images=find_slices(images) if images else None,
        seed=seed,
        window=window,
        cold_starts=1 if quick else 3,
        on_start=lambda banner: typer.echo(banner, err=as_json),
    )
    if out is not None:
        report.save(out, overwrite=overwrite)
    if as_json:
        print_json(report.to_json())
    else:
        from rich.console import Console

        Console(highlight=False).print(report)


def _parse_threads(text: str) -> tuple[int, ...]:
    try:
        counts = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        counts = ()
    if not counts or not all(1 <= count <= 64 for count in counts):
        raise UsageError(f"--threads {text!r} is not a list of numbers from 1 to 64, such as 1,2,4")
    return counts

"""The verb ``recommend``."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import ExitCode
from ..recommend import Cpu
from .options import JsonOption, examples, print_json, show


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        "recommend",
        epilog=examples(
            "cspine-edge recommend --max-ms 20",
            "cspine-edge recommend --cpu a76 --max-mb 1 --min-sensitivity 0.6",
        ),
    )(recommend)


def recommend(
    max_ms: Annotated[
        float | None, typer.Option("--max-ms", help="Longest time of one inference, in ms.")
    ] = None,
    max_mb: Annotated[
        float | None, typer.Option("--max-mb", help="Largest model file, in MB (1e6 bytes).")
    ] = None,
    min_sensitivity: Annotated[
        float | None,
        typer.Option("--min-sensitivity", help="Least sensitivity on each held-out series, 0 to 1."),
    ] = None,
    cpu: Annotated[
        Cpu,
        typer.Option(
            "--cpu", help="Where it is to run: a72 (Raspberry Pi 4), a76 (Raspberry Pi 5) or this machine."
        ),
    ] = Cpu.A72,
    as_json: JsonOption = False,
) -> None:
    """Pick the best measured network that keeps the limits.

    The best has the highest balanced accuracy on held-out series.
    Exit code 0 if there is one, 1 if no network of the table keeps them all.
    """
    from ..pareto import shipped_table
    from ..recommend import Limits, speed_here, speed_of_core
    from ..recommend import recommend as pick

    limits, table = Limits(max_ms, max_mb, min_sensitivity), shipped_table()
    found = pick(table, limits, speed_here(table) if cpu is Cpu.HERE else speed_of_core(cpu))
    if as_json:
        print_json(found.to_json())
    else:
        show(found)
    if found.chosen is None:
        raise typer.Exit(int(ExitCode.GATE_FAILED))

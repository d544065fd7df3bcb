"""The verb ``verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..contract import KernelFamily
from ..errors import ExitCode, UsageError
from .options import JsonOption, ModelArgument, ThreadsOption, examples, print_json, say


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        "verify", epilog=examples("cspine-edge verify", "cspine-edge verify model.tflite --all-families")
    )(verify)


def verify(
    model: ModelArgument = None,
    family: Annotated[
        KernelFamily | None, typer.Option("--family", help="Kernels to use [the runtime's own].")
    ] = None,
    all_families: Annotated[
        bool,
        typer.Option(
            "--all-families", help="All kernels of all installed runtimes, and how far apart they are."
        ),
    ] = False,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay the model's golden pairs on this machine.

    They show whether it answers as the workstation did.
    Exit code 0 if every output is equal (bit for bit for an integer model), 1 if not.
    """
    if all_families:
        if family is not None:
            raise UsageError("--family and --all-families exclude each other")
        _verify_all(model, threads, as_json)
        return
    from ..classifier import Classifier
    from ..documents import encode
    from ..verification import verify as replay

    result = replay(Classifier(model, threads=threads, family=family))
    if as_json:
        print_json(encode(result) | {"exact": result.exact, "passed": result.passed})
    else:
        for pair in result.pairs:
            word = "equal" if pair.equal else "DIFFERS"
            say(f"{word:<8} {pair.image}  largest difference {pair.largest_difference:g}")
        word = "passed" if result.passed else "FAILED"
        say(f"{word}: {len(result.pairs)} golden pairs {result.agreement.value}, {result.banner}")
    if not result.passed:
        raise typer.Exit(int(ExitCode.GATE_FAILED))


def _verify_all(model: Path | None, threads: int | None, as_json: bool) -> None:
    from ..kernel_families import verify_families

    report = verify_families(model, threads)
    if as_json:
        print_json(report.to_json())
    else:
        say(*str(report).split("\n"))
    if not report.passed:
        raise typer.Exit(int(ExitCode.GATE_FAILED))

"""The verb ``verify``."""

from __future__ import annotations

from typing import Annotated

import typer

from ..contract import KernelFamily
from ..errors import ExitCode
from .options import JsonOption, ModelArgument, ThreadsOption, print_json


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("verify")(verify)


def verify(
    model: ModelArgument = None,
    family: Annotated[
        KernelFamily | None, typer.Option("--family", help="Kernels to use [the runtime's own].")
    ] = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay the model's golden pairs: they show whether this machine answers as the workstation did.

    Exit code 0 if every output is equal (bit for bit for an integer model; within one step
    with tflite-runtime), 1 if not.
    """
    from ..classifier import Classifier
    from ..documents import encode
    from ..verification import verify as replay

    result = replay(Classifier(model, threads=threads, family=family))
    if as_json:
        print_json(encode(result) | {"passed": result.passed})
    else:
        for pair in result.pairs:
            word = "equal" if pair.equal else "DIFFERS"
            typer.echo(f"{word:<8} {pair.image}  largest difference {pair.largest_difference:g}")
        word = "passed" if result.passed else "FAILED"
        typer.echo(f"{word}: {len(result.pairs)} golden pairs {result.demanded}, {result.banner}")
    if not result.passed:
        raise typer.Exit(int(ExitCode.GATE_FAILED))

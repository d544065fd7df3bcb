"""The command line: one thin module per verb, each parses, calls the library and prints."""

from __future__ import annotations

import importlib
import io
import sys
from typing import Annotated

import typer

from .. import __version__
from ..errors import CspineError, ExitCode

app = typer.Typer(
    name="cspine-edge",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Cervical-spine-fracture CT classifiers as verified int8 models on small devices.\n\n"
    "Research use only. Not a medical device.\n\n"
    "Exit codes: 0 done or passed, 1 the gate failed, 2 wrong usage, 3 too little evidence to decide, "
    "4 bad input, 5 a missing extra.",
)

VERBS = (
    "quickstart",
    "phantom",
    "audit",
    "train",
    "convert",
    "check",
    "predict",
    "bench",
    "verify",
    "inspect",
)
"""The verbs in the order of the work; each is a module here with a function of its name."""


def _version(value: bool) -> None:
    if value:
        typer.echo(f"cspine-edge {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; the errors of this package end it with one sentence and their exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # File names need not be text; a JSON escape keeps what cannot be encoded.
        sys.stdout.reconfigure(errors="backslashreplace")
    given = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), None)
    for verb in VERBS:
        # Only the verb that was called is imported; all of them for the overview.
        if given == verb or given not in VERBS:
            importlib.import_module(f".{verb}", __name__).register(app)
    try:
        app()
    except CspineError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(int(error.exit_code)) from None
    except BrokenPipeError:
        raise SystemExit(int(ExitCode.OK)) from None

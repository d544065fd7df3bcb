"""The command line: one thin module per verb, each parses, calls the library and prints."""

from __future__ import annotations

import importlib
import io
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .. import __version__
from ..errors import CspineError, ExitCode

VERBS = (
    "quickstart",
    "phantom",
    "audit",
    "train",
    "convert",
    "export",
    "check",
    "layers",
    "predict",
    "bench",
    "verify",
    "inspect",
    "recommend",
)
"""The verbs in the order of the work; each is a module here with a function of its name."""


class _Verbs(TyperGroup):
    """Commands of one word or of two: ``bench compare A B`` is "bench compare", and ``bench ./compare`` a model."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        two_words = " ".join(args[:2])
        return super().resolve_command(ctx, [two_words, *args[2:]] if two_words in self.commands else args)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"cspine-edge {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def command_line(verbs: tuple[str, ...] = VERBS) -> typer.Typer:
    """Put the command line together from these verbs; no other is imported."""
    app = typer.Typer(
        name="cspine-edge",
        cls=_Verbs,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help="Cervical-spine-fracture CT classifiers as verified int8 models on small devices.\n\n"
        "Research use only. Not a medical device.\n\n"
        "Exit codes: 0 done or passed, 1 the gate failed, 2 wrong usage, 3 too little evidence to decide, "
        "4 bad input, 5 a missing extra.",
    )
    app.callback()(_root)
    for verb in verbs:
        importlib.import_module(f".{verb}", __name__).register(app)
    return app


def main() -> None:
    """Run the command line; the errors of this package end it with one sentence and their exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # File names need not be text; a JSON escape keeps what cannot be encoded.
        sys.stdout.reconfigure(errors="backslashreplace")
    given = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), None)
    try:
        command_line((given,) if given in VERBS else VERBS)()
    except CspineError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(int(error.exit_code)) from None
    except BrokenPipeError:
        raise SystemExit(int(ExitCode.OK)) from None
    except OSError as error:  # a place that no module has looked at before: a closed folder, a name too long
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(f"error: {where}{error.strerror or error}; choose another place", err=True)
        raise SystemExit(int(ExitCode.BAD_INPUT)) from None

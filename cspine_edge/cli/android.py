"""The verb ``android``: ``android build`` and ``android verify``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ..android.project import PASSWORD_VARIABLE
from ..errors import ExitCode
from ..shipped import find_model
from .options import MODEL_HELP, JsonOption, OverwriteOption, examples, print_json, say, shipped_names


def register(app: typer.Typer) -> None:
    """Add the verb to the command line, with the two it has."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.command(
        "build",
        epilog=examples(
            "cspine-edge android build --out scanner.apk",
            "cspine-edge android build --model model.tflite --out scanner.apk --overwrite",
        ),
    )(build)
    group.command("verify", epilog=examples("cspine-edge android verify scanner.apk --model model.tflite"))(
        verify
    )
    app.add_typer(group, name="android", help="Build the scanner app around a model, or verify an APK.")


def build(
    out: Annotated[Path, typer.Option("--out", help="APK to write.")],
    model: Annotated[
        Path | None, typer.Option("--model", help=MODEL_HELP, autocompletion=shipped_names)
    ] = None,
    keystore: Annotated[
        Path | None,
        typer.Option(
            "--keystore",
            help=f"Key store with the one key to sign with; its password is in {PASSWORD_VARIABLE}, or asked for. "
            "By default the public debug key.",
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Build the scanner app into a signed APK around a model.

    The same input gives the same bytes.
    """
    from ..android.assembly import build as assemble
    from ..documents import encode

    built = assemble(find_model(model), out, keystore=keystore, password=_password, overwrite=overwrite)
    if as_json:
        print_json(encode(built))
    else:
        say(*str(built).split("\n"))


def verify(
    apk: Annotated[Path, typer.Argument(metavar="APK", help="APK of the scanner app.")],
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", help="Model that it should carry as its default, bit for bit: a file or a shipped one."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check an APK's signature, manifest, models and code.

    Its alignment too, and each call of Android's API. Exit code 0 if every check passed, 1 if not.
    """
    from ..android.verification import verify as examine

    report = examine(apk, find_model(model) if model is not None else None)
    if as_json:
        print_json(report.to_json())
    else:
        say(*str(report).split("\n"))
    if not report.passed:
        raise typer.Exit(int(ExitCode.GATE_FAILED))


def _password() -> str:
    given = os.environ.get(PASSWORD_VARIABLE)
    return (
        given
        if given is not None
        else str(typer.prompt("Password of the key store", hide_input=True, err=True))
    )

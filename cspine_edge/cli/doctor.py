"""The verb ``doctor``."""

from __future__ import annotations

import typer

from .options import JsonOption, examples, print_json, say


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("doctor", epilog=examples("cspine-edge doctor"))(doctor)


def doctor(as_json: JsonOption = False) -> None:
    """Tell what works here, and the line that brings the rest.

    Exit code 0 if the verbs of the device work; 1 if golden pairs differ, 4 if the interpreter does not load,
    5 if a package is missing.
    """
    from ..doctor import examine

    found = examine()
    if as_json:
        print_json(found.to_json())
    else:
        say(*str(found).split("\n"))
    if found.exit_code:
        raise typer.Exit(int(found.exit_code))

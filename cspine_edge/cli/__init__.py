"""The command line: one thin module per verb, each parses, calls the library and prints."""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import NoReturn

from ..errors import CspineError, ExitCode, printable
from ..interruption import Interrupted, end_on_signals
from ..streams import open_streams

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
    "doctor",
    "android",
)
"""The verbs in the order of the work; each is a module here with a function of its name."""


def program() -> None:
    """Run the command line as a process of its own."""
    open_streams()
    end_on_signals()
    try:
        main()
    except SystemExit as end:
        at_once = bool(
            _plain(sys.argv[1:])
        )  # to take numpy and the interpreter apart takes a tenth of all the time
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:  # it was told already, and would be told again
            at_once = True
        if at_once and isinstance(end.code, int):
            os._exit(end.code)
        raise


def main() -> None:
    """Run the command line; the errors of this package end it with one sentence and their exit code.

    An interruption is one line and 130 or 143, as for any command of a shell.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # File names need not be text; a JSON escape keeps what cannot be encoded.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            _run(sys.argv[1:])
        finally:
            sys.stdout.flush()  # a full disk is told, and not found by the interpreter's end
    except Interrupted as end:
        print(end, file=sys.stderr)
        raise
    except CspineError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(int(error.exit_code)) from None
    except MemoryError:
        print(
            "error: too large for this machine's memory; give less at a time, or use a larger machine",
            file=sys.stderr,
        )
        raise SystemExit(int(ExitCode.BAD_INPUT)) from None
    except OSError as error:  # a place that no module has looked at before: a closed folder, a name too long
        where = f"{error.filename}: " if error.filename else ""
        what = printable(f"{where}{error.strerror or error}")
        print(f"error: {what}; choose another place", file=sys.stderr)
        raise SystemExit(int(ExitCode.BAD_INPUT)) from None


def _run(arguments: list[str]) -> None:
    plain = _plain(arguments)
    if plain is not None:
        _predict(plain)
    from .app import command_line

    given = next((argument for argument in arguments if not argument.startswith("-")), None)
    command_line((given,) if given in VERBS else VERBS)()


def _plain(arguments: list[str]) -> dict[str, list[str]] | None:
    """Take ``predict`` with paths, perhaps a model and a form, apart; None for all that needs a parser.

    To build one takes as long as a verdict.
    """
    if arguments[:1] != ["predict"]:
        return None
    found: dict[str, list[str]] = {"paths": [], "--model": [], "form": []}
    rest = iter(arguments[1:])
    for argument in rest:
        if argument == "--model":
            found["--model"].append(next(rest, ""))
        elif argument in ("--json", "--csv"):
            found["form"].append(argument.removeprefix("--"))
        elif argument.startswith("-"):
            return None
        else:
            found["paths"].append(argument)
    once = len(found["--model"]) <= 1 and len(found["form"]) <= 1
    return found if found["paths"] and once and "" not in found["--model"] else None


def _predict(plain: dict[str, list[str]]) -> NoReturn:
    gc.disable()  # imports make many objects and no garbage; it is enabled again for the work
    from pathlib import Path

    from ..prediction import Form, predict

    try:
        code = predict(
            [Path(path) for path in plain["paths"]],
            model=next((Path(model) for model in plain["--model"]), None),
            form=next((Form(form) for form in plain["form"]), Form.LINES),
        )
    finally:
        gc.enable()  # also where it ended before its work
    raise SystemExit(int(code))

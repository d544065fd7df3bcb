"""Options that several verbs share, so that they are spelled and explained alike."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError, printable
from ..shipped import SHIPPED

if TYPE_CHECKING:
    from ..window import Window

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists already.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of everything random.")]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads", min=1, max=64, help="Interpreter threads; by default the processors, at most 4."
    ),
]


def parse_window(text: str) -> Window:
    """Read ``CENTER/WIDTH``; see :meth:`cspine_edge.window.Window.parse`."""
    from ..window import Window

    return Window.parse(text)


WindowOption = Annotated[
    Any,  # a Window or None; naming the type here would import numpy for every --help
    typer.Option(
        "--window",
        parser=parse_window,
        metavar="CENTER/WIDTH",
        help="Window in HU for slices whose window neither the model's contract nor the file gives, "
        "e.g. 400/1800.",
    ),
]
SeriesPatternOption = Annotated[
    str | None,
    typer.Option(
        "--series-pattern",
        metavar="REGEX",
        help="How the file name (without suffix) names the CT series: a regular expression with a group "
        "'series'.",
    ),
]
MODEL_HELP = "A .tflite file with a contract, or one of the shipped: mobilenet, fast [mobilenet]."


def shipped_names(incomplete: str) -> list[str]:
    """Complete the name of a shipped model; a shell goes on to files where none fits."""
    return [name for name in SHIPPED if name.startswith(incomplete)]


ModelArgument = Annotated[
    Path | None, typer.Argument(metavar="[MODEL]", help=MODEL_HELP, autocompletion=shipped_names)
]
DataArgument = Annotated[
    Path, typer.Argument(help="Folder with fracture/ and normal/ (perhaps below train/, val/), or a CSV.")
]


def examples(*calls: str) -> str:
    """Give the epilogue of a verb's help: calls as they are typed, each on a line of its own."""
    lines = "\n".join(f"  {call}" for call in calls)
    return f"\b\nExamples:\n{lines}"  # \b keeps the lines as they are


def say(*lines: object, err: bool = False) -> None:
    """Print lines for people; names, labels and whatever else is others' cannot make further lines or move a cursor."""
    typer.echo("\n".join(printable(str(line)) for line in lines), err=err)


def show(renderable: Any) -> None:
    """Print a table for people; its cells are texts as they are, for names may have brackets or colons in them."""
    from rich.console import Console

    Console(markup=False, emoji=False, highlight=False).print(renderable)


def print_json(document: Any) -> None:
    """Print a document as JSON on standard output."""
    say(*json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).split("\n"))


@contextmanager
def progress_beside(as_json: bool) -> Iterator[None]:
    """Have what the block prints go to standard error, if standard output is for JSON alone.

    What others print too: Keras tells of its downloads on standard output.
    """
    if not as_json:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield


def parse_value_range(text: str) -> tuple[float, float]:
    """Read ``LOW,HIGH``.

    Raises
    ------
    UsageError
        If it is not two rising finite numbers.
    """
    try:
        low, high = (float(number) for number in text.split(","))
    except ValueError:
        low = high = 0.0
    if not low < high or not math.isfinite(high - low):
        raise UsageError(f"--value-range '{text}' is not LOW,HIGH with LOW below HIGH, such as 0,1 or -1,1")
    return low, high

"""The verb ``phantom``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..phantom import ImageFormat
from .options import JsonOption, SeedOption, examples, print_json, say


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        "phantom",
        epilog=examples(
            "cspine-edge phantom ct", "cspine-edge phantom ct --series 4 --slices 4 --format png"
        ),
    )(phantom)


def phantom(
    out: Annotated[Path, typer.Argument(help="Folder to write; must not exist or be empty.")],
    series: Annotated[int, typer.Option("--series", min=1, max=10_000, help="Number of series.")] = 10,
    slices: Annotated[int, typer.Option("--slices", min=1, max=1_000, help="Slices in each.")] = 20,
    difficulty: Annotated[
        float,
        typer.Option(
            "--difficulty", min=0.0, max=1.0, help="0: wide displaced gaps, little noise; 1: the opposite."
        ),
    ] = 0.3,
    image_format: Annotated[
        ImageFormat, typer.Option("--format", help="DICOM in HU, or PNG in a bone window.")
    ] = ImageFormat.DICOM,
    intact_share: Annotated[
        float, typer.Option("--intact-share", min=0.0, max=1.0, help="Share of series without any fracture.")
    ] = 0.0,
    size: Annotated[int, typer.Option("--size", min=64, max=2048, help="Rows and columns of a slice.")] = 512,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Write synthetic cervical CT series with known fractures.

    Axial slices, and a manifest of the truth.
    """
    from ..documents import encode
    from ..phantom import write_phantom
    from ..progress import progress

    with progress("writing series", series) as step:
        written = write_phantom(
            out,
            series=series,
            slices=slices,
            seed=seed,
            difficulty=difficulty,
            image_format=image_format,
            size=size,
            intact_share=intact_share,
            on_series=lambda _: step(),
        )
    if as_json:
        print_json(encode(written))
    else:
        say(f"{out}: {written.describe()}")

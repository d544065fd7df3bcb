"""The verb ``layers``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import printable
from .options import (
    JsonOption,
    OverwriteOption,
    SeriesPatternOption,
    ThreadsOption,
    WindowOption,
    examples,
    print_json,
    say,
    show,
)

if TYPE_CHECKING:
    from ..layer_error import LayerReport


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        "layers",
        epilog=examples(
            "cspine-edge layers run/mobilenet-a1.0-224-int8-qat.tflite",
            "cspine-edge layers int8.tflite --reference float32.tflite --data ct --plot layers.png",
        ),
    )(layers)


def layers(
    model: Annotated[Path, typer.Argument(help="The quantised .tflite file.")],
    reference: Annotated[
        Path | None, typer.Option("--reference", help="Its float .tflite [the run's float32 model].")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Labelled slices [the run's validation part; test, if it has none]."),
    ] = None,
    split: Annotated[
        Path | None,
        typer.Option("--split", help="Use only the validation (else test) part of this split of --data."),
    ] = None,
    slices: Annotated[
        int, typer.Option("--slices", min=8, help="How many of them, spread evenly over all.")
    ] = 32,
    window: WindowOption = None,
    series_pattern: SeriesPatternOption = None,
    threads: ThreadsOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the report as JSON.")] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw it as a PNG. Needs the train extra.")
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show the layers where quantisation hurts, worst first.

    Measured is the signal to noise of each layer's output against that of the float model.
    """
    from ..files import refuse_unwritable
    from ..layer_error import measure_layers, open_to_compare
    from ..progress import progress
    from .pairing import find_data, find_reference

    for path in (out, plot):
        if path is not None:
            refuse_unwritable(path, overwrite=overwrite)
    if plot is not None:
        from ..training.plots import plot_layers
    candidate = open_to_compare(model, threads)
    against = open_to_compare(reference or find_reference(candidate.file), threads)
    part, _ = find_data(candidate.file, data, split, series_pattern, validation=True)
    dataset = part.spread(slices)
    with progress("comparing", 2 * len(dataset)) as step:
        report = measure_layers(candidate, against, dataset, window=window, on_slice=step)
    if out is not None:
        report.save(out, overwrite=overwrite)
    if plot is not None:
        plot_layers(report, plot, overwrite=overwrite)
    if as_json:
        print_json(report.to_json())
    else:
        _print(report)


def _print(report: LayerReport) -> None:
    from rich.table import Table

    table = Table(title=printable(f"{report.candidate} against {report.reference}"), title_justify="left")
    table.add_column("layer")
    table.add_column("operation")
    table.add_column("in")
    for column in ("SQNR dB", "drop dB", "bias"):
        table.add_column(column, justify="right")
    for layer in report.worst_first():
        table.add_row(*map(printable, (layer.name, layer.operation, layer.arithmetic)), *layer.figures())
    show(table)
    say("SQNR: of what reaches the layer's output, per channel up to a factor; drop: the layer's own part")
    say("bias: mean error of a channel in standard deviations of the signal")
    say(f"data: {report.data}; {report.banner}")

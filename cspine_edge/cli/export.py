"""The verb ``export``: files for other tools."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ..contract import Precision
from ..errors import UsageError
from .options import (
    JsonOption,
    OverwriteOption,
    SeedOption,
    SeriesPatternOption,
    examples,
    parse_value_range,
    print_json,
    say,
)


class ExportFormat(str, Enum):
    """What to export to."""

    ONNX = "onnx"
    """For TensorRT and ONNX Runtime; the contract is in its metadata."""
    SAVED_MODEL = "saved-model"
    """TensorFlow's own, a folder; the contract lies in it."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        "export",
        epilog=examples(
            "cspine-edge export run --format onnx", "cspine-edge export run --format saved-model --out saved"
        ),
    )(export)


def export(
    source: Annotated[Path, typer.Argument(help="Run folder of 'train', or a .keras or .h5 file.")],
    file_format: Annotated[ExportFormat, typer.Option("--format", help="What to export to.")],
    precision: Annotated[
        Precision, typer.Option("--precision", help="Arithmetic: float32, or int8 for ONNX.")
    ] = Precision.FLOAT32,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="What to write [NAME-PRECISION.onnx or NAME-saved-model beside the source]."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Labelled training slices, for a bare Keras file in int8."),
    ] = None,
    series_pattern: SeriesPatternOption = None,
    value_range: Annotated[
        str,
        typer.Option(
            "--value-range", metavar="LOW,HIGH", help="Values a bare Keras file takes black and white as."
        ),
    ] = "0,1",
    seed: SeedOption = 0,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Export a trained network to ONNX or as a SavedModel.

    Its contract goes with it. Needs the train extra, for ONNX onnx too.
    """
    from converters.source import default_output, source_of

    if file_format is ExportFormat.SAVED_MODEL and precision is not Precision.FLOAT32:
        raise UsageError("a SavedModel is float32; leave out --precision")
    described = source_of(source, data, series_pattern, parse_value_range(value_range))
    beside = default_output(described, precision)
    if file_format is ExportFormat.ONNX:
        from converters.onnx_export import export_onnx

        target = out or beside.with_suffix(".onnx")
        contract = export_onnx(described, precision, target, seed=seed, overwrite=overwrite).contract
    else:
        from converters.saved_model import export_saved_model

        target = out or beside.with_name(f"{beside.stem.removesuffix('-float32')}-saved-model")
        contract = export_saved_model(described, target, overwrite=overwrite)
    if as_json:
        print_json({"path": str(target), "contract": contract.to_json() if contract else None})
        return
    say(f"{target}: {file_format.value}, {precision.value}")

"""The verb ``convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..contract import Precision
from ..interruption import resumable
from .options import (
    JsonOption,
    OverwriteOption,
    SeedOption,
    SeriesPatternOption,
    examples,
    parse_value_range,
    print_json,
    progress_beside,
    say,
)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        "convert",
        epilog=examples(
            "cspine-edge convert run --precision float32",
            "cspine-edge convert run",
            "cspine-edge convert network.h5 --precision int8 --data ct --value-range=-1,1",
        ),
    )(convert)


def convert(
    source: Annotated[Path, typer.Argument(help="Run folder of 'train', or a .keras or .h5 file.")],
    precision: Annotated[
        Precision, typer.Option("--precision", help="Arithmetic of the result.")
    ] = Precision.INT8_QAT,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write [NAME-PRECISION.tflite beside the source].")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Labelled training slices, for a bare Keras file in an int8 precision."),
    ] = None,
    series_pattern: SeriesPatternOption = None,
    value_range: Annotated[
        str,
        typer.Option(
            "--value-range", metavar="LOW,HIGH", help="Values a bare Keras file takes black and white as."
        ),
    ] = "0,1",
    calibration_size: Annotated[
        int, typer.Option("--calibration-size", min=1, help="Slices that activation ranges are taken from.")
    ] = 200,
    qat_epochs: Annotated[
        int, typer.Option("--qat-epochs", min=0, help="Epochs of quantization-aware training.")
    ] = 1,
    qat_rate: Annotated[
        float, typer.Option("--qat-rate", min=1e-8, max=1.0, help="Their learning rate; it falls to 0.")
    ] = 5e-5,
    allow_float: Annotated[
        bool, typer.Option("--allow-float", help="Accept floating-point operations in an int8 model.")
    ] = False,
    restore: Annotated[
        bool,
        typer.Option(
            "--restore",
            help="Keep the fewest layers of an int8 model in float until, on the validation part, the gate does "
            "not fail, no more decisions than --restore-lost are lost and the margins' signal to noise is at least "
            "--restore-db; say what that cost.",
        ),
    ] = False,
    restore_lost: Annotated[
        int, typer.Option("--restore-lost", min=0, help="With --restore: decisions that may be lost.")
    ] = 0,
    restore_db: Annotated[
        float,
        typer.Option(
            "--restore-db",
            min=0.0,
            max=100.0,
            help="With --restore: least signal to noise of the margins, in dB.",
        ),
    ] = 30.0,
    seed: SeedOption = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a broken-off quantization-aware training.")
    ] = False,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Convert a trained network to TFLite, contract included. Needs the train extra."""
    from converters.convert import BEGUN_FILE, ConvertSettings, checkpoints_of
    from converters.convert import convert as run_conversion
    from converters.restoration import Criterion
    from converters.source import default_output, source_of

    described = source_of(source, data, series_pattern, parse_value_range(value_range))
    settings = ConvertSettings(
        precision,
        calibration_size,
        qat_epochs,
        qat_rate,
        allow_float=allow_float,
        seed=seed,
        restore=Criterion(restore_lost, restore_db) if restore else None,
    )
    target = out or default_output(described, precision)
    with resumable(checkpoints_of(target) / BEGUN_FILE), progress_beside(as_json):
        result = run_conversion(described, settings, target, overwrite=overwrite, resume=resume, log=say)
    size = target.stat().st_size
    if as_json:
        contract, restored = result.file.contract, result.restoration
        document = {"path": str(target), "bytes": size, "contract": contract.to_json() if contract else None}
        print_json(document | ({"restoration": restored.to_json()} if restored else {}))
        return
    if result.restoration:
        say(*str(result.restoration).split("\n"))
    say(f"{target}: {size / 1e6:.2f} MB, {precision.value}")

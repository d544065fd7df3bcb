"""The verb ``train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import UsageError
from ..interruption import resumable
from ..recipe import Backbone, Head, Optimizer
from ..run import Run
from ..splits import Protocol, Split, grouped_split, paper_split
from .options import (
    DataArgument,
    JsonOption,
    SeedOption,
    SeriesPatternOption,
    examples,
    parse_window,
    print_json,
    progress_beside,
    say,
)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        "train",
        epilog=examples(
            "cspine-edge train ct --split audited/split.json --out run",
            "cspine-edge train ct --hold-out B10 --series-pattern '(?P<series>B\\d+)_' --out run",
            "cspine-edge train ct --backbone vgg16 --weights vgg16_notop.h5 --out vgg16",
        ),
    )(train)


def train(
    data: DataArgument,
    out: Annotated[Path, typer.Option("--out", help="Run folder to write.")],
    backbone: Annotated[Backbone, typer.Option("--backbone", help="Base network.")] = Backbone.MOBILENET,
    optimizer: Annotated[
        Optimizer,
        typer.Option("--optimizer", help="Optimizer of whatever has epochs, later of convert's tuning too."),
    ] = Optimizer.NADAM,
    protocol: Annotated[
        Protocol | None,
        typer.Option(
            "--protocol", help="paper: balanced random 3400/800; grouped: whole series held out [grouped]."
        ),
    ] = None,
    weights: Annotated[
        str,
        typer.Option(
            "--weights",
            metavar="imagenet|random|FILE",
            help="Start from: imagenet (downloaded once), random, a Keras h5 file without top, or a .keras "
            "of ours, whose linear heads are solved anew.",
        ),
    ] = "imagenet",
    head: Annotated[
        Head | None,
        typer.Option(
            "--head",
            help="dense: the paper's, trained; linear: logistic regressions at three depths, solved "
            "[paper: dense; grouped: linear].",
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=0, help="Epochs of a dense head, base frozen [60].")
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", min=1e-8, max=1.0, help="Learning rate of a dense head [1e-4].")
    ] = None,
    fine_tune_epochs: Annotated[
        int, typer.Option("--fine-tune-epochs", min=0, help="Epochs of the whole network, after the head.")
    ] = 0,
    teacher: Annotated[
        Path | None,
        typer.Option(
            "--teacher",
            metavar="RUN",
            help="Run folder of a network, trained on the same split, whose logits these epochs learn.",
        ),
    ] = None,
    fine_tune_rate: Annotated[
        float,
        typer.Option("--fine-tune-rate", min=1e-8, max=1.0, help="Learning rate where the base is trained."),
    ] = 1e-4,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Slices per step.")] = 32,
    dropout: Annotated[
        float | None, typer.Option("--dropout", min=0.0, max=0.9, help="Dropout of a dense head [0.5].")
    ] = None,
    hidden_units: Annotated[
        int | None, typer.Option("--hidden-units", min=1, help="Units of a dense head's ReLU layer [128].")
    ] = None,
    alpha: Annotated[float, typer.Option("--alpha", help="Width multiplier (mobilenet).")] = 1.0,
    blocks: Annotated[
        int | None, typer.Option("--blocks", help="Keep the first 5 to 12 blocks only (mobilenet) [all 13].")
    ] = None,
    size: Annotated[int, typer.Option("--size", help="Height and width of the input in pixels.")] = 224,
    hold_out: Annotated[
        list[str] | None,
        typer.Option("--hold-out", metavar="SERIES", help="Series to test on (grouped); repeatable."),
    ] = None,
    split: Annotated[
        Path | None,
        typer.Option("--split", help="Split written by 'audit', instead of a new one or the teacher's."),
    ] = None,
    window: Annotated[
        Any,
        typer.Option(
            "--window",
            parser=parse_window,
            metavar="CENTER/WIDTH",
            help="Window in HU for DICOM slices; goes into the contract [400/1800].",
        ),
    ] = None,
    sensitivity: Annotated[
        float,
        typer.Option(
            "--sensitivity", min=0.5, max=1.0, help="Wanted sensitivity of the threshold (grouped)."
        ),
    ] = 0.99,
    coverage: Annotated[
        float,
        typer.Option(
            "--coverage",
            min=0.5,
            max=0.999,
            help="Wanted share of each class that abstention leaves its class (grouped).",
        ),
    ] = 0.9,
    series_pattern: SeriesPatternOption = None,
    seed: SeedOption = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a broken-off run of the same settings.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a network of the paper and write a run folder. Needs the train extra."""
    from ..dataset import load_dataset
    from ..training.augment import Augmentation
    from ..training.backbones import Architecture
    from ..training.settings import SETTINGS_FILE, TrainSettings
    from ..training.train import train as run_training

    dataset = load_dataset(data, series_pattern=series_pattern)
    if split is not None:
        chosen = Split.load(split)
        if hold_out:
            raise UsageError("--split says already what is held out; leave out --hold-out")
        if protocol not in (None, chosen.protocol):
            raise UsageError(
                f"--split was made by the {chosen.protocol.value} protocol; leave out --protocol"
            )
    elif teacher is not None and protocol is None and not hold_out:
        chosen = Run.load(teacher).split()
    elif protocol is Protocol.PAPER:
        if hold_out:
            raise UsageError("--protocol paper divides images at random; --hold-out needs --protocol grouped")
        chosen = paper_split(dataset, seed)
    else:
        chosen = grouped_split(dataset, seed, tuple(hold_out or ()))
    is_paper = chosen.protocol is Protocol.PAPER
    head = head or (Head.DENSE if is_paper else Head.LINEAR)
    schedule = _given(epochs=epochs, rate=rate)
    layers = _given(dropout=dropout, hidden_units=hidden_units)
    if head is Head.LINEAR and (of_dense := [*schedule, *layers]):
        option = f"--{of_dense[0].replace('_', '-')}"
        raise UsageError(f"{option} is about a dense head; linear ones are solved; add --head dense")
    settings = TrainSettings(
        architecture=Architecture(backbone, alpha, size, head, blocks=blocks, **layers),
        optimizer=optimizer,
        weights=weights,
        fine_tune_epochs=fine_tune_epochs,
        teacher=teacher,
        fine_tune_rate=fine_tune_rate,
        batch_size=batch_size,
        augmentation=Augmentation() if is_paper else Augmentation.across_scanners(),
        window=window,
        sensitivity=sensitivity,
        coverage=coverage,
        seed=seed,
        **schedule,
    )
    with resumable(out / SETTINGS_FILE), progress_beside(as_json):
        result = run_training(
            dataset,
            chosen,
            settings,
            out,
            series_pattern=series_pattern,
            resume=resume,
            log=say,
        )
    if as_json:
        print_json(result.to_json())
        return
    say(f"threshold: {result.run.threshold.method}")
    if result.run.abstention is not None:
        say(f"temperature: {result.run.temperature:.3g}; abstention: {result.run.abstention}")
    say(f"run folder: {out}  (next: cspine-edge convert {out} --precision int8-qat)")


def _given(**options: Any) -> dict[str, Any]:
    """Keep what was given; the rest has the library's defaults."""
    return {name: value for name, value in options.items() if value is not None}

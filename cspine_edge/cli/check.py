"""The verb ``check``: the gate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode, printable
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
    from collections.abc import Callable

    from ..classifier import Classifier
    from ..dataset import LabelledDataset
    from ..layer_error import LayerReport
    from ..parity import ParityReport
    from ..window import Window

LAYER_SLICES = 32
"""How many slices the error of each layer is measured on, for the page."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        "check",
        epilog=examples(
            "cspine-edge check run/mobilenet-a1.0-224-int8-qat.tflite",
            "cspine-edge check int8.tflite --reference float32.tflite --data ct --split audited/split.json",
            "cspine-edge check int8.tflite --reference float32.tflite --data ct --html check.html",
        ),
    )(check)


def check(
    model: Annotated[Path, typer.Argument(help="The quantised .tflite file, or an .onnx of 'export'.")],
    reference: Annotated[
        Path | None, typer.Option("--reference", help="Its float .tflite [the run's float32 model].")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Labelled slices [the run's test part].")
    ] = None,
    split: Annotated[
        Path | None, typer.Option("--split", help="Use only the test part of this split of --data.")
    ] = None,
    margin: Annotated[
        float,
        typer.Option(
            "--margin", min=0.0001, max=0.5, help="Accepted loss of sensitivity and of specificity."
        ),
    ] = 0.01,
    window: WindowOption = None,
    series_pattern: SeriesPatternOption = None,
    threads: ThreadsOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the report as JSON.")] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", help="Write the report as a page with figures and flipped slices (train extra)."
        ),
    ] = None,
    record: Annotated[
        bool,
        typer.Option(
            "--record/--no-record",
            help="Write the verdict into the model's contract; never where a shipped model is named.",
        ),
    ] = True,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compare a quantised model with its float one: the gate.

    On the same slices, recall first.
    Each decides as its own contract says: by its own threshold, temperature and abstention.
    The page of --html holds images of patients where slices were decided differently.
    Exit code 0 if it passed, 1 if it failed, 3 if the cases are too few to decide.
    """
    from ..classifier import Classifier
    from ..files import refuse_unwritable
    from ..parity import GateVerdict, judge, measure
    from ..progress import progress
    from .pairing import find_data, find_reference

    for target in (out, html):
        if target is not None:
            refuse_unwritable(target, overwrite=overwrite)
    if html is not None:
        from ..parity_plots import require_matplotlib

        require_matplotlib()
    candidate = Classifier(model, threads=threads)
    dataset, leak = find_data(candidate.file, data, split, series_pattern)
    against = Classifier(reference or find_reference(candidate.file), threads=threads)
    with progress("comparing", len(dataset)) as step:
        paired = measure(candidate, against, dataset, window=window, on_slice=step)
    report = judge(
        paired,
        margin=margin,
        candidate=candidate.file.path.name,
        reference=against.file.path.name,
        leak=leak,
    )
    if out is not None:
        report.save(out, overwrite=overwrite)
    if html is not None:
        from ..parity_page import write_page

        with progress("comparing layers", 2 * min(LAYER_SLICES, len(dataset))) as step:
            layers = _layers(candidate, against, dataset, threads, window, step)
        write_page(
            html,
            report,
            paired,
            candidate.file,
            against.file,
            banner=candidate.session.banner,
            window=window,
            layers=layers,
            overwrite=overwrite,
        )
    if as_json:
        print_json(report.to_json())
    else:
        _print(report, candidate.session.banner)
    if record and candidate.file.path == model:  # a shipped model that was named stays what its hash says
        candidate.file.with_parity(report.summary())
    codes = {
        GateVerdict.PASSED: ExitCode.OK,
        GateVerdict.FAILED: ExitCode.GATE_FAILED,
        GateVerdict.TOO_LITTLE_EVIDENCE: ExitCode.TOO_LITTLE_EVIDENCE,
    }
    raise typer.Exit(int(codes[report.verdict]))


def _layers(
    candidate: Classifier,
    reference: Classifier,
    dataset: LabelledDataset,
    threads: int | None,
    window: Window | None,
    on_slice: Callable[[], object],
) -> LayerReport | str:
    """Give the error of each layer, or why it cannot be measured."""
    from ..errors import ModelError, UsageError
    from ..layer_error import measure_layers, open_to_compare

    try:
        return measure_layers(
            open_to_compare(candidate.file.path, threads),
            open_to_compare(reference.file.path, threads),
            dataset.spread(LAYER_SLICES),
            window=window,
            on_slice=on_slice,
        )
    except ModelError as error:
        return error.reason
    except UsageError as error:
        return str(error)


def _print(report: ParityReport, banner: str) -> None:
    from rich.table import Table

    names = f"{Path(report.candidate).name} against {Path(report.reference).name}"
    table = Table(title=printable(names), title_justify="left")
    for column in ("", "reference", "candidate"):
        table.add_column(column)
    for row in report.rows():
        table.add_row(*row)
    show(table)
    metrics = report.reference_metrics
    say(f"95 % intervals over {metrics.clusters} {metrics.unit}; {banner}")
    say(f"data: {report.data}; {report.leak}")
    thresholds = (report.reference_decision.threshold.logit, report.candidate_decision.threshold.logit)
    say(f"each at its own threshold: {thresholds[0]:+.3f} the reference, {thresholds[1]:+.3f} the candidate")
    for name, loss in (("sensitivity", report.sensitivity_loss), ("specificity", report.specificity_loss)):
        say(
            f"{name}: lower by {100 * loss.estimate:.2f} points, at least {100 * loss.lower:.2f}, at most "
            f"{100 * loss.upper:.2f} (each 95 %, {loss.series} series; non-inferior p {loss.non_inferior_p:.3g}); "
            f"{loss.lost} lost, {loss.gained} gained, McNemar p {loss.mcnemar_p:.3g} over slices, "
            f"{loss.series_p:.3g} over series"
        )
    say(
        f"agreement {100 * report.agreement:.2f} %, {len(report.flips)} flips of {metrics.slices}; "
        f"margins differ by {report.mean_difference:.3f} on average, {report.largest_difference:.3f} at most"
    )
    for flip in report.flips[:10]:
        say(
            f"  flip: {flip.path} ({flip.label}) {flip.reference_margin:+.3f} -> {flip.candidate_margin:+.3f}"
        )
    say(f"verdict: {report.verdict.value.upper()}: {report.reason}")

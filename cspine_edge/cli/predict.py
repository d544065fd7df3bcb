"""The verb ``predict``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import CspineError, ExitCode, UsageError
from .options import MODEL_HELP, ThreadsOption, WindowOption, parse_value_range

if TYPE_CHECKING:
    from ..classifier import Facts, Verdict

_CSV_COLUMNS = (
    *("path", "frame", "label", "score", "margin", "threshold", "refer", "referral", "coverage"),
    *("window", "window_source", "series"),
)
_REFER = ", refer to a radiologist"


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("predict")(predict)


def predict(
    inputs: Annotated[list[Path], typer.Argument(help="PNG, JPEG and DICOM files, and folders of them.")],
    model: Annotated[Path | None, typer.Option("--model", help=MODEL_HELP)] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", help="Operating threshold on the score, instead of the contract's."),
    ] = None,
    window: WindowOption = None,
    threads: ThreadsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels", metavar="A,B", help="Class names in output order, for a model without contract."
        ),
    ] = None,
    positive: Annotated[
        str, typer.Option("--positive", help="Which of --labels is looked for.")
    ] = "fracture",
    value_range: Annotated[
        str, typer.Option("--value-range", metavar="LOW,HIGH", help="What it takes black and white as.")
    ] = "0,1",
    outputs: Annotated[
        str, typer.Option("--outputs", metavar="probabilities|logits", help="What it gives.")
    ] = "probabilities",
) -> None:
    """Classify CT slices on this device. Research use only; not a medical device.

    A slice whose margin leaves both labels possible, or neither, is to be sent to a radiologist.
    A slice that cannot be read is named, the rest go on, and the exit code is 4; it is 5 if all that was
    lacking is the extra that brings more DICOM decoders.
    """
    from ..classifier import Classifier
    from ..slices import find_slices, iter_slices

    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other")
    classifier = Classifier(
        model, threads=threads, threshold=threshold, facts=_facts(labels, positive, value_range, outputs)
    )
    if labels is not None and classifier.file.contract is not None:
        raise UsageError(f"{classifier.file.path} carries its own contract; leave --labels out")
    failures: list[ExitCode] = []

    def report(error: CspineError) -> None:
        failures.append(error.exit_code)
        typer.echo(f"error: {error}", err=True)

    def verdicts() -> Iterator[Verdict]:
        for ct_slice in iter_slices(find_slices(inputs, report), report):
            try:
                yield classifier.classify(ct_slice, window)
            except CspineError as error:
                report(error)

    write = _write_json if as_json else _write_csv if as_csv else _write_table
    count = write(verdicts())
    if window is not None and classifier.spec.window is not None:
        typer.echo(
            f"note: the model's contract fixes the window ({classifier.spec.window}); --window was not used",
            err=True,
        )
    if failures:
        typer.echo(f"{count} slices classified, {len(failures)} inputs could not be used", err=True)
        raise typer.Exit(int(min(failures)))


def _facts(labels: str | None, positive: str, value_range: str, outputs: str) -> Facts | None:
    from ..classifier import Facts

    if labels is None:
        return None
    names = tuple(name.strip() for name in labels.split(","))
    if len(names) != 2 or len(set(names)) != 2 or positive not in names:
        raise UsageError(
            f"--labels '{labels}' is not two different names, one of them --positive '{positive}'"
        )
    if outputs not in ("probabilities", "logits"):
        raise UsageError(f"--outputs '{outputs}' is neither probabilities nor logits")
    return Facts((names[0], names[1]), positive, parse_value_range(value_range), outputs == "probabilities")


def _plain(verdict: Verdict) -> dict[str, Any]:
    return {column: getattr(verdict, column) for column in _CSV_COLUMNS} | {
        "score": round(verdict.score, 6),
        "margin": max(-1e308, min(1e308, verdict.margin)),  # JSON has no infinity
        "referral": verdict.referral.value,
        "window_source": verdict.window_source.value,
    }


def _write_json(verdicts: Iterable[Verdict]) -> int:
    import json

    count = 0
    sys.stdout.write("[")
    for count, verdict in enumerate(verdicts, start=1):
        sys.stdout.write(",\n " if count > 1 else "\n ")
        sys.stdout.write(json.dumps(_plain(verdict), ensure_ascii=False))
    sys.stdout.write("\n]\n")
    return count


def _write_csv(verdicts: Iterable[Verdict]) -> int:
    import csv

    writer = csv.DictWriter(sys.stdout, _CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    count = 0
    for verdict in verdicts:
        writer.writerow(_plain(verdict))
        count += 1
    return count


def _write_table(verdicts: Iterable[Verdict]) -> int:
    """Write a line per slice as it comes; a table that waits for the last would hide progress."""
    count = 0
    for verdict in verdicts:
        frame = f" [{verdict.frame}]" if verdict.frame else ""
        window = (
            f"window {verdict.window} ({verdict.window_source.value})" if verdict.window else "as displayed"
        )
        refer = f"{_REFER if verdict.refer else '':<{len(_REFER)}}" if verdict.coverage else ""
        typer.echo(f"{verdict.label:<9} {verdict.score:7.4f}{refer}  {verdict.path}{frame}  {window}")
        count += 1
    return count

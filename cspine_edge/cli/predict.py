"""The verb ``predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from .options import MODEL_HELP, ThreadsOption, WindowOption, parse_value_range

if TYPE_CHECKING:
    from ..classifier import Facts
    from ..window import Window


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("predict")(predict)


def predict(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[INPUT]...", help="PNG, JPEG and DICOM files, and folders of them."),
    ] = None,
    model: Annotated[Path | None, typer.Option("--model", help=MODEL_HELP)] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", help="Operating threshold on the score, instead of the contract's."),
    ] = None,
    window: WindowOption = None,
    threads: ThreadsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
    watched: Annotated[
        Path | None,
        typer.Option(
            "--watch",
            metavar="DIR",
            help="Classify what is in this folder and whatever comes into it, until Ctrl-C or SIGTERM; needs --out.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE.jsonl",
            help="With --watch: a line for each file, gone on with where it ends; each file once, even after a crash.",
        ),
    ] = None,
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
    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other")
    if watched is not None or out is not None:
        if watched is None or out is None or inputs or as_json or as_csv:
            raise UsageError("--watch DIR and --out FILE.jsonl go together, without inputs, --json and --csv")
        facts = _facts(labels, positive, value_range, outputs)
        _watch(watched, out, model=model, threads=threads, threshold=threshold, window=window, facts=facts)
        return
    if not inputs:
        raise UsageError("nothing to classify; name files or folders, or a folder to --watch")
    from ..prediction import Form
    from ..prediction import predict as classify

    code = classify(
        inputs,
        model=model,
        threads=threads,
        threshold=threshold,
        window=window,
        facts=_facts(labels, positive, value_range, outputs),
        form=Form.JSON if as_json else Form.CSV if as_csv else Form.LINES,
    )
    if code:
        raise typer.Exit(int(code))


def _watch(
    folder: Path,
    out: Path,
    *,
    model: Path | None,
    threads: int | None,
    threshold: float | None,
    window: Window | None,
    facts: Facts | None,
) -> None:
    import signal
    from threading import Event

    from ..prediction import line, open_classifier
    from ..watch import watch

    classifier = open_classifier(model, threads=threads, threshold=threshold, facts=facts)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    typer.echo(f"watching {folder}, writing {out}; {classifier.session.banner}", err=True)
    watch(
        *(folder, out, classifier, stop),
        on_verdict=lambda verdict: print(line(verdict), flush=True),
        on_error=lambda error: typer.echo(f"error: {error}", err=True),
        window=window,
    )


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

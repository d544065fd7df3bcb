"""The verb ``predict``."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from ..errors import CspineError, ExitCode, UsageError
from .options import MODEL_HELP, ThreadsOption, WindowOption, examples, parse_value_range, say, shipped_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..classifier import Classifier, Facts, Verdict
    from ..journal import FileState
    from ..scoring import Engine, Finished
    from ..window import Window


class EngineName(str, Enum):
    """Who classifies for ``--out``."""

    LOCAL = "local"
    DASK = "dask"


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        "predict",
        epilog=examples(
            "cspine-edge predict slice.dcm ct --model fast",
            "cspine-edge predict ct --csv > verdicts.csv",
            "cspine-edge predict --watch incoming --out verdicts.jsonl",
        ),
    )(predict)


def predict(
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[INPUT]...", help="PNG, JPEG and DICOM files, and folders of them."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", help=MODEL_HELP, autocompletion=shipped_names)
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            help="Call it the positive class from this score on (0 to 1; not a margin, which the contract "
            "and JSON state), instead of the contract's threshold.",
        ),
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
            help="Write a line for each file; one that exists is gone on with: each file once, even after a crash.",
        ),
    ] = None,
    engine: Annotated[
        EngineName,
        typer.Option("--engine", help="Who classifies for --out: this process, or a dask cluster."),
    ] = EngineName.LOCAL,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help="Of the dask cluster, e.g. tcp://archive:8786; by default the one that dask is configured with, or a "
            "new one on this machine.",
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
    if out is not None and (as_json or as_csv):
        raise UsageError("--out writes JSON Lines; leave --json and --csv out")
    if out is None and (watched is not None or engine is EngineName.DASK):
        raise UsageError(f"{'--watch' if watched is not None else '--engine dask'} needs --out FILE.jsonl")
    if watched is not None and (inputs or engine is EngineName.DASK):
        raise UsageError("--watch takes no inputs besides its folder, and no --engine")
    if scheduler is not None and engine is EngineName.LOCAL:
        raise UsageError("--scheduler needs --engine dask")
    if not inputs and watched is None:
        raise UsageError("nothing to classify; name files or folders, or a folder to --watch")
    facts = _facts(labels, positive, value_range, outputs)
    settings = _Settings(model, threshold, window, facts, threads)
    if watched is not None and out is not None:
        _watch(watched, out, settings)
        return
    if out is not None:
        code = _score(inputs or [], out, settings, engine, scheduler)
    else:
        from ..prediction import Form
        from ..prediction import predict as classify

        code = classify(
            inputs or [],
            model=model,
            threads=threads,
            threshold=threshold,
            window=window,
            facts=facts,
            form=Form.JSON if as_json else Form.CSV if as_csv else Form.LINES,
        )
    if code:
        raise typer.Exit(int(code))


class _Settings(NamedTuple):
    model: Path | None
    threshold: float | None
    window: Window | None
    facts: Facts | None
    threads: int | None

    def open(self, threads: int | None) -> Classifier:
        from ..prediction import open_classifier

        return open_classifier(self.model, threads=threads, threshold=self.threshold, facts=self.facts)


def _score(
    inputs: list[Path], out: Path, settings: _Settings, name: EngineName, scheduler: str | None
) -> ExitCode:
    from ..prediction import ignored_window
    from ..runtime import default_threads
    from ..scoring import LocalEngine, score
    from ..slice_files import each_file

    unread: list[ExitCode] = []

    def report(error: CspineError) -> None:
        say(f"error: {error}", err=True)

    def miss(error: CspineError) -> None:
        report(error)
        unread.append(error.exit_code)

    paths = [str(path) for path in each_file(inputs, miss)]
    classifier = settings.open(1)
    if name is EngineName.DASK:
        from ..dask_engine import DaskEngine, Work, fingerprint

        model = settings.model
        here = model.absolute() if model is not None and model.is_file() else model
        work = Work(here, fingerprint(model), settings.threshold, settings.facts, settings.window)
        engine: Engine = DaskEngine(work, scheduler)
    else:
        engine = LocalEngine(classifier, settings.window, settings.threads or default_threads())
    sources: set[str] = set()

    def noting_sources(pending: Iterable[FileState]) -> Iterator[Finished]:
        for finished in engine(pending):
            sources.update(
                verdict["window_source"] for _, outcome in finished for verdict in outcome.verdicts
            )
            yield finished

    tally = score(paths, out, noting_sources, report)
    if note := ignored_window(settings.window, sources):
        say(note, err=True)
    say(f"{tally}; {out}", err=True)
    return min([*unread, tally.exit_code], default=ExitCode.OK, key=lambda code: code or max(ExitCode) + 1)


def _watch(folder: Path, out: Path, settings: _Settings) -> None:
    import signal
    from threading import Event

    from ..prediction import ignored_window, line
    from ..watch import watch

    classifier = settings.open(settings.threads)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    notes: set[str] = set()

    def tell(verdict: Verdict) -> None:
        print(line(verdict), flush=True)
        note = ignored_window(settings.window, {verdict.window_source.value})
        if note and not notes:
            notes.add(note)
            say(note, err=True)

    say(f"watching {folder}, writing {out}; {classifier.session.banner}", err=True)
    watch(
        *(folder, out, classifier, stop),
        on_verdict=tell,
        on_error=lambda error: say(f"error: {error}", err=True),
        window=settings.window,
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

"""``predict``: files in, a verdict for each slice out, as lines, JSON or CSV.

Neither typer nor rich is imported here: a call with nothing but paths needs no parser, and comes to its verdict in two
thirds of the time without one (:func:`cspine_edge.cli.main`).
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import Enum
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import CspineError, ExitCode, UsageError, printable
from .interruption import whole

if TYPE_CHECKING:
    from .classifier import Classifier, Facts, Verdict
    from .window import Window

CSV_COLUMNS = (
    *("path", "frame", "label", "score", "margin", "threshold", "refer", "referral", "coverage"),
    *("window", "window_source", "series"),
)
_OTHER_WINDOWS = {
    "contract": "the model's contract has a window",
    "file": "the file has its own window",
    "none": "a picture has 8 bits, and so no HU",
    "full range": "a picture has 16 bits, and so no HU",
}
_REFER = ", refer to a radiologist"


class Form(str, Enum):
    """How verdicts are printed."""

    LINES = "lines"
    """For people, a line a slice."""
    JSON = "json"
    """One array."""
    CSV = "csv"
    """With a header."""


def predict(
    inputs: Sequence[Path],
    *,
    model: Path | str | None = None,
    threads: int | None = None,
    threshold: float | None = None,
    window: Window | None = None,
    facts: Facts | None = None,
    form: Form = Form.LINES,
) -> ExitCode:
    """Classify slices and print a verdict for each, in the order of the inputs; errors go to standard error.

    An interruption ends it between two verdicts: what was printed until then is whole, a JSON array too.

    Parameters
    ----------
    inputs
        Files and folders.
    model, threshold, facts
        As for :class:`cspine_edge.classifier.Classifier`.
    threads
        Threads in all: of the interpreter for one file, and as many files at a time for several; by default
        :func:`cspine_edge.runtime.default_threads`.
    window
        Window in HU for slices whose window neither the contract nor the file gives.
    form
        How to print.

    Returns
    -------
    ExitCode
        Of the inputs that could not be used the lowest code, else 0.

    Raises
    ------
    ModelError
        If the model cannot be loaded.
    UsageError
        If ``facts`` are given for a model that carries a contract.
    """
    from .batch import classify_files
    from .runtime import default_threads
    from .slice_files import each_file

    failures: list[ExitCode] = []

    def report(error: CspineError) -> None:
        failures.append(error.exit_code)
        print(f"error: {error}", file=sys.stderr)

    threads = threads or default_threads()
    paths = each_file(inputs, report)
    first = list(islice(paths, threads))
    workers = len(first)
    classifier = open_classifier(
        model, threads=threads if workers < 2 else 1, threshold=threshold, facts=facts
    )
    gc.enable()  # the command line starts without
    write = {Form.LINES: _write_lines, Form.JSON: _write_json, Form.CSV: _write_csv}[form]
    sources: set[str] = set()
    verdicts = classify_files(classifier, chain(first, paths), report, window, workers=workers)
    if window is not None:
        verdicts = _noting_sources(verdicts, sources)
    count = write(verdicts)
    if note := ignored_window(window, sources):
        print(note, file=sys.stderr)
    if failures:
        print(f"{count} slices classified, {len(failures)} inputs could not be used", file=sys.stderr)
        return min(failures)
    return ExitCode.OK


def open_classifier(
    model: Path | str | None, *, threads: int | None, threshold: float | None, facts: Facts | None
) -> Classifier:
    """Open a model as the command line describes it.

    Parameters
    ----------
    model, threads, threshold, facts
        As for :class:`cspine_edge.classifier.Classifier`.

    Raises
    ------
    ModelError
        If the model cannot be loaded.
    UsageError
        If ``facts`` are given for a model that carries a contract.
    """
    from .classifier import Classifier

    classifier = Classifier(model, threads=threads, threshold=threshold, facts=facts)
    if facts is not None and classifier.file.contract is not None:
        raise UsageError(f"{classifier.file.path} carries its own contract; leave --labels out")
    return classifier


def ignored_window(window: Window | None, sources: Collection[str]) -> str:
    """Say for which slices the caller's window was not used; empty if it was for all.

    Parameters
    ----------
    window
        What the caller gave.
    sources
        Where the windows of the slices came from, values of :class:`cspine_edge.window.WindowSource`.
    """
    reasons = [reason for source, reason in _OTHER_WINDOWS.items() if source in sources]
    return f"note: --window {window} is ignored where {' or '.join(reasons)}" if window and reasons else ""


def _noting_sources(verdicts: Iterable[Verdict], sources: set[str]) -> Iterator[Verdict]:
    for verdict in verdicts:
        sources.add(verdict.window_source.value)
        yield verdict


def plain(verdict: Verdict) -> dict[str, Any]:
    """Give plain data for JSON."""
    return {column: getattr(verdict, column) for column in CSV_COLUMNS} | {
        "score": round(verdict.score, 6),
        "margin": max(-1e308, min(1e308, verdict.margin)),  # JSON has no infinity
        "referral": verdict.referral.value,
        "window_source": verdict.window_source.value,
    }


def _write_json(verdicts: Iterable[Verdict]) -> int:
    import json

    count = 0
    try:
        for verdict in verdicts:
            with whole():
                sys.stdout.write(",\n " if count else "[\n ")
                sys.stdout.write(printable(json.dumps(plain(verdict), ensure_ascii=False)))
                count += 1
    finally:
        sys.stdout.write("\n]\n" if count else "[\n]\n")
    return count


def _write_csv(verdicts: Iterable[Verdict]) -> int:
    import csv

    writer = csv.DictWriter(sys.stdout, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    count = 0
    for verdict in verdicts:
        with whole():
            row = plain(verdict).items()
            writer.writerow({name: printable(cell) if isinstance(cell, str) else cell for name, cell in row})
        count += 1
    return count


def _write_lines(verdicts: Iterable[Verdict]) -> int:
    """Write a line per slice as it comes; a table that waits for the last would hide progress."""
    count = 0
    for verdict in verdicts:
        with whole():
            print(line(verdict), flush=True)
        count += 1
    return count


def line(verdict: Verdict) -> str:
    """Tell a verdict in one line."""
    frame = f" [{verdict.frame}]" if verdict.frame else ""
    window = f"window {verdict.window} ({verdict.window_source.value})" if verdict.window else "as displayed"
    refer = f"{_REFER if verdict.refer else '':<{len(_REFER)}}" if verdict.coverage else ""
    return printable(f"{verdict.label:<9} {verdict.score:7.4f}{refer}  {verdict.path}{frame}  {window}")

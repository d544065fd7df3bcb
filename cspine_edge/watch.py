"""``predict --watch``: a folder that is looked at again and again, and a journal with one line for each file in it.

A line is written before the next file is read. Which file is being read lies in a second file beside the journal: one
at which the process has ended again and again (for want of memory, say) gets a line that says so, and the rest go on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from threading import Event

from .batch import classify_file
from .classifier import Classifier, Verdict
from .documents import read_document
from .errors import CspineError, InputError, OnError, SliceError
from .files import write_bytes
from .journal import FileState, Outcome, open_journal
from .slice_files import find_slices
from .window import Window

POLL_S = 1.0
"""Time between two looks. A file that is the same in both is taken for whole."""
ATTEMPTS = 3
"""After so many ends of the process at a file it is given up."""
_LOOK_SHARE = 0.1
"""Of all time, what looking may take: a folder of many thousand files is looked at less often."""


def watch(
    folder: Path,
    out: Path,
    classifier: Classifier,
    stop: Event,
    on_verdict: Callable[[Verdict], object],
    on_error: OnError,
    window: Window | None = None,
    poll_s: float = POLL_S,
) -> None:
    """Classify what comes into a folder until told to stop.

    Parameters
    ----------
    folder
        With all it contains, as :func:`cspine_edge.slice_files.find_slices` finds it.
    out
        The journal; gone on with if it exists.
    classifier, window
        As for :func:`cspine_edge.batch.classify_file`.
    stop
        When set, the file at hand is finished and the function returns.
    on_verdict, on_error
        Called once a file has its line: with each verdict, and with the error of each file or frame that could not be
        used. Also with the error of a folder that cannot be read, which is waited for.
    poll_s
        Time in seconds between two looks at the folder.

    Raises
    ------
    InputError
        If the folder is none when the function is called.
    OutputError
        If the journal is another program's, is being written by another process, or cannot be written.
    """
    if not folder.is_dir():
        raise InputError(folder, "is no folder that can be watched; give the one that slices are written to")
    with open_journal(out) as journal:
        attempts = _Attempts(out)
        before: dict[str, FileState] = {}
        trouble = ""
        while not stop.is_set():
            begun = time.monotonic()
            now, problem = _look(folder)
            look_s = time.monotonic() - begun
            if problem is not None and str(problem) != trouble:
                on_error(problem)
            trouble = str(problem or "")
            for arrival in now.values():
                if stop.is_set():
                    return
                if arrival in journal or before.get(arrival.file) != arrival:
                    continue
                results: list[Verdict | CspineError]
                if attempts.begin(arrival) > ATTEMPTS:
                    reason = f"ended the process {ATTEMPTS} times, perhaps for want of memory; look at it"
                    results = [SliceError(folder / arrival.file, reason)]
                else:
                    results = list(classify_file(classifier, folder / arrival.file, window))
                if FileState.of(folder / arrival.file, arrival.file) != arrival:
                    continue  # it was being written after all, or is gone; its next state has its own line
                journal.write((arrival, Outcome.of(results)))
                attempts.end()
                for result in results:
                    if isinstance(result, CspineError):
                        on_error(result)
                    else:
                        on_verdict(result)
            before = now
            stop.wait(max(poll_s, look_s / _LOOK_SHARE))


def _look(folder: Path) -> tuple[dict[str, FileState], CspineError | None]:
    """What lies in the folder now, and why some of it could not be seen; an empty folder is no problem."""
    problems: list[CspineError] = []
    if not folder.is_dir():
        return {}, InputError(folder, "is gone; waiting for it to come back")
    paths = find_slices([folder], problems.append)
    found = (FileState.of(path, path.relative_to(folder).as_posix()) for path in paths)
    serious = (error for error in problems if getattr(error, "path", None) != folder)
    return {arrival.file: arrival for arrival in found if arrival}, next(serious, None)


class _Attempts:
    """The file beside a journal that says which file is being read, and how often that ended the process."""

    def __init__(self, journal: Path) -> None:
        self._path = journal.with_name(f"{journal.name}.attempt")

    def begin(self, arrival: FileState) -> int:
        """Note that a file is being read; give how often it has been, each time but this ended the process."""
        try:
            entry = read_document(self._path)
            before = int(entry["count"]) if entry["arrival"] == list(astuple(arrival)) else 0
        except (OSError, ValueError, TypeError, KeyError):
            before = 0
        entry = {"arrival": astuple(arrival), "count": before + 1}
        write_bytes(self._path, json.dumps(entry).encode(), overwrite=True, durable=False)
        return before + 1

    def end(self) -> None:
        """Note that it has been read."""
        self._path.unlink(missing_ok=True)

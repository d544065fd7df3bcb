"""``predict --watch``: a folder that is looked at again and again, and a journal with one line for each file in it.

The journal is JSON Lines. A line is written whole, and brought to the disk, before the next file is read, so it is what
says that a file is done: after a crash or a power cut the half of a line that may lie at its end is cut off, and the
work goes on with the first file that has no line. A file is known by its path in the folder, its size and its time of
change; one that is written anew is new. Which file is being read lies in a second file beside the journal: one at
which the process has ended again and again (for want of memory, say) gets a line that says so, and the rest go on.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import datetime, timezone
from pathlib import Path
from threading import Event
from typing import Any

from .batch import classify_file
from .classifier import Classifier, Verdict
from .documents import parse
from .errors import CspineError, InputError, OutputError, SliceError, UsageError
from .files import write_bytes
from .prediction import plain
from .slices import OnError, find_slices
from .window import Window

POLL_S = 1.0
"""Time between two looks. A file that is the same in both is taken for whole."""
ATTEMPTS = 3
"""After so many ends of the process at a file it is given up."""
_LOOK_SHARE = 0.1
"""Of all time, what looking may take: a folder of many thousand files is looked at less often."""
_TORN = b'{"file": '
"""What a line begins with, as far as it goes: nothing else is cut off."""


@dataclass(frozen=True)
class Arrival:
    """A file as it was found.

    Attributes
    ----------
    file
        Its path in the watched folder.
    size_bytes, modified_ns
        Its size, and its time of change in nanoseconds.
    """

    file: str
    size_bytes: int
    modified_ns: int


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
        With all it contains, as :func:`cspine_edge.slices.find_slices` finds it.
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
        If the journal is another program's, is being written by another watch, or cannot be written.
    """
    if not folder.is_dir():
        raise InputError(folder, "is no folder that can be watched; give the one that slices are written to")
    with _journal(out) as journal:
        before: dict[str, Arrival] = {}
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
                if arrival in journal.done or before.get(arrival.file) != arrival:
                    continue
                results: list[Verdict | CspineError]
                if journal.attempt(arrival) > ATTEMPTS:
                    reason = f"ended the process {ATTEMPTS} times, perhaps for want of memory; look at it"
                    results = [SliceError(folder / arrival.file, reason)]
                else:
                    results = list(classify_file(classifier, folder / arrival.file, window))
                if _arrival(folder, folder / arrival.file) != arrival:
                    continue  # it was being written after all, or is gone; its next state has its own line
                journal.write(arrival, results)
                for result in results:
                    if isinstance(result, CspineError):
                        on_error(result)
                    else:
                        on_verdict(result)
            before = now
            stop.wait(max(poll_s, look_s / _LOOK_SHARE))


def _look(folder: Path) -> tuple[dict[str, Arrival], CspineError | None]:
    """What lies in the folder now, and why some of it could not be seen; an empty folder is no problem."""
    problems: list[CspineError] = []
    if not folder.is_dir():
        return {}, InputError(folder, "is gone; waiting for it to come back")
    paths = find_slices([folder], problems.append)
    found = (_arrival(folder, path) for path in paths)
    serious = (error for error in problems if getattr(error, "path", None) != folder)
    return {arrival.file: arrival for arrival in found if arrival}, next(serious, None)


def _arrival(folder: Path, path: Path) -> Arrival | None:
    try:
        status = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return Arrival(path.relative_to(folder).as_posix(), status.st_size, status.st_mtime_ns)


class _Journal:
    def __init__(self, path: Path, handle: int) -> None:
        self.done: set[Arrival] = set()
        self._path, self._handle = path, handle
        self._attempts = path.with_name(f"{path.name}.attempt")
        self._length = 0
        with open(os.dup(handle), "rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    if not line.startswith(_TORN[: len(line)]):
                        raise self._foreign(number)
                    break  # the line that was being written when all ended
                self.done.add(self._read(number, line))
                self._length += len(line)
        os.ftruncate(handle, self._length)

    def _read(self, number: int, line: bytes) -> Arrival:
        try:
            entry = parse(line)
            return Arrival(str(entry["file"]), int(entry["size_bytes"]), int(entry["modified_ns"]))
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise self._foreign(number) from error

    def _foreign(self, number: int) -> OutputError:
        return OutputError(self._path, f"its line {number} is not one of this verb's; choose another --out")

    def attempt(self, arrival: Arrival) -> int:
        """Note that a file is being read; give how often it has been, each time but this ended the process."""
        try:
            entry = parse(self._attempts.read_bytes())
            before = int(entry["count"]) if entry["arrival"] == list(astuple(arrival)) else 0
        except (OSError, ValueError, TypeError, KeyError):
            before = 0
        entry = {"arrival": astuple(arrival), "count": before + 1}
        write_bytes(self._attempts, json.dumps(entry).encode(), overwrite=True)
        return before + 1

    def write(self, arrival: Arrival, results: list[Verdict | CspineError]) -> None:
        """Add a line and bring it to the disk, or leave the journal as it was."""
        entry: dict[str, Any] = {
            "file": arrival.file,
            "size_bytes": arrival.size_bytes,
            "modified_ns": arrival.modified_ns,
            "written": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            "verdicts": [plain(result) for result in results if isinstance(result, Verdict)],
            "errors": [str(result) for result in results if isinstance(result, CspineError)],
        }
        line = json.dumps(entry).encode() + b"\n"
        try:
            if os.pwrite(self._handle, line, self._length) < len(line):
                raise OSError(None, "the disk is full")
            os.fsync(self._handle)
        except OSError as error:
            os.ftruncate(self._handle, self._length)
            reason = f"cannot be written ({error.strerror}); make room and start again, nothing is lost"
            raise OutputError(self._path, reason) from error
        self._length += len(line)
        self.done.add(arrival)
        self._attempts.unlink(missing_ok=True)


@contextmanager
def _journal(path: Path) -> Iterator[_Journal]:
    try:
        import fcntl
    except ImportError as error:
        raise UsageError("--watch needs Linux or another POSIX system") from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(path, f"cannot be written ({error.strerror}); choose another place") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                path, "is being written by another watch; stop that one, or choose another --out"
            ) from error
        except OSError as error:
            raise OutputError(
                path, f"cannot be locked ({error.strerror}); choose a place on a disk of this machine"
            ) from error
        yield _Journal(path, handle)
    finally:
        os.close(handle)

"""A file with one line for each file that has been classified: each once, whatever happens in between.

The journal is JSON Lines. Lines are written whole, and brought to the disk before more is done, so it is what says
that a file is done: after a crash or a power cut the half of a line that may lie at its end is cut off, and the work
goes on with the first file that has no line. A file is known by its path, its size and its time of change; one that is
written anew is new.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .classifier import Verdict
from .documents import parse
from .errors import CspineError, OutputError, UsageError
from .files import require_regular
from .prediction import plain

_LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of the line of a file with some hundred thousand frames."""
_TORN = b'{"file": '
"""What a line begins with, as far as it goes: nothing else is cut off."""


@dataclass(frozen=True)
class Outcome:
    """What came of a file, as plain data that can be sent from one machine to another.

    Attributes
    ----------
    verdicts
        One for each frame that could be classified, as :func:`cspine_edge.prediction.plain` gives them.
    errors
        A sentence for each frame, or the file, that could not be used.
    codes
        Their exit codes.
    """

    verdicts: tuple[dict[str, Any], ...]
    errors: tuple[str, ...]
    codes: tuple[int, ...]

    @classmethod
    def of(cls, results: Iterable[Verdict | CspineError]) -> Outcome:
        """Take what :func:`cspine_edge.batch.classify_file` yields."""
        results = tuple(results)
        errors = [result for result in results if isinstance(result, CspineError)]
        return cls(
            tuple(plain(result) for result in results if isinstance(result, Verdict)),
            tuple(str(error) for error in errors),
            tuple(int(error.exit_code) for error in errors),
        )


@dataclass(frozen=True)
class FileState:
    """A file as it was found.

    Attributes
    ----------
    file
        Its path: in the watched folder, or as it was given.
    size_bytes, modified_ns
        Its size, and its time of change in nanoseconds.
    """

    file: str
    size_bytes: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path, name: str | None = None) -> FileState | None:
        """Look at a file; None if there is no regular one.

        Parameters
        ----------
        path
            The file.
        name
            What it is called in the journal; by default its path.
        """
        try:
            status = path.stat()
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return cls(path.as_posix() if name is None else name, status.st_size, status.st_mtime_ns)


class Journal:
    """An open journal; made by :func:`open_journal`.

    Parameters
    ----------
    path
        Its file.
    handle
        That file, open for reading and writing and locked.

    Raises
    ------
    OutputError
        If a line in it is no journal's.
    """

    def __init__(self, path: Path, handle: int) -> None:
        self._done: set[bytes] = set()
        self._path, self._handle = path, handle
        self._length = 0
        with open(os.dup(handle), "rb") as file:
            lines = iter(lambda: file.readline(_LONGEST_LINE), b"")
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    if len(line) == _LONGEST_LINE or not line.startswith(_TORN[: len(line)]):
                        raise self._foreign(number)
                    break  # the line that was being written when all ended
                self._done.add(_digest(self._read(number, line)))
                self._length += len(line)
        os.ftruncate(handle, self._length)

    def __contains__(self, state: FileState) -> bool:
        """Tell whether a file in this state has its line."""
        return _digest(state) in self._done

    def _read(self, number: int, line: bytes) -> FileState:
        try:
            entry = parse(line)
            return FileState(str(entry["file"]), int(entry["size_bytes"]), int(entry["modified_ns"]))
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise self._foreign(number) from error

    def _foreign(self, number: int) -> OutputError:
        return OutputError(self._path, f"its line {number} is not one of this verb's; choose another --out")

    def write(self, *finished: tuple[FileState, Outcome]) -> None:
        """Add a line for each file and bring them to the disk, or leave the journal as it was.

        Raises
        ------
        OutputError
            If they cannot be written.
        """
        lines = b"".join(json.dumps(_entry(*each)).encode() + b"\n" for each in finished)
        try:
            if os.pwrite(self._handle, lines, self._length) < len(lines):
                raise OSError(None, "the disk is full")
            os.fsync(self._handle)
        except OSError as error:
            os.ftruncate(self._handle, self._length)
            reason = f"cannot be written ({error.strerror}); make room and start again, nothing is lost"
            raise OutputError(self._path, reason) from error
        self._length += len(lines)
        self._done.update(_digest(state) for state, _ in finished)


def _digest(state: FileState) -> bytes:
    """Tell states apart in a third of the memory that they take."""
    named = f"{state.size_bytes} {state.modified_ns} {state.file}"
    return hashlib.blake2b(named.encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _entry(state: FileState, outcome: Outcome) -> dict[str, Any]:
    return {
        "file": state.file,
        "size_bytes": state.size_bytes,
        "modified_ns": state.modified_ns,
        "written": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        "verdicts": outcome.verdicts,
        "errors": outcome.errors,
    }


@contextmanager
def open_journal(path: Path) -> Iterator[Journal]:
    """Open a journal, new or to be gone on with, for this process alone.

    Raises
    ------
    OutputError
        If it is another program's, is being written by another process, or cannot be written.
    UsageError
        If the system has no locks.
    """
    try:
        import fcntl
    except ImportError as error:
        raise UsageError("--out needs Linux or another POSIX system") from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o666)
    except OSError as error:
        raise OutputError(path, f"cannot be written ({error.strerror}); choose another place") from error
    try:
        try:
            require_regular(handle, path)
        except OSError as error:
            raise OutputError(
                path, f"cannot be gone on with ({error.strerror}); choose another --out"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                path, "is being written by another process; stop that one, or choose another --out"
            ) from error
        except OSError as error:
            raise OutputError(
                path, f"cannot be locked ({error.strerror}); choose a place on a disk of this machine"
            ) from error
        yield Journal(path, handle)
    finally:
        os.close(handle)

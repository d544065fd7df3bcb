"""Standard streams: closed ones lead nowhere, and neither a lost message nor a reader's going changes a verdict.

Streams are dealt with where bytes leave them, below all who print: typer and rich catch the error of a pipe without a
reader and end with 1, which here means that the gate failed.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO

_SIGPIPE = 13  # of all systems that have it


class ReaderGone(SystemExit):
    """Whoever read standard output went away, as ``head`` does; no verdict is told by this exit code.

    It is the one of a process that SIGPIPE has ended, as shells have it. The signal itself would also end a process
    that writes to a child or a socket.
    """

    def __init__(self) -> None:
        super().__init__(128 + _SIGPIPE)


class _Output(io.FileIO):
    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            _lead_nowhere(self.fileno())  # for what is still to be flushed
            raise ReaderGone from None


class _Messages(io.FileIO):
    def write(self, data: Any) -> int:
        try:
            written: int | None = super().write(data)
        except OSError:  # a full disk, a terminal that is gone: there is no other place to say so
            written = None
        return len(data) if written is None else written


def open_streams() -> None:
    """Give this process its standard streams.

    One that is closed becomes the null device, so that no file of ours takes its number and then the output. What
    cannot be written to standard error is lost, and a reader of standard output that goes away raises
    :class:`ReaderGone`; a full disk there stays an OSError.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            _lead_nowhere(number)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False))
    sys.stdout = _text(_Output(1, "w", closefd=False), sys.stdout)
    sys.stderr = _text(_Messages(2, "w", closefd=False), sys.stderr)


def _lead_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere == number:  # it was the lowest that was free
        os.set_inheritable(number, True)
    else:
        os.dup2(nowhere, number)
        os.close(nowhere)


def _text(raw: io.FileIO, before: TextIO | None) -> TextIO:
    """Give a text stream like the one that Python has opened, or as it would have."""
    if not isinstance(before, io.TextIOWrapper):
        return io.TextIOWrapper(io.BufferedWriter(raw), errors="backslashreplace", newline="\n")
    unbuffered: Any = raw if before.write_through else io.BufferedWriter(raw)
    return io.TextIOWrapper(
        unbuffered,
        encoding=before.encoding,
        errors=before.errors,
        newline="\n",
        line_buffering=before.line_buffering,
        write_through=before.write_through,
    )

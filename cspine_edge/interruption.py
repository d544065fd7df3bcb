"""Ctrl-C and SIGTERM: the process ends with one line, a shell's exit code, and what was finished is kept."""

from __future__ import annotations

# What ``signal`` wraps in enumerations, which every start of ``predict`` would wait for.
import _signal as signals  # type: ignore[import-not-found]
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Interrupted(SystemExit):
    """The process was asked to end.

    A SystemExit, because typer and others take a KeyboardInterrupt for their own.

    Parameters
    ----------
    number
        Of the signal; the exit code is 128 more, as shells have it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.advice = ""

    def __str__(self) -> str:
        return f"interrupted{self.advice}"


class _Held:
    """A signal that came while a result was being written."""

    is_holding = False
    number = 0


def _end(number: int, _: Any) -> None:
    if _Held.is_holding and not _Held.number:  # a second one waits no longer
        _Held.number = number
        return
    raise Interrupted(number)


def end_on_signals() -> None:
    """Let Ctrl-C and SIGTERM raise :class:`Interrupted` in the main thread, unless the parent had them ignored."""
    for number in (signals.SIGINT, signals.SIGTERM):
        if signals.getsignal(number) != signals.SIG_IGN:
            signals.signal(number, _end)


@contextmanager
def deadline(seconds: float, late: Callable[[], Exception]) -> Iterator[None]:
    """Raise what ``late`` gives if the block takes longer, which must not wait in native code.

    Only in the main thread, and where the system has such timers.
    """
    import threading

    if threading.current_thread() is not threading.main_thread() or not hasattr(signals, "setitimer"):
        yield
        return

    def end(*_: Any) -> None:
        raise late()

    before = signals.signal(signals.SIGALRM, end)
    signals.setitimer(signals.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signals.setitimer(signals.ITIMER_REAL, 0)
        signals.signal(signals.SIGALRM, before)


@contextmanager
def whole() -> Iterator[None]:
    """Let what the block writes be written whole; a first signal takes effect after it."""
    _Held.is_holding, _Held.number = True, 0
    try:
        yield
    finally:
        _Held.is_holding = False
    if _Held.number:
        raise Interrupted(_Held.number)


@contextmanager
def resumable(begun: Path) -> Iterator[None]:
    """Have an interruption of the block say how to go on, if this file shows that something was begun."""
    try:
        yield
    except Interrupted as end:
        if begun.is_file():
            end.advice = "; the same command goes on with --resume"
        raise

"""Native code that hostile bytes can crash runs in a process of its own, with little memory, and dies alone."""

from __future__ import annotations

import os
import signal
import sys

MOST_MEMORY = 1024 * 1024 * 1024
"""Bytes that such a process may have of its own."""


def python(statement: str) -> list[str]:
    """Command of a new interpreter that runs a statement, and finds the modules that this one does."""
    return [sys.executable, "-I", "-c", f"import sys; sys.path[:] = {sys.path!r}; {statement}"]


def confine(memory: int = MOST_MEMORY) -> None:
    """Bound this process's memory, and leave no core file; where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def silence() -> int:
    """Send what is written to standard output and error nowhere; give the output, for answers."""
    answers = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)
    return answers


def end_of(code: int) -> str:
    """Tell how a process ended, from its return code."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {-code}, {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"

"""Whole processes, timed from outside.

Linux starts the peak memory of a process at what the process held that forked it, so who measures must stay small: the
phantom, which takes 200 MiB, is made by a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

COMMAND = (str(Path(sys.executable).parent / "cspine-edge"),)
"""The installed program."""


@dataclass(frozen=True)
class Usage:
    """A process that has ended: wall and processor time in seconds, peak resident memory in MiB."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def run(words: list[str]) -> Usage:
    """Run a program to its end; what it prints is thrown away.

    Parameters
    ----------
    words
        Program and arguments; it has to end with exit code 0.
    """
    begun = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    if status:
        raise SystemExit(f"{' '.join(words[:3])} ... failed")
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def make_phantom(folder: Path, *options: str) -> None:
    """Write synthetic CT with ``cspine-edge phantom``."""
    subprocess.run([*COMMAND, "phantom", str(folder), *options], check=True, stdout=subprocess.DEVNULL)

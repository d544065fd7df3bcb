"""Small files and programs of a Linux system below a root; what is absent or unreadable is ``None``.

Every function takes the place where ``proc``, ``sys``, ``etc`` and ``usr`` lie, so that a folder can stand for
another machine.
"""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")
_PROGRAM_FOLDERS = ("usr/bin", "usr/sbin", "opt/vc/bin")
_PROGRAM_S = 5.0


def read_text(path: Path) -> str | None:
    """Text of a file without white space and zero bytes around it."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n\t")
    except OSError:  # absent, closed, or a sensor that is switched off
        return None


def read_number(path: Path) -> float | None:
    """Finite number that a file holds."""
    return number(read_text(path))


def number(text: str | None) -> float | None:
    """Finite number that a text is."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def read_pairs(path: Path) -> Iterator[tuple[str, str]]:
    """Lines ``key: value`` of a file."""
    for line in (read_text(path) or "").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            yield key.strip(), value.strip()


def kibibytes(path: Path, key: str) -> int | None:
    """Value of a line such as ``MemTotal:   3885396 kB``."""
    words = dict(read_pairs(path)).get(key, "").split()
    return int(words[0]) if words and words[0].isdigit() else None


def numbered(folder: Path, prefix: str) -> list[Path]:
    """Entries of a folder that are called ``prefix`` and a number, in the order of their numbers."""
    found = [path for path in folder.glob(f"{prefix}[0-9]*") if path.name.removeprefix(prefix).isdigit()]
    return sorted(found, key=lambda path: int(path.name.removeprefix(prefix)))


def run_program(root: Path, name: str, *arguments: str) -> str | None:
    """Standard output of a program of the system below ``root``; None if there is none, or it fails.

    Parameters
    ----------
    root
        A program is looked for in its ``usr/bin``, ``usr/sbin`` and ``opt/vc/bin`` and, if it is ``/``, on the
        PATH.
    name, arguments
        The program and what it is given.
    """
    places = (root / folder / name for folder in _PROGRAM_FOLDERS)
    program = next((str(path) for path in places if path.is_file()), None)
    if program is None and root == ROOT:
        program = shutil.which(name)
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *arguments],
            capture_output=True,
            timeout=_PROGRAM_S,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace")

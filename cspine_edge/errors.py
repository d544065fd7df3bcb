"""Every error a caller can meet, each with the exit code the command line ends with.

::

    CspineError                    1  the common root; never raised itself
    ├── UsageError                 2  the call itself is wrong (options that contradict each other)
    ├── InputError                 4  a given file, folder or data set cannot be used
    │   ├── SliceError             4    an image or DICOM file cannot be read as a CT slice
    │   ├── DatasetError           4    a labelled data set is unusable (empty, one class, no series ...)
    │   ├── ModelError             4    a model file is broken, foreign or cannot be converted
    │   │   └── ContractError      4      its contract is missing, malformed or contradicts the file
    │   └── OutputError            4    an output exists already or cannot be written
    ├── ToolError                  4  a program of others refused what it was given; the message is its own
    ├── MissingExtraError          5  an optional dependency is absent; the message has the pip line
    └── MissingToolsError          5  programs of others are absent; the message has the line that installs them

Messages are one sentence that names the file, says what is wrong and how to mend it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self


class ExitCode(IntEnum):
    """Exit codes of ``cspine-edge``, the same for every verb."""

    OK = 0
    """Done, or the gate passed."""
    GATE_FAILED = 1
    """The gate decided against the model, or a golden pair differs."""
    USAGE = 2
    """The command line itself is wrong."""
    TOO_LITTLE_EVIDENCE = 3
    """The number of independent cases cannot carry a verdict."""
    BAD_INPUT = 4
    """At least one input could not be used; it is named."""
    MISSING_EXTRA = 5
    """An optional dependency, or a program of others that the verb needs, is not installed."""


def printable(text: str) -> str:
    """Give a text with its control characters as JSON escapes.

    A name may hold a line break, which would make a line of the tool's out of it, or what a terminal obeys.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def first_line(error: BaseException, said: str = "") -> str:
    """Give the first line of what an exception of others tells, at most 300 characters of it.

    If it tells nothing: that of what was ``said`` beside it, or else the name of its type.
    """
    told = str(error).strip() or said.strip() or type(error).__name__
    return told.splitlines()[0].rstrip()[:300]


def _escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


class CspineError(Exception):
    """Root of all errors of this package; as text one line."""

    exit_code: ExitCode = ExitCode.GATE_FAILED

    def __str__(self) -> str:
        return printable(super().__str__())


OnError = Callable[[CspineError], None]
"""Receives the error of an input that is skipped."""


class UsageError(CspineError):
    """Options or arguments that contradict one another."""

    exit_code = ExitCode.USAGE


class InputError(CspineError):
    """A file or folder that cannot be used.

    Parameters
    ----------
    path
        The file or folder at fault.
    reason
        What is wrong, and how to mend it; no full stop at its end.
    """

    exit_code = ExitCode.BAD_INPUT

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = Path(path)
        self.reason = printable(reason)

    @classmethod
    def unreadable(cls, path: Path | str, error: OSError) -> Self:
        """Name a file or folder that the system does not let us read."""
        return cls(path, f"cannot be read ({error.strerror or error}); check the path and the rights")


class SliceError(InputError):
    """An image or DICOM file that cannot be read as a CT slice."""


class DatasetError(InputError):
    """A labelled data set that cannot be used."""


class ModelError(InputError):
    """A model file that is broken, foreign or cannot be converted."""


class ContractError(ModelError):
    """A contract that is missing, malformed or contradicts the model it travels in."""


class OutputError(InputError):
    """An output that exists already, or a place that cannot be written to."""


class MissingExtraError(CspineError):
    """An optional dependency that is not installed.

    Parameters
    ----------
    what
        What was asked for, e.g. ``"training"``.
    extra
        Name of the extra that brings it, e.g. ``"train"``.
    """

    exit_code = ExitCode.MISSING_EXTRA

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an extra that is not installed: pip install 'cspine-edge[{extra}]'")
        self.extra = extra


class ToolError(CspineError):
    """A program of others that ended with an error.

    Parameters
    ----------
    tool
        Its name.
    said
        What it said.
    """

    exit_code = ExitCode.BAD_INPUT

    def __init__(self, tool: str, said: str) -> None:
        super().__init__(f"{tool} failed: {said}")
        self.tool = tool


class MissingToolsError(CspineError):
    """Programs of others that are not installed.

    Parameters
    ----------
    what
        What was asked for, e.g. ``"android build"``.
    absent
        Names of everything that is missing.
    remedy
        The line that installs it all.
    """

    exit_code = ExitCode.MISSING_EXTRA

    def __init__(self, what: str, absent: Sequence[str], remedy: str) -> None:
        super().__init__(f"{what} lacks {', '.join(absent)}: {remedy}")
        self.absent = tuple(absent)

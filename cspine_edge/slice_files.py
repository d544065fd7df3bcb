"""Which files are slices: those given, and those in folders.

Their content is looked at only where a name does not tell; :mod:`cspine_edge.slices` reads them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from .errors import CspineError, OnError, SliceError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".dcm", ".dicom", ".ima"})
"""Suffixes, in lower case, by which a file in a folder is taken for a slice."""


def find_slices(inputs: Sequence[Path], on_error: OnError | None = None) -> list[Path]:
    """Find the files to read; see :func:`each_file`."""
    return list(each_file(inputs, on_error))


def each_file(inputs: Sequence[Path], on_error: OnError | None = None) -> Iterator[Path]:
    """Find the files to read, one after the other; of a large archive one folder's names are held at a time.

    Files are taken as given. Folders are walked with all they contain, in natural order (``img2`` before
    ``img10``), each real folder once however many symbolic links lead to it. In a folder a file counts as a
    slice by its suffix (``SUFFIXES``), or, without suffix or with a UID for a name, by its DICOM magic bytes;
    hidden files and folders and ``DICOMDIR`` are passed over.

    Parameters
    ----------
    inputs
        Files and folders.
    on_error
        Called with the error of each input, or folder in it, that cannot be used, which is then skipped;
        without it the error is raised.

    Yields
    ------
    Path
        Each file once, in the order of the inputs.

    Raises
    ------
    SliceError
        If an input does not exist, or a folder cannot be listed or holds no slice, and ``on_error`` is None.
    """
    report = on_error or _raise
    seen: set[Path] | None = set() if len(inputs) > 1 else None  # one input alone holds no file twice
    for path in _each_found(inputs, report):
        if seen is None:
            yield path
        elif path not in seen:
            seen.add(path)
            yield path


def _each_found(inputs: Sequence[Path], report: OnError) -> Iterator[Path]:
    for given in map(Path, inputs):
        try:
            if given.is_dir():
                empty = True
                for path in _walk(given, report):
                    empty = False
                    yield path
                if empty:
                    report(SliceError(given, "holds no slices; give a folder with PNG, JPEG or DICOM files"))
            elif given.exists():
                yield given
            else:
                report(SliceError(given, "does not exist; check the path"))
        except OSError as error:
            report(SliceError.unreadable(given, error))


def _raise(error: CspineError) -> None:
    raise error


def natural_key(name: str) -> str:
    """Sort key by which ``img2`` comes before ``img10``; a string, for a folder has as many keys as files."""
    # A number becomes NUL, which no name has, its length and its digits; what ends comes before what goes on.
    return f"{_NUMBER.sub(_as_key, name.casefold())}\0\0{name}"


_NUMBER = re.compile(r"\d+")


def _as_key(number: re.Match[str]) -> str:
    digits = str(int(number[0]))
    return f"\0{chr(len(digits))}{digits}"


def _walk(folder: Path, report: OnError) -> Iterator[Path]:
    """Walk all below a folder; not by recursion, for folders may be nested deeper than calls."""
    seen: set[tuple[int, int]] = set()
    open_folders = [(folder, iter(_entries(folder, seen, report)))]
    while open_folders:
        parent, entries = open_folders[-1]
        name, is_folder = next(entries, ("", False))
        path = parent / name
        if not name:
            open_folders.pop()
        elif is_folder:
            open_folders.append((path, iter(_entries(path, seen, report))))
        elif _looks_like_slice(path):
            yield path


def _entries(folder: Path, seen: set[tuple[int, int]], report: OnError) -> list[tuple[str, bool]]:
    """What a folder holds, in order, and which of it are folders; nothing the second time."""
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            return []
        with os.scandir(folder) as listed:  # a name takes a sixth of what a path or an entry takes
            found = [(entry.name, _is_folder(entry)) for entry in listed if not entry.name.startswith(".")]
    except OSError as error:
        report(SliceError.unreadable(folder, error))
        return []
    seen.add((status.st_dev, status.st_ino))
    return sorted(found, key=lambda item: natural_key(item[0]))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _looks_like_slice(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return True
    if (suffix and not suffix[1:].isdigit()) or path.name.upper() == "DICOMDIR" or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False

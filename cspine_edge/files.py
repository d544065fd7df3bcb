"""Writing files so that a half-written one is never taken for whole: write beside, then rename."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import OutputError


def refuse_existing(path: Path | str, *, overwrite: bool = False) -> None:
    """Say that an output exists already; called before long work, and again when it is written.

    Raises
    ------
    OutputError
        If it exists and ``overwrite`` is false, or its folder is closed to this user.
    """
    try:
        exists = Path(path).exists()
    except OSError as error:
        raise OutputError(path, f"cannot be written ({error.strerror}); choose another place") from error
    if exists and not overwrite:
        raise OutputError(path, "exists already; remove it, choose another --out, or give --overwrite")


def refuse_unwritable(path: Path | str, *, overwrite: bool = False) -> None:
    """Say that an output cannot be written, found by writing an empty file where it will lie; called before long work.

    Raises
    ------
    OutputError
        If it exists and ``overwrite`` is false, is a folder, or its folder cannot be made or written to.
    """
    path = Path(path)
    refuse_existing(path, overwrite=overwrite)
    if path.is_dir():
        raise OutputError(path, "is a folder; choose another place")
    _temporary_in(next(folder for folder in path.absolute().parents if folder.exists()), path).unlink()


def _temporary_in(folder: Path, path: Path) -> Path:
    """Make an empty file for what will be ``path``, with a name of its own."""
    import tempfile  # not for those who only read

    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=folder)
        os.close(handle)
    except OSError as error:
        raise OutputError(path, f"cannot be written ({error.strerror}); choose another place") from error
    return Path(name)


@contextmanager
def replacing(path: Path | str, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary path beside ``path`` and rename it into place when the block ends well.

    Parameters
    ----------
    path
        The file to write. Its folder is created.
    overwrite
        Replace an existing file; otherwise an existing one is an error.

    Yields
    ------
    pathlib.Path
        The temporary file to write to; removed if the block raises.

    Raises
    ------
    OutputError
        If the file exists and ``overwrite`` is false, or its folder cannot be written to.
    """
    path = Path(path)
    refuse_existing(path, overwrite=overwrite)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(path, f"cannot be written ({error.strerror}); choose another place") from error
    temporary = _temporary_in(path.parent, path)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        raise OutputError(path, f"cannot be written ({error.strerror})") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path | str, data: bytes, *, overwrite: bool = False) -> None:
    """Write ``data`` to ``path`` in one step; see :func:`replacing`."""
    with replacing(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path | str, document: Any, *, overwrite: bool = False) -> None:
    """Write ``document`` to ``path`` as indented JSON in one step; see :func:`replacing`."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # A file name need not be text; what cannot be encoded is kept as a JSON escape.
    write_bytes(path, text.encode(errors="backslashreplace"), overwrite=overwrite)

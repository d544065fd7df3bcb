"""Reading files of unknown origin, and writing so that a half-written one is never taken for whole.

What is written is written beside, then renamed.

A process that is killed may leave ``.NAME.*.part`` beside NAME, which nothing reads, and ``.NAME.lock``, which locks no
longer; both can be removed.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from .errors import OutputError, first_line


def open_regular(path: Path | str, largest: int | None = None) -> BinaryIO:
    """Open a file for reading; never wait for one that is a pipe or a device.

    Parameters
    ----------
    path
        The file.
    largest
        Bytes it may have; any number by default.

    Raises
    ------
    OSError
        If it cannot be opened, is no regular file or is larger.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        require_regular(handle, path)
        if largest is not None and os.fstat(handle).st_size > largest:
            raise OSError(errno.EFBIG, f"it has more than {largest >> 20} MiB", str(path))
        return os.fdopen(handle, "rb")
    except OSError:
        os.close(handle)
        raise


def require_regular(handle: int, path: Path | str) -> None:
    """Refuse an open file that is a folder, a pipe or a device.

    Raises
    ------
    OSError
        If it is one.
    """
    mode = os.fstat(handle).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))


def read_regular(path: Path | str, largest: int) -> bytes:
    """Read a whole file; see :func:`open_regular`."""
    with open_regular(path, largest) as file:
        return file.read()


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
def replacing(path: Path | str, *, overwrite: bool = False, durable: bool = True) -> Iterator[Path]:
    """Give a temporary path beside ``path`` and rename it into place when the block ends well.

    Parameters
    ----------
    path
        The file to write. Its folder is created.
    overwrite
        Replace an existing file; otherwise an existing one is an error.
    durable
        Wait until it is on the disk, so that a power cut does not leave the name and no content.

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
    _make_folder_of(path)
    temporary = _temporary_in(path.parent, path)
    try:
        yield temporary
        if durable:
            _bring_to_disk(temporary)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(path, f"cannot be written ({_cause(error)})") from error
    finally:
        temporary.unlink(missing_ok=True)


def _cause(error: OSError) -> str:
    """Give what the system says; some libraries tell it in a longer text of their own."""
    return error.strerror or first_line(error)


def _make_folder_of(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(path, f"cannot be written ({error.strerror}); choose another place") from error


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def _bring_to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def new_folder(path: Path | str) -> Iterator[Path]:
    """Give a temporary folder beside ``path`` and rename it into place when the block ends well.

    Parameters
    ----------
    path
        A folder that does not exist, or is empty.

    Yields
    ------
    pathlib.Path
        The temporary folder to write to; removed with all in it if the block raises.

    Raises
    ------
    OutputError
        If ``path`` exists and is not an empty folder, or cannot be written to.
    """
    import shutil  # not for those who only read
    import tempfile

    path = Path(path)
    try:
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise OutputError(path, "exists already and is not an empty folder; remove it or choose another")
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    except OSError as error:
        raise OutputError(path, f"cannot be written ({error.strerror}); choose another place") from error
    try:
        yield folder
        folder.chmod(0o777 & ~_umask())
        if target.exists():
            target.rmdir()
        folder.rename(target)
    except OSError as error:
        raise OutputError(path, f"cannot be written ({_cause(error)})") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def claimed(path: Path | str) -> Iterator[None]:
    """Keep other processes of this toolkit from writing to an output while the block runs.

    A lock of the system's on ``.NAME.lock`` beside it, so it ends with the process, however that ends. Without such
    locks (on Windows, and some network drives) nothing is kept away.

    Parameters
    ----------
    path
        The file or folder that is written to.

    Raises
    ------
    OutputError
        If another process has it, or its folder cannot be written to.
    """
    path = Path(path).absolute()
    _make_folder_of(path)
    lock = path.parent.resolve() / f".{path.name}.lock"
    while (handle := _locked(lock, path)) is not None and not _is_at(handle, lock):
        os.close(handle)  # who had it has removed it meanwhile
    try:
        yield
    finally:
        if handle is not None:
            lock.unlink(missing_ok=True)
            os.close(handle)


def _locked(lock: Path, path: Path) -> int | None:
    try:
        import fcntl
    except ImportError:
        return None
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise OutputError(path, f"cannot be written ({error.strerror}); choose another place") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise OutputError(
            path, "is being written by another process; wait for it, or choose another place"
        ) from error
    except OSError:  # a drive without locks
        os.close(handle)
        lock.unlink(missing_ok=True)
        return None
    return handle


def _is_at(handle: int, lock: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), lock.stat())
    except FileNotFoundError:
        return False


def write_bytes(path: Path | str, data: bytes, *, overwrite: bool = False, durable: bool = True) -> None:
    """Write ``data`` to ``path`` in one step; see :func:`replacing`."""
    with replacing(path, overwrite=overwrite, durable=durable) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path | str, document: Any, *, overwrite: bool = False) -> None:
    """Write ``document`` to ``path`` as indented JSON in one step; see :func:`replacing`."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # A file name need not be text; what cannot be encoded is kept as a JSON escape.
    write_bytes(path, text.encode(errors="backslashreplace"), overwrite=overwrite)


def file_sha256(path: Path) -> str:
    """Give the SHA-256 of a file's content, in hexadecimal."""
    import hashlib

    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()

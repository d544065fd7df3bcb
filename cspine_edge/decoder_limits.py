"""What the decoders of pictures and DICOM files are held to: pixels, scans, reads, and no warnings.

A small file of bad intent can keep a decoder for minutes or fill the memory; these bounds are far above any CT slice.
"""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import BinaryIO

from .errors import SliceError

MAX_PIXELS = 16 * 1024 * 1024
"""Pixels of one frame above which a file is refused before anything is decoded: 4096 x 4096."""

MOST_READS = 300_000
"""Reads of a header, a picture or a frame: a DICOM element takes two or three, an enhanced file a hundred a frame."""

_MOST_SCANS = 100
"""Passes over a progressive JPEG's pixels, each as long as all of another; usual are ten."""


def check_size(path: Path, width: int, height: int) -> None:
    """Refuse a frame of no pixels or of more than ``MAX_PIXELS``, before it is decoded.

    Raises
    ------
    SliceError
        If the size is out of these bounds.
    """
    if width < 1 or height < 1:
        raise SliceError(path, f"states a size of {width} x {height} pixels; export it again")
    if width * height > MAX_PIXELS:
        limit = f"more than {MAX_PIXELS // 1024**2} megapixels"
        raise SliceError(path, f"has {width} x {height} pixels, {limit}, so it is no CT slice; leave it out")


def check_scans(jpeg: bytes) -> None:
    """Refuse a JPEG of so many scans that it would take minutes, which a small file can have.

    Raises
    ------
    ValueError
        If it has more than any camera or archive makes.
    """
    scans = jpeg.count(b"\xff\xda")  # in what is entropy-coded a zero byte follows each 0xFF
    if scans > _MOST_SCANS:
        raise ValueError(f"it has {scans} scans")


class ReadToEndError(Exception):
    """A parser wants all that is left."""


class Ration:
    """A file of which a parser gets so much and no more.

    A hostile file has millions of elements or chunks, or one of gigabytes, and keeps its parser for minutes.

    Parameters
    ----------
    file
        The file, open for reading.
    most
        Bytes that may be read of it.

    Raises
    ------
    ReadToEndError
        If a read states no size.
    ValueError
        If more is read, or in more than ``MOST_READS`` reads.
    """

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file, self._reads, self._left = file, MOST_READS, most
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """Read as the file does."""
        if size < 0:
            raise ReadToEndError
        data = self._file.read(min(size, self._left + 1))
        self._reads -= 1
        self._left -= len(data)
        if self.spent:
            raise ValueError("more is to be read of it than of any slice")
        return data

    @property
    def spent(self) -> bool:
        """True once more was asked for; parsers may have made another error of it."""
        return self._reads < 0 or self._left < 0


class _Silence:
    """No warnings while any thread is inside.

    Pillow and pydicom warn about much that does not touch the pixels. The list of filters belongs to the process and
    not to the thread: the first thread that comes in replaces it, and the last that leaves puts it back. A generator
    must not yield inside.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._filters = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *raised: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._filters.__exit__(None, None, None)


silence = _Silence()

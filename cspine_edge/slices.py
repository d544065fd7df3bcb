"""CT slices from PNG, JPEG and DICOM files: read, and brought to 8 bits.

One reader serves every verb. It yields one :class:`CtSlice` per frame with the pixels as the file stores
them; :meth:`CtSlice.to_uint8` turns them into display values and says which window it used::

    PNG, JPEG 8 bit ──────────────────────────────────────────────▶ uint8   WindowSource.NONE
    PNG 16 bit ────── × 255 / 65535 ──────────────────────────────▶ uint8   WindowSource.FULL_RANGE
    DICOM ── × slope + intercept ──▶ HU ── window ── MONOCHROME1 ─▶ uint8   CONTRACT, FILE or OPTION

Pixels are taken as stored: an EXIF orientation is not applied, and an alpha channel is dropped.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .errors import CspineError, OnError, SliceError
from .window import Window, WindowSource

_LARGEST_READ_AT_ONCE = 16 * 1024 * 1024
"""Bytes of a file above which its decoder reads from the disk, so that they are not held twice."""


@dataclass(frozen=True, eq=False)
class CtSlice:
    """One axial slice as its file stores it.

    Attributes
    ----------
    path
        The file.
    frame
        Index of the frame in the file, from 0.
    frames
        Frames in the file; 1 for pictures.
    pixels
        (height, width). Display values, uint8, of an 8-bit picture or a colour DICOM image; uint16 of a
        16-bit picture; else the stored values of a DICOM image, (u)int8, (u)int16 or (u)int32.
    rescale
        Slope and intercept from stored values to HU; (1, 0) for a DICOM image that states none. None where
        the pixels are no HU: pictures, colour, and unsigned 8-bit images whose rescale is the identity.
    window
        The file's own window, the first if it has several.
    inverted
        True if 255 minus the windowed value is to be shown. See :meth:`to_uint8`.
    series
        Series Instance UID.
    instance
        Instance Number.
    position_mm
        Place along the normal of the slice, in mm, from Image Position and Image Orientation (Patient).
    modality
        Modality of the DICOM file, e.g. ``"CT"``; None for pictures.
    """

    path: Path
    frame: int
    frames: int
    pixels: np.ndarray
    rescale: tuple[float, float] | None = None
    window: Window | None = None
    inverted: bool = False
    series: str | None = None
    instance: int | None = None
    position_mm: float | None = None
    modality: str | None = None

    def to_uint8(
        self, contract_window: Window | None = None, option_window: Window | None = None
    ) -> tuple[np.ndarray, Window | None, WindowSource]:
        """Display values of the slice, and the window that made them.

        The contract's window comes first, because the model was trained with it; then the file's, then the
        option's. The contract's and the option's are in HU and so never touch pixels that are not.

        MONOCHROME1 means that the smallest stored value is shown white, after windowing (DICOM PS3.3
        C.7.6.3.1.2), so the windowed values are inverted. A negative rescale slope already turns small
        stored values into high HU, that is white; inverting again would show bone black, so it is left.

        Parameters
        ----------
        contract_window
            Window of the model's contract.
        option_window
            Window of the caller, for files without one.

        Returns
        -------
        tuple
            uint8 pixels (height, width); the window, or None if none was applied; where it came from.

        Raises
        ------
        SliceError
            If the pixels need a window and there is none.
        """
        window: Window | None
        if self.rescale is not None and contract_window is not None:
            window, source = contract_window, WindowSource.CONTRACT
        elif self.window is not None:
            window, source = self.window, WindowSource.FILE
        elif self.rescale is not None:
            window, source = option_window, WindowSource.OPTION
        elif self.pixels.dtype == np.uint16:
            table = (np.arange(65536, dtype=np.uint32) * 255 + 32767) // 65535
            return table.astype(np.uint8).take(self.pixels), None, WindowSource.FULL_RANGE
        else:
            return (255 - self.pixels if self.inverted else self.pixels), None, WindowSource.NONE
        if window is None:
            raise SliceError(self.path, "has no window; give one, in HU, with --window CENTER/WIDTH")
        shown = _windowed(self.pixels, self.rescale or (1.0, 0.0), window)
        return (255 - shown if self.inverted else shown), window, source


def _windowed(stored: np.ndarray, rescale: tuple[float, float], window: Window) -> np.ndarray:
    slope, intercept = rescale
    low, high = int(stored.min()), int(stored.max())
    if high - low >= 1 << 16:  # 32-bit values: a table would be longer than the image
        shown = np.empty(stored.shape, np.uint8)
        for row, values in enumerate(stored):  # all at once would take thirty times the image in memory
            shown[row] = window.apply(values.astype(np.float64) * slope + intercept)
        return shown
    table = window.apply(np.arange(low, high + 1, dtype=np.float64) * slope + intercept)
    fits = high - low <= np.iinfo(stored.dtype).max  # else the difference would overflow
    return table.take((stored if fits else stored.astype(np.int32)) - stored.dtype.type(low))


def read_slices(path: Path) -> Iterator[CtSlice]:
    """Read the slices of one file, told apart by its content and not by its name.

    Frames are decoded one at a time, while iterating; that is also when errors are raised.

    Parameters
    ----------
    path
        A PNG, JPEG or DICOM file; DICOM with or without preamble.

    Yields
    ------
    CtSlice
        One for each frame, in the order of the file.

    Raises
    ------
    SliceError
        If the file is missing, empty, cut short, of another kind or larger than ``MAX_PIXELS``, or is written to
        while it is read.
    MissingExtraError
        If the file is compressed in a way that needs the ``dicom`` extra.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise SliceError(path, _no_file(path))
        with path.open("rb") as opened:
            before = os.fstat(opened.fileno())
            # Decoders read in many small steps, which cost less in memory.
            at_once = before.st_size <= _LARGEST_READ_AT_ONCE
            file = io.BytesIO(opened.read()) if at_once else opened
            if at_once:
                _refuse_changed(path, opened, before)
            head = file.read(132)
            file.seek(0)
            if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
                from .pictures import read_picture

                found = iter([CtSlice(path, frame=0, frames=1, pixels=read_picture(path, file, head))])
            elif is_dicom(head):
                from .dicom import read_frames

                found = read_frames(path, file)
            else:
                raise SliceError(path, _foreign(head))
            for frame in found:
                if not at_once:
                    _refuse_changed(path, opened, before)
                yield frame
    except OSError as error:
        raise SliceError.unreadable(path, error) from error


def _refuse_changed(path: Path, file: BinaryIO, before: os.stat_result) -> None:
    """Refuse what may be the one half of an old file and the other half of a new one."""
    now = os.fstat(file.fileno())
    if (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise SliceError(path, "was changed while it was read; wait until it is written, and read it again")


def iter_slices(paths: Iterable[Path], on_error: OnError) -> Iterator[CtSlice]:
    """Read many files one after the other, skipping those that cannot be read.

    Parameters
    ----------
    paths
        Files, such as :func:`cspine_edge.slice_files.find_slices` returns.
    on_error
        Called with the SliceError or MissingExtraError of each file that is skipped. Frames of a multi-frame
        file that come before a broken one have been yielded by then.

    Yields
    ------
    CtSlice
        One for each frame that could be read; only one is held in memory at a time.
    """
    for path in paths:
        try:
            yield from read_slices(path)
        except CspineError as error:
            on_error(error)


def is_dicom(head: bytes) -> bool:
    """Tell from its first 132 bytes whether a file is DICOM (PS3.10 section 7.1).

    Without the preamble it is, if it begins with a data element of group 0002 or 0008 in either byte order.
    """
    if head[128:132] == b"DICM":
        return True
    for order in ("little", "big"):
        group, element = (int.from_bytes(head[i : i + 2], order) for i in (0, 2))
        if len(head) >= 8 and group in (0x0002, 0x0008) and element <= 0x0100:
            explicit = head[4:6].isalpha() and head[4:6].isupper()
            return explicit or int.from_bytes(head[4:8], order) <= 1024
    return False


def _no_file(path: Path) -> str:
    if path.is_dir():
        return "is a folder; give one of its files"
    return "is no regular file; copy it into one" if path.exists() else "does not exist; check the path"


def _foreign(head: bytes) -> str:
    if not head:
        return "is empty (0 bytes); copy it again"
    text = all(byte >= 32 or byte in b"\t\r\n\f" for byte in head)
    kind = "holds text" if text else "is of an unknown kind"
    return f"{kind}, whatever its name says; give a PNG, JPEG or DICOM file"

"""CT slices from PNG, JPEG and DICOM files: found, read and brought to 8 bits.

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
import re
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .errors import CspineError, SliceError
from .window import Window, WindowSource

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

MAX_PIXELS = 16 * 1024 * 1024
"""Pixels of one frame above which a file is refused before anything is decoded: 4096 x 4096."""

MOST_READS = 300_000
"""Reads of a header, a picture or a frame: a DICOM element takes two or three, an enhanced file a hundred a frame."""

_MOST_SCANS = 100
"""Passes over a progressive JPEG's pixels, each as long as all of another; usual are ten."""

_LARGEST_PICTURE = 256 * 1024 * 1024
"""Bytes that are read of a picture: as many as its pixels can have, in 16 bits of four channels, twice."""

_LARGEST_READ_AT_ONCE = 16 * 1024 * 1024
"""Bytes of a file above which its decoder reads from the disk, so that they are not held twice."""

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".dcm", ".dicom", ".ima"})
"""Suffixes, in lower case, by which a file in a folder is taken for a slice."""

OnError = Callable[[CspineError], None]
"""Receives the error of an input that is skipped."""


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
                found = iter([CtSlice(path, frame=0, frames=1, pixels=_read_picture(path, file, head))])
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
        raise _unreadable(path, error) from error


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
        Files, such as :func:`find_slices` returns.
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


def _unreadable(path: Path, error: OSError) -> SliceError:
    return SliceError(path, f"cannot be read ({error.strerror or error}); check the path and the rights")


def _foreign(head: bytes) -> str:
    if not head:
        return "is empty (0 bytes); copy it again"
    text = all(byte >= 32 or byte in b"\t\r\n\f" for byte in head)
    kind = "holds text" if text else "is of an unknown kind"
    return f"{kind}, whatever its name says; give a PNG, JPEG or DICOM file"


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


def _read_picture(path: Path, file: BinaryIO, head: bytes) -> np.ndarray:
    # The plug-in is called directly: Image.open would import more of them and warn of large sizes itself.
    opener: type[ImageFile]
    if head[0] == 0x89:
        from PIL.PngImagePlugin import PngImageFile

        kind, opener = "PNG", PngImageFile
    else:
        from PIL.JpegImagePlugin import JpegImageFile

        kind, opener = "JPEG", JpegImageFile
    try:
        if kind == "JPEG":
            check_scans(file.read(_LARGEST_PICTURE))
            file.seek(0)
        source: Any = Ration(file, _LARGEST_PICTURE)
        with silence, opener(source) as image:
            check_size(path, *image.size)
            image.load()
            if image.mode.startswith("I"):  # 16-bit grey: "I;16", or "I" from Pillow before 10.3
                return np.asarray(image).astype(np.uint16)
            image.info.pop("transparency", None)
            return np.asarray(image if image.mode == "L" else image.convert("L"))
    except SliceError:
        raise
    except Exception as error:  # broken pictures raise OSError, SyntaxError, ValueError, zlib.error ...
        reason = f"is a broken or truncated {kind} ({str(error)[:300]}); copy or export it again"
        raise SliceError(path, reason) from error


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
                report(SliceError(given, _no_file(given)))
        except OSError as error:
            report(_unreadable(given, error))


def _raise(error: CspineError) -> None:
    raise error


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Sort key by which ``img2`` comes before ``img10``."""
    parts: list[str | int] = list(re.split(r"(\d+)", name.casefold()))
    parts[1::2] = [int(number) for number in parts[1::2]]
    return parts, name


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
        report(_unreadable(folder, error))
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


def order_series(slices: Iterable[CtSlice]) -> list[CtSlice]:
    """Order the slices of one series along its axis.

    By position along the normal if every slice has one, else by Instance Number if every slice has one, else
    by file name; frames of one file by their index.
    """
    slices = list(slices)
    if all(slice_.position_mm is not None for slice_ in slices):
        return sorted(slices, key=lambda slice_: slice_.position_mm or 0.0)
    if all(slice_.instance is not None for slice_ in slices):
        return sorted(slices, key=lambda slice_: (slice_.instance or 0, slice_.frame))
    return sorted(slices, key=lambda slice_: (natural_key(str(slice_.path)), slice_.frame))

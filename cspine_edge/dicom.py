"""DICOM files as CT slices: headers, functional groups of multi-frame files, and pixels.

pydicom reads the files; it decodes uncompressed and RLE pixels itself, and JPEG and JPEG 2000 through Pillow;
the ``dicom`` extra adds decoders for JPEG Lossless, JPEG-LS and HTJ2K. This module is imported with the first
DICOM file, so that reading pictures does not pay for pydicom.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, get_decoder, pixel_array
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import (
    UID,
    AllTransferSyntaxes,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGExtended12Bit,
)

from .errors import MissingExtraError, SliceError
from .slices import CtSlice, check_size
from .window import Window, WindowFunction

# The first that knows a transfer syntax decodes it, so lossy pixels do not depend on what else is installed.
# GDCM comes last: damaged data can make it abort the process instead of raising.
_PLUGINS = ("pydicom", "pillow", "pyjpegls", "pylibjpeg", "gdcm")


class _Silence:
    """No warnings while any thread is inside.

    pydicom warns about much that does not touch the pixels. The list of filters belongs to the process and not to the
    thread: the first thread that comes in replaces it, and the last that leaves puts it back. A generator must not
    yield inside.
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


_silence = _Silence()


@dataclass(frozen=True)
class _Header:
    """What all frames of a file have in common."""

    photometric: str
    decoder: str
    frames: int
    displayed: bool
    """The pixels are display values and no HU: colour, or unsigned 8 bits without a rescale of their own."""
    series: str | None
    instance: int | None
    modality: str | None


def read_frames(path: Path, file: BinaryIO) -> Iterator[CtSlice]:
    """Read the frames of a DICOM file, decoding one at a time.

    Rescale and window come from the functional groups of an enhanced multi-frame file (DICOM PS3.3 C.7.6.16),
    else from the top level. Colour becomes grey with the weights of ITU-R BT.601, as in Pillow.

    Parameters
    ----------
    path
        The file, for messages.
    file
        The same file, opened for reading.

    Yields
    ------
    CtSlice
        One for each frame.

    Raises
    ------
    SliceError
        If the file is broken, cut short, too large (``MAX_PIXELS``) or has no pixels of a CT slice.
    MissingExtraError
        If its transfer syntax needs the ``dicom`` extra.
    """
    with _translated(path), _silence:
        dataset = dcmread(file, force=True)
        header = _read_header(path, dataset)
    for frame in range(header.frames):
        with _translated(path), _silence:
            slice_ = _read_frame(path, dataset, header, frame)
        yield slice_


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (SliceError, MissingExtraError):
        raise
    except Exception as error:  # on broken files pydicom and the decoders raise almost anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SliceError(
            path, f"is a broken, truncated or unusual DICOM file ({reason}); export it again"
        ) from error


def _read_header(path: Path, dataset: Dataset) -> _Header:
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        raise SliceError(
            path, "has floating-point pixels, which no CT slice has; export it with integer ones"
        )
    if "PixelData" not in dataset:
        kind = dataset.get("Modality") or dataset.file_meta.get("MediaStorageSOPClassUID", UID("")).name
        raise SliceError(
            path, f"is DICOM without pixel data ({kind or 'or cut short'}); give the image files"
        )
    check_size(path, int(dataset.Columns), int(dataset.Rows))
    if dataset.BitsAllocated not in (8, 16, 32):
        raise SliceError(path, f"has pixels of {dataset.BitsAllocated} bits, like a mask; give the CT images")
    if "ModalityLUTSequence" in dataset:
        raise SliceError(
            path, "maps its pixels by a Modality LUT and not by Rescale Slope; export it with the latter"
        )
    photometric = str(dataset.PhotometricInterpretation)
    color = not photometric.startswith("MONOCHROME")
    if color and photometric != "PALETTE COLOR" and dataset.BitsAllocated != 8:
        raise SliceError(
            path,
            f"has {photometric} pixels of {dataset.BitsAllocated} bits, so it is no CT slice; leave it out",
        )
    identity = _rescale(path, _Groups.of(dataset, 0)) == (1.0, 0.0)
    instance = dataset.get("InstanceNumber")
    return _Header(
        photometric=photometric,
        decoder=_decoder(path, dataset),
        frames=int(dataset.get("NumberOfFrames") or 1),
        displayed=color or (dataset.BitsAllocated == 8 and not dataset.PixelRepresentation and identity),
        series=str(dataset.get("SeriesInstanceUID") or "") or None,
        instance=None if instance is None else int(instance),
        modality=dataset.get("Modality") or None,
    )


def _decoder(path: Path, dataset: Dataset) -> str:
    """The decoder of pydicom to use, "" for pixels that are not compressed."""
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:  # no file meta information: pydicom has guessed the encoding from the first element
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        syntax = dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        reason = f"is compressed as {syntax.name}, which has no decoder; decompress it"
        raise SliceError(path, reason) from error
    if not syntax.is_encapsulated:
        return ""
    plugins = _available(decoder)
    if syntax == JPEGExtended12Bit and dataset.BitsStored > 8:
        plugins = [plugin for plugin in plugins if plugin == "pylibjpeg"]
        if not plugins:
            how = "decompress it, or pip install pylibjpeg pylibjpeg-libjpeg"
            raise SliceError(path, f"is 12-bit lossy JPEG, which only pylibjpeg-libjpeg (GPL) decodes; {how}")
    if not plugins:
        raise MissingExtraError(f"{path}: decoding {syntax.name} DICOM", "dicom")
    return plugins[0]


def _available(decoder: Decoder) -> list[str]:
    return [plugin for plugin in _PLUGINS if plugin in decoder.available_plugins]


def compressed_syntaxes() -> dict[str, str | None]:
    """Transfer syntaxes of compressed pixels by name, each with the plugin that decodes it here, ``None`` if none does.

    Those that nothing known to pydicom decodes anywhere are left out.
    """
    found: dict[str, str | None] = {}
    for syntax in AllTransferSyntaxes:
        try:
            decoder = get_decoder(syntax)
        except NotImplementedError:
            continue
        if syntax.is_encapsulated:
            found[syntax.name] = next(iter(_available(decoder)), None)
    of_12_bits = "pylibjpeg" in get_decoder(JPEGExtended12Bit).available_plugins
    return found | {f"{JPEGExtended12Bit.name}, 12 bits": "pylibjpeg" if of_12_bits else None}


def _read_frame(path: Path, dataset: Dataset, header: _Header, frame: int) -> CtSlice:
    # YBR comes as RGB, PALETTE COLOR as indices.
    stored = pixel_array(dataset, index=frame, decoding_plugin=header.decoder)
    groups = _Groups.of(dataset, frame)
    rescale = None if header.displayed else _rescale(path, groups)
    return CtSlice(
        path=path,
        frame=frame,
        frames=header.frames,
        pixels=_gray(stored, header.photometric, dataset),
        rescale=rescale,
        window=_window(groups),
        inverted=header.photometric == "MONOCHROME1" and (rescale is None or rescale[0] > 0),
        series=header.series,
        instance=header.instance,
        position_mm=_position_mm(groups),
        modality=header.modality,
    )


def _gray(stored: np.ndarray, photometric: str, dataset: Dataset) -> np.ndarray:
    if photometric == "PALETTE COLOR":
        stored = apply_color_lut(stored, dataset)
        if stored.dtype == np.uint16:  # entries of 16 bits are left-justified (PS3.3 C.7.6.3.1.6)
            stored = (stored >> 8).astype(np.uint8)
    if stored.ndim == 3:
        from PIL import Image

        return np.asarray(Image.fromarray(stored[..., :3]).convert("L"))
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


@dataclass(frozen=True)
class _Groups:
    """The functional groups of a frame, its own before the shared ones; none in a file of one slice."""

    dataset: Dataset
    items: tuple[Dataset, ...]

    @classmethod
    def of(cls, dataset: Dataset, frame: int) -> _Groups:
        per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
        shared = dataset.get("SharedFunctionalGroupsSequence") or []
        return cls(dataset, (*per_frame[frame : frame + 1], *shared[:1]))

    def item(self, keyword: str) -> Dataset:
        """The item of a functional group, or the data set itself."""
        found = (groups[keyword].value[0] for groups in self.items if groups.get(keyword))
        return next(found, self.dataset)


def _rescale(path: Path, groups: _Groups) -> tuple[float, float]:
    """Slope and intercept to HU; the identity where the file states none (PS3.3 C.11.1)."""
    item = groups.item("PixelValueTransformationSequence")
    slope, intercept = item.get("RescaleSlope"), item.get("RescaleIntercept")
    numbers = (1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept))
    if not all(map(math.isfinite, numbers)) or numbers[0] == 0:
        raise SliceError(
            path, f"states a Rescale Slope of {slope} and Intercept of {intercept}; export it again"
        )
    return numbers


def _window(groups: _Groups) -> Window | None:
    """The first window of the file; None if it states none, or one that the standard does not allow."""
    item = groups.item("FrameVOILUTSequence")
    center, width = _first(item.get("WindowCenter")), _first(item.get("WindowWidth"))
    if center is None or width is None:
        return None
    exact = item.get("VOILUTFunction") in ("LINEAR_EXACT", "SIGMOID")
    try:
        return Window(center, width, WindowFunction.LINEAR_EXACT if exact else WindowFunction.LINEAR)
    except ValueError:
        return None


def _first(value: Any) -> float | None:
    """The first of a DICOM element's values; pydicom gives one value bare, and several as a list."""
    if isinstance(value, str) or not hasattr(value, "__len__"):
        return None if value in (None, "") else float(value)
    return float(value[0]) if len(value) else None


def _position_mm(groups: _Groups) -> float | None:
    """Image Position (Patient) along the normal of the slice (PS3.3 C.7.6.2.1.1)."""
    position = groups.item("PlanePositionSequence").get("ImagePositionPatient")
    orientation = groups.item("PlaneOrientationSequence").get("ImageOrientationPatient")
    if not position or not orientation or len(position) != 3 or len(orientation) != 6:
        return None
    (rx, ry, rz, cx, cy, cz), (x, y, z) = map(float, orientation), map(float, position)
    return x * (ry * cz - rz * cy) + y * (rz * cx - rx * cz) + z * (rx * cy - ry * cx)

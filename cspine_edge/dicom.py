"""DICOM files as CT slices: headers and the functional groups of multi-frame files.

pydicom reads the files; :mod:`cspine_edge.dicom_pixels` has it decode their pixels. This module is imported with the
first DICOM file, so that reading pictures does not pay for pydicom.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from pydicom import dcmread
from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut
from pydicom.uid import UID, ExplicitVRLittleEndian

from .decoder_limits import Ration, ReadToEndError, check_size, silence
from .dicom_pixels import Pixels
from .errors import MissingExtraError, SliceError
from .slices import CtSlice
from .window import Window, WindowFunction

_SEQUENCES = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "ModalityLUTSequence")
_COLORS = ("Red", "Green", "Blue")
_LONG = (
    *(*_SEQUENCES, "ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
    *(f"{color}PaletteColorLookupTableData" for color in _COLORS),
)
_SHORT = (
    *("SpecificCharacterSet", "Modality", "SeriesInstanceUID", "InstanceNumber"),
    *("ImagePositionPatient", "ImageOrientationPatient", "SamplesPerPixel", "PhotometricInterpretation"),
    *("PlanarConfiguration", "NumberOfFrames", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "WindowCenter", "WindowWidth", "VOILUTFunction", "RescaleIntercept"),
    *("RescaleSlope", *(f"{color}PaletteColorLookupTableDescriptor" for color in _COLORS)),
)
_USED = [tag for tag in map(tag_for_keyword, (*_SHORT, *_LONG)) if tag is not None]
"""What is read of a header; the rest is passed over, however large."""
_LONGEST = dict.fromkeys(_SHORT, 4096) | dict.fromkeys(_LONG, 6 * 1024 * 1024)
"""Bytes an element may have; functional groups take about a thousand a frame."""
_MOST_OF_HEADER = 32 * 1024 * 1024
_MOST_UNPACKED = 128 * 1024 * 1024
"""Bytes a deflated file may unpack to."""
_PIXELS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}


@dataclass(frozen=True)
class _Header:
    """What all frames of a file have in common."""

    photometric: str
    pixels: Pixels
    frames: int
    displayed: bool
    """The pixels are display values and no HU: colour, or unsigned 8 bits without a rescale of their own."""
    series: str | None
    instance: int | None
    modality: str | None


def read_frames(path: Path, file: BinaryIO) -> Iterator[CtSlice]:
    """Read the frames of a DICOM file one at a time; only one is held in memory.

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
    with _translated(path), silence:
        dataset, file = _read_dataset(path, file)
        header = _read_header(path, dataset, file)
    for frame in range(header.frames):
        with _translated(path), silence:
            slice_ = _read_frame(path, dataset, header, frame)
        yield slice_


def read_series(path: Path, file: BinaryIO) -> tuple[str | None, int | None]:
    """Read which series a DICOM file belongs to, and its place in it; no pixel is decoded.

    Parameters
    ----------
    path
        The file, for messages.
    file
        The same file, opened for reading.

    Returns
    -------
    tuple
        Series Instance UID and Instance Number, each ``None`` if the file states none.

    Raises
    ------
    SliceError
        If its header is broken or longer than that of any slice.
    """
    with _translated(path), silence:
        dataset, _ = _read_dataset(path, file)
        return _series(dataset)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (SliceError, MissingExtraError):
        raise
    except Exception as error:  # on broken files pydicom and the decoders raise almost anything
        reason = " ".join(str(error)[:300].split()) or type(error).__name__
        raise SliceError(
            path, f"is a broken, truncated or unusual DICOM file ({reason}); export it again"
        ) from error


def _read_dataset(path: Path, file: BinaryIO) -> tuple[Dataset, BinaryIO]:
    """Read what is used of a header; the file, unpacked if it was deflated, is then where its pixels begin."""
    try:
        return _parsed(path, file), file
    except ReadToEndError:
        file = _inflated(path, file)
        return _parsed(path, file), file


def _parsed(path: Path, file: BinaryIO) -> Dataset:
    source: Any = Ration(file, _MOST_OF_HEADER)
    try:
        return dcmread(source, force=True, stop_before_pixels=True, specific_tags=_USED)
    except Exception:
        if source.spent:
            raise SliceError(path, "has a longer header than any slice; export it again") from None
        raise


def _inflated(path: Path, file: BinaryIO) -> BinaryIO:
    """The same file (PS3.5 A.5), not compressed, from where it is deflated."""
    uid = ExplicitVRLittleEndian.encode() + b"\0"
    unpacked = io.BytesIO()
    unpacked.write(bytes(128) + b"DICM\x02\0\x10\0UI" + len(uid).to_bytes(2, "little") + uid)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    while not inflater.eof:
        packed = file.read(1 << 14)
        if not packed:
            raise ValueError("its deflated part is cut short")
        unpacked.write(inflater.decompress(packed))  # to a thousand times as much, at most
        if unpacked.tell() > _MOST_UNPACKED:
            limit = f"more than {_MOST_UNPACKED >> 20} MiB"
            raise SliceError(path, f"unpacks to {limit}, so it is no CT slice; leave it out")
    unpacked.seek(0)
    return unpacked


def _series(dataset: Dataset) -> tuple[str | None, int | None]:
    instance = dataset.get("InstanceNumber")
    return str(dataset.get("SeriesInstanceUID") or "") or None, None if instance is None else int(instance)


def _pixel_element(dataset: Dataset, file: BinaryIO) -> tuple[str, int, int]:
    """Keyword, place and length of the element at which reading stopped; no keyword at the end of the file."""
    implicit, little = dataset.original_encoding
    order: Any = "little" if little else "big"
    head = file.read(8 if implicit else 12)
    if len(head) < 8:
        return "", 0, 0
    tag = int.from_bytes(head[:2], order) << 16 | int.from_bytes(head[2:4], order)
    return _PIXELS.get(tag, ""), file.tell(), int.from_bytes(head[-4:], order)


def _read_header(path: Path, dataset: Dataset, file: BinaryIO) -> _Header:
    keyword, begin, length = _pixel_element(dataset, file)
    if keyword in ("FloatPixelData", "DoubleFloatPixelData"):
        raise SliceError(
            path, "has floating-point pixels, which no CT slice has; export it with integer ones"
        )
    for name in dataset.keys():  # noqa: SIM118, a data set iterates over its elements
        element = dataset.get_item(name)
        longest = _LONGEST.get(keyword_for_tag(name), 0)
        if isinstance(element, RawDataElement) and element.length > longest > 0:
            reason = (
                f"has {element.length} bytes of {keyword_for_tag(name)}, which no slice has; export it again"
            )
            raise SliceError(path, reason)
    if not keyword:
        kind = dataset.get("Modality") or dataset.file_meta.get("MediaStorageSOPClassUID", UID("")).name
        raise SliceError(
            path, f"is DICOM without pixel data ({str(kind)[:64] or 'or cut short'}); give the image files"
        )
    check_size(path, int(dataset.Columns), int(dataset.Rows))
    if dataset.BitsAllocated not in (8, 16, 32):
        raise SliceError(path, f"has pixels of {dataset.BitsAllocated} bits, like a mask; give the CT images")
    if "ModalityLUTSequence" in dataset:
        raise SliceError(
            path, "maps its pixels by a Modality LUT and not by Rescale Slope; export it with the latter"
        )
    photometric = str(dataset.PhotometricInterpretation)[:64]
    color = not photometric.startswith("MONOCHROME")
    if color and photometric != "PALETTE COLOR" and dataset.BitsAllocated != 8:
        raise SliceError(
            path,
            f"has {photometric} pixels of {dataset.BitsAllocated} bits, so it is no CT slice; leave it out",
        )
    identity = _rescale(path, _Groups.of(dataset, 0)) == (1.0, 0.0)
    series, instance = _series(dataset)
    pixels = Pixels.of(path, file, dataset, keyword, begin, length)
    return _Header(
        photometric=photometric,
        pixels=pixels,
        frames=int(dataset.get("NumberOfFrames") or 1),
        displayed=color or (dataset.BitsAllocated == 8 and not dataset.PixelRepresentation and identity),
        series=series,
        instance=instance,
        modality=dataset.get("Modality") or None,
    )


def _read_frame(path: Path, dataset: Dataset, header: _Header, frame: int) -> CtSlice:
    stored = header.pixels.frame(frame)
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
            path,
            f"states a Rescale Slope of {str(slope)[:64]} and Intercept of {str(intercept)[:64]}; export it again",
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

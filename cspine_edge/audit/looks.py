"""What the audit keeps of each slice once its pixels are let go."""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from ..dataset import PICTURE_SUFFIXES, LabelledDataset, LabelledSlice, read_labelled_slice
from ..errors import CspineError, InputError
from ..preprocess import resize
from ..scratch import Rows
from ..window import Window
from .variants import Picture, Pictures

THUMBNAIL = 32
"""Rows and columns of a thumbnail."""

_BLACK = 16
_AT_ONCE = 64  # what is read but not yet put away, which is what memory would be spent on


@dataclass(frozen=True)
class Unreadable:
    """A slice that was left out: its path relative to the data set's root, and why."""

    path: str
    reason: str


@dataclass(frozen=True, eq=False)
class Looks:
    """What was seen of the slices of a data set, column by column in its order.

    Attributes
    ----------
    same
        Number of the group of slices with the same shape and grey levels that each is of, shape (n,), intp; groups are
        numbered as they come.
    size
        Number of pixels as stored, shape (n,), int64.
    brightness
        Mean grey level, 0 to 255, shape (n,), float64.
    spread
        From the 5th to the 95th percentile of the grey levels that are not near black: what a window leaves; shape
        (n,), float64.
    window
        Centre and width in HU of the window that was applied, shape (n, 2), float64; NaN where none was.
    file_format
        By the suffix: ``.png``, ``.jpg`` or ``.dcm``; shape (n,).
    """

    same: npt.NDArray[np.intp]
    size: npt.NDArray[np.int64]
    brightness: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]
    window: npt.NDArray[np.float64]
    file_format: npt.NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class _Look:
    """One slice; ``digest`` is SHA-256 over its shape and grey levels."""

    digest: bytes
    size: int
    brightness: float
    spread: float
    window: Window | None
    file_format: str
    thumbnail: npt.NDArray[np.uint8]
    picture: Picture


def read_looks(
    dataset: LabelledDataset, window: Window | None, on_slice: Callable[[], object]
) -> tuple[LabelledDataset, Looks, Rows, Pictures, tuple[Unreadable, ...]]:
    """Decode every slice once.

    Parameters
    ----------
    dataset
        The labelled slices; each file holds one.
    window
        Window in HU for slices that need one and bring none.
    on_slice
        Called after each slice.

    Returns
    -------
    tuple
        The slices that can be read; what was seen of them; their thumbnails, rows of shape (THUMBNAIL ** 2,), uint8;
        their pictures; and those that cannot be read, with the reason.
    """

    def load(item: LabelledSlice) -> _Look | Unreadable:
        try:
            return _look(dataset, item, window)
        except InputError as error:
            return Unreadable(item.path, error.reason)
        except CspineError as error:
            return Unreadable(item.path, str(error))

    read, unreadable, formats = [], [], []
    digests, size, columns = bytearray(), array("q"), array("d")
    thumbnails, pictures = Rows((THUMBNAIL**2,), np.uint8), Pictures()
    left = iter(dataset.slices)
    # Decoding and hashing release the interpreter lock.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        while some := list(islice(left, _AT_ONCE)):
            for item, look in zip(some, pool.map(load, some), strict=True):
                on_slice()
                if isinstance(look, Unreadable):
                    unreadable.append(look)
                    continue
                read.append(item)
                digests += look.digest
                size.append(look.size)
                shown = (look.window.center, look.window.width) if look.window else (np.nan, np.nan)
                columns.extend((look.brightness, look.spread, *shown))
                formats.append(look.file_format)
                thumbnails.append(look.thumbnail[None])
                pictures.append(look.picture)
    brightness, spread, *windows = np.array(columns).reshape(-1, 4).T
    looks = Looks(
        same=_in_order_of_appearance(np.frombuffer(digests, "V32")),
        size=np.array(size),
        brightness=brightness.copy(),
        spread=spread.copy(),
        window=np.stack(windows, axis=1),
        file_format=np.array(formats),
    )
    return LabelledDataset(dataset.root, tuple(read)), looks, thumbnails, pictures, tuple(unreadable)


def _in_order_of_appearance(values: npt.NDArray[np.void]) -> npt.NDArray[np.intp]:
    """Number the different values as they come."""
    _, first, group = np.unique(values, return_index=True, return_inverse=True)
    number = np.empty(len(first), dtype=np.intp)
    number[np.argsort(first)] = np.arange(len(first))
    return number[group]


def _look(dataset: LabelledDataset, item: LabelledSlice, window: Window | None) -> _Look:
    path = dataset.path_of(item)
    grey, applied, _ = read_labelled_slice(path).to_uint8(option_window=window)
    height, width = grey.shape
    shown = grey[grey > _BLACK]
    low, high = np.percentile(shown, (5, 95)) if shown.size else (0, 0)
    suffix = path.suffix.lower().replace(".jpeg", ".jpg")
    digest = hashlib.sha256(f"{height} {width}\n".encode())
    digest.update(grey.tobytes())
    return _Look(
        digest=digest.digest(),
        size=height * width,
        brightness=float(grey.mean()),
        spread=float(high - low),
        window=applied,
        file_format=suffix if suffix in PICTURE_SUFFIXES else ".dcm",  # a UID for a name has any suffix
        thumbnail=resize(grey, THUMBNAIL, THUMBNAIL).ravel(),
        picture=Picture.of(grey),
    )

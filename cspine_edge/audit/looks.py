"""What the audit keeps of each slice once its pixels are let go."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from ..dataset import LabelledDataset, LabelledSlice
from ..errors import CspineError, InputError, SliceError
from ..preprocess import resize
from ..slices import read_slices
from ..window import Window
from .variants import Picture, Pictures

THUMBNAIL = 32
"""Rows and columns of a thumbnail."""

_BLACK = 16
_AT_ONCE = 256  # what is read but not yet put away, which is what memory would be spent on
_FORMATS = {".jpeg": ".jpg", "": ".dcm", ".dicom": ".dcm", ".ima": ".dcm"}


@dataclass(frozen=True)
class Unreadable:
    """A slice that was left out: its path relative to the data set's root, and why."""

    path: str
    reason: str


@dataclass(frozen=True, eq=False)
class Look:
    """One slice.

    Attributes
    ----------
    digest
        SHA-256 over the shape and the grey levels.
    height, width
        In pixels, as stored.
    brightness
        Mean grey level, 0 to 255.
    spread
        From the 5th to the 95th percentile of the grey levels that are not near black: what a window leaves.
    window
        Window in HU that was applied, if any.
    file_format
        By the suffix: ``.png``, ``.jpg`` or ``.dcm``.
    thumbnail
        Grey levels, shape (THUMBNAIL ** 2,), uint8.
    """

    digest: str
    height: int
    width: int
    brightness: float
    spread: float
    window: Window | None
    file_format: str
    thumbnail: npt.NDArray[np.uint8]


def read_looks(
    dataset: LabelledDataset, window: Window | None, on_slice: Callable[[], object]
) -> tuple[list[Look | None], Pictures, tuple[Unreadable, ...]]:
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
        One look per slice, None for each that cannot be read; the pictures of those that can; and those that cannot,
        with the reason.
    """

    def load(item: LabelledSlice) -> tuple[Look, Picture] | Unreadable:
        try:
            return _look(dataset, item, window)
        except InputError as error:
            return Unreadable(item.path, error.reason)
        except CspineError as error:
            return Unreadable(item.path, str(error))

    looks: list[Look | None] = []
    pictures, unreadable = Pictures(), []
    left = iter(dataset.slices)
    # Decoding and hashing release the interpreter lock.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        while some := list(islice(left, _AT_ONCE)):
            for result in pool.map(load, some):
                if isinstance(result, Unreadable):
                    unreadable.append(result)
                    looks.append(None)
                else:
                    looks.append(result[0])
                    pictures.append(result[1])
                on_slice()
    return looks, pictures, tuple(unreadable)


def _look(dataset: LabelledDataset, item: LabelledSlice, window: Window | None) -> tuple[Look, Picture]:
    path = dataset.path_of(item)
    frames = list(read_slices(path))
    if len(frames) != 1:
        raise SliceError(path, f"has {len(frames)} frames; a labelled file holds one slice, split it")
    grey, applied, _ = frames[0].to_uint8(option_window=window)
    height, width = grey.shape
    shown = grey[grey > _BLACK]
    low, high = np.percentile(shown, (5, 95)) if shown.size else (0, 0)
    suffix = path.suffix.lower()
    digest = hashlib.sha256(f"{height} {width}\n".encode())
    digest.update(grey.tobytes())
    look = Look(
        digest=digest.hexdigest(),
        height=height,
        width=width,
        brightness=float(grey.mean()),
        spread=float(high - low),
        window=applied,
        file_format=_FORMATS.get(suffix, suffix),
        thumbnail=resize(grey, THUMBNAIL, THUMBNAIL).ravel().copy(),
    )
    return look, Picture.of(grey)

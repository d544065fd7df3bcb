"""PNG and JPEG files as grey levels; Pillow decodes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .decoder_limits import Ration, check_scans, check_size, silence
from .errors import SliceError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_LARGEST_PICTURE = 256 * 1024 * 1024
"""Bytes that are read of a picture: as many as its pixels can have, in 16 bits of four channels, twice."""


def read_picture(path: Path, file: BinaryIO, head: bytes) -> np.ndarray:
    """Read a picture as grey levels; colour is weighted by ITU-R BT.601, an alpha channel dropped.

    Parameters
    ----------
    path
        The file, for messages.
    file
        The same file, opened for reading, at its beginning.
    head
        Its first bytes, which tell PNG from JPEG.

    Returns
    -------
    numpy.ndarray
        (height, width); uint16 of 16-bit grey, else uint8.

    Raises
    ------
    SliceError
        If the picture is broken, cut short or larger than ``MAX_PIXELS``.
    """
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

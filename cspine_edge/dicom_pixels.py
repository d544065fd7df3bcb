"""Pixels of DICOM files: which decoder takes them, and that they are what the header states.

pydicom decodes uncompressed and RLE pixels itself, and JPEG and JPEG 2000 through Pillow; the ``dicom`` extra adds
decoders for JPEG Lossless, JPEG-LS and HTJ2K.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels import as_pixel_options, get_decoder
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import (
    AllTransferSyntaxes,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGExtended12Bit,
    RLELossless,
)

from .codestream import is_plain, size_of
from .decoder_limits import Ration, check_scans
from .errors import MissingExtraError, SliceError

# The first that knows a transfer syntax decodes it, so lossy pixels do not depend on what else is installed.
_PLUGINS = ("pydicom", "pillow", "pyjpegls", "pylibjpeg", "gdcm")
_APART = "gdcm"
"""Damaged data can make it abort the process instead of raising."""
_MOST_OF_FRAME = 256 * 1024 * 1024
_UNDEFINED = 0xFFFFFFFF


@dataclass(frozen=True)
class Pixels:
    """Where a file has its pixels, and how a frame of them is decoded."""

    path: Path
    file: BinaryIO
    begin: int
    decoder: Decoder
    plugin: str
    """The decoder of pydicom to use, "" for pixels that are not compressed."""
    options: dict[str, Any]

    @classmethod
    def of(
        cls, path: Path, file: BinaryIO, dataset: Dataset, keyword: str, begin: int, length: int
    ) -> Pixels:
        """Choose the decoder for the element of that keyword, whose value of that length begins there.

        Raises
        ------
        SliceError
            If nothing decodes them, or they are not compressed and fewer than the data set states.
        MissingExtraError
            If what decodes them comes with the ``dicom`` extra.
        """
        decoder, plugin = _decoder(path, dataset)
        syntax = dataset.file_meta.TransferSyntaxUID
        options = as_pixel_options(dataset, transfer_syntax_uid=syntax, pixel_keyword=keyword, pixel_vr="OW")
        pixels = cls(path, file, begin, decoder, plugin, options)
        if not plugin:
            _check_length(pixels, length)
        return pixels

    def frame(self, index: int) -> np.ndarray:
        """Decode one; YBR comes as RGB, PALETTE COLOR as indices."""
        self.file.seek(self.begin)
        encoded = self._encoded(index) if self.plugin else b""
        if self.plugin:
            _check_codestream(encoded, self.options)
        if self.plugin == _APART or not is_plain(encoded):
            from .frame_decoder import FRAME_DECODER

            return FRAME_DECODER.decode(self.path, self.begin, index, self.plugin, self.options)
        source: Any = Ration(self.file, _MOST_OF_FRAME)
        return self.decoder.as_array(source, index=index, decoding_plugin=self.plugin, **self.options)[0]

    def _encoded(self, index: int) -> bytes:
        source: Any = Ration(self.file, _MOST_OF_FRAME)
        frames = self.options["number_of_frames"]
        offsets = self.options.get("extended_offsets")
        encoded = get_frame(source, index, number_of_frames=frames, extended_offsets=offsets)
        self.file.seek(self.begin)
        return encoded


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


def _check_codestream(encoded: bytes, options: dict[str, Any]) -> None:
    """Refuse a compressed frame of another size than the header states: decoders believe what it states itself."""
    if options["transfer_syntax_uid"] == RLELossless:
        return
    height, width, samples = size_of(encoded)
    if (height, width) != (options["rows"], options["columns"]) or samples not in (1, 3, 4):
        raise ValueError(
            f"its compressed pixels are {width} x {height} x {samples}, not what its header states"
        )
    check_scans(encoded)


def _check_length(pixels: Pixels, length: int) -> None:
    """Refuse pixels, not compressed, that are fewer than stated, or more for what they are said to be."""
    options = pixels.options
    bits = options["rows"] * options["columns"] * options["samples_per_pixel"] * options["bits_allocated"]
    stated = expected = bits // 8 * options["number_of_frames"]
    if options["photometric_interpretation"] == "YBR_FULL_422":
        expected = stated // 3 * 2  # two samples of colour for two pixels (PS3.3 C.7.6.3.1.2)
        if length >= stated:
            raise ValueError("its pixels are not the YBR_FULL_422 that it states")
    pixels.file.seek(0, os.SEEK_END)
    present = min(length, pixels.file.tell() - pixels.begin)
    if length == _UNDEFINED or present < expected:
        found = f"its pixels are less than expected ({present} of {expected} bytes)"
        raise SliceError(
            pixels.path, f"is a broken or truncated DICOM file: {found}; copy or export it again"
        )


def _decoder(path: Path, dataset: Dataset) -> tuple[Decoder, str]:
    """What decodes the pixels: pydicom's decoder, and which of its plug-ins; "" if they are not compressed."""
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:  # no file meta information: pydicom has guessed the encoding from the first element
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        syntax = dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        reason = f"is compressed as {syntax.name[:64]}, which has no decoder; decompress it"
        raise SliceError(path, reason) from error
    if not syntax.is_encapsulated:
        return decoder, ""
    plugins = _available(decoder)
    if syntax == JPEGExtended12Bit and dataset.BitsStored > 8:
        plugins = [plugin for plugin in plugins if plugin == "pylibjpeg"]
        if not plugins:
            how = "decompress it, or pip install pylibjpeg pylibjpeg-libjpeg"
            raise SliceError(path, f"is 12-bit lossy JPEG, which only pylibjpeg-libjpeg (GPL) decodes; {how}")
    if not plugins:
        raise MissingExtraError(f"{path}: decoding {syntax.name} DICOM", "dicom")
    return decoder, plugins[0]


def _available(decoder: Decoder) -> list[str]:
    return [plugin for plugin in _PLUGINS if plugin in decoder.available_plugins]

"""Pixels of DICOM files: what each compression gives, and what is said where nothing decodes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from ct_files import need_decoder, read_one, shipped
from pydicom.pixels import get_decoder

from cspine_edge.errors import MissingExtraError, SliceError
from cspine_edge.window import Window


@pytest.mark.parametrize(
    "name",
    [
        "MR_small_RLE.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_expb.dcm",
        "MR_small_implicit.dcm",
        "MR_small_padded.dcm",
    ],
)
def test_lossless_encodings_give_the_same_values(name: str) -> None:
    need_decoder(name)
    expected = pydicom.dcmread(shipped("MR_small.dcm")).pixel_array
    slice_ = read_one(shipped(name))
    assert np.array_equal(slice_.pixels, expected)
    assert slice_.pixels.dtype == np.int16  # native byte order: a big-endian one would not be equal
    assert slice_.window == Window(600, 1600)


def test_jpeg_lossless_gives_the_same_values() -> None:
    need_decoder("SC_rgb_jpeg_gdcm.dcm")
    expected = read_one(shipped("SC_rgb_rle.dcm")).pixels
    assert np.array_equal(read_one(shipped("SC_rgb_jpeg_gdcm.dcm")).pixels, expected)


@pytest.mark.parametrize(
    ("name", "dtype", "shape", "low", "high"),
    [
        ("693_J2KI.dcm", np.int16, (512, 512), -8192, 8191),  # JPEG 2000, 14 bits, signed
        ("J2K_pixelrep_mismatch.dcm", np.int16, (512, 512), -4096, 4095),  # codestream of another sign
        ("JPEGLSNearLossless_16.dcm", np.uint16, (50, 10), 0, 65535),
        ("SC_rgb_dcmtk_+eb+cr.dcm", np.uint8, (100, 100), 0, 255),  # JPEG baseline
    ],
)
def test_lossy_encodings_are_read(
    name: str, dtype: type, shape: tuple[int, int], low: int, high: int
) -> None:
    need_decoder(name)
    pixels = read_one(shipped(name)).pixels
    assert (pixels.dtype, pixels.shape) == (dtype, shape)
    assert low <= pixels.min() < pixels.max() <= high


def test_jpeg_baseline_is_close_to_the_original() -> None:
    original = read_one(shipped("SC_rgb_rle.dcm")).pixels.astype(int)
    assert np.abs(read_one(shipped("SC_rgb_dcmtk_+eb+cr.dcm")).pixels - original).mean() < 2


def test_absent_decoder_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    path = shipped("MR_small_jpeg_ls_lossless.dcm")
    decoder = get_decoder(pydicom.dcmread(path).file_meta.TransferSyntaxUID)
    monkeypatch.setattr(decoder, "_available", {})
    with pytest.raises(MissingExtraError, match=r"MR_small_jpeg_ls.*JPEG-LS Lossless.*cspine-edge\[dicom\]"):
        read_one(path)


def test_12_bit_jpeg_says_what_decodes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    path = shipped("JPGExtended.dcm")
    decoder = get_decoder(pydicom.dcmread(path).file_meta.TransferSyntaxUID)
    monkeypatch.delitem(decoder._available, "pylibjpeg", raising=False)
    with pytest.raises(SliceError, match=r"12-bit lossy JPEG.*pylibjpeg-libjpeg"):
        read_one(path)


def test_a_decoder_that_crashes_dies_alone(root: Path, tmp_path: Path) -> None:
    need_decoder("SC_rgb_jpeg_gdcm.dcm")
    with pytest.raises(SliceError, match=r"crashes gdcm \(signal"):
        read_one(root / "tests/fuzz/found/slices/jpeg-lossless-abort.dcm")
    assert read_one(shipped("SC_rgb_jpeg_gdcm.dcm")).pixels.shape == (100, 100)

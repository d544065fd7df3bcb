"""DICOM: which values each encoding gives, and what is refused as no CT slice."""

from __future__ import annotations

import struct
import tracemalloc
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
import pytest
from ct_files import read_one, shipped, write_ct
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels import apply_rescale
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from cspine_edge.errors import SliceError
from cspine_edge.slices import read_slices
from cspine_edge.window import Window, WindowFunction, WindowSource

BONE = Window(400, 1800)
SOFT = Window(40, 400)


def test_hu_agree_with_pydicom() -> None:
    slice_ = read_one(shipped("CT_small.dcm"))
    dataset = pydicom.dcmread(shipped("CT_small.dcm"))
    assert slice_.rescale is not None
    slope, intercept = slice_.rescale
    assert np.array_equal(slice_.pixels * slope + intercept, apply_rescale(dataset.pixel_array, dataset))
    assert slice_.pixels.dtype == np.int16
    assert (slice_.series, slice_.instance) == (dataset.SeriesInstanceUID, 1)
    assert slice_.modality == "CT"
    assert slice_.position_mm == pytest.approx(float(dataset.ImagePositionPatient[2]))


@pytest.mark.parametrize(
    ("elements", "window"),
    [
        ({"WindowCenter": [40, 400], "WindowWidth": [400, 1800]}, SOFT),
        (
            {"WindowCenter": 40, "WindowWidth": 400, "VOILUTFunction": "LINEAR_EXACT"},
            Window(40, 400, WindowFunction.LINEAR_EXACT),
        ),
        (
            {"WindowCenter": 40, "WindowWidth": 400, "VOILUTFunction": "SIGMOID"},
            Window(40, 400, WindowFunction.LINEAR_EXACT),
        ),
        ({"WindowCenter": 40, "WindowWidth": 0}, None),
        ({"WindowCenter": 40}, None),
        ({"WindowCenter": "", "WindowWidth": ""}, None),
    ],
)
def test_window_of_the_file(tmp_path: Path, elements: dict[str, object], window: Window | None) -> None:
    path = write_ct(tmp_path / "a.dcm", np.zeros((4, 4), np.int16), **elements)
    assert read_one(path).window == window


@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
def test_signed_and_unsigned_give_the_same_hu(tmp_path: Path, dtype: type) -> None:
    hu = np.array([[-1000, -1, 0, 1, 40, 3000]])
    intercept = 0 if dtype is np.int16 else -1024
    path = write_ct(tmp_path / "a.dcm", (hu - intercept).astype(dtype), RescaleIntercept=intercept)
    slice_ = read_one(path)
    assert slice_.pixels.dtype == dtype
    assert np.array_equal(slice_.to_uint8(SOFT)[0], SOFT.apply(hu.astype(np.float64)))


def test_bits_above_the_stored_ones_are_ignored(tmp_path: Path) -> None:
    # A 12-bit signed -1 whose upper four bits hold an overlay, as PS3.5 8.1.1 allowed.
    stored = np.array([[0x0FFF, 0x1FFF, 0x07FF, 0xF001]], dtype=np.uint16)
    path = write_ct(tmp_path / "a.dcm", stored, BitsStored=12, HighBit=11, PixelRepresentation=1)
    assert read_one(path).pixels.tolist() == [[-1, -1, 2047, 1]]


def test_eight_bits_without_rescale_are_display_values(tmp_path: Path, ramp: np.ndarray) -> None:
    plain = {"RescaleSlope": None, "RescaleIntercept": None}
    slice_ = read_one(write_ct(tmp_path / "a.dcm", ramp, **plain))
    assert slice_.rescale is None
    shown, window, source = slice_.to_uint8(BONE, BONE)
    assert np.array_equal(shown, ramp)
    assert (window, source) == (None, WindowSource.NONE)
    inverted = write_ct(tmp_path / "b.dcm", ramp, PhotometricInterpretation="MONOCHROME1", **plain)
    assert np.array_equal(read_one(inverted).to_uint8()[0], 255 - ramp)


def test_eight_bits_with_a_window_of_their_own(tmp_path: Path, ramp: np.ndarray) -> None:
    path = write_ct(tmp_path / "a.dcm", ramp, RescaleIntercept=0, WindowCenter=100, WindowWidth=51)
    shown, window, source = read_one(path).to_uint8(BONE)
    assert (window, source) == (Window(100, 51), WindowSource.FILE)
    assert np.array_equal(shown, Window(100, 51).apply(ramp.astype(np.float64)))


def test_eight_bits_with_rescale_are_hu(tmp_path: Path, ramp: np.ndarray) -> None:
    slice_ = read_one(write_ct(tmp_path / "a.dcm", ramp, RescaleSlope=16))
    assert np.array_equal(slice_.to_uint8(BONE)[0], BONE.apply(ramp * 16.0 - 1024))


def test_colour_becomes_gray() -> None:
    gray = read_one(shipped("SC_rgb_rle.dcm"))
    rgb = pydicom.dcmread(shipped("SC_rgb_rle.dcm")).pixel_array
    assert np.array_equal(gray.pixels, np.asarray(Image.fromarray(rgb).convert("L")))
    assert gray.to_uint8(BONE)[2] is WindowSource.NONE


def test_palette_is_looked_up() -> None:
    dataset = pydicom.dcmread(shipped("examples_palette.dcm"))
    rgb = (pydicom.pixels.apply_color_lut(dataset.pixel_array, dataset) >> 8).astype(np.uint8)
    pixels = read_one(shipped("examples_palette.dcm")).pixels
    assert np.array_equal(pixels, np.asarray(Image.fromarray(rgb).convert("L")))


def test_frames_come_one_by_one() -> None:
    expected = pydicom.dcmread(shipped("rtdose.dcm")).pixel_array
    slices = list(read_slices(shipped("rtdose.dcm")))
    assert [slice_.frame for slice_ in slices] == list(range(15))
    assert {slice_.frames for slice_ in slices} == {15}
    assert np.array_equal(np.stack([slice_.pixels for slice_ in slices]), expected)


def test_enhanced_ct_uses_its_functional_groups(tmp_path: Path) -> None:
    def item(**elements: object) -> Dataset:
        dataset = Dataset()
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
        return dataset

    shared = item(
        PixelValueTransformationSequence=[item(RescaleSlope=2, RescaleIntercept=-2000, RescaleType="HU")],
        PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        FrameVOILUTSequence=[item(WindowCenter=40, WindowWidth=400)],
    )
    per_frame = [item(PlanePositionSequence=[item(ImagePositionPatient=[5, 6, z])]) for z in (30, 10, 20)]
    per_frame[1].FrameVOILUTSequence = [item(WindowCenter=[400, 40], WindowWidth=[1800, 400])]
    per_frame[2].PixelValueTransformationSequence = [item(RescaleSlope=1, RescaleIntercept=-1024)]
    stored = np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5) * 50
    path = write_ct(
        tmp_path / "a.dcm",
        stored,
        RescaleSlope=None,
        RescaleIntercept=None,
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=per_frame,
    )
    slices = list(read_slices(path))
    assert [slice_.rescale for slice_ in slices] == [(2, -2000), (2, -2000), (1, -1024)]
    assert [slice_.window for slice_ in slices] == [SOFT, BONE, SOFT]
    assert [slice_.position_mm for slice_ in slices] == [30, 10, 20]
    assert np.array_equal(slices[1].to_uint8()[0], BONE.apply(stored[1] * 2.0 - 2000))


def test_position_is_measured_along_the_normal(tmp_path: Path) -> None:
    # A gantry tilted about the x axis: the normal is (0, -0.6, 0.8).
    path = write_ct(
        tmp_path / "a.dcm",
        np.zeros((2, 2), np.int16),
        ImageOrientationPatient=[1, 0, 0, 0, 0.8, 0.6],
        ImagePositionPatient=[100, 10, 20],
    )
    assert read_one(path).position_mm == pytest.approx(-6 + 16)


@pytest.mark.parametrize("implicit", [True, False])
def test_file_without_preamble_and_meta_is_read(tmp_path: Path, implicit: bool) -> None:
    dataset = pydicom.dcmread(shipped("CT_small.dcm"))
    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    bare = Dataset(dataset)
    bare.save_as(tmp_path / "IM0001", implicit_vr=syntax.is_implicit_VR, little_endian=True)
    assert (tmp_path / "IM0001").read_bytes()[128:132] != b"DICM"
    assert np.array_equal(read_one(tmp_path / "IM0001").pixels, dataset.pixel_array)


def test_warnings_of_pydicom_stay_inside() -> None:
    path = shipped("MR_small_padded.dcm")
    with pytest.warns(UserWarning, match="pixel data"):
        pydicom.dcmread(path).pixel_array  # noqa: B018
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_one(path)


def test_threads_share_the_reader() -> None:
    paths = [shipped(name) for name in ("CT_small.dcm", "MR_small_padded.dcm", "rtdose.dcm")] * 8
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda path: len(list(read_slices(path))), paths))
    assert counts == [1, 1, 15] * 8
    assert warnings.filters == before


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"Rows": 60_000, "Columns": 60_000}, "60000 x 60000 pixels"),
        ({"Rows": 0}, "4 x 0 pixels"),
        ({"Rows": None}, "Rows"),
        ({"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}, "pixels of 1 bits"),
        ({"RescaleSlope": 0}, "Rescale Slope of 0"),
        ({"ModalityLUTSequence": [Dataset()]}, "Modality LUT"),
        ({"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, "RGB pixels of 16 bits"),
        ({"NumberOfFrames": 3}, "less than expected"),
    ],
)
def test_dicom_that_is_no_ct(tmp_path: Path, elements: dict[str, object], reason: str) -> None:
    path = write_ct(tmp_path / "a.dcm", np.zeros((4, 4), np.int16), **elements)
    with pytest.raises(SliceError, match=rf"a\.dcm: .*{reason}"):
        list(read_slices(path))


def test_float_pixels_are_refused(tmp_path: Path) -> None:
    path = write_ct(tmp_path / "a.dcm", np.zeros((4, 4), np.int32))
    dataset = pydicom.dcmread(path)
    dataset.FloatPixelData = dataset.PixelData
    del dataset.PixelData
    dataset.save_as(path)
    with pytest.raises(SliceError, match="floating-point"):
        read_one(path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("reportsi.dcm", r"without pixel data \(SR\)"),
        ("waveform_ecg.dcm", r"without pixel data \(ECG\)"),
        ("DICOMDIR", r"without pixel data \(Media Storage Directory Storage\)"),
        ("liver_1frame.dcm", "pixels of 1 bits"),
        ("MR_truncated.dcm", "less than expected"),
        ("SC_rgb_rle_16bit.dcm", "RGB pixels of 16 bits"),
        ("badVR.dcm", "DICOM file"),
    ],
)
def test_shipped_file_that_is_no_ct(name: str, reason: str) -> None:
    with pytest.raises(SliceError, match=reason):
        list(read_slices(shipped(name)))


def test_deflated_bomb(tmp_path: Path) -> None:
    path = write_ct(tmp_path / "a.dcm", np.zeros((4, 4), np.int16))
    packer = zlib.compressobj(wbits=-15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    uid = b"1.2.840.10008.1.2.1.99"
    head = bytes(128) + b"DICM" + b"\x02\x00\x10\x00UI" + struct.pack("<H", len(uid)) + uid
    path.write_bytes(
        head + block + 2000 * (packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH))
    )
    assert path.stat().st_size < 4_000_000
    with pytest.raises(SliceError, match="unpacks to more than 128 MiB"):
        read_one(path)


def test_deflated_slice_is_the_same() -> None:
    pixels = read_one(shipped("image_dfl.dcm")).pixels
    assert np.array_equal(pixels, pydicom.dcmread(shipped("image_dfl.dcm")).pixel_array)


def test_only_a_frame_is_in_memory(tmp_path: Path) -> None:
    stored = np.arange(40 * 256 * 1024, dtype=np.uint16).reshape(40, 512, 512)
    path = write_ct(tmp_path / "a.dcm", np.tile(stored, (1, 2, 1)))
    assert path.stat().st_size > 40_000_000
    next(read_slices(path))
    tracemalloc.start()
    for number, slice_ in enumerate(read_slices(path)):
        assert np.array_equal(slice_.pixels[:512], stored[number])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000

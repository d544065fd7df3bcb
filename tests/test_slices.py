"""Slices: what is read, to which values, and how what cannot be read is named."""

from __future__ import annotations

import struct
import subprocess
import sys
import tracemalloc
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_rescale, apply_windowing, get_decoder
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from cspine_edge.errors import CspineError, ExitCode, MissingExtraError, SliceError, UsageError
from cspine_edge.slices import CtSlice, find_slices, iter_slices, order_series, read_slices
from cspine_edge.window import Window, WindowFunction, WindowSource

BONE = Window(400, 1800)
SOFT = Window(40, 400)


def shipped(name: str) -> Path:
    """A file of pydicom's wheel."""
    path = get_testdata_file(name, download=False)
    assert path, name
    return Path(str(path))


def read_one(path: Path) -> CtSlice:
    (slice_,) = read_slices(path)
    return slice_


def save(path: Path, pixels: np.ndarray, mode: str | None = None, **options: object) -> Path:
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def write_ct(path: Path, pixels: np.ndarray, **elements: object) -> Path:
    """Write a CT image of (rows, columns) or (frames, rows, columns) stored values, int16 or uint16 or uint8.

    An element of None is left out.
    """
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.Modality = "CT"
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = pixels.dtype.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    if pixels.ndim == 3:
        dataset.NumberOfFrames = len(pixels)
    for keyword, value in elements.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OB" if dataset.BitsAllocated == 8 else "OW"
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def ramp() -> np.ndarray:
    """Grey levels 0..255, each once, (16, 16) uint8."""
    return np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (64, 64), dtype=np.uint8)


class TestWindow:
    # Stored value -> grey level for the cases worked out in the notes of DICOM PS3.3 C.11.2.1.2.1.
    @pytest.mark.parametrize(
        ("window", "levels"),
        [
            (Window(2048, 4096), {-1: 0, 0: 0, 8: 0, 9: 1, 2047: 127, 2048: 128, 4095: 255, 4096: 255}),
            (Window(2048, 1), {2047: 0, 2047.5: 0, 2048: 255}),
            (Window(0, 100), {-51: 0, -50: 0, -49: 3, -0.5: 128, 0: 129, 48: 252, 49: 255, 50: 255}),
            (Window(0, 1), {-1: 0, -0.5: 0, 0: 255}),
        ],
    )
    def test_linear_follows_the_standard(self, window: Window, levels: dict[float, int]) -> None:
        shown = window.apply(np.array(list(levels), dtype=np.float64))
        assert shown.dtype == np.uint8
        assert shown.tolist() == list(levels.values())

    # PS3.3 C.11.2.1.3.2.
    @pytest.mark.parametrize(
        ("center", "width", "levels"),
        [
            (2048, 4096, {0: 0, 8: 0, 9: 1, 2048: 128, 4088: 255, 4087: 254, 4096: 255, 4097: 255}),
            (0, 100, {-50: 0, -49: 3, 0: 128, 49: 252, 50: 255, 51: 255}),
            (0, 0.5, {-0.25: 0, 0: 128, 0.125: 191, 0.25: 255}),
        ],
    )
    def test_linear_exact_follows_the_standard(
        self, center: float, width: float, levels: dict[float, int]
    ) -> None:
        window = Window(center, width, WindowFunction.LINEAR_EXACT)
        assert window.apply(np.array(list(levels), dtype=np.float64)).tolist() == list(levels.values())

    @pytest.mark.parametrize("function", list(WindowFunction))
    @pytest.mark.parametrize(("center", "width"), [(40, 400), (400, 1800), (-600, 1501), (12.5, 80)])
    def test_agrees_with_pydicom(self, function: WindowFunction, center: float, width: float) -> None:
        dataset = pydicom.dcmread(shipped("CT_small.dcm"))
        dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = center, width, function.value
        theirs = apply_windowing(apply_rescale(dataset.pixel_array, dataset), dataset)
        low, high = (
            -32768 - 1024,
            32767 - 1024,
        )  # pydicom spreads the window over the HU that 16 bits can hold
        theirs = (theirs - low) / (high - low) * 255
        ours, *_ = read_one(shipped("CT_small.dcm")).to_uint8(Window(center, width, function))
        assert np.ptp(ours) > 100
        assert np.abs(ours - theirs).max() <= 0.5 + 1e-6

    @pytest.mark.parametrize(
        ("center", "width", "function"),
        [
            (0, 0.99, WindowFunction.LINEAR),
            (0, 0, WindowFunction.LINEAR_EXACT),
            (0, -5, WindowFunction.LINEAR),
            (float("nan"), 400, WindowFunction.LINEAR),
            (0, float("inf"), WindowFunction.LINEAR),
        ],
    )
    def test_refuses_what_the_standard_does(
        self, center: float, width: float, function: WindowFunction
    ) -> None:
        with pytest.raises(ValueError, match="window"):
            Window(center, width, function)

    def test_parses_the_option(self) -> None:
        assert Window.parse("400/1800") == BONE
        assert Window.parse("-600 / 1500.5") == Window(-600, 1500.5)
        assert str(Window.parse("400/1800")) == "400/1800"

    @pytest.mark.parametrize("text", ["400", "bone", "400/0", "1/2/3", "", "400/nan"])
    def test_refuses_another_option(self, text: str) -> None:
        with pytest.raises(UsageError, match="CENTER/WIDTH"):
            Window.parse(text)


class TestPictures:
    @pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
    @pytest.mark.parametrize("suffix", ["png", "jpg"])
    def test_gray_of_every_mode_is_kept(
        self, tmp_path: Path, ramp: np.ndarray, mode: str, suffix: str
    ) -> None:
        if suffix == "png":
            slice_ = read_one(save(tmp_path / "a.png", ramp, mode))
            assert np.array_equal(slice_.pixels, ramp)
        elif mode not in ("L", "RGB"):
            pytest.skip(f"JPEG has no {mode}")
        else:
            slice_ = read_one(save(tmp_path / "a.jpg", ramp, mode, quality=100))
            assert np.abs(slice_.pixels.astype(int) - ramp).max() <= 2
        assert (slice_.frame, slice_.frames, slice_.rescale, slice_.window) == (0, 1, None, None)
        shown, window, source = slice_.to_uint8(SOFT, BONE)
        assert shown.dtype == np.uint8
        assert np.array_equal(shown, slice_.pixels)
        assert (window, source) == (None, WindowSource.NONE)

    def test_one_bit_becomes_black_and_white(self, tmp_path: Path, ramp: np.ndarray) -> None:
        pixels = read_one(save(tmp_path / "a.png", np.where(ramp > 99, 255, 0).astype(np.uint8), "1")).pixels
        assert np.array_equal(pixels, np.where(ramp > 99, 255, 0))

    def test_colour_is_weighted_by_bt601(self, tmp_path: Path) -> None:
        pixels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], dtype=np.uint8)
        assert read_one(save(tmp_path / "a.png", pixels)).pixels.tolist() == [[76, 150, 29]]

    def test_alpha_is_dropped(self, tmp_path: Path, ramp: np.ndarray) -> None:
        clear = np.dstack([ramp, ramp, ramp, np.zeros_like(ramp)])
        assert np.array_equal(read_one(save(tmp_path / "a.png", clear)).pixels, ramp)

    def test_transparent_palette_warns_nobody(self, tmp_path: Path, ramp: np.ndarray) -> None:
        path = save(tmp_path / "a.png", ramp, "P", transparency=bytes(range(256)))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.array_equal(read_one(path).pixels, ramp)

    def test_cmyk_jpeg_keeps_its_blacks(self, tmp_path: Path) -> None:
        half = np.repeat(np.array([[[0, 0, 0], [255, 255, 255]]], dtype=np.uint8), 16, axis=1).repeat(
            16, axis=0
        )
        pixels = read_one(save(tmp_path / "a.jpg", half, "CMYK", quality=100)).pixels
        assert pixels.shape == (16, 32)
        assert pixels[:, :14].max() < 8
        assert pixels[:, 18:].min() > 247

    def test_exif_orientation_is_not_applied(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # rotated by a quarter
        assert read_one(save(tmp_path / "a.jpg", np.zeros((10, 30), np.uint8), exif=exif)).pixels.shape == (
            10,
            30,
        )

    def test_animation_gives_its_first_picture(self, tmp_path: Path, ramp: np.ndarray) -> None:
        path = tmp_path / "a.png"
        Image.fromarray(ramp).save(path, save_all=True, append_images=[Image.fromarray(255 - ramp)])
        assert np.array_equal(read_one(path).pixels, ramp)

    def test_16_bits_are_scaled_over_the_full_range(self, tmp_path: Path) -> None:
        stored = np.array([[0, 128, 129, 257, 32768, 65406, 65407, 65535]], dtype=np.uint16)
        slice_ = read_one(save(tmp_path / "a.png", stored))
        assert slice_.pixels.dtype == np.uint16
        assert np.array_equal(slice_.pixels, stored)
        shown, window, source = slice_.to_uint8(BONE, BONE)
        assert shown.dtype == np.uint8
        assert shown.tolist() == [[0, 0, 1, 1, 128, 254, 255, 255]]
        assert (window, source) == (None, WindowSource.FULL_RANGE)

    def test_content_counts_and_not_the_name(self, tmp_path: Path, ramp: np.ndarray) -> None:
        save(tmp_path / "a.png", ramp)
        misnamed = (tmp_path / "a.png").rename(tmp_path / "a.dcm")
        assert np.array_equal(read_one(misnamed).pixels, ramp)


class TestDicom:
    def test_hu_agree_with_pydicom(self) -> None:
        slice_ = read_one(shipped("CT_small.dcm"))
        dataset = pydicom.dcmread(shipped("CT_small.dcm"))
        assert slice_.rescale is not None
        slope, intercept = slice_.rescale
        assert np.array_equal(slice_.pixels * slope + intercept, apply_rescale(dataset.pixel_array, dataset))
        assert slice_.pixels.dtype == np.int16
        assert (slice_.series, slice_.instance) == (dataset.SeriesInstanceUID, 1)
        assert slice_.modality == "CT"
        assert slice_.position_mm == pytest.approx(float(dataset.ImagePositionPatient[2]))

    def test_window_is_chosen_contract_file_option(self, tmp_path: Path) -> None:
        stored = np.arange(0, 3000, 10, dtype=np.int16).reshape(10, 30)
        with_window = read_one(write_ct(tmp_path / "a.dcm", stored, WindowCenter=40, WindowWidth=400))
        without = read_one(write_ct(tmp_path / "b.dcm", stored))
        lung = Window(-600, 1500)
        for slice_, given, used, source in [
            (with_window, (BONE, lung), BONE, WindowSource.CONTRACT),
            (with_window, (None, lung), SOFT, WindowSource.FILE),
            (with_window, (None, None), SOFT, WindowSource.FILE),
            (without, (BONE, lung), BONE, WindowSource.CONTRACT),
            (without, (None, lung), lung, WindowSource.OPTION),
        ]:
            shown, *said = slice_.to_uint8(*given)
            assert said == [used, source]
            assert np.array_equal(shown, used.apply(stored - 1024.0))

    def test_no_window_at_all_is_an_error(self) -> None:
        with pytest.raises(SliceError, match=r"CT_small\.dcm: has no window.*--window CENTER/WIDTH"):
            read_one(shipped("CT_small.dcm")).to_uint8()

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
    def test_window_of_the_file(
        self, tmp_path: Path, elements: dict[str, object], window: Window | None
    ) -> None:
        path = write_ct(tmp_path / "a.dcm", np.zeros((4, 4), np.int16), **elements)
        assert read_one(path).window == window

    @pytest.mark.parametrize("dtype", [np.int16, np.uint16])
    def test_signed_and_unsigned_give_the_same_hu(self, tmp_path: Path, dtype: type) -> None:
        hu = np.array([[-1000, -1, 0, 1, 40, 3000]])
        intercept = 0 if dtype is np.int16 else -1024
        path = write_ct(tmp_path / "a.dcm", (hu - intercept).astype(dtype), RescaleIntercept=intercept)
        slice_ = read_one(path)
        assert slice_.pixels.dtype == dtype
        assert np.array_equal(slice_.to_uint8(SOFT)[0], SOFT.apply(hu.astype(np.float64)))

    def test_bits_above_the_stored_ones_are_ignored(self, tmp_path: Path) -> None:
        # A 12-bit signed -1 whose upper four bits hold an overlay, as PS3.5 8.1.1 allowed.
        stored = np.array([[0x0FFF, 0x1FFF, 0x07FF, 0xF001]], dtype=np.uint16)
        path = write_ct(tmp_path / "a.dcm", stored, BitsStored=12, HighBit=11, PixelRepresentation=1)
        assert read_one(path).pixels.tolist() == [[-1, -1, 2047, 1]]

    def test_values_too_far_apart_for_a_table(self, tmp_path: Path) -> None:
        hu = np.array([[-70000, -160, 40, 239, 70000]], dtype=np.int32)
        slice_ = read_one(write_ct(tmp_path / "a.dcm", hu, RescaleIntercept=0))
        assert slice_.to_uint8(SOFT)[0].tolist() == [[0, 0, 128, 255, 255]]

    def test_monochrome1_shows_the_smallest_value_white(self, tmp_path: Path) -> None:
        stored = np.array([[0, 1064, 3000]], dtype=np.int16)
        slice_ = read_one(write_ct(tmp_path / "a.dcm", stored, PhotometricInterpretation="MONOCHROME1"))
        assert slice_.inverted
        shown, window, source = slice_.to_uint8(SOFT)
        assert shown.tolist() == [[255, 127, 0]]
        assert (window, source) == (SOFT, WindowSource.CONTRACT)

    def test_monochrome1_with_a_negative_slope_shows_bone_white(self, tmp_path: Path) -> None:
        hu = np.array([[-1000, 40, 1500]], dtype=np.int16)
        path = write_ct(
            tmp_path / "a.dcm",
            (2000 - hu).astype(np.int16),
            PhotometricInterpretation="MONOCHROME1",
            RescaleSlope=-1,
            RescaleIntercept=2000,
        )
        assert read_one(path).to_uint8(SOFT)[0].tolist() == [[0, 128, 255]]

    def test_eight_bits_without_rescale_are_display_values(self, tmp_path: Path, ramp: np.ndarray) -> None:
        plain = {"RescaleSlope": None, "RescaleIntercept": None}
        slice_ = read_one(write_ct(tmp_path / "a.dcm", ramp, **plain))
        assert slice_.rescale is None
        shown, window, source = slice_.to_uint8(BONE, BONE)
        assert np.array_equal(shown, ramp)
        assert (window, source) == (None, WindowSource.NONE)
        inverted = write_ct(tmp_path / "b.dcm", ramp, PhotometricInterpretation="MONOCHROME1", **plain)
        assert np.array_equal(read_one(inverted).to_uint8()[0], 255 - ramp)

    def test_eight_bits_with_a_window_of_their_own(self, tmp_path: Path, ramp: np.ndarray) -> None:
        path = write_ct(tmp_path / "a.dcm", ramp, RescaleIntercept=0, WindowCenter=100, WindowWidth=51)
        shown, window, source = read_one(path).to_uint8(BONE)
        assert (window, source) == (Window(100, 51), WindowSource.FILE)
        assert np.array_equal(shown, Window(100, 51).apply(ramp.astype(np.float64)))

    def test_eight_bits_with_rescale_are_hu(self, tmp_path: Path, ramp: np.ndarray) -> None:
        slice_ = read_one(write_ct(tmp_path / "a.dcm", ramp, RescaleSlope=16))
        assert np.array_equal(slice_.to_uint8(BONE)[0], BONE.apply(ramp * 16.0 - 1024))

    def test_colour_becomes_gray(self) -> None:
        gray = read_one(shipped("SC_rgb_rle.dcm"))
        rgb = pydicom.dcmread(shipped("SC_rgb_rle.dcm")).pixel_array
        assert np.array_equal(gray.pixels, np.asarray(Image.fromarray(rgb).convert("L")))
        assert gray.to_uint8(BONE)[2] is WindowSource.NONE

    def test_palette_is_looked_up(self) -> None:
        dataset = pydicom.dcmread(shipped("examples_palette.dcm"))
        rgb = (pydicom.pixels.apply_color_lut(dataset.pixel_array, dataset) >> 8).astype(np.uint8)
        pixels = read_one(shipped("examples_palette.dcm")).pixels
        assert np.array_equal(pixels, np.asarray(Image.fromarray(rgb).convert("L")))

    def test_frames_come_one_by_one(self) -> None:
        expected = pydicom.dcmread(shipped("rtdose.dcm")).pixel_array
        slices = list(read_slices(shipped("rtdose.dcm")))
        assert [slice_.frame for slice_ in slices] == list(range(15))
        assert {slice_.frames for slice_ in slices} == {15}
        assert np.array_equal(np.stack([slice_.pixels for slice_ in slices]), expected)

    def test_enhanced_ct_uses_its_functional_groups(self, tmp_path: Path) -> None:
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
        assert [slice_.frame for slice_ in order_series(slices)] == [1, 2, 0]
        assert np.array_equal(slices[1].to_uint8()[0], BONE.apply(stored[1] * 2.0 - 2000))

    def test_position_is_measured_along_the_normal(self, tmp_path: Path) -> None:
        # A gantry tilted about the x axis: the normal is (0, -0.6, 0.8).
        path = write_ct(
            tmp_path / "a.dcm",
            np.zeros((2, 2), np.int16),
            ImageOrientationPatient=[1, 0, 0, 0, 0.8, 0.6],
            ImagePositionPatient=[100, 10, 20],
        )
        assert read_one(path).position_mm == pytest.approx(-6 + 16)

    @pytest.mark.parametrize("implicit", [True, False])
    def test_file_without_preamble_and_meta_is_read(self, tmp_path: Path, implicit: bool) -> None:
        dataset = pydicom.dcmread(shipped("CT_small.dcm"))
        syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        bare = Dataset(dataset)
        bare.save_as(tmp_path / "IM0001", implicit_vr=syntax.is_implicit_VR, little_endian=True)
        assert (tmp_path / "IM0001").read_bytes()[128:132] != b"DICM"
        assert np.array_equal(read_one(tmp_path / "IM0001").pixels, dataset.pixel_array)

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
    def test_lossless_encodings_give_the_same_values(self, name: str) -> None:
        need_decoder(name)
        expected = pydicom.dcmread(shipped("MR_small.dcm")).pixel_array
        slice_ = read_one(shipped(name))
        assert np.array_equal(slice_.pixels, expected)
        assert slice_.pixels.dtype == np.int16  # native byte order: a big-endian one would not be equal
        assert slice_.window == Window(600, 1600)

    def test_jpeg_lossless_gives_the_same_values(self) -> None:
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
        self, name: str, dtype: type, shape: tuple[int, int], low: int, high: int
    ) -> None:
        need_decoder(name)
        pixels = read_one(shipped(name)).pixels
        assert (pixels.dtype, pixels.shape) == (dtype, shape)
        assert low <= pixels.min() < pixels.max() <= high

    def test_jpeg_baseline_is_close_to_the_original(self) -> None:
        original = read_one(shipped("SC_rgb_rle.dcm")).pixels.astype(int)
        assert np.abs(read_one(shipped("SC_rgb_dcmtk_+eb+cr.dcm")).pixels - original).mean() < 2

    def test_absent_decoder_names_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        path = shipped("MR_small_jpeg_ls_lossless.dcm")
        decoder = get_decoder(pydicom.dcmread(path).file_meta.TransferSyntaxUID)
        monkeypatch.setattr(decoder, "_available", {})
        with pytest.raises(
            MissingExtraError, match=r"MR_small_jpeg_ls.*JPEG-LS Lossless.*cspine-edge\[dicom\]"
        ):
            read_one(path)

    def test_12_bit_jpeg_says_what_decodes_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        path = shipped("JPGExtended.dcm")
        decoder = get_decoder(pydicom.dcmread(path).file_meta.TransferSyntaxUID)
        monkeypatch.delitem(decoder._available, "pylibjpeg", raising=False)
        with pytest.raises(SliceError, match=r"12-bit lossy JPEG.*pylibjpeg-libjpeg"):
            read_one(path)

    def test_warnings_of_pydicom_stay_inside(self) -> None:
        path = shipped("MR_small_padded.dcm")
        with pytest.warns(UserWarning, match="pixel data"):
            pydicom.dcmread(path).pixel_array  # noqa: B018
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read_one(path)

    def test_threads_share_the_reader(self) -> None:
        paths = [shipped(name) for name in ("CT_small.dcm", "MR_small_padded.dcm", "rtdose.dcm")] * 8
        before = list(warnings.filters)
        with ThreadPoolExecutor(4) as pool:
            counts = list(pool.map(lambda path: len(list(read_slices(path))), paths))
        assert counts == [1, 1, 15] * 8
        assert warnings.filters == before


def need_decoder(name: str) -> None:
    syntax = pydicom.dcmread(shipped(name), stop_before_pixels=True).file_meta.TransferSyntaxUID
    if not get_decoder(syntax).is_available:
        pytest.skip(f"no decoder for {syntax.name} (the dicom extra)")


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(9)))
        + chunk(b"IEND", b"")
    )


class TestUnreadable:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "is empty"),
            (b"this is a note about the patient\n", "holds text"),
            (bytes(range(250)), "unknown kind"),
            (b"GIF89a" + bytes(200), "unknown kind"),
            (b"\x89PNG\r\n\x1a\n" + bytes(40), "broken or truncated PNG"),
            (b"\xff\xd8\xff\xe0" + bytes(40), "broken or truncated JPEG"),
            (bytes(128) + b"DICM" + bytes(7), "DICOM"),
            (bytes(128) + b"DICM", "without pixel data"),
        ],
    )
    @pytest.mark.parametrize("name", ["a.png", "a.dcm"])
    def test_foreign_content(self, tmp_path: Path, content: bytes, reason: str, name: str) -> None:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SliceError, match=rf"{name}: .*{reason}") as caught:
            list(read_slices(tmp_path / name))
        assert caught.value.path == tmp_path / name
        assert caught.value.exit_code is ExitCode.BAD_INPUT
        assert not caught.value.reason.endswith(".")

    def test_missing_and_folder(self, tmp_path: Path) -> None:
        with pytest.raises(SliceError, match=r"a\.png: does not exist"):
            read_one(tmp_path / "a.png")
        with pytest.raises(SliceError, match="is a folder"):
            read_one(tmp_path)
        with pytest.raises(SliceError, match="cannot be read"):
            read_one(tmp_path / ("x" * 5000))

    @pytest.mark.parametrize("kept", [0.05, 0.5, 0.95])
    @pytest.mark.parametrize("kind", ["png", "jpg", "dcm", "rle", "jp2"])
    def test_truncated(self, tmp_path: Path, noise: np.ndarray, kind: str, kept: float) -> None:
        path = tmp_path / f"a.{kind}"
        if kind in ("png", "jpg"):
            save(path, noise)
        else:
            source = {"dcm": "CT_small", "rle": "MR_small_RLE", "jp2": "693_J2KI"}[kind]
            path.write_bytes(shipped(f"{source}.dcm").read_bytes())
        content = path.read_bytes()
        assert len(list(read_slices(path))) == 1
        path.write_bytes(content[: int(len(content) * kept)])
        with pytest.raises(SliceError):
            list(read_slices(path))

    @pytest.mark.parametrize("side", [50_000, 10_000])  # beyond Pillow's own error, and within its warning
    def test_huge_png_is_refused_before_decoding(self, tmp_path: Path, side: int) -> None:
        path = tmp_path / "a.png"
        path.write_bytes(png_header(side, side))
        read_one(save(tmp_path / "small.png", np.zeros((2, 2), np.uint8)))  # imports what it needs
        tracemalloc.start()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(SliceError, match=f"{side} x {side} pixels, more than 16 megapixels"):
                read_one(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2**20

    def test_huge_jpeg_is_refused_before_decoding(self, tmp_path: Path, noise: np.ndarray) -> None:
        content = save(tmp_path / "a.jpg", noise).read_bytes()
        at = content.index(b"\xff\xc0") + 5
        (tmp_path / "a.jpg").write_bytes(
            content[:at] + struct.pack(">HH", 60_000, 50_000) + content[at + 4 :]
        )
        with pytest.raises(SliceError, match="50000 x 60000 pixels"):
            read_one(tmp_path / "a.jpg")

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
    def test_dicom_that_is_no_ct(self, tmp_path: Path, elements: dict[str, object], reason: str) -> None:
        path = write_ct(tmp_path / "a.dcm", np.zeros((4, 4), np.int16), **elements)
        with pytest.raises(SliceError, match=rf"a\.dcm: .*{reason}"):
            list(read_slices(path))

    def test_float_pixels_are_refused(self, tmp_path: Path) -> None:
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
    def test_shipped_file_that_is_no_ct(self, name: str, reason: str) -> None:
        with pytest.raises(SliceError, match=reason):
            list(read_slices(shipped(name)))

    @pytest.mark.parametrize(
        "kind", ["png", "jpg", "CT_small.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm"]
    )
    def test_damage_raises_nothing_but_our_errors(self, tmp_path: Path, noise: np.ndarray, kind: str) -> None:
        if kind.endswith(".dcm"):
            content = shipped(kind).read_bytes()
        else:
            content = save(tmp_path / f"good.{kind}", noise).read_bytes()
        rng = np.random.default_rng(1)
        refused = 0
        for _ in range(60):
            damaged = np.frombuffer(content, dtype=np.uint8).copy()
            head = min(len(damaged), 2000)  # where the structure is
            damaged[rng.integers(0, head, 12)] = rng.integers(0, 256, 12)
            (tmp_path / "bad").write_bytes(damaged.tobytes())
            try:
                list(read_slices(tmp_path / "bad"))
            except CspineError:
                refused += 1
        assert refused > 0

    def test_the_rest_is_still_read(self, tmp_path: Path, ramp: np.ndarray) -> None:
        paths = [
            save(tmp_path / "1.png", ramp),
            tmp_path / "2.png",
            tmp_path / "3.png",
            save(tmp_path / "4.png", ramp),
        ]
        paths[1].write_text("no picture")
        errors: list[CspineError] = []
        slices = list(iter_slices(paths, errors.append))
        assert [slice_.path for slice_ in slices] == [paths[0], paths[3]]
        assert [error.path for error in errors if isinstance(error, SliceError)] == paths[1:3]


class TestFindSlices:
    def touch(self, folder: Path, *names: str) -> None:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"?")

    def test_tree_is_walked_in_natural_order(self, tmp_path: Path) -> None:
        names = ["img1.png", "img2.PNG", "img10.jpeg", "s2/a.dcm", "s10/a.IMA", "s10/b/c.dicom", "z.jpg"]
        self.touch(tmp_path, *reversed(names))
        self.touch(tmp_path, "notes.txt", ".hidden.png", ".git/a.png", "._img1.png", "DICOMDIR", "plain")
        assert find_slices([tmp_path]) == [tmp_path / name for name in names]

    def test_dicom_is_found_without_suffix(self, tmp_path: Path) -> None:
        content = shipped("CT_small.dcm").read_bytes()
        for name in ("IM0001", "1.2.840.113619.2", "DICOMDIR", "a.txt"):
            (tmp_path / name).write_bytes(content)
        assert [path.name for path in find_slices([tmp_path])] == ["1.2.840.113619.2", "IM0001"]

    def test_files_are_taken_as_given_and_once(self, tmp_path: Path) -> None:
        self.touch(tmp_path, "b.tif", "a.png", "c.png")
        given = [tmp_path / "c.png", tmp_path / "b.tif", tmp_path]
        assert find_slices(given) == [tmp_path / name for name in ("c.png", "b.tif", "a.png")]

    def test_links_are_followed_once(self, tmp_path: Path) -> None:
        self.touch(tmp_path / "in", "s1/a.png")
        self.touch(tmp_path / "elsewhere", "b.png")
        (tmp_path / "in/s1/loop").symlink_to(tmp_path / "in")
        (tmp_path / "in/s2").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "in/s3").symlink_to(tmp_path / "elsewhere")
        assert find_slices([tmp_path / "in"]) == [tmp_path / "in/s1/a.png", tmp_path / "in/s2/b.png"]

    def test_broken_link_is_named_when_read(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").symlink_to(tmp_path / "gone.png")
        errors: list[CspineError] = []
        assert list(iter_slices(find_slices([tmp_path]), errors.append)) == []
        assert "a.png: does not exist" in str(errors[0])

    def test_missing_and_empty_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(SliceError, match="nowhere: does not exist"):
            find_slices([tmp_path / "nowhere"])
        self.touch(tmp_path, "empty/notes.txt", "a.png")
        with pytest.raises(SliceError, match="empty: holds no slices"):
            find_slices([tmp_path / "empty"])
        errors: list[CspineError] = []
        found = find_slices([tmp_path / "nowhere", tmp_path / "empty", tmp_path / "a.png"], errors.append)
        assert found == [tmp_path / "a.png"]
        assert len(errors) == 2


def test_series_is_ordered_by_position_then_instance_then_name(ramp: np.ndarray) -> None:
    def slices(**fields: list[float | None]) -> list[CtSlice]:
        rows = [dict(zip(fields, values, strict=True)) for values in zip(*fields.values(), strict=True)]
        names = ["a10", "a9", "a1"]
        return [CtSlice(Path(name), 0, 1, ramp, **row) for name, row in zip(names, rows, strict=True)]  # type: ignore[arg-type]

    def order(given: list[CtSlice]) -> list[str]:
        return [slice_.path.name for slice_ in order_series(given)]

    assert order(slices(position_mm=[2.0, -1.0, 0.0], instance=[1, 2, 3])) == ["a9", "a1", "a10"]
    assert order(slices(position_mm=[2.0, None, 0.0], instance=[1, 3, 2])) == ["a10", "a1", "a9"]
    assert order(slices(instance=[1, None, 2])) == ["a1", "a9", "a10"]


def test_import_is_light() -> None:
    code = "import sys, cspine_edge.slices; sys.exit(bool({'PIL', 'pydicom'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_picture_is_read_without_pydicom(tmp_path: Path, ramp: np.ndarray) -> None:
    path = save(tmp_path / "a.png", ramp)
    code = (
        "import sys; from pathlib import Path; from cspine_edge.slices import read_slices;"
        f"list(read_slices(Path({str(path)!r}))); sys.exit('pydicom' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestHostile:
    """What is small and takes minutes or gigabytes; more of it comes from ``make fuzz``."""

    def test_deflated_bomb(self, tmp_path: Path) -> None:
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

    def test_deflated_slice_is_the_same(self) -> None:
        pixels = read_one(shipped("image_dfl.dcm")).pixels
        assert np.array_equal(pixels, pydicom.dcmread(shipped("image_dfl.dcm")).pixel_array)

    def test_header_of_a_million_items(self, tmp_path: Path) -> None:
        path = write_ct(tmp_path / "a.dcm", np.zeros((4, 4), np.int16), InstanceNumber=1)
        items = b"\xfe\xff\x00\xe0" + bytes(4)
        for length in (0xFFFFFFFF, 1_000_000 * 8):
            content = path.read_bytes()
            sequence = b"\x00\x52\x30\x92SQ\0\0" + struct.pack("<L", length) + 1_000_000 * items
            at = content.index(b"\xe0\x7f\x10\x00")
            (tmp_path / "b.dcm").write_bytes(content[:at] + sequence + content[at:])
            with pytest.raises(SliceError, match=r"a longer header than any slice|which no slice has"):
                read_one(tmp_path / "b.dcm")

    def test_only_a_frame_is_in_memory(self, tmp_path: Path) -> None:
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

    def test_values_of_32_bits_are_windowed_row_by_row(self, tmp_path: Path) -> None:
        stored = np.random.default_rng(3).integers(-(2**31), 2**31, (1000, 1000)).astype(np.int32)
        slice_ = read_one(write_ct(tmp_path / "a.dcm", stored))
        wide = Window(0, 2**31)
        tracemalloc.start()
        shown = slice_.to_uint8(wide)[0]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert np.array_equal(shown, wide.apply(stored * 1.0 - 1024))
        assert peak < 2_000_000

    def test_jpeg_of_thousands_of_scans(self, tmp_path: Path) -> None:
        path = save(tmp_path / "a.jpg", np.zeros((64, 64), np.uint8), progressive=True)
        content = path.read_bytes()
        begin, end = content.rindex(b"\xff\xda"), content.rindex(b"\xff\xd9")
        path.write_bytes(content[:end] + 3000 * content[begin:end] + content[end:])
        with pytest.raises(SliceError, match="scans"):
            read_one(path)

    def test_a_decoder_that_crashes_dies_alone(self, root: Path, tmp_path: Path) -> None:
        need_decoder("SC_rgb_jpeg_gdcm.dcm")
        with pytest.raises(SliceError, match=r"crashes gdcm \(signal"):
            read_one(root / "tests/fuzz/found/slices/jpeg-lossless-abort.dcm")
        assert read_one(shipped("SC_rgb_jpeg_gdcm.dcm")).pixels.shape == (100, 100)

    def test_what_a_file_holds_cannot_make_a_line(self, tmp_path: Path) -> None:
        path = write_ct(tmp_path / "a\nb\x1b.dcm", np.zeros((4, 4), np.int16), BitsAllocated=1)
        with pytest.raises(SliceError) as raised:
            read_one(path)
        assert str(raised.value).isprintable()
        assert "a\\u000ab\\u001b.dcm" in str(raised.value)

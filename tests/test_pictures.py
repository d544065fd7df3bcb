"""PNG and JPEG: which grey levels come of each mode."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from ct_files import read_one, save
from PIL import Image

from cspine_edge.window import Window, WindowSource

BONE = Window(400, 1800)
SOFT = Window(40, 400)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_gray_of_every_mode_is_kept(tmp_path: Path, ramp: np.ndarray, mode: str, suffix: str) -> None:
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


def test_one_bit_becomes_black_and_white(tmp_path: Path, ramp: np.ndarray) -> None:
    pixels = read_one(save(tmp_path / "a.png", np.where(ramp > 99, 255, 0).astype(np.uint8), "1")).pixels
    assert np.array_equal(pixels, np.where(ramp > 99, 255, 0))


def test_colour_is_weighted_by_bt601(tmp_path: Path) -> None:
    pixels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], dtype=np.uint8)
    assert read_one(save(tmp_path / "a.png", pixels)).pixels.tolist() == [[76, 150, 29]]


def test_alpha_is_dropped(tmp_path: Path, ramp: np.ndarray) -> None:
    clear = np.dstack([ramp, ramp, ramp, np.zeros_like(ramp)])
    assert np.array_equal(read_one(save(tmp_path / "a.png", clear)).pixels, ramp)


def test_transparent_palette_warns_nobody(tmp_path: Path, ramp: np.ndarray) -> None:
    path = save(tmp_path / "a.png", ramp, "P", transparency=bytes(range(256)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(read_one(path).pixels, ramp)


def test_cmyk_jpeg_keeps_its_blacks(tmp_path: Path) -> None:
    half = np.repeat(np.array([[[0, 0, 0], [255, 255, 255]]], dtype=np.uint8), 16, axis=1).repeat(16, axis=0)
    pixels = read_one(save(tmp_path / "a.jpg", half, "CMYK", quality=100)).pixels
    assert pixels.shape == (16, 32)
    assert pixels[:, :14].max() < 8
    assert pixels[:, 18:].min() > 247


def test_exif_orientation_is_not_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by a quarter
    assert read_one(save(tmp_path / "a.jpg", np.zeros((10, 30), np.uint8), exif=exif)).pixels.shape == (
        10,
        30,
    )


def test_animation_gives_its_first_picture(tmp_path: Path, ramp: np.ndarray) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(ramp).save(path, save_all=True, append_images=[Image.fromarray(255 - ramp)])
    assert np.array_equal(read_one(path).pixels, ramp)


def test_16_bits_are_scaled_over_the_full_range(tmp_path: Path) -> None:
    stored = np.array([[0, 128, 129, 257, 32768, 65406, 65407, 65535]], dtype=np.uint16)
    slice_ = read_one(save(tmp_path / "a.png", stored))
    assert slice_.pixels.dtype == np.uint16
    assert np.array_equal(slice_.pixels, stored)
    shown, window, source = slice_.to_uint8(BONE, BONE)
    assert shown.dtype == np.uint8
    assert shown.tolist() == [[0, 0, 1, 1, 128, 254, 255, 255]]
    assert (window, source) == (None, WindowSource.FULL_RANGE)


def test_picture_is_read_without_pydicom(tmp_path: Path, ramp: np.ndarray) -> None:
    path = save(tmp_path / "a.png", ramp)
    code = (
        "import sys; from pathlib import Path; from cspine_edge.slices import read_slices;"
        f"list(read_slices(Path({str(path)!r}))); sys.exit('pydicom' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""The one way in: window, resize, channels, and the rule from bytes to real values."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cspine_edge.errors import SliceError
from cspine_edge.preprocess import Preprocessing, prepare, replicate_channels, resize
from cspine_edge.slices import CtSlice
from cspine_edge.window import Window, WindowSource


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def triangle(size: int, target: int) -> np.ndarray:
    """Weights of the antialiased triangle filter, shape (target, size), in real numbers."""
    scale = size / target
    support = max(scale, 1.0)
    centres = (np.arange(target) + 0.5) * scale
    distance = np.abs((np.arange(size) + 0.5)[np.newaxis] - centres[:, np.newaxis]) / support
    weights = np.clip(1 - distance, 0, None)
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("height", "width"), [(512, 512), (300, 200), (224, 600), (96, 50)])
def test_the_resize_is_the_antialiased_triangle_filter(height: int, width: int) -> None:
    grey = picture(height, width)
    exact = triangle(height, 224) @ grey.astype(float) @ triangle(width, 224).T
    resized = resize(grey, 224, 224)
    assert (resized.shape, resized.dtype) == ((224, 224), np.uint8)
    assert np.abs(resized - exact).max() <= 1.01  # one rounding after each of the two passes


def test_the_resize_is_the_same_on_every_machine() -> None:
    """Pinned bytes: Pillow's 8-bit resize is integer arithmetic."""
    ramp = (np.add.outer(np.arange(300) * 7, np.arange(200) * 13) % 256).astype(np.uint8)
    digest = hashlib.sha256(resize(ramp, 224, 96).tobytes()).hexdigest()
    assert digest == "175dbb229b40038874ebf82079a9fa93db69303b5994b910cd0f26382ee04f0c"


def test_an_image_of_the_right_size_is_left_alone() -> None:
    grey = picture(224, 224)
    assert resize(grey, 224, 224) is grey


def test_height_and_width_are_not_exchanged() -> None:
    grey = np.zeros((10, 20), np.uint8)
    grey[:, 10:] = 255
    resized = resize(grey, 8, 4)
    assert resized.shape == (8, 4)
    assert resized[:, 0].max() < 10
    assert resized[:, 3].min() > 245


def test_channels_repeat_the_grey_level() -> None:
    grey = picture(3, 4)
    repeated = replicate_channels(grey, 3)
    assert repeated.shape == (3, 4, 3)
    assert repeated.flags.c_contiguous
    assert (repeated == grey[..., np.newaxis]).all()
    assert replicate_channels(np.stack([grey, grey]), 1).shape == (2, 3, 4, 1)


@pytest.mark.parametrize(
    ("low", "high", "zero"), [(0.0, 1.0, 0.0), (-1.0, 1.0, 127.5), (0.0, 255.0, 0.0), (-2.0, 3.0, 102.0)]
)
def test_bytes_stand_for_real_values_by_one_rule(low: float, high: float, zero: float) -> None:
    spec = Preprocessing(value_range=(low, high))
    values = spec.real_values()
    assert (values.dtype, values.shape) == (np.float32, (256,))
    assert (values[0], values[255]) == (np.float32(low), np.float32(high))
    assert spec.zero_point == pytest.approx(zero)
    np.testing.assert_allclose(
        values, (np.arange(256) - spec.zero_point) * spec.scale, atol=1e-6 * (high - low)
    )


def test_bytes_of_the_unit_range_divide_by_255() -> None:
    np.testing.assert_array_equal(Preprocessing().real_values(), (np.arange(256) / 255).astype(np.float32))


@pytest.mark.parametrize(
    "wrong",
    [
        {"value_range": (1.0, 1.0)},
        {"value_range": (1.0, 0.0)},
        {"value_range": (0.0, float("inf"))},
        {"value_range": (float("nan"), 1.0)},
        {"height": 0},
        {"width": -1},
        {"channels": 0},
    ],
)
def test_a_preprocessing_that_makes_no_sense_is_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="should be"):
        Preprocessing(**wrong)


def test_a_slice_is_windowed_then_resized() -> None:
    hu = np.linspace(-1000, 2000, 64 * 64).reshape(64, 64).astype(np.int16)
    slice_ = CtSlice(Path("a.dcm"), 0, 1, hu, rescale=(1.0, 0.0))
    spec = Preprocessing(32, 48, 3, Window(400, 1800))
    prepared = prepare(slice_, spec)
    windowed = Window(400, 1800).apply(hu.astype(np.float64))
    expected = np.asarray(Image.fromarray(windowed).resize((48, 32), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(prepared.image, expected)
    assert (prepared.window, prepared.window_source) == (Window(400, 1800), WindowSource.CONTRACT)


def test_without_a_window_hu_are_refused_and_the_option_helps() -> None:
    slice_ = CtSlice(Path("a.dcm"), 0, 1, np.zeros((8, 8), np.int16), rescale=(1.0, -1024.0))
    with pytest.raises(SliceError, match="has no window"):
        prepare(slice_, Preprocessing(8, 8))
    prepared = prepare(slice_, Preprocessing(8, 8), Window(0, 100))
    assert prepared.window_source is WindowSource.OPTION
    assert prepared.image.max() == 0


def test_pictures_are_taken_as_displayed() -> None:
    grey = picture(8, 8)
    prepared = prepare(CtSlice(Path("a.png"), 0, 1, grey), Preprocessing(8, 8, 3, Window(400, 1800)))
    np.testing.assert_array_equal(prepared.image, grey)
    assert (prepared.window, prepared.window_source) == (None, WindowSource.NONE)

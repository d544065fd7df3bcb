"""Augmentation: each map against SciPy's affine transformation of the same image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

pytestmark = pytest.mark.workstation

STILL = {"rotation": 0.0, "shift": 0.0, "shear": 0.0, "zoom": 0.0, "flip": False}
SEED = (3, 11)
COUNT, HEIGHT, WIDTH = 12, 40, 56


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Smooth noise without any symmetry, shape (12, 40, 56, 1), float32."""
    noise = np.random.default_rng(0).random((COUNT, HEIGHT, WIDTH))
    return ndimage.gaussian_filter(noise, (0, 2, 2)).astype(np.float32)[..., np.newaxis]


def augmented(images: np.ndarray, seed: tuple[int, int] = SEED, **ranges: Any) -> np.ndarray:
    from cspine_edge.training.augment import Augmentation
    from cspine_edge.training.framework import tf

    return np.asarray(Augmentation(**(STILL | ranges))(tf.constant(images), tf.constant(seed, tf.int32)))


def draws(seed: tuple[int, int] = SEED) -> np.ndarray:
    """The random numbers of the call, shape (6, 12): angle, shear, zoom, right, down, flip; each in [-1, 1)."""
    from cspine_edge.training.framework import tf

    return np.asarray(tf.random.stateless_uniform([6, COUNT], tf.constant(seed, tf.int32), -1.0, 1.0))


def mapped(
    image: np.ndarray, matrix: np.ndarray, shift: Any = (0.0, 0.0), mode: str = "nearest"
) -> np.ndarray:
    """SciPy's reference: output (row, column) about the centre is taken from ``matrix @ output + shift``."""
    centre = (np.array(image.shape) - 1) / 2
    offset = centre + np.array(shift) - matrix @ centre
    return ndimage.affine_transform(image, matrix, offset, order=1, mode=mode)


def assert_maps(found: np.ndarray, images: np.ndarray, matrices: np.ndarray, shifts: np.ndarray) -> None:
    moved = 0.0
    for image, result, matrix, shift in zip(images[..., 0], found[..., 0], matrices, shifts, strict=True):
        np.testing.assert_allclose(result, mapped(image, matrix, shift), atol=2e-4)
        moved = max(moved, float(np.abs(result - image).max()))
    assert moved > 0.1


NOWHERE, SAME = np.zeros((COUNT, 2)), np.tile(np.eye(2), (COUNT, 1, 1))


def test_ranges_of_zero_leave_the_images(images: np.ndarray) -> None:
    np.testing.assert_array_equal(augmented(images), images)


def test_rotation(images: np.ndarray) -> None:
    angles = np.radians(draws()[0] * 15.0)
    turns = np.array([[[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]] for a in angles])
    assert_maps(augmented(images, rotation=15.0), images, turns, NOWHERE)


def test_shift_is_a_share_of_each_side(images: np.ndarray) -> None:
    right, down = draws()[3:5] * 0.1
    shifts = np.stack([down * HEIGHT, right * WIDTH], axis=1)
    assert np.abs(shifts).max() > 3
    assert_maps(augmented(images, shift=0.1), images, SAME, shifts)


def test_zoom_keeps_the_centre(images: np.ndarray) -> None:
    sizes = (1 + 0.2 * draws()[2])[:, np.newaxis, np.newaxis] * np.eye(2)
    assert sizes.min() < 1 < sizes.max()
    assert_maps(augmented(images, zoom=0.2), images, sizes, NOWHERE)


def test_shear_slants_the_rows(images: np.ndarray) -> None:
    slants = np.array([[[1.0, 0.0], [0.2 * factor, 1.0]] for factor in draws()[1]])
    assert_maps(augmented(images, shear=0.2), images, slants, NOWHERE)


def test_flip_is_left_to_right_for_about_half() -> None:
    image = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1)
    results = np.concatenate([augmented(np.repeat(image, 100, axis=0), (7, n), flip=True) for n in range(4)])
    flipped = (results == image[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (flipped | (results == image).all(axis=(1, 2, 3))).all()
    assert 150 < flipped.sum() < 250


def test_maps_compose(images: np.ndarray) -> None:
    """Flip, then shear, then rotation with zoom, then shift, all at once."""
    angle, shear, zoom, right, down, flip = draws()
    matrices, shifts = [], []
    for n in range(COUNT):
        a = np.radians(15 * angle[n])
        turn = (1 + 0.2 * zoom[n]) * np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
        slant = np.array([[1.0, 0.0], [0.2 * shear[n], 1.0]])
        matrices.append(turn @ slant @ np.diag([1.0, -1.0 if flip[n] < 0 else 1.0]))
        shifts.append([0.1 * HEIGHT * down[n], 0.1 * WIDTH * right[n]])
    found = augmented(images, rotation=15.0, shift=0.1, shear=0.2, zoom=0.2, flip=True)
    assert_maps(found, images, np.array(matrices), np.array(shifts))


@pytest.mark.parametrize(
    ("mode", "reference"), [("nearest", "nearest"), ("constant", "constant"), ("reflect", "reflect")]
)
def test_outside_is_filled_as_told(mode: str, reference: str, images: np.ndarray) -> None:
    bright = images + 1.0
    right, down = draws()[3:5] * 0.3
    found = augmented(bright, shift=0.3, fill_mode=mode)[..., 0]
    for n, image in enumerate(bright[..., 0]):
        expected = mapped(image, np.eye(2), (down[n] * HEIGHT, right[n] * WIDTH), reference)
        inner = np.abs(found[n] - expected) < 2e-4
        # At the very edge the two differ in how they blend an inner pixel with a constant outer one.
        assert inner.mean() > (0.9 if mode == "constant" else 0.999)
    assert (found == 0).any() == (mode == "constant")


def test_seed_decides(images: np.ndarray) -> None:
    ranges: dict[str, Any] = {"rotation": 15.0, "shift": 0.1, "flip": True}
    first = augmented(images, (1, 2), **ranges)
    np.testing.assert_array_equal(first, augmented(images, (1, 2), **ranges))
    assert not np.allclose(first, augmented(images, (1, 3), **ranges))
    assert not np.allclose(first, augmented(images, (2, 2), **ranges))


def test_each_image_has_a_map_of_its_own(images: np.ndarray) -> None:
    results = augmented(np.repeat(images[:1], COUNT, axis=0), rotation=15.0)
    assert len({result.tobytes() for result in results}) == COUNT


def test_default_is_the_papers() -> None:
    from cspine_edge.training.augment import Augmentation

    assert Augmentation() == replace(Augmentation(), shear=0.2, flip=True, fill_mode="nearest")

"""Kernels rounded so that layers keep their outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cspine_edge.preprocess import Preprocessing

pytestmark = pytest.mark.workstation


@pytest.fixture(scope="module")
def folded(small_run: Any) -> Any:
    from converters.fold import fold
    from converters.keras_model import load_keras

    return fold(load_keras(small_run / "model.keras"))


def margins(network: Any, images: np.ndarray) -> np.ndarray:
    values = np.repeat(images[..., np.newaxis], 3, axis=3).astype(np.float32) / 255
    logits = np.asarray(network(values, training=False))
    return np.asarray(logits[:, 1] - logits[:, 0])


def kernels(network: Any) -> dict[str, np.ndarray]:
    return {layer.name: layer.get_weights()[0] for layer in network.layers if layer.get_weights()}


def test_kernels_lie_on_the_grid_that_their_largest_weight_gives(
    folded: Any, phantom_images: np.ndarray
) -> None:
    from converters.qat import LEAST_BOUND
    from converters.ranges import activation_ranges
    from converters.rounding import round_kernels

    spec = Preprocessing(*folded.input_shape[1:4])
    images = phantom_images[:16]
    found = kernels(round_kernels(folded, activation_ranges(folded, images, spec), images, spec))
    assert len(found) == 29
    for name, kernel in found.items():
        dense, depthwise = kernel.ndim == 2, "dw" in name
        axes = None if dense else (0, 1, 3) if depthwise else (0, 1, 2)
        bound = np.maximum(np.abs(kernel).max(axis=axes, keepdims=True), LEAST_BOUND)
        steps = 127 * kernel.astype(np.float64) / bound
        assert np.abs(steps - np.rint(steps)).max() < 1e-3, name


def rows(rng: np.random.Generator, count: int, taps: int) -> np.ndarray:
    """Inputs of a kernel as maps give them: taps that move together, shape (1, count, taps), without mean."""
    common = rng.normal(size=(count, 4)) @ rng.normal(size=(4, taps))
    found = common + 0.3 * rng.normal(size=(count, taps))
    return (found - found.mean(axis=0))[np.newaxis].astype(np.float32)


def test_layer_keeps_its_output_better_than_with_each_weight_rounded_to_the_nearest() -> None:
    from converters.rounding import _on_grid

    rng = np.random.default_rng(1)
    seen, kernel = rows(rng, 2000, 72), rng.normal(size=(1, 72, 16))
    step = np.abs(kernel).max(axis=1, keepdims=True) / 127
    fitted = _on_grid(seen, seen, kernel, one_scale=False)
    unseen = seen[:, :1000]
    errors = [
        np.square(unseen @ (found - kernel)).mean() for found in (np.rint(kernel / step) * step, fitted)
    ]
    assert errors[1] < 0.5 * errors[0]


def test_what_the_layers_before_have_lost_is_made_good_where_the_kernel_can() -> None:
    """Each row is read a fifth too small: the kernel grows by a quarter."""
    from converters.rounding import _on_grid

    rng = np.random.default_rng(1)
    before, kernel = rows(rng, 2000, 24), rng.normal(size=(1, 24, 4))
    found = _on_grid(before, 0.8 * before, kernel, one_scale=False)
    np.testing.assert_allclose(
        0.8 * before @ found, before @ kernel, atol=0.1 * np.abs(before @ kernel).max()
    )
    assert np.abs(0.8 * before @ found - before @ kernel).mean() < 0.05 * np.abs(before @ kernel).mean()


def test_same_seed_same_kernels(folded: Any, phantom_images: np.ndarray) -> None:
    from converters.ranges import activation_ranges
    from converters.rounding import round_kernels

    spec = Preprocessing(*folded.input_shape[1:4])
    images = phantom_images[:8]
    ranges = activation_ranges(folded, images, spec)
    first, again, other = (
        round_kernels(folded, ranges, images, spec, seed=seed).get_weights() for seed in (0, 0, 1)
    )
    assert all(map(np.array_equal, first, again))
    assert not all(map(np.array_equal, first, other))


@pytest.mark.parametrize(
    ("padding", "strides", "dilation"), [("same", 1, 1), ("same", 2, 1), ("valid", 2, 1), ("same", 1, 2)]
)
@pytest.mark.parametrize("depthwise", [False, True])
def test_rows_are_what_the_convolution_reads(
    padding: str, strides: int, dilation: int, depthwise: bool, he_scaled: Callable[..., Any]
) -> None:
    """A kernel on its grid already, in a network without error, is found again; a wrong row would bend it."""
    from converters.ranges import activation_ranges
    from converters.rounding import round_kernels
    from cspine_edge.training.framework import keras

    image = keras.Input((32, 32, 3))
    settings = {"padding": padding, "strides": strides, "dilation_rate": dilation, "name": "convolution"}
    if depthwise:
        x = keras.layers.DepthwiseConv2D(3, **settings)(image)
    else:
        x = keras.layers.Conv2D(4, 3, **settings)(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    network = he_scaled(keras.Model(image, keras.layers.Dense(2)(x)))
    rng = np.random.default_rng(2)
    layer = network.get_layer("convolution")
    kernel, bias = layer.get_weights()
    steps = rng.integers(-126, 127, kernel.shape)
    steps.reshape(9, -1)[4] = 127
    if not depthwise:
        steps[1, 1, 1:] = 100  # the largest weight of a channel once only
    layer.set_weights([(steps / 127).astype(np.float32), bias])
    spec = Preprocessing(32, 32, 3)
    images = rng.integers(0, 256, (8, 32, 32)).astype(np.uint8)
    ranges = activation_ranges(network, images, spec)
    found, shifted = round_kernels(network, ranges, images, spec).get_layer("convolution").get_weights()
    np.testing.assert_allclose(shifted, bias, atol=1e-4)
    if depthwise:  # three equal grey channels leave the other kernels undetermined
        np.testing.assert_allclose(found, steps / 127, atol=1e-5)
    else:
        np.testing.assert_allclose(found.sum(axis=2), (steps / 127).sum(axis=2), atol=1e-4)

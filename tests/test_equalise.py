"""Channels brought to one scale: the function stays, the channels use their range."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cspine_edge.preprocess import Preprocessing

pytestmark = pytest.mark.workstation

SIDE = 64


@pytest.fixture(scope="module")
def grey(phantom_images: np.ndarray) -> np.ndarray:
    """Slices at the size of these networks, shape (12, 64, 64), uint8."""
    brightness = np.linspace(0.2, 1.0, 12)[:, np.newaxis, np.newaxis]  # or deep networks answer all alike
    return (phantom_images[::4, 16 : 16 + SIDE, 16 : 16 + SIDE] * brightness).astype(np.uint8)


def equalised(network: Any, grey: np.ndarray) -> Any:
    from converters.equalise import equalise

    return equalise(network, grey, Preprocessing(*network.input_shape[1:4]))


def outputs(network: Any, grey: np.ndarray) -> np.ndarray:
    values = np.repeat(grey[..., np.newaxis], 3, axis=3).astype(np.float32) / 255
    return np.asarray(network(values, training=False))


def uneven(network: Any, seed: int = 1) -> Any:
    """Multiply the channels of all convolutions by very different constants."""
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        if "Conv2D" in type(layer).__name__:
            kernel, bias = layer.get_weights()
            constant = np.exp(rng.uniform(-3, 0, len(bias))).astype(np.float32)
            constant /= np.sqrt(np.square(constant).mean())
            depthwise = type(layer).__name__ == "DepthwiseConv2D"
            layer.set_weights(
                [kernel * (constant[:, np.newaxis] if depthwise else constant), bias * constant]
            )
    return network


@pytest.mark.parametrize(
    ("backbone", "alpha", "head"),
    [("mobilenet", 0.25, "linear"), ("mobilenet", 0.25, "dense"), ("densenet121", 1.0, "dense")],
)
def test_function_stays(
    backbone: str, alpha: float, head: str, grey: np.ndarray, he_scaled: Callable[..., Any]
) -> None:
    from converters.fold import fold
    from cspine_edge.recipe import Backbone, Head
    from cspine_edge.training.backbones import Architecture, build

    architecture = Architecture(Backbone(backbone), alpha, SIDE, Head(head), hidden_units=16)
    network = uneven(fold(he_scaled(build(architecture, "random"))))
    before, after = outputs(network, grey), outputs(equalised(network, grey), grey)
    tolerance = 1e-4 * np.abs(before).max()
    assert before.std(axis=0).min() > 4 * tolerance, "constants would be equal in any case"
    np.testing.assert_allclose(after, before, atol=tolerance, rtol=0)


def chain(*stack: Any) -> Any:
    from cspine_edge.training.framework import keras

    image = x = keras.Input((SIDE, SIDE, 3))
    for layer in stack:
        x = layer(x)
    return keras.Model(image, x)


@pytest.mark.parametrize("activation", ["relu", "relu6", "linear"])
def test_before_a_depthwise_kernel_all_channels_reach_as_far(
    activation: str, grey: np.ndarray, he_scaled: Callable[..., Any]
) -> None:
    from converters.equalise import channel_extremes
    from cspine_edge.training.framework import keras

    layers = keras.layers
    network = he_scaled(
        chain(
            layers.Conv2D(16, 3, activation=activation, name="wide"),
            layers.DepthwiseConv2D(3, activation="relu", name="narrow"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        )
    )
    network = uneven(network)
    spec = Preprocessing(SIDE, SIDE, 3)
    before = channel_extremes(network, grey, spec)["wide"]
    after = channel_extremes(equalised(network, grey), grey, spec)["wide"]
    assert before.max() > 3 * np.median(before[before > 0])
    np.testing.assert_allclose(after[before > before.max() / 60], after.max(), rtol=1e-4)
    if activation == "relu6":
        assert after.max() == pytest.approx(6.0, rel=1e-4)


def test_images_beyond_the_calibration_set_are_cut_by_a_relu6_only(
    phantom_images: np.ndarray, he_scaled: Callable[..., Any]
) -> None:
    """Without it the network is the same on any image; with it, on images like those of the calibration set."""
    from cspine_edge.training.framework import keras

    layers = keras.layers
    dark, bright = phantom_images[:4, :SIDE, :SIDE] // 4, phantom_images[4:8, :SIDE, :SIDE]

    def network(activation: str) -> Any:
        return he_scaled(
            chain(
                layers.Conv2D(8, 3, activation=activation),
                layers.DepthwiseConv2D(3),
                layers.GlobalAveragePooling2D(),
                layers.Dense(2),
            )
        )

    free, cut = network("relu"), network("relu6")
    np.testing.assert_allclose(
        outputs(equalised(free, dark), bright), outputs(free, bright), rtol=1e-3, atol=1e-4
    )
    np.testing.assert_allclose(outputs(equalised(cut, dark), dark), outputs(cut, dark), rtol=1e-3, atol=1e-4)
    assert np.abs(outputs(equalised(cut, dark), bright) - outputs(cut, bright)).max() > 1e-3


def test_channels_that_something_else_reads_are_left_alone(
    grey: np.ndarray, he_scaled: Callable[..., Any]
) -> None:
    from cspine_edge.training.framework import keras

    layers = keras.layers
    image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="shared")(image)
    y = layers.Conv2D(8, 3, padding="same", name="branch")(x)
    pooled = layers.GlobalAveragePooling2D()(layers.Add()([x, y]))
    network = uneven(he_scaled(keras.Model(image, layers.Dense(2)(pooled))))
    result = equalised(network, grey)
    for name in ("shared", "branch"):
        assert all(
            map(np.array_equal, network.get_layer(name).get_weights(), result.get_layer(name).get_weights())
        )


def test_the_network_given_is_left_as_it_was(grey: np.ndarray, he_scaled: Callable[..., Any]) -> None:
    from converters.fold import fold
    from cspine_edge.training.backbones import Architecture, build

    network = fold(he_scaled(build(Architecture(alpha=0.25, size=SIDE), "random")))
    before = [array.copy() for array in network.get_weights()]
    result = equalised(network, grey)
    assert all(map(np.array_equal, before, network.get_weights()))
    assert not all(map(np.array_equal, before, result.get_weights()))

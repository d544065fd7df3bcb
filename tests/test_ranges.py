"""Ranges of activations: of the calibration images, of halves of them, and as int8 holds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.dataset import load_dataset, load_images
from cspine_edge.preprocess import Preprocessing
from cspine_edge.run import Run

pytestmark = pytest.mark.workstation


SPEC = Preprocessing(96, 96)


@pytest.fixture(scope="module")
def folded(small_run: Path) -> Any:
    from converters.fold import fold
    from converters.keras_model import load_keras

    return fold(load_keras(small_run / "model.keras"))


def test_ranges_are_those_of_the_calibration_images(folded: Any, phantom_images: np.ndarray) -> None:
    from converters.ranges import activation_ranges
    from cspine_edge.training.framework import keras

    ranges = activation_ranges(folded, phantom_images[:24], SPEC)
    assert set(ranges) == {layer.name for layer in folded.layers[1:]}
    seen = np.repeat(SPEC.real_values()[phantom_images[:24]][..., np.newaxis], 3, axis=3)
    for name in ("conv1", "conv_pw_6", "logits"):
        probe = keras.Model(folded.input, folded.get_layer(name).output)
        found = probe(seen, training=False).numpy()
        expected = (min(0.0, found.min()), max(0.0, found.max()))
        np.testing.assert_allclose(ranges[name], expected, rtol=1e-5, atol=1e-6)


def test_an_image_of_a_later_batch_widens_the_ranges(folded: Any, phantom_images: np.ndarray) -> None:
    from converters.ranges import activation_ranges

    dark = np.repeat(phantom_images[:1] // 4, 20, axis=0)
    without = activation_ranges(folded, dark, SPEC)["conv1"][1]
    dark[-1] = 255 * (phantom_images[0] > 100)
    assert activation_ranges(folded, dark, SPEC)["conv1"][1] > 1.5 * without


def test_no_images_no_ranges(folded: Any) -> None:
    from converters.ranges import activation_ranges

    with pytest.raises(ValueError, match="calibration images"):
        activation_ranges(folded, np.empty((0, 96, 96), np.uint8), SPEC)


def test_halves_of_a_set_are_compared_layer_by_layer(
    folded: Any, small_run: Path, phantom_data: Path
) -> None:
    from converters.ranges import range_stability

    run = Run.load(small_run)
    slices = load_dataset(phantom_data)
    slices = slices.subset(item.path for item in slices.slices[:12])
    images = load_images(slices, run.preprocessing)
    stability = range_stability(folded, slices, images, run.preprocessing)
    assert stability is not None
    assert {layer.layer for layer in stability.layers} == {layer.name for layer in folded.layers[1:]}
    assert stability.slices == 12
    assert 0.0 < stability.mean_difference < 1.0
    one = slices.subset([slices.slices[0].path])
    assert range_stability(folded, one, images[:1], run.preprocessing) is None


def test_what_is_joined_has_one_range_in_int8() -> None:
    """The range of a concatenation is that of what it alone reads; pooling keeps the range of what it reads."""
    from converters.ranges import output_ranges
    from cspine_edge.training.framework import keras

    layers = keras.layers
    image = keras.Input((32, 32, 3), name="image")
    alone = layers.Conv2D(2, 1, name="alone")(image)
    shared = layers.Conv2D(2, 2, strides=2, name="shared")(image)
    joined = layers.Concatenate(name="joined")([layers.MaxPooling2D(name="largest")(alone), shared])
    mean = layers.AveragePooling2D(name="mean")(joined)
    network = keras.Model(image, [mean, layers.MaxPooling2D(name="other")(shared)])
    needed = {layer.name: (-1.0, float(number)) for number, layer in enumerate(network.layers[1:], start=2)}
    held = output_ranges(network, needed, Preprocessing(32, 32, value_range=(0.0, 1.0)))
    assert held == needed | {
        "image": (0.0, 1.0),
        "alone": needed["joined"],
        "largest": needed["joined"],
        "mean": needed["joined"],
        "other": needed["shared"],
    }

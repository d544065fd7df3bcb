"""The exported file in each precision: shape, size, agreement with Keras, arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.classifier import Classifier
from cspine_edge.contract import KernelFamily, Precision
from cspine_edge.errors import ModelError
from cspine_edge.model_file import ModelFile
from cspine_edge.preprocess import Preprocessing

pytestmark = pytest.mark.workstation

LARGEST_SHARE = {
    Precision.FLOAT32: 1e-4,
    Precision.FLOAT16: 0.03,
    Precision.DYNAMIC: 0.35,
    Precision.INT8: 0.45,
    Precision.INT8_QAT: 0.7,  # an epoch of training has moved the weights besides
    Precision.INT16X8: 0.35,
}
"""Largest difference of a margin from Keras', as a share of the margins' span over the phantom."""
FLOAT_INPUT = [Precision.FLOAT32, Precision.FLOAT16, Precision.DYNAMIC, Precision.INT16X8]


@pytest.fixture(scope="module")
def images(phantom_images: np.ndarray) -> np.ndarray:
    """The phantom from dark to bright, which the small network tells apart better than its fractures."""
    brightness = np.linspace(0.1, 1.0, len(phantom_images))[:, np.newaxis, np.newaxis]
    return (phantom_images * brightness).astype(np.uint8)


@pytest.fixture(scope="module")
def float_margins(small_run: Path, images: np.ndarray) -> np.ndarray:
    """What Keras says of the 48 slices."""
    from converters.keras_model import load_keras

    values = np.repeat(Preprocessing().real_values()[images][..., np.newaxis], 3, axis=3)
    logits = load_keras(small_run / "model.keras")(values, training=False).numpy()
    return logits[:, 1] - logits[:, 0]


@pytest.mark.parametrize("precision", list(Precision))
def test_each_precision_agrees_with_keras(
    precision: Precision,
    converted: Callable[[str], Path],
    images: np.ndarray,
    float_margins: np.ndarray,
) -> None:
    classifier = Classifier(converted(precision.value), threads=1)
    margins = np.array([classifier.margin(image) for image in images])
    span = np.ptp(float_margins)
    assert span > 0.05
    assert np.abs(margins - float_margins).max() < LARGEST_SHARE[precision] * span
    assert np.corrcoef(margins, float_margins)[0, 1] > 0.9


@pytest.mark.parametrize("precision", list(Precision))
def test_each_precision_takes_one_image(precision: Precision, converted: Callable[[str], Path]) -> None:
    session = Classifier(converted(precision.value), threads=1).session
    assert session.input.shape == (1, 96, 96, 3)
    assert [output.shape for output in session.outputs] == [(1, 2), (1, 2)]
    expected = np.float32 if precision in FLOAT_INPUT else np.uint8
    assert {session.input.dtype, *(output.dtype for output in session.outputs)} == {np.dtype(expected)}


@pytest.mark.parametrize("precision", list(Precision))
def test_probability_is_the_softmax_of_the_logits(
    precision: Precision, converted: Callable[[str], Path], phantom_images: np.ndarray
) -> None:
    classifier = Classifier(converted(precision.value), threads=1)
    position = classifier.contract.outputs.probability
    assert position is not None
    for image in phantom_images[::12]:
        margin = classifier.margin(image)
        probabilities = classifier.session.outputs[position].dequantize(classifier.session.output(position))
        # Of the logits as they are: the contract's temperature is our tools' alone.
        assert probabilities[1] == pytest.approx(1.0 / (1.0 + np.exp(-margin)), abs=1.5 / 256)


def test_smaller_arithmetic_gives_smaller_files(converted: Callable[[str], Path]) -> None:
    size = {precision: len(ModelFile.read(converted(precision.value)).graph) for precision in Precision}
    assert size[Precision.FLOAT32] > 1.7 * size[Precision.FLOAT16]
    assert size[Precision.FLOAT16] > size[Precision.INT16X8] > size[Precision.INT8] > 230_000
    assert size[Precision.FLOAT16] > size[Precision.DYNAMIC]
    assert abs(size[Precision.INT8] - size[Precision.INT8_QAT]) < 2_000
    assert size[Precision.INT8] < 0.4 * size[Precision.FLOAT32]


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.INT8_QAT])
def test_int8_computes_in_integers_only(precision: Precision, converted: Callable[[str], Path]) -> None:
    from converters.tflite import float_operations

    file = ModelFile.read(converted(precision.value))
    assert float_operations(file.path, file.graph) == []
    operations = Classifier(file.path, family=KernelFamily.REFERENCE).session.operations()
    assert len(operations) > 30


def test_float_operations_are_named(float_model: Path) -> None:
    from converters.tflite import float_operations

    found = float_operations(float_model, ModelFile.read(float_model).graph)
    assert {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SOFTMAX"} <= set(found)


def test_int16x8_needs_images(shallow: Any) -> None:
    from converters.tflite import export

    with pytest.raises(ValueError, match="calibration images"):
        export(shallow, Precision.INT16X8, Preprocessing(32, 32), None)


def test_network_that_the_converter_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    from converters.tflite import export
    from cspine_edge.training.framework import keras, tf

    class Foreign(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return tf.reduce_mean(tf.linalg.expm(inputs[:, :, :, 0]), axis=2)[:, :2]

    image = keras.Input((8, 8, 3))
    model = keras.Model(image, Foreign()(image), name="foreign")
    with pytest.raises(ModelError, match="foreign: TFLite's converter refuses it") as refused:
        export(model, Precision.FLOAT32, Preprocessing(8, 8), None)
    assert "\n" not in str(refused.value)


@pytest.fixture
def shallow() -> Any:
    from cspine_edge.training.framework import keras

    image = keras.Input((32, 32, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(image))
    return keras.Model(image, keras.layers.Dense(2)(pooled))

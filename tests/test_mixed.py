"""Layers of an int8 graph in float: exactly those, between borders, with the float network's own values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.contract import KernelFamily, Precision
from cspine_edge.preprocess import Preprocessing
from cspine_edge.runtime import Session, open_session

pytestmark = pytest.mark.workstation
SPEC = Preprocessing(96, 96, 3)


@dataclass(frozen=True)
class Network:
    """A network with two branches, as int8 and float graph."""

    int8: bytes
    float32: bytes
    weights: Any

    def mixed(self, *names: str) -> bytes:
        from converters.mixed import operations, with_float

        found = operations(self.int8)
        assert set(names) <= {operation.name for operation in found}
        return with_float(self.int8, self.weights, [entry.position for entry in found if entry.name in names])


@pytest.fixture(scope="module")
def network(he_scaled: Callable[..., Any], phantom_images: np.ndarray) -> Network:
    from converters.qat import quantization_aware
    from converters.ranges import activation_ranges
    from converters.restore import float_weights
    from converters.tflite import export
    from cspine_edge.training.framework import keras

    layers = keras.layers
    image = keras.Input((96, 96, 3))
    x = layers.Conv2D(8, 3, strides=2, activation="relu6", name="first")(image)
    x = layers.MaxPooling2D(2, name="maxima")(x)
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.Concatenate(name="both")([x, y])
    x = layers.Conv2D(16, 1, activation="relu", name="pointwise")(x)
    x = layers.Reshape((1, 1, 16))(layers.GlobalAveragePooling2D(name="pool")(x))
    x = layers.Reshape((16,))(layers.DepthwiseConv2D(1, name="norm")(x))
    model = he_scaled(keras.Model(image, layers.Dense(2, name="logits")(x), name="net"))
    twin = quantization_aware(model, activation_ranges(model, phantom_images, SPEC), SPEC)
    int8, float32 = export(twin, Precision.INT8, SPEC, None), export(model, Precision.FLOAT32, SPEC, None)
    return Network(int8, float32, float_weights(model))


def opened(graph: bytes, family: KernelFamily = KernelFamily.REFERENCE) -> Session:
    return open_session(Path("mixed.tflite"), graph, threads=1, family=family)


def kinds(graph: bytes) -> list[str]:
    """Operations in order, those that compute in float with a star."""
    return [
        operation.name + ("*" if operation.dtypes[0] == operation.dtypes[-1] == "float32" else "")
        for operation in opened(graph).operations()
    ]


def logits(graph: bytes, images: np.ndarray, family: KernelFamily = KernelFamily.XNNPACK) -> np.ndarray:
    session = opened(graph, family)
    # The other output is the softmax's, whose sum is 1.
    rows = []
    for image in images:
        view = session.input_view()
        view[0] = (
            image[..., np.newaxis] if view.dtype == np.uint8 else image[..., np.newaxis] / np.float32(255)
        )
        del view
        session.invoke()
        values = [output.dequantize(session.output(i)) for i, output in enumerate(session.outputs)]
        rows.append(max(values, key=lambda value: abs(value.sum() - 1)))
    return np.array(rows)


def test_operations_are_named_and_counted(network: Network) -> None:
    from converters.mixed import operations

    found = {entry.name: entry for entry in operations(network.int8)}
    assert list(found) == ["first", "maxima", "depthwise", "both", "pointwise", "pool", "norm", "logits"]
    counts = {name: entry.multiply_accumulates for name, entry in found.items()}
    assert counts == {
        "first": 47 * 47 * 8 * 27,
        "maxima": 0,
        "depthwise": 23 * 23 * 8 * 9,
        "both": 0,
        "pointwise": 23 * 23 * 16 * 16,
        "pool": 0,
        "norm": 16,
        "logits": 32,
    }


@pytest.mark.parametrize("family", list(KernelFamily))
def test_all_in_float_is_the_float_network(
    family: KernelFamily, network: Network, phantom_images: np.ndarray
) -> None:
    from converters.mixed import operations

    everything = network.mixed(*(entry.name for entry in operations(network.int8)))
    images = phantom_images[::8]
    wanted = logits(network.float32, images, family)
    np.testing.assert_allclose(logits(everything, images, family), wanted, atol=2e-5)
    assert np.abs(logits(network.int8, images, family) - wanted).max() > 1e-3
    borders = [kind for kind in kinds(everything) if not kind.endswith("*") and "RESHAPE" not in kind]
    # Bytes to the first layer, logits to the softmax, which stays as it was.
    assert borders == ["QUANTIZE", "DEQUANTIZE", "QUANTIZE", "SOFTMAX", "QUANTIZE"]


def test_no_layer_is_the_same_file(network: Network) -> None:
    assert network.mixed() == network.int8


def test_one_layer_alone_stands_between_borders(network: Network) -> None:
    before, after = kinds(network.int8), kinds(network.mixed("pointwise"))
    position = before.index("CONV_2D", before.index("CONV_2D") + 1)
    assert after == [
        *before[:position],
        "DEQUANTIZE",
        "CONV_2D*",
        "QUANTIZE",
        *before[position + 1 :],
    ]


def test_pooling_does_not_pull_its_neighbour_back_to_int8(network: Network) -> None:
    """As the converter's own spreading of ranges would."""
    after = kinds(network.mixed("first"))
    assert after[:5] == ["QUANTIZE", "DEQUANTIZE", "CONV_2D*", "QUANTIZE", "MAX_POOL_2D"]


def test_between_two_layers_in_float_nothing_is_rounded(network: Network) -> None:
    after = kinds(network.mixed("first", "maxima", "depthwise", "both"))
    assert after[:6] == [
        "QUANTIZE",
        "DEQUANTIZE",
        "CONV_2D*",
        "MAX_POOL_2D*",
        "DEPTHWISE_CONV_2D*",
        "CONCATENATION*",
    ]
    assert after.count("DEQUANTIZE") == 1
    through = kinds(network.mixed("pool", "norm"))
    assert through[through.index("MEAN*") :][:3] == ["MEAN*", "DEPTHWISE_CONV_2D*", "QUANTIZE"]


def test_logits_in_float_come_out_in_float(network: Network, phantom_images: np.ndarray) -> None:
    session = opened(network.mixed("logits"))
    assert sorted(output.dtype.name for output in session.outputs) == ["float32", "uint8"]
    signature = session._interpreter.get_signature_list()["serving_default"]["outputs"]
    assert signature == ["logits", "probability"]
    step = min(output.scale for output in opened(network.int8).outputs if output.scale != 1 / 256)
    images = phantom_images[::8]
    rounded, exact = logits(network.int8, images), logits(network.mixed("logits"), images)
    assert 0 < np.abs(rounded - exact).max() < 5 * step
    assert np.abs(exact / step - np.round(exact / step)).max() > 0.1  # between the steps


def test_file_grows_by_the_weights_alone(network: Network) -> None:
    kernel, bias = network.weights["pointwise"]
    grown = len(network.mixed("pointwise")) - len(network.int8)
    assert 3 * kernel.size <= grown <= 3 * kernel.size + 4 * bias.size + 1500


def test_weights_that_are_not_given_are_the_rounded_ones(
    network: Network, phantom_images: np.ndarray
) -> None:
    from converters.mixed import operations, with_float

    everything = [entry.position for entry in operations(network.int8)]
    rounded = with_float(network.int8, {}, everything)
    images = phantom_images[::8]
    difference = np.abs(logits(rounded, images) - logits(network.float32, images)).max()
    assert 1e-5 < difference < 0.1 * np.abs(logits(network.float32, images)).max()

"""Quantization-aware networks: what they imitate is what the converted file computes."""

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


@dataclass(frozen=True)
class Quantised:
    """A folded network, its quantization-aware twin, and the TFLite file of that."""

    folded: Any
    ranges: dict[str, tuple[float, float]]
    twin: Any
    spec: Preprocessing
    graph: bytes

    def session(self, family: KernelFamily = KernelFamily.REFERENCE) -> Session:
        return open_session(Path("twin.tflite"), self.graph, threads=1, family=family)


def quantised(folded: Any, images: np.ndarray) -> Quantised:
    from converters.qat import quantization_aware
    from converters.ranges import activation_ranges
    from converters.tflite import export

    spec = Preprocessing(*folded.input_shape[1:4])
    ranges = activation_ranges(folded, images, spec)
    twin = quantization_aware(folded, ranges, spec)
    return Quantised(folded, ranges, twin, spec, export(twin, Precision.INT8, spec, None))


@pytest.fixture
def shallow(he_scaled: Callable[..., Any]) -> Any:
    """A folded network of three convolutions, whose pooling leaves the image its shape."""
    from cspine_edge.training.framework import keras

    layers = keras.layers
    image = keras.Input((96, 96, 3))
    x = layers.Conv2D(8, 3, strides=2, activation="relu6", name="first")(image)
    x = layers.DepthwiseConv2D(3, activation="relu6", name="depthwise")(x)
    x = layers.Conv2D(16, 1, activation="relu6", name="pointwise")(x)
    x = layers.Flatten()(layers.AveragePooling2D(8)(x))
    return he_scaled(keras.Model(image, layers.Dense(2, name="logits")(x)))


@pytest.fixture(scope="module")
def small(small_run: Path, phantom_images: np.ndarray) -> Quantised:
    from converters.fold import fold
    from converters.keras_model import load_keras

    return quantised(fold(load_keras(small_run / "model.keras")), phantom_images[:24])


def real_values(images: np.ndarray, spec: Preprocessing) -> np.ndarray:
    return np.repeat(spec.real_values()[images][..., np.newaxis], spec.channels, axis=3)


def logits_of(session: Session, images: np.ndarray) -> tuple[np.ndarray, float]:
    """Logits and their step; the probability is the output with the softmax's own scale of 1/256."""
    (position,) = [i for i, output in enumerate(session.outputs) if output.scale != 1 / 256]
    rows = []
    for image in images:
        session.input_view()[0] = image[..., np.newaxis]
        session.invoke()
        rows.append(session.outputs[position].dequantize(session.output(position)))
    return np.array(rows), session.outputs[position].scale


def kernels_of(session: Session, operation: str) -> list[dict[str, Any]]:
    """Tensor details of the kernel of each operation of a kind, in order."""
    details = {int(d["index"]): d for d in session._interpreter.get_tensor_details()}
    return [
        details[int(found["inputs"][1])]
        for found in session._interpreter._get_ops_details()
        if found["op_name"] == operation
    ]


@pytest.mark.parametrize(
    ("operation", "layer_name", "attribute", "axes"),
    [
        ("DEPTHWISE_CONV_2D", "DepthwiseConv2D", "depthwise_kernel", (0, 1, 3)),
        ("CONV_2D", "Conv2D", "kernel", (0, 1, 2)),
    ],
)
def test_each_channel_of_a_kernel_has_the_scale_of_its_own_largest_weight(
    small: Quantised, operation: str, layer_name: str, attribute: str, axes: tuple[int, ...]
) -> None:
    layers = [layer for layer in small.folded.layers if type(layer).__name__ == layer_name]
    kernels = kernels_of(small.session(), operation)
    assert len(kernels) == len(layers) > 10
    for layer, detail in zip(layers, kernels, strict=True):
        scales = detail["quantization_parameters"]["scales"]
        expected = np.abs(getattr(layer, attribute).numpy()).max(axis=axes) / 127
        assert detail["dtype"] == np.int8
        assert len(np.unique(scales)) > len(scales) / 2, f"{layer.name}: one scale for all channels"
        np.testing.assert_allclose(scales, expected, rtol=1e-5)
        assert not detail["quantization_parameters"]["zero_points"].any()


def test_input_takes_bytes_as_they_are(small: Quantised) -> None:
    tensor = small.session().input
    assert (tensor.dtype, tensor.scale, tensor.zero_point) == (np.uint8, np.float32(1 / 255), 0)


@pytest.mark.parametrize("family", list(KernelFamily))
def test_twin_and_file_of_a_shallow_network_agree_to_the_step(family: KernelFamily, shallow: Any) -> None:
    brightness = np.linspace(0.1, 1.0, 48)[:, np.newaxis, np.newaxis]
    noise = np.random.default_rng(3).integers(0, 256, (48, 96, 96))
    images = (noise * brightness).astype(np.uint8)  # phantoms look too much alike to so small a network
    result = quantised(shallow, images)
    imitated = result.twin(real_values(images, result.spec), training=False).numpy()
    computed, step = logits_of(result.session(family), images)
    assert computed.std(axis=0).min() > 4 * step, "images that give one answer could not tell"
    assert np.abs(imitated - computed).max() < 2.5 * step
    assert np.abs(imitated - computed).mean() < 0.75 * step


@pytest.mark.parametrize("family", list(KernelFamily))
def test_twin_is_closer_to_the_file_than_to_the_float_network(
    small: Quantised, family: KernelFamily, phantom_images: np.ndarray
) -> None:
    """Through 28 layers single roundings add up to a few steps; they must stay below what is imitated."""
    images = phantom_images[24:]
    values = real_values(images, small.spec)
    plain, imitated = small.folded(values).numpy(), small.twin(values, training=False).numpy()
    computed, _ = logits_of(small.session(family), images)
    assert np.sqrt(np.square(imitated - computed).mean()) < np.sqrt(np.square(imitated - plain).mean())
    margins = [logits[:, 1] - logits[:, 0] for logits in (plain, imitated, computed)]
    correlation = np.corrcoef(margins)
    assert correlation[1, 2] > 0.95
    assert correlation[0, 2] > 0.9


def test_dead_channels_keep_their_bias(shallow: Any, phantom_images: np.ndarray) -> None:
    for name, channel in (("first", 3), ("depthwise", 5)):
        kernel, bias = shallow.get_layer(name).get_weights()
        kernel[(slice(None), slice(None), *((slice(None), channel) if name == "first" else (channel,)))] = (
            1e-12
        )
        bias[channel] = 1.0
        shallow.get_layer(name).set_weights([kernel, bias])  # as in MobileNet's ImageNet weights
    result = quantised(shallow, phantom_images[:24])
    session = result.session()
    details = {int(d["index"]): d for d in session._interpreter.get_tensor_details()}
    for operation, channel in (("CONV_2D", 3), ("DEPTHWISE_CONV_2D", 5)):
        found, *_ = [o for o in session._interpreter._get_ops_details() if o["op_name"] == operation]
        index = int(found["inputs"][2])
        stored = int(session._interpreter.get_tensor(index).ravel()[channel])
        scale = float(details[index]["quantization_parameters"]["scales"][channel])
        assert stored * scale == pytest.approx(1.0, rel=1e-3)
    plain = shallow(real_values(phantom_images, result.spec), training=False).numpy()
    computed, step = logits_of(session, phantom_images)
    assert np.abs(plain - computed).max() < 4 * step


def test_training_moves_the_weights_through_the_rounding(
    small: Quantised, phantom_images: np.ndarray
) -> None:
    from converters.qat import quantization_aware
    from cspine_edge.training.framework import keras

    twin = quantization_aware(small.folded, small.ranges, small.spec)
    twin.compile(keras.optimizers.SGD(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = [weights.copy() for weights in twin.get_weights()]
    twin.fit(real_values(phantom_images[:8], small.spec), np.arange(8) % 2, batch_size=8, verbose=0)
    kernels = [(old, new) for old, new in zip(before, twin.get_weights(), strict=True) if old.ndim > 1]
    assert len(kernels) == 29
    assert all(not np.array_equal(old, new) for old, new in kernels)


@pytest.mark.slow
def test_densely_connected_network_becomes_integer_throughout(
    he_scaled: Callable[..., Any], phantom_images: np.ndarray
) -> None:
    """DenseNet121's layers, two in a block: its concatenations and poolings demand equal scales."""
    from converters.fold import fold
    from cspine_edge.training.framework import keras

    image = keras.Input((64, 64, 3))
    base = keras.src.applications.densenet.DenseNet(
        [2, 2, 2, 2], input_tensor=image, include_top=False, weights=None
    )
    pooled = keras.layers.GlobalAveragePooling2D()(base.output)
    network = he_scaled(keras.Model(image, keras.layers.Dense(2)(pooled)))
    session = quantised(fold(network), phantom_images[:16, 16:80, 16:80]).session()
    operations = session.operations()
    names = [operation.name for operation in operations]
    assert (names.count("CONCATENATION"), names.count("AVERAGE_POOL_2D")) == (8, 3)
    assert not [operation for operation in operations if "float" in " ".join(operation.dtypes)]

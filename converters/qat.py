"""Quantization-aware training: the int8 arithmetic of the device imitated while the weights still move.

Works on a folded network (:mod:`converters.fold`). Kernels are fake-quantised symmetrically with one scale
per output channel, depthwise kernels too, where TensorFlow Model Optimization's own configuration has one for
all. Activation ranges come from the calibration set and stay fixed; the input's is the preprocessing's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cspine_edge.preprocess import Preprocessing
from cspine_edge.training.framework import keras, tf

from .fold import source_names
from .ranges import SELECTING, output_ranges

# Imported after tf_keras was chosen as Keras, which `framework` does.
import tensorflow_model_optimization as tfmot  # isort: skip

layers = keras.layers
quantization = tfmot.quantization.keras
Quantizer: Any = quantization.quantizers.Quantizer
QuantizeConfig: Any = quantization.QuantizeConfig

_KERNELS = {
    layers.Conv2D: ("kernel", 3),
    layers.DepthwiseConv2D: ("depthwise_kernel", 2),
    layers.Dense: ("kernel", None),
}
"""Kernel attribute and axis of the scales of each layer that has one."""
LEAST_BOUND = 1e-4
"""Smallest bound of a channel's kernel. ImageNet networks have dead channels: kernels near 1e-12, biases near
1. A scale from such a kernel would push the int32 bias out of range. At this bound the kernel's rounding
moves an output by far less than one step."""


class KernelQuantizer(Quantizer):
    """Symmetric fake-quantisation to [-127, 127] with ranges from the kernel's present values.

    Parameters
    ----------
    axis
        Axis with one scale an entry; ``None`` for one scale in all.
    """

    def __init__(self, axis: int | None) -> None:
        self.axis = axis

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Hold no variables; ranges are computed at each step."""
        return {}

    def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
        """Fake-quantise a kernel."""
        if self.axis is None:
            bound = tf.reduce_max(tf.abs(inputs))
            return tf.quantization.fake_quant_with_min_max_vars(inputs, -bound, bound, narrow_range=True)
        # The operation takes channels last; a depthwise kernel, (h, w, channels, 1), has them before that.
        last = len(inputs.shape) - 1
        order = [*(axis for axis in range(last + 1) if axis != self.axis), self.axis]
        turned = inputs if self.axis == last else tf.transpose(inputs, order)
        bound = tf.maximum(tf.reduce_max(tf.abs(turned), axis=list(range(last))), LEAST_BOUND)
        quantised = tf.quantization.fake_quant_with_min_max_vars_per_channel(
            turned, -bound, bound, narrow_range=True
        )
        return quantised if self.axis == last else tf.transpose(quantised, np.argsort(order))

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        return {"axis": self.axis}


class CalibratedQuantizer(Quantizer):
    """Fake-quantisation of an activation over the fixed range that the calibration set gave.

    Parameters
    ----------
    low, high
        The range; it contains 0.
    """

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Hold no variables; the range is a constant."""
        return {}

    def __call__(self, inputs: Any, training: Any, weights: Any, **kwargs: Any) -> Any:
        """Fake-quantise an activation."""
        return tf.quantization.fake_quant_with_min_max_vars(inputs, self.low, self.high)

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        return {"low": self.low, "high": self.high}


class LayerQuantizeConfig(QuantizeConfig):
    """What is quantised in one layer: its kernel, if it has one, and its output.

    Parameters
    ----------
    kernel
        Attribute that holds the kernel, or ``None``.
    axis
        Axis of the kernel's scales.
    low, high
        Range of the output, or ``None`` to leave it as its input is.
    """

    def __init__(self, kernel: str | None, axis: int | None, low: float | None, high: float | None) -> None:
        self.kernel, self.axis, self.low, self.high = kernel, axis, low, high

    def get_weights_and_quantizers(self, layer: Any) -> list[Any]:
        """Pair the kernel with its quantizer."""
        return [(getattr(layer, self.kernel), KernelQuantizer(self.axis))] if self.kernel else []

    def set_quantize_weights(self, layer: Any, quantize_weights: list[Any]) -> None:
        """Replace the kernel by its quantised value."""
        if self.kernel:
            setattr(layer, self.kernel, quantize_weights[0])

    def get_activations_and_quantizers(self, layer: Any) -> list[Any]:
        """Quantise outputs, not activations: the fused activation is part of the layer's output."""
        return []

    def set_quantize_activations(self, layer: Any, quantize_activations: list[Any]) -> None:
        """Nothing is set; see :meth:`get_activations_and_quantizers`."""

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        """Give the output's quantizer, if its range is known."""
        return [] if self.low is None or self.high is None else [CalibratedQuantizer(self.low, self.high)]

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments."""
        return {"kernel": self.kernel, "axis": self.axis, "low": self.low, "high": self.high}


def quantization_aware(
    folded: keras.Model, ranges: dict[str, tuple[float, float]], spec: Preprocessing
) -> keras.Model:
    """Wrap each layer of a folded network so that it computes as its int8 counterpart will.

    Parameters
    ----------
    folded
        A folded network.
    ranges
        Output range of each layer, from :func:`converters.ranges.activation_ranges`.
    spec
        The preprocessing; its value range is the input's.
    """
    image = keras.Input(folded.input_shape[1:], name="image")
    tensors = {
        folded.layers[0].name: _wrap(layers.Activation("linear", name="input"), image, spec.value_range)
    }
    held = output_ranges(folded, ranges, spec)
    for layer in folded.layers[1:]:
        names = source_names(layer)
        sources = [tensors[name] for name in names]
        copy = type(layer).from_config(layer.get_config())
        copy.build(layer.input_shape)
        copy.set_weights(
            layer.get_weights()
        )  # before wrapping, which puts a fake-quantised kernel in their place
        output_range = None if isinstance(layer, SELECTING) else held[layer.name]
        tensors[layer.name] = _wrap(copy, sources if len(sources) > 1 else sources[0], output_range)
    return keras.Model(image, tensors[folded.layers[-1].name], name=folded.name)


def _wrap(layer: Any, source: Any, output_range: tuple[float, float] | None) -> Any:
    kernel, axis = _KERNELS.get(type(layer), (None, None))
    low, high = output_range or (None, None)
    return quantization.QuantizeWrapperV2(layer, LayerQuantizeConfig(kernel, axis, low, high))(source)

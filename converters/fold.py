"""Batch normalisation folded away: the same function with convolutions, biases and activations only.

TFLite's converter folds batch normalisation as well, but only after training. Folding first lets
quantization-aware training see the kernels that the device will see, and leaves no statistics that could
drift. Each rule is exact up to float32 rounding:

- a convolution or dense layer without activation, followed by a batch normalisation alone, becomes one with
  bias;
- any other batch normalisation (before a convolution, as in DenseNet) becomes a 1x1 depthwise convolution;
- a ReLU that alone follows a convolution becomes its activation;
- the zero padding before a strided convolution becomes its ``same`` padding where that pads alike;
- global average pooling followed by a normalisation alone becomes depthwise convolutions that take the mean along
  columns, then along rows: each channel then has steps of its own until it is normalised, and a kernel that is alike
  at all pixels is exact in int8;
- a sum of dense layers becomes one dense layer on their inputs side by side, whose sum int32 holds unrounded;
- dropout, which does nothing at inference, goes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cspine_edge.training.framework import keras

layers = keras.layers

_LARGEST_WINDOW, _LARGEST_REST = 25, 5
"""XNNPACK's depthwise kernels read up to 25 values in one go; beyond that they are ten times slower."""


def fold(model: keras.Model) -> keras.Model:
    """Give a model that computes the same with its batch normalisation folded away.

    Parameters
    ----------
    model
        A flat functional model with one input and one output.

    Returns
    -------
    keras.Model
        Input and output as before.
    """
    tensors: dict[str, Any] = {}
    consumed: set[str] = set()
    inputs = None
    for layer in model.layers:
        if layer.name in consumed:
            continue
        if isinstance(layer, layers.InputLayer):
            inputs = keras.Input(layer.input_shape[0][1:], name=layer.name)
            tensors[layer.name] = inputs
            continue
        source = [tensors[name] for name in source_names(layer)]
        last = layer
        if isinstance(layer, layers.ZeroPadding2D) and (strided := _strided_successor(layer)) is not None:
            consumed.add(strided.name)
            result, last = _convolution(strided, source[0], consumed, padding="same")
        elif type(layer) in (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense):
            result, last = _convolution(layer, source[0], consumed)
        elif isinstance(layer, layers.BatchNormalization):
            result, last = _lone_normalisation(layer, source[0], consumed)
        elif isinstance(layer, layers.Dropout):
            result = source[0]
        elif isinstance(layer, layers.GlobalAveragePooling2D) and (norm := _normaliser(layer)) is not None:
            consumed.add(norm.name)
            result, last = _normalised_mean(layer, norm, source[0]), norm
        elif (summands := _summands(layer)) is not None:
            result = _joint_dense(layer, summands, tensors)
        else:
            copy = type(layer).from_config(layer.get_config())
            result = copy(source if len(source) > 1 else source[0])
            copy.set_weights(layer.get_weights())
        tensors[last.name] = result
    return keras.Model(inputs, tensors[model.layers[-1].name], name=model.name)


def _normaliser(pool: Any) -> Any:
    """The normalisation that alone reads a pooled vector, if the mean can be made of small kernels."""
    if pool.keepdims or any(side // _window(side) > _LARGEST_REST for side in pool.input_shape[1:3]):
        return None
    return _only_successor(pool, layers.BatchNormalization)


def _window(side: int) -> int:
    """Largest divisor of a map's side that is small enough for a fast kernel."""
    return max(size for size in range(1, _LARGEST_WINDOW + 1) if side % size == 0)


def _normalised_mean(pool: Any, norm: Any, source: Any) -> Any:
    """Means of a few neighbours, then along columns, then along rows; the last of them is normalised."""
    factor, offset = _affine(norm)
    _, height, width, channels = pool.input_shape
    down, across = _window(height), _window(width)
    # What is rounded first is averaged most.
    shapes = [(height // down, width // across), (down, 1), (1, across)]
    shapes = [shape for shape in shapes if shape != (1, 1)] or [(1, 1)]
    x = source
    for number, shape in enumerate(shapes, start=1):
        is_last = number == len(shapes)
        name = norm.name if is_last else f"{norm.name}_mean{number}"
        mean = layers.DepthwiseConv2D(shape, strides=shape, use_bias=True, name=name)
        x = mean(x)
        values = (factor if is_last else np.ones(channels, np.float32)) / np.float32(shape[0] * shape[1])
        kernel = np.tile(values, (*shape, 1))[..., np.newaxis]
        mean.set_weights([kernel, offset if is_last else np.zeros(channels, np.float32)])
    return layers.Reshape((channels,), name=pool.name)(x)


def _summands(layer: Any) -> list[Any] | None:
    """The dense layers without activation that a layer adds up, perhaps in steps; ``None`` if it does anything else."""
    if isinstance(layer, layers.Dense) and layer.activation.__name__ == "linear":
        return [layer]
    if type(layer) is not layers.Add:
        return None
    parts = [_summands(source) or [] for source in source_layers(layer)]
    summands = [dense for part in parts for dense in part]
    return summands if all(parts) and len({dense.units for dense in summands}) == 1 else None


def _joint_dense(layer: Any, summands: list[Any], tensors: dict[str, Any]) -> Any:
    inputs = [tensors[name] for dense in summands for name in source_names(dense)]
    joint = layers.Dense(summands[0].units, name=layer.name)
    result = joint(layers.Concatenate(name=f"{layer.name}_inputs")(inputs))
    weights = [dense.get_weights() for dense in summands]
    bias = sum((rest[0] for _, *rest in weights if rest), np.zeros(joint.units, np.float32))
    joint.set_weights([np.concatenate([kernel for kernel, *_ in weights]), bias])
    return result


def centre_logits(folded: keras.Model) -> None:
    """Make the two logits of a folded network mirror images, in place; what they differ by stays.

    Softmax and margin know no more than the difference, and an int8 tensor should hold nothing else.
    """
    last = folded.layers[-1]
    last.set_weights([(array - array[..., ::-1]) / 2 for array in last.get_weights()])


def source_names(layer: Any) -> list[str]:
    """Names of the layers whose outputs a layer of a flat functional model takes."""
    return [source.name for source in source_layers(layer)]


def source_layers(layer: Any) -> list[Any]:
    """The layers whose outputs a layer of a flat functional model takes."""
    inbound = layer.inbound_nodes[0].inbound_layers
    return inbound if isinstance(inbound, list) else [inbound]


def _only_successor(layer: Any, kind: type) -> Any:
    nodes = layer.outbound_nodes
    follower = nodes[0].layer if len(nodes) == 1 else None
    return follower if type(follower) is kind else None


def _strided_successor(padding: Any) -> Any:
    """The convolution after a zero padding, if ``same`` padding would pad as this layer does."""
    follower = _only_successor(padding, layers.DepthwiseConv2D) or _only_successor(padding, layers.Conv2D)
    if follower is None or follower.padding != "valid":
        return None
    kernels = zip(follower.kernel_size, follower.dilation_rate, strict=True)
    reach = [(size - 1) * dilation + 1 for size, dilation in kernels]
    for (before, after), side, kernel, stride in zip(
        padding.padding, padding.input_shape[1:3], reach, follower.strides, strict=True
    ):
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        if (before, after) != (total // 2, total - total // 2):
            return None
    return follower


def _convolution(layer: Any, source: Any, consumed: set[str], **changes: Any) -> tuple[Any, Any]:
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    kernel, *rest = layer.get_weights()
    bias, last = (rest[0] if rest else np.zeros(layer.output_shape[-1], np.float32)), layer
    norm = _only_successor(layer, layers.BatchNormalization)
    if norm is not None and layer.activation.__name__ == "linear":  # not past the layer's own activation
        consumed.add(norm.name)
        factor, offset = _affine(norm)
        kernel = kernel * (factor.reshape(kernel.shape[2:]) if depthwise else factor)
        bias, last = bias * factor + offset, norm
    activation, last = _activation(layer, last, consumed)
    config = layer.get_config() | {"use_bias": True, "activation": activation} | changes
    folded = type(layer).from_config(config)
    result = folded(source)
    folded.set_weights([kernel, bias])
    return result, last


def _lone_normalisation(norm: Any, source: Any, consumed: set[str]) -> tuple[Any, Any]:
    factor, offset = _affine(norm)
    activation, last = _activation(None, norm, consumed)
    scale = layers.DepthwiseConv2D(1, use_bias=True, activation=activation, name=norm.name)
    is_vector = len(norm.input_shape) == 2
    result = scale(layers.Reshape((1, 1, norm.input_shape[1]))(source) if is_vector else source)
    scale.set_weights([factor[np.newaxis, np.newaxis, :, np.newaxis], offset])
    return layers.Reshape((norm.input_shape[1],))(result) if is_vector else result, last


def _affine(norm: Any) -> tuple[np.ndarray, np.ndarray]:
    """Factor and offset of a batch normalisation at inference, float32, computed in float64."""
    mean, variance = (np.asarray(value, np.float64) for value in (norm.moving_mean, norm.moving_variance))
    gamma = np.asarray(norm.gamma, np.float64) if norm.scale else np.ones_like(mean)
    beta = np.asarray(norm.beta, np.float64) if norm.center else np.zeros_like(mean)
    factor = gamma / np.sqrt(variance + norm.epsilon)
    return factor.astype(np.float32), (beta - mean * factor).astype(np.float32)


def _activation(layer: Any, last: Any, consumed: set[str]) -> tuple[str, Any]:
    """Name of the activation that the folded layer takes over, and the last layer it stands for."""
    own = "linear" if layer is None else layer.activation.__name__
    if own != "linear":
        return own, last
    if (
        (relu := _only_successor(last, layers.ReLU)) is not None
        and not relu.negative_slope
        and not relu.threshold
    ):
        name = {None: "relu", 6.0: "relu6"}.get(None if relu.max_value is None else float(relu.max_value))
        if name is not None:
            consumed.add(relu.name)
            return name, relu
    follower = _only_successor(last, layers.Activation)
    if follower is not None and follower.activation.__name__ == "relu":
        consumed.add(follower.name)
        return "relu", follower
    return own, last

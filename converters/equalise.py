"""Channels brought to one scale: the same function, of which int8 keeps more.

An activation tensor has one int8 scale for all its channels; a channel whose values stay far below the largest uses a
few of the 256 steps only. Multiplying a channel by a constant where it is made, and dividing by it where it is read,
changes nothing else (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV
2019). Kernels have one scale per output channel, so the multiplication costs nothing; nor does the division in a
depthwise kernel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cspine_edge.preprocess import Preprocessing
from cspine_edge.training.framework import keras, tf
from cspine_edge.training.pipeline import inference_batches

from .fold import source_names

layers = keras.layers

_LARGEST_RATIO = 64.0
"""Channels smaller than the largest by more than this are taken for this small: what hardly ever moves need not be
kept to the last digit."""
_KERNELS = (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)
_CHANNELWISE = (
    layers.AveragePooling2D,
    layers.GlobalAveragePooling2D,
    layers.MaxPooling2D,
    layers.Reshape,
    layers.ZeroPadding2D,
)
"""Layers that give a multiple of a channel where they are given one."""

Reader = tuple[Any, int]
"""A layer with a kernel, and where the channels in question begin among those that it reads."""


def channel_extremes(
    folded: keras.Model, images: npt.NDArray[np.uint8], spec: Preprocessing
) -> dict[str, npt.NDArray[np.float64]]:
    """Largest absolute value of each channel of each convolution's output, shape (channels,).

    Parameters
    ----------
    folded
        A folded network.
    images
        Calibration images, shape (n, height, width), uint8.
    spec
        The preprocessing.
    """
    probed = {
        layer.name: tf.reduce_max(tf.abs(layer.output), axis=[0, 1, 2])
        for layer in folded.layers
        if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D))
    }
    if not probed:
        return {}
    probe = keras.Model(folded.input, probed)
    found = {name: np.zeros(extremes.shape[0]) for name, extremes in probed.items()}
    for batch in inference_batches(images, spec, batch_size=16):
        extremes = probe(batch, training=False)
        found = {name: np.maximum(largest, extremes[name]) for name, largest in found.items()}
    return found


def equalise(folded: keras.Model, images: npt.NDArray[np.uint8], spec: Preprocessing) -> keras.Model:
    """Give a network of the same function with the channels between its convolutions on one scale.

    Parameters
    ----------
    folded
        A folded network.
    images
        Calibration images, shape (n, height, width), uint8. A ReLU6 cuts a channel at the largest value seen on them,
        where it cut at 6 or above that.
    spec
        The preprocessing.
    """
    extremes = channel_extremes(folded, images, spec)
    network = keras.models.clone_model(folded)
    network.set_weights(folded.get_weights())
    followers: dict[str, list[Any]] = {layer.name: [] for layer in network.layers}
    for layer in network.layers[1:]:
        for name in source_names(layer):
            followers[name].append(layer)
    for layer in network.layers:
        if layer.name not in extremes or layer.activation.__name__ not in ("linear", "relu", "relu6"):
            continue
        readers = _readers(layer, 0, followers)
        if readers:
            factor = _factor(layer, extremes[layer.name], readers)
            kernel, bias = layer.get_weights()
            depthwise = isinstance(layer, layers.DepthwiseConv2D)
            layer.set_weights([kernel * (factor[:, np.newaxis] if depthwise else factor), bias * factor])
            for reader, start in readers:
                _divide(reader, start, factor)
    return network


def _readers(layer: Any, start: int, followers: dict[str, list[Any]]) -> list[Reader] | None:
    """Layers with kernels that read a layer's channels; ``None`` if anything reads them that cannot divide."""
    found: list[Reader] = []
    for follower in followers[layer.name]:
        if type(follower) in _KERNELS:
            found.append((follower, start))
            continue
        before = start
        if isinstance(follower, layers.Concatenate):
            sources = source_names(follower)
            position = sources.index(layer.name)
            before += sum(shape[-1] for shape in follower.input_shape[:position])
        elif not isinstance(follower, _CHANNELWISE) or follower.output_shape[-1] != layer.output_shape[-1]:
            return None
        beyond = _readers(follower, before, followers)
        if not beyond:
            return None
        found += beyond
    return found


def _factor(layer: Any, extremes: npt.NDArray[np.float64], readers: list[Reader]) -> npt.NDArray[np.float32]:
    used = np.maximum(extremes, max(extremes.max() / _LARGEST_RATIO, 1e-12))
    mixing = [reader for reader in readers if not isinstance(reader[0], layers.DepthwiseConv2D)]
    factor = 1.0 / used
    if mixing:
        # These kernels have one scale for all channels that they read: what the activation gains they lose.
        # The root shares it out.
        strength = np.max([_strength(reader, start, len(used)) for reader, start in mixing], axis=0)
        factor = np.sqrt(np.maximum(strength, strength.max() / _LARGEST_RATIO) / used)
    if layer.activation.__name__ == "relu6":
        factor = np.maximum(factor * 6.0 / (factor * used).max(), 1.0)
        return np.minimum(factor, np.maximum(6.0 / used, 1.0)).astype(np.float32)
    return (factor * used.max() / (factor * used).max()).astype(np.float32)


def _strength(reader: Any, start: int, channels: int) -> npt.NDArray[np.float64]:
    """Largest kernel value on each channel, as a share of the largest that has the same scale."""
    kernel = np.abs(reader.get_weights()[0]).astype(np.float64)
    rows = kernel.reshape(-1, *kernel.shape[-2:]).max(axis=0)  # (channels in, channels out)
    scales = rows.max() if isinstance(reader, layers.Dense) else np.maximum(rows.max(axis=0), 1e-12)
    return np.asarray((rows / scales).max(axis=1)[start : start + channels])


def _divide(reader: Any, start: int, factor: npt.NDArray[np.float32]) -> None:
    kernel, *bias = reader.get_weights()
    kernel = kernel.copy()
    kernel[..., start : start + len(factor), :] /= factor[:, np.newaxis]
    reader.set_weights([kernel, *bias])

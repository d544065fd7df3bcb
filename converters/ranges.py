"""Ranges of activations: what a calibration set gives, whether it is large enough, and what int8 makes of them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from calibration.stability import RangeStability, compare_ranges, two_halves
from cspine_edge.dataset import LabelledDataset
from cspine_edge.preprocess import Preprocessing
from cspine_edge.training.framework import keras, tf
from cspine_edge.training.pipeline import inference_batches

from .fold import source_names

layers = keras.layers

SELECTING = (layers.MaxPooling2D, layers.ZeroPadding2D, layers.Reshape, layers.Flatten)
"""Layers that give no values but those they read (and 0)."""
_RANGE_KEEPING = (layers.AveragePooling2D, *SELECTING)
"""Layers whose output has the quantisation of their input, as TFLite's kernels demand."""


def activation_ranges(
    folded: keras.Model, images: npt.NDArray[np.uint8], spec: Preprocessing
) -> dict[str, tuple[float, float]]:
    """Smallest and largest value of each layer's output over the calibration images, 0 included.

    Parameters
    ----------
    folded
        A folded network.
    images
        Calibration images, shape (n, height, width), uint8.
    spec
        The preprocessing.

    Raises
    ------
    ValueError
        If there are no images.
    """
    if not len(images):
        raise ValueError("activation ranges need calibration images")
    probed = [layer for layer in folded.layers if not isinstance(layer, layers.InputLayer)]
    extremes = keras.Model(
        folded.input,
        [tf.stack([tf.reduce_min(layer.output), tf.reduce_max(layer.output)]) for layer in probed],
    )
    lowest, highest = np.zeros(len(probed)), np.zeros(len(probed))
    for batch in inference_batches(images, spec, batch_size=16):
        found = np.array([pair.numpy() for pair in extremes(batch, training=False)], dtype=np.float64)
        lowest, highest = np.minimum(lowest, found[:, 0]), np.maximum(highest, found[:, 1])
    return {
        layer.name: (float(low), float(high))
        for layer, low, high in zip(probed, lowest, highest, strict=True)
    }


def range_stability(
    folded: keras.Model, slices: LabelledDataset, images: npt.NDArray[np.uint8], spec: Preprocessing
) -> RangeStability | None:
    """Compare the ranges of two halves of a calibration set.

    Parameters
    ----------
    folded
        A folded network.
    slices
        The calibration set.
    images
        Its images, shape (n, height, width), uint8.
    spec
        The preprocessing.

    Returns
    -------
    RangeStability or None
        How far the halves are apart; ``None`` where all slices are variants of one original.
    """
    halves = [half for half in two_halves(slices.slices) if half]
    if len(halves) < 2:
        return None
    first, second = (activation_ranges(folded, images[half], spec) for half in halves)
    return compare_ranges(first, second, slices=len(images))


def output_ranges(
    folded: keras.Model, ranges: dict[str, tuple[float, float]], spec: Preprocessing
) -> dict[str, tuple[float, float]]:
    """Range of each layer's output in int8, the input's with it.

    A layer that only moves values has its input's range. What a concatenation alone reads has the concatenation's, as
    all that it joins has one scale and would be rounded again.

    Parameters
    ----------
    folded
        A folded network.
    ranges
        What each layer's output needs, from :func:`activation_ranges`.
    spec
        The preprocessing; its value range is the input's.
    """
    readers = Counter(name for layer in folded.layers[1:] for name in source_names(layer))
    held = {folded.layers[0].name: spec.value_range} | ranges
    joined: set[str] = set()
    for layer in reversed(folded.layers[1:]):
        if isinstance(layer, layers.Concatenate) or (layer.name in joined and isinstance(layer, SELECTING)):
            for name in source_names(layer):
                if readers[name] == 1 and name != folded.layers[0].name:
                    held[name] = held[layer.name]
                    joined.add(name)
    for layer in folded.layers[1:]:
        if isinstance(layer, _RANGE_KEEPING):
            held[layer.name] = held[source_names(layer)[0]]
    return held

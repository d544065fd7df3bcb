"""Batches for training: bytes of the input tensor to real values, augmented on the way."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..preprocess import Preprocessing
from .augment import Augmentation
from .framework import tf


def training_batches(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float32],
    spec: Preprocessing,
    *,
    batch_size: int,
    epoch: int,
    seed: int,
    augmentation: Augmentation | None,
    shuffled: bool = True,
) -> tf.data.Dataset:
    """Give one epoch of (real values, label, weight) batches, order and maps fixed by ``seed`` and ``epoch``.

    Parameters
    ----------
    images
        Grey levels, shape (n, height, width), uint8.
    labels, weights
        Shape (n,).
    spec
        The preprocessing whose value range and channels the network expects.
    batch_size, epoch, seed
        As named.
    augmentation
        Random maps, or ``None``.
    shuffled
        Otherwise the images come in their own order.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(images)) if shuffled else np.arange(len(images))
    truth, weight = tf.constant(labels), tf.constant(weights)
    low, high = spec.value_range

    def load(step: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        grey = tf.cast(taken(images, rows), tf.float32)[..., tf.newaxis]
        if augmentation is not None:
            key = tf.stack([tf.cast(seed, tf.int32), tf.cast(step, tf.int32) + epoch * 1_000_003])
            grey = augmentation(grey, key)
        real = low + grey / 255.0 * (high - low)
        return tf.repeat(real, spec.channels, axis=3), tf.gather(truth, rows), tf.gather(weight, rows)

    batches = tf.data.Dataset.from_tensor_slices(order).batch(batch_size)
    return batches.enumerate().map(load, num_parallel_calls=2, deterministic=True).prefetch(2)


def inference_batches(
    images: npt.NDArray[np.uint8], spec: Preprocessing, batch_size: int = 32
) -> tf.data.Dataset:
    """Give batches of real values, shape (b, height, width, channels), float32, in order."""
    table = tf.constant(spec.real_values())

    def load(rows: tf.Tensor) -> tf.Tensor:
        real = tf.gather(table, tf.cast(taken(images, rows), tf.int32))
        return tf.repeat(real[..., tf.newaxis], spec.channels, axis=3)

    return tf.data.Dataset.range(len(images)).batch(batch_size).map(load).prefetch(2)


def taken(values: npt.NDArray[np.generic], rows: tf.Tensor) -> tf.Tensor:
    """Take some rows of an array, read where they lie: a tensor of all would hold them in memory."""
    found = tf.numpy_function(lambda positions: values[positions], [rows], values.dtype, stateful=False)
    found.set_shape((None, *values.shape[1:]))
    return found


def renditions(
    images: npt.NDArray[np.uint8], spec: Preprocessing, augmentation: Augmentation, seed: int
) -> npt.NDArray[np.uint8]:
    """Give each image augmented once, as grey levels again, shape and dtype as given."""
    labels, weights = np.zeros(len(images), np.int64), np.ones(len(images), np.float32)
    batches = training_batches(
        images,
        labels,
        weights,
        spec,
        batch_size=32,
        epoch=0,
        seed=seed,
        augmentation=augmentation,
        shuffled=False,
    )
    low, high = spec.value_range
    levels = [(real.numpy()[..., 0] - low) / (high - low) for real, _, _ in batches]
    return np.clip(np.rint(255 * np.concatenate(levels)), 0, 255).astype(np.uint8)

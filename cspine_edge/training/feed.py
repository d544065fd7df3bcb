"""What an epoch is fed: augmented images, or the features that a frozen base makes of them."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt

from ..dataset import LabelledDataset, load_images
from ..files import replacing
from ..preprocess import Preprocessing
from ..progress import progress
from ..scratch import unnamed_array
from .augment import Augmentation
from .framework import keras, tf
from .pipeline import inference_batches, taken, training_batches

FEATURES_FILE = "features.float32"
"""Name of the features, row by row and little-endian, in the archive that they are kept in."""
_BLOCK = 1 << 24
RENDITIONS = 4
"""Most augmented renditions of the training part whose features a frozen base computes; epochs take turns."""


@dataclass(frozen=True)
class Part:
    """Images and labels of one part of a split.

    Attributes
    ----------
    images
        Grey levels, shape (n, height, width), uint8.
    labels
        Shape (n,), int64.
    weights
        How much each slice counts in the loss, shape (n,), float32; see :func:`balanced_weights`.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]


def balanced_weights(
    labels: npt.NDArray[np.int64], series: Sequence[str] | None = None
) -> npt.NDArray[np.float32]:
    """Let both classes count the same, and within a class all its series.

    Where series differ in their share of fractures, the look of a series predicts the label; a network that
    is paid for each image alike learns that first.

    Parameters
    ----------
    labels
        Shape (n,).
    series
        Series of each slice; ``None`` balances the classes only.

    Returns
    -------
    ndarray
        Shape (n,), float32, mean 1.
    """
    groups = np.zeros(len(labels), np.int64) if series is None else np.unique(series, return_inverse=True)[1]
    weights = np.zeros(len(labels), np.float64)
    classes = np.unique(labels)
    for label in classes:
        present = np.unique(groups[labels == label])
        for group in present:
            members = (labels == label) & (groups == group)
            weights[members] = len(labels) / (len(classes) * len(present) * members.sum())
    return weights.astype(np.float32)


def load_part(
    dataset: LabelledDataset, spec: Preprocessing, what: str = "slices", *, over_series: bool = False
) -> Part:
    """Read and prepare the slices of a part, with a progress bar; both classes count the same.

    Parameters
    ----------
    dataset
        The part.
    spec
        The preprocessing.
    what
        What the bar says is read.
    over_series
        Within a class let all series count the same too.
    """
    series = [item.series for item in dataset.slices] if over_series else None
    with progress(f"reading {what}", len(dataset)) as step:
        images = load_images(dataset, spec, step)
    return Part(images, dataset.labels, balanced_weights(dataset.labels, series))


class Feed(Protocol):
    """Inputs of a network, epoch by epoch."""

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Labels of the training part, shape (n,)."""

    @property
    def monitor_labels(self) -> npt.NDArray[np.int64] | None:
        """Labels of the part that is watched each epoch, if any."""

    def epoch(self, number: int, *, seed: int, batch_size: int) -> tf.data.Dataset:
        """Batches of (input, label, weight) in an order fixed by ``seed`` and ``number``."""

    def monitor(self) -> tf.data.Dataset:
        """Batches of inputs of the watched part, in order."""


@dataclass(frozen=True)
class ImageFeed:
    """Images as real values, augmented anew each epoch.

    Attributes
    ----------
    spec
        The preprocessing that made the images.
    train, watched
        What to learn from, and what to watch each epoch.
    augmentation
        Random maps, or ``None``.
    """

    spec: Preprocessing
    train: Part
    watched: Part | None = None
    augmentation: Augmentation | None = None

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Labels of the training part."""
        return self.train.labels

    @property
    def monitor_labels(self) -> npt.NDArray[np.int64] | None:
        """Labels of the watched part."""
        return None if self.watched is None else self.watched.labels

    def epoch(self, number: int, *, seed: int, batch_size: int) -> tf.data.Dataset:
        """Batches of (images, labels, weights), shape (b, height, width, channels), (b,) and (b,)."""
        return training_batches(
            self.train.images,
            self.labels,
            self.train.weights,
            self.spec,
            batch_size=batch_size,
            epoch=number,
            seed=seed,
            augmentation=self.augmentation,
        )

    def monitor(self) -> tf.data.Dataset:
        """Batches of images of the watched part."""
        if self.watched is None:
            raise ValueError("nothing is watched")
        return inference_batches(self.watched.images, self.spec)


@dataclass(frozen=True)
class PairedFeed:
    """The same slices through the same maps at the input sizes of two networks, a student and its teacher.

    Each gets what its own preprocessing makes of the slice, as at inference; only then is it augmented. The maps
    are relative to the image's side; noise, which is drawn per pixel, differs.

    Attributes
    ----------
    student, teacher
        The slices as each network takes them, in the same order and with the same augmentation.
    """

    student: ImageFeed
    teacher: ImageFeed

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Labels of the training part."""
        return self.student.labels

    @property
    def monitor_labels(self) -> npt.NDArray[np.int64] | None:
        """Labels of the watched part."""
        return self.student.monitor_labels

    def epoch(self, number: int, *, seed: int, batch_size: int) -> tf.data.Dataset:
        """Batches of ((the student's images, the teacher's), labels, weights)."""
        feeds = (self.student, self.teacher)
        both = tuple(feed.epoch(number, seed=seed, batch_size=batch_size) for feed in feeds)
        return tf.data.Dataset.zip(both).map(lambda own, other: ((own[0], other[0]), own[1], own[2]))

    def monitor(self) -> tf.data.Dataset:
        """Batches of the student's images of the watched part."""
        return self.student.monitor()


@dataclass(frozen=True)
class FeatureFeed:
    """Features of a frozen base: each slice is seen in a few renditions, and the head trains on them for free.

    Attributes
    ----------
    renditions
        Features of the training part, one array of shape (n, features) per augmented rendition, float32.
    labels, weights
        Shape (n,).
    watched, monitor_labels
        The same of the part that is watched, not augmented.
    """

    renditions: tuple[npt.NDArray[np.float32], ...]
    labels: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]
    watched: npt.NDArray[np.float32] | None = None
    monitor_labels: npt.NDArray[np.int64] | None = None

    def epoch(self, number: int, *, seed: int, batch_size: int) -> tf.data.Dataset:
        """Batches of (features, labels, weights), shape (b, features), (b,) and (b,)."""
        order = np.random.default_rng([seed, number]).permutation(len(self.labels))
        features = self.renditions[number % len(self.renditions)]
        truth, weight = tf.constant(self.labels), tf.constant(self.weights)

        def load(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            return taken(features, rows), tf.gather(truth, rows), tf.gather(weight, rows)

        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size).map(load).prefetch(2)

    def monitor(self) -> tf.data.Dataset:
        """Batches of features of the watched part."""
        if self.watched is None:
            raise ValueError("nothing is watched")
        watched = self.watched
        return tf.data.Dataset.range(len(watched)).batch(256).map(lambda rows: taken(watched, rows))


def _kept(path: Path, shape: tuple[int, int]) -> npt.NDArray[np.float32] | None:
    """Read features as they were written: the archive they lie in has a checksum. None if there are no such."""
    found = unnamed_array(shape, np.float32)
    room = found.data.cast("B")
    try:
        with ZipFile(path) as archive, archive.open(FEATURES_FILE) as stream:
            while block := stream.read(_BLOCK):
                room[: len(block)] = block
                room = room[len(block) :]
    except (OSError, ValueError, EOFError, KeyError, RuntimeError, BadZipFile, zlib.error):
        return None  # a RuntimeError: an entry that is encrypted, or packed in a way that zipfile has not
    return None if len(room) else found


def _keep(path: Path, features: npt.NDArray[np.float32]) -> None:
    content = features.data.cast("B")
    with (
        replacing(path, overwrite=True) as temporary,
        ZipFile(temporary, "w") as archive,
        archive.open(ZipInfo(FEATURES_FILE), "w", force_zip64=True) as stream,
    ):
        for start in range(0, len(content), _BLOCK):
            stream.write(content[start : start + _BLOCK])


def feature_feed(
    base: keras.Model,
    images: ImageFeed,
    *,
    renditions: int,
    seed: int,
    cache: Path,
    log: Callable[[str], None],
) -> FeatureFeed:
    """Run a frozen base over renditions of a feed, and keep what it gives.

    Parameters
    ----------
    base
        Images in, features (n, features) out; its name tells which.
    images
        The slices and their augmentation.
    renditions
        How many, if there is an augmentation.
    seed
        Seed of the renditions.
    cache
        Folder of computed features. A file's name hashes all that its content depends on, so that a
        broken-off training goes on where it was, and another optimizer finds the work done. One that is damaged
        is made again.
    log
        Receives a line where features are found in the cache.
    """
    weights = hashlib.sha256(b"".join(array.tobytes() for array in base.get_weights())).hexdigest()

    def features(
        part: Part, augmentation: Augmentation | None, number: int, what: str
    ) -> npt.NDArray[np.float32]:
        recipe = f"{base.name} {weights} {images.spec} {augmentation} {seed} {number} {base.compute_dtype}"
        digest = hashlib.sha256(recipe.encode())
        digest.update(part.images.data.cast("B"))
        path = cache / f"{digest.hexdigest()[:32]}.zip"
        count = len(part.labels)
        shape = (count, base.output_shape[-1])
        found = _kept(path, shape)
        if found is not None:
            log(f"{what}: found in {cache}")
            return found
        batches = training_batches(
            part.images,
            part.labels,
            part.weights,
            images.spec,
            batch_size=32,
            epoch=number,
            seed=seed,
            augmentation=augmentation,
            shuffled=False,
        )
        made, done = unnamed_array(shape, np.float32), 0
        with progress(what, count) as step:
            for batch, _, _ in batches:
                rows = np.asarray(base(batch, training=False), dtype=np.float32)
                made[done : done + len(rows)] = rows
                done += len(rows)
                step(len(rows))
        _keep(path, made)
        return made

    count = renditions if images.augmentation is not None else 1
    made = tuple(
        features(images.train, images.augmentation, number, f"features {number + 1}/{count}")
        for number in range(count)
    )
    watched = None
    if images.watched is not None:
        watched = features(images.watched, None, 0, "features of the watched part")
    return FeatureFeed(made, images.labels, images.train.weights, watched, images.monitor_labels)

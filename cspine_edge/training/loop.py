"""Epochs with checkpoints: a phase of training that can be broken off and resumed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import InputError, OutputError, UsageError
from ..files import replacing, write_json
from ..preprocess import Preprocessing
from ..progress import progress
from ..recipe import Optimizer
from .feed import Feed, PairedFeed
from .framework import keras, tf
from .pipeline import inference_batches


@dataclass(frozen=True)
class Phase:
    """So many epochs at one learning rate.

    Attributes
    ----------
    name
        Also the name of its checkpoint folder.
    epochs, rate, optimizer, batch_size, seed
        As named.
    anneal
        Let the rate fall to 0 over the phase, along half a cosine.
    """

    name: str
    epochs: int
    rate: float
    optimizer: Optimizer
    batch_size: int
    seed: int
    anneal: bool = False


Epoch = dict[str, float | str]
"""One epoch's figures: ``phase``, ``epoch``, ``loss``, ``accuracy``, perhaps those of the monitored part."""


Distance = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""How far logits (n, 2) are from those that are wanted, shape (n,)."""


def squared_distance(logits: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Mean squared difference, for a network that starts near its teacher."""
    return tf.reduce_mean(tf.square(logits - wanted), axis=1)


def huber_distance(logits: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """Half the squared difference up to 1, and linear from there (Huber, 1964), for one that starts far away.

    Margins of a teacher reach 40, and squares of them make single batches decide.
    """
    return keras.losses.huber(wanted, logits)


class _BatchProgress(keras.callbacks.Callback):
    def __init__(self, on_batch: Callable[[], None]) -> None:
        super().__init__()
        self._on_batch = on_batch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        self._on_batch()


def run_phase(
    model: keras.Model,
    phase: Phase,
    feed: Feed,
    checkpoints: Path,
    log: Callable[[str], None],
    *,
    keep_best: bool,
    teacher: keras.Model | None = None,
    distance: Distance = squared_distance,
) -> list[Epoch]:
    """Train ``model`` in place; go on from the phase's last checkpoint if there is one.

    Parameters
    ----------
    model
        Outputs logits (n, 2).
    phase
        What to do.
    feed
        What to learn from, and what to watch each epoch; paired where a teacher takes other inputs.
    checkpoints
        Folder for the phase's checkpoints.
    log
        Receives a line per epoch.
    keep_best
        End with the weights of the epoch with the least loss on the watched part, not with the last ones. Only
        a validation part may choose.
    teacher
        Learn this network's logits on the augmented images instead of the labels. Its weights do not move; its
        layers are left frozen.
    distance
        The loss where there is a teacher.

    Returns
    -------
    list of dict
        One entry per epoch.

    Raises
    ------
    UsageError
        If the training diverges.
    InputError
        If its checkpoint is damaged.
    OutputError
        If a checkpoint cannot be written.
    """
    folder = checkpoints / phase.name
    steps = -(-len(feed.labels) // phase.batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(phase.rate, steps * phase.epochs)
    constructor = keras.optimizers.Nadam if phase.optimizer is Optimizer.NADAM else keras.optimizers.Adam
    optimizer = constructor(learning_rate=schedule if phase.anneal else phase.rate)
    paired = feed if isinstance(feed, PairedFeed) else None
    trainee = model if teacher is None else _beside(model, teacher, paired is not None)
    if teacher is None:
        entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        trainee.compile(optimizer, loss=entropy, metrics=["accuracy"])
    else:
        trainee.compile(
            optimizer, loss=lambda _, both: distance(*tf.split(both, 2, axis=1)), metrics=[accuracy]
        )
    optimizer.build(trainee.trainable_variables)
    done, least = tf.Variable(0, dtype=tf.int64), tf.Variable(np.inf, dtype=tf.float64)
    state = tf.train.Checkpoint(model=model, optimizer=optimizer, done=done, least=least)
    manager = tf.train.CheckpointManager(state, str(folder), max_to_keep=1)
    history: list[Epoch] = []
    if manager.latest_checkpoint:
        with _damage_told(folder):
            state.restore(manager.latest_checkpoint).assert_existing_objects_matched()
            history = json.loads((folder / "history.json").read_text())[: int(done.numpy())]
        log(f"{phase.name}: resumed after epoch {int(done.numpy())} of {phase.epochs}")
    watched, wanted = feed.monitor_labels, None
    if teacher is not None and watched is not None:
        seen = paired.teacher.monitor() if paired else feed.monitor()
        wanted = np.asarray(teacher.predict(seen, verbose=0), dtype=np.float64)
    best = folder / "best.npz"
    for epoch in range(int(done.numpy()), phase.epochs):
        keras.utils.set_random_seed(phase.seed + epoch)
        for layer in model.layers:
            if isinstance(
                layer, keras.layers.Dropout
            ):  # or an epoch after a break would not be the unbroken one
                layer._random_generator._generator.reset_from_seed(phase.seed + epoch)
        batches = feed.epoch(epoch, seed=phase.seed, batch_size=phase.batch_size)
        with progress(f"{phase.name} {epoch + 1}/{phase.epochs}", steps) as step:
            callbacks = [_BatchProgress(step)]
            fitted = trainee.fit(batches, verbose=0, callbacks=callbacks).history
        if not np.isfinite(fitted["loss"][0]):
            raise UsageError(f"{phase.name}: the loss of epoch {epoch + 1} is no number; give a smaller rate")
        entry: Epoch = {"phase": phase.name, "epoch": epoch + 1}
        entry |= {quantity: values[0] for quantity, values in fitted.items()}
        if watched is not None:
            entry |= _watch(model, feed.monitor(), watched, wanted, distance)
        history.append(entry)
        if keep_best and watched is not None and float(entry["monitor_loss"]) < float(least.numpy()):
            least.assign(float(entry["monitor_loss"]))
            with replacing(best, overwrite=True) as temporary, temporary.open("wb") as stream:
                np.savez(stream, *model.get_weights())
        done.assign(epoch + 1)
        write_json(folder / "history.json", history, overwrite=True)
        with _full_disk_told(folder):
            manager.save()
        log(_line(entry, phase.epochs))
    if keep_best and best.exists():
        # Not Keras' own format: under MirroredStrategy it cannot be read back.
        with _damage_told(folder), np.load(best) as arrays:
            model.set_weights([arrays[name] for name in arrays.files])
    return history


@contextmanager
def _damage_told(folder: Path) -> Iterator[None]:
    """What lies in the folder is checked as it is read: checkpoints and archives carry checksums."""
    try:
        yield
    except Exception as error:  # TensorFlow raises almost anything on a cut file
        raise InputError(folder, "is damaged; remove it, and --resume begins this part anew") from error


@contextmanager
def _full_disk_told(folder: Path) -> Iterator[None]:
    try:
        yield
    except tf.errors.OpError as error:
        reason = f"cannot be written ({error.message.splitlines()[0]}); make room and go on with --resume"
        raise OutputError(folder, reason) from error


def predict_logits(
    model: keras.Model, images: npt.NDArray[np.uint8], spec: Preprocessing
) -> npt.NDArray[np.float32]:
    """Logits of each image, shape (n, 2), float32."""
    return np.asarray(model.predict(inference_batches(images, spec), verbose=0), dtype=np.float32)


def _beside(model: keras.Model, teacher: keras.Model, paired: bool) -> keras.Model:
    """Give a network of both logits, the model's and the teacher's, (n, 4); the model's weights train."""
    teacher.trainable = False
    shown = keras.Input(teacher.input_shape[1:]) if paired else model.input
    both = keras.layers.Concatenate(dtype="float32")([model.output, teacher(shown, training=False)])
    return keras.Model([model.input, shown] if paired else model.input, both)


def accuracy(labels: tf.Tensor, both: tf.Tensor) -> tf.Tensor:
    """Whether the first network's label is the true one; Keras names the figure after this function."""
    return keras.metrics.sparse_categorical_accuracy(labels, both[:, :2])


def _watch(
    model: keras.Model,
    batches: tf.data.Dataset,
    labels: npt.NDArray[np.int64],
    wanted: npt.NDArray[np.float64] | None,
    distance: Distance,
) -> Epoch:
    logits = np.asarray(model.predict(batches, verbose=0), dtype=np.float64)
    margins = logits[:, 1] - logits[:, 0]
    signed = np.where(labels == 1, margins, -margins)
    losses = np.logaddexp(0.0, -signed) if wanted is None else distance(logits, wanted)
    return {
        "monitor_loss": float(np.mean(losses)),
        "monitor_accuracy": float(((margins >= 0) == (labels == 1)).mean()),
    }


def _line(entry: Epoch, epochs: int) -> str:
    figures = ", ".join(f"{key} {value:.4f}" for key, value in entry.items() if isinstance(value, float))
    return f"{entry['phase']} {entry['epoch']}/{epochs}: {figures}"

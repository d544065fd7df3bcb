"""The training loop: it learns, it can be broken off and resumed, it keeps the best epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.errors import UsageError
from cspine_edge.preprocess import Preprocessing

pytestmark = pytest.mark.workstation

SPEC = Preprocessing(16, 16)


def toy(count: int = 48, seed: int = 0) -> Any:
    """A part whose fractures are brighter on the left: separable, but not by its mean."""
    from cspine_edge.training.feed import Part

    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = rng.integers(0, 120, (count, 16, 16), dtype=np.uint8)
    images[labels == 1, :, :8] += 60
    images[labels == 0, :, 8:] += 60
    return Part(images, labels.astype(np.int64), np.ones(count, np.float32))


def network(size: int = 16) -> Any:
    from cspine_edge.training.framework import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((size, size, 3))
    x = layers.Conv2D(4, 3, strides=2)(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dropout(0.3, force_generator=True)(layers.Flatten()(x))
    return keras.Model(image, layers.Dense(2)(x))


def phase(epochs: int = 3, **changes: Any) -> Any:
    from cspine_edge.recipe import Optimizer
    from cspine_edge.training.loop import Phase

    arguments: dict[str, Any] = {
        "rate": 3e-3,
        "optimizer": Optimizer.ADAM,
        "batch_size": 8,
        "seed": 1,
    }
    return Phase("toy", epochs, **(arguments | changes))


def run(
    model: Any, wanted: Any, folder: Path, break_after: int | None = None, **changes: Any
) -> tuple[list[dict[str, Any]], list[str]]:
    """Train; ``break_after`` interrupts it once that epoch is told."""
    from cspine_edge.training.augment import Augmentation
    from cspine_edge.training.feed import ImageFeed
    from cspine_edge.training.loop import run_phase

    lines: list[str] = []

    def log(line: str) -> None:
        lines.append(line)
        if line.startswith(f"toy {break_after}/"):
            raise KeyboardInterrupt

    parts = {name: changes.pop(name, part) for name, part in (("train", toy()), ("monitor", toy(16, seed=1)))}
    maps = Augmentation(rotation=5.0, shift=0.05, shear=0.0, zoom=0.0, flip=False)
    feed = ImageFeed(SPEC, parts["train"], parts["monitor"], changes.pop("augmentation", maps))
    arguments: dict[str, Any] = {"keep_best": True} | changes
    if break_after is not None:
        with pytest.raises(KeyboardInterrupt):
            run_phase(model, wanted, feed, folder, log, **arguments)
        return [], lines
    history = run_phase(model, wanted, feed, folder, log, **arguments)
    return history, lines


@pytest.mark.parametrize("optimizer", ["nadam", "adam"])
def test_it_learns(optimizer: str, tmp_path: Path) -> None:
    from cspine_edge.recipe import Optimizer
    from cspine_edge.training.loop import predict_logits

    model = network()
    history, lines = run(model, phase(8, optimizer=Optimizer(optimizer)), tmp_path)
    assert [entry["epoch"] for entry in history] == list(range(1, 9))
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert history[-1]["monitor_accuracy"] > 0.9
    assert len(lines) == 8
    unseen = toy(40, seed=9)
    logits = predict_logits(model, unseen.images, SPEC)
    assert ((logits[:, 1] > logits[:, 0]) == (unseen.labels == 1)).mean() > 0.9


@pytest.mark.parametrize("optimizer", ["adam", "nadam"])
def test_resumed_training_is_the_unbroken_one(optimizer: str, tmp_path: Path) -> None:
    """Order, maps and dropout of an epoch hang on seed and epoch alone, and the optimizer's state is kept."""
    from cspine_edge.recipe import Optimizer

    chosen = Optimizer(optimizer)
    unbroken = network()
    history, _ = run(unbroken, phase(3, optimizer=chosen), tmp_path / "unbroken")
    run(network(), phase(3, optimizer=chosen), tmp_path / "broken", break_after=1)
    resumed = network()
    continued, lines = run(resumed, phase(3, optimizer=chosen), tmp_path / "broken")
    assert lines[0] == "toy: resumed after epoch 1 of 3"
    assert [entry["epoch"] for entry in continued] == [1, 2, 3]
    for quantity in ("loss", "accuracy", "monitor_loss", "monitor_accuracy"):
        assert [entry[quantity] for entry in continued] == [entry[quantity] for entry in history]
    for one, other in zip(unbroken.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_break_between_record_and_checkpoint_repeats_the_epoch(tmp_path: Path) -> None:
    import json

    whole, _ = run(network(), phase(2), tmp_path / "whole")
    run(network(), phase(2), tmp_path / "broken", break_after=1)
    record = tmp_path / "broken" / "toy" / "history.json"
    record.write_text(
        json.dumps([*json.loads(record.read_text()), {"phase": "toy", "epoch": 2, "loss": 9.0}])
    )
    assert run(network(), phase(2), tmp_path / "broken")[0] == whole


def test_finished_phase_is_not_trained_again(tmp_path: Path) -> None:
    first = network()
    history, _ = run(first, phase(2), tmp_path)
    again = network()
    repeated, lines = run(again, phase(2), tmp_path)
    assert (repeated, len(lines)) == (history, 1)
    for one, other in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_best_epoch_is_kept(tmp_path: Path) -> None:
    """Monitored on wrong labels the first epoch is the best one; the last is kept without that choice."""
    from cspine_edge.training.feed import Part
    from cspine_edge.training.loop import predict_logits

    right = toy(16, seed=1)
    wrong = Part(right.images, 1 - right.labels, right.weights)
    best, last, one = network(), network(), network()
    history, _ = run(best, phase(4), tmp_path / "best", monitor=wrong)
    losses = [entry["monitor_loss"] for entry in history]
    assert losses.index(min(losses)) == 0
    run(last, phase(4), tmp_path / "last", monitor=wrong, keep_best=False)
    run(one, phase(1), tmp_path / "one", monitor=wrong, keep_best=False)
    logits = [predict_logits(model, right.images, SPEC) for model in (best, last, one)]
    np.testing.assert_array_equal(logits[0], logits[2])
    assert not np.allclose(logits[0], logits[1])


def test_best_epoch_survives_a_break(tmp_path: Path) -> None:
    from cspine_edge.training.feed import Part

    right = toy(16, seed=1)
    wrong = Part(right.images, 1 - right.labels, right.weights)
    whole, resumed = network(), network()
    run(whole, phase(3), tmp_path / "whole", monitor=wrong)
    run(network(), phase(3), tmp_path / "broken", break_after=1, monitor=wrong)
    run(resumed, phase(3), tmp_path / "broken", monitor=wrong)
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_rare_class_weighs_as_much_as_the_common_one(tmp_path: Path) -> None:
    """Images that tell nothing: the network can only learn how common it is told each class to be."""
    from cspine_edge.training.feed import Part, balanced_weights
    from cspine_edge.training.loop import predict_logits

    images = np.full((60, 16, 16), 128, np.uint8)
    labels = (np.arange(60) % 10 == 0).astype(np.int64)
    rare = Part(images, labels, balanced_weights(labels))
    model = network()
    wanted = phase(12, batch_size=60, rate=1e-2)
    run(model, wanted, tmp_path, train=rare, monitor=None, augmentation=None, keep_best=False)
    logits = predict_logits(model, images[:1], SPEC)[0]
    assert abs(logits[1] - logits[0]) < 1.0  # without weights it would end near log(1 / 9) = -2.2


def test_divergence_is_told(tmp_path: Path) -> None:
    broken = network()
    broken.set_weights([np.full_like(weight, np.nan) for weight in broken.get_weights()])
    with pytest.raises(UsageError, match="no number"):
        run(broken, phase(1), tmp_path)


def test_monitored_loss_is_the_cross_entropy(tmp_path: Path) -> None:
    from cspine_edge.training.framework import keras
    from cspine_edge.training.loop import predict_logits

    model, monitor = network(), toy(16, seed=1)
    history, _ = run(model, phase(1), tmp_path, monitor=monitor)
    logits = predict_logits(model, monitor.images, SPEC)
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(monitor.labels, logits)
    assert history[0]["monitor_loss"] == pytest.approx(float(entropy), rel=1e-5)


def test_teacher_is_imitated_and_not_changed(tmp_path: Path) -> None:
    from cspine_edge.training.loop import predict_logits

    teacher, pupil = network(), network()
    run(teacher, phase(4), tmp_path / "teacher")
    before = [weights.copy() for weights in teacher.get_weights()]
    images = toy(16, seed=2).images

    def distance() -> float:
        return float(
            np.square(predict_logits(teacher, images, SPEC) - predict_logits(pupil, images, SPEC)).mean()
        )

    start = distance()
    run(pupil, phase(6), tmp_path / "pupil", teacher=teacher)
    assert distance() < 0.5 * start
    for one, other in zip(before, teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_teacher_of_another_size_sees_its_own_rendition(tmp_path: Path) -> None:
    from cspine_edge.training.feed import ImageFeed, PairedFeed, Part
    from cspine_edge.training.loop import predict_logits, run_phase

    def doubled(part: Any) -> Any:
        return Part(part.images.repeat(2, axis=1).repeat(2, axis=2), part.labels, part.weights)

    large = Preprocessing(32, 32)
    own, other = (
        ImageFeed(SPEC, toy(), toy(16, seed=1)),
        ImageFeed(large, doubled(toy()), doubled(toy(16, 1))),
    )
    teacher, pupil = network(32), network()
    run_phase(teacher, phase(4), other, tmp_path / "teacher", lambda line: None, keep_best=True)
    history = run_phase(
        pupil,
        phase(6),
        PairedFeed(own, other),
        tmp_path / "pupil",
        lambda line: None,
        keep_best=False,
        teacher=teacher,
    )
    assert history[-1]["monitor_loss"] < 0.5 * history[0]["monitor_loss"]
    watched = toy(16, seed=1)
    wanted = predict_logits(teacher, doubled(watched).images, large)
    away = predict_logits(pupil, watched.images, SPEC) - wanted
    assert np.square(away).mean() == pytest.approx(history[-1]["monitor_loss"], rel=1e-4)
    told = predict_logits(pupil, toy(40, seed=9).images, SPEC)
    assert ((told[:, 1] > told[:, 0]) == (toy(40, seed=9).labels == 1)).mean() > 0.9


def test_distances_to_a_teacher_s_logits() -> None:
    from cspine_edge.training.loop import huber_distance, squared_distance

    own = np.array([[0.0, 0.0], [1.0, -1.0], [5.0, -20.0]])
    wanted = np.array([[0.0, 0.0], [0.5, -1.0], [0.0, 20.0]])
    np.testing.assert_allclose(squared_distance(own, wanted), [0.0, 0.125, (25 + 1600) / 2])
    np.testing.assert_allclose(huber_distance(own, wanted), [0.0, 0.0625, (4.5 + 39.5) / 2])

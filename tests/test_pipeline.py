"""Batches for training: the same values as on the device, in an order that seed and epoch fix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cspine_edge.preprocess import Preprocessing

pytestmark = pytest.mark.workstation

IMAGES = np.random.default_rng(0).integers(0, 256, (21, 16, 16), dtype=np.uint8)
IMAGES[:, 0] = np.arange(16) * 17
LABELS = np.arange(21, dtype=np.int64)
WEIGHTS = LABELS.astype(np.float32) / 10


def batches(
    epoch: int = 0, seed: int = 0, augmented: bool = False, **changes: Any
) -> tuple[np.ndarray, np.ndarray]:
    from cspine_edge.training.augment import Augmentation
    from cspine_edge.training.pipeline import training_batches

    arguments: dict[str, Any] = {"spec": Preprocessing(16, 16), "batch_size": 4} | changes
    found = list(
        training_batches(
            IMAGES,
            LABELS,
            WEIGHTS,
            arguments["spec"],
            batch_size=arguments["batch_size"],
            epoch=epoch,
            seed=seed,
            augmentation=Augmentation() if augmented else None,
            shuffled=arguments.get("shuffled", True),
        )
    )
    for _, labels, weights in found:
        np.testing.assert_array_equal(weights, WEIGHTS[labels.numpy()])
    sizes = [len(labels) for _, labels, _ in found]
    assert sizes == [4, 4, 4, 4, 4, 1]
    return np.concatenate([x for x, _, _ in found]), np.concatenate([y for _, y, _ in found])


def table_values(spec: Preprocessing, rows: np.ndarray) -> np.ndarray:
    return np.repeat(spec.real_values()[IMAGES[rows]][..., np.newaxis], spec.channels, axis=3)


def test_training_values_are_those_of_the_device() -> None:
    values, labels = batches()
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, table_values(Preprocessing(16, 16), labels))


def test_training_values_of_another_range_and_one_channel() -> None:
    spec = Preprocessing(16, 16, 1, None, (-1.0, 1.0))
    values, labels = batches(spec=spec)
    np.testing.assert_allclose(values, table_values(spec, labels), atol=1.2e-7)


@pytest.mark.parametrize("value_range", [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)])
def test_inference_values_are_those_of_the_device(value_range: tuple[float, float]) -> None:
    from cspine_edge.training.pipeline import inference_batches

    spec = Preprocessing(16, 16, 3, None, value_range)
    found = list(inference_batches(IMAGES, spec, batch_size=8))
    assert [len(batch) for batch in found] == [8, 8, 5]
    np.testing.assert_array_equal(np.concatenate(found), table_values(spec, LABELS))


@pytest.mark.parametrize("augmented", [False, True])
def test_seed_and_epoch_fix_order_and_maps(augmented: bool) -> None:
    values, labels = batches(epoch=2, seed=5, augmented=augmented)
    again, same = batches(epoch=2, seed=5, augmented=augmented)
    np.testing.assert_array_equal(labels, same)
    np.testing.assert_array_equal(values, again)
    for other in ({"epoch": 3, "seed": 5}, {"epoch": 2, "seed": 6}):
        assert not np.array_equal(labels, batches(**other, augmented=augmented)[1])


def test_maps_change_from_epoch_to_epoch() -> None:
    by_label = [
        dict(zip(y.tolist(), x, strict=True))
        for x, y in (batches(0, augmented=True), batches(1, augmented=True))
    ]
    assert all(not np.array_equal(by_label[0][label], by_label[1][label]) for label in LABELS.tolist())


@pytest.mark.parametrize("epoch", [0, 1, 7])
def test_each_slice_comes_once_an_epoch(epoch: int) -> None:
    labels = batches(epoch)[1]
    assert sorted(labels.tolist()) == LABELS.tolist()
    assert labels.tolist() != LABELS.tolist()


def test_unshuffled_slices_come_in_their_own_order_with_maps_of_their_own() -> None:
    first, labels = batches(0, augmented=True, shuffled=False)
    assert labels.tolist() == LABELS.tolist()
    assert not np.array_equal(first, batches(1, augmented=True, shuffled=False)[0])

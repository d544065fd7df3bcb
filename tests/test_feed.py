"""What an epoch is fed: balanced weights, and features of a frozen base that are computed once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.dataset import load_dataset, load_images
from cspine_edge.preprocess import Preprocessing

pytestmark = pytest.mark.workstation

SPEC = Preprocessing(32, 32)


def feed(augmented: bool = True, watched: bool = True) -> Any:
    from cspine_edge.training.augment import Augmentation
    from cspine_edge.training.feed import ImageFeed, Part, balanced_weights

    rng = np.random.default_rng(0)
    labels = np.arange(20, dtype=np.int64) % 2
    train = Part(rng.integers(0, 256, (20, 32, 32), dtype=np.uint8), labels, balanced_weights(labels))
    seen = Part(train.images[:6], labels[:6], train.weights[:6]) if watched else None
    return ImageFeed(SPEC, train, seen, Augmentation() if augmented else None)


def model() -> Any:
    """A MobileNet with kernels of He's size; those of Keras' default let all features vanish."""
    from cspine_edge.training.backbones import Architecture, build
    from cspine_edge.training.framework import keras

    keras.utils.set_random_seed(0)
    network = build(Architecture(alpha=0.25, size=32, hidden_units=8), "random")
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if layer.name.startswith("conv") and layer.weights and len(layer.weights) == 1:
            shape = layer.get_weights()[0].shape
            fan_in = shape[0] * shape[1] * (1 if "dw" in layer.name else shape[2])
            layer.set_weights([rng.normal(0.0, (2.0 / fan_in) ** 0.5, shape)])
    return network


def featured(folder: Path, **changes: Any) -> tuple[Any, list[str]]:
    from cspine_edge.training.backbones import split_head
    from cspine_edge.training.feed import feature_feed

    lines: list[str] = []
    arguments = {"renditions": 3, "seed": 0, "cache": folder, "log": lines.append} | changes
    images = arguments.pop("images", None) or feed()
    return feature_feed(split_head(model())[0], images, **arguments), lines


def test_a_part_is_read_as_it_is_listed(phantom_data: Path) -> None:
    from cspine_edge.training.feed import balanced_weights, load_part

    whole = load_dataset(phantom_data)
    some = whole.subset([item.path for item in (*whole.slices[40:29:-1], *whole.slices[3:10])])
    labels, series = some.labels, [item.series for item in some.slices]
    part, over_series = load_part(some, SPEC), load_part(some, SPEC, over_series=True)
    np.testing.assert_array_equal(part.images, load_images(some, SPEC))
    np.testing.assert_array_equal(part.labels, labels)
    np.testing.assert_array_equal(part.weights, balanced_weights(labels))
    np.testing.assert_array_equal(over_series.weights, balanced_weights(labels, series))
    assert len(set(part.weights.tolist())) == 2
    assert len(set(over_series.weights.tolist())) == 4


def test_weights_balance_classes_and_series_within_a_class() -> None:
    from cspine_edge.training.feed import balanced_weights

    labels = np.array([0] * 6 + [1] * 2 + [1] * 8 + [0])
    series = ["A"] * 8 + ["B"] * 9
    weights = balanced_weights(labels, series)
    totals = [
        weights[(labels == label) & (np.array(series) == name)].sum() for label in (0, 1) for name in "AB"
    ]
    assert totals == pytest.approx([17 / 4] * 4)
    assert weights.mean() == pytest.approx(1.0)


def test_weights_without_series_balance_classes_only() -> None:
    from cspine_edge.training.feed import balanced_weights

    weights = balanced_weights(np.array([0, 0, 0, 1]))
    np.testing.assert_allclose(weights, [2 / 3, 2 / 3, 2 / 3, 2.0])


def test_a_class_missing_from_a_series_still_weighs_half() -> None:
    from cspine_edge.training.feed import balanced_weights

    labels = np.array([0, 0, 1, 1, 1])
    weights = balanced_weights(labels, ["A", "A", "A", "B", "B"])
    assert weights[labels == 1].sum() == pytest.approx(2.5)


def test_base_and_head_together_are_the_network() -> None:
    from cspine_edge.training.backbones import split_head

    network = model()
    base, head = split_head(network)
    images = np.random.default_rng(1).random((3, 32, 32, 3), dtype=np.float32)
    np.testing.assert_allclose(head(base(images)), network(images), atol=1e-6)
    head.get_layer("logits").bias.assign([3.0, -1.0])
    assert not np.allclose(network(images)[:, 0], head(base(images))[:, 0] - 3.0)  # one and the same weights


def test_epochs_take_turns_with_the_renditions(tmp_path: Path) -> None:
    found, _ = featured(tmp_path)
    assert len(found.renditions) == 3
    assert not np.allclose(found.renditions[0], found.renditions[1])
    for number in (1, 1 + 3):
        rows = [
            row for features, _, _ in found.epoch(number, seed=4, batch_size=8) for row in features.numpy()
        ]
        known = found.renditions[1]
        assert all(np.isclose(known, row).all(axis=1).any() for row in rows)
        assert len(rows) == 20
    assert len(featured(tmp_path, renditions=2)[0].renditions) == 2


def test_labels_and_weights_stay_with_their_features(tmp_path: Path) -> None:
    found, _ = featured(tmp_path)
    for features, labels, weights in found.epoch(0, seed=1, batch_size=20):
        for row, label, weight in zip(features.numpy(), labels.numpy(), weights.numpy(), strict=True):
            place = int(np.abs(found.renditions[0] - row).sum(axis=1).argmin())
            assert (label, weight) == (found.labels[place], found.weights[place])


def test_without_augmentation_the_features_are_the_base_s_own(tmp_path: Path) -> None:
    from cspine_edge.training.backbones import split_head

    images = feed(augmented=False)
    found, _ = featured(tmp_path, images=images)
    real = np.repeat(SPEC.real_values()[images.train.images][..., np.newaxis], 3, axis=3)
    assert len(found.renditions) == 1
    np.testing.assert_allclose(found.renditions[0], split_head(model())[0](real), atol=1e-5)
    np.testing.assert_allclose(found.watched, found.renditions[0][:6], atol=1e-5)


def test_features_are_computed_once(tmp_path: Path) -> None:
    first, said = featured(tmp_path)
    again, lines = featured(tmp_path)
    assert not said
    assert len(lines) == len(first.renditions) + 1
    assert str(tmp_path) in lines[0]
    for one, other in zip(first.renditions, again.renditions, strict=True):
        np.testing.assert_array_equal(one, other)


def encrypted(archive: bytes) -> bytes:
    """The archive with the flag of encryption in its directory's entry."""
    entry = archive.index(b"PK\x01\x02")
    return archive[: entry + 8] + b"\x01" + archive[entry + 9 :]


def test_damaged_features_are_computed_again(tmp_path: Path) -> None:
    first, _ = featured(tmp_path, renditions=4)
    files = sorted(tmp_path.glob("*.zip"))
    whole = [file.read_bytes() for file in files]
    damages = [lambda data: data[:-7], lambda data: b"", lambda data: data.replace(b"(", b"(9999999", 1)]
    damages.append(encrypted)
    for file, damage in zip(files, damages, strict=False):
        file.write_bytes(damage(file.read_bytes()))
    again, lines = featured(tmp_path, renditions=4)
    assert len(lines) == len(files) - min(len(files), len(damages))
    for one, other in zip(first.renditions, again.renditions, strict=True):
        np.testing.assert_array_equal(one, other)
    assert [file.read_bytes() for file in files] == whole


@pytest.mark.parametrize("change", ["seed", "images"])
def test_other_images_or_seeds_have_other_features(change: str, tmp_path: Path) -> None:
    featured(tmp_path)
    changes = {"seed": 1} if change == "seed" else {"images": feed(augmented=False)}
    found, lines = featured(tmp_path, **changes)
    assert len([line for line in lines if line.startswith("features 1/")]) == 0
    assert len(found.labels) == 20


def test_bases_of_one_network_that_end_elsewhere_do_not_share_features(tmp_path: Path) -> None:
    from cspine_edge.recipe import Head
    from cspine_edge.training.backbones import Architecture, build, staged_features
    from cspine_edge.training.feed import feature_feed

    network = build(Architecture(alpha=0.25, size=32, head=Head.LINEAR), "random")
    for layer in model().layers:  # the same base as that of the dense head
        if layer.weights and layer.name not in ("hidden", "logits"):
            network.get_layer(layer.name).set_weights(layer.get_weights())
    last, _ = featured(tmp_path)
    staged = feature_feed(
        staged_features(network)[0], feed(), renditions=3, seed=0, cache=tmp_path, log=lambda line: None
    )
    assert (last.renditions[0].shape, staged.renditions[0].shape) == ((20, 256), (20, 448))
    np.testing.assert_allclose(staged.renditions[0][:, -256:], last.renditions[0], atol=1e-5)


def test_a_pair_is_one_slice_through_one_map_at_two_sizes() -> None:
    from dataclasses import replace

    from cspine_edge.preprocess import resize
    from cspine_edge.training.augment import Augmentation
    from cspine_edge.training.feed import ImageFeed, PairedFeed

    smooth = np.linspace(0, 255, 64)[:, np.newaxis] * np.linspace(0.2, 1, 64)
    images = np.stack([np.roll(smooth, 3 * shift, axis=1) for shift in range(20)]).astype(np.uint8)
    small = np.stack([resize(image, 32, 32) for image in images])
    maps = Augmentation(gamma=0.7, level=0.4, contrast=0.3, field_of_view=0.5)
    own = replace(feed(), augmentation=maps, train=replace(feed().train, images=small))
    other = ImageFeed(Preprocessing(64, 64), replace(own.train, images=images), None, maps)
    pair = PairedFeed(own, other)
    assert pair.labels is own.labels
    assert pair.monitor_labels is own.monitor_labels
    alone = own.epoch(2, seed=5, batch_size=8)
    for batch, wanted in zip(pair.epoch(2, seed=5, batch_size=8), alone, strict=True):
        (one, two), labels, weights = batch
        for found, expected in zip((one, labels, weights), wanted, strict=True):
            np.testing.assert_array_equal(found, expected)
        halved = two.numpy().reshape(-1, 32, 2, 32, 2, 3).mean(axis=(2, 4))
        away = np.abs(halved - one.numpy())
        assert np.median(away) < 0.01
        mismatched = np.abs(halved - np.roll(one.numpy(), 1, axis=0))
        assert np.median(mismatched) > 0.05


def test_nothing_watched_is_said(tmp_path: Path) -> None:
    found, _ = featured(tmp_path, images=feed(watched=False))
    assert found.monitor_labels is None
    with pytest.raises(ValueError, match="nothing is watched"):
        found.monitor()

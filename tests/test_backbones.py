"""The three networks: flat, two logits, and weights that fit or a sentence that says why not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.errors import ModelError, UsageError

pytestmark = pytest.mark.workstation

HEAD = {"pool", "hidden", "dropout", "logits"}


def built(backbone: str, weights: str = "random", **changes: Any) -> Any:
    from cspine_edge.recipe import Backbone
    from cspine_edge.training.backbones import Architecture, build

    alpha = 0.25 if backbone == "mobilenet" else 1.0
    arguments: dict[str, Any] = {"alpha": alpha, "size": 32, "hidden_units": 8} | changes
    return build(Architecture(Backbone(backbone), **arguments), weights)


@pytest.mark.parametrize(
    ("backbone", "convolutions"), [("mobilenet", 27), ("vgg16", 13), ("densenet121", 120)]
)
def test_network_is_flat_with_two_logits(backbone: str, convolutions: int) -> None:
    from cspine_edge.training.backbones import freeze_base, unfreeze
    from cspine_edge.training.framework import keras

    model = built(backbone)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    assert sum("Conv2D" in type(layer).__name__ for layer in model.layers) == convolutions
    assert model.input_shape == (None, 32, 32, 3)
    logits = model(np.zeros((3, 32, 32, 3), np.float32))
    assert (logits.shape, logits.dtype.name) == ((3, 2), "float32")
    assert model.layers[-1].activation.__name__ == "linear"

    freeze_base(model)
    trained = {weight.name.split("/")[0] for weight in model.trainable_weights}
    assert trained == {"hidden", "logits"}
    assert {layer.name for layer in model.layers if layer.trainable} == HEAD
    unfreeze(model)
    assert all(layer.trainable for layer in model.layers)


def test_normalisation_follows_the_data_quickly_once_unfrozen() -> None:
    from cspine_edge.training.backbones import FINE_TUNE_MOMENTUM, freeze_base, unfreeze

    model = built("mobilenet")
    bright = np.full((4, 32, 32, 3), 0.9, np.float32)
    first = model.get_layer("conv1_bn")
    freeze_base(model)
    model(bright, training=True)
    assert not first.moving_mean.numpy().any(), "statistics of a frozen base moved"
    unfreeze(model)
    seen = model.get_layer("conv1")(bright).numpy().mean(axis=(0, 1, 2))
    model(bright, training=True)
    np.testing.assert_allclose(
        first.moving_mean.numpy(), (1 - FINE_TUNE_MOMENTUM) * seen, rtol=1e-3, atol=1e-6
    )


def test_normalisation_stays_when_told_so(he_weights: Path) -> None:
    from cspine_edge.training.backbones import freeze_base, unfreeze
    from cspine_edge.training.framework import keras

    model = built("mobilenet", str(he_weights))
    freeze_base(model)
    unfreeze(model, normalisation=False)
    normalised = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert normalised
    before = [weight for layer in normalised for weight in layer.get_weights()]
    kernel = model.get_layer("conv1").get_weights()[0]
    images = np.random.default_rng(0).random((8, *model.input_shape[1:]), dtype=np.float32)
    model.compile(keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(images, np.arange(8) % 2, verbose=0)
    for one, other in zip(
        before, (weight for layer in normalised for weight in layer.get_weights()), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert (model.get_layer("conv1").get_weights()[0] != kernel).any()


def test_weight_file_of_the_base(he_weights: Path) -> None:
    model, other = (built("mobilenet", str(he_weights), size=size) for size in (96, 64))
    import h5py

    with h5py.File(he_weights) as file:
        stored = np.asarray(file["conv_pw_1"]["conv_pw_1"]["kernel:0"])
    np.testing.assert_array_equal(model.get_layer("conv_pw_1").get_weights()[0], stored)
    np.testing.assert_array_equal(other.get_layer("conv_pw_1").get_weights()[0], stored)


@pytest.mark.parametrize("case", ["missing", "text", "other width", "other network"])
def test_weight_file_that_does_not_fit(case: str, he_weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "missing.h5" if case == "missing" else he_weights
    if case == "text":
        path = tmp_path / "text.h5"
        path.write_text("no weights")
    backbone = "vgg16" if case == "other network" else "mobilenet"
    changes = {"alpha": 0.5} if case == "other width" else {}
    with pytest.raises(ModelError) as error:
        built(backbone, str(path), **changes)
    message = str(error.value)
    assert message.startswith(str(path))
    assert ("no such weight file" if case == "missing" else "does not fit") in message
    assert "\n" not in message


def test_imagenet_without_a_network(tmp_path: Path) -> None:
    """In a process of its own, whose home is empty and whose proxy is dead."""
    code = (
        "from cspine_edge.training.backbones import Architecture, build\n"
        "from cspine_edge.errors import ModelError\n"
        "try:\n    build(Architecture(alpha=0.25, size=32), 'imagenet')\n"
        "except ModelError as error:\n    print('ModelError', error)\n"
    )
    dead = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    cleared = {"no_proxy": "", "NO_PROXY": "", "HOME": str(tmp_path), "KERAS_HOME": str(tmp_path)}
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | dead | cleared,
        capture_output=True,
        text=True,
        check=True,
    )
    line = result.stdout.splitlines()[-1]
    assert line.startswith("ModelError imagenet weights: could not be downloaded")
    assert "--weights FILE" in line


def test_imagenet_of_a_width_that_was_never_trained() -> None:
    with pytest.raises(ModelError, match=r"do not exist for mobilenet of this kind"):
        built("mobilenet", "imagenet", alpha=0.3)


def test_width_is_mobilenets() -> None:
    with pytest.raises(UsageError, match="--alpha"):
        built("vgg16", alpha=0.5)
    with pytest.raises(UsageError, match="--size"):
        built("mobilenet", size=31)


@pytest.mark.parametrize(
    ("backbone", "features"),
    [("mobilenet", [64, 128, 256]), ("vgg16", [256, 512, 512]), ("densenet121", [512, 1024, 1024])],
)
def test_linear_heads_read_each_stage_and_are_added(backbone: str, features: list[int]) -> None:
    from cspine_edge.recipe import Head
    from cspine_edge.training.backbones import STAGES, freeze_base, staged_features

    model = built(backbone, head=Head.LINEAR)
    base, heads = staged_features(model)
    assert [logits.kernel.shape for _, logits in heads] == [(width, 2) for width in features]
    pools = [layer for layer in model.layers if layer.name in {f"stage{stride}_pool" for stride in STAGES}]
    assert sorted(layer.input_shape[1] for layer in pools) == [1, 2, 4]
    rng = np.random.default_rng(0)
    for (norm, logits), width in zip(heads, features, strict=True):
        norm.set_weights([rng.normal(0, 0.1, width), rng.uniform(0.5, 2.0, width)])
        logits.bias.assign(rng.normal(0, 1, 2))
    images = rng.random((2, 32, 32, 3), dtype=np.float32)
    given = np.split(base(images).numpy(), np.cumsum(features)[:-1], axis=1)
    wanted = sum(logits(norm(part)).numpy() for (norm, logits), part in zip(heads, given, strict=True))
    np.testing.assert_allclose(model(images), wanted, atol=1e-5)
    freeze_base(model)
    assert {weight.name.split("/")[0] for weight in model.trainable_weights} == {
        logits.name for _, logits in heads
    }


@pytest.mark.parametrize(
    ("blocks", "ends"),
    [
        (5, {8: "conv_pw_5_relu"}),
        (8, {8: "conv_pw_5_relu", 16: "conv_pw_8_relu"}),
        (12, {8: "conv_pw_5_relu", 16: "conv_pw_11_relu", 32: "conv_pw_12_relu"}),
    ],
)
def test_a_shortened_network_ends_with_its_last_block(
    blocks: int, ends: dict[int, str], tmp_path: Path
) -> None:
    """It takes the weights of a whole base, computes what that computes, and has a head at each stride it reaches."""
    from cspine_edge.recipe import Head
    from cspine_edge.training.backbones import Architecture, staged_features
    from cspine_edge.training.framework import keras

    assert Architecture(blocks=blocks).stages == ends
    keras.utils.set_random_seed(1)
    whole = keras.applications.MobileNet((32, 32, 3), alpha=0.25, include_top=False, weights=None)
    whole.save_weights(tmp_path / "base.h5")
    model = built("mobilenet", str(tmp_path / "base.h5"), head=Head.LINEAR, blocks=blocks)
    assert sum("Conv2D" in type(layer).__name__ for layer in model.layers) == 1 + 2 * blocks
    base, heads = staged_features(model)
    assert len(heads) == len(ends)
    images = np.random.default_rng(0).random((2, 32, 32, 3), dtype=np.float32)
    long = built("mobilenet", str(tmp_path / "base.h5"))
    wanted = [
        keras.Model(long.input, long.get_layer(end).output)(images).numpy().mean((1, 2))
        for end in ends.values()
    ]
    np.testing.assert_allclose(base(images), np.concatenate(wanted, axis=1), rtol=1e-4, atol=1e-6)
    assert model(images).shape == (2, 2)

    dense = built("mobilenet", blocks=blocks)
    assert dense.get_layer("pool").input.name.startswith(list(ends.values())[-1])


@pytest.mark.parametrize(("backbone", "blocks"), [("mobilenet", 4), ("mobilenet", 13), ("vgg16", 8)])
def test_blocks_that_cannot_be_cut_are_a_usage_error(backbone: str, blocks: int) -> None:
    with pytest.raises(UsageError, match="--blocks"):
        built(backbone, alpha=1.0, blocks=blocks)


@pytest.mark.parametrize(
    ("backbone", "mode", "first"),
    [
        ("mobilenet", "tf", "conv1_relu"),
        ("vgg16", "caffe", "block1_conv1"),
        ("densenet121", "torch", "conv1/relu"),
    ],
)
def test_pretrained_bases_take_the_unit_range(backbone: str, mode: str, first: str, tmp_path: Path) -> None:
    """The first layer gives for [0, 1] what it gave for the values of Keras' own preprocessing."""
    from cspine_edge.training.framework import keras

    constructors = {
        "mobilenet": keras.applications.MobileNet,
        "vgg16": keras.applications.VGG16,
        "densenet121": keras.applications.DenseNet121,
    }
    keras.utils.set_random_seed(1)
    base = constructors[backbone](input_shape=(32, 32, 3), include_top=False, weights=None)
    for layer in base.layers[:6]:  # means and biases that are not all zero
        layer.set_weights(
            [np.abs(weight) + 0.1 * np.arange(weight.shape[-1]) for weight in layer.get_weights()]
        )
    base.save_weights(tmp_path / "base.h5")
    images = np.random.default_rng(0).random((2, 32, 32, 3), dtype=np.float32)
    wanted = keras.Model(base.input, base.get_layer(first).output)(
        keras.applications.imagenet_utils.preprocess_input(255.0 * images, mode=mode)
    ).numpy()
    ours = built(backbone, str(tmp_path / "base.h5"), alpha=1.0)
    found = keras.Model(ours.input, ours.get_layer(first).output)(images).numpy()
    inner = (slice(None), slice(2, -2), slice(2, -2))  # outside the image lies black, no longer mid-grey
    np.testing.assert_allclose(found[inner], wanted[inner], rtol=1e-3, atol=1e-3 * np.abs(wanted).max())

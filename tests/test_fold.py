"""Folding batch normalisation: the same function, in convolutions and activations only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.workstation

SIZE = 64


@pytest.fixture(scope="module")
def images(phantom_images: np.ndarray) -> np.ndarray:
    """Eight slices at the size of these networks, shape (8, 64, 64, 3), float32 in [0, 1]."""
    grey = phantom_images[::6, 16 : 16 + SIZE, 16 : 16 + SIZE]
    return np.repeat(grey[..., np.newaxis], 3, axis=3).astype(np.float32) / 255


def folded(model: Any) -> Any:
    from converters.fold import fold

    return fold(model)


def kinds(model: Any) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def assert_same(model: Any, result: Any, images: np.ndarray) -> None:
    before, after = model(images, training=False).numpy(), result(images, training=False).numpy()
    variation = before.std(axis=0).min() if before.ndim == 2 else before.std()
    assert variation > 1e-3 * np.abs(before).max(), "constant outputs would be equal in any case"
    np.testing.assert_allclose(after, before, atol=2e-5 * np.abs(before).max(), rtol=0)


@pytest.mark.parametrize(
    ("backbone", "alpha", "convolutions", "depthwise"),
    [("mobilenet", 0.25, 14, 13), ("vgg16", 1.0, 13, 0), ("densenet121", 1.0, 120, 62)],
)
def test_backbone_computes_the_same_without_normalisation(
    backbone: str,
    alpha: float,
    convolutions: int,
    depthwise: int,
    images: np.ndarray,
    he_scaled: Callable[..., Any],
) -> None:
    from cspine_edge.recipe import Backbone
    from cspine_edge.training.backbones import Architecture, build

    model = he_scaled(build(Architecture(Backbone(backbone), alpha, SIZE, hidden_units=16), "random"))
    result = folded(model)
    assert_same(model, result, images)
    found = kinds(result)
    assert not {"BatchNormalization", "Dropout"} & set(found)
    assert found.count("Conv2D") == convolutions
    assert found.count("DepthwiseConv2D") == depthwise  # DenseNet: those that no convolution precedes


def test_mobilenet_keeps_no_layer_but_convolutions_pooling_and_dense(he_scaled: Callable[..., Any]) -> None:
    from cspine_edge.training.backbones import Architecture, build

    model = he_scaled(build(Architecture(alpha=0.25, size=SIZE), "random"))
    result = folded(model)
    assert set(kinds(result)) == {
        "InputLayer",
        "Conv2D",
        "DepthwiseConv2D",
        "GlobalAveragePooling2D",
        "Dense",
    }
    activations = {layer.activation.__name__ for layer in result.layers if "Conv2D" in type(layer).__name__}
    assert activations == {"relu6"}


def test_the_model_given_is_left_as_it_was(he_scaled: Callable[..., Any], images: np.ndarray) -> None:
    from cspine_edge.training.backbones import Architecture, build

    model = he_scaled(build(Architecture(alpha=0.25, size=SIZE), "random"))
    weights, outputs = model.get_weights(), model(images).numpy()
    first, second = folded(model), folded(model)  # a second conversion of one source must not see the first
    assert all(
        np.array_equal(before, after) for before, after in zip(weights, model.get_weights(), strict=True)
    )
    assert np.array_equal(model(images).numpy(), outputs)
    assert np.array_equal(first(images).numpy(), second(images).numpy())


@pytest.mark.parametrize(
    ("side", "padding", "kernel", "stride", "dilation", "taken_over"),
    [
        (64, ((0, 1), (0, 1)), 3, 2, 1, True),
        (64, ((1, 1), (1, 1)), 3, 2, 1, False),  # even side: `same` pads at the far end only
        (63, ((1, 1), (1, 1)), 3, 2, 1, True),
        (63, ((0, 1), (0, 1)), 3, 2, 1, False),
        (64, ((1, 1), (1, 1)), 3, 1, 1, True),
        (64, ((1, 1), (1, 1)), 3, 1, 2, False),  # a dilated kernel reaches further
        (64, ((2, 2), (2, 2)), 3, 1, 2, True),
        (64, ((3, 3), (3, 3)), 7, 2, 1, False),  # DenseNet's first
    ],
)
@pytest.mark.parametrize("depthwise", [False, True])
def test_padding_is_taken_over_only_where_same_padding_pads_alike(
    side: int,
    padding: Any,
    kernel: int,
    stride: int,
    dilation: int,
    taken_over: bool,
    depthwise: bool,
    he_scaled: Callable[..., Any],
) -> None:
    from cspine_edge.training.framework import keras

    image = keras.Input((side, side, 3))
    x = keras.layers.ZeroPadding2D(padding)(image)
    if depthwise:
        x = keras.layers.DepthwiseConv2D(kernel, strides=stride, dilation_rate=dilation)(x)
    else:
        x = keras.layers.Conv2D(4, kernel, strides=stride, dilation_rate=dilation)(x)
    model = he_scaled(keras.Model(image, x))
    result = folded(model)
    assert ("ZeroPadding2D" not in kinds(result)) is taken_over
    assert_same(model, result, np.random.default_rng(1).random((2, side, side, 3), dtype=np.float32))


def classifier(*stack: Any) -> Any:
    from cspine_edge.training.framework import keras

    image = x = keras.Input((SIZE, SIZE, 3))
    for layer in stack:
        x = layer(x)
    return keras.Model(image, x)


def test_normalisation_after_an_activation_is_not_folded_past_it(
    images: np.ndarray, he_scaled: Callable[..., Any]
) -> None:
    from cspine_edge.training.framework import keras

    layers = keras.layers
    model = he_scaled(
        classifier(
            layers.Conv2D(8, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        )
    )
    result = folded(model)
    assert_same(model, result, images)
    assert "BatchNormalization" not in kinds(result)


def test_head_with_normalisation_of_vectors(images: np.ndarray, he_scaled: Callable[..., Any]) -> None:
    from cspine_edge.training.framework import keras

    layers = keras.layers
    model = he_scaled(
        classifier(
            layers.Conv2D(8, 3, use_bias=False),
            layers.BatchNormalization(scale=False),
            layers.Activation("relu"),
            layers.GlobalAveragePooling2D(),
            layers.BatchNormalization(center=False),
            layers.Dense(8),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dense(2),
        )
    )
    result = folded(model)
    assert_same(model, result, images)
    found = kinds(result)
    assert "BatchNormalization" not in found
    assert found.count("Dense") == 2
    assert not {"ReLU", "Activation"} & set(found)


def test_depthwise_multiplier(images: np.ndarray, he_scaled: Callable[..., Any]) -> None:
    from cspine_edge.training.framework import keras

    layers = keras.layers
    model = he_scaled(classifier(layers.DepthwiseConv2D(3, depth_multiplier=2), layers.BatchNormalization()))
    assert_same(model, folded(model), images)


def test_normalisation_that_another_branch_sees_too_stays_apart(
    images: np.ndarray, he_scaled: Callable[..., Any]
) -> None:
    from cspine_edge.training.framework import keras

    layers = keras.layers
    image = keras.Input((SIZE, SIZE, 3))
    convolved = layers.Conv2D(4, 3, padding="same")(image)
    normalised = layers.ReLU(6.0)(layers.BatchNormalization()(convolved))
    model = he_scaled(keras.Model(image, layers.Add()([convolved, normalised])))
    result = folded(model)
    assert_same(model, result, images)
    assert kinds(result).count("DepthwiseConv2D") == 1


def test_leaky_relu_is_no_relu(images: np.ndarray, he_scaled: Callable[..., Any]) -> None:
    from cspine_edge.training.framework import keras

    layers = keras.layers
    model = he_scaled(classifier(layers.Conv2D(4, 3), layers.ReLU(negative_slope=0.1)))
    result = folded(model)
    assert_same(model, result, images)
    assert "ReLU" in kinds(result)


def test_linear_heads_become_means_of_small_kernels_and_one_dense_layer(
    images: np.ndarray, he_scaled: Callable[..., Any]
) -> None:
    from converters.fold import source_names
    from cspine_edge.recipe import Head
    from cspine_edge.training.backbones import Architecture, build

    model = he_scaled(build(Architecture(alpha=0.25, size=SIZE, head=Head.LINEAR), "random"))
    result = folded(model)
    assert_same(model, result, images)
    found = kinds(result)
    assert not {"BatchNormalization", "GlobalAveragePooling2D", "Add"} & set(found)
    assert (found.count("Dense"), found.count("Concatenate")) == (1, 1)
    assert [name.removesuffix("_pool") for name in source_names(result.layers[-2])] == [
        "stage8",
        "stage16",
        "stage32",
    ]


@pytest.mark.parametrize(
    ("side", "shapes"),
    [
        (28, [(2, 2), (14, 1), (1, 14)]),
        (14, [(14, 1), (1, 14)]),
        (7, [(7, 1), (1, 7)]),
        (1, [(1, 1)]),
        (50, [(2, 2), (25, 1), (1, 25)]),
        (58, None),  # 29 is prime: no kernel that is small enough divides it
    ],
)
def test_mean_that_is_normalised(side: int, shapes: list[Any] | None, he_scaled: Callable[..., Any]) -> None:
    from cspine_edge.training.framework import keras

    layers = keras.layers
    image = keras.Input((side, side, 3))
    x = layers.BatchNormalization(center=False)(layers.GlobalAveragePooling2D()(image))
    model = he_scaled(keras.Model(image, layers.Dense(2)(x)))
    result = folded(model)
    assert_same(model, result, np.random.default_rng(1).random((4, side, side, 3), dtype=np.float32) ** 2)
    found = [layer.kernel_size for layer in result.layers if type(layer) is layers.DepthwiseConv2D]
    assert found == ([(1, 1)] if shapes is None else shapes)


def test_logits_are_made_mirror_images(images: np.ndarray, he_scaled: Callable[..., Any]) -> None:
    from converters.fold import centre_logits
    from cspine_edge.training.backbones import Architecture, build

    result = folded(he_scaled(build(Architecture(alpha=0.25, size=SIZE), "random")))
    before = result(images).numpy()
    centre_logits(result)
    after = result(images).numpy()
    np.testing.assert_allclose(after[:, 1] - after[:, 0], before[:, 1] - before[:, 0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(after[:, 1], -after[:, 0], atol=1e-6)
    assert np.abs(before[:, 1] + before[:, 0]).max() > 1e-3

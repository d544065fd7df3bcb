"""The three networks of the paper as flat functional models: ImageNet base, small head or heads, two logits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..dataset import LABELS
from ..errors import ModelError, UsageError, first_line
from ..recipe import Backbone, Head
from .framework import keras

HEAD_LAYERS = ("pool", "hidden", "dropout", "logits")
"""Names of the layers that a dense head adds to the base."""

STAGES = (8, 16, 32)
"""Strides of the maps that linear heads read; the map of 224 pixels is then 28, 14 and 7 wide."""

_STAGE_ENDS = {
    "vgg16": ("block3_pool", "block4_pool", "block5_pool"),
    "densenet121": ("pool3_relu", "pool4_relu", "relu"),
}
"""The last layer at each of these strides (VGG16: after its pooling)."""

_MOBILENET_STAGES = ((1, 5), (6, 11), (12, 13))
"""The first and the last of MobileNet's depthwise separable blocks at each of these strides."""

FINE_TUNE_MOMENTUM = 0.9
"""Momentum of the batch normalisation's moving statistics while the base is trained."""


@dataclass(frozen=True)
class Architecture:
    """What is built.

    Attributes
    ----------
    backbone
        Base network.
    alpha
        Width multiplier; MobileNet only.
    size
        Height and width of the input in pixels.
    head
        What is put on the base.
    hidden_units
        Units of a dense head's Dense ReLU layer.
    dropout
        Dropout rate of a dense head, before the logits; the paper gives 0.3 to 0.5.
    blocks
        How many of MobileNet's 13 depthwise separable blocks to keep; ``None`` keeps all.
    """

    backbone: Backbone = Backbone.MOBILENET
    alpha: float = 1.0
    size: int = 224
    head: Head = Head.DENSE
    hidden_units: int = 128
    dropout: float = 0.5
    blocks: int | None = None

    def __post_init__(self) -> None:
        if self.alpha != 1.0 and self.backbone is not Backbone.MOBILENET:
            raise UsageError("--alpha is a width multiplier of mobilenet only")
        if self.blocks is not None:
            if self.backbone is not Backbone.MOBILENET:
                raise UsageError("--blocks shortens mobilenet only")
            if not 5 <= self.blocks <= 12:
                raise UsageError("--blocks must be 5 to 12; all 13 are kept without it")
        if self.size < 32:
            raise UsageError("--size must be at least 32 pixels")

    @property
    def stages(self) -> dict[int, str]:
        """The last layer of the base at each stride of :data:`STAGES` that it reaches."""
        if self.backbone is not Backbone.MOBILENET:
            return dict(zip(STAGES, _STAGE_ENDS[self.backbone.value], strict=True))
        blocks = self.blocks or _MOBILENET_STAGES[-1][1]
        return {
            stride: f"conv_pw_{min(last, blocks)}_relu"
            for stride, (first, last) in zip(STAGES, _MOBILENET_STAGES, strict=True)
            if first <= blocks
        }


def build(architecture: Architecture, weights: str) -> keras.Model:
    """Build the network; input (n, size, size, 3) in [0, 1], output logits (n, 2), float32.

    Parameters
    ----------
    architecture
        What to build.
    weights
        ``"imagenet"`` (Keras downloads and caches them), ``"random"``, or the path of a Keras weight file
        without top. Such weights expect the inputs that the network's own Keras preprocessing gives; the
        first convolution is changed so that it takes [0, 1] instead.

    Raises
    ------
    ModelError
        If the weights cannot be downloaded, do not exist or do not fit.
    """
    shape = (architecture.size, architecture.size, 3)
    constructors = {
        Backbone.MOBILENET: lambda **arguments: keras.applications.MobileNet(
            alpha=architecture.alpha, **arguments
        ),
        Backbone.VGG16: keras.applications.VGG16,
        Backbone.DENSENET121: keras.applications.DenseNet121,
    }
    if weights not in ("imagenet", "random") and not Path(weights).is_file():
        raise ModelError(weights, "no such weight file; give imagenet, random or the path of a Keras h5 file")
    inputs = keras.Input(shape, name="image")
    try:
        if weights not in ("imagenet", "random"):
            from converters.keras_model import require_plain_weights

            require_plain_weights(Path(weights))
        base = constructors[architecture.backbone](
            input_tensor=inputs, include_top=False, weights=None if weights == "random" else weights
        )
    except ModelError:
        raise
    except Exception as error:  # Keras raises a bare Exception where a download fails
        cause = first_line(error)
        if weights == "imagenet" and isinstance(error, ValueError):
            raise ModelError(
                "imagenet weights", f"do not exist for {architecture.backbone.value} of this kind ({cause})"
            ) from error
        if weights == "imagenet":
            raise ModelError(
                "imagenet weights",
                f"could not be downloaded ({cause}); connect to a network once, or give --weights FILE or "
                "random",
            ) from error
        raise ModelError(weights, f"does not fit {architecture.backbone.value} ({cause})") from error
    if weights != "random":
        _take_unit_range(base, architecture.backbone)
    ends = {stride: base.get_layer(name).output for stride, name in architecture.stages.items()}
    logits = (
        _dense_head(ends[max(ends)], architecture) if architecture.head is Head.DENSE else _linear_heads(ends)
    )
    return keras.Model(inputs, logits, name=architecture.backbone.value)


def _dense_head(end: Any, architecture: Architecture) -> Any:
    pool, hidden, dropout, logits = HEAD_LAYERS
    x = keras.layers.GlobalAveragePooling2D(name=pool)(end)
    x = keras.layers.Dense(architecture.hidden_units, activation="relu", name=hidden)(x)
    # Its own generator, which each epoch seeds; by default a seed is fixed as the graph is traced.
    x = keras.layers.Dropout(architecture.dropout, name=dropout, force_generator=True)(x)
    return keras.layers.Dense(len(LABELS), name=logits, dtype="float32")(x)


def _linear_heads(ends: dict[int, Any]) -> Any:
    layers, logits = keras.layers, {}
    for stride, end in ends.items():
        x = layers.GlobalAveragePooling2D(name=f"stage{stride}_pool")(end)
        # Not folded into the kernel: an int8 kernel has one scale for features of very different ones.
        x = layers.BatchNormalization(name=f"stage{stride}_norm", center=False, scale=False)(x)
        logits[stride] = layers.Dense(len(LABELS), name=f"stage{stride}_logits", dtype="float32")(x)
    total = logits.pop(min(ends))
    for stride, more in logits.items():  # TFLite's ADD takes two
        total = layers.Add(name=f"stage{stride}_sum", dtype="float32")([total, more])
    return total


def is_of_head(layer: keras.layers.Layer) -> bool:
    """Tell a head's layers from the base's."""
    return layer.name in HEAD_LAYERS or layer.name.startswith("stage")


def split_head(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Give the base up to the pooled features, and the dense head; both share the model's weights."""
    features = model.get_layer(HEAD_LAYERS[0]).output
    x = inputs = keras.Input(features.shape[1:], name="features")
    for name in HEAD_LAYERS[1:]:
        x = model.get_layer(name)(x)
    return keras.Model(model.input, features, name="last_features"), keras.Model(inputs, x)


def staged_features(
    model: keras.Model,
) -> tuple[keras.Model, list[tuple[keras.layers.BatchNormalization, keras.layers.Dense]]]:
    """Give the base up to the pooled features of all stages, one after another, and the linear head of each.

    A head is a normalisation of its features and the layer of its two logits.
    """
    names = {layer.name for layer in model.layers}
    strides = [stride for stride in STAGES if f"stage{stride}_pool" in names]
    pooled = [model.get_layer(f"stage{stride}_pool").output for stride in strides]
    features = keras.layers.Concatenate()(pooled) if len(pooled) > 1 else pooled[0]
    base = keras.Model(model.input, features, name="staged_features")
    return base, [
        (model.get_layer(f"stage{stride}_norm"), model.get_layer(f"stage{stride}_logits"))
        for stride in strides
    ]


def _take_unit_range(base: keras.Model, backbone: Backbone) -> None:
    """Rewrite the first convolution, so that inputs in [0, 1] do what the network's own preprocessing did.

    With ``x' = scale x + shift`` per channel, ``W * x' = (W scale) * x + sum(W shift)``: the kernel takes the
    scale, and the bias, or the mean of the normalisation that follows, takes the constant. What changes is
    the padding alone: outside the image lies black, and no longer mid-grey. Scales and shifts are those of
    ``keras.applications.imagenet_utils.preprocess_input``, modes ``tf``, ``caffe`` and ``torch``.
    """
    if backbone is Backbone.VGG16:
        convolution = base.get_layer("block1_conv1")
        kernel, bias = convolution.get_weights()
        mean = np.array([103.939, 116.779, 123.68], np.float32)  # blue, green, red
        bias = bias - (kernel * mean[:, np.newaxis]).sum((0, 1, 2))
        convolution.set_weights([255.0 * kernel[:, :, ::-1], bias])
        return
    if backbone is Backbone.MOBILENET:
        names, scale, shift = ("conv1", "conv1_bn"), np.full(3, 2.0), np.full(3, -1.0)
    else:
        names = ("conv1/conv", "conv1/bn")
        deviation = np.array([0.229, 0.224, 0.225])
        scale, shift = 1.0 / deviation, -np.array([0.485, 0.456, 0.406]) / deviation
    convolution, normalisation = (base.get_layer(name) for name in names)
    (kernel,) = convolution.get_weights()
    gamma, beta, mean, variance = normalisation.get_weights()
    constant = (kernel * shift[:, np.newaxis]).sum((0, 1, 2))
    convolution.set_weights([kernel * scale[:, np.newaxis]])
    normalisation.set_weights([gamma, beta, mean - constant, variance])


def freeze_base(model: keras.Model) -> None:
    """Train nothing but the head."""
    for layer in model.layers:
        layer.trainable = is_of_head(layer)


def unfreeze(model: keras.Model, *, normalisation: bool = True) -> None:
    """Train everything; batch normalisation follows the data quickly, or stays as it is.

    Keras' momentum of 0.99 needs hundreds of steps to forget the statistics of the pre-training; short
    fine-tunes would end with statistics that fit neither.

    Parameters
    ----------
    model
        The network.
    normalisation
        Train batch normalisation too. If it stays, the network computes while it is trained as it will at
        inference: what a teacher says of a slice is then learned as it stands, and not by way of its batch.
    """
    for layer in model.layers:
        layer.trainable = normalisation or not isinstance(layer, keras.layers.BatchNormalization)
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = FINE_TUNE_MOMENTUM

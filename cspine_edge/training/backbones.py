"""The three networks of the paper as flat functional models: ImageNet base, small head, two logits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from ..dataset import LABELS
from ..errors import ModelError, UsageError
from .framework import keras

HEAD_LAYERS = ("pool", "hidden", "dropout", "logits")
"""Names of the layers that are added to the base; those of an early head have a prefix."""
EARLY_PREFIX = "early_"
EARLY_WEIGHT = 2.0
"""How often an early head's margin counts beside the last one's."""

_BLOCK_ENDS = {
    "mobilenet": tuple(f"conv_pw_{number}_relu" for number in range(1, 14)),
    "vgg16": tuple(f"block{number}_pool" for number in range(1, 6)),
    "densenet121": ("pool2_pool", "pool3_pool", "pool4_pool", "relu"),
}
"""The layers that blocks end with, first to last."""

FINE_TUNE_MOMENTUM = 0.9
"""Momentum of the batch normalisation's moving statistics while the base is trained."""


class Backbone(str, Enum):
    """The base network."""

    MOBILENET = "mobilenet"
    """MobileNet v1 (Howard et al., 2017), the main target."""
    VGG16 = "vgg16"
    """VGG16 (Simonyan and Zisserman, 2014), the accuracy reference."""
    DENSENET121 = "densenet121"
    """DenseNet121 (Huang et al., 2017)."""


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
    hidden_units
        Units of the head's Dense ReLU layer.
    dropout
        Dropout rate before the logits; the paper gives 0.3 to 0.5.
    early_block
        Block of the base after which a second head reads, whose logits are added to the last one's; ``None``
        has none. Early features are simpler, and depend less on the scanners they were learnt on.
    """

    backbone: Backbone = Backbone.MOBILENET
    alpha: float = 1.0
    size: int = 224
    hidden_units: int = 128
    dropout: float = 0.5
    early_block: int | None = None

    def __post_init__(self) -> None:
        if self.alpha != 1.0 and self.backbone is not Backbone.MOBILENET:
            raise UsageError("--alpha is a width multiplier of mobilenet only")
        if self.size < 32:
            raise UsageError("--size must be at least 32 pixels")
        most = len(_BLOCK_ENDS[self.backbone.value])
        if self.early_block is not None and not 1 <= self.early_block < most:
            raise UsageError(f"--early-block must be from 1 to {most - 1} with {self.backbone.value}")


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
        base = constructors[architecture.backbone](
            input_tensor=inputs, include_top=False, weights=None if weights == "random" else weights
        )
    except Exception as error:  # Keras raises a bare Exception where a download fails
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
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
    logits = _head(base.output, architecture, "")
    if architecture.early_block is not None:
        early = base.get_layer(_BLOCK_ENDS[architecture.backbone.value][architecture.early_block - 1])
        logits = keras.layers.Add(name="sum", dtype="float32")(
            [logits, _head(early.output, architecture, EARLY_PREFIX)]
        )
    return keras.Model(inputs, logits, name=architecture.backbone.value)


def _head(features: Any, architecture: Architecture, prefix: str) -> Any:
    pool, hidden, dropout, logits = (prefix + name for name in HEAD_LAYERS)
    x = keras.layers.GlobalAveragePooling2D(name=pool)(features)
    x = keras.layers.Dense(architecture.hidden_units, activation="relu", name=hidden)(x)
    # Its own generator, which each epoch seeds; by default a seed is fixed as the graph is traced.
    x = keras.layers.Dropout(architecture.dropout, name=dropout, force_generator=True)(x)
    return keras.layers.Dense(len(LABELS), name=logits, dtype="float32")(x)


def head_prefixes(model: keras.Model) -> tuple[str, ...]:
    """Prefixes of the layers of each head, the early one first."""
    return (EARLY_PREFIX, "") if any(layer.name == "sum" for layer in model.layers) else ("",)


def split_head(model: keras.Model, prefix: str = "") -> tuple[keras.Model, keras.Model]:
    """Give the base up to a head's pooled features, and the head; both share the model's weights."""
    features = model.get_layer(prefix + HEAD_LAYERS[0]).output
    x = inputs = keras.Input(features.shape[1:], name="features")
    for name in HEAD_LAYERS[1:]:
        x = model.get_layer(prefix + name)(x)
    return keras.Model(model.input, features), keras.Model(inputs, x)


def last_head_only(model: keras.Model) -> keras.Model:
    """Give the network without its early head, sharing its weights."""
    return keras.Model(model.input, model.get_layer(HEAD_LAYERS[-1]).output)


def weigh_early_head(model: keras.Model) -> None:
    """Let a trained early head count :data:`EARLY_WEIGHT` times; its last layer takes the factor in."""
    logits = model.get_layer(EARLY_PREFIX + HEAD_LAYERS[-1])
    logits.set_weights([EARLY_WEIGHT * weight for weight in logits.get_weights()])


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
    """Train the heads only."""
    for layer in model.layers:
        layer.trainable = layer.name.removeprefix(EARLY_PREFIX) in HEAD_LAYERS


def unfreeze(model: keras.Model, architecture: Architecture) -> None:
    """Train everything, but not what an early head reads; batch normalisation follows the data quickly.

    Keras' momentum of 0.99 needs hundreds of steps to forget the statistics of the pre-training; short
    fine-tunes would end with statistics that fit neither.
    """
    is_open = architecture.early_block is None
    for layer in model.layers:
        layer.trainable = is_open
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = FINE_TUNE_MOMENTUM
        if not is_open:
            ends = _BLOCK_ENDS[architecture.backbone.value]
            is_open = layer.name == ends[(architecture.early_block or 0) - 1]

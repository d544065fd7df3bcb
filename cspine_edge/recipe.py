"""What a training is made of, by name; without TensorFlow, so that the command line can tell of it."""

from __future__ import annotations

from enum import Enum


class Backbone(str, Enum):
    """The base network."""

    MOBILENET = "mobilenet"
    """MobileNet v1 (Howard et al., 2017), the main target."""
    VGG16 = "vgg16"
    """VGG16 (Simonyan and Zisserman, 2014), the accuracy reference."""
    DENSENET121 = "densenet121"
    """DenseNet121 (Huang et al., 2017)."""


class Head(str, Enum):
    """What is put on the base."""

    DENSE = "dense"
    """The paper's: Dense (ReLU), Dropout and two logits, on the pooled features of the last block."""
    LINEAR = "linear"
    """Two logits on the pooled and normalised features at each of three strides, added up. What is read from late
    features alone holds less on scanners that were not seen."""


class Optimizer(str, Enum):
    """The optimizers of the paper."""

    NADAM = "nadam"
    ADAM = "adam"

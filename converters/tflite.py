"""A folded (or quantization-aware) network to a TFLite flatbuffer of static batch 1."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cspine_edge.contract import Precision
from cspine_edge.errors import ModelError, first_line
from cspine_edge.native import native_messages_caught
from cspine_edge.preprocess import Preprocessing, replicate_channels
from cspine_edge.probation import vouch
from cspine_edge.runtime import open_to_list
from cspine_edge.training.framework import keras, tf

OUTPUTS = {
    "probability": "Softmax of the logits.",
    "logits": "Decide on these: fracture where their difference is at or above the contract's threshold.",
}
"""Outputs of every exported model, in order, and what they are; other tools take the first for the scores."""


def serving(model: keras.Model, spec: Preprocessing, batch: int | None = 1) -> Any:
    """Give the function that stands for a network in every format.

    Parameters
    ----------
    model
        A network that gives logits.
    spec
        The preprocessing.
    batch
        How many images it takes; ``None`` for any number.

    Returns
    -------
    tf.function
        Of ``image``, float32, (batch, height, width, channels); gives ``logits`` and ``probability``, float32,
        (batch, 2).
    """
    image_spec = tf.TensorSpec([batch, spec.height, spec.width, spec.channels], tf.float32, name="image")

    @tf.function(input_signature=[image_spec])
    def serve(image: Any) -> dict[str, Any]:
        logits = model(image, training=False)
        return {"logits": logits, "probability": tf.nn.softmax(logits)}

    return serve


def export(
    model: keras.Model, precision: Precision, spec: Preprocessing, images: npt.NDArray[np.uint8] | None
) -> bytes:
    """Convert a network that gives logits.

    Parameters
    ----------
    model
        A folded network; a quantization-aware one for ``int8`` and ``int8-qat``.
    precision
        Arithmetic wanted.
    spec
        The preprocessing.
    images
        Calibration images, shape (n, height, width), uint8; needed for ``int16x8`` only.

    Returns
    -------
    bytes
        Flatbuffer with input ``image`` and outputs ``logits`` and ``probability``; uint8 where the precision
        is int8, else float32.

    Raises
    ------
    ModelError
        If the converter refuses the network.
    """
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(model, folder, signatures=serving(model, spec))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        _configure(converter, precision, spec, images)
        try:
            with native_messages_caught():
                return bytes(converter.convert())
        except Exception as error:  # the converter's own exception types are private
            told = (line[:300] for line in str(error).splitlines() if "error:" in line)
            cause = next(told, first_line(error))
            raise ModelError(model.name, f"TFLite's converter refuses it ({cause})") from error


def _configure(
    converter: Any, precision: Precision, spec: Preprocessing, images: npt.NDArray[np.uint8] | None
) -> None:
    if precision is Precision.FLOAT32:
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision is Precision.FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    elif precision in (Precision.INT8, Precision.INT8_QAT):
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    elif precision is Precision.INT16X8:
        if images is None:
            raise ValueError("int16x8 takes its ranges from calibration images")
        converter.representative_dataset = lambda: _representative(images, spec)
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        ]


def _representative(
    images: npt.NDArray[np.uint8], spec: Preprocessing
) -> Iterator[list[npt.NDArray[np.float32]]]:
    table = spec.real_values()
    for grey in images:
        yield [table[replicate_channels(grey, spec.channels)][np.newaxis]]


def float_operations(path: Path, graph: bytes) -> list[str]:
    """Names of the operations that compute in floating point, one entry each; empty if all are integer."""
    vouch(graph)
    operations = open_to_list(path, graph).operations()
    return [operation.name for operation in operations if operation.is_float]

"""MobileNet 1.0/224 as anyone would convert it, for the peers of benchmarks/peers.py; it classifies nothing.

``python benchmarks/stock_mobilenet.py .cache/stock`` writes Keras' MobileNet with ImageNet weights, average pooling and
an untrained dense layer of two logits, as float32 and int8 ``.tflite`` by TensorFlow's guide, and as int8 ``.onnx``
(QDQ, a scale per channel) by ONNX Runtime's. Needs the train and onnx extras.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from converters.onnx_export import float_graph
from cspine_edge.preprocess import Preprocessing
from cspine_edge.training.framework import keras, tf

SIZE, NAME = 224, "mobilenet-a1.0-224-stock"


class Images(CalibrationDataReader):  # type: ignore[misc]
    """Hands the representative images to ONNX Runtime."""

    def __init__(self, images: np.ndarray) -> None:
        self._left: Iterator[Any] = iter(images.transpose(0, 3, 1, 2)[:, None])

    def get_next(self) -> dict[str, Any] | None:
        """One image, or None at the end."""
        image = next(self._left, None)
        return None if image is None else {"image": image}


def main() -> None:
    """Write the three files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder to write to; files that are there are replaced")
    parser.add_argument(
        "--weights", default="imagenet", help="weight file without top [Keras downloads ImageNet's]"
    )
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    image = keras.Input((SIZE, SIZE, 3), batch_size=1)
    base = keras.applications.MobileNet(
        input_tensor=image, include_top=False, weights=arguments.weights, pooling="avg"
    )
    model = keras.Model(base.input, keras.layers.Dense(2)(base.output))
    grey = np.random.default_rng(0).integers(0, 256, (16, SIZE // 8, SIZE // 8))
    images = np.kron(grey, np.ones((1, 8, 8)))[..., None].repeat(3, axis=-1).astype(np.float32) / 255
    for precision in ("float32", "int8"):
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        if precision == "int8":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([image[None]] for image in images)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.uint8
        (out / f"{NAME}-{precision}.tflite").write_bytes(converter.convert())
    with tempfile.TemporaryDirectory() as folder:
        plain, prepared = Path(folder, "plain.onnx"), Path(folder, "prepared.onnx")
        onnx.save(onnx.load_from_string(float_graph(model, Preprocessing(SIZE, SIZE))), plain)
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        quantize_static(
            *(prepared, out / f"{NAME}-int8.onnx", Images(images)),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


if __name__ == "__main__":
    main()

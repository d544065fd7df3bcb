"""Int8 MobileNets of many widths and sizes with random weights, for counting and timing; they classify nothing.

``python benchmarks/random_networks.py .cache/networks`` writes ``mobilenet-aALPHA[-bBLOCKS]-SIZE-random-int8.tflite``,
built and converted as ``cspine-edge train`` and ``convert`` do, with the linear heads of the grouped protocol. Which
instructions an inference takes depends on the shapes; the weights hardly matter. Needs the train extra; ten minutes.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import product
from pathlib import Path

import numpy as np

from converters.convert import ConvertSettings, convert
from converters.source import source_of_keras
from cspine_edge.contract import Precision
from cspine_edge.dataset import load_dataset
from cspine_edge.phantom import ImageFormat, write_phantom
from cspine_edge.recipe import Head
from cspine_edge.training.backbones import Architecture, build
from cspine_edge.training.framework import keras

WHOLE = tuple(product((0.25, 0.5, 0.75, 1.0), (None,), (96, 128, 160, 192, 224)))
SHORTENED = ((0.5, 7, 224), (0.5, 8, 192), (0.5, 11, 176))
"""What else than ``fast`` comes near a sixth of the instructions of MobileNet 1.0/224."""


def randomise(model: keras.Model, seed: int = 0) -> None:
    """Give the layers weights that keep the signal alive (He et al., 2015); Keras' own start collapses to constants."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if not layer.weights or isinstance(layer, keras.layers.BatchNormalization):
            continue
        kernel, *bias = layer.get_weights()
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        fan_in = kernel[..., 0].size // (kernel.shape[2] if depthwise else 1)
        # Biases that are all zero would be dropped by the converter.
        biases = [rng.normal(0, 0.1, value.shape) for value in bias]
        layer.set_weights([rng.normal(0, (2 / fan_in) ** 0.5, kernel.shape), *biases])


def main() -> None:
    """Write them all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder to write to; files that are there are replaced")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_phantom(
            folder / "ct", series=2, slices=4, seed=0, image_format=ImageFormat.PNG, size=224, difficulty=0.1
        )
        dataset = load_dataset(folder / "ct")
        settings = ConvertSettings(Precision.INT8, calibration_size=8)
        for alpha, blocks, size in WHOLE + SHORTENED:
            depth = f"-b{blocks}" if blocks else ""
            name = f"mobilenet-a{alpha}{depth}-{size}-random"
            out = arguments.out / f"{name}-int8.tflite"
            network = build(Architecture(alpha=alpha, blocks=blocks, size=size, head=Head.LINEAR), "random")
            randomise(network)
            network.save(folder / f"{name}.keras")
            source = source_of_keras(folder / f"{name}.keras", dataset, (0.0, 1.0))
            convert(source, settings, out, overwrite=True, log=lambda _: None)
            out.with_suffix(".calibration.json").unlink()
            print(out, flush=True)
            keras.backend.clear_session()


if __name__ == "__main__":
    main()

"""What the tests share: the shipped model, phantom data, and a small run trained on it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from cspine_edge.phantom import ImageFormat, write_phantom

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _skip_without_workstation(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("workstation") and importlib.util.find_spec("tensorflow") is None:
        pytest.skip("needs the train extra (TensorFlow)")


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def csf() -> Path:
    """The paper's data set, which lies beside the repository on some machines only."""
    folder = ROOT.parent / "shared" / "data" / "csf"
    if not folder.is_dir():
        pytest.skip("needs the data set ../shared/data/csf")
    return folder


@pytest.fixture(scope="session")
def int8_model() -> Path:
    """The shipped int8 MobileNet, with its contract."""
    return ROOT / "models" / "mobilenet-a1.0-224-int8-qat.tflite"


@pytest.fixture(scope="session")
def phantom_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled phantom: 8 series of 6 slices, 128 x 128, as DICOM in HU."""
    folder = tmp_path_factory.mktemp("data") / "phantom"
    write_phantom(
        folder, series=8, slices=6, seed=5, difficulty=0.1, image_format=ImageFormat.DICOM, size=128
    )
    return folder


@pytest.fixture(scope="session")
def he_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a MobileNet 0.25 base that keep the signal alive: Keras' own start collapses it to constants."""
    import numpy as np

    from cspine_edge.training.framework import keras

    base = keras.applications.MobileNet((96, 96, 3), alpha=0.25, include_top=False, weights=None)
    rng = np.random.default_rng(7)
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            width = layer.gamma.shape[0]
            layer.set_weights(
                [
                    rng.uniform(0.8, 1.2, width),
                    rng.normal(0.1, 0.2, width),
                    rng.normal(0, 0.05, width),
                    rng.uniform(0.8, 1.2, width),
                ]
            )
        elif layer.weights:
            (kernel,) = layer.get_weights()
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            fan_in = kernel.shape[0] * kernel.shape[1] * (1 if depthwise else kernel.shape[2])
            layer.set_weights([rng.normal(0, (2 / fan_in) ** 0.5, kernel.shape)])
    path = tmp_path_factory.mktemp("weights") / "mobilenet_he.h5"
    base.save_weights(path)
    return path


@pytest.fixture(scope="session")
def small_run(phantom_data: Path, he_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of MobileNet 0.25/96 on the phantom, grouped by series."""
    from cspine_edge.dataset import load_dataset
    from cspine_edge.slices import Window
    from cspine_edge.splits import grouped_split
    from cspine_edge.training.backbones import Architecture
    from cspine_edge.training.train import TrainSettings, train

    dataset = load_dataset(phantom_data)
    settings = TrainSettings(
        architecture=Architecture(alpha=0.25, size=96, hidden_units=16),
        weights=str(he_weights),
        epochs=1,
        rate=1e-3,
        fine_tune_epochs=1,
        fine_tune_rate=1e-4,
        batch_size=8,
        window=Window(400, 1800),
    )
    out = tmp_path_factory.mktemp("run") / "run"
    train(dataset, grouped_split(dataset, 0), settings, out, log=lambda line: None)
    return out


@pytest.fixture(scope="session")
def float_model(small_run: Path) -> Path:
    """The small run as float32 TFLite."""
    return _converted(small_run, "float32")


@pytest.fixture(scope="session")
def small_int8_model(small_run: Path) -> Path:
    """The small run as int8 TFLite (ranges from the calibration set, no tuning)."""
    return _converted(small_run, "int8")


def _converted(run: Path, precision: str) -> Path:
    from converters.convert import ConvertSettings, convert, default_output, source_of_run
    from cspine_edge.contract import Precision

    source = source_of_run(run)
    out = default_output(source, Precision(precision))
    if not out.exists():
        settings = ConvertSettings(Precision(precision), calibration_size=24)
        convert(source, settings, out, log=lambda line: None)
    return out

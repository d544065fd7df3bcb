"""What the tests share: the shipped model, phantom data, and a small run trained on it."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import android_tools
import numpy as np
import pytest
from java_core import compile_core
from outcome import PERSON, Outcome

from cspine_edge.cli import main
from cspine_edge.phantom import ImageFormat, write_phantom

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True, scope="session")
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Models that pass their probation are remembered in the user's cache; not in that of who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _signals_reach_programs() -> Iterator[None]:
    """Ctrl-C too, which what a shell starts in the background ignores, with all that it starts in turn."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _skip_without_workstation(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("workstation") and importlib.util.find_spec("tensorflow") is None:
        pytest.skip("needs the train extra (TensorFlow)")


@pytest.fixture
def ramp() -> np.ndarray:
    """Grey levels 0..255, each once, (16, 16) uint8."""
    return np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (64, 64), dtype=np.uint8)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """The command line in this process, as its entry point runs it."""

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["cspine-edge", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return Outcome(code if isinstance(code, int) else int(code is not None), *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def core_classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled core of the Android demo, and the programs that give its answers."""
    if shutil.which("javac") is None:
        pytest.skip("needs a JDK (javac)")
    out = tmp_path_factory.mktemp("core")
    compile_core(out)
    return out


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
def scanner_apk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scanner app around the shipped model, built here."""
    android_tools.need()
    from cspine_edge.android.assembly import build
    from cspine_edge.shipped import shipped_model

    return build(shipped_model(), tmp_path_factory.mktemp("apk") / "scanner.apk").path


@pytest.fixture(scope="session")
def phantom_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled phantom: 8 series of 6 slices, 128 x 128, as DICOM in HU, of a person with a name."""
    import pydicom

    folder = tmp_path_factory.mktemp("data") / "phantom"
    write_phantom(
        folder, series=8, slices=6, seed=5, difficulty=0.1, image_format=ImageFormat.DICOM, size=128
    )
    for path in folder.rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        dataset.PatientName = f"{PERSON}^Ann"
        dataset.OtherPatientNames = f"{PERSON}^Anna"
        dataset.PatientID = dataset.AccessionNumber = f"{PERSON}1"
        dataset.PatientBirthDate = "19010203"
        dataset.PatientAddress = dataset.PatientComments = f"{PERSON} street"
        dataset.ReferringPhysicianName = dataset.OperatorsName = f"{PERSON}^Doctor"
        dataset.InstitutionName = dataset.StudyDescription = dataset.SeriesDescription = f"{PERSON} ward"
        dataset.save_as(path)
    return folder


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 200 pictures to score, and one that is broken."""
    folder = tmp_path_factory.mktemp("archive")
    write_phantom(folder / "ct", series=5, slices=40, seed=0, image_format=ImageFormat.PNG, size=64)
    (folder / "ct" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    return folder / "ct"


@pytest.fixture(scope="session")
def phantom_images(phantom_data: Path) -> np.ndarray:
    """All 48 slices of the phantom as the small network takes them, shape (48, 96, 96), uint8."""
    from cspine_edge.dataset import load_dataset, load_images
    from cspine_edge.preprocess import Preprocessing
    from cspine_edge.window import Window

    return load_images(load_dataset(phantom_data), Preprocessing(96, 96, 3, Window(400, 1800)))


@pytest.fixture(scope="session")
def he_scaled() -> Callable[..., Any]:
    """Give a network weights that keep the signal alive, and batch statistics that are far from 0 and 1.

    Keras' own start collapses MobileNet to constants, on which any test of its conversion would pass.
    """
    from cspine_edge.training.framework import keras

    def scale(model: Any, seed: int = 7) -> Any:
        rng = np.random.default_rng(seed)
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                width = layer.moving_mean.shape[0]
                spread = [rng.uniform(0.8, 1.2, width)] * layer.scale + [
                    rng.normal(0.1, 0.2, width)
                ] * layer.center
                layer.set_weights([*spread, rng.normal(0, 0.05, width), rng.uniform(0.8, 1.2, width)])
            elif layer.weights:
                kernel, *bias = layer.get_weights()
                depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
                fan_in = kernel[..., 0].size // (kernel.shape[2] if depthwise else 1)
                biases = [rng.normal(0, 0.1, value.shape) for value in bias]
                layer.set_weights([rng.normal(0, (2 / fan_in) ** 0.5, kernel.shape), *biases])
        return model

    return scale


@pytest.fixture
def head() -> Callable[..., Any]:
    """A small flat network with the head asked for."""
    from cspine_edge.training.framework import keras

    def build(units: int = 2, activation: str | None = None, **kwargs: Any) -> Any:
        image = keras.Input((32, 32, 3))
        x = keras.layers.Conv2D(4, 3, activation="relu")(image)
        x = keras.layers.GlobalAveragePooling2D()(x)
        return keras.Model(
            image, keras.layers.Dense(units, activation=activation, bias_initializer="ones")(x)
        )

    return build


@pytest.fixture(scope="session")
def he_weights(he_scaled: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a MobileNet 0.25 base that keep the signal alive."""
    from cspine_edge.training.framework import keras

    base = keras.applications.MobileNet((96, 96, 3), alpha=0.25, include_top=False, weights=None)
    path = tmp_path_factory.mktemp("weights") / "mobilenet_he.h5"
    he_scaled(base).save_weights(path)
    return path


@pytest.fixture(scope="session")
def small_run(phantom_data: Path, he_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of MobileNet 0.25/96 on the phantom, grouped by series."""
    from cspine_edge.dataset import load_dataset
    from cspine_edge.splits import grouped_split
    from cspine_edge.training.backbones import Architecture
    from cspine_edge.training.settings import TrainSettings
    from cspine_edge.training.train import train
    from cspine_edge.window import Window

    dataset = load_dataset(phantom_data)
    settings = TrainSettings(
        architecture=Architecture(alpha=0.25, size=96, hidden_units=16),
        weights=str(he_weights),
        epochs=2,
        rate=1e-3,
        fine_tune_epochs=2,
        fine_tune_rate=1e-3,
        batch_size=8,
        window=Window(400, 1800),
        coverage=0.95,
    )
    out = tmp_path_factory.mktemp("run") / "run"
    train(dataset, grouped_split(dataset, 0), settings, out, log=lambda line: None)
    return out


@pytest.fixture(scope="session")
def converted(small_run: Path) -> Callable[[str], Path]:
    """The small run as TFLite in the precision asked for (24 calibration slices, one epoch of tuning)."""
    from converters.convert import ConvertSettings, convert
    from converters.source import default_output, source_of_run
    from cspine_edge.contract import Precision

    def model(precision: str) -> Path:
        source = source_of_run(small_run)
        out = default_output(source, Precision(precision))
        if not out.exists():
            settings = ConvertSettings(Precision(precision), calibration_size=24, qat_epochs=1, batch_size=8)
            convert(source, settings, out, log=lambda line: None)
        return out

    return model


@pytest.fixture(scope="session")
def float_model(converted: Callable[[str], Path]) -> Path:
    """The small run as float32 TFLite."""
    return converted("float32")


@pytest.fixture(scope="session")
def small_int8_model(converted: Callable[[str], Path]) -> Path:
    """The small run as int8 TFLite (ranges from the calibration set, no tuning)."""
    return converted("int8")

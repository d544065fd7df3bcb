"""From a run folder or a Keras file to a file with its contract: all of it, or nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.classifier import Classifier
from cspine_edge.contract import KernelFamily, Precision
from cspine_edge.dataset import LABELS, LabelledDataset, load_dataset
from cspine_edge.decision import Decision
from cspine_edge.errors import ModelError, OutputError, UsageError
from cspine_edge.model_file import ModelFile
from cspine_edge.run import Run
from cspine_edge.verification import verify
from cspine_edge.window import Window

pytestmark = pytest.mark.workstation


@pytest.fixture(scope="module")
def dataset(phantom_data: Path) -> LabelledDataset:
    return load_dataset(phantom_data)


def quiet(line: str) -> None:
    """Receives the progress that no test reads."""


def settings_of(precision: Precision, **changes: Any) -> Any:
    from converters.convert import ConvertSettings

    return ConvertSettings(
        precision, **({"calibration_size": 24, "qat_epochs": 1, "batch_size": 8} | changes)
    )


# What is in the file


def test_contract_says_what_the_run_says(small_int8_model: Path, small_run: Path) -> None:
    run, contract = Run.load(small_run), ModelFile.read(small_int8_model).contract
    assert contract is not None
    assert contract.preprocessing == run.preprocessing
    assert (contract.labels, contract.positive) == (LABELS, "fracture")
    origin = contract.provenance
    assert origin is not None
    assert (origin.backbone, origin.precision) == ("mobilenet-a0.25-96", Precision.INT8)
    assert (origin.optimizer, origin.protocol, origin.weights) == ("nadam", "grouped", "mobilenet_he.h5")
    assert origin.data_fingerprint == run.fingerprint == run.dataset().fingerprint()
    assert origin.held_out == run.split().held_out != ()
    assert origin.data == "48 slices (24 normal, 24 fracture) of 8 series"
    assert {"cspine-edge", "tensorflow", "tf-keras", "numpy"} <= set(origin.versions)
    assert origin.run == "."


def test_calibration_manifest_is_disjoint_and_named_by_the_contract(
    small_int8_model: Path, small_run: Path
) -> None:
    content = small_int8_model.with_suffix(".calibration.json").read_bytes()
    contract, split = ModelFile.read(small_int8_model).contract, Run.load(small_run).split()
    assert contract is not None
    assert contract.provenance is not None
    assert contract.provenance.calibration_sha256 == hashlib.sha256(content).hexdigest()
    slices = json.loads(content)["slices"]
    stability = json.loads(content)["stability"]
    assert stability["slices"] == 24
    assert stability["stable"] == (stability["mean_difference"] <= stability["tolerance"])
    assert stability["layers"][0]["difference"] == max(row["difference"] for row in stability["layers"]) > 0
    paths = {entry["path"] for entry in slices}
    assert len(paths) == len(slices) == 24
    assert paths <= set(split.train)
    assert not paths & {*split.validation, *split.test}
    assert [entry["label"] for entry in slices].count("fracture") == 12
    data = Run.load(small_run).dataset()
    for entry in slices:
        assert entry["sha256"] == hashlib.sha256((data.root / entry["path"]).read_bytes()).hexdigest()


def test_float_file_names_no_calibration(float_model: Path) -> None:
    contract = ModelFile.read(float_model).contract
    assert contract is not None
    assert contract.provenance is not None
    assert contract.provenance.calibration_sha256 is None
    assert not float_model.with_suffix(".calibration.json").exists()


@pytest.mark.parametrize("family", list(KernelFamily))
@pytest.mark.parametrize("precision", list(Precision))
def test_golden_pairs_hold_for_each_family(
    precision: Precision, family: KernelFamily, converted: Callable[[str], Path]
) -> None:
    result = verify(Classifier(converted(precision.value), family=family, threads=2))
    assert result.passed
    assert len(result.pairs) == 4
    assert result.exact is (precision in (Precision.INT8, Precision.INT8_QAT))


def test_golden_pairs_tell_one_file_from_another(
    converted: Callable[[str], Path], small_int8_model: Path, tmp_path: Path
) -> None:
    """The graph that was tuned, under the golden pairs of the one that was not."""
    untuned, tuned = ModelFile.read(small_int8_model), ModelFile.read(converted("int8-qat"))
    mixed = replace(untuned, graph=tuned.graph).save(tmp_path / "mixed.tflite")
    assert not verify(Classifier(mixed.path)).passed


def test_golden_answers_differ_between_inputs(small_int8_model: Path) -> None:
    contract = ModelFile.read(small_int8_model).contract
    assert contract is not None
    assert len({pair.expected["builtin"] for pair in contract.golden}) > 1


def test_positions_of_logits_and_probability(converted: Callable[[str], Path]) -> None:
    for precision in Precision:
        classifier = Classifier(converted(precision.value), family=KernelFamily.REFERENCE)
        outputs = classifier.contract.outputs
        classifier.margin(np.full((96, 96), 90, np.uint8))
        values = [
            classifier.session.outputs[i].dequantize(classifier.session.output(i))
            for i in (outputs.logits, outputs.probability or 0)
        ]
        assert values[1].sum() == pytest.approx(1.0, abs=2 / 256)
        assert values[0].sum() != pytest.approx(1.0, abs=2 / 256)


# Where it goes


def test_existing_file_is_kept_unless_told(small_run: Path, tmp_path: Path) -> None:
    from converters.convert import convert
    from converters.source import source_of_run

    out = tmp_path / "model.tflite"
    out.write_bytes(b"mine")
    with pytest.raises(OutputError, match="--overwrite"):
        convert(source_of_run(small_run), settings_of(Precision.FLOAT32), out, log=quiet)
    assert out.read_bytes() == b"mine"
    convert(source_of_run(small_run), settings_of(Precision.FLOAT32), out, overwrite=True, log=quiet)
    assert ModelFile.read(out).contract is not None


# Bare Keras files


@pytest.mark.slow
def test_linear_heads_survive_int8(
    small_run: Path, dataset: LabelledDataset, phantom_images: np.ndarray, tmp_path: Path
) -> None:
    """Folded, quantised and exported, from a run and from its bare Keras file."""
    from converters.convert import convert
    from converters.source import source_of_keras, source_of_run
    from cspine_edge.recipe import Head
    from cspine_edge.splits import grouped_split
    from cspine_edge.training.backbones import Architecture
    from cspine_edge.training.settings import TrainSettings
    from cspine_edge.training.train import train

    settings = TrainSettings(
        architecture=Architecture(alpha=0.25, size=96, head=Head.LINEAR),
        weights=str(small_run / "model.keras"),
        window=Window(400, 1800),
    )
    train(dataset, grouped_split(dataset, 0), settings, tmp_path / "run", log=quiet)
    margins = {}
    for precision in (Precision.FLOAT32, Precision.INT8):
        result = convert(
            source_of_run(tmp_path / "run"),
            settings_of(precision),
            tmp_path / f"{precision.value}.tflite",
            log=quiet,
        )
        assert result.float_operations == []
        assert result.file.contract is not None
        assert result.file.contract.provenance is not None
        assert result.file.contract.provenance.head == "linear"
        classifier = Classifier(result.file.path)
        margins[precision] = np.array([classifier.margin(image) for image in phantom_images])
    assert margins[Precision.FLOAT32].std() > 1.0
    # The untuned base shifts its features; a broken head would not even keep their order.
    assert np.corrcoef(*margins.values())[0, 1] > 0.9
    bare = source_of_keras(tmp_path / "run" / "model.keras", dataset, (0.0, 1.0))
    again = convert(bare, settings_of(Precision.FLOAT32), tmp_path / "bare.tflite", log=quiet)
    classifier = Classifier(again.file.path)
    # No window is known to a bare file; prepared images need none.
    of_bare = [classifier.margin(image) for image in phantom_images]
    np.testing.assert_allclose(of_bare, margins[Precision.FLOAT32], atol=1e-4)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_bare_file_with_data(
    suffix: str, head: Callable[..., Any], dataset: LabelledDataset, tmp_path: Path
) -> None:
    from converters.convert import convert
    from converters.source import source_of_keras

    bare = tmp_path / f"bare{suffix}"
    head().save(bare)
    source = source_of_keras(bare, dataset, (0.0, 1.0))
    result = convert(source, settings_of(Precision.INT8), tmp_path / "bare.tflite", log=quiet)
    contract = result.file.contract
    assert contract is not None
    assert contract.provenance is not None
    assert contract.provenance.optimizer == "not stated"
    assert contract.decision == Decision()
    assert result.calibration is not None
    assert verify(Classifier(result.file.path)).passed


def test_bare_file_needs_data_for_integers_only(head: Callable[..., Any], tmp_path: Path) -> None:
    from converters.convert import convert
    from converters.source import source_of_keras

    bare = tmp_path / "bare.keras"
    head().save(bare)
    source = source_of_keras(bare, None, (0.0, 1.0))
    for precision in (Precision.INT8, Precision.INT8_QAT, Precision.INT16X8):
        with pytest.raises(UsageError, match="--data"):
            convert(source, settings_of(precision), tmp_path / "bare.tflite", log=quiet)
    assert list(tmp_path.iterdir()) == [bare]
    convert(source, settings_of(Precision.FLOAT16), tmp_path / "bare.tflite", log=quiet)
    assert verify(Classifier(tmp_path / "bare.tflite")).passed


def test_softmax_head_gives_its_logits(head: Callable[..., Any], tmp_path: Path) -> None:
    from converters.convert import convert
    from converters.keras_model import load_keras
    from converters.source import source_of_keras

    bare = tmp_path / "softmax.keras"
    head(activation="softmax").save(bare)
    image = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    values = np.repeat(image[np.newaxis, ..., np.newaxis], 3, axis=3).astype(np.float32) / 127.5 - 1
    probabilities = load_keras(bare)(values).numpy()[0]
    source = source_of_keras(bare, None, (-1.0, 1.0))
    classifier = Classifier(
        convert(source, settings_of(Precision.FLOAT32), tmp_path / "a.tflite", log=quiet).file.path
    )
    assert classifier.margin(image) == pytest.approx(np.log(probabilities[1] / probabilities[0]), abs=1e-4)
    assert classifier.score(classifier.margin(image)) == pytest.approx(probabilities[1], abs=1e-4)


def test_sequential_file(tmp_path: Path, dataset: LabelledDataset) -> None:
    from converters.convert import convert
    from converters.source import source_of_keras
    from cspine_edge.training.framework import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(2, bias_initializer="ones"),
        ]
    )
    model.save(tmp_path / "bare.keras")
    source = source_of_keras(tmp_path / "bare.keras", dataset, (0.0, 1.0))
    convert(source, settings_of(Precision.INT8), tmp_path / "bare.tflite", log=quiet)
    assert verify(Classifier(tmp_path / "bare.tflite")).passed


# Failures leave nothing behind


def test_operation_without_integer_kernel_is_named(tmp_path: Path, dataset: LabelledDataset) -> None:
    from converters.convert import convert
    from converters.source import source_of_keras
    from cspine_edge.training.framework import keras

    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(4, 3, activation="softplus")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    keras.Model(image, keras.layers.Dense(2, bias_initializer="ones")(x)).save(tmp_path / "soft.keras")
    source = source_of_keras(tmp_path / "soft.keras", dataset, (0.0, 1.0))
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ModelError, match=r"not integer throughout.*(EXP|LOG)"):
        convert(source, settings_of(Precision.INT8), tmp_path / "soft.tflite", log=quiet)
    assert sorted(tmp_path.iterdir()) == before
    allowed = convert(
        source, settings_of(Precision.INT8, allow_float=True), tmp_path / "soft.tflite", log=quiet
    )
    assert {"EXP", "LOG"} & set(allowed.float_operations)


# Quantization-aware training


@pytest.mark.slow
def test_tuning_broken_off_and_resumed(
    head: Callable[..., Any], dataset: LabelledDataset, tmp_path: Path
) -> None:
    from converters.convert import convert
    from converters.source import source_of_keras

    def break_off(line: str) -> None:
        if line.startswith("qat 1/2"):
            raise KeyboardInterrupt

    def source() -> Any:
        return source_of_keras(tmp_path / "bare.keras", dataset, (0.0, 1.0))

    head().save(tmp_path / "bare.keras")
    out = tmp_path / "tuned.tflite"
    settings = settings_of(Precision.INT8_QAT, qat_epochs=2, qat_rate=1e-2)
    with pytest.raises(KeyboardInterrupt):
        convert(source(), settings, out, log=break_off)
    assert not out.exists()
    with pytest.raises(UsageError, match="other settings"):
        convert(source(), replace(settings, seed=9), out, resume=True, log=quiet)
    lines: list[str] = []
    resumed = convert(source(), settings, out, resume=True, log=lines.append)
    assert any("resumed after epoch 1 of 2" in line for line in lines)
    assert [line.startswith("qat 2/2") for line in lines].count(True) == 1
    assert not out.with_suffix(".checkpoints").exists()
    whole = convert(source(), settings, tmp_path / "whole.tflite", log=quiet)
    once = convert(source(), replace(settings, qat_epochs=1), tmp_path / "once.tflite", log=quiet)
    assert resumed.file.graph == whole.file.graph != once.file.graph


def test_tuning_moves_the_weights(converted: Callable[[str], Path], small_int8_model: Path) -> None:
    assert ModelFile.read(converted("int8-qat")).graph != ModelFile.read(small_int8_model).graph


@pytest.mark.slow
def test_tuning_sees_slices_as_the_training_did(small_run: Path, tmp_path: Path) -> None:
    """The float network's augmentation is the tuned one's; a run without any is tuned on the slices as they are."""
    from converters.convert import convert
    from converters.source import source_of_run

    graphs = []
    for kept in (True, True, False):
        source = source_of_run(small_run)
        assert source.run is not None
        assert source.run.settings["augmentation"]
        run = (
            source.run if kept else replace(source.run, settings=source.run.settings | {"augmentation": None})
        )
        settings = settings_of(Precision.INT8_QAT, qat_rate=1e-3)
        out = tmp_path / f"{len(graphs)}.tflite"
        graphs.append(convert(replace(source, run=run), settings, out, log=quiet).file.graph)
    assert graphs[0] == graphs[1] != graphs[2]

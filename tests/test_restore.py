"""The fewest layers back to float: the one that quantises terribly, and what that costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.classifier import Classifier
from cspine_edge.contract import KernelFamily, Precision
from cspine_edge.dataset import load_dataset
from cspine_edge.decision import Threshold
from cspine_edge.documents import encode
from cspine_edge.errors import ModelError, UsageError
from cspine_edge.model_file import ModelFile
from cspine_edge.preprocess import Preprocessing
from cspine_edge.run import Run, relative_data_path
from cspine_edge.splits import grouped_split
from cspine_edge.verification import verify
from cspine_edge.window import Window

pytestmark = pytest.mark.workstation
SPEC = Preprocessing(96, 96, 3, Window(400, 1800))


def quiet(line: str) -> None:
    """Receives the progress that no test reads."""


@pytest.fixture(scope="module")
def run_with(
    he_scaled: Callable[..., Any],
    phantom_data: Path,
    phantom_images: np.ndarray,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[float], Path]:
    """A run whose second layer has weights of this size for a channel that is always 0.

    They do nothing in float, but set the scale of the kernel: with large ones all others round to nothing. The
    logits are what differs most between slices, so that margins spread.
    """
    from cspine_edge.training.augment import Augmentation
    from cspine_edge.training.framework import keras

    layers = keras.layers
    image = keras.Input((96, 96, 3))
    x = layers.Conv2D(8, 3, strides=2, activation="relu", name="first")(image)
    x = layers.Conv2D(16, 1, activation="relu", name="second")(x)
    x = layers.DepthwiseConv2D(3, strides=2, activation="relu", name="third")(x)
    pooled = layers.GlobalAveragePooling2D(name="pool")(x)
    model = he_scaled(keras.Model(image, layers.Dense(2, name="logits")(pooled)))
    kernel, bias = model.get_layer("first").get_weights()
    kernel[..., 0], bias[0] = 0.0, -1.0
    model.get_layer("first").set_weights([kernel, bias])
    values = np.repeat(SPEC.real_values()[phantom_images][..., np.newaxis], 3, axis=3)
    features = keras.Model(image, pooled)(values, training=False).numpy()
    mean = features.mean(axis=0)
    _, spread, axes = np.linalg.svd(features - mean, full_matrices=False)
    axis = axes[0] * len(features) ** 0.5 / spread[0]
    model.get_layer("logits").set_weights([np.stack([-axis, axis], 1), np.array([1, -1]) * (mean @ axis)])
    dataset = load_dataset(phantom_data)

    def build(size: float) -> Path:
        folder = tmp_path_factory.mktemp("run")
        kernel, bias = model.get_layer("second").get_weights()
        kernel[:, :, 0, :] = size
        model.get_layer("second").set_weights([kernel, bias])
        model.save(folder / "model.keras")
        grouped_split(dataset, 0).save(folder / "split.json")
        Run(
            folder=folder,
            backbone="plain",
            alpha=1.0,
            size=96,
            hidden_units=0,
            dropout=0.0,
            optimizer="nadam",
            protocol="grouped",
            weights="none",
            seed=0,
            data=relative_data_path(phantom_data, folder),
            series_pattern=None,
            fingerprint=dataset.fingerprint(),
            preprocessing=SPEC,
            threshold=Threshold(),
            settings={"augmentation": encode(Augmentation(gamma=0.3, contrast=0.3))},  # ranges for all series
            versions={},
        ).save()
        return folder

    return build


def converted(folder: Path, out: Path, precision: Precision = Precision.INT8, **changes: Any) -> Any:
    from converters.convert import ConvertSettings, convert
    from converters.source import source_of_run

    settings = ConvertSettings(precision, **({"calibration_size": 24, "batch_size": 8} | changes))
    return convert(source_of_run(folder), settings, out, log=quiet)


def test_exactly_the_bad_layer_is_kept_in_float(run_with: Callable[[float], Path], tmp_path: Path) -> None:
    from converters.restoration import Criterion

    folder, out = run_with(3e4), tmp_path / "model.tflite"
    plain = converted(folder, tmp_path / "plain.tflite")
    result = converted(folder, out, restore=Criterion(lost=0, margin_sqnr_db=11.0))
    report = result.restoration
    assert report.after.layers == ("second",)
    assert report.ranking[0].name == "second"
    assert report.before.margin_sqnr_db < 6 < 11 <= report.after.margin_sqnr_db
    assert report.after.lost == 0
    assert report.trials[0] == report.before
    assert {trial.layers for trial in report.trials} >= {(), ("second",)}
    assert report.data == Run.load(folder).dataset().subset(Run.load(folder).split().validation).describe()
    # In the graph: that layer between two borders, and all else in integers.
    session = Classifier(out, family=KernelFamily.REFERENCE).session
    floating = [entry for entry in session.operations() if "float" in " ".join(entry.dtypes)]
    assert [entry.name for entry in floating] == ["DEQUANTIZE", "CONV_2D", "QUANTIZE"]
    assert "second" in session.tensors()[floating[1].outputs[0]].name
    # What it cost.
    total = 47 * 47 * (8 * 27 + 16 * 8) + 23 * 23 * 16 * 9 + 2 * 16
    assert (report.multiply_accumulates, report.multiply_accumulates_in_float) == (total, 47 * 47 * 16 * 8)
    assert report.before.size_bytes < report.after.size_bytes < report.before.size_bytes + 3000
    assert (
        min(entry.p50_ms for entry in (report.latency_before, report.latency_after, report.latency_float)) > 0
    )
    assert report.latency_after.runs >= 50
    # What is told of it.
    contract = ModelFile.read(out).contract
    assert contract is not None
    assert contract.provenance is not None
    assert contract.provenance.in_float == ("second",)
    document = json.loads(out.with_suffix(".restoration.json").read_text())
    assert (document["schema"], document["after"]["layers"]) == ("cspine-edge/restoration", ["second"])
    assert str(report).startswith("in float: second\n")
    assert f"{report.after.size_bytes / 1e6:.2f} MB" in str(report)
    for family in KernelFamily:
        assert verify(Classifier(out, family=family)).passed
    assert not verify(Classifier(_with_graph_of(out, plain.file.path, tmp_path))).passed


def _with_graph_of(model: Path, other: Path, folder: Path) -> Path:
    """The golden pairs of the one with the graph of the other, which has lost its second layer."""
    file = ModelFile.read(model)
    return replace(file, graph=ModelFile.read(other).graph).save(folder / "mixed-up.tflite").path


def test_nothing_is_kept_where_nothing_is_lost(run_with: Callable[[float], Path], tmp_path: Path) -> None:
    from converters.restoration import Criterion

    folder = run_with(0.1)
    asked = converted(folder, tmp_path / "asked.tflite", restore=Criterion(lost=0, margin_sqnr_db=3.0))
    assert asked.restoration.after.layers == ()
    assert asked.restoration.after == asked.restoration.before
    assert asked.restoration.ranking == ()
    plain = converted(folder, tmp_path / "plain.tflite")
    assert asked.file.graph == plain.file.graph
    assert plain.restoration is None
    assert not (tmp_path / "plain.restoration.json").exists()


def test_all_layers_in_float_are_the_float_network_however_it_was_tuned(
    run_with: Callable[[float], Path], tmp_path: Path
) -> None:
    from converters.restoration import Criterion

    def restored(db: float) -> Any:
        tuning = {"qat_epochs": 1, "qat_rate": 1e-3}
        out = tmp_path / f"{db:g}.tflite"
        return converted(
            run_with(0.1), out, Precision.INT8_QAT, restore=Criterion(lost=0, margin_sqnr_db=db), **tuning
        )

    report = restored(60.0).restoration
    assert report.after.layers == ("first", "second", "third", "pool", "logits")
    assert report.multiply_accumulates_in_float == report.multiply_accumulates
    with pytest.raises(ModelError, match=r"even with all layers in float \(5 layers"):
        restored(500.0)
    assert not (tmp_path / "500.tflite").exists()


def test_where_there_is_nothing_to_restore_or_to_judge_on(
    run_with: Callable[[float], Path], tmp_path: Path
) -> None:
    from converters.restoration import Criterion

    folder = run_with(0.1)
    with pytest.raises(UsageError, match="--restore is for int8 and int8-qat"):
        converted(folder, tmp_path / "m.tflite", Precision.FLOAT16, restore=Criterion())
    split = json.loads((folder / "split.json").read_text()) | {"validation": []}
    (folder / "split.json").write_text(json.dumps(split))
    with pytest.raises(UsageError, match="validation part of a run and this has none"):
        converted(folder, tmp_path / "m.tflite", restore=Criterion())


def test_the_verb(cli: Callable[..., Any], run_with: Callable[[float], Path]) -> None:
    folder = run_with(3e4)
    options = ("--precision", "int8", "--calibration-size", 24, "--restore", "--restore-db", 11)
    shown = cli("convert", folder, *options)
    assert shown.code == 0, shown.err
    lines = shown.out.splitlines()
    assert sum(line.startswith("restore: ") for line in lines) >= 2
    assert "in float: second" in lines
    assert any(line.startswith("size: ") and " MB (+" in line for line in lines)
    assert any(line.startswith("time: ") and "all in float" in line for line in lines)
    assert "in float      second" in cli("inspect", folder / "plain-96-int8.tflite").out
    twin = cli("convert", folder, *options, "--overwrite", "--json")
    assert json.loads(twin.out)["restoration"]["after"]["layers"] == ["second"]


def test_margins_off_by_a_shift_and_a_factor_have_no_noise() -> None:
    from converters.restore import margin_sqnr_db

    rng = np.random.default_rng(0)
    margins = rng.normal(0, 5, 400)
    assert margin_sqnr_db(margins, margins) > 140
    assert margin_sqnr_db(margins, 0.8 * margins + 3) > 140
    noisy = margin_sqnr_db(margins, margins + rng.normal(0, 0.5, 400))
    assert noisy == pytest.approx(20, abs=0.7)
    assert margin_sqnr_db(margins, np.zeros(400)) == pytest.approx(0)

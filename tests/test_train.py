"""A training run: the folder it writes, what it may choose on what, and how it goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.dataset import LabelledDataset, load_dataset, load_images
from cspine_edge.decision import Threshold
from cspine_edge.errors import InputError, ModelError, OutputError, UsageError
from cspine_edge.files import file_sha256
from cspine_edge.run import Run
from cspine_edge.splits import Protocol, grouped_split, paper_split
from cspine_edge.window import Window

pytestmark = pytest.mark.workstation


@pytest.fixture(scope="module")
def dataset(phantom_data: Path) -> LabelledDataset:
    return load_dataset(phantom_data)


def settings_of(weights: Path, **changes: Any) -> Any:
    """One epoch of the head alone at 32 pixels."""
    from cspine_edge.training.backbones import Architecture
    from cspine_edge.training.settings import TrainSettings

    arguments: dict[str, Any] = {
        "architecture": Architecture(alpha=0.25, size=32, hidden_units=8),
        "weights": str(weights),
        "epochs": 1,
        "batch_size": 16,
        "window": Window(400, 1800),
    }
    return TrainSettings(**(arguments | changes))


def trained(*arguments: Any, **keywords: Any) -> tuple[Any, list[str]]:
    from cspine_edge.training.train import train

    lines: list[str] = []
    return train(*arguments, log=lines.append, **keywords), lines


def margins_of(run: Run, dataset: LabelledDataset, paths: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    from converters.keras_model import load_keras
    from cspine_edge.training.loop import predict_logits

    part = dataset.subset(paths)
    images = load_images(part, run.preprocessing)
    logits = predict_logits(load_keras(run.model_path), images, run.preprocessing).astype(np.float64)
    return logits[:, 1] - logits[:, 0], part.labels


def test_folder_is_complete(small_run: Path) -> None:
    from PIL import Image

    files = {path.name for path in small_run.iterdir()}
    wanted = {
        "run.json",
        "split.json",
        "model.keras",
        "metrics.json",
        "curves.png",
        "confusion.png",
        "settings.json",
    }
    assert wanted <= files
    assert not [name for name in files if name.startswith(".")], "a temporary file was left"
    for name in ("curves.png", "confusion.png"):
        with Image.open(small_run / name) as picture:
            picture.load()
            assert min(picture.size) > 300


def test_run_is_read_back_as_it_was_written(small_run: Path, dataset: LabelledDataset) -> None:
    run = Run.load(small_run)
    assert (run.backbone, run.alpha, run.size, run.hidden_units) == ("mobilenet", 0.25, 96, 16)
    assert (run.optimizer, run.protocol, run.weights, run.seed) == ("nadam", "grouped", "mobilenet_he.h5", 0)
    assert run.preprocessing.window == Window(400, 1800)
    assert run.dataset().slices == dataset.slices
    assert run.fingerprint == dataset.fingerprint()
    assert run.split() == grouped_split(dataset, 0)
    assert run.settings["fine_tune_rate"] == 1e-3
    assert not Path(run.data).is_absolute()
    run.save(overwrite=True)
    assert Run.load(small_run) == run


def test_metrics_are_those_of_the_saved_network(small_run: Path, dataset: LabelledDataset) -> None:
    run = Run.load(small_run)
    margins, labels = margins_of(run, dataset, run.split().test)
    called = margins >= run.threshold.logit
    metrics = json.loads((small_run / "metrics.json").read_text())
    assert metrics["part"] == "test"
    assert metrics["confusion"] == {
        "true_positive": int((called & (labels == 1)).sum()),
        "false_negative": int((~called & (labels == 1)).sum()),
        "false_positive": int((called & (labels == 0)).sum()),
        "true_negative": int((~called & (labels == 0)).sum()),
    }


def test_threshold_is_chosen_on_the_validation_part(small_run: Path, dataset: LabelledDataset) -> None:
    run = Run.load(small_run)
    margins, labels = margins_of(run, dataset, run.split().validation)
    assert run.threshold.cases == (labels == 1).sum()
    assert "validation" in run.threshold.method
    assert (margins[labels == 1] >= run.threshold.logit).mean() >= 0.99
    lowest = margins[labels == 1].min()
    spared = (margins[labels == 0] < run.threshold.logit).mean()
    assert spared == (margins[labels == 0] < lowest).mean(), "another threshold would have spared more"


def test_temperature_and_abstention_are_chosen_there_too(small_run: Path, dataset: LabelledDataset) -> None:
    from calibration.decision import choose_decision

    run = Run.load(small_run)
    margins, labels = margins_of(run, dataset, run.split().validation)
    families = [item.family for item in dataset.subset(run.split().validation).slices]
    chosen = choose_decision(margins, labels, families, sensitivity=0.99, coverage=0.95)
    assert run.threshold == chosen.threshold
    assert run.temperature == pytest.approx(chosen.temperature)
    assert run.abstention == chosen.abstention
    assert run.abstention is not None
    # A dozen slices cannot carry 95 %, and the run says so.
    assert "are too few for 95 %" in run.abstention.method
    assert run.settings["coverage"] == run.abstention.coverage == 0.95


def test_reliability_is_that_of_the_test_part(small_run: Path, dataset: LabelledDataset) -> None:
    from cspine_edge.decision import Decision
    from cspine_edge.documents import encode
    from cspine_edge.reliability import assess

    run = Run.load(small_run)
    margins, labels = margins_of(run, dataset, run.split().test)
    metrics = json.loads((small_run / "metrics.json").read_text())
    expected = assess(margins, labels, Decision(run.threshold, run.temperature, run.abstention))
    assert metrics["reliability"] == encode(expected)
    assert 0.0 < metrics["reliability"]["brier_before"] < 1.0


@pytest.mark.slow
def test_test_part_chooses_nothing(he_weights: Path, dataset: LabelledDataset, tmp_path: Path) -> None:
    """The same training with other slices to test on ends in the same network and threshold."""
    split = grouped_split(dataset, 0)
    other = replace(split, test=split.test[: len(split.test) // 2])
    settings = settings_of(he_weights, fine_tune_epochs=1)
    first, _ = trained(dataset, split, settings, tmp_path / "first")
    second, _ = trained(dataset, other, settings, tmp_path / "second")
    assert first.run.threshold == second.run.threshold
    assert first.run.temperature == second.run.temperature
    assert first.run.abstention == second.run.abstention
    images = np.random.default_rng(0).random((4, 32, 32, 3), dtype=np.float32)
    from converters.keras_model import load_keras

    outputs = [load_keras(result.run.model_path)(images).numpy() for result in (first, second)]
    np.testing.assert_array_equal(*outputs)


def test_paper_protocol_tells_its_leak_and_tunes_no_threshold(
    he_weights: Path, dataset: LabelledDataset, tmp_path: Path
) -> None:
    result, lines = trained(dataset, paper_split(dataset, 0), settings_of(he_weights), tmp_path / "run")
    assert result.run.protocol == Protocol.PAPER.value
    assert result.run.threshold == Threshold()
    assert (result.run.temperature, result.run.abstention) == (1.0, None)
    assert any("split: paper: LEAK:" in line for line in lines)


def test_grouped_protocol_has_no_leak(he_weights: Path, dataset: LabelledDataset, tmp_path: Path) -> None:
    _, lines = trained(dataset, grouped_split(dataset, 0), settings_of(he_weights), tmp_path / "run")
    assert any("split: grouped: no leak" in line for line in lines)


def test_existing_folder_is_refused(small_run: Path, he_weights: Path, dataset: LabelledDataset) -> None:
    before = {path: path.stat().st_mtime_ns for path in small_run.rglob("*")}
    with pytest.raises(OutputError, match="exists already"):
        trained(dataset, grouped_split(dataset, 0), settings_of(he_weights), small_run)
    assert {path: path.stat().st_mtime_ns for path in small_run.rglob("*")} == before


def test_resume_of_nothing_is_refused(he_weights: Path, dataset: LabelledDataset, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no broken-off training"):
        trained(dataset, grouped_split(dataset, 0), settings_of(he_weights), tmp_path / "none", resume=True)
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_broken_off_and_resumed(he_weights: Path, dataset: LabelledDataset, tmp_path: Path) -> None:
    from converters.keras_model import load_keras
    from cspine_edge.recipe import Optimizer
    from cspine_edge.training.train import train

    def break_off(line: str) -> None:
        if line.startswith("head 1/2"):
            raise KeyboardInterrupt

    split = grouped_split(dataset, 0)
    settings = settings_of(he_weights, optimizer=Optimizer.ADAM, epochs=2, fine_tune_epochs=1)
    with pytest.raises(KeyboardInterrupt):
        train(dataset, split, settings, tmp_path / "broken", log=break_off)
    with pytest.raises(InputError, match="no finished run"):
        Run.load(tmp_path / "broken")
    for other in (replace(settings, rate=1e-3), replace(settings, seed=1)):
        with pytest.raises(UsageError, match="other settings"):
            trained(dataset, split, other, tmp_path / "broken", resume=True)
    with pytest.raises(UsageError, match="another split"):
        trained(dataset, grouped_split(dataset, 3), settings, tmp_path / "broken", resume=True)

    resumed, lines = trained(dataset, split, settings, tmp_path / "broken", resume=True)
    assert "head: resumed after epoch 1 of 2" in lines
    whole, _ = trained(dataset, split, settings, tmp_path / "whole")
    assert resumed.metrics == whole.metrics
    assert resumed.run.threshold == whole.run.threshold
    weights = [load_keras(result.run.model_path).get_weights() for result in (resumed, whole)]
    for one, same in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, same)


@pytest.mark.parametrize("weights", ["missing.h5", "missing.keras"])
def test_weights_that_cannot_be_had_leave_no_folder(
    weights: str, dataset: LabelledDataset, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="missing"):
        trained(dataset, grouped_split(dataset, 0), settings_of(tmp_path / weights), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_going_on_from_a_network_of_ours(small_run: Path, dataset: LabelledDataset, tmp_path: Path) -> None:
    from converters.keras_model import load_keras
    from cspine_edge.training.backbones import Architecture

    start = small_run / "model.keras"
    same = Architecture(alpha=0.25, size=96, hidden_units=16)
    settings = settings_of(start, architecture=same, epochs=0)
    result, _ = trained(dataset, grouped_split(dataset, 0), settings, tmp_path / "run")
    for one, other in zip(
        load_keras(result.run.model_path).get_weights(), load_keras(start).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    other = replace(settings, architecture=replace(same, hidden_units=8))
    with pytest.raises((ModelError, UsageError), match="is no network of this toolkit of that architecture"):
        trained(dataset, grouped_split(dataset, 0), other, tmp_path / "other")


def test_linear_heads_are_solved_on_any_base(
    small_run: Path, dataset: LabelledDataset, tmp_path: Path
) -> None:
    """A network of ours is a base like any other, whatever head it has; without epochs there are no curves."""
    from converters.keras_model import load_keras
    from cspine_edge.recipe import Head
    from cspine_edge.training.backbones import Architecture

    start = small_run / "model.keras"
    settings = settings_of(start, architecture=Architecture(alpha=0.25, size=96, head=Head.LINEAR))
    result, lines = trained(dataset, grouped_split(dataset, 0), settings, tmp_path / "run")
    assert sum(line.startswith("linear head at stride") for line in lines) == 3
    assert Run.load(tmp_path / "run").head == "linear"
    ours, base = load_keras(result.run.model_path), load_keras(start)
    assert ours.get_layer("stage32_logits").kernel.shape == (256, 2)
    for layer in base.layers:
        if layer.weights and layer.name not in ("hidden", "logits"):
            for one, other in zip(ours.get_layer(layer.name).get_weights(), layer.get_weights(), strict=True):
                np.testing.assert_array_equal(one, other)
    assert not (tmp_path / "run" / "curves.png").exists()
    assert (tmp_path / "run" / "confusion.png").is_file()
    again, _ = trained(dataset, grouped_split(dataset, 0), settings, tmp_path / "again")
    for one, other in zip(ours.get_weights(), load_keras(again.run.model_path).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    tuned, _ = trained(
        dataset, grouped_split(dataset, 0), replace(settings, fine_tune_epochs=1), tmp_path / "tuned"
    )
    assert (tmp_path / "tuned" / "curves.png").is_file()
    for name in ("conv1", "stage8_logits", "stage32_logits"):
        assert (
            (load_keras(tuned.run.model_path).get_layer(name).kernel != ours.get_layer(name).kernel)
            .numpy()
            .any()
        )


def test_a_shortened_network_is_trained_and_named(
    small_run: Path, dataset: LabelledDataset, tmp_path: Path
) -> None:
    from cspine_edge.recipe import Head
    from cspine_edge.training.backbones import Architecture

    shortened = Architecture(alpha=0.25, size=96, head=Head.LINEAR, blocks=8)
    settings = settings_of(small_run / "model.keras", architecture=shortened)
    result, lines = trained(dataset, grouped_split(dataset, 0), settings, tmp_path / "run")
    heads = [line.split(":")[0] for line in lines if line.startswith("linear head")]
    assert heads == ["linear head at stride 8", "linear head at stride 16"]
    run = Run.load(tmp_path / "run")
    assert (run.name, run.blocks, result.run.blocks) == ("mobilenet-a0.25-b8-96", 8, 8)
    assert run.settings["architecture"]["blocks"] == 8
    assert "blocks" not in Run.load(small_run).settings["architecture"], "earlier runs could not be resumed"


def test_random_weights_are_no_base_to_read(dataset: LabelledDataset, tmp_path: Path) -> None:
    from cspine_edge.recipe import Head
    from cspine_edge.training.backbones import Architecture

    settings = settings_of(Path("random"), architecture=Architecture(alpha=0.25, size=32, head=Head.LINEAR))
    with pytest.raises(UsageError, match="give --fine-tune-epochs too"):
        trained(dataset, grouped_split(dataset, 0), settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    settings = replace(settings, fine_tune_epochs=1)
    _, lines = trained(dataset, grouped_split(dataset, 0), settings, tmp_path / "run")
    assert not [line for line in lines if line.startswith("linear head")]
    assert (tmp_path / "run" / "curves.png").is_file()


def test_options_of_a_dense_head_are_refused_for_linear_ones(
    phantom_data: Path, cli: Any, tmp_path: Path
) -> None:
    for option, value in (("--epochs", 3), ("--hidden-units", 8), ("--rate", 0.1), ("--dropout", 0.1)):
        said = cli("train", phantom_data, option, value, "--weights", "random", "--out", tmp_path / "run")
        assert said.code == 2
        assert f"{option} is about a dense head" in said.err.replace("\n", " ")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "head"),
    [
        (("--protocol", "paper", "--epochs", 1), "dense"),
        (("--protocol", "grouped"), "linear"),
        (("--head", "dense", "--epochs", 1), "dense"),
    ],
)
def test_head_follows_the_protocol_unless_told(
    options: tuple[Any, ...], head: str, phantom_data: Path, he_weights: Path, cli: Any, tmp_path: Path
) -> None:
    small = ("--alpha", 0.25, "--size", 32, "--weights", he_weights)
    said = cli("train", phantom_data, *small, *options, "--out", tmp_path / "run")
    assert said.code == 0, said.err
    assert Run.load(tmp_path / "run").head == head


@pytest.mark.slow
def test_json_is_one_document_and_progress_goes_beside_it(
    phantom_data: Path, he_weights: Path, cli: Any, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    small = ("--alpha", 0.25, "--size", 32, "--weights", he_weights)
    said = cli("train", phantom_data, *small, "--out", run, "--json")
    assert said.code == 0, said.err
    document = json.loads(said.out)
    described = json.loads((run / "run.json").read_text())
    assert (
        document["run"].items()
        >= {name: value for name, value in described.items() if name not in ("schema", "version")}.items()
    )
    assert document["run"]["folder"] == str(run)
    measured = json.loads((run / "metrics.json").read_text())
    assert document["reliability"] == measured["reliability"]
    assert document["metrics"].items() <= measured.items()
    assert "test: accuracy" in said.err


@pytest.fixture(scope="module")
def student(
    small_run: Path, he_weights: Path, dataset: LabelledDataset, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """One epoch at 32 pixels with the small run, of 96 pixels, as teacher."""
    out = tmp_path_factory.mktemp("students") / "student"
    settings = settings_of(he_weights, teacher=small_run, fine_tune_epochs=1, fine_tune_rate=1e-3)
    result, _ = trained(dataset, grouped_split(dataset, 0), settings, out)
    return result.run


def test_a_student_tells_its_teacher(student: Run, small_run: Path) -> None:
    import hashlib

    from converters.contract_writer import describe_provenance
    from cspine_edge.contract import Precision

    found = Run.load(student.folder)
    teacher = found.settings["teacher"]
    sha256 = hashlib.sha256((small_run / "model.keras").read_bytes()).hexdigest()
    assert (teacher["name"], teacher["sha256"]) == ("mobilenet-a0.25-96", sha256)
    assert (found.folder / teacher["run"]).resolve() == small_run.resolve()
    origin = describe_provenance(
        found, found.model_path, Precision.INT8, "phantom", None, found.folder / "student.tflite"
    )
    assert origin.teacher == f"mobilenet-a0.25-96 {sha256}"
    assert Run.load(small_run).teacher is None


def test_a_student_learns_from_its_teacher_and_not_from_labels(
    small_run: Path, he_weights: Path, dataset: LabelledDataset, tmp_path: Path
) -> None:
    """A teacher that calls everything a fracture, at a margin of about 20, makes a student that does so too."""
    import shutil

    from converters.keras_model import load_keras

    shutil.copytree(small_run, tmp_path / "teacher", ignore=shutil.ignore_patterns("checkpoints", "*.tflite"))
    biased = load_keras(small_run / "model.keras")
    biased.get_layer("logits").bias.assign([-10.0, 10.0])
    biased.save(tmp_path / "teacher" / "model.keras")
    known = replace(
        Run.load(tmp_path / "teacher"), model_sha256=file_sha256(tmp_path / "teacher" / "model.keras")
    )
    known.save(overwrite=True)
    settings = settings_of(
        he_weights, teacher=tmp_path / "teacher", fine_tune_epochs=2, fine_tune_rate=1e-2, batch_size=8
    )
    result, lines = trained(dataset, grouped_split(dataset, 0), settings, tmp_path / "run")
    margins, labels = margins_of(result.run, dataset, result.run.split().train)
    assert len(set(labels)) == 2
    assert (margins > 1).all()
    assert any(line.startswith("fine-tune 2/2: loss") for line in lines)


def test_a_teacher_that_may_know_the_test_part_is_refused(
    small_run: Path, he_weights: Path, dataset: LabelledDataset, tmp_path: Path
) -> None:
    settings = settings_of(he_weights, teacher=small_run, fine_tune_epochs=1)
    with pytest.raises(
        UsageError, match=r"another split and may know the test part; give --split .*split\.json"
    ):
        trained(dataset, grouped_split(dataset, 3), settings, tmp_path / "run")
    fewer = replace(dataset, slices=dataset.slices[1:])
    with pytest.raises(UsageError, match="was trained on other data"):
        trained(fewer, grouped_split(dataset, 0), settings, tmp_path / "run")
    with pytest.raises(InputError, match="no finished run folder"):
        trained(dataset, grouped_split(dataset, 0), replace(settings, teacher=tmp_path), tmp_path / "run")
    with pytest.raises(UsageError, match="give --fine-tune-epochs too"):
        trained(dataset, grouped_split(dataset, 0), replace(settings, fine_tune_epochs=0), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_teacher_s_split_is_taken_over(
    small_run: Path, phantom_data: Path, he_weights: Path, cli: Any, tmp_path: Path
) -> None:
    small = ("--alpha", 0.25, "--size", 32, "--weights", he_weights, "--window", "400/1800")
    taught = ("--teacher", small_run, "--fine-tune-epochs", 1, "--seed", 7)
    said = cli("train", phantom_data, *small, *taught, "--out", tmp_path / "run")
    assert said.code == 0, said.err
    assert Run.load(tmp_path / "run").split() == Run.load(small_run).split()
    said = cli("train", phantom_data, *small, *taught, "--protocol", "paper", "--out", tmp_path / "other")
    assert said.code == 2
    assert "another split" in said.err.replace("\n", " ")

"""Where quantisation hurts: the bad layer is found, by the same measure however the channels are scaled."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.classifier import Classifier, Facts
from cspine_edge.contract import Precision
from cspine_edge.errors import ContractError, ModelError, UsageError
from cspine_edge.layer_error import KERNELS, LayerReport, compare_layers
from cspine_edge.model_file import ModelFile
from cspine_edge.preprocess import Preprocessing

SPEC = Preprocessing(96, 96, 3)
KERNEL_LAYERS = ("first", "depthwise", "pointwise", "norm", "logits")


@pytest.fixture(scope="module")
def network(he_scaled: Callable[..., Any]) -> Any:
    """A folded network with a head whose normalisation stands alone, as in linear heads."""
    from cspine_edge.training.framework import keras

    layers = keras.layers
    image = keras.Input((96, 96, 3))
    x = layers.Conv2D(8, 3, strides=2, activation="relu", name="first")(image)
    x = layers.DepthwiseConv2D(3, strides=2, activation="relu", name="depthwise")(x)
    x = layers.Conv2D(16, 1, activation="relu", name="pointwise")(x)
    x = layers.Reshape((1, 1, 16))(layers.GlobalAveragePooling2D(name="pool")(x))
    x = layers.Reshape((16,))(layers.DepthwiseConv2D(1, name="norm")(x))
    return he_scaled(keras.Model(image, layers.Dense(2, name="logits")(x), name="net"))


@pytest.fixture(scope="module")
def images(phantom_images: np.ndarray) -> np.ndarray:
    return phantom_images[::3]


def opened(graph: bytes, path: Path) -> Classifier:
    path.write_bytes(graph)
    facts = Facts(("normal", "fracture"), "fracture", probabilities=False)
    return Classifier(path, threads=1, family=KERNELS, facts=facts, keep_tensors=True)


def float_model(network: Any, path: Path) -> Classifier:
    from converters.tflite import export

    return opened(export(network, Precision.FLOAT32, SPEC, None), path)


def int8_model(network: Any, images: np.ndarray, path: Path, **ranges: tuple[float, float]) -> Classifier:
    from converters.qat import quantization_aware
    from converters.ranges import activation_ranges
    from converters.tflite import export

    found = activation_ranges(network, images, SPEC) | ranges
    return opened(export(quantization_aware(network, found, SPEC), Precision.INT8, SPEC, None), path)


def by_name(report: LayerReport) -> dict[str, Any]:
    return {layer.name: layer for layer in report.layers}


@pytest.mark.workstation
def test_each_layer_is_named_and_measured(network: Any, images: np.ndarray, tmp_path: Path) -> None:
    reference = float_model(network, tmp_path / "float.tflite")
    report = compare_layers(
        int8_model(network, images, tmp_path / "int8.tflite"), reference, images, data="phantom"
    )
    found = by_name(report)
    assert [layer.name for layer in report.layers] == [
        "first",
        "depthwise",
        "pointwise",
        "pool",
        "norm",
        "logits",
    ]
    assert {layer.arithmetic for layer in report.layers} == {"int8"}
    assert found["first"].shape == (1, 47, 47, 8)
    assert found["first"].drop_db is None
    assert found["depthwise"].drop_db == pytest.approx(found["first"].sqnr_db - found["depthwise"].sqnr_db)
    assert all(15 < layer.sqnr_db < 60 for layer in report.layers[:3])  # the pooled features hardly differ
    assert (report.slices, report.candidate, report.reference) == (16, "int8.tflite", "float.tflite")
    # The float converter moves the normalisation's constants into the layer that follows.
    assert [layer.name for layer in report.layers if layer.bias is None] == ["norm"]
    same = compare_layers(reference, reference, images, data="phantom")
    assert all(layer.sqnr_db > 100 and layer.bias == pytest.approx(0, abs=1e-6) for layer in same.layers)


@pytest.mark.workstation
@pytest.mark.parametrize("bad", ["first", "depthwise", "pointwise"])
def test_a_layer_with_far_too_wide_a_range_is_the_worst(
    bad: str, network: Any, images: np.ndarray, tmp_path: Path
) -> None:
    report = compare_layers(
        int8_model(network, images, tmp_path / "int8.tflite", **{bad: (0.0, 500.0)}),
        float_model(network, tmp_path / "float.tflite"),
        images,
        data="phantom",
    )
    worst = max(
        report.layers, key=lambda layer: layer.drop_db if layer.drop_db is not None else -layer.sqnr_db
    )
    following = [layer.sqnr_db for layer in report.layers][KERNEL_LAYERS.index(bad) :]
    assert report.worst_first()[0].sqnr_db == min(following)
    assert max(following) < 15
    if bad == "first":
        assert report.worst_first()[0].sqnr_db < report.layers[0].sqnr_db + 6
    else:
        assert worst.name == bad
        assert worst.drop_db is not None
        assert worst.drop_db > 10


@pytest.mark.workstation
def test_channels_scaled_and_scaled_back_change_nothing(
    network: Any, images: np.ndarray, tmp_path: Path
) -> None:
    """The same function, each channel of two activations multiplied by a constant of its own."""
    from cspine_edge.training.framework import keras

    equalised = keras.models.clone_model(network)
    equalised.set_weights(network.get_weights())
    rng = np.random.default_rng(3)
    for name, follower, axis in (("first", "depthwise", 2), ("depthwise", "pointwise", 2)):
        layer, after = equalised.get_layer(name), equalised.get_layer(follower)
        kernel, bias = layer.get_weights()
        factor = rng.uniform(0.1, 10, len(bias)).astype(np.float32)
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        layer.set_weights([kernel * (factor[:, np.newaxis] if depthwise else factor), bias * factor])
        kernel, bias = after.get_weights()
        after.set_weights([kernel / factor.reshape([-1 if i == axis else 1 for i in range(4)]), bias])
    reference = float_model(network, tmp_path / "float.tflite")
    other = float_model(equalised, tmp_path / "equalised.tflite")
    for layer in compare_layers(other, reference, images, data="phantom").layers:
        assert layer.sqnr_db > 90
    other.load(images[0])
    other.session.invoke()
    reference.load(images[0])
    reference.session.invoke()
    first = [model.session.values(model.session.operations()[0].outputs[0]) for model in (other, reference)]
    assert np.abs(first[0] - first[1]).max() > 0.5 * np.abs(first[1]).max()  # the tensors are far apart


@pytest.mark.workstation
def test_networks_of_other_structure_are_refused(network: Any, images: np.ndarray, tmp_path: Path) -> None:
    from cspine_edge.training.framework import keras

    layers = keras.layers
    quantised = int8_model(network, images, tmp_path / "int8.tflite")

    def refusal(other: Any) -> str:
        with pytest.raises(ModelError, match=r"operations are not those of .*other\.tflite") as refused:
            compare_layers(quantised, float_model(other, tmp_path / "other.tflite"), images, data="phantom")
        assert "--precision float32" in str(refused.value)
        return str(refused.value)

    image = keras.Input((96, 96, 3))
    x = layers.Conv2D(8, 3, strides=2, activation="relu", name="first", bias_initializer="ones")(image)
    x = layers.DepthwiseConv2D(3, strides=2, activation="relu", name="depthwise")(x)
    narrow = layers.Conv2D(12, 1, activation="relu", name="pointwise")(x)
    narrow = layers.Dense(2, name="logits")(layers.GlobalAveragePooling2D()(narrow))
    assert "pointwise" in refusal(keras.Model(image, narrow))
    renamed = layers.Conv2D(16, 1, activation="relu", name="another")(x)
    renamed = layers.Dense(2, name="logits")(layers.GlobalAveragePooling2D()(renamed))
    assert "another" in refusal(keras.Model(image, renamed))
    # A head without the normalisation: the pooling's shape is another already.
    merged = keras.Model(
        network.input, layers.Dense(2, name="logits")(network.get_layer("pool").output), name="net"
    )
    assert "pool" in refusal(merged)


@pytest.mark.workstation
def test_too_few_slices_and_other_preprocessing(network: Any, images: np.ndarray, tmp_path: Path) -> None:
    reference = float_model(network, tmp_path / "float.tflite")
    with pytest.raises(UsageError, match="3 slices are too few"):
        compare_layers(reference, reference, images[:3], data="phantom")
    facts = Facts(("normal", "fracture"), "normal", probabilities=False)
    other = Classifier(tmp_path / "float.tflite", family=KERNELS, facts=facts, keep_tensors=True)
    with pytest.raises(ContractError, match="other preprocessing or labels"):
        compare_layers(other, reference, images, data="phantom")


@pytest.mark.workstation
def test_the_verb(
    cli: Callable[..., Any],
    small_int8_model: Path,
    float_model_of_run: Path,
    phantom_data: Path,
    tmp_path: Path,
) -> None:
    from PIL import Image

    out, plot = tmp_path / "layers.json", tmp_path / "layers.png"
    shown = cli(
        "layers", small_int8_model, "--data", phantom_data, "--slices", 8, "--out", out, "--plot", plot
    )
    assert (shown.code, shown.err) == (0, "")
    report = json.loads(out.read_text())
    assert (report["schema"], report["slices"], report["reference"]) == (
        "cspine-edge/layers",
        8,
        float_model_of_run.name,
    )
    assert len(report["layers"]) > 28
    worst = min(report["layers"], key=lambda layer: layer["sqnr_db"])
    rows = [line for line in shown.out.splitlines() if line.startswith("│")]
    assert len(rows) == len(report["layers"])
    assert worst["name"] in rows[0]
    with Image.open(plot) as picture:
        assert picture.size[0] > 400
    again = cli("layers", small_int8_model, "--data", phantom_data, "--plot", plot)
    assert (again.code, again.out) == (4, "")
    alone = tmp_path / "alone" / "model.tflite"
    ModelFile.read(small_int8_model).save(alone)
    assert "give --reference FILE" in cli("layers", alone, "--data", phantom_data).err
    twin = json.loads(
        cli(
            "layers",
            alone,
            "--reference",
            float_model_of_run,
            "--data",
            phantom_data,
            "--slices",
            8,
            "--json",
        ).out
    )
    assert twin["layers"] == report["layers"]


@pytest.fixture
def float_model_of_run(converted: Callable[[str], Path]) -> Path:
    return converted("float32")

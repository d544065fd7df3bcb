"""ONNX export: the same margins, what TensorRT wants, and the same gate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.classifier import Classifier
from cspine_edge.contract import Precision
from cspine_edge.errors import OutputError, UsageError
from cspine_edge.model_file import ModelFile
from cspine_edge.preprocess import Preprocessing

onnx = pytest.importorskip("onnx")
pytest.importorskip("tf2onnx")
pytestmark = pytest.mark.workstation


@pytest.fixture(scope="module")
def exported(small_run: Path) -> Callable[[str], Path]:
    """The small run as ONNX, beside its TFLite files."""
    from converters.onnx_export import export_onnx
    from converters.source import source_of_run

    def model(precision: str) -> Path:
        out = small_run / f"mobilenet-a0.25-96-{precision}.onnx"
        if not out.exists():
            export_onnx(source_of_run(small_run), Precision(precision), out, calibration_size=24)
        return out

    return model


def margins(model: Path, images: np.ndarray) -> np.ndarray:
    classifier = Classifier(model, threads=1)
    return np.array([classifier.margin(image) for image in images])


def test_float_margins_are_those_of_the_float_tflite(
    exported: Callable[[str], Path], float_model: Path, phantom_images: np.ndarray
) -> None:
    found, expected = (margins(model, phantom_images) for model in (exported("float32"), float_model))
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_float_margins_are_those_of_the_float_tflite_on_ct(root: Path, csf: Path, tmp_path: Path) -> None:
    from converters.convert import ConvertSettings, convert
    from converters.onnx_export import export_onnx
    from converters.source import source_of_keras
    from cspine_edge.dataset import load_dataset, load_images

    source = source_of_keras(root / "models" / "mobilenet-a1.0-224.keras", None, (0.0, 1.0))
    dataset = load_dataset(csf)
    images = load_images(dataset.subset([item.path for item in dataset.slices[::60]]), source.spec)
    export_onnx(source, Precision.FLOAT32, tmp_path / "m.onnx")
    convert(source, ConvertSettings(Precision.FLOAT32), tmp_path / "m.tflite", log=lambda line: None)
    found, expected = (margins(tmp_path / name, images) for name in ("m.onnx", "m.tflite"))
    assert expected.min() < -1 < 1 < expected.max()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_the_gate_takes_it(
    exported: Callable[[str], Path], float_model: Path, cli: Callable[..., Any], phantom_data: Path
) -> None:
    model = exported("float32")
    outcome = cli("check", model, "--data", phantom_data)  # its reference is the run's float32 .tflite
    assert outcome.code == 3, outcome.err  # eight series are too few
    assert "agreement 100.00 %, 0 flips of 48" in outcome.out
    assert "onnxruntime" in outcome.out
    contract = ModelFile.read(model).contract
    assert contract is not None
    assert contract.parity is not None
    assert contract.parity["reference"] == float_model.name


def test_it_decides_by_its_own_margins(exported: Callable[[str], Path], small_run: Path) -> None:
    from cspine_edge.run import Run

    contract = ModelFile.read(exported("float32")).contract
    assert contract is not None
    assert contract.provenance is not None
    assert contract.provenance.precision is Precision.FLOAT32
    assert contract.threshold.cases > 0
    assert contract.threshold.logit == pytest.approx(Run.load(small_run).threshold.logit, abs=1e-2)


def test_tensors_are_named_and_in_tensorrts_order_of_axes(exported: Callable[[str], Path]) -> None:
    graph = onnx.load(exported("float32")).graph
    described = [
        (value.name, [side.dim_value for side in value.type.tensor_type.shape.dim])
        for value in (*graph.input, *graph.output)
    ]
    assert described == [("image", [1, 3, 96, 96]), ("logits", [1, 2]), ("probability", [1, 2])]
    assert not any(node.op_type == "Transpose" for node in graph.node)


def test_other_layers_compute_the_same() -> None:
    """Joined branches, a depthwise kernel as large as the map, pooling of all kinds, a reshape."""
    from converters.onnx_export import float_graph
    from cspine_edge.onnx_model import OnnxSession
    from cspine_edge.training.framework import keras

    layers = keras.layers
    image = keras.Input((24, 24, 3))
    first = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu6")(image)
    joined = layers.Concatenate()([layers.AveragePooling2D()(first), layers.MaxPooling2D()(first)])
    whole = layers.Reshape((16,))(layers.DepthwiseConv2D(6, padding="valid")(joined))
    mean = layers.GlobalAveragePooling2D()(joined)
    model = keras.Model(image, layers.Dense(2)(layers.Concatenate()([whole, mean])))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.3, weights.shape) for weights in model.get_weights()])
    pixels = rng.random((1, 24, 24, 3), dtype=np.float32)
    session = OnnxSession(Path("m.onnx"), float_graph(model, Preprocessing(24, 24)), threads=1)
    session.input_view()[:] = pixels
    session.invoke()
    expected = model(pixels, training=False).numpy().ravel()
    assert abs(expected).max() > 0.1
    np.testing.assert_allclose(session.output(0), expected, rtol=1e-4, atol=1e-5)


def test_int8_is_quantised_as_tensorrt_wants_it(exported: Callable[[str], Path]) -> None:
    graph = onnx.load(exported("int8")).graph
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    maker = {name: node for node in graph.node for name in node.output}
    pairs = [node for node in graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")]
    assert pairs
    for node in pairs:
        zero_point = constants[node.input[2]]
        assert zero_point.dtype == np.int8
        assert not zero_point.any()
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    quantised = [
        node for node in convolutions if node.input[0] in maker and is_dequantised(maker, node.input[0])
    ]
    assert len(quantised) == 27  # of MobileNet; what follows the pooling stays in float
    for node in quantised:
        assert is_dequantised(maker, node.input[1])
        weights = maker[maker[node.input[1]].input[0]]
        assert constants[weights.input[1]].shape == (
            constants[weights.input[0]].shape[0],
        )  # a scale a channel
        assert node.input[2] in constants  # its bias is a float
        (follower,) = [other for other in graph.node if node.output[0] in other.input]
        assert follower.op_type == "Clip"


def is_dequantised(maker: dict[str, Any], name: str) -> bool:
    return maker[name].op_type == "DequantizeLinear"


def test_int8_margins_follow_the_float_ones(
    exported: Callable[[str], Path], float_model: Path, phantom_images: np.ndarray
) -> None:
    found, expected = (margins(model, phantom_images) for model in (exported("int8"), float_model))
    assert np.corrcoef(found, expected)[0, 1] > 0.9
    assert not np.allclose(found, expected, atol=1e-4)
    assert (exported("int8").parent / f"{exported('int8').name}.calibration.json").is_file()


def test_the_verb_writes_beside_the_run(
    small_run: Path, cli: Callable[..., Any], tmp_path: Path, exported: Callable[[str], Path]
) -> None:
    exported("float32")
    outcome = cli("export", small_run, "--format", "onnx")
    assert outcome.code == 4
    assert "mobilenet-a0.25-96-float32.onnx: exists already" in outcome.err
    outcome = cli("export", small_run, "--format", "onnx", "--out", tmp_path / "mine.onnx", "--json")
    assert outcome.code == 0, outcome.err
    assert '"schema": "cspine-edge/contract"' in outcome.out
    assert ModelFile.read(tmp_path / "mine.onnx").contract is not None


def test_what_cannot_be_exported_is_refused_at_once(
    small_run: Path, tmp_path: Path, exported: Callable[[str], Path]
) -> None:
    from converters.onnx_export import export_onnx
    from converters.source import source_of_keras, source_of_run

    source = source_of_run(small_run)
    with pytest.raises(UsageError, match=r"give a name that ends in \.onnx"):
        export_onnx(source, Precision.FLOAT32, tmp_path / "m.bin")
    with pytest.raises(UsageError, match="float32 or int8, not as float16"):
        export_onnx(source, Precision.FLOAT16, tmp_path / "m.onnx")
    with pytest.raises(OutputError, match="exists already"):
        export_onnx(source, Precision.FLOAT32, exported("float32"))
    bare = source_of_keras(small_run / "model.keras", None, (0.0, 1.0))
    with pytest.raises(UsageError, match="give --data"):
        export_onnx(bare, Precision.INT8, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())

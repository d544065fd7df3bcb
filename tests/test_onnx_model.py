"""ONNX models on the device: the contract in their metadata, ONNX Runtime behind the same face."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.classifier import Classifier, Facts
from cspine_edge.contract import Contract, Outputs
from cspine_edge.errors import ContractError, MissingExtraError, ModelError
from cspine_edge.model_file import ModelFile
from cspine_edge.onnx_model import OnnxSession, put_together, take_apart
from cspine_edge.preprocess import Preprocessing
from cspine_edge.runtime import open_session

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
LABELS = ("normal", "fracture")


def network(shape: tuple[Any, ...] = (1, 3, 6, 8), element: int = 1, seed: int = 0) -> bytes:
    """Logits that weigh every pixel and channel with a number of its own: any exchange of axes shows."""
    size = 3 * 6 * 8
    weights = np.random.default_rng(seed).normal(size=(size, 2)).astype(np.float32)
    nodes = [
        onnx.helper.make_node("Cast", ["image"], ["real"], to=1),
        onnx.helper.make_node("Flatten", ["real"], ["pixels"]),
        onnx.helper.make_node("MatMul", ["pixels", "weights"], ["logits"]),
        onnx.helper.make_node("Softmax", ["logits"], ["probability"]),
    ]
    inputs = [onnx.helper.make_tensor_value_info("image", element, shape)]
    outputs = [onnx.helper.make_tensor_value_info(name, 1, (1, 2)) for name in ("logits", "probability")]
    graph = onnx.helper.make_graph(
        nodes, "g", inputs, outputs, [onnx.numpy_helper.from_array(weights, "weights")]
    )
    opset = onnx.helper.make_opsetid("", 13)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
    return bytes(model.SerializeToString(deterministic=True))


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., ModelFile]:
    def save(**changes: Any) -> ModelFile:
        contract = Contract(Preprocessing(6, 8), Outputs(0, 1), LABELS, LABELS[1])
        file = ModelFile(
            tmp_path / "m.onnx",
            network(),
            replace(contract, **changes),
            {"labels.txt": b"normal\nfracture\n"},
        )
        return file.save(file.path, overwrite=True)

    return save


def test_what_was_written_is_read_back_byte_by_byte(saved: Callable[..., ModelFile]) -> None:
    file = saved(temperature=1.5)
    read = ModelFile.read(file.path)
    assert read == file
    assert read.graph == network()
    assert read.attachments == {"labels.txt": b"normal\nfracture\n"}


def test_other_tools_find_the_contract_in_the_metadata(saved: Callable[..., ModelFile]) -> None:
    model = onnx.load(saved(temperature=1.5).path)
    onnx.checker.check_model(model)
    found = {entry.key: entry.value for entry in model.metadata_props}
    assert found.keys() == {"cspine_edge.json", "labels.txt"}
    assert '"temperature": 1.5' in found["cspine_edge.json"]


def test_a_parity_verdict_is_written_back(saved: Callable[..., ModelFile]) -> None:
    file = saved()
    file.with_parity({"verdict": "passed", "reason": "because"})
    read = ModelFile.read(file.path)
    assert read.contract is not None
    assert read.contract.parity == {"verdict": "passed", "reason": "because"}
    assert read.graph == file.graph


def test_a_contract_of_another_graph_is_refused(saved: Callable[..., ModelFile]) -> None:
    path = saved().path
    _, attachments = take_apart(path, path.read_bytes())
    path.write_bytes(put_together(network(seed=1), attachments))
    with pytest.raises(ContractError, match="is damaged: its graph is not the one"):
        ModelFile.read(path)


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty", "tflite"])
def test_what_is_no_onnx_model_is_named(damage: str, int8_model: Path, tmp_path: Path) -> None:
    whole = network()
    broken = {
        "cut": whole[: len(whole) // 2],
        "garbage": np.random.default_rng(0).bytes(5000),
        "empty": b"",
        "tflite": int8_model.read_bytes(),
    }[damage]
    path = tmp_path / "m.onnx"
    path.write_bytes(broken)
    with pytest.raises(
        ModelError, match=r"m\.onnx: is no ONNX model \(.*\); export or copy it again"
    ) as caught:
        ModelFile.read(path)
    assert "\n" not in str(caught.value)


def test_the_view_is_the_image_with_channels_last() -> None:
    session = OnnxSession(Path("m.onnx"), network(), threads=1)
    assert session.input.shape == (1, 6, 8, 3)
    assert [output.shape for output in session.outputs] == [(1, 2), (1, 2)]
    image = np.random.default_rng(1).random((6, 8, 3), dtype=np.float32)
    session.input_view()[0] = image
    session.invoke()
    weights = np.random.default_rng(0).normal(size=(144, 2)).astype(np.float32)
    np.testing.assert_allclose(session.output(0), image.transpose(2, 0, 1).ravel() @ weights, rtol=1e-4)
    assert session.output(1).sum() == pytest.approx(1.0)
    kept = session.output(0)
    session.input_view()[0] = 0.0
    session.invoke()
    assert (session.output(0) == 0.0).all()
    assert kept.any()


def test_the_classifier_takes_it_as_any_model(saved: Callable[..., ModelFile]) -> None:
    classifier = Classifier(saved().path, threads=1)
    assert "onnxruntime" in classifier.session.banner
    assert classifier.session.banner.endswith("CPUExecutionProvider, 1 thread")
    grey = np.random.default_rng(2).integers(0, 256, (6, 8), dtype=np.uint8)
    weights = np.random.default_rng(0).normal(size=(144, 2)).astype(np.float32)
    logits = np.tile((grey / np.float32(255)).ravel(), 3) @ weights
    assert classifier.margin(grey) == pytest.approx(logits[1] - logits[0], rel=1e-4)


def test_one_without_contract_runs_on_what_its_user_says(tmp_path: Path) -> None:
    path = tmp_path / "foreign.onnx"
    path.write_bytes(network())
    with pytest.raises(ContractError, match="carries no cspine-edge contract"):
        Classifier(path)
    classifier = Classifier(path, facts=Facts(LABELS, "fracture", (0.0, 1.0), probabilities=False))
    assert classifier.spec == Preprocessing(6, 8)


@pytest.mark.parametrize(
    ("shape", "element"), [(("n", 3, 6, 8), 1), ((2, 3, 6, 8), 1), ((1, 144), 1), ((1, 3, 6, 8), 2)]
)
def test_other_inputs_are_refused(shape: tuple[Any, ...], element: int) -> None:
    with pytest.raises(ModelError, match=r"one float32 image is needed, \(1, channels, height, width\)"):
        OnnxSession(Path("m.onnx"), network(shape, element), threads=1)


def test_operations_are_listed_with_their_types() -> None:
    operations = open_session(Path("m.onnx"), network(), threads=1).operations()
    assert [operation.name for operation in operations] == ["Cast", "Flatten", "MatMul", "Softmax"]
    assert {operation.dtypes for operation in operations} == {("float32",)}


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_without_a_package_the_extra_is_named(
    package: str, saved: Callable[..., ModelFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved().path
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        MissingExtraError, match=r"an ONNX model needs an extra .*cspine-edge\[onnx\]"
    ) as caught:
        Classifier(path)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("verb", ["verify", "bench"])
def test_verbs_for_tflite_say_so(verb: str, saved: Callable[..., ModelFile], cli: Callable[..., Any]) -> None:
    outcome = cli(verb, saved().path)
    assert outcome.code == 4
    assert "m.onnx: is an ONNX model;" in outcome.err
    assert "for .tflite files only" in outcome.err


def test_inspect_shows_the_contract(saved: Callable[..., ModelFile], cli: Callable[..., Any]) -> None:
    outcome = cli("inspect", saved().path)
    assert outcome.code == 0
    assert "image (1, 6, 8, 3) float32" in outcome.out
    assert "normal, fracture; looked for: fracture" in outcome.out


def test_weights_in_another_file_are_refused_wherever_they_are(tmp_path: Path) -> None:
    """An initialiser of the graph, and a constant in an attribute of a node."""
    for place in ("initializer", "attribute"):
        model = onnx.load_model_from_string(network())
        if place == "attribute":
            weights = onnx.TensorProto()
            weights.CopyFrom(model.graph.initializer[0])
            del model.graph.initializer[:]
            model.graph.node.insert(0, onnx.helper.make_node("Constant", [], ["weights"], value=weights))
            tensor = model.graph.node[0].attribute[0].t
        else:
            tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="weights.bin")
        with pytest.raises(ModelError, match="has weights in another file"):
            take_apart(tmp_path / "m.onnx", model.SerializeToString())


def looping(count_from: str) -> bytes:
    """Logits after as many turns as a number says: a constant, or what the picture shows."""
    value = onnx.helper.make_tensor_value_info
    body = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", [name], [f"{name}_out"]) for name in ("go", "carried")],
        "body",
        [value("turn", 7, ()), value("go", 9, ()), value("carried", 1, (1, 2))],
        [value("go_out", 9, ()), value("carried_out", 1, (1, 2))],
    )
    model = onnx.load_model_from_string(network())
    logits = next(node for node in model.graph.node if "logits" in node.output)
    logits.output[0] = "before"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(True), "yes"))
    model.graph.node.insert(
        3, onnx.helper.make_node("Loop", [count_from, "yes", "before"], ["logits"], body=body)
    )
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(3), "three"))
    return bytes(model.SerializeToString())


def growing() -> bytes:
    """Logits plus nothing, taken from an array as long as the picture is bright."""
    model = onnx.load_model_from_string(network())
    next(node for node in model.graph.node if "logits" in node.output).output[0] = "before"
    for name, number in (("zero", 0.0), ("one", 1.0)):
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(number, np.float32), name))
    made = [
        onnx.helper.make_node("ReduceMax", ["real"], ["bright"], keepdims=0),
        onnx.helper.make_node("Range", ["zero", "bright", "one"], ["many"]),
        onnx.helper.make_node("ReduceSum", ["many"], ["sum"], keepdims=0),
        onnx.helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        onnx.helper.make_node("Add", ["before", "nothing"], ["logits"]),
    ]
    for place, node in enumerate(made, start=3):
        model.graph.node.insert(place, node)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(("graph", "operation"), [(looping("three"), "Loop"), (growing(), "Range")])
def test_what_runs_as_long_as_its_picture_says_is_refused(
    graph: bytes, operation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    onnx.checker.check_model(onnx.load_model_from_string(graph))
    with pytest.raises(ModelError, match=f"may run as long as its input says .*{operation}"):
        take_apart(tmp_path / "m.onnx", graph)

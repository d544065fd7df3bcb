"""The Android demo's own interpreter gives the bits that LiteRT gives, in both families of kernels it has."""

from __future__ import annotations

import io
import struct
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
from java_core import BUILTIN_PROGRAM

from cspine_edge.model_file import ModelFile
from cspine_edge.phantom import generate_series
from cspine_edge.preprocess import replicate_channels, resize
from cspine_edge.slice_files import find_slices
from cspine_edge.slices import iter_slices
from cspine_edge.window import BONE_WINDOW

litert = pytest.importorskip("ai_edge_litert.interpreter")
RESOLVERS = {
    "xnnpack": litert.OpResolverType.AUTO,
    "reference": litert.OpResolverType.BUILTIN_REF,
}
FAMILIES = sorted(RESOLVERS)
SMALL = ["mobilenet-a1.0-224-int8-qat", "mobilenet-a0.25-b11-272-int8"]
LARGE = ["densenet121-112-int8", "vgg16-224-int8"]
TO_LITERT = "which the builtin engine does not have; use the litert engine"
Bytes = npt.NDArray[np.uint8]
Builtin = Callable[..., str]


@pytest.fixture(scope="module")
def builtin(core_classes: Path) -> Builtin:
    """Runs a verb of the comparing program and gives what it prints."""

    def run(verb: str, model: Path, family: str, threads: int, *arguments: object) -> str:
        command = [
            "java",
            "-Xmx1g",
            "-XX:+UseSerialGC",
            "-cp",
            str(core_classes),
            BUILTIN_PROGRAM,
            verb,
            str(model),
            family,
        ]
        done = subprocess.run(
            [*command, str(threads), *map(str, arguments)], capture_output=True, encoding="utf-8", timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def models(root: Path) -> Path:
    """The models that ship."""
    return root / "models"


class Litert:
    """LiteRT with the kernels of one family."""

    def __init__(self, model: Path, family: str, keep_tensors: bool = False) -> None:
        self._interpreter = litert.Interpreter(
            str(model),
            num_threads=2,
            experimental_op_resolver_type=RESOLVERS[family],
            experimental_preserve_all_tensors=keep_tensors,
        )
        self._interpreter.allocate_tensors()
        (self._entry,) = self._interpreter.get_input_details()
        self.shape = tuple(int(side) for side in self._entry["shape"][1:])

    def run(self, tensor: Bytes) -> None:
        self._interpreter.set_tensor(self._entry["index"], tensor[np.newaxis])
        self._interpreter.invoke()

    def outputs(self) -> npt.NDArray[np.float64]:
        """Stored values of all outputs, one after the other."""
        details = self._interpreter.get_output_details()
        outputs = [self._interpreter.get_tensor(detail["index"]).ravel() for detail in details]
        return np.concatenate(outputs).astype(np.float64)

    def computed(self) -> dict[int, str]:
        """Which operation computes each tensor."""
        operations = self._interpreter._get_ops_details()
        return {
            int(output): operation["op_name"]
            for operation in operations
            if operation["op_name"] != "DELEGATE"
            for output in operation["outputs"]
        }

    def tensor(self, index: int) -> npt.NDArray[np.int8]:
        """Bytes of a tensor."""
        return self._interpreter.get_tensor(index).ravel().view(np.int8)


def noise(shape: Sequence[int], count: int) -> Bytes:
    """Input tensors of noise, some dark and some bright, every second one grey."""
    rng = np.random.default_rng(7)
    tensors = rng.integers(0, 256, (count, *shape)) * rng.random((count, 1, 1, shape[2]))
    tensors[::2] = tensors[::2, ..., :1]
    return tensors.astype(np.uint8)


def prepared(images: Sequence[Bytes], shape: Sequence[int]) -> Bytes:
    height, width, channels = shape
    return np.array([replicate_channels(resize(image, height, width), channels) for image in images])


def slices(root: Path, shape: Sequence[int], count: int) -> Bytes:
    """Input tensors of slices: those of the data set where it is present, phantom ones elsewhere."""
    folder = root.parent / "shared" / "data" / "csf"
    if folder.is_dir():
        found = find_slices([folder])
        picked = found[:: len(found) // count][:count]
        images = [
            ct.to_uint8(None, None)[0] for ct in iter_slices(picked, lambda error: pytest.fail(str(error)))
        ]
    else:
        series = [generate_series(seed=4, index=i, slices=1, size=128) for i in range(count)]
        images = [BONE_WINDOW.apply(one.volume[0].astype(np.float64)) for one in series]
    return prepared(images, shape)


def assert_same_outputs(
    builtin: Builtin, model: Path, family: str, tensors: Bytes, folder: Path, threads: int = 2
) -> npt.NDArray[np.float64]:
    expected = Litert(model, family)
    tensors.tofile(folder / "in")
    builtin("outputs", model, family, threads, folder / "in", folder / "out")
    found = np.fromfile(folder / "out", ">f8").reshape(len(tensors), -1)
    for tensor, values in zip(tensors, found, strict=True):
        expected.run(tensor)
        np.testing.assert_array_equal(values, expected.outputs())
    return found


def read_tensors(path: Path) -> list[dict[int, npt.NDArray[np.int8]]]:
    """What the verb ``tensors`` wrote: for each run the tensors by index."""
    data, at = path.read_bytes(), 0
    runs: list[dict[int, npt.NDArray[np.int8]]] = [{}]
    while at < len(data):
        (index,) = struct.unpack_from(">i", data, at)
        if index < 0:
            runs.append({})
            at += 4
            continue
        (length,) = struct.unpack_from(">i", data, at + 4)
        runs[-1][index] = np.frombuffer(data, np.int8, length, at + 8)
        at += 8 + length
    return runs[:-1]


@pytest.mark.filterwarnings("ignore:.*preserve_all_tensors:UserWarning")
def assert_same_tensors(builtin: Builtin, model: Path, family: str, tensors: Bytes, folder: Path) -> int:
    """Compare every tensor that is computed; give how many there are in the graph."""
    expected = Litert(model, family, keep_tensors=True)
    computed = expected.computed()
    tensors.tofile(folder / "in")
    builtin("tensors", model, family, 2, folder / "in", folder / "out")
    for tensor, run in zip(tensors, read_tensors(folder / "out"), strict=True):
        expected.run(tensor)
        wrong = []
        for index, operation in computed.items():
            if index in run:  # real values are not kept
                differing = np.count_nonzero(run[index] != expected.tensor(index))
                wrong += [f"{operation} {index}: {differing} of {run[index].size}"] if differing else []
        assert not wrong
        assert len(run.keys() & computed.keys()) >= len(computed) - 2
    return len(computed)


# The models that ship


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", SMALL + LARGE)
def test_golden_outputs_are_given(
    builtin: Builtin, models: Path, name: str, family: str, tmp_path: Path
) -> None:
    model = ModelFile.read(models / f"{name}.tflite")
    assert model.contract is not None
    spec, golden = model.contract.preprocessing, model.contract.golden
    images = [np.asarray(PIL.Image.open(io.BytesIO(model.attachments[pair.image]))) for pair in golden]
    np.array([replicate_channels(image, spec.channels) for image in images]).tofile(tmp_path / "in")
    builtin("outputs", model.path, family, 2, tmp_path / "in", tmp_path / "out")
    found = np.fromfile(tmp_path / "out", ">f8").reshape(len(golden), -1)
    expected = [np.concatenate(pair.expected[family]) for pair in golden]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", SMALL)
def test_outputs_equal_those_of_litert(
    builtin: Builtin, root: Path, models: Path, name: str, family: str, tmp_path: Path
) -> None:
    model = models / f"{name}.tflite"
    shape = Litert(model, family).shape
    tensors = np.concatenate([slices(root, shape, 16), noise(shape, 8)])
    found = assert_same_outputs(builtin, model, family, tensors, tmp_path)
    assert len(np.unique(found, axis=0)) > 8


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", SMALL + LARGE)
def test_every_tensor_equals_that_of_litert(
    builtin: Builtin, root: Path, models: Path, name: str, family: str, tmp_path: Path
) -> None:
    model = models / f"{name}.tflite"
    shape = Litert(model, family).shape
    tensors = noise(shape, 1) if name in LARGE else np.concatenate([slices(root, shape, 2), noise(shape, 1)])
    assert assert_same_tensors(builtin, model, family, tensors, tmp_path) > 30


def test_families_differ(builtin: Builtin, models: Path, tmp_path: Path) -> None:
    """Or the comparisons with two of them would show the same thing twice."""
    model = models / f"{SMALL[1]}.tflite"
    noise(Litert(model, "xnnpack").shape, 1).tofile(tmp_path / "in")
    runs = []
    for family in FAMILIES:
        builtin("tensors", model, family, 1, tmp_path / "in", tmp_path / "out")
        runs += read_tensors(tmp_path / "out")
    assert any((runs[0][index] != runs[1][index]).any() for index in runs[0])


@pytest.mark.parametrize("threads", [1, 3])
def test_any_number_of_threads_gives_the_same(
    builtin: Builtin, models: Path, threads: int, tmp_path: Path
) -> None:
    model = models / f"{SMALL[1]}.tflite"
    tensors = noise(Litert(model, "xnnpack").shape, 3)
    assert_same_outputs(builtin, model, "xnnpack", tensors, tmp_path, threads)


@pytest.mark.parametrize("family", FAMILIES)
def test_running_and_reading_allocate_nothing(
    builtin: Builtin, models: Path, family: str, tmp_path: Path
) -> None:
    model = models / f"{SMALL[1]}.tflite"
    noise(Litert(model, family).shape, 1).tofile(tmp_path / "in")
    allocated = int(builtin("allocated", model, family, 2, tmp_path / "in").split()[0])
    assert allocated < 200  # less than one object a run


# Other graphs


def converted(layers: Callable[[Any, Any], Any], folder: Path, models: Path, **settings: object) -> Path:
    """A network of Keras as int8 TFLite, in a file with the shipped contract."""
    from cspine_edge.training.framework import keras, tf

    keras.utils.set_random_seed(5)
    image = keras.Input((17, 14, 3), batch_size=1)
    network = keras.Model(image, layers(keras.layers, image))
    for weights in network.weights:  # no channel like another, no bias of 0, which the converter drops
        spread = np.random.default_rng(weights.shape.num_elements()).normal(0, 0.3, weights.shape)
        weights.assign(spread * np.geomspace(0.3, 1.5, weights.shape[-1]))
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    calibration = noise((17, 14, 3), 20).astype(np.float32) / 255
    converter.representative_dataset = lambda: ([one[np.newaxis]] for one in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    for name, value in settings.items():
        setattr(converter, name, value)
    return with_graph(models, converter.convert(), folder)


def with_graph(models: Path, graph: bytes, folder: Path) -> Path:
    """A file with the shipped contract around another graph."""
    shipped = ModelFile.read(models / f"{SMALL[0]}.tflite")
    return replace(shipped, graph=graph).save(folder / "odd.tflite").path


def windows(layers: Any, image: Any) -> Any:
    """Strides, paddings, dilations, shapes of windows and activations that the shipped models do not have."""
    x = layers.Conv2D(8, (5, 3), strides=(1, 2), padding="same", activation="relu6")(image)
    x = layers.DepthwiseConv2D((3, 2), padding="valid", activation="relu")(x)
    a = layers.Conv2D(20, 3, dilation_rate=2, padding="same")(x)
    b = layers.DepthwiseConv2D(3, dilation_rate=2, padding="same")(layers.Conv2D(20, 1)(x))
    x = layers.ReLU(6.0)(layers.Add()([a, b]))
    x = layers.ZeroPadding2D(((1, 2), (0, 1)))(x)
    x = layers.Conv2D(300, 2, strides=2, padding="valid")(x)
    x = layers.Concatenate()([layers.MaxPool2D(3, 2, "same")(x), layers.AveragePooling2D(3, 2, "same")(x)])
    return layers.Dense(3)(layers.GlobalAveragePooling2D()(x))


def heads(layers: Any, image: Any) -> Any:
    """Means, sums, a sigmoid, several dense layers and a softmax over more than two."""
    x = layers.DepthwiseConv2D(3, strides=2, padding="same", activation="relu")(image)
    a = layers.GlobalAveragePooling2D(keepdims=True)(x)
    b = layers.AveragePooling2D((9, 7))(x)
    x = layers.Flatten()(layers.Add()([a, b]))
    x = layers.Dense(19, activation="relu")(x)
    return [layers.Activation("sigmoid")(layers.Dense(6)(x)), layers.Softmax()(layers.Dense(5)(x))]


@pytest.mark.workstation
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("per_tensor", [False, True])
@pytest.mark.parametrize("layers", [windows, heads])
def test_odd_graphs_give_what_litert_gives(
    builtin: Builtin, models: Path, layers: Any, per_tensor: bool, family: str, tmp_path: Path
) -> None:
    settings = {"_experimental_disable_per_channel": per_tensor}
    model = converted(layers, tmp_path, models, **settings)
    tensors = noise((17, 14, 3), 40)
    assert_same_tensors(builtin, model, family, tensors[:6], tmp_path)
    found = assert_same_outputs(builtin, model, family, tensors, tmp_path)
    assert len(np.unique(found, axis=0)) > 10


@pytest.mark.workstation
def test_real_outputs_are_given_as_they_are(builtin: Builtin, models: Path, tmp_path: Path) -> None:
    from cspine_edge.training.framework import tf

    model = converted(heads, tmp_path, models, inference_output_type=tf.float32)
    found = assert_same_outputs(builtin, model, "xnnpack", noise((17, 14, 3), 10), tmp_path)
    assert not np.array_equal(found, np.round(found))


@pytest.mark.workstation
def test_what_it_lacks_is_named(builtin: Builtin, models: Path, tmp_path: Path) -> None:
    from cspine_edge.training.framework import tf

    cases: dict[str, Callable[[Any, Any], Any]] = {
        "TANH": lambda layers, image: layers.Activation("tanh")(layers.Conv2D(4, 3)(image)),
        "DEPTHWISE_CONV_2D with several outputs a channel": lambda layers, image: layers.DepthwiseConv2D(
            3, depth_multiplier=2
        )(image),
    }
    for what, layers in cases.items():
        model = converted(layers, tmp_path, models)
        printed = builtin("refuse", model, "xnnpack", 1)
        assert printed == f"{model}: its graph needs {what}, {TO_LITERT}\n"
        model.unlink()
    model = converted(heads, tmp_path, models, inference_input_type=tf.float32)
    what = "an input that is not quantised to uint8"
    assert builtin("refuse", model, "xnnpack", 1) == f"{model}: its graph needs {what}, {TO_LITERT}\n"


# Damage


def test_no_damage_has_another_consequence_than_a_sentence(
    builtin: Builtin, models: Path, tmp_path: Path
) -> None:
    """Bits flipped in the parts of the graph that are not weights, and the graph cut; the hash is not looked at."""
    model = ModelFile.read(models / f"{SMALL[1]}.tflite")
    structure = structure_of(model.graph)
    rng = np.random.default_rng(13)
    bits = rng.choice(structure, 800) * 8 + rng.integers(0, 8, 800)
    cuts = -1 - rng.integers(0, len(model.graph), 200)
    np.concatenate([bits, cuts]).astype(">i4").tofile(tmp_path / "positions")
    counts, *sentences = builtin("damage", model.path, "xnnpack", 1, tmp_path / "positions").splitlines()
    refused, run = map(int, counts.split())
    assert refused + run == 1000
    assert refused > 300
    assert len(sentences) > 10
    for sentence in sentences:
        assert sentence.startswith(f"{model.path}: ")
        assert sentence.count(";") == 1
        assert not sentence.endswith(".")


def structure_of(graph: bytes) -> npt.NDArray[np.int64]:
    """Positions of the bytes of a graph that are not content of its larger buffers."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(graph, 0)
    is_structure = np.ones(len(graph), bool)
    for i in range(model.BuffersLength()):
        content = model.Buffers(i).DataAsNumpy()
        if isinstance(content, np.ndarray) and content.size > 64:
            start = graph.index(content.tobytes())
            is_structure[start : start + content.size] = False
    return np.flatnonzero(is_structure)

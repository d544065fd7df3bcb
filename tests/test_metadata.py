"""Standard TFLite metadata: what Netron, MediaPipe and Android's reader find in the file."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from flatbuffers.table import Table

from cspine_edge.contract import INTENDED_USE
from cspine_edge.model_file import ModelFile
from cspine_edge.preprocess import Preprocessing
from cspine_edge.runtime import open_session


class Node:
    """A table of a flatbuffer, read by the field numbers of ``metadata_schema.fbs``."""

    def __init__(self, table: Table) -> None:
        self.table = table

    @classmethod
    def root(cls, buffer: bytes) -> Node:
        start = flatbuffers.encode.Get(flatbuffers.packer.uoffset, buffer, 0)
        return cls(Table(buffer, start))

    def _position(self, field: int) -> int:
        offset = self.table.Offset(4 + 2 * field)
        assert offset, f"field {field} is absent"
        return int(offset)

    def text(self, field: int) -> str:
        return self.table.String(self._position(field) + self.table.Pos).decode()

    def child(self, field: int) -> Node:
        return Node(Table(self.table.Bytes, self.table.Indirect(self._position(field) + self.table.Pos)))

    def union(self, field: int) -> Node:
        found = Table(bytearray(), 0)
        self.table.Union(found, self._position(field))
        return Node(found)

    def number(self, field: int, kind: Any) -> int:
        return int(self.table.Get(kind, self._position(field) + self.table.Pos))

    def children(self, field: int) -> list[Node]:
        position = self._position(field)
        start = self.table.Vector(position)
        return [
            Node(Table(self.table.Bytes, self.table.Indirect(start + 4 * n)))
            for n in range(self.table.VectorLen(position))
        ]

    def floats(self, field: int) -> list[float]:
        position = self._position(field)
        start = self.table.Vector(position)
        kind = flatbuffers.number_types.Float32Flags
        return [self.table.Get(kind, start + 4 * n) for n in range(self.table.VectorLen(position))]


UINT8, UINT32 = flatbuffers.number_types.Uint8Flags, flatbuffers.number_types.Uint32Flags


def metadata_of(graph: bytes) -> bytes:
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(graph, 0))
    (entry,) = [found for found in model.metadata if found.name == b"TFLITE_METADATA"]
    return bytes(np.asarray(model.buffers[entry.buffer].data, np.uint8))


@pytest.fixture(scope="module")
def small_graph() -> bytes:
    """A convolution as a flatbuffer without any metadata of ours."""
    from converters.tflite import export
    from cspine_edge.contract import Precision
    from cspine_edge.training.framework import keras

    image = keras.Input((24, 32, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(image))
    model = keras.Model(image, keras.layers.Dense(2, bias_initializer="ones")(pooled))
    return export(model, Precision.FLOAT32, Preprocessing(24, 32), None)


@pytest.fixture
def embedded(small_graph: bytes) -> Callable[..., bytes]:
    def embed(
        spec: Preprocessing | None = None, graph: bytes | None = None, outputs: dict[str, str] | None = None
    ) -> bytes:
        from converters.metadata import embed_metadata

        return embed_metadata(
            graph or small_graph,
            spec or Preprocessing(24, 32),
            "a name",
            "What it does.",
            ("no", "yes"),
            outputs or {"probability": "Shares.", "logits": "Logits."},
        )

    return embed


@pytest.mark.workstation
def test_model_and_tensors_are_described(embedded: Callable[..., bytes]) -> None:
    content = metadata_of(embedded())
    assert content[4:8] == b"M001"
    model = Node.root(content)
    assert model.text(0) == "a name"
    assert model.text(1) == f"What it does. {INTENDED_USE}"
    (graph,) = model.children(3)
    (image,) = graph.children(2)
    assert image.text(0) == "image"
    assert [output.text(0) for output in graph.children(3)] == ["probability", "logits"]
    content_properties = image.child(3)
    assert content_properties.number(0, UINT8) == 2  # ImageProperties
    picture = content_properties.union(1)
    assert picture.number(0, UINT8) == 1  # RGB
    assert [picture.child(1).number(field, UINT32) for field in (0, 1)] == [32, 24]  # width, height


@pytest.mark.workstation
@pytest.mark.parametrize(
    ("value_range", "mean", "deviation"),
    [((0.0, 1.0), 0.0, 255.0), ((-1.0, 1.0), 127.5, 127.5), ((0.0, 255.0), 0.0, 1.0)],
)
def test_normalisation_takes_grey_levels_to_the_value_range(
    value_range: tuple[float, float], mean: float, deviation: float, embedded: Callable[..., bytes]
) -> None:
    spec = Preprocessing(24, 32, 3, None, value_range)
    (graph,) = Node.root(metadata_of(embedded(spec))).children(3)
    (image,) = graph.children(2)
    (unit,) = image.children(4)
    assert unit.number(0, UINT8) == 1  # NormalizationOptions
    options = unit.union(1)
    assert (options.floats(0), options.floats(1)) == ([mean], [deviation])
    normalised = (np.arange(256) - options.floats(0)[0]) / options.floats(1)[0]
    np.testing.assert_allclose(normalised, spec.real_values(), atol=1e-6)


@pytest.mark.workstation
def test_descriptions_tell_what_netron_does_not_read(embedded: Callable[..., bytes]) -> None:
    """Netron 9.3 shows name, description and kind of a tensor; process units and labels files it passes over."""
    spec = Preprocessing(24, 32, 3, None, (-1.0, 1.0))
    (graph,) = Node.root(metadata_of(embedded(spec))).children(3)
    (image,) = graph.children(2)
    assert "Normalisation: (grey - 127.5) / 127.5;" in image.text(1)
    assert [output.text(1) for output in graph.children(3)] == [
        "Shares. Labels: no, yes.",
        "Logits. Labels: no, yes.",
    ]


@pytest.mark.workstation
def test_outputs_come_in_the_order_asked_for(embedded: Callable[..., bytes]) -> None:
    image = np.random.default_rng(0).random((1, 24, 32, 3), dtype=np.float32)
    found = {}
    for order in (("probability", "logits"), ("logits", "probability")):
        session = open_session(Path("graph.tflite"), embedded(outputs=dict.fromkeys(order, "")), threads=1)
        session.input_view()[:] = image
        session.invoke()
        found[order[0]] = [session.output(position) for position in (0, 1)]
        assert [tensor.name for tensor in (session.input, *session.outputs)] == ["image", *order]
    np.testing.assert_array_equal(found["probability"], found["logits"][::-1])
    assert found["probability"][0].sum() == pytest.approx(1.0)
    assert found["logits"][0].sum() != pytest.approx(1.0)


@pytest.mark.workstation
def test_statistics_are_of_the_tensors_own_values(
    embedded: Callable[..., bytes], small_int8_model: Path
) -> None:
    spec = Preprocessing(24, 32, 3, None, (-1.0, 1.0))
    for graph, bounds in (
        (embedded(spec), ([1.0], [-1.0])),
        (ModelFile.read(small_int8_model).graph, ([255.0], [0.0])),
    ):
        (subgraph,) = Node.root(metadata_of(graph)).children(3)
        statistics = subgraph.children(2)[0].child(5)
        assert (statistics.floats(0), statistics.floats(1)) == bounds


@pytest.mark.workstation
def test_each_output_names_the_labels_file(small_int8_model: Path) -> None:
    (graph,) = Node.root(metadata_of(ModelFile.read(small_int8_model).graph)).children(3)
    for output in graph.children(3):
        (labels,) = output.children(6)
        assert labels.number(2, UINT8) == 2  # TENSOR_AXIS_LABELS
        with zipfile.ZipFile(small_int8_model) as archive:
            assert archive.read(labels.text(0)).decode().split() == ["normal", "fracture"]


@pytest.mark.workstation
def test_outputs_are_named_in_the_files_own_order(converted: Callable[[str], Path]) -> None:
    for precision in ("float32", "int8", "int16x8"):
        file = ModelFile.read(converted(precision))
        assert file.contract is not None
        (graph,) = Node.root(metadata_of(file.graph)).children(3)
        names = [output.text(0) for output in graph.children(3)]
        assert names.index("logits") == file.contract.outputs.logits
        assert names.index("probability") == file.contract.outputs.probability


@pytest.mark.workstation
def test_file_still_computes_the_same(small_graph: bytes, embedded: Callable[..., bytes]) -> None:
    image = np.random.default_rng(0).random((1, 24, 32, 3), dtype=np.float32)
    answers = []
    for graph in (small_graph, embedded()):
        session = open_session(Path("graph.tflite"), graph, threads=1)
        session.input_view()[:] = image
        session.invoke()
        answers.append(sorted(session.output(position).tolist() for position in (0, 1)))
    assert answers[0] == answers[1]


@pytest.mark.workstation
def test_metadata_is_replaced_not_doubled(embedded: Callable[..., bytes]) -> None:
    once = embedded()
    twice = embedded(graph=once)
    assert metadata_of(twice) == metadata_of(once)
    assert len(twice) < len(once) + 64


@pytest.mark.workstation
def test_weights_lie_on_multiples_of_16_bytes(small_int8_model: Path) -> None:
    """The schema demands it (``force_align: 16``); Android maps the file and reads the weights in place."""
    from tensorflow.lite.python import schema_py_generated as schema

    graph = ModelFile.read(small_int8_model).graph
    model = schema.Model.GetRootAsModel(graph, 0)
    seen = 0
    for n in range(model.BuffersLength()):
        table = model.Buffers(n)._tab
        offset = table.Offset(4)
        if offset and table.VectorLen(offset):
            assert table.Vector(offset) % 16 == 0
            seen += 1
    assert seen > 60


@pytest.mark.workstation
def test_archive_follows_the_flatbuffer(small_int8_model: Path) -> None:
    content = small_int8_model.read_bytes()
    file = ModelFile.read(small_int8_model)
    assert content.startswith(file.graph)
    assert file.contract is not None
    assert file.contract.graph_sha256 == hashlib.sha256(file.graph).hexdigest()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert {"cspine_edge.json", "labels.txt", "golden/0.png"} <= set(archive.namelist())

"""Standard TFLite metadata, for Netron, MediaPipe Tasks and Android's metadata reader.

Written with ``flatbuffers`` after TensorFlow's ``metadata_schema.fbs`` (file identifier M001); field numbers
below are the schema's. Netron shows names, descriptions and kinds of tensors, but no process units and no labels
file: what a reader must know of normalisation and labels stands in the descriptions as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np

from cspine_edge.contract import INTENDED_USE, LABELS_FILE
from cspine_edge.preprocess import Preprocessing
from cspine_edge.training.framework import tf  # noqa: F401  (sets TensorFlow up before its schema is imported)

from tensorflow.lite.python import schema_py_generated as schema  # isort: skip

_METADATA_NAME = b"TFLITE_METADATA"
_ALIGNMENT = 16
_IMAGE_PROPERTIES, _FEATURE_PROPERTIES = 2, 1
_NORMALIZATION_OPTIONS = 1
_RGB, _GRAYSCALE = 1, 2
_TENSOR_AXIS_LABELS = 2


class _AlignedBuilder(flatbuffers.Builder):
    """Keeps the 16-byte alignment of tensor data that the schema demands and the Python packer forgets."""

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:
        return int(super().StartVector(elemSize, numElems, _ALIGNMENT if elemSize == 1 else alignment))


def embed_metadata(
    graph: bytes,
    spec: Preprocessing,
    name: str,
    description: str,
    labels: Sequence[str],
    outputs: dict[str, str],
) -> bytes:
    """Give the flatbuffer with TFLite metadata in it, its outputs in order and named; metadata it had is replaced.

    Parameters
    ----------
    graph
        A TFLite flatbuffer.
    spec
        The preprocessing; its value range is written as mean and standard deviation of grey levels 0-255.
    name, description
        Of the model.
    labels
        Class names in output order.
    outputs
        What each output is, by its name in the signature, in the order that the file is to have them (the
        converter keeps none); each is given the labels file.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(graph, 0))
    subgraph, signature = model.subgraphs[0], model.signatureDefs[0]
    for entry in (
        *signature.inputs,
        *signature.outputs,
    ):  # the converter's own are StatefulPartitionedCall:0 ...
        subgraph.tensors[entry.tensorIndex].name = entry.name
    tensors = {entry.name.decode(): entry.tensorIndex for entry in signature.outputs}
    subgraph.outputs = np.array([tensors[output] for output in outputs], np.int32)
    graph_input = subgraph.tensors[subgraph.inputs[0]]
    # The statistics are those of the tensor's own values.
    extremes = (0.0, 255.0) if graph_input.type == schema.TensorType.UINT8 else spec.value_range
    described = {output: f"{text} Labels: {', '.join(labels)}." for output, text in outputs.items()}
    content = _metadata(spec, extremes, name, description, described)
    entry = next((found for found in model.metadata or [] if found.name == _METADATA_NAME), None)
    if entry is None:
        entry = schema.MetadataT()
        entry.name, entry.buffer = _METADATA_NAME, len(model.buffers)
        model.buffers.append(schema.BufferT())
        model.metadata = [*(model.metadata or []), entry]
    model.buffers[entry.buffer].data = np.frombuffer(content, dtype=np.uint8)
    return pack(model, len(graph) + len(content))


def pack(model: Any, size: int) -> bytes:
    """Give a model of TensorFlow's schema as a flatbuffer of about ``size`` bytes."""
    builder = _AlignedBuilder(size + 4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _metadata(
    spec: Preprocessing,
    extremes: tuple[float, float],
    name: str,
    description: str,
    outputs: dict[str, str],
) -> bytes:
    builder = flatbuffers.Builder(2048)
    low, high = spec.value_range
    deviation = 255.0 / (high - low)
    mean = 0.0 - low * deviation
    image_size = _table(builder, {0: ("uint32", spec.width), 1: ("uint32", spec.height)})
    image = _table(
        builder, {0: ("int8", _GRAYSCALE if spec.channels == 1 else _RGB), 1: ("offset", image_size)}
    )
    pixels = _table(builder, {0: ("uint8", _IMAGE_PROPERTIES), 1: ("offset", image)})
    options = _table(
        builder, {0: ("offset", _floats(builder, [mean])), 1: ("offset", _floats(builder, [deviation]))}
    )
    unit = _table(builder, {0: ("uint8", _NORMALIZATION_OPTIONS), 1: ("offset", options)})
    least, most = (_floats(builder, [value]) for value in extremes)
    stats = _table(builder, {0: ("offset", most), 1: ("offset", least)})
    source = _table(
        builder,
        {
            0: ("offset", builder.CreateString("image")),
            1: (
                "offset",
                builder.CreateString(
                    "Axial CT slice, windowed to 8 bits, the same grey in all channels. Normalisation: "
                    f"(grey - {mean:g}) / {deviation:g}; a uint8 tensor takes the grey levels as they are."
                ),
            ),
            3: ("offset", pixels),
            4: ("offset", _vector(builder, [unit])),
            5: ("offset", stats),
        },
    )
    results = [_output(builder, output, text) for output, text in outputs.items()]
    subgraph = _table(
        builder, {2: ("offset", _vector(builder, [source])), 3: ("offset", _vector(builder, results))}
    )
    root = _table(
        builder,
        {
            0: ("offset", builder.CreateString(name)),
            1: ("offset", builder.CreateString(f"{description} {INTENDED_USE}")),
            3: ("offset", _vector(builder, [subgraph])),
            7: ("offset", builder.CreateString("1.0.0")),
        },
    )
    builder.Finish(root, file_identifier=b"M001")
    return bytes(builder.Output())


def _output(builder: flatbuffers.Builder, name: str, description: str) -> int:
    labels = _table(
        builder, {0: ("offset", builder.CreateString(LABELS_FILE)), 2: ("int8", _TENSOR_AXIS_LABELS)}
    )
    features = _table(builder, {})
    content = _table(builder, {0: ("uint8", _FEATURE_PROPERTIES), 1: ("offset", features)})
    return _table(
        builder,
        {
            0: ("offset", builder.CreateString(name)),
            1: ("offset", builder.CreateString(description)),
            3: ("offset", content),
            6: ("offset", _vector(builder, [labels])),
        },
    )


def _table(builder: flatbuffers.Builder, fields: dict[int, tuple[str, Any]]) -> int:
    # Offsets must exist before the table is begun; callers pass them ready, so strings go in first.
    builder.StartObject(max(fields, default=-1) + 1)
    for number, (kind, value) in fields.items():
        if kind == "offset":
            builder.PrependUOffsetTRelativeSlot(number, value, 0)
        elif kind == "uint32":
            builder.PrependUint32Slot(number, value, 0)
        else:
            getattr(builder, "PrependUint8Slot" if kind == "uint8" else "PrependInt8Slot")(number, value, 0)
    return int(builder.EndObject())


def _vector(builder: flatbuffers.Builder, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _floats(builder: flatbuffers.Builder, values: list[float]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return int(builder.EndVector())

"""ONNX models: the contract in their metadata, and ONNX Runtime in place of a TFLite interpreter.

An ``.onnx`` of ours is made by :mod:`converters.onnx_export` for boards that run TensorRT. The contract and the
labels are entries of the model's ``metadata_props``, at its end; ``graph_sha256`` is the hash of all before. The
input is NCHW, as TensorRT's samples have it. All needs the ``onnx`` extra.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import MissingExtraError, ModelError, first_line
from .runtime import Operation, TensorSpec

_AZURE = "AzureExecutionProvider"
"""Listed first in every wheel; it calls a service on the network."""


def take_apart(path: Path, data: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Split an ONNX model into the model without metadata, and the metadata by name.

    Raises
    ------
    MissingExtraError
        If the ``onnx`` package is not installed.
    ModelError
        If it is no ONNX model.
    """
    from .probation import admit

    onnx = _import("onnx")
    admit(path, data)
    try:
        model = onnx.load_model_from_string(data)
        if any(tensor.external_data or tensor.data_location for tensor in _each(model, onnx.TensorProto)):
            raise ModelError(path, "has weights in another file, which no hash covers; export it as one file")
        onnx.checker.check_model(model)  # which would look for those files
    except ModelError:
        raise
    except Exception as error:  # protobuf's and the checker's own types
        raise ModelError(path, f"is no ONNX model ({first_line(error)}); export or copy it again") from error
    attachments = {entry.key: entry.value.encode() for entry in model.metadata_props}
    return data.removesuffix(_metadata(attachments)), attachments


def put_together(graph: bytes, attachments: dict[str, bytes]) -> bytes:
    """Give an ONNX model these metadata; it has none yet.

    They are appended, which protobuf takes for a part of the message, so that the model before them keeps its bytes.
    """
    return graph + _metadata(attachments)


def _metadata(attachments: dict[str, bytes]) -> bytes:
    onnx = _import("onnx")
    model = onnx.ModelProto()
    onnx.helper.set_model_props(model, {name: text.decode() for name, text in attachments.items()})
    return bytes(model.SerializeToString())


def _each(message: Any, kind: type) -> Iterator[Any]:
    """Give every message of a kind inside another, wherever it is."""
    if isinstance(message, kind):
        yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in value if isinstance(value, Iterable) else (value,):
                yield from _each(inner, kind)


def unbounded_operations(graph: bytes) -> tuple[str, ...]:
    """Names of the operations that run another graph, or whose result has a size that only running them tells.

    How long such a model runs, and in how much memory, may depend on the picture.
    """
    onnx = _import("onnx")
    model = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(graph), data_prop=True)
    values = (*model.graph.value_info, *model.graph.output)
    sized = {value.name for value in values if _is_sized(value.type.tensor_type)}
    looping = {
        node.op_type
        for node in _each(model, onnx.NodeProto)
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute)
    }
    unsized = {
        node.op_type for node in model.graph.node for name in node.output if name and name not in sized
    }
    return tuple(sorted(looping | unsized))


def _is_sized(tensor: Any) -> bool:
    return tensor.HasField("shape") and all(side.HasField("dim_value") for side in tensor.shape.dim)


class OnnxSession:
    """An ONNX model in ONNX Runtime; the same face as :class:`cspine_edge.runtime.Session`.

    It computes with the first execution provider that the installed ONNX Runtime has: TensorRT or CUDA in the
    wheels for boards that have them, else the processor.

    Attributes
    ----------
    path, threads
        What computes, and how.
    input
        The input as (1, height, width, channels), whatever its own order of axes.
    outputs
        The output tensors.

    Raises
    ------
    MissingExtraError
        If ONNX Runtime is not installed.
    ModelError
        If the model cannot be loaded, or does not take one float32 image.
    """

    def __init__(self, path: Path, graph: bytes, threads: int) -> None:
        runtime = _import("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4
        providers = [name for name in runtime.get_available_providers() if name != _AZURE]
        try:
            self._session = runtime.InferenceSession(graph, options, providers=providers)
        except Exception as error:  # ONNX Runtime's own types derive from nothing else
            raise ModelError(
                path, f"cannot be loaded by onnxruntime ({first_line(error)}); export or copy it again"
            ) from error
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise ModelError(path, f"has {len(inputs)} inputs; an image classifier has one")
        shape = inputs[0].shape
        fixed = len(shape) == 4 and all(isinstance(side, int) for side in shape)
        if not fixed or shape[0] != 1 or inputs[0].type != "tensor(float)":
            raise ModelError(
                path,
                f"takes {inputs[0].type} of shape {shape}; one float32 image is needed, (1, channels, height, "
                "width); export it again with 'cspine-edge export'",
            )
        self.path = path
        self.threads = threads
        self._graph = graph
        self._image = np.zeros(shape, np.float32)
        self.input = TensorSpec(
            inputs[0].name, (1, *shape[2:], shape[1]), self._image.dtype, scale=0.0, zero_point=0, index=0
        )
        self._results = self._session.run(None, {self.input.name: self._image})
        self.outputs = tuple(
            TensorSpec(output.name, result.shape, result.dtype, scale=0.0, zero_point=0, index=index)
            for index, (output, result) in enumerate(
                zip(self._session.get_outputs(), self._results, strict=True)
            )
        )

    def input_view(self) -> npt.NDArray[Any]:
        """The input image, to be written in place, shape (1, height, width, channels), float32."""
        return self._image.transpose(0, 2, 3, 1)

    def invoke(self) -> None:
        """Run the network on what the input image holds.

        Raises
        ------
        ModelError
            If ONNX Runtime fails.
        """
        try:
            self._results = self._session.run(None, {self.input.name: self._image})
        except Exception as error:
            raise ModelError(self.path, f"failed while running ({first_line(error)})") from error

    def output(self, position: int) -> npt.NDArray[Any]:
        """Give a copy of an output's values, flattened."""
        values: npt.NDArray[Any] = self._results[position].ravel().copy()
        return values

    def operations(self) -> tuple[Operation, ...]:
        """The operations of the file in order, with the types of their outputs; what ONNX Runtime fuses shows apart."""
        onnx = _import("onnx")
        graph = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(self._graph)).graph
        # Tensors are numbered in the order they first appear in; the file knows them by name.
        names = dict.fromkeys(name for node in graph.node for name in (*node.input, *node.output) if name)
        index = {name: number for number, name in enumerate(names)}
        types = {
            value.name: onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name
            for value in (*graph.value_info, *graph.output)
        }
        return tuple(
            Operation(
                node.op_type,
                tuple(types[name] for name in node.output if name in types),
                tuple(index[name] for name in node.input if name),
                tuple(index[name] for name in node.output if name),
            )
            for node in graph.node
        )

    @property
    def version(self) -> str:
        """Version of ONNX Runtime."""
        from importlib.metadata import version

        return version("onnxruntime")

    @property
    def banner(self) -> str:
        """One line on what computes."""
        unit = "thread" if self.threads == 1 else "threads"
        return f"onnxruntime {self.version}, {self._session.get_providers()[0]}, {self.threads} {unit}"


def _import(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingExtraError("an ONNX model", "onnx") from error

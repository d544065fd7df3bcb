"""Some layers of an int8 model in floating point: the graph itself is edited.

Leaving out a layer's fake quantisation is not enough. The converter carries ranges over pooling, padding and
concatenation, and where it then knows a layer's input and output range it quantises that layer all the same. So the
int8 flatbuffer is made once, and what is to stay in float is exchanged in it: the operation takes its float
weights; its input is dequantised and its output quantised again, unless the neighbour is in float as well. Then
the tensor between them stays in float. Nothing else changes by a bit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cspine_edge.layer_pairs import layer_name

from .metadata import pack, schema

Weights = dict[str, tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]
"""Kernel, as TFLite lays it out, and bias of each layer that has them."""

_OPERATORS = schema.BuiltinOperator
_NAMES = {
    value: name
    for name, value in vars(_OPERATORS).items()
    if isinstance(value, int) and not name.startswith("_")
}
_KERNEL_OPERATIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_NEVER_IN_FLOAT = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "SOFTMAX")
"""Borders; a reshape goes with what it reads; the softmax comes after the logits, on which the decision is made."""


@dataclass(frozen=True)
class Operation:
    """An operation that may be kept in float.

    Attributes
    ----------
    position
        In the graph.
    name
        Of the Keras layer; the operation's where the file tells none.
    operation
        TFLite's name.
    multiply_accumulates
        Number of an inference; 0 for what multiplies no kernel.
    """

    position: int
    name: str
    operation: str
    multiply_accumulates: int


def operations(graph: bytes) -> tuple[Operation, ...]:
    """List the operations of an int8 graph that may be kept in float, in order."""
    model = _read(graph)
    found = []
    for position, operator in enumerate(model.subgraphs[0].operators):
        kind = _kind(model, operator)
        if kind in _NEVER_IN_FLOAT:
            continue
        tensors = model.subgraphs[0].tensors
        output = tensors[operator.outputs[0]]
        name = layer_name(kind, output.name.decode()) or kind.lower()
        count = 0
        if kind in _KERNEL_OPERATIONS:
            kernel = tensors[operator.inputs[1]].shape
            # Of a depthwise kernel, (1, height, width, channels), each output takes one channel.
            each = kernel[1] * kernel[2] if kind == "DEPTHWISE_CONV_2D" else np.prod(kernel[1:])
            count = int(np.prod(output.shape) * each)
        found.append(Operation(position, name, kind, count))
    return tuple(found)


def with_float(graph: bytes, weights: Weights, positions: Collection[int]) -> bytes:
    """Give the graph with some operations in floating point.

    Parameters
    ----------
    graph
        An int8 flatbuffer as :func:`converters.tflite.export` makes it.
    weights
        Float weights by layer; where a layer is not among them, its int8 ones are taken as they are.
    positions
        Of the operations to keep in float. If that which gives the logits is among them, they come out as
        float32.
    """
    if not positions:
        return graph
    edit = _Edit(_read(graph), weights)
    edit.run(set(positions))
    return pack(edit.model, len(graph))


def _read(graph: bytes) -> Any:
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(graph, 0))


def _kind(model: Any, operator: Any) -> str:
    code = model.operatorCodes[operator.opcodeIndex]
    return _NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]


class _Edit:
    """One pass over the operations in order, which puts float ones between borders."""

    def __init__(self, model: Any, weights: Weights) -> None:
        self.model = model
        self._graph = model.subgraphs[0]
        self._weights = weights
        self._done: list[Any] = []
        self._real: dict[int, int] = {}
        """Float twin of an integer tensor."""

    def run(self, positions: set[int]) -> None:
        for position, operator in enumerate(self._graph.operators):
            kind = _kind(self.model, operator)
            source = operator.inputs[0]
            if position in positions or (kind == "RESHAPE" and source in self._real):
                self._into_float(operator, kind)
                continue
            if kind == "QUANTIZE" and source in self._real and self._is_integer(source):
                # A change of scale within int8, or the last step to a uint8 output: float readers pass it by.
                self._real[operator.outputs[0]] = self._real[source]
            self._done.append(operator)
        self._release_outputs()
        self._graph.operators = self._without_unread()
        self._drop_unread_constants()

    def _into_float(self, operator: Any, kind: str) -> None:
        name = layer_name(kind, self._tensor(operator.outputs[0]).name.decode())
        own = self._weights.get(name or "") if kind in _KERNEL_OPERATIONS else None
        operator.inputs = [
            self._float_input(index, own[place - 1] if own is not None and place in (1, 2) else None)
            for place, index in enumerate(operator.inputs)
        ]
        (output,) = operator.outputs
        self._real[output] = self._new_tensor(output)
        operator.outputs = [self._real[output]]
        self._done += [operator, self._border("QUANTIZE", self._real[output], output)]

    def _float_input(self, index: int, weight: npt.NDArray[np.float32] | None) -> int:
        if index == -1:
            return -1
        if index in self._real:
            return self._real[index]
        if not self._is_integer(index):
            return index
        stored = self.model.buffers[self._tensor(index).buffer].data
        if stored is not None and len(stored):
            values = self._dequantised(index) if weight is None else weight
            return self._new_tensor(index, values.reshape(self._tensor(index).shape))
        self._real[index] = self._new_tensor(index)
        self._done.append(self._border("DEQUANTIZE", index, self._real[index]))
        return self._real[index]

    def _tensor(self, index: int) -> Any:
        return self._graph.tensors[index]

    def _is_integer(self, index: int) -> bool:
        """True for a quantised tensor; axes and shapes, which are integers too, have no scale."""
        quantised = self._tensor(index).quantization
        return quantised is not None and quantised.scale is not None and len(quantised.scale) > 0

    def _dequantised(self, index: int) -> npt.NDArray[np.float32]:
        tensor = self._tensor(index)
        dtype = {schema.TensorType.INT8: np.int8, schema.TensorType.INT32: np.int32}[tensor.type]
        stored = (
            np.asarray(self.model.buffers[tensor.buffer].data, np.uint8).view(dtype).reshape(tensor.shape)
        )
        shape = [1] * len(tensor.shape)
        shape[tensor.quantization.quantizedDimension] = -1
        scale, zero = (
            np.asarray(values, np.float64).reshape(shape)
            for values in (tensor.quantization.scale, tensor.quantization.zeroPoint)
        )
        return ((stored - zero) * scale).astype(np.float32)

    def _new_tensor(self, like: int, values: npt.NDArray[np.float32] | None = None) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.shapeSignature = self._tensor(like).shape, self._tensor(like).shapeSignature
        tensor.name, tensor.type = self._tensor(like).name + b"/float", schema.TensorType.FLOAT32
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(values, np.float32).tobytes(), np.uint8)
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _border(self, kind: str, source: int, target: int) -> Any:
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(kind)
        operator.inputs, operator.outputs = [source], [target]
        return operator

    def _code(self, kind: str) -> int:
        value = getattr(_OPERATORS, kind)
        for index, code in enumerate(self.model.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == value:
                return index
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = value
        code.version = 2
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def _release_outputs(self) -> None:
        """Give float outputs as they are: rounded to a byte, logits would lose what was gained."""
        changed = {index: self._real[index] for index in self._graph.outputs if index in self._real}
        self._graph.outputs = [changed.get(index, index) for index in self._graph.outputs]
        for signature in self.model.signatureDefs or ():
            for output in signature.outputs:
                output.tensorIndex = changed.get(output.tensorIndex, output.tensorIndex)

    def _without_unread(self) -> list[Any]:
        read, kept = set(self._graph.outputs), []
        for operator in reversed(self._done):
            if read & set(operator.outputs):
                read |= set(operator.inputs)
                kept.append(operator)
        return kept[::-1]

    def _drop_unread_constants(self) -> None:
        used: Iterable[Any] = (i for operator in self._graph.operators for i in operator.inputs if i != -1)
        buffers = {self._tensor(index).buffer for index in used}
        for tensor in self._graph.tensors:
            if tensor.buffer not in buffers:
                self.model.buffers[tensor.buffer].data = None

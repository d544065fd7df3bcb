"""Which operations of two files of one network are the same layer, and what the layer is called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .classifier import Classifier
from .errors import ModelError
from .runtime import Operation, Session, TensorSpec, tflite_session

_PASSED_OVER = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "SOFTMAX")
"""They move values without computing, or, the softmax, come after the logits, on which the decision is made."""
_MARKERS = {
    "CONV_2D": "Conv2D",
    "DEPTHWISE_CONV_2D": "depthwise",
    "FULLY_CONNECTED": "MatMul",
    "MEAN": "Mean",
}
"""The last part of a tensor's name that tells which of several fused layers the operation is."""


def layer_name(operation: str, tensor: str) -> str | None:
    """Name of the Keras layer that an operation of an exported file is, after its output tensor's name.

    Parameters
    ----------
    operation
        TFLite's name of the operation.
    tensor
        As the converter writes it: ``model/layer/op`` of each node that was fused, divided by semicolons; the
        layers of a quantization-aware network are called ``quant_layer``.

    Returns
    -------
    str or None
        ``None`` where the name tells no layer.
    """
    paths = [part.split("/") for part in tensor.split(";") if part.count("/") >= 2]
    paths = [path for path in paths if path[-1].rstrip("0123456789") != "ReadVariableOp"]
    marked = [path for path in paths if _marks(operation, path[-1])] or paths
    return "/".join(marked[0][1:-1]).removeprefix("quant_") if marked else None


def _marks(operation: str, node: str) -> bool:
    marker = _MARKERS.get(operation)
    return marker is not None and node.startswith(marker) and not node[len(marker) :].strip("0123456789")


@dataclass(frozen=True)
class LayerPair:
    """An operation of both files: its outputs, and the positions of the pairs that it reads.

    ``with_offset`` is true where one file adds a bias here and the other further on.
    """

    name: str
    operation: str
    reference: TensorSpec
    candidate: TensorSpec
    sources: tuple[int, ...]
    with_offset: bool


def pair_layers(candidate: Classifier, reference: Classifier) -> tuple[LayerPair, ...]:
    """Pair the operations of two files in order; those that only move values are passed over.

    Parameters
    ----------
    candidate, reference
        Two models of the same network.

    Raises
    ------
    ModelError
        If their operations do not match one by one, or one is no ``.tflite`` file.
    """
    sessions = (tflite_session(model.session, "layers are compared") for model in (candidate, reference))
    ours, theirs = (list(_arithmetic(session)) for session in sessions)
    for number, (one, other) in enumerate(zip(ours, theirs, strict=False), start=1):
        if one.key != other.key or (one.kernel and other.kernel and one.name != other.name):
            raise _misaligned(
                candidate, reference, f"number {number} is {one} in the one, {other} in the other"
            )
    if len(ours) != len(theirs):
        raise _misaligned(candidate, reference, f"the one has {len(ours)}, the other {len(theirs)}")
    pairs = []
    for one, other in zip(ours, theirs, strict=True):
        pairs.append(
            LayerPair(
                name=one.name or other.name or one.operation.name.lower(),
                operation=one.operation.name,
                reference=other.output,
                candidate=one.output,
                sources=one.sources,
                with_offset=one.adds_bias != other.adds_bias,
            )
        )
    return tuple(pairs)


def _misaligned(candidate: Classifier, reference: Classifier, how: str) -> ModelError:
    return ModelError(
        candidate.file.path,
        f"its operations are not those of {reference.file.path.name} ({how}); convert both from the same network with "
        "the same version of this toolkit: 'cspine-edge convert RUN --precision float32'",
    )


@dataclass(frozen=True)
class _Node:
    operation: Operation
    output: TensorSpec
    name: str | None
    sources: tuple[int, ...]
    adds_bias: bool

    @property
    def key(self) -> tuple[str, tuple[int, ...]]:
        return self.operation.name, self.output.shape

    @property
    def kernel(self) -> str | None:
        """The layer's name if it has a kernel; other layers may be named anew each time a network is built."""
        return self.name if self.operation.name in _MARKERS and self.operation.name != "MEAN" else None

    def __str__(self) -> str:
        return f"{self.operation.name} {self.name or ''} {'x'.join(map(str, self.output.shape))}".replace(
            "  ", " "
        )


def _arithmetic(session: Session) -> Iterator[_Node]:
    """Operations that compute, in order, with the positions of those whose results they read."""
    tensors = session.tensors()
    made_by: dict[int, tuple[int, ...]] = {}
    computed = {index for operation in session.operations() for index in operation.outputs}
    position = 0
    for operation in session.operations():
        read = [index for index in operation.inputs if index in computed]
        sources = tuple(sorted({found for index in read for found in made_by.get(index, ())}))
        if operation.name in _PASSED_OVER:
            # Of a constant, such as weights stored in 16 bits, it has no sources.
            made_by |= dict.fromkeys(operation.outputs, sources)
            continue
        made_by |= dict.fromkeys(operation.outputs, (position,))
        output = tensors[operation.outputs[0]]
        bias = operation.inputs[2] if operation.name in _MARKERS and len(operation.inputs) > 2 else None
        yield _Node(
            operation=operation,
            output=output,
            name=layer_name(operation.name, output.name),
            sources=sources,
            adds_bias=bias is not None and bias not in computed and bool(session.values(bias).any()),
        )
        position += 1

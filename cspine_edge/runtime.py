"""One face for the interpreters: LiteRT, then tflite-runtime, then TensorFlow's; ONNX Runtime for ``.onnx``."""

from __future__ import annotations

import importlib
import importlib.util
import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .contract import ONNX_SUFFIX, KernelFamily
from .errors import MissingExtraError, ModelError, first_line
from .native import native_messages_caught

if TYPE_CHECKING:
    import numpy.typing as npt

    from .onnx_model import OnnxSession

_MOST_THREADS = 4


class Runtime(str, Enum):
    """A package that brings an interpreter, in the order of preference."""

    LITERT = "ai-edge-litert"
    TFLITE_RUNTIME = "tflite-runtime"
    TENSORFLOW = "tensorflow"

    @property
    def version(self) -> str:
        """Version of the package; some builds of it are distributed by another name, of which none is known."""
        from importlib.metadata import (  # slower to import than a small model to run
            PackageNotFoundError,
            version,
        )

        try:
            return version(self.value)
        except PackageNotFoundError:
            return "of unknown version"


KNOWN_GRAPHS = {
    "e47f9d5ee3d74650d80b1ba76ac6af4f8cb5e8d548c78c8501de7019ec6a5e02",
    "55aeff5f476796888a25243f5a85ddac943ee73d07591fd39b25c94c91e40b1e",
}
"""SHA-256 of graphs that need not be tried before they are opened: at first those of
:data:`cspine_edge.shipped.SHIPPED`, then those that this process has made."""

MODULES = {
    Runtime.LITERT: "ai_edge_litert.interpreter",
    Runtime.TFLITE_RUNTIME: "tflite_runtime.interpreter",
    Runtime.TENSORFLOW: "tensorflow.lite.python.interpreter",
}
_WITH_GRAPHS = {
    *("CALL", "CALL_ONCE", "IF", "WHILE", "STABLEHLO_CASE", "STABLEHLO_COMPOSITE", "STABLEHLO_REDUCE"),
    *("STABLEHLO_REDUCE_WINDOW", "STABLEHLO_SCATTER", "STABLEHLO_SORT", "STABLEHLO_WHILE"),
}
"""Operations of TFLite's schema that name other graphs of the file to run."""
_RESOLVERS = {
    KernelFamily.XNNPACK: "AUTO",
    KernelFamily.BUILTIN: "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    KernelFamily.REFERENCE: "BUILTIN_REF",
}


@dataclass(frozen=True)
class TensorSpec:
    """An input or output tensor.

    Attributes
    ----------
    name, shape, dtype
        As the file states them.
    scale, zero_point
        Quantisation: real value = (stored - zero_point) * scale; (0, 0) if there is none.
    index
        Index in the interpreter.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int
    index: int

    def dequantize(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Real values of stored ones, float64; exact to the last bit on every architecture."""
        if self.scale == 0.0:
            return values.astype(np.float64)
        return (values.astype(np.float64) - self.zero_point) * self.scale


@dataclass(frozen=True)
class Operation:
    """One operation of a graph: its TFLite name, the dtypes of its inputs and outputs, and their indices."""

    name: str
    dtypes: tuple[str, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def is_float(self) -> bool:
        """True if it takes or gives floating point, also beside integers."""
        return any("float" in dtype for dtype in self.dtypes)


class Session:
    """An interpreter with its tensors allocated.

    Attributes
    ----------
    runtime, family, threads
        What computes, and how.
    input, outputs
        The tensors.
    """

    def __init__(
        self,
        path: Path,
        runtime: Runtime,
        family: KernelFamily | None,
        threads: int,
        graph: bytes,
        keep_tensors: bool = False,
    ) -> None:
        try:
            with native_messages_caught() as messages:
                module = importlib.import_module(MODULES[runtime])
                resolver = getattr(module.OpResolverType, _RESOLVERS[family or KernelFamily.XNNPACK])
                self._interpreter = module.Interpreter(
                    model_content=graph,
                    num_threads=threads,
                    experimental_op_resolver_type=resolver,
                    experimental_preserve_all_tensors=keep_tensors,
                )
                self._interpreter.allocate_tensors()
                inputs = self._interpreter.get_input_details()
                outputs = self._interpreter.get_output_details()
        except (ValueError, RuntimeError, SystemError) as error:  # names may be no text, too
            cause = first_line(error, messages())
            raise ModelError(
                path, f"cannot be loaded by {runtime.value} ({cause}); convert or copy it again"
            ) from error
        if len(inputs) != 1:
            raise ModelError(path, f"has {len(inputs)} inputs; an image classifier has one")
        self.path = path
        self.runtime = runtime
        self.threads = threads
        self.input = _spec(inputs[0])
        self.outputs = tuple(_spec(detail) for detail in outputs)
        self.family = _family_in_use(runtime, family, self.outputs)
        self._input_view = self._interpreter.tensor(self.input.index)
        self._output_views = tuple(self._interpreter.tensor(output.index) for output in self.outputs)

    def input_view(self) -> npt.NDArray[Any]:
        """The input tensor's own memory, to be written in place; drop the reference before :meth:`invoke`."""
        view: npt.NDArray[Any] = self._input_view()
        return view

    def invoke(self) -> None:
        """Run the network on what the input tensor holds.

        Raises
        ------
        ModelError
            If the interpreter fails.
        """
        try:
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise ModelError(self.path, f"failed while running ({first_line(error)})") from error

    def output(self, position: int) -> npt.NDArray[Any]:
        """Give a copy of an output tensor's stored values, flattened."""
        values: npt.NDArray[Any] = self._output_views[position]().ravel().copy()
        return values

    def operations(self) -> tuple[Operation, ...]:
        """The operations in order; delegates would show as one, so open the session on other kernels."""
        dtypes = {int(d["index"]): np.dtype(d["dtype"]).name for d in self._tensor_details()}
        found = []
        for detail in self._interpreter._get_ops_details():
            # An input that is left out, such as no bias, has the index -1.
            inputs, outputs = (
                tuple(int(i) for i in detail[side] if int(i) in dtypes) for side in ("inputs", "outputs")
            )
            kinds = tuple(dtypes[i] for i in (*inputs, *outputs))
            found.append(Operation(str(detail["op_name"]), kinds, inputs, outputs))
        return tuple(found)

    def unbounded_operations(self) -> tuple[str, ...]:
        """Names of the operations that run another graph, or whose result has a size that only running them tells.

        How long such a model runs, and in how much memory, may depend on the picture. Not of a session with a delegate,
        which hides what lies between its operations.
        """
        return tuple(
            operation.name
            for operation in self.operations()
            if operation.name in _WITH_GRAPHS or not all(map(self._has_memory, operation.outputs))
        )

    def _has_memory(self, index: int) -> bool:
        try:
            self._interpreter.tensor(index)()
        except ValueError:
            return False
        return True

    def tensors(self) -> dict[int, TensorSpec]:
        """All tensors by index, those between operations and constants too."""
        return {int(d["index"]): _spec(d) for d in self._tensor_details()}

    def _tensor_details(self) -> list[dict[str, Any]]:
        try:
            details: list[dict[str, Any]] = self._interpreter.get_tensor_details()
        except ValueError as error:
            reason = f"has tensors that cannot be described ({str(error)[:200]}); copy or convert it again"
            raise ModelError(self.path, reason) from error
        return details

    def values(self, index: int) -> npt.NDArray[Any]:
        """Give a copy of a tensor's stored values; of one between operations only in a session that keeps them."""
        values: npt.NDArray[Any] = self._interpreter.get_tensor(index)
        return values

    @property
    def version(self) -> str:
        """Version of the runtime's package."""
        return self.runtime.version

    @property
    def banner(self) -> str:
        """One line on what computes."""
        unit = "thread" if self.threads == 1 else "threads"
        return f"{self.runtime.value} {self.version}, {self.family.value} kernels, {self.threads} {unit}"


def available_runtimes() -> tuple[Runtime, ...]:
    """Installed runtimes in order of preference; nothing is imported."""
    return tuple(runtime for runtime in Runtime if _is_installed(runtime))


def default_threads() -> int:
    """Threads used unless told otherwise: the processors this process may run on, at most four."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_MOST_THREADS, usable)


def open_session(
    path: Path,
    graph: bytes,
    *,
    threads: int | None = None,
    family: KernelFamily | None = None,
    runtime: Runtime | None = None,
    keep_tensors: bool = False,
    digest: str | None = None,
    to_run: bool = True,
) -> Session | OnnxSession:
    """Load a graph into an interpreter; an unknown one into that of a child first (:mod:`cspine_edge.probation`).

    Parameters
    ----------
    path
        The model file, for messages; by its suffix an ``.onnx`` goes to ONNX Runtime.
    graph
        The flatbuffer, or the ONNX model.
    threads
        Number of threads; :func:`default_threads` by default.
    family, runtime
        For TFLite: kernels to use, by default the runtime's own choice, which is the fastest; and which
        interpreter, by default the first that is installed.
    keep_tensors
        Keep what each operation gave, for :meth:`Session.values`; needs a family other than XNNPACK, whose
        operations disappear in one delegate.
    digest
        SHA-256 of ``graph``, if it is known.
    to_run
        False if its operations are only to be listed.

    Raises
    ------
    MissingExtraError
        If no interpreter is installed.
    ModelError
        If the graph cannot be loaded, or crashes an interpreter.
    """
    threads = threads or default_threads()
    if path.suffix.lower() == ONNX_SUFFIX:
        from .onnx_model import OnnxSession

        return OnnxSession(path, graph, threads)
    if digest not in KNOWN_GRAPHS:
        from .probation import admit

        kernels: dict[str, Any] = {"family": family, "runtime": runtime, "keep_tensors": keep_tensors}
        admit(path, graph, digest=digest, threads=threads, to_run=to_run, **kernels)
    for candidate in (runtime,) if runtime else Runtime:
        try:
            return Session(path, candidate, family, threads, graph, keep_tensors)
        except ModuleNotFoundError:
            continue
        except ImportError as error:  # of a package for another C library, or another numpy
            reason = f"{candidate.value} is installed but does not load here ({first_line(error)})"
            raise ModelError(path, f"cannot be run: {reason}") from error
    raise MissingExtraError("running a model", "tflite-runtime")


def open_to_list(path: Path, graph: bytes, digest: str | None = None) -> Session | OnnxSession:
    """Load a graph to list its operations; on reference kernels, since XNNPACK's delegate hides them.

    Parameters
    ----------
    path, graph, digest
        As for :func:`open_session`, which also raises.
    """
    return open_session(path, graph, threads=1, family=KernelFamily.REFERENCE, digest=digest, to_run=False)


def tflite_session(session: Session | OnnxSession, what: str) -> Session:
    """Give the session if it is a TFLite interpreter's.

    Raises
    ------
    ModelError
        If it is not; says that ``what`` is for ``.tflite`` files.
    """
    if isinstance(session, Session):
        return session
    raise ModelError(session.path, f"is an ONNX model; {what} for .tflite files only")


def _is_installed(runtime: Runtime) -> bool:
    return importlib.util.find_spec(MODULES[runtime].partition(".")[0]) is not None


def _family_in_use(
    runtime: Runtime, family: KernelFamily | None, outputs: tuple[TensorSpec, ...]
) -> KernelFamily:
    """tflite-runtime hands float graphs to XNNPACK but keeps int8 ones in its built-in kernels."""
    quantised = any(output.scale for output in outputs)
    if family in (None, KernelFamily.XNNPACK) and runtime is Runtime.TFLITE_RUNTIME and quantised:
        return KernelFamily.BUILTIN
    return family or KernelFamily.XNNPACK


def _spec(detail: dict[str, Any]) -> TensorSpec:
    scale, zero_point = detail["quantization"]
    return TensorSpec(
        name=str(detail["name"]),
        shape=tuple(int(side) for side in detail["shape"]),
        dtype=np.dtype(detail["dtype"]),
        scale=float(np.float32(scale)),
        zero_point=int(zero_point),
        index=int(detail["index"]),
    )

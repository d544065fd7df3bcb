"""The classifier on the device: a model file with its contract, from slices to verdicts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .contract import Contract, KernelFamily, Outputs
from .decision import Referral, Threshold
from .errors import ContractError, ModelError, UsageError
from .model_file import ModelFile
from .preprocess import Preprocessing, prepare
from .runtime import Runtime, TensorSpec, open_session
from .shipped import find_model
from .slices import CtSlice
from .window import Window, WindowSource

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True)
class Verdict:
    """What the classifier says of one slice.

    Attributes
    ----------
    path, frame
        Which slice.
    label
        Name of the class it is called.
    score
        Probability of the positive class by the model, 0 to 1.
    margin
        Difference of the logits, positive minus other; the decision compares it with ``threshold``.
    threshold
        Operating threshold on the margin.
    referral
        Whether the slice is to be sent to a radiologist, and why.
    coverage
        Stated coverage of the abstention; ``None`` if the contract states none.
    window, window_source
        Window that was applied (``CENTER/WIDTH`` in HU) and where it came from.
    series
        SeriesInstanceUID, if the file has one.
    """

    path: str
    frame: int
    label: str
    score: float
    margin: float
    threshold: float
    referral: Referral
    coverage: float | None
    window: str | None
    window_source: WindowSource
    series: str | None

    @property
    def refer(self) -> bool:
        """True if the slice is to be sent to a radiologist."""
        return self.referral.is_needed


@dataclass(frozen=True)
class Facts:
    """What a caller says of a model that has no contract.

    Attributes
    ----------
    labels
        Names of the two classes in output order.
    positive
        The one that is looked for.
    value_range
        Real values for which bytes 0 and 255 stand in the network.
    probabilities
        True if its outputs are probabilities, false if logits. Of several output tensors the first is read for
        probabilities, as other tools do, and the last for logits.
    """

    labels: tuple[str, str]
    positive: str
    value_range: tuple[float, float] = (0.0, 1.0)
    probabilities: bool = True


class Classifier:
    """A loaded model; one thread at a time may use it.

    Parameters
    ----------
    model
        A ``.tflite`` or ``.onnx`` file, or the name of a shipped one (:data:`cspine_edge.shipped.SHIPPED`); by
        default the first of these.
    threads
        Threads of the interpreter.
    family
        Kernels to use; by default the fastest of the runtime; for TFLite.
    runtime
        Which interpreter; by default the first installed; for TFLite.
    threshold
        Operating threshold on the score in (0, 1), instead of the contract's.
    facts
        Stands in for a contract where the model has none.
    keep_tensors
        Keep what each operation gave; see :func:`cspine_edge.runtime.open_session`.

    Attributes
    ----------
    file, contract, session
        The parts it works with.

    Raises
    ------
    ModelError
        If the file is missing, broken or foreign.
    ContractError
        If it has no contract and no ``facts`` are given, or its contract contradicts its tensors.
    UsageError
        If ``threshold`` is not in (0, 1).
    """

    def __init__(
        self,
        model: Path | str | None = None,
        *,
        threads: int | None = None,
        family: KernelFamily | None = None,
        runtime: Runtime | None = None,
        threshold: float | None = None,
        facts: Facts | None = None,
        keep_tensors: bool = False,
    ) -> None:
        self.file = ModelFile.read(find_model(model))
        path = self.file.path
        self._open = partial(
            open_session,
            path,
            self.file.graph,
            digest=self.file.graph_sha256,
            threads=threads,
            family=family,
            runtime=runtime,
            keep_tensors=keep_tensors,
        )
        self.session = self._open()
        self._probabilities = self.file.contract is None and facts is not None and facts.probabilities
        if self.file.contract is not None:
            self.contract = self.file.contract
        elif facts is not None:
            self.contract = _assumed_contract(path, self.session.input, len(self.session.outputs), facts)
        else:
            raise ContractError(
                path,
                "carries no cspine-edge contract; convert it with 'cspine-edge convert', or describe it with "
                "--labels, --value-range and --outputs",
            )
        _check_against_tensors(path, self.contract, self.session.input, self.session.outputs)
        if threshold is not None:
            self.contract = replace(self.contract, threshold=_threshold_on_margin(threshold, self.contract))
        self._real_values = self.contract.preprocessing.real_values()
        self._sign = 1.0 if self.contract.positive_index == 1 else -1.0

    def twin(self) -> Classifier:
        """Give another classifier of the same model and settings, for another thread to use."""
        other = copy(self)
        other.session = self._open()
        return other

    @property
    def spec(self) -> Preprocessing:
        """The preprocessing of the model."""
        return self.contract.preprocessing

    def margin(self, image: npt.NDArray[np.uint8]) -> float:
        """Run the network on a prepared image.

        Parameters
        ----------
        image
            Grey levels, shape (height, width), uint8, as :func:`cspine_edge.preprocess.prepare` makes them.

        Returns
        -------
        float
            Difference of the logits, positive minus other.
        """
        self.load(image)
        self.session.invoke()
        return self.read_margin()

    def load(self, image: npt.NDArray[np.uint8]) -> None:
        """Write a prepared image into the input tensor."""
        view = self.session.input_view()[0]
        values: npt.NDArray[Any] = image
        if view.dtype == np.int8:
            values = (image ^ 0x80).view(np.int8)
        elif view.dtype == np.float32:
            values = self._real_values[image]
        for channel in range(
            view.shape[-1]
        ):  # all at once, numpy would go pixel by pixel, which takes five times as long
            view[..., channel] = values

    def read_margin(self) -> float:
        """Read the margin off the output tensors after an invoke.

        Raises
        ------
        ModelError
            If it is not a number.
        """
        return self.margin_of(self.session.output(self.contract.outputs.logits))

    def margin_of(self, stored: npt.NDArray[Any]) -> float:
        """Give the margin that stored values of the logits' output tensor, shape (2,), stand for.

        Raises
        ------
        ModelError
            If it is not a number.
        """
        output = self.session.outputs[self.contract.outputs.logits]
        values = output.dequantize(stored)
        difference = (
            _logit_of_probabilities(values, output.scale)
            if self._probabilities
            else float(values[1] - values[0])
        )
        margin = self._sign * difference
        if math.isnan(margin):  # no threshold is above or below it, so it would pass for normal
            raise ModelError(
                self.file.path, "gives no number for this slice; its weights are broken, convert it again"
            )
        return margin

    def score(self, margin: float) -> float:
        """Probability of the positive class, for people to read; decisions are made on the margin."""
        return self.contract.decision.score(margin)

    def classify(self, ct_slice: CtSlice, window: Window | None = None) -> Verdict:
        """Classify one slice.

        Parameters
        ----------
        ct_slice
            The slice as read.
        window
            Window in HU for slices whose window neither the contract nor the file gives.

        Raises
        ------
        SliceError
            If it holds HU and no window is known.
        """
        prepared = prepare(ct_slice, self.spec, window)
        margin = self.margin(prepared.image)
        contract, decision = self.contract, self.contract.decision
        positive = contract.positive_index
        called = positive if decision.is_positive(margin) else 1 - positive
        return Verdict(
            path=str(ct_slice.path),
            frame=ct_slice.frame,
            label=contract.labels[called],
            score=decision.score(margin),
            margin=margin,
            threshold=decision.threshold.logit,
            referral=decision.referral(margin),
            coverage=decision.abstention.coverage if decision.abstention else None,
            window=str(prepared.window) if prepared.window else None,
            window_source=prepared.window_source,
            series=ct_slice.series,
        )

    def classify_all(self, slices: Iterable[CtSlice], window: Window | None = None) -> Iterator[Verdict]:
        """Classify slices one by one, in order; only one is held in memory."""
        for ct_slice in slices:
            yield self.classify(ct_slice, window)


def _assumed_contract(path: Path, tensor: TensorSpec, outputs: int, facts: Facts) -> Contract:
    if len(tensor.shape) != 4 or tensor.shape[0] != 1:
        raise ContractError(path, f"takes an input of shape {tensor.shape}, not (1, height, width, channels)")
    _, height, width, channels = tensor.shape
    return Contract(
        preprocessing=Preprocessing(height, width, channels, None, facts.value_range),
        outputs=Outputs(logits=0 if facts.probabilities else outputs - 1),
        labels=facts.labels,
        positive=facts.positive,
    )


def _check_against_tensors(
    path: Path, contract: Contract, tensor: TensorSpec, outputs: Sequence[TensorSpec]
) -> None:
    """Refuse a contract that does not describe the tensors it travels with."""
    spec = contract.preprocessing
    if tensor.shape != (1, spec.height, spec.width, spec.channels):
        raise ContractError(
            path,
            f"its contract says {spec.height} x {spec.width} x {spec.channels} pixels but its input tensor "
            f"is {tensor.shape}; convert the model again",
        )
    # The bytes stand for real values by one rule; a uint8 tensor has its own, which must be the same one.
    expected = {
        "uint8": (spec.scale, spec.zero_point),
        "int8": (spec.scale, spec.zero_point - 128),
        "float32": (0.0, 0.0),
    }
    if tensor.dtype.name not in expected:
        raise ContractError(
            path, f"takes {tensor.dtype.name} input; only uint8, int8 and float32 are possible"
        )
    scale, zero_point = expected[tensor.dtype.name]
    # The real value 0 may lie half-way between two bytes (values -1 to 1); converters round it either way.
    if abs(tensor.scale - scale) > 1e-3 * scale or abs(tensor.zero_point - zero_point) > 0.501:
        raise ContractError(
            path,
            f"its contract gives input scale {scale:.6g} and zero point {zero_point:g}, its tensor has "
            f"{tensor.scale:.6g} and {tensor.zero_point}; convert the model again",
        )
    for position in (contract.outputs.logits, contract.outputs.probability):
        if position is not None and not 0 <= position < len(outputs):
            raise ContractError(path, f"its contract names output {position} of {len(outputs)}")
    size = int(np.prod(outputs[contract.outputs.logits].shape))
    if size != len(contract.labels):
        raise ContractError(
            path, f"has {size} output values for {len(contract.labels)} labels; it is for another task"
        )


def _threshold_on_margin(score: float, contract: Contract) -> Threshold:
    if not 0.0 < score < 1.0:
        raise UsageError(
            f"--threshold {score:g} is not between 0 and 1: it is a score, not a margin, which contract and JSON state"
        )
    return Threshold(
        math.log(score / (1.0 - score)) * contract.temperature, f"score {score:g}, given by the caller"
    )


def _logit_of_probabilities(values: npt.NDArray[np.float64], step: float) -> float:
    floor = step / 2 or float(np.finfo(np.float32).tiny)  # a probability of 0 has no logarithm
    second, first = max(float(values[1]), floor), max(float(values[0]), floor)
    return math.log(second / first)

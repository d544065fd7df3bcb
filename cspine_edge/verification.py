"""Golden pairs: they tell whether this machine gives the answers that the workstation saw."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from enum import Enum

import numpy as np

from .classifier import Classifier
from .contract import GoldenPair, KernelFamily
from .errors import ContractError
from .runtime import Runtime, tflite_session

_FLOAT_TOLERANCE = 1e-3
"""Largest difference of a float output, relative to the largest expected value; integers must be equal."""
_STEP = 1.0
"""How far tflite-runtime may be from the outputs of LiteRT's kernels where the contract has none of its own."""
_MIXED_TOLERANCE = 1.0
"""Absolute, where layers of an int8 model are in float: what these give may round to the next step in the integer
layer after, so that an output moves by a step, or a float logit by about as much."""


class Agreement(str, Enum):
    """What golden pairs have to do to pass."""

    EQUAL = "bit for bit"
    """Integer models."""
    STEP = "within a step of LiteRT's"
    """Integer models on tflite-runtime, if they carry no outputs of its own kernels."""
    DECISION = "with the same decisions"
    """Integer models on LiteRT's built-in kernels on ARM, if they carry no outputs of these."""
    CLOSE = "within 0.1 %"
    """Float models."""
    MIXED = "within 1"
    """Integer models with layers in float."""


@dataclass(frozen=True)
class PairResult:
    """One golden pair on this machine.

    Attributes
    ----------
    image
        Name of the input in the archive.
    equal
        True if the outputs are those expected, as far as :class:`Agreement` demands.
    largest_difference
        Largest difference of any output value, in stored units (steps for integers).
    margin
        What the classifier decides on: difference of the logits, positive minus other.
    """

    image: str
    equal: bool
    largest_difference: float
    margin: float


@dataclass(frozen=True)
class Verification:
    """Result of replaying a model's golden pairs.

    Attributes
    ----------
    model
        The model file.
    banner
        What computed.
    agreement
        What was demanded.
    pairs
        One result per golden pair.
    """

    model: str
    banner: str
    agreement: Agreement
    pairs: tuple[PairResult, ...]

    @property
    def exact(self) -> bool:
        """True if equality was demanded bit for bit."""
        return self.agreement is Agreement.EQUAL

    @property
    def passed(self) -> bool:
        """True if every pair is equal."""
        return all(pair.equal for pair in self.pairs)


def verify(classifier: Classifier) -> Verification:
    """Replay the golden pairs of a model.

    Raises
    ------
    ContractError
        If it carries none for the kernels in use.
    ModelError
        If it is an ONNX model.
    """
    session = tflite_session(classifier.session, "golden pairs are")
    golden, key = classifier.contract.golden, golden_key(session.runtime, session.family)
    if not golden:
        raise ContractError(
            classifier.file.path, "carries no golden pairs; convert it with 'cspine-edge convert'"
        )
    origin = classifier.contract.provenance
    mixed = origin is not None and bool(origin.in_float)
    integer = all(output.scale for output in session.outputs) and not mixed
    kind = Agreement.EQUAL if integer else Agreement.MIXED if mixed else Agreement.CLOSE
    if any(key not in pair.expected for pair in golden):
        # Those of another runtime or processor: what the converting workstation has.
        known = (golden_key(Runtime.LITERT, session.family, machine) for machine in ("x86_64", "arm64"))
        key = next((other for other in known if other in golden[0].expected), session.family.value)
        old = session.runtime is Runtime.TFLITE_RUNTIME
        kind = (Agreement.STEP if old else Agreement.DECISION) if integer else kind
    pairs = tuple(_replay(classifier, key, pair, kind) for pair in golden)
    return Verification(str(classifier.file.path), session.banner, kind, pairs)


def golden_key(runtime: Runtime, family: KernelFamily, machine: str | None = None) -> str:
    """Name of a golden pair's outputs for these kernels.

    LiteRT's XNNPACK and reference kernels give the same on every processor. Its built-in ones give something else on
    ARM than on x86, and tflite-runtime, frozen at 2.14, rounds a value in some thousands otherwise than LiteRT.

    Parameters
    ----------
    runtime, family
        What computes.
    machine
        Architecture as ``uname`` tells it; by default this machine's.
    """
    own = f"{runtime.value} " if runtime is Runtime.TFLITE_RUNTIME else ""
    on_arm = (machine or platform.machine()).lower().startswith(("arm", "aarch64"))
    return f"{own}{family.value}{' arm' if on_arm and family is KernelFamily.BUILTIN else ''}"


def _replay(classifier: Classifier, key: str, pair: GoldenPair, kind: Agreement) -> PairResult:
    file = classifier.file
    if key not in pair.expected:
        raise ContractError(file.path, f"has no golden outputs for {key} kernels; convert it again")
    found, wanted = outputs_of(classifier, file.golden_image(pair)), pair.expected[key]
    if [len(row) for row in found] != [len(row) for row in wanted]:
        raise ContractError(
            file.path, f"has golden outputs of another shape in {pair.image}; convert it again"
        )
    largest = float(np.abs(np.concatenate(found) - np.concatenate(wanted)).max())
    margin, decision = classifier.read_margin(), classifier.contract.decision
    if kind is Agreement.DECISION:
        expected = classifier.margin_of(np.array(wanted[classifier.contract.outputs.logits]))
        equal = decision.is_positive(margin) == decision.is_positive(expected)
        return PairResult(pair.image, equal, largest, margin)
    allowed = {
        Agreement.EQUAL: 0.0,
        Agreement.STEP: _STEP,
        Agreement.MIXED: _MIXED_TOLERANCE,
        Agreement.CLOSE: _FLOAT_TOLERANCE * max(1.0, np.abs(np.concatenate(wanted)).max()),
    }[kind]
    return PairResult(pair.image, largest <= allowed, largest, margin)


def outputs_of(classifier: Classifier, image: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Stored values of each output tensor for one prepared image, in output order."""
    classifier.load(image)
    classifier.session.invoke()
    return tuple(
        tuple(float(value) for value in classifier.session.output(position))
        for position in range(len(classifier.session.outputs))
    )

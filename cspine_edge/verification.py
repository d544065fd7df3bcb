"""Golden pairs: they tell whether this machine gives the answers that the workstation saw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .classifier import Classifier
from .contract import GoldenPair
from .errors import ContractError
from .runtime import Runtime, tflite_session

_FLOAT_TOLERANCE = 1e-3
"""Largest difference of a float output, relative to the largest expected value; integers must be equal."""
_MIXED_TOLERANCE = 1.0
"""The same, absolute, where layers of an int8 model are in float: what these give may round to the next step in
the integer layer after, so that an output moves by a step, or a float logit by about as much."""
_OLD_KERNELS_TOLERANCE = 1.0
"""The same, in steps, for an integer model in tflite-runtime: its kernels of 2023 round some products otherwise than
those that gave the golden outputs, and on ARM otherwise than on x86."""


@dataclass(frozen=True)
class PairResult:
    """One golden pair on this machine.

    Attributes
    ----------
    image
        Name of the input in the archive.
    equal
        True if the outputs are those expected: bit for bit if integer (within a step in tflite-runtime), within
        0.1 % if float, within 1 if only some layers are.
    largest_difference
        Largest difference of any output value, in stored units (steps for integers).
    """

    image: str
    equal: bool
    largest_difference: float


@dataclass(frozen=True)
class Verification:
    """Result of replaying a model's golden pairs.

    Attributes
    ----------
    model
        The model file.
    banner
        What computed.
    exact
        True if equality was demanded bit for bit.
    demanded
        The same in words, e.g. ``"within one step"``.
    pairs
        One result per golden pair.
    """

    model: str
    banner: str
    exact: bool
    demanded: str
    pairs: tuple[PairResult, ...]

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
    golden = classifier.contract.golden
    if not golden:
        raise ContractError(
            classifier.file.path, "carries no golden pairs; convert it with 'cspine-edge convert'"
        )
    origin = classifier.contract.provenance
    mixed = origin is not None and bool(origin.in_float)
    integer = all(output.scale for output in session.outputs) and not mixed
    exact = integer and session.runtime is not Runtime.TFLITE_RUNTIME
    allowed, demanded = _demand(exact, integer, mixed)
    pairs = tuple(_replay(classifier, session.family.value, pair, allowed) for pair in golden)
    return Verification(str(classifier.file.path), session.banner, exact, demanded, pairs)


def _demand(exact: bool, integer: bool, mixed: bool) -> tuple[float | None, str]:
    """Give the difference that is allowed, None for a share of the outputs, and what is demanded in words."""
    if exact:
        return 0.0, "bit for bit"
    if integer:
        return _OLD_KERNELS_TOLERANCE, "within one step"
    return (_MIXED_TOLERANCE, "within 1") if mixed else (None, "within 0.1 %")


def _replay(classifier: Classifier, family: str, pair: GoldenPair, allowed: float | None) -> PairResult:
    """Compare with one golden pair; if no difference is given that is allowed, a share of the outputs is."""
    file = classifier.file
    if family not in pair.expected:
        raise ContractError(file.path, f"has no golden outputs for {family} kernels; convert it again")
    found, wanted = outputs_of(classifier, file.golden_image(pair)), pair.expected[family]
    if [len(row) for row in found] != [len(row) for row in wanted]:
        raise ContractError(
            file.path, f"has golden outputs of another shape in {pair.image}; convert it again"
        )
    largest = float(np.abs(np.concatenate(found) - np.concatenate(wanted)).max())
    if allowed is None:
        allowed = _FLOAT_TOLERANCE * max(1.0, np.abs(np.concatenate(wanted)).max())
    return PairResult(pair.image, largest <= allowed, largest)


def outputs_of(classifier: Classifier, image: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """Stored values of each output tensor for one prepared image, in output order."""
    classifier.load(image)
    classifier.session.invoke()
    return tuple(
        tuple(float(value) for value in classifier.session.output(position))
        for position in range(len(classifier.session.outputs))
    )

"""The contract: what a model file of ours says about itself, inside the file (:mod:`cspine_edge.model_file`)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

from .decision import Abstention, Decision, Threshold
from .documents import DocumentError, decode, encode
from .errors import ContractError
from .preprocess import RESIZE_FILTER, Preprocessing

SCHEMA = "cspine-edge/contract"
VERSION = 2
_READABLE_VERSIONS = (1, VERSION)
"""Version 1 had no abstention; a reader that does not know it would leave referrals out, so it must not read 2."""
CONTRACT_FILE = "cspine_edge.json"
LABELS_FILE = "labels.txt"
ONNX_SUFFIX = ".onnx"
INTENDED_USE = "Research use only. Not a medical device."


class KernelFamily(str, Enum):
    """Kernels that give one another's integer results bit for bit; the built-in ones on processors of a kind only."""

    XNNPACK = "xnnpack"
    """XNNPACK, the default of LiteRT."""
    BUILTIN = "builtin"
    """The optimised built-in kernels, the default of tflite-runtime for int8."""
    REFERENCE = "reference"
    """The reference kernels, which follow the quantisation specification to the letter."""


class Precision(str, Enum):
    """Arithmetic of a converted model."""

    FLOAT32 = "float32"
    """As trained."""
    FLOAT16 = "float16"
    """Weights stored in 16 bits, computed in 32."""
    DYNAMIC = "dynamic"
    """Weights in 8 bits, activations quantised on the fly."""
    INT8 = "int8"
    """Weights and activations in 8 bits, ranges from the calibration set."""
    INT8_QAT = "int8-qat"
    """The same after quantization-aware training."""
    INT16X8 = "int16x8"
    """Weights in 8 bits, activations in 16."""

    @property
    def is_integer(self) -> bool:
        """True if every operation is to be an integer one."""
        return self in (Precision.INT8, Precision.INT8_QAT, Precision.INT16X8)


@dataclass(frozen=True)
class Outputs:
    """Positions of the output tensors, in the order of the interpreter's output details.

    Attributes
    ----------
    logits
        Two logits, one a label; decisions are made on their difference.
    probability
        Softmax of the same, for other tools; ``None`` if the model has none.
    """

    logits: int
    probability: int | None = None


@dataclass(frozen=True)
class Provenance:
    """Where the model comes from.

    Attributes
    ----------
    backbone, precision, optimizer, protocol, weights
        What was trained, and how.
    data
        The data set in words, and its fingerprint (SHA-256).
    data_fingerprint
        See :meth:`cspine_edge.dataset.LabelledDataset.fingerprint`.
    held_out
        Series that were held out to test on.
    calibration_sha256
        SHA-256 of the calibration manifest; ``None`` where no representative data set was needed.
    run
        Run folder, relative to the model file as it was written.
    versions
        Toolkit and package versions.
    created
        Date of the conversion, ISO 8601.
    head
        What is on the base: ``dense`` or ``linear``; ``not stated`` for a network from elsewhere.
    teacher
        Name and SHA-256 of the network whose logits were learned; ``None`` if it learned from labels.
    in_float
        Layers of an int8 model that were kept in floating point on purpose.
    """

    backbone: str
    precision: Precision
    optimizer: str
    protocol: str
    weights: str
    data: str
    data_fingerprint: str
    held_out: tuple[str, ...]
    calibration_sha256: str | None
    run: str | None
    versions: dict[str, str]
    created: str
    head: str = "not stated"
    teacher: str | None = None
    in_float: tuple[str, ...] = ()


@dataclass(frozen=True)
class GoldenPair:
    """An input and the outputs that each kernel family gave for it on the workstation.

    Attributes
    ----------
    image
        Name in the archive of a grey PNG of the input's height and width.
    expected
        Per kernel family, per output tensor, its raw values (integers for quantised outputs).
    """

    image: str
    expected: dict[str, tuple[tuple[float, ...], ...]]


@dataclass(frozen=True)
class Contract:
    """All that a runtime must know to use the model, and a reader to trust it.

    Attributes
    ----------
    preprocessing
        From slice to input bytes.
    outputs
        Which output is which.
    labels, positive
        Class names in output order; the one that is looked for.
    threshold
        Operating threshold.
    temperature
        The score is ``sigmoid(margin / temperature)``; 1 leaves the network's own.
    abstention
        Which margins go to a radiologist; ``None`` if nothing was chosen.
    provenance
        Origin; ``None`` for a model described by its user.
    parity
        The verdict of ``check``: this file against its float reference; ``None`` until checked.
    golden
        Golden pairs.
    graph_sha256
        Hash of the flatbuffer.
    resize
        Resize filter.
    intended_use
        What the model may be used for.
    """

    preprocessing: Preprocessing
    outputs: Outputs
    labels: tuple[str, ...]
    positive: str
    threshold: Threshold = field(default_factory=Threshold)
    temperature: float = 1.0
    abstention: Abstention | None = None
    provenance: Provenance | None = None
    parity: dict[str, Any] | None = None
    golden: tuple[GoldenPair, ...] = ()
    graph_sha256: str | None = None
    resize: str = RESIZE_FILTER
    intended_use: str = INTENDED_USE

    def __post_init__(self) -> None:
        if len(set(self.labels)) != 2 or len(self.labels) != 2 or self.positive not in self.labels:
            raise ValueError("labels should be two names, one of them the positive class")
        if self.resize != RESIZE_FILTER:
            raise ValueError(f"resize filter '{self.resize}' is unknown to this version")
        if self.temperature <= 0:
            raise ValueError("temperature should be above 0")
        if self.parity is not None and not {"verdict", "reason"} <= self.parity.keys():
            raise ValueError("parity should have a verdict and a reason")

    @property
    def positive_index(self) -> int:
        """Position of the positive class among the labels."""
        return self.labels.index(self.positive)

    @property
    def decision(self) -> Decision:
        """From margin to verdict."""
        return Decision(self.threshold, self.temperature, self.abstention)

    def with_decision(self, decision: Decision) -> Contract:
        """Give the contract with another threshold, temperature and abstention."""
        return replace(
            self,
            threshold=decision.threshold,
            temperature=decision.temperature,
            abstention=decision.abstention,
        )

    def to_json(self) -> dict[str, Any]:
        """Give plain data for JSON, schema and version first."""
        return {"schema": SCHEMA, "version": VERSION} | encode(self)

    @classmethod
    def from_json(cls, document: Any, path: Path | str) -> Contract:
        """Read a contract document.

        Raises
        ------
        ContractError
            If it is of another schema or version, or malformed; names ``path``.
        """
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            raise ContractError(path, f"its {CONTRACT_FILE} is no {SCHEMA} document; convert the model again")
        if document.get("version") not in _READABLE_VERSIONS:
            raise ContractError(
                path,
                f"its contract has version {document.get('version')}, this toolkit reads 1 and {VERSION}; "
                "install the matching version of cspine-edge or convert the model again",
            )
        try:
            return decode(cls, document)
        except DocumentError as error:
            raise ContractError(
                path, f"its contract is malformed: {error}; convert the model again"
            ) from error

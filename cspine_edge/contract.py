"""The contract: what a ``.tflite`` of ours says about itself, inside the file.

A TFLite file is a flatbuffer; standard TFLite metadata appends a ZIP archive of associated files to it. The
contract is one of these, so any ZIP tool shows it, and a device needs little to read it (:mod:`cspine_edge.archive`)::

    model.tflite = flatbuffer (graph, weights, TFLite metadata for other tools)
                 + ZIP: cspine_edge.json   the contract
                        labels.txt         class names, one a line
                        golden/0.png ...   inputs of the golden pairs, grey, exactly as the tensor takes them

The flatbuffer's SHA-256 stands in the contract and is verified at each load. An ``.onnx`` carries the same
contract and labels as its metadata (:mod:`cspine_edge.onnx_model`).
"""

from __future__ import annotations

import hashlib
import io
import json
import mmap
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .archive import ArchiveError, ForeignEntryError, read_archive
from .decision import Abstention, Decision, Threshold
from .documents import DocumentError, decode, encode, parse
from .errors import ContractError, ModelError
from .files import claimed, write_bytes
from .preprocess import RESIZE_FILTER, Preprocessing

if TYPE_CHECKING:
    import numpy.typing as npt

SCHEMA = "cspine-edge/contract"
VERSION = 2
_READABLE_VERSIONS = (1, VERSION)
"""Version 1 had no abstention; a reader that does not know it would leave referrals out, so it must not read 2."""
CONTRACT_FILE = "cspine_edge.json"
LABELS_FILE = "labels.txt"
ONNX_SUFFIX = ".onnx"
INTENDED_USE = "Research use only. Not a medical device."
_LARGEST_ENTRY = 8 * 1024 * 1024
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


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


@dataclass(frozen=True)
class ModelFile:
    """A ``.tflite`` file taken apart, or an ``.onnx`` by its suffix.

    Attributes
    ----------
    path
        Where it lies.
    graph
        The flatbuffer alone; of an ``.onnx`` the model without metadata.
    contract
        The contract, or ``None`` if it has none.
    attachments
        The other files of the archive, by name.
    """

    path: Path
    graph: bytes
    contract: Contract | None
    attachments: dict[str, bytes]

    @property
    def graph_sha256(self) -> str | None:
        """SHA-256 of the graph, which is known where there is a contract."""
        return self.contract.graph_sha256 if self.contract else None

    @classmethod
    def read(cls, path: Path | str) -> ModelFile:
        """Read a model file and verify its hash.

        Raises
        ------
        ModelError
            If it is missing or no TFLite file (no ONNX model).
        MissingExtraError
            If it is an ``.onnx`` and the package that reads it is not installed.
        ContractError
            If its contract is malformed or belongs to another graph.
        """
        path = Path(path)
        try:
            if path.suffix.lower() == ONNX_SUFFIX:
                from .onnx_model import take_apart

                graph, attachments = take_apart(path, path.read_bytes())
            else:
                graph, attachments = _take_apart(path)
        except OSError as error:
            raise ModelError(path, f"cannot be read ({error.strerror}); give a .tflite file") from error
        document = attachments.pop(CONTRACT_FILE, None)
        if document is None:
            return cls(path, graph, None, attachments)
        try:
            contract = Contract.from_json(parse(document), path)
        except DocumentError as error:
            raise ContractError(path, f"its {CONTRACT_FILE} {error}; convert the model again") from error
        if contract.graph_sha256 != hashlib.sha256(graph).hexdigest():
            raise ContractError(
                path, "is damaged: its graph is not the one its contract names; copy it again"
            )
        return cls(path, graph, contract, attachments)

    def save(self, path: Path | str, *, overwrite: bool = False) -> ModelFile:
        """Write graph, contract and attachments as one file; give the file as it now is."""
        if self.contract is None:
            raise ValueError("a model file is written with its contract")
        contract = replace(self.contract, graph_sha256=hashlib.sha256(self.graph).hexdigest())
        document = json.dumps(contract.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
        entries = {CONTRACT_FILE: document.encode()} | dict(sorted(self.attachments.items()))
        if Path(path).suffix.lower() == ONNX_SUFFIX:
            from .onnx_model import put_together
        else:
            put_together = _put_together
        from .probation import vouch

        content = put_together(self.graph, entries)
        write_bytes(path, content, overwrite=overwrite)
        vouch(content if Path(path).suffix.lower() == ONNX_SUFFIX else self.graph)
        return replace(self, path=Path(path), contract=contract)

    def with_parity(self, parity: dict[str, Any]) -> ModelFile:
        """Write a parity verdict back into the contract of the file.

        Raises
        ------
        ContractError
            If it has no contract, or another process has changed the file since it was read.
        OutputError
            If another process is writing it, or it cannot be written.
        """
        if self.contract is None:
            raise ContractError(self.path, "has no contract to write the verdict into")
        with claimed(self.path):
            now = ModelFile.read(self.path)
            before = replace(self.contract, parity=None)
            if (
                now.graph != self.graph
                or now.contract is None
                or replace(now.contract, parity=None) != before
            ):
                raise ContractError(self.path, "was changed while it was checked; check it again")
            checked = replace(self, contract=replace(self.contract, parity=parity))
            return checked.save(self.path, overwrite=True)

    def golden_image(self, pair: GoldenPair) -> npt.NDArray[np.uint8]:
        """Give the input of a golden pair, shape (height, width), uint8.

        Raises
        ------
        ContractError
            If the archive does not hold it, or it has another size.
        """
        from PIL import Image, UnidentifiedImageError

        content = self.attachments.get(pair.image)
        if content is None or self.contract is None:
            raise ContractError(self.path, f"lacks the golden input {pair.image}; convert the model again")
        spec = self.contract.preprocessing
        try:
            with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
                if picture.size != (spec.width, spec.height) or picture.mode != "L":
                    raise ContractError(self.path, f"its golden input {pair.image} has another size or mode")
                return np.asarray(picture)
        except (UnidentifiedImageError, OSError, SyntaxError) as error:
            raise ContractError(
                self.path, f"its golden input {pair.image} is broken; convert again"
            ) from error


def _put_together(graph: bytes, attachments: dict[str, bytes]) -> bytes:
    import zipfile

    buffer = io.BytesIO()
    buffer.write(graph)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        for name, content in attachments.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_EPOCH), content)
    return buffer.getvalue()


def _take_apart(path: Path) -> tuple[bytes, dict[str, bytes]]:
    with path.open("rb") as file:
        if file.read(8)[4:] != b"TFL3":
            raise ModelError(
                path, "is no TFLite model; give a .tflite file, such as 'cspine-edge convert' writes"
            )
        with mmap.mmap(
            file.fileno(), 0, access=mmap.ACCESS_READ
        ) as data:  # the graph is copied once, not twice
            try:
                start, attachments = read_archive(data, _LARGEST_ENTRY)
            except ForeignEntryError as error:
                raise ContractError(path, f"{error}; convert the model again") from error
            except ArchiveError as error:
                if data.find(CONTRACT_FILE.encode()) >= 0:
                    raise ContractError(
                        path, f"is damaged or cut short ({error}); copy the file again"
                    ) from error
                start, attachments = len(data), {}
            return data[:start], attachments

"""The model file: a graph, its contract and what else is attached to it, as one file.

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
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .archive import ArchiveError, ForeignEntryError, read_archive
from .contract import CONTRACT_FILE, ONNX_SUFFIX, Contract, GoldenPair
from .documents import DocumentError, parse
from .errors import ContractError, ModelError, SliceError
from .files import claimed, open_regular, read_regular, write_bytes

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_LARGEST = 256 * 1024 * 1024
"""Bytes of a model: four times VGG16's in float32, without the layers that the paper leaves out."""
_LARGEST_ENTRY = 8 * 1024 * 1024
_PNG = b"\x89PNG\r\n\x1a\n"
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


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

                graph, attachments = take_apart(path, read_regular(path, _LARGEST))
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
        from .pictures import read_picture

        content = self.attachments.get(pair.image)
        if content is None or self.contract is None:
            raise ContractError(self.path, f"lacks the golden input {pair.image}; convert the model again")
        spec = self.contract.preprocessing
        if not content.startswith(_PNG):
            raise ContractError(self.path, f"its golden input {pair.image} is broken; convert again")
        # Of a PNG these bytes are its size, and that it is grey of 8 bits.
        if content[16:26] != struct.pack(">LLBB", spec.width, spec.height, 8, 0):
            raise ContractError(self.path, f"its golden input {pair.image} has another size or mode")
        try:
            return read_picture(self.path, io.BytesIO(content), _PNG)
        except SliceError as error:
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
    with open_regular(path, _LARGEST) as file:
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

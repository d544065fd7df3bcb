"""The model file: what is written is read back, and whatever was changed on the way is noticed."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from contracts import contract
from PIL import Image

from cspine_edge.contract import CONTRACT_FILE, LABELS_FILE
from cspine_edge.errors import ContractError, ModelError, OutputError
from cspine_edge.model_file import ModelFile

GRAPH = b"\x1c\0\0\0TFL3" + bytes(range(200))


@pytest.fixture
def image() -> np.ndarray:
    return np.array([[0, 100, 255], [7, 8, 9]], dtype=np.uint8)


@pytest.fixture
def saved(tmp_path: Path, image: np.ndarray) -> ModelFile:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    attachments = {LABELS_FILE: b"gesund\nBruch\n", "golden/0.png": buffer.getvalue()}
    return ModelFile(tmp_path / "x", GRAPH, contract(), attachments).save(tmp_path / "model.tflite")


def archive_with(
    path: Path, document: bytes, graph: bytes = GRAPH, compression: int = zipfile.ZIP_STORED
) -> Path:
    """A model file around any contract document."""
    buffer = io.BytesIO()
    buffer.write(graph)
    with zipfile.ZipFile(buffer, "a", compression) as archive:
        archive.writestr(CONTRACT_FILE, document)
    path.write_bytes(buffer.getvalue())
    return path


def document_of(saved: ModelFile, **changes: object) -> bytes:
    assert saved.contract is not None
    return json.dumps(saved.contract.to_json() | changes).encode()


# There and back


def test_round_trip(saved: ModelFile, image: np.ndarray) -> None:
    read = ModelFile.read(saved.path)
    assert read == saved
    assert read.graph == GRAPH
    assert read.contract == contract(graph_sha256=hashlib.sha256(GRAPH).hexdigest())
    assert read.contract is not None
    np.testing.assert_array_equal(read.golden_image(read.contract.golden[0]), image)
    assert read.contract.positive_index == 1


def test_the_same_model_gives_the_same_bytes(saved: ModelFile, tmp_path: Path) -> None:
    again = saved.save(tmp_path / "again.tflite")
    read = ModelFile.read(again.path).save(tmp_path / "read.tflite")
    assert again.path.read_bytes() == saved.path.read_bytes() == read.path.read_bytes()


def test_the_graph_comes_first_and_zip_tools_read_the_rest(saved: ModelFile) -> None:
    content = saved.path.read_bytes()
    assert content.startswith(GRAPH)
    with zipfile.ZipFile(saved.path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [CONTRACT_FILE, "golden/0.png", LABELS_FILE]
        document = json.loads(archive.read(CONTRACT_FILE))
    assert document["intended_use"] == "Research use only. Not a medical device."
    assert list(document)[:2] == ["schema", "version"]


def test_an_existing_file_is_kept(saved: ModelFile) -> None:
    before = saved.path.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        saved.save(saved.path)
    assert saved.path.read_bytes() == before


def test_parity_is_written_back_and_nothing_else_changes(saved: ModelFile) -> None:
    verdict = {"verdict": "failed", "reason": "3 flips"}
    read = ModelFile.read(saved.with_parity(verdict).path)
    assert read.contract == replace(contract(graph_sha256=hashlib.sha256(GRAPH).hexdigest()), parity=verdict)
    assert (read.graph, read.attachments) == (saved.graph, saved.attachments)


def test_a_bare_graph_has_no_contract(tmp_path: Path) -> None:
    path = tmp_path / "bare.tflite"
    path.write_bytes(GRAPH)
    bare = ModelFile.read(path)
    assert bare == ModelFile(path, GRAPH, None, {})
    with pytest.raises(ContractError, match="no contract"):
        bare.with_parity({})


def test_an_archive_of_somebody_else_is_no_contract(tmp_path: Path) -> None:
    path = tmp_path / "labels.tflite"
    path.write_bytes(GRAPH)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.txt", "cat\ndog\n")
    read = ModelFile.read(path)
    assert (read.graph, read.contract, read.attachments) == (GRAPH, None, {"labels.txt": b"cat\ndog\n"})


def test_the_shipped_model_is_whole(int8_model: Path, tmp_path: Path) -> None:
    file = ModelFile.read(int8_model)
    assert file.contract is not None
    assert file.contract.labels == ("normal", "fracture")
    assert file.attachments[LABELS_FILE] == b"normal\nfracture\n"
    kernels = {
        *("xnnpack", "builtin", "builtin arm", "reference"),
        *("tflite-runtime builtin", "tflite-runtime builtin arm", "tflite-runtime reference"),
    }
    assert [set(pair.expected) for pair in file.contract.golden] == [kernels] * 4
    for pair in file.contract.golden:
        assert file.golden_image(pair).shape == (224, 224)
    assert ModelFile.read(file.save(tmp_path / "copy.tflite").path).contract == file.contract


# Damage


@pytest.mark.parametrize("position", [8, 100, len(GRAPH) - 1])
def test_a_flipped_bit_of_the_graph_is_noticed(saved: ModelFile, position: int) -> None:
    content = bytearray(saved.path.read_bytes())
    content[position] ^= 1
    saved.path.write_bytes(content)
    with pytest.raises(ContractError, match="its graph is not the one its contract names"):
        ModelFile.read(saved.path)


def test_a_flipped_bit_anywhere_is_noticed_or_harmless(saved: ModelFile) -> None:
    """Harmless: fields of the archive's directory that nothing reads, such as dates."""
    whole = saved.path.read_bytes()
    noticed = 0
    for position in range(0, len(whole), 3):
        content = bytearray(whole)
        content[position] ^= 0x10
        saved.path.write_bytes(content)
        try:
            read = ModelFile.read(saved.path)
        except ModelError:
            noticed += 1
        else:
            assert (read.graph, read.contract) == (saved.graph, saved.contract), position
    assert noticed > 0.8 * len(whole) / 3


def test_a_file_cut_short_is_noticed(saved: ModelFile) -> None:
    whole = saved.path.read_bytes()
    for length in range(0, len(whole), 7):
        saved.path.write_bytes(whole[:length])
        if len(GRAPH) <= length < len(GRAPH) + 30 + len(CONTRACT_FILE):
            continue  # hardly more than the bare graph: that it had a contract cannot be seen any more
        if length < len(GRAPH) and length >= 8:
            assert ModelFile.read(saved.path).contract is None  # the interpreter refuses such a graph
            continue
        with pytest.raises(ModelError, match=r"cut short|no TFLite model"):
            ModelFile.read(saved.path)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"schema": ' * 100_000, "is not JSON"),
        (b"[]", "is no cspine-edge/contract document"),
        (b'{"schema": "cspine-edge/contract", "version": 3}', "has version 3, this toolkit reads 1 and 2"),
        (b'{"schema": "cspine-edge/contract", "version": NaN}', "NaN, which is not a JSON number"),
        (b'{"schema": "cspine-edge/contract", "version": 1e999}', "1e999, which is too large"),
    ],
    ids=lambda value: value[:40].decode(errors="replace") if isinstance(value, bytes) else "",
)
def test_documents_that_are_no_contract(tmp_path: Path, document: bytes, reason: str) -> None:
    path = archive_with(tmp_path / "m.tflite", document)
    with pytest.raises(ContractError, match=reason) as caught:
        ModelFile.read(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_contract_of_another_graph_is_refused(saved: ModelFile, tmp_path: Path) -> None:
    document = document_of(saved)
    other = archive_with(tmp_path / "m.tflite", document, graph=GRAPH + b"more")
    with pytest.raises(ContractError, match="its graph is not the one"):
        ModelFile.read(other)
    unhashed = document_of(saved, graph_sha256=None)
    with pytest.raises(ContractError, match="its graph is not the one"):
        ModelFile.read(archive_with(tmp_path / "n.tflite", unhashed))


# Hostile archives


def test_compressed_and_large_attachments_are_refused(saved: ModelFile, tmp_path: Path) -> None:
    document = document_of(saved)
    compressed = archive_with(tmp_path / "c.tflite", document, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ContractError, match="too large or compressed"):
        ModelFile.read(compressed)
    large = archive_with(tmp_path / "l.tflite", bytes(8 * 1024 * 1024 + 1))
    with pytest.raises(ContractError, match="too large or compressed"):
        ModelFile.read(large)


def test_entries_that_share_their_bytes_are_refused(saved: ModelFile, tmp_path: Path) -> None:
    """A directory that lists one large entry a hundred times must not be read a hundred times."""
    path = archive_with(tmp_path / "m.tflite", bytes(100_000))
    content = path.read_bytes()
    directory = content.rindex(b"PK\x01\x02")
    end = content.rindex(b"PK\x05\x06")
    entries, tail = content[directory:end] * 100, bytearray(content[end:])
    tail[8:12] = (100).to_bytes(2, "little") * 2
    tail[12:16] = len(entries).to_bytes(4, "little")
    path.write_bytes(content[:directory] + entries + tail)
    with pytest.raises(ContractError, match="larger than the file"):
        ModelFile.read(path)


def test_encrypted_attachments_are_refused(saved: ModelFile) -> None:
    content = bytearray(saved.path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        position = content.index(mark)
        content[position + offset] |= 1
    saved.path.write_bytes(content)
    with pytest.raises(ContractError, match="archive is broken"):
        ModelFile.read(saved.path)


# Golden inputs


def png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "lacks the golden input golden/0.png"),
        (b"", "is broken"),
        (b"no picture", "is broken"),
        (png(np.zeros((2, 3), np.uint8))[:40], "is broken"),
        (png(np.zeros((3, 2), np.uint8)), "has another size or mode"),
        (png(np.zeros((2, 3, 3), np.uint8)), "has another size or mode"),
        (png(np.zeros((2, 3), np.uint16)), "has another size or mode"),
    ],
    ids=["missing", "empty", "text", "cut", "turned", "colour", "16 bit"],
)
def test_golden_inputs_that_do_not_fit(saved: ModelFile, content: bytes | None, reason: str) -> None:
    pair = contract().golden[0]
    file = replace(saved, attachments={} if content is None else {pair.image: content})
    with pytest.raises(ContractError, match=reason):
        file.golden_image(pair)


@pytest.mark.parametrize(
    ("kind", "data"),
    [(b"pHYs", b""), (b"zTXt", b"k\0\0" + zlib.compress(bytes(1 << 24)))],
)
def test_golden_inputs_with_hostile_chunks(saved: ModelFile, kind: bytes, data: bytes) -> None:
    content = saved.attachments["golden/0.png"]
    chunk = len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    file = replace(saved, attachments={"golden/0.png": content[:33] + chunk + content[33:]})
    with pytest.raises(ContractError, match=r"its golden input golden/0\.png is broken"):
        file.golden_image(contract().golden[0])

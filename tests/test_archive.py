"""The archive reader against ``zipfile``, whole archives and broken ones."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from cspine_edge.archive import ArchiveError, ForeignEntryError, read_archive

GRAPH = bytes(range(256)) * 3
ENTRIES = {
    "cspine_edge.json": b'{"a": 1}',
    "golden/0.png": bytes(1000),
    "Wirbelsäule.txt": b"",
    "labels.txt": b"x\n",
}


def archive(entries: dict[str, bytes] = ENTRIES, before: bytes = GRAPH, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    buffer.write(before)
    with zipfile.ZipFile(buffer, "a") as written:
        for name, content in entries.items():
            written.writestr(name, content)
        written.comment = comment
    return buffer.getvalue()


@pytest.mark.parametrize(
    "comment", [b"", b"made by another tool", b"x" * 0xFFFF, b"PK\x05\x06 in a comment of some length"]
)
def test_what_zipfile_writes_is_read(comment: bytes) -> None:
    assert read_archive(archive(comment=comment), 1000) == (len(GRAPH), ENTRIES)


def test_an_archive_that_was_appended_is_read() -> None:
    """Its offsets count from its own beginning."""
    assert read_archive(GRAPH + archive(before=b""), 1000) == (len(GRAPH), ENTRIES)


def test_an_empty_archive_has_no_entries() -> None:
    data = archive({})
    assert read_archive(data, 1) == (len(data), {})


def test_entries_of_other_kinds_are_named() -> None:
    with pytest.raises(ForeignEntryError, match=r"golden/0\.png is too large"):
        read_archive(archive(), 999)


def test_a_file_without_archive_is_told_apart() -> None:
    with pytest.raises(ArchiveError, match="no end"):
        read_archive(GRAPH, 1000)


def test_damage_never_gives_other_contents() -> None:
    """Each of many damaged archives is refused or read as it was; ``zipfile`` refuses no content that is read here."""
    whole, generator, refused = archive(), np.random.default_rng(0), 0
    for _ in range(3000):
        data = bytearray(whole)
        for place in generator.integers(len(GRAPH), len(whole), generator.integers(1, 4)):
            data[place] = generator.integers(256)
        try:
            _, entries = read_archive(bytes(data), 1000)
        except (ArchiveError, ForeignEntryError):
            refused += 1
        else:
            assert set(entries.values()) <= set(ENTRIES.values())
    assert refused > 1500

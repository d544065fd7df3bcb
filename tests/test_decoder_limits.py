"""Small files that would take minutes or gigabytes; more of it comes from ``make fuzz``."""

from __future__ import annotations

import struct
import tracemalloc
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from ct_files import read_one, save, write_ct

from cspine_edge.errors import SliceError


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(9)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [50_000, 10_000])  # beyond Pillow's own error, and within its warning
def test_huge_png_is_refused_before_decoding(tmp_path: Path, side: int) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png_header(side, side))
    read_one(save(tmp_path / "small.png", np.zeros((2, 2), np.uint8)))  # imports what it needs
    tracemalloc.start()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SliceError, match=f"{side} x {side} pixels, more than 16 megapixels"):
            read_one(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_huge_jpeg_is_refused_before_decoding(tmp_path: Path, noise: np.ndarray) -> None:
    content = save(tmp_path / "a.jpg", noise).read_bytes()
    at = content.index(b"\xff\xc0") + 5
    (tmp_path / "a.jpg").write_bytes(content[:at] + struct.pack(">HH", 60_000, 50_000) + content[at + 4 :])
    with pytest.raises(SliceError, match="50000 x 60000 pixels"):
        read_one(tmp_path / "a.jpg")


def test_header_of_a_million_items(tmp_path: Path) -> None:
    path = write_ct(tmp_path / "a.dcm", np.zeros((4, 4), np.int16), InstanceNumber=1)
    items = b"\xfe\xff\x00\xe0" + bytes(4)
    for length in (0xFFFFFFFF, 1_000_000 * 8):
        content = path.read_bytes()
        sequence = b"\x00\x52\x30\x92SQ\0\0" + struct.pack("<L", length) + 1_000_000 * items
        at = content.index(b"\xe0\x7f\x10\x00")
        (tmp_path / "b.dcm").write_bytes(content[:at] + sequence + content[at:])
        with pytest.raises(SliceError, match=r"a longer header than any slice|which no slice has"):
            read_one(tmp_path / "b.dcm")


def test_jpeg_of_thousands_of_scans(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", np.zeros((64, 64), np.uint8), progressive=True)
    content = path.read_bytes()
    begin, end = content.rindex(b"\xff\xda"), content.rindex(b"\xff\xd9")
    path.write_bytes(content[:end] + 3000 * content[begin:end] + content[end:])
    with pytest.raises(SliceError, match="scans"):
        read_one(path)

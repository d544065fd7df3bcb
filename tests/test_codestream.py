"""What a compressed frame states of itself: real ones are plain, a few bytes that state millions of parts are not."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from cspine_edge.codestream import is_plain, size_of

GREY = np.random.default_rng(0).integers(0, 256, (96, 128), dtype=np.uint8)


def jpeg2000(**options: object) -> bytes:
    """What Pillow's encoder, OpenJPEG, writes."""
    stream = io.BytesIO()
    Image.fromarray(GREY).save(stream, "JPEG2000", no_jp2=True, **options)
    return stream.getvalue()


def made(
    *,
    size: int = 4096,
    tile: int = 4096,
    cod: bytes = bytes((0, 0, 0, 1, 0, 5, 4, 4, 0, 1)),
    header: bytes = b"",
) -> bytes:
    """A codestream made by hand: SIZ, COD, and one part of a tile with whatever else in its header."""
    siz = struct.pack(">H8LH", 0, size, size, 0, 0, tile, tile, 0, 0, 1) + bytes((7, 1, 1))
    stream = b"\xff\x4f\xff\x51" + struct.pack(">H", len(siz) + 2) + siz
    stream += b"\xff\x52" + struct.pack(">H", len(cod) + 2) + cod
    body = header + b"\xff\x93" + bytes(16)
    return stream + b"\xff\x90" + struct.pack(">HHLBB", 10, 0, 12 + len(body), 0, 1) + body + b"\xff\xd9"


@pytest.mark.parametrize(
    "options",
    [{}, {"irreversible": True, "quality_layers": [20, 5]}, {"tile_size": (64, 64)}, {"num_resolutions": 3}],
)
def test_what_encoders_write_is_plain(options: dict[str, object]) -> None:
    encoded = jpeg2000(**options)
    assert size_of(encoded) == (96, 128, 1)
    assert is_plain(encoded)


def test_jpeg_is_plain() -> None:
    stream = io.BytesIO()
    Image.fromarray(GREY).save(stream, "JPEG")
    assert size_of(stream.getvalue()) == (96, 128, 1)
    assert is_plain(stream.getvalue())


def cod(style: int = 0, layers: int = 1, across: int = 4, down: int = 4, precincts: bytes = b"") -> bytes:
    return struct.pack(">BBHBBBBBB", style, 0, layers, 0, 0, across, down, 0, 1) + precincts


def test_the_one_made_by_hand_is_plain() -> None:
    assert is_plain(made())


@pytest.mark.parametrize(
    "encoded",
    [
        made(cod=cod(1, precincts=b"\0")),
        made(cod=cod(layers=65535)),
        made(cod=cod(across=0, down=0)),
        made(tile=16),
        made(tile=0),
        made(header=b"\xff\x52" + struct.pack(">H", 13) + cod(1, precincts=b"\0")),
        made(header=b"\xff\x53" + struct.pack(">H", 10) + bytes((0, 1, 0, 4, 4, 0, 1, 0))),
        made()[:60],
        b"\0\0\0\x0cjP  \r\n\x87\n"
        + made(),  # which of several codestreams is decoded, the file says elsewhere
    ],
    ids=["precincts", "layers", "blocks", "tiles", "no tile", "in a tile", "of a component", "cut", "JP2"],
)
def test_what_may_take_more_than_its_size_tells_is_not(encoded: bytes) -> None:
    assert not is_plain(encoded)


def test_no_size_is_an_error() -> None:
    with pytest.raises(ValueError, match="state no size"):
        size_of(b"\xff\xd8\xff\xd9")

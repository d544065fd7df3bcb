"""What a compressed frame states of itself, read before a decoder believes it.

Markers of JPEG and JPEG-LS are those of ITU-T T.81 and T.87, of JPEG 2000 those of T.800 annex A.
"""

from __future__ import annotations

import struct

_START_2000 = b"\xff\x4f\xff\x51"
_SIZ, _COD, _COC, _SOT, _SOD, _EOC = 0xFF51, 0xFF52, 0xFF53, 0xFF90, 0xFF93, 0xFFD9
_MOST_TILES, _MOST_LAYERS = 64, 64
_SMALLEST_BLOCK = 8
"""Exponent of two of the samples of a code-block: 16 x 16; usual are 64 x 64."""


def size_of(encoded: bytes) -> tuple[int, int, int]:
    """Height, width and components of a JPEG, JPEG-LS (their SOF) or JPEG 2000 codestream (its SIZ).

    Raises
    ------
    ValueError
        If it states none.
    """
    start = encoded.find(_START_2000)  # perhaps in a JP2 file
    if start >= 0:
        _, _, right, bottom, left, top = struct.unpack_from(">HHLLLL", encoded, start + 4)
        return bottom - top, right - left, int.from_bytes(encoded[start + 40 : start + 42], "big")
    place = encoded.find(b"\xff\xd8") + 2
    while place + 10 <= len(encoded) and place >= 2:
        mark = encoded[place + 1]
        if encoded[place] != 0xFF:
            break
        if mark == 0xF7 or (0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xC8, 0xCC)):
            height, width, samples = struct.unpack_from(">HHB", encoded, place + 5)
            return height, width, samples
        # Fill bytes, and marks without a length, may stand between segments.
        alone = mark == 0xFF or mark == 0x01 or 0xD0 <= mark <= 0xD8
        place += (
            (1 if mark == 0xFF else 2) if alone else 2 + int.from_bytes(encoded[place + 2 : place + 4], "big")
        )
    raise ValueError("its compressed pixels state no size")


def is_plain(encoded: bytes) -> bool:
    """Tell whether a decoder takes no more than the size tells: JPEG, or JPEG 2000 without many small parts.

    A few bytes of JPEG 2000 can state millions of tiles, precincts or code-blocks, each of which takes memory.
    """
    if _START_2000 not in encoded:
        return True
    try:
        return encoded.startswith(_START_2000) and _is_plain_2000(encoded)
    except (struct.error, ZeroDivisionError):
        return False


def _is_plain_2000(encoded: bytes) -> bool:
    place, end_of_part, parts = 2, 0, 0
    while True:
        (mark,) = struct.unpack_from(">H", encoded, place)
        if mark == _EOC:
            return True
        if mark == _SOD:
            if end_of_part >= len(encoded):
                return True
            place = end_of_part
            continue
        (length,) = struct.unpack_from(">H", encoded, place + 2)
        if mark == _SOT:
            (of_part,) = struct.unpack_from(">L", encoded, place + 6)
            parts += 1
            # A length of 0 means: to the end.
            end_of_part = place + of_part if of_part else len(encoded)
            if parts > _MOST_TILES * _MOST_LAYERS or end_of_part <= place + length:
                return False
        elif mark == _SIZ:
            right, bottom, _, _, width, height, left, top = struct.unpack_from(">8L", encoded, place + 6)
            if -(-(right - left) // width) * -(-(bottom - top) // height) > _MOST_TILES:
                return False
        elif mark == _COD:
            style, _, layers, _, _, across, down = struct.unpack_from(">BBHBBBB", encoded, place + 4)
            if style & 1 or layers > _MOST_LAYERS or across + down + 4 < _SMALLEST_BLOCK:
                return False
        elif mark == _COC:
            style, _, across, down = struct.unpack_from(">BBBB", encoded, place + 5)
            if style & 1 or across + down + 4 < _SMALLEST_BLOCK:
                return False
        place += 2 + length

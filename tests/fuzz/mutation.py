"""Bytes made a little wrong: what a damaged disk, a cut copy or somebody with a hex editor does."""

from __future__ import annotations

from random import Random

NUMBERS = [0, 1, 2, 3, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x10000, 0xFFFFFF]
NUMBERS += [0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 1_000_000, 100_000_000]
"""Where lengths and counts overflow or change their sign."""


def mutate(data: bytes, rng: Random, tokens: list[bytes], others: list[bytes], most: int = 4) -> bytes:
    """Change a file in some places.

    Parameters
    ----------
    data
        A whole file.
    rng
        Chooses.
    tokens
        Words of its format, to be written over or into it.
    others
        Other files of the kind, to splice with.
    most
        Changes at most.
    """
    changed = bytearray(data)
    for _ in range(rng.randint(1, most)):
        rng.choice(_CHANGES)(changed, rng, tokens, others)
    return bytes(changed)


def _place(data: bytearray, rng: Random) -> int:
    """Anywhere, but every other time near the beginning, where headers are."""
    return rng.randrange(max(1, min(len(data), 1024) if rng.random() < 0.5 else len(data)))


def _flip(data: bytearray, rng: Random, tokens: list[bytes], others: list[bytes]) -> None:
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        if data:
            data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _byte(data: bytearray, rng: Random, tokens: list[bytes], others: list[bytes]) -> None:
    if data:
        data[_place(data, rng)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _number(data: bytearray, rng: Random, tokens: list[bytes], others: list[bytes]) -> None:
    width, order = rng.choice((1, 2, 4, 4, 8)), rng.choice(("little", "big"))
    value = rng.choice((rng.choice(NUMBERS), len(data), rng.randrange(2 * len(data) + 1)))
    place = _place(data, rng)
    if rng.random() < 0.7:
        place -= place % width
    data[place : place + width] = (value % 256**width).to_bytes(width, order)


def _cut(data: bytearray, rng: Random, tokens: list[bytes], others: list[bytes]) -> None:
    del data[_place(data, rng) :]


def _remove(data: bytearray, rng: Random, tokens: list[bytes], others: list[bytes]) -> None:
    place = _place(data, rng)
    del data[place : place + rng.choice((1, 2, 4, 16, 256))]


def _repeat(data: bytearray, rng: Random, tokens: list[bytes], others: list[bytes]) -> None:
    place = _place(data, rng)
    data[place:place] = data[place : place + rng.choice((1, 8, 64, 512))] * rng.choice((1, 2, 50))


def _token(data: bytearray, rng: Random, tokens: list[bytes], others: list[bytes]) -> None:
    if tokens:
        token, place = rng.choice(tokens), _place(data, rng)
        data[place : place + (len(token) if rng.random() < 0.6 else 0)] = token


def _splice(data: bytearray, rng: Random, tokens: list[bytes], others: list[bytes]) -> None:
    if others:
        other = rng.choice(others)
        place, begin = _place(data, rng), rng.randrange(len(other) + 1)
        data[place:] = other[begin : begin + 1_000_000]


def _noise(data: bytearray, rng: Random, tokens: list[bytes], others: list[bytes]) -> None:
    place = _place(data, rng)
    length = rng.choice((4, 32, 300))
    data[place : place + length] = rng.randbytes(length)


_CHANGES = (_flip, _flip, _flip, _byte, _number, _number, _number, _cut, _remove, _repeat, _token, _token)
_CHANGES += (_splice, _noise)

"""The reader of slices: pictures and DICOM files, changed, put together from hostile parts, and bombs."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pydicom
from hypothesis import strategies as st
from PIL import Image

from .door import Door, draw
from .mutation import NUMBERS, mutate

_TEST_FILES = Path(pydicom.__file__).parent / "data" / "test_files"
_LARGEST_SEED = 60_000
TOKENS = [
    *(bytes.fromhex(tag) for tag in ("e07f1000", "feff00e0", "feff0de0", "feffdde0", "02001000", "28000800")),
    *(bytes.fromhex(tag) for tag in ("28001000", "28001100", "28000001", "28000201", "01000020", "00002952")),
    *(b"OB", b"OW", b"SQ", b"UN", b"US", b"DS", b"IS", b"UL", b"FD", b"AT", b"\xff\xff\xff\xff", b"DICM"),
    *(b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"IEND", b"iCCP", b"zTXt", b"acTL", b"fcTL", b"fdAT", b"eXIf"),
    *(b"\xff\xd8", b"\xff\xd9", b"\xff\xc0", b"\xff\xc2", b"\xff\xc3", b"\xff\xc4", b"\xff\xda", b"\xff\xdb"),
    *(b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.4.70", b"1.2.840.10008.1.2.5", b"1.2.840.10008.1.2.1.99"),
    *(b"MONOCHROME1", b"PALETTE COLOR", b"YBR_FULL_422", b"RGB", b"nan", b"inf", b"1e999", b"-1", b"\x1b[2J"),
]


@cache
def dicom_seeds() -> list[bytes]:
    """The small files of pydicom's wheel: most transfer syntaxes, colour, palettes, frames, broken headers."""
    files = sorted(_TEST_FILES.glob("*.dcm"))
    return [file.read_bytes() for file in files if file.stat().st_size < _LARGEST_SEED]


@cache
def picture_seeds() -> list[bytes]:
    """PNG and JPEG of many kinds, 32 x 24."""
    rng = np.random.default_rng(1)
    grey = rng.integers(0, 256, (24, 32), dtype=np.uint8)
    deep = Image.fromarray(rng.integers(0, 65536, (24, 32), dtype=np.uint16))
    base = Image.fromarray(grey)
    kinds = [base, deep, *(base.convert(mode) for mode in ("RGB", "RGBA", "LA", "P", "1"))]
    made = [_encoded(kind, "PNG") for kind in kinds]
    made.append(_encoded(base.convert("P"), "PNG", transparency=3))
    made += [_encoded(base.convert(mode), "JPEG") for mode in ("L", "RGB", "CMYK")]
    made += [_encoded(base.convert("RGB"), "JPEG", progressive=True, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")]
    made.append(_encoded(base, "PNG", save_all=True, append_images=[base, base]))
    return made


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


# DICOM from parts

_TEXT = [
    b"",
    b" ",
    b"1",
    b"-1",
    b"0",
    b"1e400",
    b"nan",
    b"\\",
    b"1\\2\\3",
    b"9" * 400,
    b"\xff\xfe",
    b"\x1b[31mX\n",
    b"CT",
]
_VRS = [
    b"US",
    b"SS",
    b"UL",
    b"DS",
    b"IS",
    b"CS",
    b"UI",
    b"LO",
    b"PN",
    b"OB",
    b"OW",
    b"OF",
    b"SQ",
    b"UN",
    b"AT",
    b"FD",
    b"ZZ",
]
_LONG = {b"OB", b"OW", b"OF", b"SQ", b"UN", b"UT"}
_TAGS = {
    0x00080005: b"CS",
    0x00080060: b"CS",
    0x0020000E: b"UI",
    0x00200013: b"IS",
    0x00200032: b"DS",
    0x00200037: b"DS",
    0x00280002: b"US",
    0x00280004: b"CS",
    0x00280006: b"US",
    0x00280008: b"IS",
    0x00280010: b"US",
    0x00280011: b"US",
    0x00280100: b"US",
    0x00280101: b"US",
    0x00280102: b"US",
    0x00280103: b"US",
    0x00281050: b"DS",
    0x00281051: b"DS",
    0x00281052: b"DS",
    0x00281053: b"DS",
    0x00281056: b"CS",
    0x00281101: b"US",
    0x00281201: b"OW",
    0x00283000: b"SQ",
    0x00289145: b"SQ",
    0x52009229: b"SQ",
    0x52009230: b"SQ",
    0x7FE00001: b"OV",
    0x7FE00008: b"OF",
    0x7FE00010: b"OW",
}
_SYNTAXES = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"]
_SYNTAXES += [
    f"1.2.840.10008.1.2.{end}" for end in ("5", "4.50", "4.51", "4.57", "4.70", "4.80", "4.90", "4.201")
]
_SYNTAXES += ["1.2.840.10008.1.2.4.100", "1.2.3", "", "x" * 70]


def element(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    """A data element, explicit little endian (PS3.5 7.1.2); its length may be a lie."""
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr
    stated = len(value) if length is None else length
    if vr in _LONG:
        return head + struct.pack("<HL", 0, stated % 2**32) + value
    return head + struct.pack("<H", stated % 2**16) + value


def part10(body: bytes, syntax: str = "1.2.840.10008.1.2.1") -> bytes:
    """A file of this data set (PS3.10 7.1)."""
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    meta = element(0x00020010, b"UI", uid)
    return bytes(128) + b"DICM" + element(0x00020000, b"UL", struct.pack("<L", len(meta))) + meta + body


def ct_elements(rows: int = 16, columns: int = 16) -> dict[int, bytes]:
    """The elements of a small CT slice of 16 bits, encoded, by tag; without pixels."""
    values = {
        0x00080060: b"CT",
        0x0020000E: b"1.2.3",
        0x00200013: b"1 ",
        0x00280002: struct.pack("<H", 1),
        0x00280004: b"MONOCHROME2 ",
        0x00280010: struct.pack("<H", rows),
        0x00280011: struct.pack("<H", columns),
        0x00280100: struct.pack("<H", 16),
        0x00280101: struct.pack("<H", 16),
        0x00280102: struct.pack("<H", 15),
        0x00280103: struct.pack("<H", 0),
        0x00281050: b"40",
        0x00281051: b"400 ",
        0x00281052: b"-1024 ",
        0x00281053: b"1 ",
    }
    return {tag: element(tag, _TAGS[tag], value) for tag, value in values.items()}


_NUMBER = st.sampled_from(NUMBERS).map(lambda n: struct.pack("<H", n % 65536)) | st.binary(max_size=8)
_VALUE = st.sampled_from(_TEXT) | _NUMBER | st.binary(max_size=40)


@st.composite
def _elements(draw_: st.DrawFn, depth: int = 0) -> bytes:
    tag = draw_(st.sampled_from(sorted(_TAGS)) | st.integers(0, 2**32 - 1))
    vr = draw_(st.just(_TAGS.get(tag, b"LO")) | st.sampled_from(_VRS))
    if vr == b"SQ" and depth < 4:
        items = draw_(st.lists(st.lists(_elements(depth + 1), max_size=3).map(b"".join), max_size=3))
        made = b""
        for item in items:
            stated = draw_(st.sampled_from([len(item), len(item), 0xFFFFFFFF, len(item) + 7]))
            closed = b"\xfe\xff\x0d\xe0" + bytes(4) if stated == 0xFFFFFFFF else b""
            made += b"\xfe\xff\x00\xe0" + struct.pack("<L", stated) + item + closed
        undefined = draw_(st.booleans())
        end = b"\xfe\xff\xdd\xe0" + bytes(4) if undefined else b""
        return element(tag, vr, made + end, 0xFFFFFFFF if undefined else None)
    value = draw_(_VALUE)
    length = draw_(st.none() | st.none() | st.none() | st.sampled_from(NUMBERS))
    return element(tag, vr, value, length)


@st.composite
def hostile_dicom(draw_: st.DrawFn) -> bytes:
    """A CT slice in which some elements are replaced, absent, added, nested or of a lying length."""
    parts = ct_elements()
    for tag in draw_(st.lists(st.sampled_from(sorted(parts)), max_size=2)):
        parts.pop(tag, None)
    for tag in draw_(st.lists(st.sampled_from(sorted(_TAGS)), max_size=4)):
        vr = draw_(st.just(_TAGS[tag]) | st.just(_TAGS[tag]) | st.sampled_from(_VRS))
        parts[tag] = element(tag, vr, draw_(_VALUE))
    body = b"".join(parts[tag] for tag in sorted(parts)) + b"".join(draw_(st.lists(_elements(), max_size=3)))
    pixels = draw_(st.sampled_from([bytes(512), bytes(range(256)) * 2, b"", bytes(511), bytes(513)]))
    syntax = draw_(st.sampled_from(_SYNTAXES[:2] + ["1.2.840.10008.1.2.1"] * 4 + _SYNTAXES))
    if (draw_(st.booleans()) and "4." in syntax) or syntax.endswith(".5"):
        frame = draw_(st.sampled_from([*dicom_seeds()[:3], *picture_seeds()]))
        stream = b"\xfe\xff\x00\xe0" + bytes(4) + b"\xfe\xff\x00\xe0" + struct.pack("<L", len(frame)) + frame
        body += element(0x7FE00010, b"OB", stream + b"\xfe\xff\xdd\xe0" + bytes(4), 0xFFFFFFFF)
    else:
        body += element(0x7FE00010, b"OW", pixels, draw_(st.none() | st.sampled_from(NUMBERS)))
    if syntax.endswith("1.99"):
        packer = zlib.compressobj(wbits=-15)
        body = packer.compress(body) + packer.flush()
    return part10(body, syntax)


def _nested(rng: Random) -> bytes:
    """Sequences in sequences, deeper than Python's stack."""
    depth = rng.choice((10, 100, 900, 1100, 10_000, 50_000))
    undefined = rng.random() < 0.7
    tag = rng.choice((0x52009229, 0x00081140, 0x00280000 + 0x9145))
    inner = ct_elements()[0x00281050]
    if undefined:
        opened = element(tag, b"SQ", b"", 0xFFFFFFFF) + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
        closed = b"\xfe\xff\x0d\xe0" + bytes(4) + b"\xfe\xff\xdd\xe0" + bytes(4)
        nest = opened * depth + inner + (closed * depth if rng.random() < 0.8 else b"")
    else:
        nest = inner
        for _ in range(min(depth, 1100)):
            nest = element(tag, b"SQ", b"\xfe\xff\x00\xe0" + struct.pack("<L", len(nest)) + nest)
    parts = ct_elements()
    head = b"".join(parts[key] for key in sorted(parts) if key < tag)
    tail = b"".join(parts[key] for key in sorted(parts) if key > tag)
    return part10(head + nest + tail + element(0x7FE00010, b"OW", bytes(512)))


def _absurd(rng: Random) -> bytes:
    """Sizes and numbers of frames that no memory holds, with a few pixels behind them."""
    parts = ct_elements()
    for tag in (0x00280010, 0x00280011, 0x00280100, 0x00280002):
        if rng.random() < 0.5:
            parts[tag] = element(
                tag, b"US", struct.pack("<H", rng.choice((0, 1, 8, 32, 512, 4096, 4097, 65535)))
            )
    if rng.random() < 0.5:
        frames = str(rng.choice((0, -1, 2, 65536, 2**31 - 1, 2**31, 2**63, 10**30))).encode()
        parts[0x00280008] = element(0x00280008, b"IS", frames + b" " * (len(frames) % 2))
    parts[0x00280004] = element(
        0x00280004, b"CS", rng.choice((b"MONOCHROME2 ", b"RGB ", b"PALETTE COLOR ", b"YBR_FULL"))
    )
    pixels = rng.choice((bytes(512), bytes(2), bytes(200_000)))
    stated = rng.choice((None, 0xFFFFFFFE, 0x7FFFFFFF, 4096 * 4096 * 2))
    syntax = rng.choice(_SYNTAXES)
    body = b"".join(parts[tag] for tag in sorted(parts)) + element(0x7FE00010, b"OW", pixels, stated)
    if syntax.endswith("1.99"):
        packer = zlib.compressobj(wbits=-15)
        body = packer.compress(body) + packer.flush()
    return part10(body, syntax)


def _absurd_frame(rng: Random) -> bytes:
    """A compressed frame whose own header states another size than the file's."""
    marks = {b"\xff\x4f\xff\x51": (8, 4), b"\xff\xc0": (5, 2), b"\xff\xc3": (5, 2), b"\xff\xf7": (5, 2)}
    found = [(data, mark) for data in dicom_seeds() for mark in marks if mark in data]
    data, mark = rng.choice(found)
    place, width = marks[mark]
    changed = bytearray(data)
    place += data.index(mark)
    for side in range(rng.choice((1, 2, 2))):
        number = rng.choice((0, 1, 1000, 9000, 16384, 65500, 65535, 2**31 - 1))
        changed[place + side * width : place + (side + 1) * width] = (number % 256**width).to_bytes(
            width, "big"
        )
    return bytes(changed)


def _true_size(rng: Random) -> bytes:
    """As many pixels as are stated, at the bound of what is read."""
    bits, samples = rng.choice(((8, 1), (16, 1), (32, 1), (8, 3)))
    rows, columns = rng.choice(((4096, 4096), (65535, 256), (1, 65535), (4097, 4096)))
    parts = ct_elements(rows, columns)
    for tag, number in (
        (0x00280002, samples),
        (0x00280100, bits),
        (0x00280101, bits),
        (0x00280102, bits - 1),
    ):
        parts[tag] = element(tag, b"US", struct.pack("<H", number))
    if samples == 3:
        parts[0x00280004] = element(0x00280004, b"CS", rng.choice((b"RGB ", b"YBR_FULL")))
        parts[0x00280006] = element(0x00280006, b"US", bytes(2))
    size = rows * columns * samples * bits // 8
    body = b"".join(parts[tag] for tag in sorted(parts))
    if rng.random() < 0.5:
        packer = zlib.compressobj(level=1, wbits=-15)
        packed = packer.compress(body + element(0x7FE00010, b"OW", b"", size))
        for _ in range(size >> 20):
            packed += packer.compress(bytes(1 << 20))
        return part10(
            packed + packer.compress(bytes(size % (1 << 20))) + packer.flush(), "1.2.840.10008.1.2.1.99"
        )
    ramp = bytes(range(256)) * 4096
    pixels = ramp * (size // len(ramp)) + ramp[: size % len(ramp)]
    return part10(body + element(0x7FE00010, b"OW", pixels))


@cache
def zeros(mib: int, wbits: int) -> bytes:
    """So many MiB of zeros, packed; what follows them is missing."""
    packer = zlib.compressobj(wbits=wbits)
    begin = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return begin + (packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)) * (mib - 1)


def _scans(rng: Random) -> bytes:
    """A progressive JPEG of very many scans."""
    size = rng.choice(((64, 64), (4096, 4096)))
    data = _encoded(Image.new("L", size, 9), "JPEG", progressive=True)
    begin, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    return data[:end] + data[begin:end] * rng.choice((10, 95, 3000)) + data[end:]


def _bomb(rng: Random) -> bytes:
    """A small file that unpacks to a gigabyte or two."""
    mib = rng.choice((64, 1500, 1500))
    kind = rng.randrange(4)
    if kind == 0:
        return part10(zeros(mib, -15), "1.2.840.10008.1.2.1.99")
    packed = zeros(mib, 15)
    if kind == 1:
        return png(64, 64, [(b"IDAT", packed)])
    name = {2: (b"zTXt", b"note\0\0"), 3: (b"iTXt", b"note\0\1\0\0\0")}[kind]
    return png(64, 64, [(name[0], name[1] + packed), (b"IDAT", zlib.compress(bytes(64 * 65)))])


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, chunks: list[tuple[bytes, bytes]], depth: int = 8, color: int = 0) -> bytes:
    """A PNG of these chunks."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunk(*one) for one in chunks) + chunk(b"IEND", b"")


def _absurd_picture(rng: Random) -> bytes:
    """A picture whose header promises what its data does not hold, or chunks in any order and number."""
    sizes = (0, 1, 64, 4096, 4097, 65535, 2**31 - 1, 2**31, 2**32 - 1)
    depth, color = rng.choice((1, 2, 4, 8, 16, 0, 3)), rng.choice((0, 2, 3, 4, 6, 1))
    chunks = []
    for _ in range(rng.choice((0, 1, 2, 5, 3000))):
        kind = rng.choice(
            (b"IDAT", b"PLTE", b"tRNS", b"tEXt", b"iTXt", b"iCCP", b"acTL", b"fcTL", b"fdAT", b"gAMA")
        )
        data = rng.choice((b"", rng.randbytes(20), zlib.compress(bytes(4096)), struct.pack(">II", 2**31, 1)))
        chunks.append((kind, data))
    return png(rng.choice(sizes), rng.choice(sizes), chunks, depth, color)


def _large_picture(rng: Random) -> bytes:
    """A picture at the bound of what is read."""
    mode = rng.choice(("L", "RGB", "RGBA", "P", "1", "I;16"))
    side = rng.choice(((4096, 4096), (65535, 256), (4097, 4096)))
    return _encoded(Image.new(mode, side), "PNG", compress_level=1)


_MAKERS = (
    *((_nested, 20), (_absurd, 60), (_absurd_picture, 60), (_absurd_frame, 40)),
    *((_bomb, 4), (_scans, 4), (_large_picture, 1), (_true_size, 1)),
)


def make(rng: Random, folder: Path) -> Path:
    """Write a file that is a slice, nearly."""
    chosen = rng.randrange(100)
    names = ("slice.dcm", "slice.png", "slice", "IM0001.IMA")
    if chosen < 30:
        data = mutate(rng.choice(dicom_seeds()), rng, TOKENS, dicom_seeds())
    elif chosen < 50:
        data = mutate(rng.choice(picture_seeds()), rng, TOKENS, picture_seeds())
    elif chosen < 75:
        data = draw(hostile_dicom(), rng)
    else:
        makers, weights = zip(*_MAKERS, strict=True)
        data = rng.choices(makers, weights)[0](rng)
        if rng.random() < 0.2:
            data = mutate(data, rng, TOKENS, [])
    path = folder / rng.choice(names)
    path.write_bytes(data)
    return path


DOOR = Door("slices", 45, make, lambda path, out: ["predict", "--model", "fast", "--json", str(path)])

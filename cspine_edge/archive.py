"""The ZIP archive behind a flatbuffer, read without ``zipfile``, which takes longer to import than all this to do.

Only what a model file of ours holds is read: entries that are stored as they are. Numbers of sections are those of
PKWARE's APPNOTE.TXT 6.3.10.
"""

from __future__ import annotations

import struct
import zlib
from mmap import mmap

_END = struct.Struct("<4s4H2LH")
"""End of central directory record (4.3.16)."""
_ENTRY = struct.Struct("<4s6H3L5H2L")
"""Central directory file header (4.3.12)."""
_LOCAL = struct.Struct("<4s5H3L2H")
"""Local file header (4.3.7)."""
_LONGEST_COMMENT = 0xFFFF
_ENCRYPTED = 1


class ArchiveError(ValueError):
    """There is no archive, or not a whole one."""


class ForeignEntryError(ValueError):
    """An entry is compressed, encrypted or larger than any of ours."""


def read_archive(data: bytes | mmap, largest: int) -> tuple[int, dict[str, bytes]]:
    """Take a file apart into what lies before its archive and the entries.

    Parameters
    ----------
    data
        The whole file.
    largest
        Bytes an entry may have.

    Returns
    -------
    tuple
        Where the archive begins, and the contents by name, in the order of the directory.

    Raises
    ------
    ArchiveError
        If there is no archive, it is cut short, or a checksum is wrong.
    ForeignEntryError
        If an entry is not one of ours.
    """
    try:
        return _read(data, largest)
    except (struct.error, UnicodeDecodeError) as error:
        raise ArchiveError(f"its directory is broken: {error}") from error


def _read(data: bytes | mmap, largest: int) -> tuple[int, dict[str, bytes]]:
    end = _end(data)
    *_, count, size, offset, _ = _END.unpack_from(data, end)
    if offset + size > end:
        raise ArchiveError("its end does not fit its directory")
    start, entries, total = len(data), {}, 0
    shift = end - size - offset  # of an archive that was written alone and appended
    place = end - size
    for _ in range(count):
        mark, _, _, flags, method, _, _, checksum, packed, length, *rest = _ENTRY.unpack_from(data, place)
        name_length, extra_length, comment_length, _, _, _, header = rest
        if mark != b"PK\x01\x02":
            raise ArchiveError("its directory is broken")
        raw = data[place + _ENTRY.size : place + _ENTRY.size + name_length]
        name = raw.decode("utf-8")
        if flags & _ENCRYPTED:
            raise ForeignEntryError(f"its attached archive is broken: {name} is encrypted")
        if method or packed != length or length > largest:
            raise ForeignEntryError(f"its attachment {name} is too large or compressed")
        total += length
        if total > len(data):  # entries that lie over one another
            raise ForeignEntryError("its attached archive is larger than the file")
        header += shift
        entries[name] = _content(data, header, raw, length, checksum)
        start = min(start, header)
        place += _ENTRY.size + name_length + extra_length + comment_length
    if place != end:
        raise ArchiveError("its directory has another length")
    return start, entries


def _end(data: bytes | mmap) -> int:
    """Find the record at the end; what looks like one in its comment does not end where the file does."""
    first, found = max(0, len(data) - _END.size - _LONGEST_COMMENT), len(data)
    while (found := data.rfind(b"PK\x05\x06", first, found + 3)) >= 0:
        if found + _END.size <= len(data) and found + _END.size + _END.unpack_from(data, found)[-1] == len(
            data
        ):
            return found
    raise ArchiveError("it has no end")


def _content(data: bytes | mmap, header: int, name: bytes, length: int, checksum: int) -> bytes:
    mark, *_, name_length, extra_length = _LOCAL.unpack_from(data, header)  # the directory has the rest
    begin = header + _LOCAL.size + name_length + extra_length
    content = data[begin : begin + length]
    if (
        mark != b"PK\x03\x04"
        or data[header + _LOCAL.size : header + _LOCAL.size + name_length] != name
        or len(content) < length
        or zlib.crc32(content) != checksum
    ):
        raise ArchiveError(f"{name.decode(errors='replace')} is not what the directory says")
    return content

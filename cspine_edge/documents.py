"""Frozen dataclasses to and from JSON documents, with every type checked on the way in."""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_LARGEST = 32 * 1024 * 1024
"""Bytes of a document: the split of half a million slices. What is in it takes up to twenty times as much."""


class DocumentError(ValueError):
    """A document does not have the stated form; the message names the field."""


def encode(value: Any) -> Any:
    """Give plain JSON data for a value made of dataclasses, enums, tuples, dicts and plain values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, Path):
        return value.as_posix()
    return value


def parse(text: str | bytes) -> Any:
    """Parse JSON text; numbers that JSON does not have (NaN, Infinity) are refused.

    Raises
    ------
    DocumentError
        If the text is not JSON.
    """

    def refuse(constant: str) -> None:
        raise DocumentError(f"holds {constant}, which is not a JSON number")

    def finite(number: str) -> float:
        value = float(number)
        if not math.isfinite(value):
            raise DocumentError(f"holds {number[:40]}, which is too large")
        return value

    try:
        return json.loads(text, parse_constant=refuse, parse_float=finite)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"is not JSON ({str(error)[:200]})") from error


def read_document(path: Path | str) -> Any:
    """Parse the JSON text of a file.

    Raises
    ------
    OSError
        If it cannot be read, is no regular file or is larger than any document of ours.
    DocumentError
        If it is not JSON.
    """
    from .files import read_regular

    return parse(read_regular(path, _LARGEST))


def decode(kind: type[T], document: Any, where: str = "") -> T:
    """Build a dataclass from plain JSON data; fields that are unknown are passed over.

    Parameters
    ----------
    kind
        A dataclass whose fields are plain types, enums, dataclasses, or tuples, dicts and unions of such.
    document
        What :func:`parse` gave.
    where
        Name of the document's place, for messages.

    Raises
    ------
    DocumentError
        If a field is missing or has another type, naming it.
    """
    return typing.cast(T, _decode(kind, document, where))


def _decode(kind: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if kind is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        return _decode_optional(kind, value, where)
    if origin is tuple:
        return _decode_tuple(typing.get_args(kind), value, where)
    if origin is dict:
        if not isinstance(value, dict):
            raise DocumentError(f"{where} should be an object")
        item = typing.get_args(kind)[1]
        return {str(key): _decode(item, entry, f"{where}.{key}") for key, entry in value.items()}
    if is_dataclass(kind):
        return _decode_dataclass(kind, value, where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(value)
        except ValueError:
            raise DocumentError(f"{where} should be one of {', '.join(str(m.value) for m in kind)}") from None
    return _decode_plain(kind, value, where)


def _decode_optional(kind: Any, value: Any, where: str) -> Any:
    choices = typing.get_args(kind)
    if value is None and type(None) in choices:
        return None
    inner = next(choice for choice in choices if choice is not type(None))
    return _decode(inner, value, where)


def _decode_tuple(items: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise DocumentError(f"{where} should be a list")
    if items[-1] is ...:
        return tuple(_decode(items[0], entry, f"{where}[{i}]") for i, entry in enumerate(value))
    if len(value) != len(items):
        raise DocumentError(f"{where} should have {len(items)} entries")
    return tuple(
        _decode(kind, entry, f"{where}[{i}]")
        for i, (kind, entry) in enumerate(zip(items, value, strict=True))
    )


def _decode_dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise DocumentError(f"{where or 'the document'} should be an object")
    hints = typing.get_type_hints(kind)
    arguments = {}
    for field in fields(kind):
        name = f"{where}.{field.name}" if where else field.name
        if field.name in value:
            arguments[field.name] = _decode(hints[field.name], value[field.name], name)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise DocumentError(f"{name} is missing")
    try:
        return kind(**arguments)
    except ValueError as error:
        raise DocumentError(f"{where or 'the document'}: {error}") from error


def _decode_plain(kind: Any, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise DocumentError(f"{where} should be a finite number") from None
    if kind is Path and isinstance(value, str):
        return Path(value)
    if (kind is not bool and isinstance(value, bool)) or not isinstance(value, kind):
        raise DocumentError(f"{where} should be {_NAMES.get(kind, kind.__name__)}")
    return value


_NAMES = {int: "an integer", float: "a number", str: "a string", bool: "true or false", dict: "an object"}

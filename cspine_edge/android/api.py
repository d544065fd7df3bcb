"""Android's API by level: which classes, methods and fields there are in API 36, and since when.

No SDK is needed; two lists that others made are read:

- D8 carries the levels of Google's ``api-versions.xml`` up to :data:`EXACT_UP_TO`, as hashes of whole signatures
  (inherited members count under each class), so that it can tell which calls are newer than an app's minSdk;
- ``chaquopy-stubs-android`` has the signatures of :data:`NEWEST` as Python stubs. They do not tell the types of results
  apart that Python does not (``int`` and ``long``), and are searched by name and parameters.
"""

from __future__ import annotations

import ast
import re
import struct
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path

from .dex import Member, types_in

NEWEST = 36
"""API level of the signatures."""
EXACT_UP_TO = 31
"""Newest API level in D8's list; what is in the signatures only is younger, and counts as :data:`NEWEST`."""
_DATABASE = "api_database/api_database_{}"
_SERIAL_HEADER = 27
"""Bytes before the values of an array of primitives in Java's serialization: stream header, class, length."""
_AMBIGUOUS = 255
_CONSTRUCTOR = "<init>"
_OBJECT = "Ljava/lang/Object;"
_PRIMITIVES = {
    "Z": "jboolean",
    "B": "jbyte",
    "S": "jshort",
    "C": "jchar",
    "I": "jint",
    "J": "jlong",
    "F": "jfloat",
    "D": "jdouble",
}


class Levels:
    """D8's list: API levels by signature.

    Parameters
    ----------
    d8_jar
        A jar that has D8 3.3 and its ``api_database``.
    """

    def __init__(self, d8_jar: Path) -> None:
        with zipfile.ZipFile(d8_jar) as archive:
            hashes = archive.read(_DATABASE.format("hash_lookup.ser"))[_SERIAL_HEADER:]
            levels = archive.read(_DATABASE.format("api_level.ser"))[_SERIAL_HEADER:]
            shared = archive.read(_DATABASE.format("ambiguous.txt")).decode().split()
        self._levels = dict(zip(struct.unpack(f">{len(levels)}I", hashes), levels, strict=True))
        # D8 tells the few signatures that share a hash apart by another one; here the newest of them counts.
        self._levels_of_shared = max(int(line.partition(":")[2]) for line in shared)

    def of_class(self, descriptor: str) -> int | None:
        """Level that introduced a class, ``None`` if it is not in the list."""
        return self._level(_hash(descriptor))

    def of_member(self, member: Member) -> int | None:
        """Level that introduced a method or field, ``None`` if it is not in the list."""
        holder, name = _hash(member.holder), _hash(member.name)
        if not member.is_method:
            return self._level(holder + _hash(member.descriptor) * 7 + name * 31)
        *parameters, result = types_in(member.descriptor)
        shorty = "".join("L" if kind[0] == "[" else kind[0] for kind in (result, *parameters))
        prototype = _hash(shorty) * 7 + _hash(result) * 13 + _combined(map(_hash, parameters)) * 31
        return self._level(holder * 7 + prototype * 29 + name * 31)

    def _level(self, key: int) -> int | None:
        level = self._levels.get(key & 0xFFFFFFFF)
        return self._levels_of_shared if level == _AMBIGUOUS else level


class Api:
    """Both lists: what exists in API 36, and since when.

    Parameters
    ----------
    levels, signatures
        The lists.
    """

    def __init__(self, levels: Levels, signatures: Signatures) -> None:
        self._levels = levels
        self._signatures = signatures

    def of_class(self, descriptor: str) -> int | None:
        """Level that introduced a class, ``None`` if API 36 has no such class."""
        if not self._signatures.has_class(descriptor):
            return None
        return self._levels.of_class(descriptor) or NEWEST

    def of_member(self, member: Member) -> int | None:
        """Level that introduced a method or field, ``None`` if API 36 has no such member."""
        if not self._signatures.has_member(member):
            return None
        if self._signatures.has_member(replace(member, holder=_OBJECT)):
            return 1  # D8's list leaves out what every class has
        return self._levels.of_member(member) or NEWEST


@cache
def _hash(text: str) -> int:
    """Hash code of a string as D8 3.3 has it (``DexString``): of its length, and its bytes with a zero at the end."""
    return len(text) * 7 + _combined([*text.encode(), 0])


def _combined(values: Iterable[int]) -> int:
    """``java.util.Arrays.hashCode``, in 32 bits."""
    total = 1
    for value in values:
        total = (31 * total + value) & 0xFFFFFFFF
    return total


class Signatures:
    """The classes of API 36 with their members.

    Parameters
    ----------
    folder
        ``android-stubs`` of the package; those of ``java`` and others lie beside it.
    """

    def __init__(self, folder: Path) -> None:
        self._root = folder.parent
        self._modules: dict[str, _Module | None] = {}

    def has_class(self, descriptor: str) -> bool:
        """True if there is such a class."""
        return self._class(descriptor) is not None

    def has_member(self, member: Member) -> bool:
        """True if the class or one above it has such a method or field."""
        seen: set[int] = set()
        holder = self._class(member.holder)
        waiting = [holder, self._class(_OBJECT) if holder is not None else None]
        while waiting:
            scope = waiting.pop()
            if scope is None or id(scope) in seen:
                continue
            seen.add(id(scope))
            if _declares(scope, member):
                return True
            if member.name != _CONSTRUCTOR:
                waiting += [self._resolve(base, scope) for base in scope.bases]
        return False

    def _class(self, descriptor: str) -> _Scope | None:
        package, _, name = descriptor[1:-1].rpartition("/")
        return _descend(self._module(package.replace("/", ".")), name.split("$"))

    def _module(self, name: str) -> _Module | None:
        if name not in self._modules:
            first, *rest = name.split(".")
            path = self._root.joinpath(f"{first}-stubs", *rest, "__init__.pyi")
            self._modules[name] = _Module(path.read_text(encoding="utf-8")) if path.is_file() else None
        return self._modules[name]

    def _resolve(self, name: str, scope: _Scope) -> _Scope | None:
        """Find the class that a name means where it stands: in a class around it, in its module, or by full name."""
        parts = name.split(".")
        around: _Scope | _Module | None = scope
        while around is not None:
            found = _descend(around, parts)
            if found is not None:
                return found
            around = around.outer
        for length in range(len(parts) - 1, 0, -1):
            module = self._module(".".join(parts[:length]))
            if module is not None:
                return _descend(module, parts[length:])
        return None


class _Module:
    """A module of the stubs, of which each class is parsed when it is asked for: all of it would take seconds."""

    outer = None

    def __init__(self, text: str) -> None:
        _, *found = re.split(r"^class (\w+)", text, flags=re.MULTILINE)
        self._texts = dict(zip(found[::2], found[1::2], strict=True))
        self._classes: dict[str, _Scope] = {}

    def find(self, name: str) -> _Scope | None:
        if name in self._texts:
            (node, *_) = ast.parse(f"class {name}{self._texts.pop(name)}").body
            if isinstance(node, ast.ClassDef):
                self._classes[name] = _Scope(node, self)
        return self._classes.get(name)


class _Scope:
    """A class of the stubs."""

    def __init__(self, node: ast.ClassDef, outer: _Scope | _Module) -> None:
        self._node = node
        self.outer: _Scope | _Module | None = outer

    def find(self, name: str) -> _Scope | None:
        return self._classes.get(name)

    @cached_property
    def _classes(self) -> dict[str, _Scope]:
        return {node.name: _Scope(node, self) for node in self._node.body if isinstance(node, ast.ClassDef)}

    @cached_property
    def methods(self) -> dict[str, list[ast.FunctionDef]]:
        found: dict[str, list[ast.FunctionDef]] = {}
        for node in self._node.body:
            if isinstance(node, ast.FunctionDef):
                found.setdefault(node.name, []).append(node)
        return found

    @cached_property
    def fields(self) -> set[str]:
        targets = (node.target for node in self._node.body if isinstance(node, ast.AnnAssign))
        return {target.id for target in targets if isinstance(target, ast.Name)}

    @property
    def bases(self) -> Iterator[str]:
        for base in self._node.bases:
            yield ast.unparse(base.value if isinstance(base, ast.Subscript) else base)


def _descend(scope: _Scope | _Module | None, parts: Sequence[str]) -> _Scope | None:
    """Find a nested class; of no parts a module itself is no class."""
    found = scope
    for part in parts:
        found = found.find(part) if found is not None else None
    return found if isinstance(found, _Scope) else None


def _declares(scope: _Scope, member: Member) -> bool:
    names = {member.name, f"{member.name}_"}  # names that are words of Python have a line below
    if not member.is_method:
        return bool(names & scope.fields)
    if member.name == _CONSTRUCTOR:
        names = {"__init__"}
    *parameters, _ = types_in(member.descriptor)
    return any(_takes(method, parameters) for name in names for method in scope.methods.get(name, ()))


def _takes(method: ast.FunctionDef, parameters: Sequence[str]) -> bool:
    arguments = [*method.args.posonlyargs, *method.args.args]
    static = any(isinstance(node, ast.Name) and node.id == "staticmethod" for node in method.decorator_list)
    stated = [argument.annotation for argument in arguments[0 if static else 1 :]]
    if method.args.vararg is not None:  # an array in the class file
        if not parameters or parameters[-1][0] != "[":
            return False
        parameters = parameters[:-1]
    return len(stated) == len(parameters) and all(map(_fits, parameters, stated))


def _fits(descriptor: str, annotation: ast.expr | None) -> bool:
    """True if a parameter of this type can be annotated so; a type variable stands for any class."""
    text = ast.unparse(annotation) if annotation is not None else ""
    words = set(re.findall(r"\w+", text))
    if any(word.startswith("_") for word in words):
        return True
    if descriptor[0] == "[":
        of = _PRIMITIVES.get(descriptor[1:])
        return (f"JavaArrayJ{of[1:].capitalize()}" if of else "JavaArray") in words
    if descriptor in _PRIMITIVES:
        return _PRIMITIVES[descriptor] in words
    simple = re.split(r"[/$]", descriptor[1:-1])[-1]
    return ("Type" if simple == "Class" else simple) in words

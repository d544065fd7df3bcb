"""Whether a dex file asks Android only for what is there: in API 36 at all, and on old phones where it gets there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from .api import EXACT_UP_TO, Api
from .dex import DexClass, Member, Method, element
from .guards import Guards

_METHOD_HANDLES = 26
"""Level that introduced the instructions invoke-custom and invoke-polymorphic."""


@dataclass(frozen=True)
class Compatibility:
    """What was found.

    Attributes
    ----------
    references
        Number of different classes, methods and fields of the system that the file refers to.
    newer
        Number of those that are newer than the app's minSdk.
    missing
        Sentences on what API 36 does not have.
    unguarded
        Sentences on what may be reached on phones that do not have it.
    """

    references: int
    newer: int
    missing: tuple[str, ...]
    unguarded: tuple[str, ...]


@dataclass(frozen=True)
class _Use:
    """A reference to the system: where it stands, and what it may mean."""

    where: DexClass
    method: Method | None
    address: int
    name: str
    candidates: tuple[Member | str, ...]


def examine(classes: Mapping[str, DexClass], api: Api, min_sdk: int) -> Compatibility:
    """Look every reference to the system up.

    Parameters
    ----------
    classes
        The classes of all dex files, by descriptor; what they define is not looked up.
    api
        What there is.
    min_sdk
        What is newer than this has to be guarded.
    """
    guards = Guards(classes)
    levels: dict[str, int | None] = {}
    missing: dict[str, None] = {}
    unguarded: dict[str, None] = {}
    for use in _uses(classes):
        if use.name not in levels:
            levels[use.name] = _level(use, api)
        level = levels[use.name]
        place = str(use.method.member) if use.method is not None else use.where.name
        if level is None:
            missing[f"{use.name} is not in the API; used by {place}"] = None
        elif level > min_sdk and not _guarded(guards, use, level):
            came = f"with API {level}" if level <= EXACT_UP_TO else f"after API {EXACT_UP_TO}, by {level}"
            unguarded[f"{use.name} came {came}; {place} reaches it without comparison"] = None
    newer = sum(level is not None and level > min_sdk for level in levels.values())
    return Compatibility(len(levels), newer, tuple(missing), tuple(unguarded))


def _level(use: _Use, api: Api) -> int | None:
    if use.name.startswith("invoke-"):
        return _METHOD_HANDLES
    found = (
        api.of_member(what) if isinstance(what, Member) else api.of_class(what) for what in use.candidates
    )
    return min((level for level in found if level is not None), default=None)


def _guarded(guards: Guards, use: _Use, level: int) -> bool:
    if use.method is None:
        return guards.covers_class(use.where.name, level)
    return guards.covers(use.method, use.address, level)


def _uses(classes: Mapping[str, DexClass]) -> Iterator[_Use]:
    """Every place that refers to a class, method or field that the file does not define itself."""

    def of_type(where: DexClass, method: Method | None, address: int, name: str) -> Iterator[_Use]:
        kind = element(name)
        if kind.startswith("L") and kind not in classes:
            yield _Use(where, method, address, kind, (kind,))

    for found in classes.values():
        for above in (found.superclass, *found.interfaces):
            yield from of_type(found, None, 0, above or "")
        for method in found.methods:
            for address, caught in method.caught:
                yield from of_type(found, method, address, caught)
            for instruction in method.instructions:
                if instruction.operation.startswith(("invoke-custom", "invoke-polymorphic")):
                    operation = instruction.operation.partition("/")[0]
                    yield _Use(found, method, instruction.address, operation, ())
                    continue
                if instruction.type is not None:
                    yield from of_type(found, method, instruction.address, instruction.type)
                member = instruction.member
                if member is not None and (holders := tuple(_holders(member, classes))):
                    candidates = tuple(replace(member, holder=holder) for holder in holders)
                    yield _Use(found, method, instruction.address, str(candidates[0]), candidates)


def _holders(member: Member, classes: Mapping[str, DexClass]) -> Iterator[str]:
    """The system's classes that a member may be inherited from; none if the file defines it, or for an array's."""
    waiting, outside = [member.holder], []
    while waiting:
        name = waiting.pop(0)
        found = classes.get(name)
        if name.startswith("["):
            continue
        if found is None:
            outside.append(name)
            continue
        own = [method.member for method in found.methods] if member.is_method else found.fields
        if any((one.name, one.descriptor) == (member.name, member.descriptor) for one in own):
            return
        waiting += [above for above in (found.superclass, *found.interfaces) if above is not None]
    yield from dict.fromkeys(outside)

"""What a dex file defines and refers to, read from the listing that ``dexdump -d`` prints.

``dexdump`` comes with Android's build tools and is in Debian; it also verifies the file's checksum and structure. Names
are dex descriptors: ``Landroid/view/View;`` and ``Landroid/view/View;.setAlpha:(F)V``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TYPE_OPERATIONS = (
    "new-instance",
    "const-class",
    "check-cast",
    "instance-of",
    "new-array",
    "filled-new-array",
)
_OPENED = re.compile(r"^Opened '(?:.*[!/])?(.+?)', DEX version '(\d+)'$", re.MULTILINE)
_CLASS = re.compile(r"^  Class descriptor  : '(.+)'$")
_SUPERCLASS = re.compile(r"^  Superclass        : '(.+)'$")
_INTERFACE = re.compile(r"^    #\d+              : '(.+)'$")
_MEMBER_NAME = re.compile(r"^      name          : '(.+)'$")
_MEMBER_TYPE = re.compile(r"^      type          : '(.+)'$")
_MEMBER_ACCESS = re.compile(r"^      access        : 0x([0-9a-f]+) ")
_CODE_LINE = re.compile(
    r"^[0-9a-f]{6}: (?:[0-9a-f]{4}[ .]+)+\|([0-9a-f]{4}): ([a-z0-9/-]+) ?(.*?)(?: // .*)?$"
)
_CATCH_RANGE = re.compile(r"^        0x([0-9a-f]+) - 0x([0-9a-f]+)$")
_CATCH_TARGET = re.compile(r"^          (.+) -> 0x([0-9a-f]+)$")
_METHOD = re.compile(r"(\[*(?:L[^;]+;|[A-Z]))\.([^:\s]+):(\([^)]*\)\S+)$")
_FIELD = re.compile(r"(\[*L[^;]+;)\.([^:\s]+):([^(\s]\S*)$")
_TYPE = re.compile(r"(\[*(?:L[^;]+;|[ZBSCIJFD]))$")
_STATIC, _PRIVATE, _CONSTRUCTOR = 0x8, 0x2, 0x10000


@dataclass(frozen=True, order=True)
class Member:
    """A method or a field.

    Attributes
    ----------
    holder
        Descriptor of the class it is asked of, which may inherit it.
    name
        Its name.
    descriptor
        Of a method its parameters in brackets and its result, of a field its type.
    """

    holder: str
    name: str
    descriptor: str

    @property
    def is_method(self) -> bool:
        """True if it is no field."""
        return self.descriptor.startswith("(")

    def __str__(self) -> str:
        return f"{self.holder}.{self.name}:{self.descriptor}"


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Attributes
    ----------
    address
        In units of 16 bits from the method's begin.
    operation
        Its mnemonic, such as ``invoke-virtual``.
    operands
        The rest of its line.
    """

    address: int
    operation: str
    operands: str

    @property
    def member(self) -> Member | None:
        """The method or field that it refers to."""
        found = _METHOD.search(self.operands) or _FIELD.search(self.operands)
        return Member(*found.groups()) if found else None

    @property
    def type(self) -> str | None:
        """The type that it refers to."""
        found = _TYPE.search(self.operands) if self.operation.startswith(_TYPE_OPERATIONS) else None
        return found[1] if found else None


@dataclass
class Method:
    """A method that the file defines.

    Attributes
    ----------
    member
        Its name.
    access
        Access flags.
    instructions
        Its code, in order; empty if it is abstract.
    handlers
        Ranges of addresses, end excluded, with where an exception in them is caught.
    caught
        Where exceptions of a class are caught, with its descriptor.
    """

    member: Member
    access: int = 0
    instructions: list[Instruction] = field(default_factory=list)
    handlers: list[tuple[int, int, int]] = field(default_factory=list)
    caught: list[tuple[int, str]] = field(default_factory=list)

    @property
    def is_direct(self) -> bool:
        """True if it is called by its name alone: static, private or a constructor."""
        return bool(self.access & (_STATIC | _PRIVATE | _CONSTRUCTOR))


@dataclass
class DexClass:
    """A class that the file defines.

    Attributes
    ----------
    name
        Its descriptor.
    superclass
        Descriptor of the class above; ``None`` for none.
    interfaces
        Descriptors of what it implements.
    methods
        Its methods.
    fields
        Its fields.
    """

    name: str
    superclass: str | None = None
    interfaces: list[str] = field(default_factory=list)
    methods: list[Method] = field(default_factory=list)
    fields: list[Member] = field(default_factory=list)


def parse(listing: str) -> dict[str, DexClass]:
    """Read what ``dexdump -d`` printed; give the classes by descriptor."""
    classes: dict[str, DexClass] = {}
    current, method, section, name, bounds = DexClass(""), None, "", "", (0, 0)
    for line in listing.splitlines():
        if found := _CODE_LINE.match(line):
            if method is not None:
                method.instructions.append(Instruction(int(found[1], 16), found[2], found[3]))
        elif found := _CLASS.match(line):
            current = classes.setdefault(found[1], DexClass(found[1]))
            section = ""
        elif found := _SUPERCLASS.match(line):
            current.superclass = found[1]
        elif line.startswith("  ") and line.rstrip().endswith(" -") and line[2] != " ":
            section = line.strip(" -")
        elif found := _INTERFACE.match(line):
            current.interfaces.append(found[1])
        elif found := _MEMBER_NAME.match(line):
            name = found[1]
        elif found := _MEMBER_TYPE.match(line):
            member = Member(current.name, name, found[1])
            if section.endswith("methods"):
                method = Method(member)
                current.methods.append(method)
            else:
                current.fields.append(member)
        elif (found := _MEMBER_ACCESS.match(line)) and section.endswith("methods") and method is not None:
            method.access = int(found[1], 16)
        elif found := _CATCH_RANGE.match(line):
            bounds = (int(found[1], 16), int(found[2], 16))
        elif (found := _CATCH_TARGET.match(line)) and method is not None:
            method.handlers.append((*bounds, int(found[2], 16)))
            if found[1].startswith("L"):
                method.caught.append((bounds[0], found[1]))
    return classes


def versions(listing: str) -> dict[str, int]:
    """Give the versions of the dex files that ``dexdump`` opened, by name."""
    return {name: int(number) for name, number in _OPENED.findall(listing)}


def element(descriptor: str) -> str:
    """The type of an array's elements, or the type itself."""
    return descriptor.lstrip("[")


def types_in(descriptor: str) -> Iterator[str]:
    """The types of a method's parameters and of its result."""
    return (found[0] for found in re.finditer(r"\[*(?:L[^;]+;|[ZBSCIJFDV])", descriptor))

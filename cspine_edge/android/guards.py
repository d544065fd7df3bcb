"""Which API level a dex file makes sure of before it reaches an instruction.

An app may call what is newer than its minSdk only after it compared ``Build.VERSION.SDK_INT``. That is followed here on
the instructions: a forward data flow over each method finds the least level that the comparisons before an instruction
leave possible; where that is too little, it has to be made sure of by everything that calls the method (static methods,
private ones and constructors), or that makes an object of its class (the others).

The comparison must be one with a number, in an ``if``; what is kept in a field or told by another method is not
followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from .dex import DexClass, Instruction, Member, Method

SDK_INT = Member("Landroid/os/Build$VERSION;", "SDK_INT", "I")
_SDK = "SDK_INT"
"""Stands for the level of the phone in a register."""
_NUMBER = re.compile(r"#int (-?\d+)")
_REGISTER = re.compile(r"v\d+")
_ENDS = ("return", "throw", "goto")
_WRITES_NOTHING = (
    "if-",
    "invoke-",
    "iput",
    "sput",
    "aput",
    *_ENDS,
    "packed-switch",
    "sparse-switch",
    "monitor",
)
_TURNED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "eq", "ne": "ne"}
_AT_LEAST: dict[str, tuple[int | None, int | None]] = {
    "lt": (None, 0),
    "ge": (0, None),
    "gt": (1, None),
    "le": (None, 1),
    "eq": (0, None),
    "ne": (None, 0),
}
"""What ``SDK_INT ? n`` says where it is true and where it is false: at least n plus this."""

Registers = Mapping[str, object]
_Site = tuple[Method, int]
"""An instruction: its method and its address."""


@dataclass(frozen=True)
class _State:
    level: int
    registers: Registers

    def joined(self, other: _State) -> _State:
        shared = {name: value for name, value in self.registers.items() if other.registers.get(name) == value}
        return _State(min(self.level, other.level), shared)


@dataclass(frozen=True)
class _Entry:
    """Where code begins: of one method that is called by its name, or of all that an object of the class can be asked.

    Attributes
    ----------
    holder
        The class.
    method
        The method that is called by its name.
    initializer
        True for what runs when the class is first used.
    """

    holder: str
    method: Member | None = None
    initializer: bool = False

    @classmethod
    def of(cls, method: Method) -> _Entry:
        member = method.member
        if member.name in ("<init>", "<clinit>"):
            return cls(member.holder, initializer=member.name == "<clinit>")
        return cls(member.holder, member if method.is_direct else None)


class Guards:
    """What the code of a dex file makes sure of.

    Parameters
    ----------
    classes
        All its classes by descriptor.
    """

    def __init__(self, classes: Mapping[str, DexClass]) -> None:
        self._classes = classes
        self._flows: dict[Member, dict[int, int]] = {}
        self._calls: dict[Member, list[_Site]] = {}
        self._made: dict[str, list[_Site]] = {}
        self._touched: dict[str, list[_Site]] = {}
        self._below: dict[str, list[str]] = {}
        for found in classes.values():
            for above in (found.superclass, *found.interfaces):
                self._below.setdefault(above or "", []).append(found.name)
            for method in found.methods:
                for instruction in method.instructions:
                    self._note(method, instruction)

    def covers(self, method: Method, address: int, level: int) -> bool:
        """True if an instruction is reached on phones of at least this level only."""
        return self._flow(method).get(address, 0) >= level or self._all_ways_covered(_Entry.of(method), level)

    def covers_class(self, name: str, level: int) -> bool:
        """True if objects of a class are made, and its static members used, from this level on only."""
        return self._all_ways_covered(_Entry(name, initializer=True), level)

    def _all_ways_covered(self, entry: _Entry, level: int) -> bool:
        """Follow calls backwards until each way there has a comparison; one that begins outside the file has none."""
        waiting, seen = [entry], {entry}
        while waiting:
            sites = self._sites(waiting.pop())
            if not sites:
                return False
            for method, address in sites:
                before = _Entry.of(method)
                if self._flow(method).get(address, 0) < level and before not in seen:
                    seen.add(before)
                    waiting.append(before)
        return True

    def _flow(self, method: Method) -> dict[int, int]:
        if method.member not in self._flows:
            self._flows[method.member] = flow(method)
        return self._flows[method.member]

    def _sites(self, entry: _Entry) -> list[_Site]:
        """The instructions that lead to where a method begins."""
        if entry.method is not None:
            return self._calls.get(entry.method, [])
        made = list(self._creations(entry.holder))
        return made + self._touched.get(entry.holder, []) if entry.initializer else made

    def _note(self, method: Method, instruction: Instruction) -> None:
        member, kind, site = instruction.member, instruction.type, (method, instruction.address)
        operation = instruction.operation
        if operation == "new-instance" and kind is not None:
            self._made.setdefault(kind, []).append(site)
        elif member is not None and operation.startswith(("invoke-static", "invoke-direct")):
            member = self._defined(member)
            self._calls.setdefault(member, []).append(site)
        if (
            member is not None
            and operation.startswith(("invoke-static", "sget", "sput"))
            and member.holder != method.member.holder
        ):
            self._touched.setdefault(member.holder, []).append(site)

    def _defined(self, member: Member) -> Member:
        """The member as the class defines it that a static call is inherited from."""
        found = self._classes.get(member.holder)
        while found is not None:
            known = Member(found.name, member.name, member.descriptor)
            if any(method.member == known for method in found.methods):
                return known
            found = self._classes.get(found.superclass or "")
        return member

    def _creations(self, name: str) -> Iterator[_Site]:
        yield from self._made.get(name, ())
        for below in self._below.get(name, ()):
            yield from self._creations(below)


def flow(method: Method) -> dict[int, int]:
    """Give, for the address of each instruction, the least level that the comparisons before it leave possible."""
    code = {instruction.address: instruction for instruction in method.instructions}
    addresses = list(code)
    following = dict(pairwise(addresses))
    states: dict[int, _State] = {}
    start = _State(0, {})
    for (
        root
    ) in addresses:  # the first, and what is reached in ways that are not followed: the cases of a switch
        waiting = [] if root in states else [(root, start)]
        while waiting:
            address, arriving = waiting.pop()
            if address not in code:
                continue
            known = states.get(address)
            state = arriving if known is None else known.joined(arriving)
            if state == known:
                continue
            states[address] = state
            waiting += [(target, state) for begin, end, target in method.handlers if begin <= address < end]
            waiting += _successors(code[address], following.get(address, -1), state)
    return {address: state.level for address, state in states.items()}


def _successors(instruction: Instruction, following: int, state: _State) -> list[tuple[int, _State]]:
    operation, operands = instruction.operation, instruction.operands
    if operation.startswith("if-"):
        *names, target = operands.split(", ")
        values = [state.registers.get(name) for name in names] + ([0] if len(names) == 1 else [])
        taken, passed = _implied(operation[3:5], values)
        return [
            (int(target, 16), _State(max(state.level, taken), state.registers)),
            (following, _State(max(state.level, passed), state.registers)),
        ]
    if operation.startswith("goto"):
        return [(int(operands.lstrip("#"), 16), state)]
    if operation.startswith(_ENDS):
        return []
    return [(following, _State(state.level, _written(instruction, state.registers)))]


def _implied(condition: str, values: list[object]) -> tuple[int, int]:
    """Least levels where a comparison of two values is true and where it is false."""
    left, right = values
    if right == _SDK:
        condition, left, right = _TURNED[condition], right, left
    if left != _SDK or not isinstance(right, int):
        return 0, 0
    true, false = _AT_LEAST[condition]
    return (0 if true is None else right + true), (0 if false is None else right + false)


def _written(instruction: Instruction, registers: Registers) -> Registers:
    """The registers after an instruction; of what it writes only levels, numbers and copies are known."""
    operation, operands = instruction.operation, instruction.operands
    found = _REGISTER.match(operands)
    if found is None or operation.startswith(_WRITES_NOTHING):
        return registers
    target = found[0]
    wide = any(word in operation for word in ("wide", "long", "double"))
    gone = {target, f"v{int(target[1:]) + 1}"} if wide else {target}
    after = {name: value for name, value in registers.items() if name not in gone}
    if operation.startswith("const") and not wide:
        number = _NUMBER.search(operands)
        if number is not None:
            after[target] = int(number[1])
    elif operation.startswith("move") and not operation.startswith(("move-result", "move-exception")):
        source = operands.rpartition(", ")[2]
        if source in registers and not wide:
            after[target] = registers[source]
    elif operation == "sget" and instruction.member == SDK_INT:
        after[target] = _SDK
    return after

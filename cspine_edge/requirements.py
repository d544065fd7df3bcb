"""What an installed package asks for, by its own metadata, and whether it is here.

A device has no parser of requirements (``packaging`` comes with pip and goes with it), so the part of the grammar that
metadata of this project and of TensorFlow use is read here (PEP 508; markers without ``~=`` are Python expressions).
"""

from __future__ import annotations

import ast
import operator
import os
import platform
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from typing import Any

_FORM = re.compile(
    r"\s*(?P<name>[\w.-]+)\s*(?:\[(?P<extras>[^\]]*)\])?\s*\(?(?P<wanted>[^;)]*?)\)?\s*(?:;(?P<marker>.*))?"
)
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    **{"==": operator.eq, "!=": operator.ne, "<": operator.lt},
    **{"<=": operator.le, ">": operator.gt, ">=": operator.ge},
}
_IN_MARKERS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    **{ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt},
    **{ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge},
}


@dataclass(frozen=True)
class Requirement:
    """A package that another one asks for.

    Attributes
    ----------
    name
        As the metadata spell it.
    wanted
        Versions that will do, e.g. ``">=2.19,<2.22"``; empty if any will.
    version
        The one that is installed; ``None`` if none is.
    """

    name: str
    wanted: str
    version: str | None

    @property
    def is_met(self) -> bool:
        """True if a version that will do is installed."""
        return self.version is not None and all(
            _COMPARISONS[sign](_release(self.version), _release(number))
            for sign, number in re.findall(r"([=!<>]=|[<>])\s*([\w.]+)", self.wanted)
        )

    def __str__(self) -> str:
        return self.name + (f"{self.wanted} ({self.version} is installed)" if self.version else "")


def requirements(of: Distribution, extra: str = "") -> tuple[Requirement, ...]:
    """Packages that a distribution asks for on this machine, each once.

    Parameters
    ----------
    of
        An installed distribution.
    extra
        Those that this extra adds; by default those of no extra.
    """
    found: dict[str, Requirement] = {}
    for text in of.requires or ():
        parts = _FORM.fullmatch(text)
        if parts is None:
            continue
        marker = parts["marker"]
        if not _holds(marker, extra) or (extra and _holds(marker, "")):
            continue
        name = parts["name"]
        found.setdefault(f"{name}{parts['wanted']}", Requirement(name, parts["wanted"], _version(name)))
        for inner in filter(None, re.split(r"[\s,]+", parts["extras"] or "")):
            for further in _requirements_of(name, inner):
                found.setdefault(f"{further.name}{further.wanted}", further)
    return tuple(found.values())


def _requirements_of(name: str, extra: str) -> tuple[Requirement, ...]:
    try:
        return requirements(distribution(name), extra)
    except PackageNotFoundError:
        return ()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _release(text: str) -> tuple[int, ...]:
    """Numbers of a version up to anything else, zeros at the end left out: ``2.20.0rc1`` is (2, 20)."""
    numbers = re.match(r"\d+(?:\.\d+)*", text)
    found = [int(number) for number in numbers[0].split(".")] if numbers else []
    while found and not found[-1]:
        found.pop()
    return tuple(found)


def _holds(marker: str | None, extra: str) -> bool:
    if not (marker or "").strip():
        return True
    python = platform.python_version()
    known = {
        "extra": extra,
        "implementation_name": sys.implementation.name,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_system": platform.system(),
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "sys_platform": sys.platform,
    }
    return _truth(ast.parse((marker or "").strip(), mode="eval").body, known)


def _truth(node: ast.expr, known: dict[str, str]) -> bool:
    if isinstance(node, ast.BoolOp):
        parts = (_truth(part, known) for part in node.values)
        return all(parts) if isinstance(node.op, ast.And) else any(parts)
    if not isinstance(node, ast.Compare):
        raise ValueError(f"no marker of a requirement: {ast.unparse(node)}")
    sides = (node.left, node.comparators[0])
    left, right = (
        str(side.value) if isinstance(side, ast.Constant) else known[ast.unparse(side)] for side in sides
    )
    compare = _IN_MARKERS[type(node.ops[0])]
    if any(isinstance(side, ast.Name) and side.id.startswith("python_") for side in sides):
        return compare(_release(left), _release(right))
    return compare(left, right)

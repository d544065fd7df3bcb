"""The licence of every package that an install brings, written into docs/dependencies.md.

``python benchmarks/licences.py`` reads the metadata of what is installed here (``make test`` installs all of it).
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "dependencies.md"
EXTRAS = ("train", "dicom", "onnx", "dask", "android", "dev")
INSTALLS = {"device": "", **{extra: extra for extra in EXTRAS}}
"""Name of an install, and the extra that brings it; each is listed without what the ones before it bring."""
_BEGIN, _END = "<!-- table: licences -->\n", "<!-- end: licences -->\n"
_SPELLED = {
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "BSD License": "BSD",
    "BSD 3-Clause License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}


@dataclass(frozen=True)
class Package:
    """A package of an install, and its licence by its own metadata."""

    install: str
    name: str
    licence: str


def licence_of(package: Distribution) -> str:
    """Read the licence as a package states it: SPDX expression, else classifiers, else the first line of the field."""
    metadata = package.metadata
    expression = metadata.get("License-Expression")
    classified = [
        value.split(" :: ")[-1]
        for value in metadata.get_all("Classifier") or []
        if value.startswith("License ::") and not value.endswith("OSI Approved")
    ]
    stated = (metadata.get("License") or "").strip().splitlines()
    found = [expression] if expression else classified or stated[:1] or ["not stated"]
    return " or ".join(sorted({_SPELLED.get(name, name) for name in found}))


def packages() -> list[Package]:
    """List what each install brings here; what is not installed, as for other Pythons, is left out."""
    seen: set[str] = set()
    found = []
    for install, extra in INSTALLS.items():
        new = sorted(_closure("cspine-edge", extra) - seen - {"cspine-edge"})
        found += [Package(install, name, licence_of(distribution(name))) for name in new]
        seen.update(new)
    return found


def _closure(name: str, extra: str) -> set[str]:
    """Names of a package and all it needs; the project's own needs are those of pyproject.toml."""
    done: set[tuple[str, str]] = set()
    waiting = [(canonicalize_name(name), extra)]
    while waiting:
        item = waiting.pop()
        if item in done:
            continue
        try:
            needed = _requirements(item[0])
        except PackageNotFoundError:
            continue
        done.add(item)
        for text in needed:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": item[1]}):
                waiting += [(canonicalize_name(requirement.name), of) for of in ("", *requirement.extras)]
    return {found for found, _ in done}


def _requirements(name: str) -> list[str]:
    if name != "cspine-edge":
        return distribution(name).requires or []
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed: list[str] = list(project["dependencies"])
    for extra, lines in project["optional-dependencies"].items():
        for line in lines:
            requirement = Requirement(line)
            marker = f"({requirement.marker}) and " if requirement.marker else ""
            requirement.marker = None
            needed.append(f"{requirement} ; {marker}extra == '{extra}'")
    return needed


def table(found: list[Package]) -> str:
    """Give the table as Markdown."""
    rows = [f"| {item.install} | {item.name} | {item.licence} |\n" for item in found]
    return "| install | package | licence |\n|---|---|---|\n" + "".join(rows)


def main() -> None:
    """Write the table into the page."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    if sys.version_info < (3, 11):
        raise SystemExit("the project file is read with Python 3.11 or later")
    page = PAGE.read_text(encoding="utf-8")
    pattern = re.escape(_BEGIN) + ".*?" + re.escape(_END)
    PAGE.write_text(
        re.sub(pattern, lambda _: _BEGIN + table(packages()) + _END, page, flags=re.DOTALL), encoding="utf-8"
    )


if __name__ == "__main__":
    main()

"""The page of dependencies lists what is installed, and nothing on a device is under the GPL."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("tomllib")
licences = pytest.importorskip("licences")
COPYLEFT = re.compile(r"\b[AL]?GPL|General Public", re.IGNORECASE)


def listed(root: Path) -> dict[str, tuple[str, str]]:
    """Install and licence by package, as the page has them."""
    page = (root / "docs" / "dependencies.md").read_text(encoding="utf-8")
    body = page.split(licences._BEGIN)[1].split(licences._END)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines()[2:]]
    return {name: (install, licence) for install, name, licence in rows}


def test_the_page_lists_what_is_installed(root: Path) -> None:
    found = {item.name: (item.install, item.licence) for item in licences.packages()}
    assert {"numpy", "pillow", "pydicom", "rich", "typer"} <= found.keys()
    page = listed(root)
    assert found.items() <= page.items(), "run python benchmarks/licences.py"


def test_nothing_on_a_device_is_under_the_gpl(root: Path) -> None:
    for name, (install, licence) in listed(root).items():
        if install in ("device", "dicom", "onnx"):
            assert licence != "not stated", name
            assert not COPYLEFT.search(licence), name


@pytest.mark.parametrize(
    "licence", ["GPL-3.0-only", "LGPL-2.1", "GNU General Public License v3 (GPLv3)", "AGPL-3.0"]
)
def test_copyleft_is_recognised(licence: str) -> None:
    assert COPYLEFT.search(licence)

"""A few hundred hostile inputs at every door, and all that ever did what none may; ``make fuzz`` tries many more."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.door import Door
from fuzz.doors import DOORS
from fuzz.soak import generated, given, soak

FOUND = Path(__file__).parent / "fuzz" / "found"


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_what_was_found_once(door: Door, tmp_path: Path) -> None:
    files = sorted(path for path in (FOUND / door.name).glob("*") if path.is_file())
    summary = soak(given(door, files), tmp_path, processes_every=5)
    assert summary.inputs == len(files)
    assert not summary.findings, "\n".join(map(str, summary.findings))


def test_everything_found_is_described() -> None:
    told = (FOUND / "README.md").read_text()
    for path in FOUND.glob("*/*"):
        assert f"`{path.relative_to(FOUND).as_posix()}`" in told


@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_new_inputs(door: Door, tmp_path: Path) -> None:
    summary = soak(generated([door], 2 * door.share, seed=1), tmp_path, processes_every=50)
    assert not summary.findings, "\n".join(map(str, summary.findings))
    assert len(summary.codes[door.name]) > 1, "all of them end alike"

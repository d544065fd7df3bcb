"""A few hundred hostile inputs at every door, and all that ever did what none may; ``make fuzz`` tries many more."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from fuzz.door import Door
from fuzz.doors import DOORS
from fuzz.soak import Summary, generated, given, soak

FOUND = Path(__file__).parent / "fuzz" / "found"


def in_a_new_process(run: Callable[..., Summary], *arguments: object) -> Summary:
    """Workers are forked: from one that has loaded TensorFlow they would have its memory and its threads."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(run, *arguments).result()


def try_again(name: str, files: list[Path], keep: Path) -> Summary:
    (door,) = (door for door in DOORS if door.name == name)
    return soak(given(door, files), keep, processes_every=5)


def try_new(name: str, keep: Path) -> Summary:
    (door,) = (door for door in DOORS if door.name == name)
    return soak(generated([door], 2 * door.share, seed=1), keep, processes_every=50)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_what_was_found_once(door: Door, tmp_path: Path) -> None:
    files = sorted(path for path in (FOUND / door.name).glob("*") if path.is_file())
    summary = in_a_new_process(try_again, door.name, files, tmp_path)
    assert summary.inputs == len(files)
    assert not summary.findings, "\n".join(map(str, summary.findings))


def test_everything_found_is_described() -> None:
    told = (FOUND / "README.md").read_text()
    for path in FOUND.glob("*/*"):
        assert f"`{path.relative_to(FOUND).as_posix()}`" in told


@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_new_inputs(door: Door, tmp_path: Path) -> None:
    summary = in_a_new_process(try_new, door.name, tmp_path)
    assert not summary.findings, "\n".join(map(str, summary.findings))
    assert len(summary.codes[door.name]) > 1, "all of them end alike"

"""Setting a board up: the script runs from nothing, and its unit is one that systemd takes."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("sh") is None, reason="needs a POSIX shell")


def install(root: Path, place: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {
        "PREFIX": str(place / "opt"),
        "STATE": str(place / "state"),
        "UNITS": str(place / "units"),
    }
    return subprocess.run(
        ["sh", str(root / "docs/board/install.sh"), *words],
        env=os.environ | settings | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="would start a service on this machine")
def test_from_nothing_to_a_verified_model_and_a_unit(root: Path, tmp_path: Path) -> None:
    watched = tmp_path / "ct"
    done = install(root, tmp_path, str(watched))
    assert done.returncode == 0, done.stderr
    assert "passed: 4 golden pairs bit for bit" in done.stdout
    assert "no systemd runs here" in done.stdout
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(tmp_path / "units/cspine-edge-watch.service")
    program, *words = unit["Service"]["ExecStart"].split()
    assert words == ["predict", "--watch", str(watched), "--out", str(tmp_path / "state/verdicts.jsonl")]
    shown = subprocess.run([program, "predict", "--help"], capture_output=True, text=True, check=True).stdout
    assert "--watch" in shown
    names = subprocess.run(
        [program.replace("cspine-edge", "python"), "-m", "pip", "list"], capture_output=True, text=True
    )
    assert "tensorflow" not in names.stdout
    again = install(root, tmp_path, str(watched))
    assert again.returncode == 0, again.stderr
    if shutil.which("systemd-analyze"):
        path = tmp_path / "units/cspine-edge-watch.service"
        checked = subprocess.run(
            ["systemd-analyze", "verify", path], capture_output=True, text=True, check=False
        )
        assert "cspine-edge-watch.service" not in checked.stderr, checked.stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "give the folder to watch"),
        (["ct"], "as an absolute path"),
        (["/srv/ct; rm -rf x"], "letters, digits"),
    ],
)
def test_wrong_usage_is_told_and_nothing_is_written(
    root: Path, tmp_path: Path, words: list[str], reason: str
) -> None:
    done = install(root, tmp_path, *words)
    assert done.returncode == 1
    assert reason in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_python_that_is_too_old_is_told(root: Path, tmp_path: Path) -> None:
    old = tmp_path / "python3.8"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.8.10\nexit 1\n')
    old.chmod(0o755)
    done = install(root, tmp_path, "/srv/ct", PYTHON=str(old))
    assert done.returncode == 1
    assert "Python 3.8.10 does not do" in done.stderr


def test_every_placeholder_of_the_unit_is_filled(root: Path) -> None:
    script = (root / "docs/board/install.sh").read_text()
    unit = (root / "docs/board/cspine-edge-watch.service").read_text()
    for name in ("PREFIX", "WATCH", "STATE"):
        assert f"@{name}@" in unit
        assert f"s|@{name}@|" in script

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


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="would start a service on this machine")
@pytest.mark.parametrize(
    ("bits", "machine", "installed"),
    [
        ("64", "aarch64", ""),
        ("64", "x86_64", ""),
        ("32", "armv7l", "[tflite-runtime]"),
        ("32", "aarch64", None),  # a 32-bit system on a 64-bit kernel
    ],
)
def test_the_interpreter_is_that_of_the_system_not_of_the_kernel(
    root: Path, tmp_path: Path, bits: str, machine: str, installed: str | None
) -> None:
    program(tmp_path / "bin/getconf", f"[ $1 = LONG_BIT ] && echo {bits}")
    program(tmp_path / "bin/uname", f"echo {machine}")
    program(tmp_path / "bin/python3", "exit 0")
    program(tmp_path / "opt/bin/python", f'echo "$@" >"{tmp_path}/called"')
    program(tmp_path / "opt/bin/cspine-edge", "exit 0")
    done = install(root, tmp_path, str(tmp_path / "ct"), PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    if installed is None:
        assert done.returncode == 1
        assert "32-bit system on a 64-bit kernel" in done.stderr
        assert not (tmp_path / "called").exists()
    else:
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "called").read_text().rstrip().endswith(f"{root}{installed}")


def test_every_placeholder_of_the_unit_is_filled(root: Path) -> None:
    script = (root / "docs/board/install.sh").read_text()
    unit = (root / "docs/board/cspine-edge-watch.service").read_text()
    for name in ("PREFIX", "WATCH", "STATE"):
        assert f"@{name}@" in unit
        assert f"s|@{name}@|" in script


def test_the_drop_in_of_the_page_replaces_what_the_unit_runs(root: Path) -> None:
    unit = (root / "docs/board/cspine-edge-watch.service").read_text()
    page = (root / "docs/raspberry-pi.md").read_text()
    drop_in = page.partition("```ini\n")[2].partition("```")[0].splitlines()
    starts = [line.partition("=")[0] for line in unit.splitlines() if line.startswith("ExecStart")]
    assert starts == ["ExecStartPre", "ExecStart"]
    assert drop_in[0] == "[Service]"
    assert [line.partition("=")[0] for line in drop_in[1:]] == [name for name in starts for _ in range(2)]
    assert drop_in[1::2] == [f"{name}=" for name in starts]
    models = [line.split()[-1] for line in drop_in[2::2]]
    assert models[0] == models[1]

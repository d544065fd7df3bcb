"""The README's commands run as they stand, and its figures are those in ``results/``."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest


def commands(root: Path, section: str) -> list[list[str]]:
    text = (root / "README.md").read_text(encoding="utf-8")
    block = re.search(rf"<!-- run: {section} -->\n```bash\n(.*?)```", text, re.DOTALL)
    assert block is not None
    return [shlex.split(line, comments=True) for line in block[1].splitlines()]


def run(command: list[str], folder: Path, root: Path) -> subprocess.CompletedProcess[str]:
    assert command[0] == "cspine-edge"
    environment = os.environ | {"PYTHONPATH": str(root)}
    return subprocess.run(
        [sys.executable, "-m", "cspine_edge", *command[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readme")


@pytest.mark.slow
def test_device_commands_run(root: Path, folder: Path) -> None:
    for command in commands(root, "device"):
        result = run(command, folder, root)
        assert result.returncode == 0, (command, result.stderr)
        assert result.stdout


@pytest.mark.slow
@pytest.mark.workstation
def test_workstation_commands_run(root: Path, folder: Path) -> None:
    if not (folder / "ct").exists():
        assert run(commands(root, "device")[0], folder, root).returncode == 0
    for command in commands(root, "workstation"):
        result = run(command, folder, root)
        # Four series cannot carry a verdict of parity, and the gate says so.
        assert result.returncode == (3 if command[1] == "check" else 0), (command, result.stderr)
    assert "verdict: TOO LITTLE EVIDENCE" in result.stdout


def test_tables_are_those_of_the_results(root: Path) -> None:
    """The README's and the paper page's tables are what benchmarks/tables.py makes of results/."""
    result = subprocess.run(
        [sys.executable, "benchmarks/tables.py", "--check"], cwd=root, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    text = (root / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\((results/[^)#]+)\)", text)
    assert len(linked) >= 5
    assert all((root / path).exists() for path in linked)


def test_a_changed_figure_is_noticed(root: Path, tmp_path: Path) -> None:
    import shutil

    for folder in ("benchmarks", "results", "docs"):
        shutil.copytree(root / folder, tmp_path / folder)
    text = (root / "README.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if "check-paper-mobilenet-nadam-csf.json" in line)
    (tmp_path / "README.md").write_text(text.replace(row, row.replace("0", "1", 1)), encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "benchmarks/tables.py", "--check"], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode != 0
    assert "README.md is not what results/ says" in result.stderr

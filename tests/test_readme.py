"""The README's commands run as they stand, and its figures are those in ``results/``."""

from __future__ import annotations

import json
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


def test_figures_are_those_of_the_results(root: Path) -> None:
    """Each row of the README's table names a report in results/ and repeats its figures."""
    text = (root / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|.*\]\((results/check-[^)]+\.json)\).*\|$", text, re.MULTILINE)
    assert len(rows) >= 2
    for line in text.splitlines():
        match = re.search(r"\((results/check-[^)]+\.json)\)", line)
        if not match or not line.startswith("|"):
            continue
        report = json.loads((root / match[1]).read_text(encoding="utf-8"))
        for metrics in (report["reference_metrics"], report["candidate_metrics"]):
            for name in ("accuracy", "recall"):
                assert f"{100 * metrics[name]['estimate']:.2f}" in line, (line, name)
        assert f"{len(report['flips'])} of {report['candidate_metrics']['slices']}" in line

"""The README's and the tutorial's commands run as they stand; the README's figures are those in ``results/``."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest


def calls(root: Path, page: str, section: str) -> list[tuple[list[str], int]]:
    """The commands below ``<!-- run: section -->``, each with the exit code that its comment states, else 0."""
    text = (root / page).read_text(encoding="utf-8")
    blocks = re.findall(rf"<!-- run: {section} -->\n```bash\n(.*?)```", text, re.DOTALL)
    assert blocks
    found = []
    for line in "".join(blocks).splitlines():
        stated = re.search(r"# .*\bexit code (\d)$", line)
        found.append((shlex.split(line, comments=True), int(stated[1]) if stated else 0))
    return found


def commands(root: Path, section: str) -> list[list[str]]:
    return [command for command, _ in calls(root, "README.md", section)]


class Desk:
    """A folder to type commands in, where a line that was typed before is not typed again.

    The README and the tutorial make the same things; to train and convert them twice would show nothing more.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self.root = root
        self.done: dict[str, subprocess.CompletedProcess[str]] = {}
        (folder / "models").symlink_to(root / "models")  # a checkout has them

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        assert command[0] == "cspine-edge"
        line = shlex.join(command)
        if line not in self.done:
            self.done[line] = subprocess.run(
                [sys.executable, "-m", "cspine_edge", *command[1:]],
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": str(self.root)},
                capture_output=True,
                text=True,
                timeout=600,
            )
        return self.done[line]


@pytest.fixture(scope="module")
def desk(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("readme"), root)


@pytest.mark.slow
def test_device_commands_run(root: Path, desk: Desk) -> None:
    for command in commands(root, "device"):
        result = desk.run(command)
        assert result.returncode == 0, (command, result.stderr)
        assert result.stdout


@pytest.mark.slow
@pytest.mark.workstation
def test_workstation_commands_run(root: Path, desk: Desk) -> None:
    assert desk.run(commands(root, "device")[0]).returncode == 0
    for command in commands(root, "workstation"):
        result = desk.run(command)
        # Four series cannot carry a verdict of parity, and the gate says so.
        assert result.returncode == (3 if command[1] == "check" else 0), (command, result.stderr)
    assert "verdict: TOO LITTLE EVIDENCE" in result.stdout


@pytest.mark.slow
@pytest.mark.workstation
def test_the_tutorial_goes_as_it_says(root: Path, desk: Desk) -> None:
    typed = calls(root, "docs/tutorial.md", "tutorial")
    verbs = ["phantom", "audit", "train", "convert", "convert", "check", "verify", "predict", "predict"]
    assert [command[1] for command, _ in typed] == verbs
    for command, stated in typed:
        result = desk.run(command)
        assert result.returncode == stated, (command, result.stderr)
    assert "no-such-slice.dcm: does not exist" in result.stderr
    assert len(result.stdout.splitlines()) == 60
    folder = desk.folder
    for name in ("audited/audit.json", "audited/audit.html", "audited/split.json", "run/metrics.json"):
        assert (folder / name).is_file()
    metrics = json.loads((folder / "run/metrics.json").read_text())
    assert metrics["series"] == 4  # as the page says
    audit = next(result for line, result in desk.done.items() if " audit " in line)
    assert audit.stdout.count("same series") == 1


def test_the_readme_types_what_the_tutorial_types(root: Path) -> None:
    tutorial = [command for command, _ in calls(root, "docs/tutorial.md", "tutorial")]
    assert commands(root, "device")[0] in tutorial
    assert all(command in tutorial for command in commands(root, "workstation"))


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

"""Completion, in the shells themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def environment(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A PATH with the program as pip installs it, of this checkout."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "cspine-edge"
    program.write_text(f"#!{sys.executable}\nfrom cspine_edge.cli import program\nprogram()\n")
    program.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "PYTHONPATH": str(root), "HOME": str(folder), "TERM": "dumb"}


def run(environment: dict[str, str], shell: str, *arguments: str) -> str:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    done = subprocess.run(
        [shell, *arguments], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


CALLS = [
    ("cspine-edge pr", {"predict"}),
    ("cspine-edge bench", {"bench", "bench compare", "bench report"}),
    ("cspine-edge predict --wi", {"--window"}),
    ("cspine-edge convert run --precision int8", {"int8", "int8-qat"}),
    ("cspine-edge predict --model fa", {"fast"}),
    ("cspine-edge verify mo", {"mobilenet"}),
    ("cspine-edge bench ", {"mobilenet", "fast", "compare", "report"}),
    ("cspine-edge bench r", {"report"}),
    ("cspine-edge bench --quick ", {"mobilenet", "fast"}),
    ("cspine-edge android ", {"build", "verify"}),
]


@pytest.mark.parametrize(("typed", "offered"), CALLS)
def test_bash(environment: dict[str, str], typed: str, offered: set[str]) -> None:
    words = typed.split(" ")
    script = (
        'eval "$(cspine-edge --show-completion)"\n'
        f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}\n"
        "$(complete -p cspine-edge | sed 's/.*-F \\([^ ]*\\) .*/\\1/') cspine-edge\n"
        "printf '%s\\n' \"${COMPREPLY[@]}\"\n"
    )
    found = run(environment, "bash", "--norc", "-c", script)
    assert set(found.splitlines()) == offered


@pytest.mark.parametrize(("typed", "offered"), CALLS)
def test_fish(environment: dict[str, str], typed: str, offered: set[str]) -> None:
    script = f"cspine-edge --show-completion | source; complete --do-complete '{typed}'"
    found = run(environment, "fish", "--no-config", "-c", script)
    assert {line.partition("\t")[0] for line in found.splitlines()} == offered


def test_zsh(environment: dict[str, str]) -> None:
    """In a terminal of its own, since zsh completes nowhere else."""
    script = (
        "zmodload zsh/zpty; zpty z zsh -f -i\n"
        "zpty -w z 'PS1=; autoload -Uz compinit; compinit -u'\n"
        "zpty -w z 'eval \"$(cspine-edge --show-completion)\"; echo rea\\dy'\n"
        "zpty -r z line '*ready*'\n"
        "zpty -w -n z $'cspine-edge pr\\t'\n"
        "zpty -r z line '*predict*'; print -r -- $line; zpty -d z\n"
    )
    assert "predict" in run(environment, "zsh", "-f", "-c", script)

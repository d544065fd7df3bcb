"""Processes of their own: what they find, what they may take, and how their end is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cspine_edge.apart import end_of, python


def run(statement: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(python(statement), capture_output=True, text=True, cwd=folder, check=False)


def test_it_finds_what_this_process_finds_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("print('a file of where the user happens to be')")
    found = run("import numpy, cspine_edge; print(numpy.__version__, cspine_edge.__file__)", tmp_path)
    import numpy as np

    import cspine_edge

    assert found.stdout.split() == [np.__version__, cspine_edge.__file__]


@pytest.mark.skipif(sys.platform != "linux", reason="bounds of Linux")
def test_it_gets_no_more_memory_than_it_may() -> None:
    code = "from cspine_edge.apart import confine; confine(256 << 20); print(len(bytearray({} << 20)) >> 20)"
    assert run(code.format(100)).stdout == "100\n"
    assert "MemoryError" in run(code.format(400)).stderr


def test_what_it_prints_stays_unread_and_answers_do_not() -> None:
    done = run(
        "import os; from cspine_edge.apart import silence; answers = silence(); os.write(1, b'noise'); "
        "os.write(2, b'noise'); os.write(answers, b'answer')"
    )
    assert (done.stdout, done.stderr) == ("answer", "")


def test_its_end_is_told() -> None:
    assert end_of(run("raise SystemExit(3)").returncode) == "exit code 3"
    assert (
        end_of(run("import os, signal; os.kill(os.getpid(), signal.SIGABRT)").returncode)
        == "signal 6, SIGABRT"
    )
    assert end_of(-200) == "signal 200"

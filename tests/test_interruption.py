"""Signals: one way to end, after what is being written, and with advice where there is some."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cspine_edge.interruption import Interrupted, resumable


def test_a_signal_waits_for_what_is_being_written() -> None:
    code = """
import os, sys
from cspine_edge.interruption import Interrupted, end_on_signals, whole
end_on_signals()
try:
    with whole():
        os.kill(os.getpid(), 15)
        print("whole", flush=True)
    print("not reached")
except Interrupted as end:
    print(end, end.code)
try:
    with whole():
        os.kill(os.getpid(), 2)
        os.kill(os.getpid(), 2)
        print("not reached")
except Interrupted as end:
    print(end, end.code)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["whole", "interrupted 143", "interrupted 130"]


def test_advice_is_given_where_something_was_begun(tmp_path: Path) -> None:
    for begun, told in (
        (False, "interrupted"),
        (True, "interrupted; the same command goes on with --resume"),
    ):
        if begun:
            (tmp_path / "begun").touch()
        with pytest.raises(Interrupted) as ended, resumable(tmp_path / "begun"):
            raise Interrupted(2)
        assert (str(ended.value), ended.value.code) == (told, 130)

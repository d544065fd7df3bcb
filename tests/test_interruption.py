"""Signals: one way to end, after what is being written, and with advice where there is some."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cspine_edge.errors import UsageError
from cspine_edge.interruption import Interrupted, deadline, resumable


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


def test_a_block_that_takes_too_long_is_ended() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(UsageError, match="too slow"), deadline(0.05, lambda: UsageError("too slow")):
        re.search(r"^(a+)+$", "a" * 40 + "b")
    with deadline(0.05, lambda: UsageError("too slow")):
        pass
    time.sleep(0.1)
    assert signal.getsignal(signal.SIGALRM) == before


def test_other_threads_have_no_deadline() -> None:
    def wait() -> None:
        with deadline(0.01, lambda: UsageError("too slow")):
            time.sleep(0.05)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(wait).result()

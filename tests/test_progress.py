"""Progress bars: seen on a terminal, and nothing in a pipe."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_CODE = """
from cspine_edge.progress import progress
with progress("reading", 4) as step:
    step(3)
    step(description="writing")
print("done")
"""


def test_a_pipe_gets_nothing_and_nothing_is_imported_for_it() -> None:
    code = _CODE + "import sys; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("done\nFalse\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of Unix")
def test_a_terminal_sees_how_far_it_is_and_standard_output_none_of_it() -> None:
    own, others = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", _CODE],
        stdout=subprocess.PIPE,
        stderr=others,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    ) as running:
        os.close(others)
        seen = b""
        try:
            while block := os.read(own, 4096):
                seen += block
        except OSError:  # Linux's end of a terminal
            pass
        assert running.stdout is not None
        assert running.stdout.read() == b"done\n"
    os.close(own)
    text = seen.decode()
    assert "writing" in text
    assert "4/4" in text

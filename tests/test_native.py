"""What native code writes to standard error is caught, and only while it should be."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cspine_edge.native import native_messages_caught


def test_messages_past_python_are_caught(capfd: pytest.CaptureFixture[str]) -> None:
    os.write(2, b"before ")
    with native_messages_caught() as messages:
        os.write(2, "Größe \n".encode())
        os.write(2, b"\xff")
        assert messages() == ""
    os.write(2, b"after")
    assert messages() == "Größe \n\ufffd"
    assert capfd.readouterr().err == "before after"


def test_an_error_gives_standard_error_back(capfd: pytest.CaptureFixture[str]) -> None:
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.glob("*")))  # none where there is no such folder

    def fail() -> None:
        with native_messages_caught() as messages:
            texts.append(messages)
            os.write(2, b"why")
            raise RuntimeError

    texts: list[Callable[[], str]] = []
    with pytest.raises(RuntimeError):
        fail()
    assert [text() for text in texts] == ["why"]
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"
    assert len(list(descriptors.glob("*"))) == before

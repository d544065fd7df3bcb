"""Native libraries write to standard error past Python; here that is caught."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO


@contextlib.contextmanager
def native_messages_caught() -> Iterator[Callable[[], str]]:
    """Catch what is written to file descriptor 2 while the block runs.

    Yields
    ------
    callable
        Gives the text that was caught, once the block has ended.
    """
    text = ""
    with _file_of_nobody() as caught:
        sys.stderr.flush()
        saved = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            yield lambda: text
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            caught.seek(0)
            text = caught.read(65536).decode(errors="replace")


def _file_of_nobody() -> BinaryIO:
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("messages"), "w+b")
    import tempfile  # which takes longer to import than a small model to run

    return tempfile.TemporaryFile()

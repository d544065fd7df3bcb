"""Progress bars: on a terminal, and none in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Step(Protocol):
    """Called to move a progress bar on."""

    def __call__(self, advance: int = 1, description: str | None = None) -> None:
        """Advance by so many units; perhaps say what is being done now."""


def _nothing(advance: int = 1, description: str | None = None) -> None:
    del advance, description


@contextmanager
def progress(description: str, total: int) -> Iterator[Step]:
    """Show a bar on standard error while the block runs, if that is a terminal.

    Parameters
    ----------
    description
        What is being done.
    total
        Number of units of work.
    """
    if not sys.stderr.isatty():
        yield _nothing
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(description, total=total)

        def step(advance: int = 1, description: str | None = None) -> None:
            bars.update(task, advance=advance, description=description)

        yield step

"""What a door is: where inputs of a kind come from, and how the toolkit is called with one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

Call = list[str] | Callable[[], object]
"""Arguments of the command line, or a function of the library."""


@dataclass(frozen=True)
class Door:
    """A way into the toolkit.

    Attributes
    ----------
    name
        Of the door, and of its folder in ``found/``.
    share
        How many inputs of a hundred are its own.
    make
        Writes an input made with the generator into the folder, and gives its path.
    call
        How the toolkit is called with an input; what it writes is to lie in the second folder.
    """

    name: str
    share: int
    make: Callable[[Random, Path], Path]
    call: Callable[[Path, Path], Call]


def draw(strategy: SearchStrategy[Any], rng: Random) -> Any:
    """Draw a value from a strategy of Hypothesis, the same for the same generator."""
    drawn: list[Any] = []

    @settings(database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(strategy)
    def take(value: Any) -> None:
        drawn.append(value)

    for _ in range(100):
        take.hypothesis.fuzz_one_input(rng.randbytes(rng.choice((64, 512, 4096))))
        if drawn:
            return drawn[0]
    raise AssertionError(f"nothing can be drawn from {strategy}")

"""A board that is cool enough before it is measured: waiting, and saying how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

COOL_C = 60.0
"""Below it no supported board slows down: a Raspberry Pi 3B+ begins at 60, others at 80 degrees Celsius or more."""
_FALLS_C = 0.5
_PATIENCE_S = 20.0
"""A temperature that does not fall by half a degree in this time falls no more."""
_MOST_S = 180.0
_EVERY_S = 2.0


class Outcome(str, Enum):
    """How the wait for a cool board ended."""

    COOL = "cool enough"
    STEADY = "falls no more"
    TIME = "time limit"


@dataclass(frozen=True)
class Cooling:
    """The wait for a cool board before anything was timed.

    Attributes
    ----------
    limit_celsius
        Temperature waited for, in degrees Celsius.
    waited_s
        How long, in seconds.
    before_celsius
        Temperature at the start, in degrees Celsius.
    after_celsius
        Temperature at the end, in degrees Celsius.
    outcome
        Why the wait ended: "cool enough", "falls no more" or "time limit".
    """

    limit_celsius: float
    waited_s: float
    before_celsius: float
    after_celsius: float
    outcome: Outcome

    def __str__(self) -> str:
        """One line for people."""
        if not self.waited_s:
            return (
                f"the board was cool enough at {self.before_celsius:.0f} °C (limit {self.limit_celsius:.0f})"
            )
        return (
            f"waited {self.waited_s:.0f} s for the board to cool from {self.before_celsius:.0f} to "
            f"{self.after_celsius:.0f} °C (limit {self.limit_celsius:.0f}): {self.outcome.value}"
        )


def wait_until_cool(
    read: Callable[[], float | None],
    *,
    on_wait: Callable[[float], object] = lambda _: None,
    sleep: Callable[[float], object] = time.sleep,
) -> Cooling | None:
    """Wait until the board is below ``COOL_C``, its temperature falls no more, or three minutes are over.

    Parameters
    ----------
    read
        Gives the temperature in degrees Celsius, or None without a sensor.
    on_wait
        Called with the temperature before each pause.
    sleep
        Pauses for so many seconds.

    Returns
    -------
    Cooling or None
        None if there is no sensor, now or during the wait.
    """
    first = now = read()
    if first is None or now is None:
        return None
    waited, lowest, lowest_at = 0.0, first, 0.0
    while True:
        if now < COOL_C:
            outcome = Outcome.COOL
        elif waited - lowest_at >= _PATIENCE_S:
            outcome = Outcome.STEADY
        elif waited >= _MOST_S:
            outcome = Outcome.TIME
        else:
            on_wait(now)
            sleep(_EVERY_S)
            waited += _EVERY_S
            now = read()
            if now is None:
                return None
            if now <= lowest - _FALLS_C:
                lowest, lowest_at = now, waited
            continue
        return Cooling(COOL_C, waited, first, now, outcome)

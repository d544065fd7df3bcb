"""Waiting for a cool board: the three ways it ends, and no sensor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boards
import pytest

from cspine_edge.cooling import Cooling, Outcome, wait_until_cool
from cspine_edge.sensors import read_sensors


def falling(start: float, each: float, until: float) -> Iterator[float]:
    """A temperature that falls at each reading down to one that it keeps."""
    while True:
        yield start
        start = max(start - each, until)


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        (falling(54.85, 1, 0), Cooling(60, 0, 54.85, 54.85, Outcome.COOL)),
        (falling(64, 1, 40), Cooling(60, 10, 64, 59, Outcome.COOL)),  # five pauses of two seconds
        (falling(60, 1, 40), Cooling(60, 2, 60, 59, Outcome.COOL)),  # below, not at
        (
            falling(70, 1, 65),
            Cooling(60, 30, 70, 65, Outcome.STEADY),
        ),  # ten seconds to 65, twenty of patience
        (falling(90, 0.01, 40), Cooling(60, 20, 90, pytest.approx(89.9), Outcome.STEADY)),
        (falling(100, 0.2, 40), Cooling(60, 180, 100, pytest.approx(82), Outcome.TIME)),
    ],
)
def test_how_it_ends(readings: Iterator[float], expected: Cooling) -> None:
    pauses: list[float] = []
    told: list[float] = []
    found = wait_until_cool(lambda: next(readings), on_wait=told.append, sleep=pauses.append)
    assert found == expected
    assert sum(pauses) == expected.waited_s
    assert len(told) == len(pauses)
    assert str(round(expected.before_celsius)) in str(found)
    assert expected.waited_s == 0 or expected.outcome.value in str(found)


def test_without_a_sensor_there_is_no_wait() -> None:
    assert wait_until_cool(lambda: None) is None
    lost = iter([80.0, 79.0, None])
    assert wait_until_cool(lambda: next(lost), sleep=lambda _: None) is None


def test_a_board_that_cools_while_it_is_watched(tmp_path: Path) -> None:
    boards.raspberry_pi_4(tmp_path)
    zone = tmp_path / "sys/class/thermal/thermal_zone0/temp"
    zone.write_text("75000\n")

    def cool(_: float) -> None:
        zone.write_text(f"{int(zone.read_text()) - 6000}\n")

    found = wait_until_cool(lambda: read_sensors(tmp_path).celsius, sleep=cool)
    assert found == Cooling(60, 6, 75, 57, Outcome.COOL)

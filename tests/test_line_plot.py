"""Line plots: points where values are, gaps where none is known."""

from __future__ import annotations

import re

import pytest

from cspine_edge.line_plot import line_plot


def points(plot: str) -> list[list[tuple[float, float]]]:
    lines = re.findall('points="(.*?)"', plot)
    return [[(float(x), float(y)) for x, y in (point.split(",") for point in line.split())] for line in lines]


def test_a_line_goes_from_corner_to_corner() -> None:
    ((start, middle, end),) = points(line_plot("celsius", [0, 5, 10], [20.0, 40.0, 60.0]))
    assert (start, end) == ((64, 128), (712, 22))  # upwards is smaller
    assert middle == ((64 + 712) / 2, (128 + 22) / 2)
    plot = line_plot("a < b", [0, 10], [20.0, 60.0])
    assert "a &lt; b" in plot
    assert re.findall(r">([\d.]+)</text>", plot) == ["60", "20"]
    assert ">10 s</text>" in plot


def test_unknown_values_are_gaps_and_lone_ones_dots() -> None:
    plot = line_plot("watts", [0, 1, 2, 3, 4, 5], [1.0, 2.0, None, 3.0, None, 4.0])
    assert [len(line) for line in points(plot)] == [2]
    assert plot.count("<circle") == 2


def test_a_flat_line_lies_in_the_middle_and_nothing_is_refused() -> None:
    ((start, end),) = points(line_plot("mhz", [0, 1], [1500.0, 1500.0]))
    assert start[1] == end[1] == (128 + 22) / 2
    with pytest.raises(ValueError, match="nothing to draw of mhz"):
        line_plot("mhz", [0, 1], [None, None])

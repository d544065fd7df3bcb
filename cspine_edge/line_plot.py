"""A small line plot as SVG text, for pages on devices that have no plotting library."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_WIDTH, _HEIGHT = 720, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 8, 22, 22

STYLE = """
svg.plot { width: 100%; height: auto; } svg.plot text { fill: var(--soft); font: 11px system-ui, sans-serif; }
svg.plot .axis { stroke: var(--line); fill: none; }
svg.plot .line { stroke: var(--normal); fill: none; stroke-width: 1.5; }
svg.plot text.name { fill: var(--ink); font-weight: 600; }
"""
"""CSS for a page that :func:`cspine_edge.page.write_page` writes."""


def line_plot(name: str, seconds: Sequence[float], values: Sequence[float | None]) -> str:
    """Draw values over time; the line has gaps where they are unknown.

    Parameters
    ----------
    name
        Of the values, with their unit.
    seconds
        Times, ascending.
    values
        As many; one at least is known.

    Raises
    ------
    ValueError
        If no value is known.
    """
    known = [value for value in values if value is not None]
    if not known:
        raise ValueError(f"there is nothing to draw of {name}")
    low, high = min(known), max(known)
    if high - low < 1e-9 * max(1.0, abs(high)):  # a flat line lies in the middle
        low, high = low - 0.5, high + 0.5
    end = max(seconds[-1], 1e-9)

    def place(second: float, value: float) -> str:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * second / end
        y = _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - value) / (high - low)
        return f"{x:.1f},{y:.1f}"

    lines: list[list[str]] = [[]]
    for second, value in zip(seconds, values, strict=True):
        if value is None:
            lines.append([])
        else:
            lines[-1].append(place(second, value))
    shapes = "".join(
        f'<polyline class="line" points="{" ".join(line)}"/>'
        if len(line) > 1
        else f'<circle class="line" cx="{line[0].split(",")[0]}" cy="{line[0].split(",")[1]}" r="1"/>'
        for line in lines
        if line
    )
    bottom = _HEIGHT - _BOTTOM
    return (
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(name)} over time">'
        f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{_WIDTH - _RIGHT}"/>{shapes}'
        f'<text class="name" x="{_LEFT}" y="14">{escape(name)}</text>'
        f'<text x="{_LEFT - 6}" y="{_TOP + 8}" text-anchor="end">{high:.4g}</text>'
        f'<text x="{_LEFT - 6}" y="{bottom}" text-anchor="end">{low:.4g}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 6}">0 s</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 6}" text-anchor="end">{end:.0f} s</text></svg>'
    )

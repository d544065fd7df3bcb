"""The time of an inference in short, and its blocks."""

from __future__ import annotations

import numpy as np
import pytest

from cspine_edge.latency import Blocks, latency_of

MILLISECOND = 1_000_000


def test_latency_is_in_milliseconds() -> None:
    latency = latency_of(3, np.arange(1, 101)[::-1] * MILLISECOND + 500_000)
    assert (latency.threads, latency.runs) == (3, 100)
    assert (latency.min_ms, latency.mean_ms, latency.max_ms) == (1.5, 51.0, 100.5)
    assert (latency.p50_ms, latency.p90_ms, latency.p95_ms, latency.p99_ms) == (50.5, 90.5, 95.5, 99.5)
    # The 40th and the 61st of 100 for the median; p99 would take 368.
    assert latency.p50_interval_ms == (40.5, 61.5)
    assert latency.p90_interval_ms is not None
    assert latency.tail_width == pytest.approx(
        (latency.p90_interval_ms[1] - latency.p90_interval_ms[0]) / 90.5
    )
    assert latency.p99_interval_ms is None


def test_blocks_keep_the_times_to_a_tenth_of_a_microsecond() -> None:
    kept = Blocks.of(1, [np.array([1_234_567, 89_012]), np.array([MILLISECOND])])
    assert kept.microseconds == ("1234.6 89.0", "1000.0")
    assert [block.tolist() for block in kept.times_us()] == [[1234.6, 89.0], [1000.0]]


@pytest.mark.parametrize("text", ["", "0", "-1.0", "nan", "1 two", "1e999"])
def test_blocks_that_are_no_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"numbers above 0|could not convert"):
        Blocks(1, ("1.0", text))

"""Cold start: the repetition that is told is the median one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PIL import Image

from cspine_edge import cold_start
from cspine_edge.classifier import Classifier


def test_cold_start_is_the_repetition_with_the_median_total(
    int8_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = tmp_path / "slice.png"
    Image.new("L", (32, 32)).save(picture)
    totals = iter((3000, 1000, 2000))

    def child(argument: str) -> tuple[list[int], float, float]:
        begin, total = time.monotonic_ns(), next(totals)
        return [begin + total * 10**6 * part // 4 for part in (1, 2, 3, 4)], float(total), total / 2

    monkeypatch.setattr(cold_start, "_run_child", child)
    cold = cold_start.measure_cold_start(
        Classifier(int8_model, threads=1),
        picture,
        "PNG",
        family=None,
        window=None,
        repetitions=3,
        step=lambda *_: None,
    )
    assert (cold.peak_mib, cold.resident_mib) == (2000, 1000)
    assert (cold.import_ms, cold.load_ms, cold.first_slice_ms) == (500, 500, 500)
    assert cold.total_ms == pytest.approx(500 + 500 + 500 + cold.start_ms)

"""The time of whole slices: stage by stage, each format for itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ct_files import save, shipped

from cspine_edge.classifier import Classifier
from cspine_edge.errors import SliceError
from cspine_edge.slice_times import STAGES, by_format, time_slices
from cspine_edge.window import Window


def test_files_are_grouped_by_what_is_in_them(tmp_path: Path) -> None:
    grey = np.zeros((8, 8), np.uint8)
    png, jpeg = save(tmp_path / "a.png", grey), save(tmp_path / "b.jpg", grey)
    misnamed = save(tmp_path / "c.png", grey).rename(tmp_path / "c.jpg")
    assert by_format([png, jpeg, shipped("CT_small.dcm"), misnamed]) == {
        "PNG": [png, misnamed],
        "JPEG": [jpeg],
        "DICOM": [shipped("CT_small.dcm")],
    }
    with pytest.raises(SliceError, match=r"absent\.png"):
        by_format([tmp_path / "absent.png"])


def test_stages_add_up_and_files_take_turns(int8_model: Path, tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{n}.png", np.full((40 + n, 60), 9 * n, np.uint8)) for n in range(3)]
    found = time_slices(Classifier(int8_model, threads=1), "PNG", paths, 0.05, 1, None)
    assert (found.image_format, found.files, found.threads) == ("PNG", 3, 1)
    assert (found.height, found.width) == (40, 60)
    assert found.runs >= 10
    stages = [getattr(found, name) for name in STAGES]
    assert sum(stage.mean_ms for stage in stages) == pytest.approx(found.total.mean_ms)
    assert all(0 < stage.p50_ms <= stage.p90_ms for stage in (*stages, found.total))
    assert found.runs * found.total.mean_ms >= 50


def test_a_window_is_for_slices_without_one(int8_model: Path) -> None:
    found = time_slices(
        Classifier(int8_model, threads=1), "DICOM", [shipped("CT_small.dcm")], 0.0, 1, Window(400, 1800)
    )
    assert (found.height, found.width, found.runs, found.files) == (128, 128, 10, 1)

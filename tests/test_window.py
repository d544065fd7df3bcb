"""Windows: DICOM's formulas, and which windows there are not."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from ct_files import read_one, shipped
from pydicom.pixels import apply_rescale, apply_windowing

from cspine_edge.errors import UsageError
from cspine_edge.window import Window, WindowFunction

BONE = Window(400, 1800)


# Stored value -> grey level for the cases worked out in the notes of DICOM PS3.3 C.11.2.1.2.1.
@pytest.mark.parametrize(
    ("window", "levels"),
    [
        (Window(2048, 4096), {-1: 0, 0: 0, 8: 0, 9: 1, 2047: 127, 2048: 128, 4095: 255, 4096: 255}),
        (Window(2048, 1), {2047: 0, 2047.5: 0, 2048: 255}),
        (Window(0, 100), {-51: 0, -50: 0, -49: 3, -0.5: 128, 0: 129, 48: 252, 49: 255, 50: 255}),
        (Window(0, 1), {-1: 0, -0.5: 0, 0: 255}),
    ],
)
def test_linear_follows_the_standard(window: Window, levels: dict[float, int]) -> None:
    shown = window.apply(np.array(list(levels), dtype=np.float64))
    assert shown.dtype == np.uint8
    assert shown.tolist() == list(levels.values())


# PS3.3 C.11.2.1.3.2.
@pytest.mark.parametrize(
    ("center", "width", "levels"),
    [
        (2048, 4096, {0: 0, 8: 0, 9: 1, 2048: 128, 4088: 255, 4087: 254, 4096: 255, 4097: 255}),
        (0, 100, {-50: 0, -49: 3, 0: 128, 49: 252, 50: 255, 51: 255}),
        (0, 0.5, {-0.25: 0, 0: 128, 0.125: 191, 0.25: 255}),
    ],
)
def test_linear_exact_follows_the_standard(center: float, width: float, levels: dict[float, int]) -> None:
    window = Window(center, width, WindowFunction.LINEAR_EXACT)
    assert window.apply(np.array(list(levels), dtype=np.float64)).tolist() == list(levels.values())


@pytest.mark.parametrize("function", list(WindowFunction))
@pytest.mark.parametrize(("center", "width"), [(40, 400), (400, 1800), (-600, 1501), (12.5, 80)])
def test_agrees_with_pydicom(function: WindowFunction, center: float, width: float) -> None:
    dataset = pydicom.dcmread(shipped("CT_small.dcm"))
    dataset.WindowCenter, dataset.WindowWidth, dataset.VOILUTFunction = center, width, function.value
    theirs = apply_windowing(apply_rescale(dataset.pixel_array, dataset), dataset)
    low, high = (
        -32768 - 1024,
        32767 - 1024,
    )  # pydicom spreads the window over the HU that 16 bits can hold
    theirs = (theirs - low) / (high - low) * 255
    ours, *_ = read_one(shipped("CT_small.dcm")).to_uint8(Window(center, width, function))
    assert np.ptp(ours) > 100
    assert np.abs(ours - theirs).max() <= 0.5 + 1e-6


@pytest.mark.parametrize(
    ("center", "width", "function"),
    [
        (0, 0.99, WindowFunction.LINEAR),
        (0, 0, WindowFunction.LINEAR_EXACT),
        (0, -5, WindowFunction.LINEAR),
        (float("nan"), 400, WindowFunction.LINEAR),
        (0, float("inf"), WindowFunction.LINEAR),
    ],
)
def test_refuses_what_the_standard_does(center: float, width: float, function: WindowFunction) -> None:
    with pytest.raises(ValueError, match="window"):
        Window(center, width, function)


def test_parses_the_option() -> None:
    assert Window.parse("400/1800") == BONE
    assert Window.parse("-600 / 1500.5") == Window(-600, 1500.5)
    assert str(Window.parse("400/1800")) == "400/1800"


@pytest.mark.parametrize("text", ["400", "bone", "400/0", "1/2/3", "", "400/nan"])
def test_refuses_another_option(text: str) -> None:
    with pytest.raises(UsageError, match="CENTER/WIDTH"):
        Window.parse(text)

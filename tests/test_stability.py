"""Stability of activation ranges: halves that are disjoint and balanced, and a verdict with advice."""

from __future__ import annotations

from collections import Counter

import pytest

from calibration.stability import TOLERANCE, LayerDifference, compare_ranges, two_halves
from cspine_edge.dataset import LabelledSlice


def slices(counts: dict[tuple[int, str], int], variants: int = 1) -> list[LabelledSlice]:
    return [
        LabelledSlice(f"{label}/{series}_{index}-{variant}.png", label, series, index)
        for (label, series), count in counts.items()
        for index in range(count)
        for variant in range(variants)
    ]


def test_halves_are_disjoint_complete_and_balanced() -> None:
    items = slices({(0, "a"): 10, (0, "b"): 7, (1, "a"): 4, (1, "c"): 9})
    first, second = two_halves(items)
    assert sorted(first + second) == list(range(30))
    assert first == sorted(first)
    assert len(first) == len(second) == 15
    cells = [Counter((items[row].label, items[row].series) for row in half) for half in (first, second)]
    assert cells[0].keys() == cells[1].keys()
    assert all(abs(cells[0][cell] - cells[1][cell]) <= 1 for cell in cells[0])


def test_variants_of_one_slice_stay_together() -> None:
    items = slices({(0, "a"): 6, (1, "a"): 5}, variants=4)
    families = [{items[row].family for row in half if items[row].label == 0} for half in two_halves(items)]
    assert not families[0] & families[1]
    assert len(families[0] | families[1]) == 6


def test_the_seed_decides_who_goes_where() -> None:
    items = slices({(0, "a"): 20, (1, "a"): 20})
    assert two_halves(items, 1) == two_halves(items, 1)
    assert two_halves(items, 1) != two_halves(items, 2)


def test_one_slice_has_an_empty_other_half() -> None:
    assert two_halves(slices({(0, "a"): 1}, variants=3)) == ([0, 1, 2], [])


def test_difference_is_the_larger_shift_of_an_end_over_the_joint_range() -> None:
    found = compare_ranges(
        {"same": (0.0, 6.0), "high": (0.0, 4.0), "low": (-2.0, 6.0), "dead": (0.0, 0.0)},
        {"same": (0.0, 6.0), "high": (0.0, 5.0), "low": (0.0, 8.0), "dead": (0.0, 0.0)},
        slices=8,
    )
    assert found.layers == tuple(
        LayerDifference(*row) for row in (("high", 0.2), ("low", 0.2), ("same", 0.0), ("dead", 0.0))
    )
    assert found.mean_difference == 0.1
    assert (found.stable, found.tolerance, found.slices) == (True, TOLERANCE, 8)
    assert found.advice(100).startswith("stable: its halves' ranges differ by 10.0% on average (high: 20%)")


def test_unstable_ranges_ask_for_more_slices_while_there_are_some() -> None:
    found = compare_ranges({"a": (0.0, 1.0)}, {"a": (0.0, 2.0)}, slices=32, tolerance=0.3)
    assert not found.stable
    assert found.advice(1000).endswith("30% is tolerated; use --calibration-size 64")
    assert found.advice(40).endswith("use --calibration-size 40")
    assert "no more slices" in found.advice(32)


def test_ranges_of_other_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="same layers"):
        compare_ranges({"a": (0.0, 1.0)}, {"b": (0.0, 1.0)}, slices=2)
    with pytest.raises(ValueError, match="at least one"):
        compare_ranges({}, {}, slices=2)

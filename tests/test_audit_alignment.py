"""Candidates for variants: all against all where they are few, cells where they are many."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from cspine_edge.audit import alignment
from cspine_edge.audit.alignment import likest_pairs
from cspine_edge.scratch import Rows

LENGTH = 24


def rows_of(values: npt.NDArray[np.float32]) -> Rows:
    rows = Rows(values.shape[1:], np.float32)
    rows.append(values)
    return rows


def signatures(count: int, *, near: int = 1) -> npt.NDArray[np.float32]:
    """Give vectors of length 1, in groups of so many that are alike."""
    rng = np.random.default_rng(0)
    middles = np.repeat(rng.normal(size=(count // near, LENGTH)), near, axis=0)
    values = middles + 0.02 * rng.normal(size=middles.shape)
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def plain_pairs(values: npt.NDArray[np.float32], members: list[int], count: int) -> set[tuple[int, int]]:
    found = set()
    for one in members:
        likeness = [(float(values[one] @ values[other]), other) for other in members if other != one]
        found |= {tuple(sorted((one, other))) for _, other in sorted(likeness)[::-1][:count]}
    return found


@pytest.mark.parametrize("block", [7, 1024])
def test_few_pictures_are_compared_all_with_all(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "_BLOCK", block)
    values = signatures(120)
    members = np.flatnonzero(np.arange(120) % 3)
    pairs = likest_pairs(rows_of(values), members, 4)
    assert {tuple(pair) for pair in pairs.tolist()} == plain_pairs(values, members.tolist(), 4)
    assert pairs.tolist() == sorted(pairs.tolist())
    assert (pairs[:, 0] < pairs[:, 1]).all()


def test_fewer_pictures_than_asked_for_are_paired_with_all_others() -> None:
    values = signatures(3)
    assert likest_pairs(rows_of(values), np.arange(3), 8).tolist() == [[0, 1], [0, 2], [1, 2]]
    assert likest_pairs(rows_of(values), np.array([2]), 8).shape == (0, 2)


def test_cells_find_what_is_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "_CELL", 20)  # 60 cells
    values = signatures(1200, near=3)
    found = {tuple(pair) for pair in likest_pairs(rows_of(values), np.arange(1200), 2).tolist()}
    alike = {(3 * k + a, 3 * k + b) for k in range(400) for a, b in ((0, 1), (0, 2), (1, 2))}
    assert len(alike & found) / len(alike) > 0.999


def test_the_work_of_cells_grows_with_the_number_of_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "_CELL", 20)
    read: list[int] = []
    take = Rows.take
    monkeypatch.setattr(
        Rows, "take", lambda self, positions: read.append(len(positions)) or take(self, positions)
    )
    used = []
    for count in (800, 3200):
        read.clear()
        likest_pairs(rows_of(signatures(count)), np.arange(count), 2)
        used.append(sum(read) / count)
    assert used[1] < 1.2 * used[0]


def test_equal_signatures_are_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even pictures have signatures of zeros: all of them are in one cell."""
    monkeypatch.setattr(alignment, "_CELL", 10)
    pairs = likest_pairs(rows_of(np.zeros((200, LENGTH), np.float32)), np.arange(200), 3)
    assert len(pairs) >= 100

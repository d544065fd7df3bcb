"""The nearest-neighbour probe against the plain computation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from cspine_edge.audit import neighbours
from cspine_edge.audit.neighbours import probe_neighbours
from cspine_edge.scratch import Rows

SLICES, PIXELS = 700, 64  # more than are computed at a time


@dataclass(frozen=True)
class Plain:
    """Random thumbnails, and the label of the nearest of each by all distances at once."""

    thumbnails: Rows
    labels: npt.NDArray[np.int64]
    series: list[str]
    train: npt.NDArray[np.intp]
    test: npt.NDArray[np.intp]
    known: npt.NDArray[np.int64]
    foreign: npt.NDArray[np.int64]


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Plain:
    monkeypatch.setattr(neighbours, "_ROWS", 128)
    monkeypatch.setattr(neighbours, "_COLUMNS", 96)
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (SLICES, PIXELS), dtype=np.uint8)
    grey[650:] = grey[:50]  # equally near ones
    labels = rng.integers(0, 2, SLICES)
    series = np.array([f"s{k}" for k in rng.integers(0, 5, SLICES)])
    train = rng.random(SLICES) < 0.6
    wide = grey.astype(np.int64)
    distance = np.stack([((wide - row) ** 2).sum(axis=1) for row in wide]).astype(float)
    thumbnails = Rows((PIXELS,), np.uint8)
    thumbnails.append(grey)
    return Plain(
        thumbnails,
        labels,
        series.tolist(),
        np.flatnonzero(train),
        np.flatnonzero(~train),
        known=labels[np.where(train, distance, np.inf).argmin(axis=1)],
        foreign=labels[np.where(series[:, None] != series, distance, np.inf).argmin(axis=1)],
    )


def test_probe_equals_the_plain_computation(plain: Plain) -> None:
    probe, copied = probe_neighbours(plain.thumbnails, plain.labels, plain.series, plain.train, plain.test)
    assert probe.random_test == len(plain.test)
    assert probe.random_accuracy == pytest.approx((plain.known == plain.labels)[plain.test].mean())
    assert copied is not None
    np.testing.assert_array_equal(copied.tried, np.arange(SLICES))
    np.testing.assert_array_equal(copied.labels, plain.foreign)
    right, series = plain.foreign == plain.labels, np.array(plain.series)
    expected = {name: right[series == name].mean() for name in sorted(set(plain.series))}
    assert [entry.series for entry in probe.held_out] == list(expected)
    assert {entry.series: entry.accuracy for entry in probe.held_out} == pytest.approx(expected)
    assert sum(entry.slices for entry in probe.held_out) == SLICES
    assert probe.held_out_accuracy == pytest.approx(np.mean(list(expected.values())))


def test_of_many_slices_some_of_each_series_are_tried(plain: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "MOST_TRIED", 100)
    probe, copied = probe_neighbours(plain.thumbnails, plain.labels, plain.series, plain.train, plain.test)
    assert copied is not None
    assert len(set(copied.tried.tolist())) == 100
    np.testing.assert_array_equal(copied.tried, np.sort(copied.tried))
    np.testing.assert_array_equal(copied.labels, plain.foreign[copied.tried])  # among all slices
    for entry in probe.held_out:
        assert entry.slices == pytest.approx(100 * plain.series.count(entry.series) / SLICES, abs=1)
    assert probe.random_accuracy == pytest.approx((plain.known == plain.labels)[plain.test].mean())


def test_one_series_has_no_other(plain: Plain) -> None:
    nobody = np.empty(0, dtype=np.intp)
    probe, copied = probe_neighbours(plain.thumbnails, plain.labels, ["a"] * SLICES, nobody, nobody)
    assert copied is None
    assert (probe.random_test, probe.random_accuracy, probe.held_out, probe.held_out_accuracy) == (
        0,
        None,
        (),
        None,
    )

"""Rows on the disk are those that were put there."""

from __future__ import annotations

import numpy as np
import pytest

from cspine_edge.scratch import Rows, unnamed_array


def test_rows_come_back_in_any_order() -> None:
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(50, 3, 4)) + 1j * rng.normal(size=(50, 3, 4))).astype(np.complex64)
    rows = Rows((3, 4), np.complex64)
    for start, end in ((0, 1), (1, 40), (40, 50)):
        rows.append(values[start:end])
    assert len(rows) == 50
    positions = rng.integers(0, 50, 200)
    found = rows.take(positions)
    assert found.dtype == np.complex64
    np.testing.assert_array_equal(found, values[positions])
    rows.append(values[::-1])  # also after reading, and not contiguous
    np.testing.assert_array_equal(rows.take([99, 0, 50]), values[[0, 0, 49]])


def test_what_does_not_fit_is_refused() -> None:
    rows = Rows((2,), np.uint8)
    rows.append(np.zeros((3, 2), np.uint8))
    for wrong in (np.zeros((3, 3), np.uint8), np.zeros((3, 2), np.int64)):
        with pytest.raises(ValueError, match="rows of"):
            rows.append(wrong)
    for position in (-1, 3):
        with pytest.raises(IndexError):
            rows.take([position])


def test_an_array_of_zeros_that_holds_what_is_put_into_it() -> None:
    array = unnamed_array((3, 5), np.float32)
    assert not array.any()
    array[1] = np.arange(5)
    np.testing.assert_array_equal(array[1], np.arange(5))
    assert (array.shape, array.dtype) == ((3, 5), np.float32)
    assert unnamed_array((0, 5), np.uint8).shape == (0, 5)

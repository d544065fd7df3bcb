"""Arrays too large for memory, in files without a name that are gone with the process.

They lie in the folder for temporary files (``TMPDIR``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


class Rows:
    """Many arrays of one shape on the disk.

    Read with plain reads and not as a map of memory, whose pages would count as this process's.

    Parameters
    ----------
    shape, dtype
        Of one row.
    """

    def __init__(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self._shape, self._dtype = shape, np.dtype(dtype)
        self._row_bytes = int(np.prod(shape)) * self._dtype.itemsize
        # Open as long as this object lives.
        self._file = tempfile.TemporaryFile(prefix="cspine-edge-")  # noqa: SIM115
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, rows: npt.NDArray[np.generic]) -> None:
        """Add rows at the end, shape (k, *shape) with the dtype of the rest.

        Raises
        ------
        OSError
            If the disk is full.
        """
        if rows.shape[1:] != self._shape or rows.dtype != self._dtype:
            raise ValueError(f"rows of {rows.shape[1:]} {rows.dtype}, not {self._shape} {self._dtype}")
        self._file.seek(self._count * self._row_bytes)
        self._file.write(np.ascontiguousarray(rows).tobytes())
        self._count += len(rows)

    def take(self, positions: Sequence[int] | npt.NDArray[np.intp]) -> npt.NDArray[Any]:
        """Give the rows at these positions, shape (k, *shape)."""
        rows = np.empty((len(positions), *self._shape), self._dtype)
        for row, position in zip(rows, positions, strict=True):
            if not 0 <= position < self._count:
                raise IndexError(f"there is no row {position} of {self._count}")
            self._file.seek(int(position) * self._row_bytes)
            row[...] = np.frombuffer(self._file.read(self._row_bytes), self._dtype).reshape(self._shape)
        return rows


def unnamed_array(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Give an array of zeros that is a map of a file: memory holds as much of it as there is room for.

    Parameters
    ----------
    shape, dtype
        Of the array.
    """
    if not np.prod(shape):
        return np.zeros(shape, dtype)  # an empty file cannot be mapped
    with tempfile.TemporaryFile(prefix="cspine-edge-") as file:  # the map holds it open
        return np.memmap(file, dtype, mode="w+", shape=shape)

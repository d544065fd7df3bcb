"""Disjoint sets: which of many things belong together, told of two at a time (Tarjan 1975)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class DisjointSets:
    """Things with numbers from 0, each in a set of its own at first; a set goes by its smallest number.

    Parameters
    ----------
    count
        How many things.
    """

    def __init__(self, count: int) -> None:
        self._towards = list(range(count))

    def find(self, thing: int) -> int:
        """Give the number that the set of a thing goes by."""
        towards = self._towards
        while towards[thing] != thing:
            towards[thing] = towards[towards[thing]]  # halves the way for whoever asks next
            thing = towards[thing]
        return thing

    def unite(self, one: int, other: int) -> None:
        """Make one set of the sets of two things."""
        low, high = sorted((self.find(one), self.find(other)))
        self._towards[high] = low

    def numbers(self) -> npt.NDArray[np.intp]:
        """Give what the set of each thing goes by, shape (count,)."""
        return np.array([self.find(thing) for thing in range(len(self._towards))], dtype=np.intp)

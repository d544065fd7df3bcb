"""Abstention: from which margins on a class is possible, by split conformal prediction."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from cspine_edge.decision import Abstention

_ROUNDING = 1e-9
"""1 - 0.9 is a little less than 0.1; ranks are whole numbers."""


def choose_abstention(
    margins: npt.ArrayLike, labels: npt.ArrayLike, families: Sequence[object], coverage: float
) -> Abstention:
    """Choose which labels a margin leaves possible, for each class with the same coverage.

    Class-conditional split conformal prediction (Vovk, "Conditional validity of inductive conformal predictors",
    Machine Learning 92, 2013): of the n cases of a class in order of their margins, the one of rank
    floor((1 - coverage) (n + 1)) from the other class's side bounds the class. A new case of the class is within
    the bound with a probability of at least ``coverage``, if it could be exchanged for one of these. Rank 0 is no
    bound: the cases are too few.

    A case is a family, the variants of one slice, and counts with its worst margin (the lowest of a fracture,
    the highest of a normal slice); its variants are no further cases. Families of one series are not quite
    independent either, and the part may have chosen the epoch too; both make the promise a little optimistic.

    Parameters
    ----------
    margins
        Difference of the logits, fracture minus normal, on the validation part; shape (n,).
    labels
        0 or 1, shape (n,).
    families
        Identity of each slice's original, n of them.
    coverage
        Wanted share of each class, in (0, 1).
    """
    values, truth = np.asarray(margins, dtype=np.float64), np.asarray(labels) == 1
    lowest = _worst(values, families, truth, min)
    highest = _worst(values, families, ~truth, max)
    fracture_rank, normal_rank = _rank(len(lowest), coverage), _rank(len(highest), coverage)
    method = "class-conditional split conformal on the worst slice of each family of the validation part"
    needed = math.ceil(1 / (1 - coverage) - _ROUNDING) - 1
    for kind, cases, rank in (("fracture", lowest, fracture_rank), ("normal", highest, normal_rank)):
        if not rank:
            other = "normal" if kind == "fracture" else "fracture"
            method += (
                f"; {len(cases)} {kind} cases are too few for {100 * coverage:g} % ({needed} are needed), so "
                f"every slice that is called {other} is referred"
            )
    return Abstention(
        coverage=coverage,
        fracture_from=lowest[fracture_rank - 1] if fracture_rank else None,
        normal_up_to=highest[-normal_rank] if normal_rank else None,
        fracture_cases=len(lowest),
        normal_cases=len(highest),
        method=method,
    )


def _rank(cases: int, coverage: float) -> int:
    return math.floor((1 - coverage) * (cases + 1) + _ROUNDING)


def _worst(
    values: npt.NDArray[np.float64],
    families: Sequence[object],
    chosen: npt.NDArray[np.bool_],
    worst: Callable[[float, float], float],
) -> list[float]:
    """Give the worst margin of each family among the chosen slices, in rising order."""
    found: dict[object, float] = {}
    for value, family, is_chosen in zip(values.tolist(), families, chosen, strict=True):
        if is_chosen:
            found[family] = worst(found.get(family, value), value)
    return sorted(found.values())

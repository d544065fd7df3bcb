"""The temperature: what divides the margin so that the score is a probability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cspine_edge.metrics import cluster_index

_LOWEST, _HIGHEST = 1.0, 100.0
_HALVINGS = 60


def fit_temperature(margins: npt.ArrayLike, labels: npt.ArrayLike, families: Sequence[object]) -> float:
    """Fit the temperature T of the score ``sigmoid(margin / T)`` by maximum likelihood.

    Temperature scaling (Guo et al., ICML 2017) has one parameter and leaves the order of the scores alone. The
    negative log likelihood is convex in 1/T; the zero of its slope is found by halving. T is at least 1: a
    network is never made surer of itself, for which a few dozen cases without an error, that would drive T to 0,
    are no ground. (Platt's softened targets are another guard; with margins as far apart as a network's they
    take T far too high.) A family weighs as much as any other, however many variants of its slice there are. The
    classes are not balanced: the score is a probability where fractures are as frequent as in the validation part.

    Parameters
    ----------
    margins
        Difference of the logits, fracture minus normal, on the validation part; shape (n,).
    labels
        0 or 1, shape (n,).
    families
        Identity of each slice's original, n of them.

    Returns
    -------
    float
        T, from 1 to 100; 1 where one class is missing. The upper bound is met by margins that rank the classes
        no better than chance.
    """
    values, truth = np.asarray(margins, dtype=np.float64), np.asarray(labels) == 1
    if truth.all() or not truth.any():
        return 1.0
    family = cluster_index(families)
    weights = 1.0 / np.bincount(family)[family]

    def slope(log_inverse: float) -> float:
        score = 0.5 + 0.5 * np.tanh(values * np.exp(log_inverse) / 2)
        return float(weights @ (values * (score - truth)))

    low, high = -np.log(_HIGHEST), -np.log(_LOWEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if slope(middle) > 0 else (middle, high)
    return float(np.exp(-(low + high) / 2))

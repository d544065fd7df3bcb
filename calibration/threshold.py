"""The operating threshold: chosen on validation data, recall first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cspine_edge.decision import Threshold


def choose_threshold(logits: npt.ArrayLike, labels: npt.ArrayLike, sensitivity: float) -> Threshold:
    """Choose the threshold of highest specificity among those that reach a wanted sensitivity.

    Among equally specific ones that of the highest sensitivity is taken. Where a whole interval of thresholds is
    equally good, the point nearest to equal logits in its inner half is: classes that lie apart on the validation
    part do not say where between them new slices change sides, and what the network was trained to decide by is a
    better guess than the middle.

    Parameters
    ----------
    logits
        Difference of the logits, fracture minus normal, on the validation part; shape (n,).
    labels
        0 or 1, shape (n,).
    sensitivity
        Wanted sensitivity, in (0, 1].

    Returns
    -------
    Threshold
        The choice, with its figures in words; equal logits where one class is missing.
    """
    values, truth = np.asarray(logits, dtype=np.float64), np.asarray(labels) == 1
    if truth.all() or not truth.any():
        return Threshold(method="equal logits (score 0.5); the validation part lacks a class")
    levels = np.unique(values)
    # Between two neighbouring levels all thresholds decide alike; the outer ones call all or nothing.
    bounds = np.concatenate([[levels[0] - 2.0], levels, [levels[-1] + 2.0]])
    middles, quarters = (bounds[:-1] + bounds[1:]) / 2, np.diff(bounds) / 4
    edges = np.clip(0.0, middles - quarters, middles + quarters)
    reached = np.array([(values[truth] >= edge).mean() for edge in edges])
    spared = np.array([(values[~truth] < edge).mean() for edge in edges])
    allowed = np.flatnonzero(reached >= sensitivity)
    best = allowed[np.argmax(spared[allowed] + 1e-6 * reached[allowed])]
    method = (
        f"highest specificity at sensitivity >= {sensitivity:.3g} on the validation part: "
        f"sensitivity {reached[best]:.4f}, specificity {spared[best]:.4f}"
    )
    return Threshold(float(edges[best]), method, int(truth.sum()))

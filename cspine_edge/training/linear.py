"""Linear heads on a frozen base: solved, not trained, so that nothing depends on epochs, rates or a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression

from .backbones import STAGES
from .feed import FeatureFeed
from .framework import keras

STRENGTHS = (0.03, 0.03, 0.001)
"""Inverse of the L2 penalty at each stage (``C`` of scikit-learn); the last features are the most particular to
what they were trained on, and are trusted the least."""

_ITERATIONS = 500


def solve_linear_heads(
    heads: list[tuple[keras.layers.BatchNormalization, keras.layers.Dense]],
    features: FeatureFeed,
    log: Callable[[str], None],
) -> None:
    """Set each head to the logistic regression on its stage's normalised features, over all renditions.

    The heads are fitted one by one; the network adds their logits.

    Parameters
    ----------
    heads
        Normalisation and logits of each stage, first to last. The normalisation's epsilon bounds how much a
        feature that hardly varies counts; without it the rounding of int8 features would decide.
    features
        Features of all stages side by side, in the same order.
    log
        Receives a line per head.
    """
    labels = np.tile(features.labels, len(features.renditions))
    weights = np.tile(features.weights, len(features.renditions))
    start = 0
    for (norm, logits), stride, strength in zip(heads, STAGES, STRENGTHS, strict=True):
        stop = start + norm.input_shape[-1]
        rows = np.concatenate([rendition[:, start:stop] for rendition in features.renditions]).astype(
            np.float64
        )
        mean, variance = rows.mean(axis=0), rows.var(axis=0)
        norm.set_weights([mean, variance])
        rows = (rows - mean) / np.sqrt(variance + norm.epsilon)
        fitted = LogisticRegression(C=strength, max_iter=_ITERATIONS).fit(rows, labels, sample_weight=weights)
        # Half the margin for fracture, half against normal.
        halves = np.array((-0.5, 0.5))
        logits.set_weights([np.outer(fitted.coef_[0], halves), fitted.intercept_[0] * halves])
        right = np.average(fitted.predict(rows) == labels, weights=weights)
        log(f"linear head at stride {stride}: {stop - start} features, training accuracy {100 * right:.1f} %")
        start = stop

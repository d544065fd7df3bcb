"""Linear heads on a frozen base: solved, not trained, so that nothing depends on epochs, rates or a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .backbones import STAGES
from .feed import FeatureFeed
from .framework import keras

STRENGTHS = (0.03, 0.03, 0.001)
"""Inverse of the L2 penalty at each stage (``C`` of scikit-learn); the last features are the most particular to
what they were trained on, and are trusted the least."""

_ITERATIONS = 500


def solve_linear_heads(
    heads: list[keras.layers.Dense], features: FeatureFeed, log: Callable[[str], None]
) -> None:
    """Set each head to the logistic regression on its stage's features, over all renditions.

    A head is fitted on standardised features and takes their scale in, so that the network takes the features
    as they are. The heads are fitted one by one; the network adds their logits.

    Parameters
    ----------
    heads
        A layer of two logits per stage, first to last.
    features
        Features of all stages side by side, in the same order.
    log
        Receives a line per head.
    """
    labels = np.tile(features.labels, len(features.renditions))
    weights = np.tile(features.weights, len(features.renditions))
    start = 0
    for head, stride, strength in zip(heads, STAGES, STRENGTHS, strict=True):
        kernel, _ = head.get_weights()
        stop = start + len(kernel)
        rows = np.concatenate([rendition[:, start:stop] for rendition in features.renditions])
        scale, regression = StandardScaler(), LogisticRegression(C=strength, max_iter=_ITERATIONS)
        fitted = make_pipeline(scale, regression).fit(rows, labels, logisticregression__sample_weight=weights)
        slope = regression.coef_[0] / scale.scale_
        offset = regression.intercept_[0] - scale.mean_ @ slope
        # Half the margin for fracture, half against normal.
        head.set_weights([np.outer(slope, (-0.5, 0.5)), offset * np.array((-0.5, 0.5))])
        right = np.average(fitted.predict(rows) == labels, weights=weights)
        log(f"linear head at stride {stride}: {len(kernel)} features, training accuracy {100 * right:.1f} %")
        start = stop

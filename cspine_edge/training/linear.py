"""Linear heads on a frozen base: solved, not trained, so that nothing depends on epochs, rates or a start."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from ..errors import UsageError
from ..scratch import unnamed_array
from .backbones import STAGES
from .feed import FeatureFeed
from .framework import keras

PENALTIES = (0.004, 0.004, 0.1)
"""L2 penalty at each stage: half of it times the squared slopes is added to the mean log loss, whatever the number
of slices. The last features are the most particular to what they were trained on, and are trusted the least."""

START_PENALTIES = (0.1, 0.1, 2.5)
"""The same for heads that the whole network is fine-tuned from on labels: surer ones would pull the base about, and
end in margins too large for int8. A teacher's margins are as large as they should be."""

_ITERATIONS = 500


def solve_linear_heads(
    heads: list[tuple[keras.layers.BatchNormalization, keras.layers.Dense]],
    features: FeatureFeed,
    log: Callable[[str], None],
    penalties: tuple[float, ...] = PENALTIES,
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
    penalties
        L2 penalty at each stage.

    Raises
    ------
    UsageError
        If a head does not converge.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    labels = np.tile(features.labels, len(features.renditions))
    weights = np.tile(features.weights, len(features.renditions))
    start, each = 0, len(features.labels)
    count = len(heads)  # a shortened network ends before the last strides
    for (norm, logits), stride, penalty in zip(heads, STAGES[:count], penalties[:count], strict=True):
        stop = start + norm.input_shape[-1]
        # Nothing below makes another array of its size.
        rows = unnamed_array((len(labels), stop - start), np.float64)
        for number, rendition in enumerate(features.renditions):
            rows[number * each : (number + 1) * each] = rendition[:, start:stop]
        mean = np.asarray(rows.mean(axis=0))
        rows -= mean
        variance = np.einsum("ij,ij->j", rows, rows) / len(rows)
        rows /= np.sqrt(variance + norm.epsilon)
        norm.set_weights([mean, variance])
        # scikit-learn's C weighs the sum of the losses against half the squared slopes.
        regression = LogisticRegression(C=1.0 / (penalty * weights.sum()), max_iter=_ITERATIONS)
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            try:
                fitted = regression.fit(rows, labels, sample_weight=weights)
            except ConvergenceWarning as error:
                raise UsageError(
                    f"the linear head at stride {stride} has no optimum in reach; give --head dense"
                ) from error
        # Half the margin for fracture, half against normal.
        halves = np.array((-0.5, 0.5))
        logits.set_weights([np.outer(fitted.coef_[0], halves), fitted.intercept_[0] * halves])
        right = np.average(fitted.predict(rows) == labels, weights=weights)
        log(f"linear head at stride {stride}: {stop - start} features, training accuracy {100 * right:.1f} %")
        start = stop

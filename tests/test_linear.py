"""Linear heads: the logistic regressions they claim to be, in a network that normalises its features."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.workstation

WIDTHS = (4, 6, 5)


def features(seed: int = 0) -> Any:
    """Two renditions of features of very different scales; the first stage tells the class, the last does not."""
    from cspine_edge.training.feed import FeatureFeed

    rng = np.random.default_rng(seed)
    labels = np.arange(60, dtype=np.int64) % 2
    scales = np.concatenate(
        [np.full(width, scale) for width, scale in zip(WIDTHS, (0.1, 1.0, 300.0), strict=True)]
    )
    signal = np.zeros(sum(WIDTHS))
    signal[:4] = 1.5
    signal[4] = 0.7
    renditions = tuple(
        (5 + rng.normal(labels[:, np.newaxis] * signal, 1.0) * scales).astype(np.float32) for _ in range(2)
    )
    return FeatureFeed(renditions, labels, np.where(labels == 1, 1.2, 0.8).astype(np.float32))


def solved(feed: Any, widths: tuple[int, ...] = WIDTHS, **penalties: Any) -> tuple[list[Any], list[str]]:
    from cspine_edge.training.framework import keras
    from cspine_edge.training.linear import solve_linear_heads

    heads: list[Any] = []
    lines: list[str] = []
    for width in widths:
        norm, logits = keras.layers.BatchNormalization(center=False, scale=False), keras.layers.Dense(2)
        logits(norm(keras.Input((width,))))
        heads.append((norm, logits))
    solve_linear_heads(heads, feed, lines.append, **penalties)
    return heads, lines


@pytest.mark.parametrize("penalties", ["PENALTIES", "START_PENALTIES"])
def test_heads_are_at_the_optimum_of_their_penalised_likelihood(penalties: str) -> None:
    """The gradient of scikit-learn's objective, written out here, is zero at what the layers hold."""
    from cspine_edge.training import linear

    chosen = getattr(linear, penalties)
    feed = features()
    heads, lines = solved(feed, penalties=chosen)
    labels, weights = np.tile(feed.labels, 2), np.tile(feed.weights, 2).astype(np.float64)
    start = 0
    for (norm, logits), width, penalty in zip(heads, WIDTHS, chosen, strict=True):
        rows = np.concatenate([part[:, start : start + width] for part in feed.renditions]).astype(np.float64)
        np.testing.assert_allclose(norm.moving_mean, rows.mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(norm.moving_variance, rows.var(axis=0), rtol=1e-5)
        standard = (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + 1e-3)
        kernel, bias = (value.astype(np.float64) for value in logits.get_weights())
        slope = kernel[:, 1] - kernel[:, 0]
        margins = standard @ slope + bias[1] - bias[0]
        both = logits(norm(rows.astype(np.float32))).numpy()
        np.testing.assert_allclose(both[:, 1] - both[:, 0], margins, atol=1e-3)
        residual = weights * (1 / (1 + np.exp(-margins)) - labels) / weights.sum()
        np.testing.assert_allclose(penalty * slope + standard.T @ residual, 0.0, atol=2e-4)
        assert abs(residual.sum()) < 2e-4
        start += width
    assert [line.split(":")[0] for line in lines] == [
        f"linear head at stride {stride}" for stride in (8, 16, 32)
    ]
    accuracies = [float(line.split()[-2]) for line in lines]
    assert accuracies[0] > 90 > accuracies[1] > 55


def test_the_margin_is_shared_by_both_logits() -> None:
    for _, logits in solved(features())[0]:
        kernel, bias = logits.get_weights()
        np.testing.assert_allclose(kernel[:, 0], -kernel[:, 1])
        np.testing.assert_allclose(bias[0], -bias[1])


def test_it_repeats_exactly_and_follows_the_weights() -> None:
    from dataclasses import replace

    feed = features()
    first, again = solved(feed)[0], solved(feed)[0]
    for (_, one), (_, other) in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.get_weights()[0], other.get_weights()[0])
    towards_fracture = solved(replace(feed, weights=np.where(feed.labels == 1, 1.9, 0.1).astype(np.float32)))[
        0
    ]
    rows = feed.renditions[0][:, 10:]
    margins = []
    for norm, logits in (first[2], towards_fracture[2]):
        both = logits(norm(rows)).numpy()
        margins.append(float(np.mean(both[:, 1] - both[:, 0])))
    assert margins[1] > margins[0] + 1.0


def test_what_is_solved_is_not_held_in_memory() -> None:
    """The rows lie in a file; what is allocated beside them grows with their number, not with their length."""
    from cspine_edge.training.feed import FeatureFeed

    rng = np.random.default_rng(1)
    labels = np.arange(20_000, dtype=np.int64) % 2
    wide = rng.normal(labels[:, np.newaxis] * 0.2, 1.0, (len(labels), 256)).astype(np.float32)
    feed = FeatureFeed((wide, wide), labels, np.ones(len(labels), np.float32))
    tracemalloc.start()
    solved(feed, widths=(256,))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    rows_bytes = 2 * wide.size * 8
    assert peak < rows_bytes / 5

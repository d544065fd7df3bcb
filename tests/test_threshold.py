"""The operating threshold: the wanted sensitivity first, then as much specificity as there is."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.threshold import choose_threshold
from cspine_edge.decision import Threshold


def rates(values: np.ndarray, labels: np.ndarray, threshold: float) -> tuple[float, float]:
    called = values >= threshold
    return float(called[labels == 1].mean()), float((~called)[labels == 0].mean())


@pytest.mark.parametrize("sensitivity", [0.5, 0.8, 0.95, 0.99, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_is_better(seed: int, sensitivity: float) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 120)
    values = np.round(rng.normal(labels * 1.5, 1.0), 1)  # ties
    chosen = choose_threshold(values, labels, sensitivity)
    found = rates(values, labels, chosen.logit)
    assert found[0] >= sensitivity
    possible = [rates(values, labels, level) for level in np.arange(values.min() - 1, values.max() + 1, 0.05)]
    best = max(spared for reached, spared in possible if reached >= sensitivity)
    assert found[1] == best
    assert found[0] == max(reached for reached, spared in possible if spared == best)


@pytest.mark.parametrize(
    ("values", "threshold"),
    [
        ([-3.0, -1.0, 2.0, 5.0], 0.0),
        ([-30.0, -10.0, 2.0, 5.0], -1.0),  # 0 would lie too near to the fractures
        ([3.0, 4.0, 8.0, 9.0], 5.0),
    ],
)
def test_between_separated_classes_it_is_near_equal_logits(values: list[float], threshold: float) -> None:
    chosen = choose_threshold(values, [0, 0, 1, 1], 0.99)
    assert chosen.logit == threshold
    assert chosen.cases == 2
    assert "sensitivity 1.0000, specificity 1.0000" in chosen.method
    assert "sensitivity >= 0.99" in chosen.method


def test_a_value_at_the_threshold_would_be_a_fracture_so_none_is() -> None:
    values = np.array([0.0, 1.0, 1.0, 2.0])
    assert choose_threshold(values, [0, 0, 1, 1], 1.0).logit == 0.25
    assert choose_threshold(values, [0, 0, 1, 1], 0.5).logit == 1.25


def test_equal_scores_leave_nothing_to_choose() -> None:
    chosen = choose_threshold([1.0, 1.0], [0, 1], 0.9)
    assert rates(np.array([1.0, 1.0]), np.array([0, 1]), chosen.logit) == (1.0, 0.0)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_chooses_nothing(label: int) -> None:
    chosen = choose_threshold([1.0, 2.0], [label, label], 0.9)
    assert chosen.logit == Threshold().logit
    assert "lacks a class" in chosen.method

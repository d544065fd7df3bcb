"""The temperature: the likeliest one, whatever the scale of the margins and the number of variants."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calibration.temperature import fit_temperature


def drawn(temperature: float, cases: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Margins whose score at this temperature is the probability of a fracture."""
    rng = np.random.default_rng(seed)
    margins = rng.normal(0, 3, cases)
    return margins, (rng.random(cases) < 1 / (1 + np.exp(-margins / temperature))).astype(int)


def loss(margins: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    """Mean negative log likelihood with Platt's targets, written another way than in the module."""
    n = np.bincount(labels, minlength=2)
    target = np.where(labels == 1, (n[1] + 1) / (n[1] + 2), 1 / (n[0] + 2))
    margins = margins / temperature
    return float(np.mean(target * np.logaddexp(0, -margins) + (1 - target) * np.logaddexp(0, margins)))


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_temperature_that_drew_the_labels_is_found(temperature: float) -> None:
    margins, labels = drawn(temperature)
    assert fit_temperature(margins, labels, range(4000)) == pytest.approx(temperature, rel=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_temperature_is_likelier(seed: int) -> None:
    margins, labels = drawn(2.0, cases=60, seed=seed)
    found = fit_temperature(margins, labels, range(60))
    assert loss(margins, labels, found) <= min(
        loss(margins, labels, other) for other in np.geomspace(0.02, 50, 2000)
    )


def test_it_scales_with_the_margins() -> None:
    margins, labels = drawn(1.0, cases=200)
    found = fit_temperature(margins, labels, range(200))
    assert fit_temperature(7 * margins, labels, range(200)) == pytest.approx(7 * found, rel=1e-9)


def test_separated_classes_give_the_score_that_their_number_carries() -> None:
    """Nine of nine right: Platt's target is 10/11, and the temperature puts the score there."""
    margins, labels = np.repeat([-5.0, 5.0], 9), np.repeat([0, 1], 9)
    found = fit_temperature(margins, labels, range(18))
    assert 1 / (1 + math.exp(-5 / found)) == pytest.approx(10 / 11)


def test_variants_of_a_slice_are_one_case() -> None:
    margins, labels = drawn(2.0, cases=60)
    once = fit_temperature(margins, labels, range(60))
    copies = [np.repeat(values, 21) for values in (margins, labels, np.arange(60))]
    assert fit_temperature(*copies) == pytest.approx(once, rel=1e-9)
    uneven = np.where(np.arange(60) < 30, 21, 1)
    copies = [np.repeat(values, uneven) for values in (margins, labels, np.arange(60))]
    assert fit_temperature(*copies) == pytest.approx(once, rel=1e-9)
    assert fit_temperature(copies[0], copies[1], range(len(copies[0]))) != pytest.approx(once, rel=1e-3)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_leaves_the_score_as_it_is(label: int) -> None:
    assert fit_temperature([1.0, 2.0], [label, label], [0, 1]) == 1.0


def test_margins_that_rank_the_wrong_way_meet_the_bound() -> None:
    assert fit_temperature([1.0, -1.0], [0, 1], [0, 1]) == pytest.approx(100)
    assert fit_temperature([1e-6, -1e-6], [1, 0], [0, 1]) == pytest.approx(0.01)

"""The temperature: the likeliest one, whatever the scale of the margins and the number of variants."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.temperature import fit_temperature


def drawn(temperature: float, cases: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Margins whose score at this temperature is the probability of a fracture."""
    rng = np.random.default_rng(seed)
    margins = rng.normal(0, 3, cases)
    return margins, (rng.random(cases) < 1 / (1 + np.exp(-margins / temperature))).astype(int)


def loss(margins: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    """Mean negative log likelihood, written another way than in the module."""
    return float(np.mean(np.logaddexp(0, np.where(labels == 1, -margins, margins) / temperature)))


@pytest.mark.parametrize("temperature", [1.3, 2.0, 4.0])
def test_the_temperature_that_drew_the_labels_is_found(temperature: float) -> None:
    margins, labels = drawn(temperature)
    assert fit_temperature(margins, labels, range(4000)) == pytest.approx(temperature, rel=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_temperature_is_likelier(seed: int) -> None:
    margins, labels = drawn(2.0, cases=60, seed=seed)
    found = fit_temperature(margins, labels, range(60))
    others = [loss(margins, labels, other) for other in np.geomspace(1, 100, 2000)]
    assert loss(margins, labels, found) <= min(others) < max(others)


def test_it_scales_with_the_margins() -> None:
    margins, labels = drawn(2.0, cases=200)
    found = fit_temperature(margins, labels, range(200))
    assert fit_temperature(7 * margins, labels, range(200)) == pytest.approx(7 * found, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_network_without_an_error_is_made_no_surer(scale: float) -> None:
    margins, labels = scale * np.array([-3.0, -1.0, 0.5, 7.0]), [0, 0, 1, 1]
    assert fit_temperature(margins, labels, range(4)) == pytest.approx(1.0)
    assert fit_temperature(drawn(0.3)[0], drawn(0.3)[1], range(4000)) == pytest.approx(1.0)


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

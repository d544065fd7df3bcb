"""Abstention: the coverage that is stated is kept, on cases that can be exchanged for those it was chosen on."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.abstention import choose_abstention


def test_the_bounds_are_the_conformal_ranks() -> None:
    """Of 39 cases, floor(0.05 * 40) = 2: the second from the other class's side."""
    margins = np.concatenate([np.arange(39.0), -np.arange(39.0)])
    labels = np.repeat([1, 0], 39)
    chosen = choose_abstention(margins, labels, range(78), 0.95)
    assert (chosen.fracture_from, chosen.normal_up_to) == (1.0, -1.0)
    assert (chosen.fracture_cases, chosen.normal_cases, chosen.coverage) == (39, 39, 0.95)
    assert "too few" not in chosen.method


@pytest.mark.parametrize(("coverage", "needed"), [(0.95, 19), (0.9, 9), (0.99, 99), (0.8, 4)])
def test_too_few_cases_bound_nothing_and_say_so(coverage: float, needed: int) -> None:
    margins = np.arange(2.0 * needed)
    labels = np.arange(2 * needed) >= needed
    enough = choose_abstention(margins, labels, range(2 * needed), coverage)
    assert (enough.fracture_from, enough.normal_up_to) == (needed, needed - 1)
    fewer = choose_abstention(margins[:-1], labels[:-1], range(2 * needed - 1), coverage)
    assert (fewer.fracture_from, fewer.normal_up_to) == (None, needed - 1)
    assert f"{needed - 1} fracture cases are too few for {100 * coverage:g} % ({needed} are" in fewer.method
    assert "every slice that is called normal is referred" in fewer.method
    assert "normal cases" not in fewer.method


def test_a_class_that_is_missing_bounds_nothing() -> None:
    chosen = choose_abstention(np.arange(50.0), np.ones(50, int), range(50), 0.95)
    assert (chosen.fracture_from, chosen.normal_up_to) == (1.0, None)
    assert "0 normal cases are too few" in chosen.method


def test_a_family_is_one_case_with_its_worst_margin() -> None:
    rng = np.random.default_rng(0)
    margins, labels, families = (
        rng.normal(0, 1, 40 * 21),
        np.repeat([0, 1], 20 * 21),
        np.repeat(range(40), 21),
    )
    chosen = choose_abstention(margins, labels, families.tolist(), 0.95)
    assert (chosen.fracture_cases, chosen.normal_cases) == (20, 20)
    by_family = margins.reshape(40, 21)
    assert chosen.fracture_from == by_family[20:].min(axis=1).min()
    assert chosen.normal_up_to == by_family[:20].max(axis=1).max()
    shuffled = rng.permutation(40 * 21)
    again = choose_abstention(margins[shuffled], labels[shuffled], families[shuffled].tolist(), 0.95)
    assert again == chosen


@pytest.mark.parametrize(("cases", "coverage"), [(19, 0.95), (30, 0.95), (25, 0.8)])
def test_new_cases_are_covered_as_often_as_stated(cases: int, coverage: float) -> None:
    """Over many draws; the expected coverage of fractures is 1 - floor((1 - c)(n + 1)) / (n + 1)."""
    rng = np.random.default_rng(1)
    fractures, normals = rng.normal(1, 1, (4000, cases)), rng.normal(-1, 2, (4000, cases))
    new_fracture, new_normal = rng.normal(1, 1, 4000), rng.normal(-1, 2, 4000)
    labels = np.repeat([1, 0], cases)
    covered = []
    for i in range(4000):
        chosen = choose_abstention([*fractures[i], *normals[i]], labels, range(2 * cases), coverage)
        covered.append((chosen.allows_fracture(new_fracture[i]), chosen.allows_normal(new_normal[i])))
    expected = 1 - np.floor((1 - coverage) * (cases + 1) + 1e-9) / (cases + 1)
    assert expected >= coverage
    np.testing.assert_allclose(np.mean(covered, axis=0), expected, atol=0.012)

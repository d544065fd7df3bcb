"""The decision: one label alone and the one that is called, or a radiologist."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calibration.abstention import choose_abstention
from calibration.decision import choose_decision
from calibration.temperature import fit_temperature
from calibration.threshold import choose_threshold
from cspine_edge.decision import Abstention, Decision, Referral, Threshold


def decision(
    fracture_from: float | None, normal_up_to: float | None, threshold: float = 0.0, temperature: float = 1.0
) -> Decision:
    abstention = Abstention(0.95, fracture_from, normal_up_to, 30, 40, "chosen for this test")
    return Decision(Threshold(threshold), temperature, abstention)


@pytest.mark.parametrize(
    ("fracture_from", "normal_up_to", "margin", "referral"),
    [
        (-1.0, 1.0, -1.5, Referral.NOT_NEEDED),
        (-1.0, 1.0, -1.0, Referral.BOTH),
        (-1.0, 1.0, 1.0, Referral.BOTH),
        (-1.0, 1.0, 1.5, Referral.NOT_NEEDED),
        (1.0, -1.0, -1.0, Referral.NOT_NEEDED),
        (1.0, -1.0, -0.5, Referral.NEITHER),
        (1.0, -1.0, 0.5, Referral.NEITHER),
        (1.0, -1.0, 1.0, Referral.NOT_NEEDED),
        (-3.0, -2.0, -1.0, Referral.DISAGREEMENT),
        (3.0, 2.0, 1.0, Referral.DISAGREEMENT),
        (None, 1.0, 0.5, Referral.BOTH),
        (None, 1.0, -1e9, Referral.BOTH),
        (None, 1.0, 1.5, Referral.NOT_NEEDED),
        (-1.0, None, 1e9, Referral.BOTH),
        (-1.0, None, -1.5, Referral.NOT_NEEDED),
        (None, None, 0.0, Referral.BOTH),
        (-1.0, 1.0, math.inf, Referral.NOT_NEEDED),
    ],
)
def test_referrals(
    fracture_from: float | None, normal_up_to: float | None, margin: float, referral: Referral
) -> None:
    assert decision(fracture_from, normal_up_to).referral(margin) is referral
    assert referral.is_needed is (referral is not Referral.NOT_NEEDED)


def test_without_abstention_nobody_knows() -> None:
    assert Decision().referral(0.0) is Referral.UNKNOWN
    assert not Referral.UNKNOWN.is_needed


def test_no_fracture_is_decided_to_be_normal_that_the_set_holds() -> None:
    """So at most 1 - coverage of the fractures are called normal without a radiologist, at any threshold."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        how = decision(*rng.normal(0, 1, 3))
        assert how.abstention is not None
        for margin in rng.normal(0, 2, 50):
            if how.abstention.allows_fracture(margin) and not how.referral(margin).is_needed:
                assert how.is_positive(margin)


def test_the_temperature_changes_the_score_and_nothing_else() -> None:
    sharp, soft = decision(-1.0, 1.0, 0.5), decision(-1.0, 1.0, 0.5, temperature=4.0)
    assert sharp.score(2.0) == 1 / (1 + math.exp(-2))
    assert soft.score(2.0) == 1 / (1 + math.exp(-0.5))
    for margin in np.linspace(-3, 3, 61):
        assert sharp.referral(margin) is soft.referral(margin)
        assert sharp.is_positive(margin) is soft.is_positive(margin)


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.1, math.nan])
def test_coverage_is_a_share(coverage: float) -> None:
    with pytest.raises(ValueError, match="coverage should be between 0 and 1"):
        Abstention(coverage, 0.0, 0.0, 1, 1, "")


def test_it_tells_people_what_is_possible() -> None:
    assert str(decision(None, 1.25).abstention) == (
        "fracture possible always, normal up to 1.2500; coverage 95 % on 30 fracture and 40 normal cases; "
        "chosen for this test"
    )


def test_all_three_are_chosen_on_the_same_margins() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300)
    margins, families = rng.normal(4 * labels - 2, 2), (np.arange(300) // 3).tolist()
    chosen = choose_decision(margins, labels, families, sensitivity=0.9, coverage=0.8)
    assert chosen.threshold == choose_threshold(margins, labels, 0.9)
    assert chosen.temperature == fit_temperature(margins, labels, families)
    assert chosen.abstention == choose_abstention(margins, labels, families, 0.8)


def test_margins_of_another_scale_are_decided_alike() -> None:
    """What a converted model needs whose margins are shifted and scaled by its quantisation."""
    rng = np.random.default_rng(0)
    labels, families = rng.integers(0, 2, 200), range(200)
    margins = rng.normal(3 * labels, 1.5)
    scaled = 0.5 * margins - 4
    one, other = (choose_decision(values, labels, families) for values in (margins, scaled))
    for first, second in zip(margins, scaled, strict=True):
        assert one.is_positive(first) is other.is_positive(second)
        assert one.referral(first) is other.referral(second)

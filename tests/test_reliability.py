"""Reliability: calibration errors and what abstention does, against figures worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from calibration.decision import choose_decision
from cspine_edge.decision import Abstention, Decision, Threshold
from cspine_edge.documents import encode
from cspine_edge.reliability import assess, calibration_error, reliability_curve


def logit(score: float) -> float:
    return float(np.log(score / (1 - score)))


def test_scores_that_are_frequencies_have_no_calibration_error() -> None:
    scores = np.repeat([0.25, 0.75], 100)
    truth = np.concatenate([np.arange(100) < 25, np.arange(100) < 75])
    assert calibration_error(scores, truth) == pytest.approx(0, abs=1e-12)
    assert calibration_error(scores, ~truth) == pytest.approx(0.5)


def test_the_calibration_error_weighs_bins_by_their_slices() -> None:
    """Three slices at 0.9 of which two are fractures, one at 0 which is none."""
    scores, truth = np.array([0.9, 0.9, 0.9, 0.0]), np.array([True, True, False, False])
    assert calibration_error(scores, truth) == pytest.approx(0.75 * (0.9 - 2 / 3))
    assert calibration_error(np.array([1.0]), np.array([True])) == 0
    # Errors of one bin cancel, those of different bins do not.
    assert calibration_error(np.array([0.5, 0.5]), np.array([True, False])) == 0
    assert calibration_error(np.array([0.4, 0.6]), np.array([True, False])) == pytest.approx(0.6)


def test_brier_without_and_with_the_temperature() -> None:
    margins = [logit(0.9), logit(0.9), logit(0.1)]
    found = assess(margins, [1, 0, 0], Decision(temperature=2.0))
    soft = 1 / (1 + np.exp(-logit(0.9) / 2))
    assert found.brier_before == pytest.approx((0.01 + 0.81 + 0.01) / 3)
    assert found.brier_after == pytest.approx(((1 - soft) ** 2 + soft**2 + (1 - soft) ** 2) / 3)
    assert found.referrals is None
    assert "no abstention" in str(found)


def test_referrals_are_counted() -> None:
    abstention = Abstention(0.8, -1.0, 1.0, 30, 30, "chosen for this test")
    margins = [3.0, 2.0, 0.5, -2.0, -3.0, -2.5, 0.0, 1.5]
    labels = [1, 1, 1, 1, 0, 0, 0, 0]
    found = assess(margins, labels, Decision(Threshold(0.25), 1.0, abstention))
    assert found.referrals is not None
    assert encode(found.referrals) == {
        "stated": 0.8,
        "fracture_coverage": 0.75,
        "normal_coverage": 0.75,
        "referred": 0.25,
        "decided": 6,
        "decided_accuracy": 4 / 6,
        "decided_missed": 1,
    }
    assert "25.00 % referred, 66.67 % of the 6 decided right, 1 fractures missed" in str(found)


def test_rates_over_nothing_are_none() -> None:
    always = Abstention(0.95, None, None, 3, 3, "too few")
    found = assess([1.0, 2.0], [1, 1], Decision(abstention=always)).referrals
    assert found is not None
    assert (found.normal_coverage, found.decided_accuracy, found.decided, found.referred) == (
        None,
        None,
        0,
        1,
    )
    assert json.loads(json.dumps(encode(found), allow_nan=False)) == encode(found)


def test_what_is_chosen_on_one_half_holds_on_the_other() -> None:
    """Overconfident margins: the temperature mends the scores, abstention keeps its coverage."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 8000)
    margins = 5 * rng.normal(2 * labels - 1, 1)
    decision = choose_decision(margins[:4000], labels[:4000], range(4000), coverage=0.9)
    found = assess(margins[4000:], labels[4000:], decision)
    assert found.ece_after < 0.5 * found.ece_before
    assert found.brier_after < found.brier_before
    assert found.referrals is not None
    assert found.referrals.fracture_coverage == pytest.approx(0.9, abs=0.02)
    assert found.referrals.normal_coverage == pytest.approx(0.9, abs=0.02)
    called = margins[4000:] >= decision.threshold.logit
    assert found.referrals.decided_accuracy is not None
    assert found.referrals.decided_accuracy > (called == labels[4000:]).mean()


def test_the_curve_is_that_of_scikit_learn_and_has_the_calibration_error() -> None:
    calibration = pytest.importorskip("sklearn.calibration")
    rng = np.random.default_rng(2)
    scores = rng.beta(0.5, 0.7, 400)
    truth = rng.random(400) < scores**2
    means, shares, counts = reliability_curve(scores, truth)
    expected_shares, expected_means = calibration.calibration_curve(truth, scores, n_bins=15)
    np.testing.assert_allclose(means, expected_means)
    np.testing.assert_allclose(shares, expected_shares)
    assert counts.sum() == 400
    assert (np.abs(means - shares) * counts).sum() / 400 == pytest.approx(calibration_error(scores, truth))

"""Metrics: equal to scikit-learn's; intervals as published, and wide where slices are not independent."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cspine_edge.documents import encode
from cspine_edge.metrics import (
    ConfusionMatrix,
    Interval,
    Metrics,
    bootstrap_weights,
    cluster_index,
    evaluate,
    roc_auc,
    wilson,
)


def sample(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Scores with many ties, and labels that go with them."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return np.round(rng.normal(labels * 0.8, 1.0), 1), labels


def independent(scores: np.ndarray, labels: np.ndarray, threshold: float, seed: int = 0) -> Metrics:
    names = [f"s{number}" for number in range(len(scores))]
    return evaluate(scores, labels, names, names, threshold, seed=seed)


def ends(interval: Interval) -> tuple[float, float]:
    assert interval.low is not None
    assert interval.high is not None
    return interval.low, interval.high


def width(interval: Interval) -> float:
    low, high = ends(interval)
    return high - low


# Estimates


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("threshold", [-1.0, 0.4, 2.0])
def test_estimates_equal_those_of_scikit_learn(seed: int, threshold: float) -> None:
    reference = pytest.importorskip("sklearn.metrics")
    scores, labels = sample(seed)
    found = independent(scores, labels, threshold)
    called = scores >= threshold
    tn, fp, fn, tp = reference.confusion_matrix(labels, called).ravel().tolist()
    assert found.confusion == ConfusionMatrix(tp, fn, fp, tn)
    for name, expected in {
        "accuracy": reference.accuracy_score(labels, called),
        "precision": reference.precision_score(labels, called),
        "recall": reference.recall_score(labels, called),
        "specificity": reference.recall_score(1 - labels, ~called),
        "f1": reference.f1_score(labels, called),
        "auc": reference.roc_auc_score(labels, scores),
    }.items():
        assert getattr(found, name).estimate == pytest.approx(expected, abs=1e-12), name


def test_auc_by_weights_equals_auc_of_repeated_cases() -> None:
    reference = pytest.importorskip("sklearn.metrics")
    scores, labels = sample(3, 60)
    weights = np.random.default_rng(0).integers(0, 4, (7, 60)).astype(float)
    found = roc_auc(scores, labels, weights)
    for row, auc in zip(weights.astype(int), found, strict=True):
        repeated = reference.roc_auc_score(np.repeat(labels, row), np.repeat(scores, row))
        assert auc == pytest.approx(repeated, abs=1e-12)


def test_auc_of_the_published_ct_ratings() -> None:
    """Hanley and McNeil, Radiology 143:29 (1982), table I: 109 CT images rated 1 to 5; area 0.893."""
    normal, abnormal = [33, 6, 6, 11, 2], [3, 2, 2, 11, 33]
    ratings = np.concatenate([np.repeat(np.arange(1, 6), counts) for counts in (normal, abnormal)])
    labels = np.repeat([0, 1], [sum(normal), sum(abnormal)])
    assert round(float(roc_auc(ratings, labels)[0]), 3) == 0.893


def test_auc_counts_ties_one_half_and_knows_its_ends() -> None:
    assert roc_auc([1, 2, 3, 4], [0, 0, 1, 1])[0] == 1
    assert roc_auc([4, 3, 2, 1], [0, 0, 1, 1])[0] == 0
    assert roc_auc([5, 5, 5, 5], [0, 1, 0, 1])[0] == 0.5
    assert np.isnan(roc_auc([1, 2], [1, 1])[0])


def test_at_the_threshold_a_slice_is_called_a_fracture() -> None:
    found = independent(np.array([0.5, 0.5]), np.array([1, 0]), 0.5)
    assert found.confusion == ConfusionMatrix(1, 0, 1, 0)


def test_what_has_no_denominator_is_undefined() -> None:
    nothing_called = independent(np.array([0.0, 0.1, 0.2]), np.array([1, 0, 1]), 1.0)
    assert nothing_called.precision == Interval(None, None, None)
    assert nothing_called.recall.estimate == 0
    only_normal = independent(np.array([0.0, 0.1, 0.2]), np.zeros(3, int), 1.0)
    for name in ("recall", "precision", "f1", "auc"):
        assert str(getattr(only_normal, name)) == "undefined"
    assert only_normal.specificity.estimate == 1
    json.dumps(encode(only_normal), allow_nan=False)


# Intervals


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17:857 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)
    assert wilson(trials - successes, trials) == pytest.approx((1 - high, 1 - low), abs=5e-5)


@pytest.mark.parametrize(("successes", "trials"), [(3, 7), (0, 5), (5, 5), (400, 1000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_wilson_equals_scipy(successes: int, trials: int, confidence: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert wilson(successes, trials, confidence) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize(("successes", "trials"), [(0, 9), (9, 9), (81, 263), (1, 299)])
def test_wilson_equals_statsmodels(successes: int, trials: int) -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    expected = proportion.proportion_confint(successes, trials, 0.05, "wilson")
    assert wilson(successes, trials) == pytest.approx(expected, abs=1e-9)


def test_intervals_of_independent_slices_are_about_binomial() -> None:
    scores, labels = sample(1, 1000)
    found = independent(scores, labels, 0.4)
    recall = found.recall
    positives = int(labels.sum())
    assert recall.estimate is not None
    standard_error = (recall.estimate * (1 - recall.estimate) / positives) ** 0.5
    assert width(recall) == pytest.approx(2 * 1.96 * standard_error, rel=0.15)
    assert ends(recall)[0] < recall.estimate < ends(recall)[1]


def test_correlated_slices_widen_the_interval_by_the_root_of_their_number() -> None:
    scores, labels = sample(2, 400)
    alone = independent(scores, labels, 0.4)
    copies = 9
    names = [f"s{number}" for number in range(400) for _ in range(copies)]
    repeated, truth = np.repeat(scores, copies), np.repeat(labels, copies)
    clustered = evaluate(repeated, truth, names, names, 0.4)
    pretended = independent(repeated, truth, 0.4)
    assert clustered.recall == alone.recall
    assert clustered.auc == alone.auc
    assert width(clustered.recall) == pytest.approx(copies**0.5 * width(pretended.recall), rel=0.1)


def test_few_series_fall_back_to_slice_families_and_say_so() -> None:
    scores, labels = sample(4, 90)
    families = [number // 3 for number in range(90)]
    few = evaluate(scores, labels, [f"s{number % 9}" for number in range(90)], families, 0.4)
    assert (few.series, few.clusters, few.cluster_unit) == (9, 30, "slice family")
    assert "over 30 slice families" in str(few)
    enough = evaluate(scores, labels, [f"s{number % 10}" for number in range(90)], families, 0.4)
    assert (enough.series, enough.clusters, enough.cluster_unit) == (10, 10, "series")
    assert "of 10 series, intervals over 10 series" in str(enough)


def test_a_perfect_rate_has_the_score_interval_over_its_clusters() -> None:
    series = [f"s{number // 4}" for number in range(48)]  # 12 series of 4 slices, 6 of them with fractures
    labels = np.array([number // 4 % 2 for number in range(48)])
    found = evaluate(labels.astype(float), labels, series, series, 0.5)
    assert (found.recall.estimate, found.auc.estimate) == (1, 1)
    assert ends(found.recall) == wilson(6, 6)
    assert ends(found.specificity) == wilson(6, 6)
    assert ends(found.accuracy) == wilson(12, 12)
    inverted = evaluate(-labels.astype(float), labels, series, series, -0.5)
    assert ends(inverted.recall) == wilson(0, 6)


def test_the_seed_repeats_the_intervals_and_no_other_estimate_depends_on_it() -> None:
    scores, labels = sample(5)
    one, same, other = (independent(scores, labels, 0.4, seed) for seed in (1, 1, 2))
    assert one == same
    assert one.recall != other.recall
    assert one.recall.estimate == other.recall.estimate
    assert one.confusion == other.confusion


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        right = np.repeat(rng.random(40) < 0.8, 3)  # 40 patients, 3 equal slices each; true recall 0.8
        labels = np.ones(120, int)
        names = [f"s{number // 3}" for number in range(120)]
        low, high = ends(evaluate(right.astype(float), labels, names, names, 0.5).recall)
        covered += low <= 0.8 <= high
    assert 0.87 <= covered / 200 <= 0.99


def test_bootstrap_draws_as_many_clusters_as_there_are() -> None:
    weights = bootstrap_weights(7, np.random.default_rng(0), 500)
    assert weights.shape == (500, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert weights.mean() == 1


def test_clusters_are_numbered_in_order_of_appearance() -> None:
    assert cluster_index(["b", ("a", 1), "b", "c"]).tolist() == [0, 1, 0, 2]


def test_an_interval_prints_in_percent() -> None:
    assert str(Interval(0.98, 0.9512, 1.0)) == "98.00 % [95.1, 100.0]"

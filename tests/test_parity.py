"""The gate: each verdict is reached, for the stated reason, with the right number of missing series."""

from __future__ import annotations

import doctest
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cspine_edge.classifier import Classifier, Facts
from cspine_edge.dataset import LabelledDataset, LabelledSlice, load_dataset
from cspine_edge.decision import Abstention, Decision, Threshold
from cspine_edge.errors import ContractError, DatasetError, OutputError
from cspine_edge.model_file import ModelFile
from cspine_edge.noninferiority import bound_without_loss, mcnemar_exact
from cspine_edge.parity import (
    UNKNOWN_LEAK,
    GateVerdict,
    PairedMargins,
    ParityReport,
    judge,
    measure,
)
from cspine_edge.preprocess import Preprocessing


def paired(
    fracture_series: int,
    normal_series: int,
    *,
    slices: int = 1,
    lost: int = 0,
    gained: int = 0,
    spared: int = 0,
) -> PairedMargins:
    """Series with fractures only and series without.

    The reference is right but on the last ``gained`` fracture slices, the candidate but on the first ``lost``
    fracture slices and the first ``spared`` normal ones.
    """
    items, reference, candidate = [], [], []
    counts = {1: fracture_series, 0: normal_series}
    for label, name in ((1, "f"), (0, "n")):
        total = counts[label] * slices
        for number in range(total):
            items.append(
                LabelledSlice(f"{name}/{number}", label, f"{name}{number // slices}", number % slices)
            )
            sign = 1.0 if label else -1.0
            wrong_before = label == 1 and number >= total - gained
            wrong_now = number < (lost if label else spared)
            reference.append(-sign if wrong_before else sign)
            candidate.append(-0.5 * sign if wrong_now else 0.5 * sign)
    return PairedMargins(
        LabelledDataset(Path("data"), tuple(items)), np.array(reference), np.array(candidate)
    )


def verdict(margins: PairedMargins, margin: float = 0.01) -> ParityReport:
    return judge(margins, margin=margin)


# The verdicts


def test_no_flip_in_enough_series_passes() -> None:
    report = verdict(paired(299, 299))
    assert report.verdict is GateVerdict.PASSED
    assert (report.missing_fracture_series, report.missing_normal_series) == (0, 0)
    assert report.agreement == 1
    assert report.flips == ()
    assert report.sensitivity_loss.upper == bound_without_loss(299) <= 0.01
    assert report.largest_difference == report.mean_difference == 0.5
    assert "sensitivity is lower by at most 1.00 points" in report.reason


@pytest.mark.parametrize(
    ("fracture", "normal", "missing"), [(298, 299, (1, 0)), (299, 298, (0, 1)), (10, 20, (289, 279))]
)
def test_too_few_series_are_counted_and_named(fracture: int, normal: int, missing: tuple[int, int]) -> None:
    report = verdict(paired(fracture, normal))
    assert report.verdict is GateVerdict.TOO_LITTLE_EVIDENCE
    assert (report.missing_fracture_series, report.missing_normal_series) == missing
    for count, kind in zip(missing, ("fracture", "normal"), strict=True):
        assert (f"{kind} series bound" in report.reason) == bool(count)
        if count:
            assert f"{count} more are needed" in report.reason


def test_many_slices_of_few_series_are_few_cases() -> None:
    report = verdict(paired(10, 10, slices=100))
    assert report.verdict is GateVerdict.TOO_LITTLE_EVIDENCE
    assert report.sensitivity_loss.slices == 1000
    assert report.sensitivity_loss.series == 10
    assert report.missing_fracture_series == 289


def test_a_wider_margin_needs_fewer_series() -> None:
    assert verdict(paired(59, 59), 0.05).verdict is GateVerdict.PASSED
    assert verdict(paired(58, 59), 0.05).verdict is GateVerdict.TOO_LITTLE_EVIDENCE


def test_lost_fractures_fail_it() -> None:
    report = verdict(paired(300, 300, lost=4))
    assert report.verdict is GateVerdict.FAILED
    assert report.reason.startswith("sensitivity is lower by 1.33 points (4 lost, 0 gained of 300 slices)")
    assert [flip.path for flip in report.flips] == ["f/0", "f/1", "f/2", "f/3"]
    assert {(flip.label, flip.reference_margin, flip.candidate_margin) for flip in report.flips} == {
        ("fracture", 1.0, -0.5)
    }
    assert report.sensitivity_loss.mcnemar_p == mcnemar_exact(4, 0)
    assert report.agreement == pytest.approx(596 / 600)
    assert report.candidate_metrics.confusion.false_negative == 4
    assert report.reference_metrics.confusion.false_negative == 0


def test_false_alarms_fail_it_too_but_sensitivity_comes_first() -> None:
    report = verdict(paired(300, 300, spared=4))
    assert report.verdict is GateVerdict.FAILED
    assert report.reason.startswith("specificity is lower by 1.33 points")
    assert verdict(paired(300, 300, lost=4, spared=40)).reason.startswith("sensitivity")


def test_a_failure_says_whether_other_series_would_show_it() -> None:
    seen = verdict(paired(300, 300, lost=4))
    assert seen.sensitivity_loss.inferior_p > 0.05
    assert "that other series lose as much is not shown (p 0." in seen.reason
    assert (seen.missing_fracture_series, seen.missing_normal_series) == (0, 0)
    shown = verdict(paired(300, 300, lost=30))
    assert shown.sensitivity_loss.inferior_p < 0.05
    assert f"in series like these ({100 * shown.sensitivity_loss.lower:.2f} points or more" in shown.reason


def test_one_lost_series_in_300_does_not_pass() -> None:
    """A percentile bootstrap would let it: three times in 300 is its 95 % bound, and the truth may be 1.57 %."""
    report = verdict(paired(300, 300, lost=1))
    assert report.verdict is GateVerdict.TOO_LITTLE_EVIDENCE
    assert report.sensitivity_loss.upper == pytest.approx(0.0157146, abs=1e-6)
    assert report.sensitivity_loss.non_inferior_p > 0.19


def test_few_lost_fractures_in_very_many_series_pass() -> None:
    report = verdict(paired(3000, 3000, lost=9))
    loss = report.sensitivity_loss
    assert loss.estimate == 0.003
    assert loss.estimate < loss.upper < 0.01
    assert report.verdict is GateVerdict.PASSED


def test_lost_fractures_within_the_margin_need_more_series_than_none() -> None:
    report = verdict(paired(300, 300, lost=2))
    loss = report.sensitivity_loss
    assert report.verdict is GateVerdict.TOO_LITTLE_EVIDENCE
    assert 0 < loss.estimate < 0.01 < loss.upper
    # By Clopper-Pearson, 2 losses in 300 are as far from showing less than 1 % as 16.86 in 2529.
    assert report.missing_fracture_series == 2529 - 300
    assert report.missing_normal_series == 0


def test_losses_and_gains_that_cancel_still_need_series() -> None:
    report = verdict(paired(300, 300, lost=10, gained=10))
    assert report.sensitivity_loss.estimate == 0
    assert report.sensitivity_loss.mcnemar_p == 1
    assert report.verdict is GateVerdict.TOO_LITTLE_EVIDENCE
    assert report.missing_fracture_series > 300
    assert len(report.flips) == 20


def test_a_loss_at_the_margin_gives_no_astronomical_number() -> None:
    report = verdict(paired(100, 299, lost=5), margin=0.05)
    assert report.sensitivity_loss.estimate == 0.05
    assert report.verdict is GateVerdict.TOO_LITTLE_EVIDENCE
    assert 100 < report.missing_fracture_series < 1_000_000


def test_correlated_losses_bound_it_less_tightly() -> None:
    """Four lost slices in one series say less about new patients than four in four series."""
    slices = 4
    together = paired(400, 400, slices=slices, lost=slices)
    spread_out = paired(400, 400, slices=slices)
    candidate = spread_out.candidate.copy()
    candidate[[0, slices, 2 * slices, 3 * slices]] = -0.5
    apart = replace(spread_out, candidate=candidate)
    losses = [verdict(margins).sensitivity_loss for margins in (together, apart)]
    assert losses[0].estimate == losses[1].estimate
    assert losses[0].upper > bound_without_loss(400)
    assert losses[0].upper > losses[1].upper


def test_a_gain_is_no_loss() -> None:
    report = verdict(paired(299, 299, gained=30))
    assert report.sensitivity_loss.estimate == pytest.approx(-30 / 299)
    assert report.verdict is GateVerdict.PASSED


def test_flips_within_one_series_are_one_case_to_mcnemar_over_series() -> None:
    loss = verdict(paired(20, 20, slices=10, lost=10)).sensitivity_loss
    assert loss.mcnemar_p == 2 / 2**10
    assert (loss.series_lost, loss.series_gained, loss.series_p) == (1, 0, 1.0)


def test_a_class_that_is_absent_cannot_pass() -> None:
    report = verdict(paired(0, 299))
    assert report.verdict is GateVerdict.TOO_LITTLE_EVIDENCE
    assert (report.missing_fracture_series, report.missing_normal_series) == (299, 0)
    assert str(report.candidate_metrics.recall) == "undefined"


def test_each_is_judged_at_its_own_threshold() -> None:
    """The candidate's margins are half of the reference's, and so is its threshold."""
    margins = replace(paired(5, 5), reference_decision=Decision(Threshold(0.7)))
    report = judge(replace(margins, candidate_decision=Decision(Threshold(0.35))))
    assert (report.agreement, report.flips) == (1, ())
    assert report.candidate_metrics.confusion == report.reference_metrics.confusion
    report = judge(replace(margins, candidate_decision=Decision(Threshold(0.7))))
    assert report.reference_metrics.confusion.true_positive == 5
    assert report.candidate_metrics.confusion.true_positive == 0
    assert report.verdict is GateVerdict.FAILED
    assert report.candidate_decision.threshold.logit == 0.7


def test_reliability_is_told_of_each_with_its_own_decision() -> None:
    abstention = Abstention(0.9, 0.4, -0.8, 10, 10, "chosen for this test")
    decision = Decision(temperature=0.5, abstention=abstention)
    report = judge(replace(paired(5, 5), candidate_decision=decision))
    reference, candidate = report.reference_reliability, report.candidate_reliability
    assert reference.ece_before == reference.ece_after
    assert reference.referrals is None
    # Margins of 0.5 over a temperature of 0.5 are margins of 1, which the reference has.
    assert candidate.brier_after == pytest.approx(reference.brier_after)
    assert candidate.brier_before > candidate.brier_after
    assert candidate.referrals is not None
    assert (candidate.referrals.fracture_coverage, candidate.referrals.normal_coverage) == (1, 0)
    assert candidate.referrals.referred == 0.5
    assert json.loads(json.dumps(report.to_json(), allow_nan=False)) == report.to_json()


def test_the_report_saves_itself_and_refuses_to_overwrite(tmp_path: Path) -> None:
    report = verdict(paired(10, 10, lost=1))
    report.save(tmp_path / "report.json")
    document = json.loads((tmp_path / "report.json").read_text())
    assert (document["schema"], document["version"]) == ("cspine-edge/parity", 3)
    assert document["verdict"] == "failed"
    assert document["flips"][0]["path"] == "f/0"
    assert (document["flips"][0]["series"], document["flips"][0]["lost"]) == ("f0", True)
    assert document["leak"] == UNKNOWN_LEAK
    with pytest.raises(OutputError):
        report.save(tmp_path / "report.json")
    summary = report.summary()
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert summary["verdict"] == "failed"
    assert summary["flips"] == 1
    assert summary["reliability"] == document["candidate_reliability"]


def test_the_worked_examples_of_the_documentation(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    done = doctest.testfile(str(root / "docs" / "gate.md"), module_relative=False)
    assert (done.failed, done.attempted > 8) == (0, True)


# Measuring


def test_a_model_agrees_with_itself(int8_model: Path, phantom_data: Path) -> None:
    classifier, same = Classifier(int8_model), Classifier(int8_model)
    dataset = load_dataset(phantom_data)
    seen: list[None] = []
    margins = measure(classifier, same, dataset, on_slice=lambda: seen.append(None))
    assert len(seen) == len(dataset) == len(margins.reference)
    np.testing.assert_array_equal(margins.reference, margins.candidate)
    assert len(np.unique(margins.candidate)) > 1


def test_models_that_cannot_be_paired_are_refused(
    int8_model: Path, phantom_data: Path, tmp_path: Path
) -> None:
    file = ModelFile.read(int8_model)
    assert file.contract is not None
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(file.graph)
    classifier, dataset = Classifier(int8_model), load_dataset(phantom_data)
    others = [
        Classifier(bare, facts=Facts(("normal", "Bruch"), "Bruch", probabilities=False)),
        Classifier(bare, facts=Facts(("normal", "fracture"), "normal", probabilities=False)),
    ]
    assert classifier.spec.window is None or others[0].spec != classifier.spec
    for other in others:
        with pytest.raises(ContractError, match="pair it with its own float model"):
            measure(other, classifier, dataset)
    assert others[0].spec == Preprocessing()


def test_nothing_to_check_on_is_an_error(int8_model: Path, phantom_data: Path) -> None:
    classifier = Classifier(int8_model)
    with pytest.raises(DatasetError, match="no slices to check on"):
        measure(classifier, classifier, load_dataset(phantom_data).subset([]))


@pytest.mark.workstation
@pytest.mark.slow
def test_int8_against_float_on_the_phantom(
    small_int8_model: Path, float_model: Path, phantom_data: Path
) -> None:
    candidate, reference = Classifier(small_int8_model), Classifier(float_model)
    margins = measure(candidate, reference, load_dataset(phantom_data))
    assert margins.candidate_decision == candidate.contract.decision
    assert margins.reference_decision == reference.contract.decision
    report = judge(margins, margin=0.5)
    assert 0 < report.largest_difference < np.ptp(margins.reference) + 1
    assert np.corrcoef(margins.reference, margins.candidate)[0, 1] > 0.9

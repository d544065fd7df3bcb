"""All kernels of all runtimes: each is measured against its own golden outputs, and against those in use."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from cspine_edge.classifier import Classifier
from cspine_edge.contract import KernelFamily
from cspine_edge.decision import Threshold
from cspine_edge.errors import ContractError
from cspine_edge.kernel_families import FamilyReport, verify_families
from cspine_edge.model_file import ModelFile
from cspine_edge.runtime import Runtime, Session, available_runtimes


@pytest.fixture(scope="module")
def report(int8_model: Path) -> FamilyReport:
    return verify_families(int8_model, threads=1)


def test_every_family_of_every_runtime_gives_its_golden_outputs(report: FamilyReport) -> None:
    assert report.passed
    kinds = {(result.runtime, result.family) for result in report.results}
    modern = [runtime for runtime in available_runtimes() if runtime is not Runtime.TFLITE_RUNTIME]
    assert {(runtime, family) for runtime in modern for family in KernelFamily} <= kinds
    assert all(result.verification and result.verification.exact for result in report.results)


def test_the_kernels_in_use_come_first_and_differ_from_themselves_by_nothing(report: FamilyReport) -> None:
    first = report.results[0]
    assert (first.family, first.flips, first.largest_margin_difference) == (KernelFamily.XNNPACK, 0, 0.0)


def test_each_family_runs_each_golden_pair_once(int8_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    invoke, runs = Session.invoke, Counter[tuple[Runtime, KernelFamily]]()

    def counted(session: Session) -> None:
        runs[session.runtime, session.family] += 1
        invoke(session)

    monkeypatch.setattr(Session, "invoke", counted)
    report = verify_families(int8_model)
    golden = Classifier(int8_model).contract.golden
    assert runs == {(result.runtime, result.family): len(golden) for result in report.results}


def test_other_families_round_otherwise(report: FamilyReport, int8_model: Path) -> None:
    """The distance is that of the margins of the golden inputs, taken one by one."""
    by_hand = []
    contract = Classifier(int8_model).contract
    used, other = (
        Classifier(int8_model, family=family) for family in (KernelFamily.XNNPACK, KernelFamily.REFERENCE)
    )
    for pair in contract.golden:
        image = used.file.golden_image(pair)
        by_hand.append(abs(used.margin(image) - other.margin(image)))
    found = next(r for r in report.results if r.family is KernelFamily.REFERENCE)
    assert found.largest_margin_difference == max(by_hand) > 0.0


def test_a_threshold_between_two_families_shows_as_flips(int8_model: Path, tmp_path: Path) -> None:
    """A golden input whose margin lies on one side with one family and on the other with another."""
    file = ModelFile.read(int8_model)
    assert file.contract is not None
    used, other = (
        Classifier(int8_model, family=family) for family in (KernelFamily.XNNPACK, KernelFamily.REFERENCE)
    )
    images = [file.golden_image(pair) for pair in file.contract.golden]
    low, high = next(sorted((a, b)) for a, b in ((used.margin(i), other.margin(i)) for i in images) if a != b)
    between = replace(file.contract, threshold=Threshold((low + high) / 2, "between"))
    path = replace(file, contract=between).save(tmp_path / "between.tflite").path
    report = verify_families(path)
    assert not report.passed
    assert report.results[0].flips == 0
    assert any(r.flips for r in report.results if r.family is KernelFamily.REFERENCE)
    assert all(r.verification and r.verification.passed for r in report.results)
    assert "FAILED" in str(report)


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="needs a second runtime")
def test_a_runtime_that_greets_does_so_in_silence(
    int8_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    verify_families(int8_model)
    assert capfd.readouterr().err == ""


def test_without_golden_pairs_there_is_nothing_to_verify(int8_model: Path, tmp_path: Path) -> None:
    file = ModelFile.read(int8_model)
    assert file.contract is not None
    path = replace(file, contract=replace(file.contract, golden=())).save(tmp_path / "bare.tflite").path
    with pytest.raises(ContractError, match="no golden pairs"):
        verify_families(path)


def test_a_runtime_that_does_not_load_is_named_and_the_others_go_on(int8_model: Path, tmp_path: Path) -> None:
    """As tflite-runtime does with numpy 2: the package is there and its interpreter raises ImportError."""
    package = tmp_path / "tflite_runtime"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "interpreter.py").write_text("raise ImportError('numpy.core.multiarray failed to import')\n")
    done = subprocess.run(
        [sys.executable, "-m", "cspine_edge", "verify", str(int8_model), "--all-families"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(Path(__file__).parents[1])))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.count("equal ") >= 3
    assert "NOT RUN  tflite-runtime" in done.stdout
    assert "is installed but does not load here (numpy.core.multiarray failed to import)" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("FAILED")
    assert done.returncode == 1

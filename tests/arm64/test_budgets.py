"""What the shipped models take in instructions stays within the committed budgets."""

from __future__ import annotations

import json
from pathlib import Path

import instruction_budgets
import pytest
from emulated import Answers, Check, Job, jobs
from emulation import counting, roots
from instruction_budgets import BUDGETS, CPUS, over_budget
from instructions import conditions, describe

from cspine_edge.shipped import shipped_model

pytestmark = pytest.mark.arm64


@pytest.fixture(scope="module", autouse=True)
def _counting_emulator(_tools: None) -> None:
    if "version 7.2" not in counting.emulator_version():
        pytest.skip(f"the counting plug-in is for QEMU 7.2, this is {counting.emulator_version()}")


@pytest.mark.parametrize(
    "job", jobs(Check.COUNT, devices=tuple((roots.LITERT.name, cpu) for cpu in CPUS)), ids=str
)
def test_instructions_are_within_budget(job: Job, answers: Answers) -> None:
    budget = json.loads(BUDGETS.read_text(encoding="utf-8"))["budgets"][job.model][job.cpu]
    found = answers(job)
    assert set(found) == set(budget) == {"inference", "png", "dicom", "process"}
    assert 0 < found["inference"] < found["png"] < found["process"]
    assert not over_budget(job.model, job.cpu, budget, found)


def test_budgets_are_of_the_packages_that_are_counted() -> None:
    """Another version of one takes other instructions, for which the code is not to blame."""
    document = json.loads(BUDGETS.read_text(encoding="utf-8"))
    found = instruction_budgets.conditions()["versions"]
    assert document["conditions"]["versions"] == found, f"renew the budgets: {document['command']}"


@pytest.mark.parametrize("job", jobs(Check.COUNT, devices=((roots.LITERT.name, "cortex-a76"),)), ids=str)
def test_an_inference_takes_what_the_committed_counts_say(job: Job, answers: Answers, root: Path) -> None:
    document = json.loads((root / "results" / "instructions-int8-arm64.json").read_text())
    if document["conditions"] != conditions(roots.build(roots.LITERT)):
        pytest.skip("needs the versions of the committed counts")
    sha256 = describe(shipped_model(job.model))["sha256"]
    (row,) = [model for model in document["models"] if model["sha256"] == sha256]
    # Where buffers come to lie may change a copy by a few instructions, in another process.
    assert answers(job)["inference"] == pytest.approx(row["instructions"][job.cpu], rel=1e-4)


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "broken.tflite").write_bytes(b"nothing of the kind")
    board, plug_in = roots.device(roots.LITERT, "cortex-a72"), counting.build_plug_in(tmp_path)
    with pytest.raises(roots.EmulationError, match=r"broken\.tflite: cannot be run on cortex-a72"):
        counting.count_inference(tmp_path / "broken.tflite", board, plug_in)

"""The models that ship are the ones that are pinned, and prove themselves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cspine_edge.classifier import Classifier
from cspine_edge.contract import KernelFamily, Precision
from cspine_edge.model_file import ModelFile
from cspine_edge.shipped import SHIPPED, shipped_model
from cspine_edge.verification import verify


def test_files_have_the_pinned_hashes(root: Path) -> None:
    pinned = dict(
        reversed(line.split()) for line in (root / "models" / "SHA256SUMS").read_text().splitlines()
    )
    files = {path.name for path in (root / "models").iterdir() if path.suffix in (".tflite", ".keras")}
    assert set(pinned) == files
    for name, expected in pinned.items():
        assert hashlib.sha256((root / "models" / name).read_bytes()).hexdigest() == expected, name


def test_speeds_were_measured_with_the_shipped_model(root: Path) -> None:
    pinned = hashlib.sha256(shipped_model().read_bytes()).hexdigest()
    benches = [json.loads(path.read_text()) for path in (root / "results").glob("bench-*.json")]
    pairs = [json.loads(path.read_text()) for path in (root / "results").glob("one-slice-*.json")]
    found = [bench["model"]["sha256"] for bench in benches] + [pair["model_sha256"] for pair in pairs]
    assert len(found) == 2
    assert set(found) == {pinned}


@pytest.mark.parametrize(("name", "precision"), [("mobilenet", Precision.INT8_QAT), ("fast", Precision.INT8)])
def test_shipped_model_is_checked_and_complete(name: str, precision: Precision) -> None:
    contract = ModelFile.read(shipped_model(name)).contract
    assert contract is not None
    assert contract.provenance is not None
    assert contract.provenance.precision is precision
    assert contract.provenance.protocol == "grouped"
    assert contract.parity is not None
    assert contract.provenance.calibration_sha256 is not None
    assert "Not a medical device" in contract.intended_use


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_model_gives_its_golden_answers_in_each_family(name: str) -> None:
    for family in KernelFamily:
        result = verify(Classifier(name, family=family, threads=1))
        assert result.exact
        assert result.passed
        # Outputs that never change would be equal anywhere.
        expected = [pair.expected[family.value] for pair in Classifier(name).contract.golden]
        assert len(set(expected)) > 1


def test_fast_takes_a_sixth_of_the_instructions(root: Path) -> None:
    """As counted on the very files that ship."""
    models = json.loads((root / "results" / "instructions-int8-arm64.json").read_text())["models"]
    counted = {model["sha256"]: model["instructions"]["cortex-a72"] for model in models}
    usual, fast = (
        counted[hashlib.sha256(shipped_model(name).read_bytes()).hexdigest()]
        for name in ("mobilenet", "fast")
    )
    assert 6 * fast <= usual


def test_the_gate_leaves_a_shipped_model_as_it_is(cli: Callable[..., Any], phantom_data: Path) -> None:
    before = shipped_model("fast").read_bytes()
    shown = cli("check", "fast", "--reference", "fast", "--data", phantom_data)
    assert shown.code == 3, shown.err
    assert shipped_model("fast").read_bytes() == before

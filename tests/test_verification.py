"""Golden pairs: equal answers pass, one step of difference does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cspine_edge.classifier import Classifier, Facts
from cspine_edge.contract import GoldenPair, KernelFamily
from cspine_edge.errors import ContractError
from cspine_edge.model_file import ModelFile
from cspine_edge.runtime import Runtime
from cspine_edge.verification import Agreement, golden_key, outputs_of, verify

Expected = dict[str, tuple[tuple[float, ...], ...]]


@pytest.fixture
def with_expected(int8_model: Path, tmp_path: Path) -> Callable[[Callable[[Expected], Expected]], Path]:
    """Writes copies of the shipped model whose first golden pair expects something else."""

    def write(change: Callable[[Expected], Expected]) -> Path:
        file = ModelFile.read(int8_model)
        assert file.contract is not None
        first, *others = file.contract.golden
        golden = (GoldenPair(first.image, change(first.expected)), *others)
        changed = replace(file, contract=replace(file.contract, golden=golden))
        return changed.save(tmp_path / "changed.tflite", overwrite=True).path

    return write


@pytest.mark.parametrize("family", list(KernelFamily))
@pytest.mark.parametrize("threads", [1, 3])
def test_the_shipped_model_verifies(int8_model: Path, family: KernelFamily, threads: int) -> None:
    result = verify(Classifier(int8_model, family=family, threads=threads))
    assert result.passed
    assert result.exact
    assert len(result.pairs) == 4
    assert {pair.largest_difference for pair in result.pairs} == {0.0}
    assert family.value in result.banner


def test_the_pairs_tell_inputs_apart(int8_model: Path) -> None:
    contract = Classifier(int8_model).contract
    answers = {pair.expected["xnnpack"] for pair in contract.golden}
    assert len(answers) > 1


@pytest.mark.parametrize("steps", [1, -1, 3])
def test_one_step_of_one_value_is_a_difference(with_expected: Callable[..., Path], steps: int) -> None:
    def change(expected: Expected) -> Expected:
        (first, *values), *rows = expected["xnnpack"]
        return expected | {"xnnpack": ((first + steps, *values), *rows)}

    result = verify(Classifier(with_expected(change), family=KernelFamily.XNNPACK))
    assert not result.passed
    assert [pair.equal for pair in result.pairs] == [False, True, True, True]
    assert result.pairs[0].largest_difference == abs(steps)


def test_each_family_has_answers_of_its_own(with_expected: Callable[..., Path]) -> None:
    only = Classifier(with_expected(lambda expected: {"reference": expected["reference"]}))
    with pytest.raises(ContractError, match=f"no golden outputs for {only.session.family.value} kernels"):
        verify(only)


@pytest.mark.parametrize(
    "rows",
    [(), ((1.0, 2.0),), ((1.0,), (2.0,)), ((1.0, 2.0, 3.0), (1.0, 2.0))],
    ids=["none", "one output", "one value each", "three values"],
)
def test_answers_of_another_shape_are_refused(
    with_expected: Callable[..., Path], rows: tuple[tuple[float, ...], ...]
) -> None:
    path = with_expected(lambda expected: dict.fromkeys(expected, rows))
    with pytest.raises(ContractError, match="golden outputs of another shape"):
        verify(Classifier(path))


def test_without_pairs_nothing_can_be_proven(int8_model: Path, tmp_path: Path) -> None:
    file = ModelFile.read(int8_model)
    assert file.contract is not None
    path = replace(file, contract=replace(file.contract, golden=())).save(tmp_path / "m.tflite").path
    with pytest.raises(ContractError, match="carries no golden pairs"):
        verify(Classifier(path))
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(file.graph)
    with pytest.raises(ContractError, match="carries no golden pairs"):
        verify(Classifier(bare, facts=Facts(("normal", "fracture"), "fracture")))


def test_outputs_are_stored_values_in_order(int8_model: Path) -> None:
    classifier = Classifier(int8_model)
    image = np.zeros((224, 224), np.uint8)
    rows = outputs_of(classifier, image)
    assert [len(row) for row in rows] == [2, 2]
    assert all(value == int(value) and 0 <= value <= 255 for row in rows for value in row)
    logits = np.array(rows[classifier.contract.outputs.logits])
    scale = classifier.session.outputs[classifier.contract.outputs.logits].scale
    assert classifier.margin(image) == pytest.approx((logits[1] - logits[0]) * scale)


@pytest.mark.workstation
@pytest.mark.slow
def test_float_models_are_compared_within_a_tolerance(float_model: Path, tmp_path: Path) -> None:
    assert verify(Classifier(float_model)).passed
    assert not verify(Classifier(float_model)).exact
    file = ModelFile.read(float_model)
    assert file.contract is not None

    def shifted(by: float) -> Path:
        assert file.contract is not None
        golden = tuple(
            replace(
                pair,
                expected={
                    f: tuple(tuple(v + by for v in r) for r in rows) for f, rows in pair.expected.items()
                },
            )
            for pair in file.contract.golden
        )
        changed = replace(file, contract=replace(file.contract, golden=golden))
        return changed.save(tmp_path / "shifted.tflite", overwrite=True).path

    assert verify(Classifier(shifted(2e-4))).passed
    assert not verify(Classifier(shifted(0.5))).passed


@pytest.mark.parametrize(
    ("runtime", "family", "machine", "key"),
    [
        (Runtime.LITERT, KernelFamily.XNNPACK, "aarch64", "xnnpack"),
        (Runtime.LITERT, KernelFamily.BUILTIN, "x86_64", "builtin"),
        (Runtime.LITERT, KernelFamily.BUILTIN, "aarch64", "builtin arm"),
        (Runtime.TENSORFLOW, KernelFamily.REFERENCE, "arm64", "reference"),
        (Runtime.TFLITE_RUNTIME, KernelFamily.BUILTIN, "armv7l", "tflite-runtime builtin arm"),
        (Runtime.TFLITE_RUNTIME, KernelFamily.REFERENCE, "x86_64", "tflite-runtime reference"),
    ],
)
def test_kernels_that_round_otherwise_have_a_name_of_their_own(
    runtime: Runtime, family: KernelFamily, machine: str, key: str
) -> None:
    assert golden_key(runtime, family, machine) == key


def test_built_in_kernels_of_another_processor_are_held_to_its_decisions(
    int8_model: Path, tmp_path: Path
) -> None:
    """A model that was converted on ARM has outputs of the built-in kernels there alone."""
    file = ModelFile.read(int8_model)
    assert file.contract is not None
    here, there = (golden_key(Runtime.LITERT, KernelFamily.BUILTIN, name) for name in ("x86_64", "arm64"))
    own = golden_key(Runtime.LITERT, KernelFamily.BUILTIN)
    other = there if own == here else here
    golden = tuple(
        GoldenPair(pair.image, {name: rows for name, rows in pair.expected.items() if name != own})
        for pair in file.contract.golden
    )
    assert all(other in pair.expected for pair in golden)
    saved = replace(file, contract=replace(file.contract, golden=golden)).save(tmp_path / "arm.tflite")
    result = verify(Classifier(saved.path, family=KernelFamily.BUILTIN))
    assert result.passed
    assert result.agreement is Agreement.DECISION
    assert verify(Classifier(saved.path)).exact, "the kernels that are the same everywhere"

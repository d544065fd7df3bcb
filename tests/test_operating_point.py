"""The operating point of a converted model: chosen on its own margins, and on the validation part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration.decision import choose_decision
from cspine_edge.classifier import Classifier
from cspine_edge.dataset import LabelledDataset, load_images
from cspine_edge.decision import Decision
from cspine_edge.errors import ContractError
from cspine_edge.model_file import ModelFile
from cspine_edge.run import Run

pytestmark = [pytest.mark.workstation, pytest.mark.slow]


@pytest.fixture(scope="module")
def run(small_run: Path) -> Run:
    return Run.load(small_run)


@pytest.fixture(scope="module")
def validation(run: Run) -> LabelledDataset:
    return run.dataset().subset(run.split().validation)


@pytest.fixture(scope="module")
def images(run: Run, validation: LabelledDataset) -> np.ndarray:
    return load_images(validation, run.preprocessing)


def chosen_on(model: Path, validation: LabelledDataset, images: np.ndarray, **wanted: float) -> Decision:
    classifier = Classifier(model)
    margins = [classifier.margin(image) for image in images]
    return choose_decision(margins, validation.labels, [item.family for item in validation.slices], **wanted)


@pytest.mark.parametrize("precision", ["float32", "int8", "int8-qat"])
def test_each_file_decides_by_its_own_margins(
    precision: str, converted: Callable[[str], Path], validation: LabelledDataset, images: np.ndarray
) -> None:
    model = converted(precision)
    contract = ModelFile.read(model).contract
    assert contract is not None
    assert contract.decision == chosen_on(model, validation, images, coverage=0.95)
    assert contract.abstention is not None


def test_the_float_file_decides_as_the_run_does_and_the_int8_file_not(
    float_model: Path, small_int8_model: Path, run: Run
) -> None:
    contracts = [ModelFile.read(path).contract for path in (float_model, small_int8_model)]
    assert contracts[0] is not None
    assert contracts[1] is not None
    assert contracts[0].threshold.logit == pytest.approx(run.threshold.logit, abs=1e-3)
    assert contracts[0].temperature == pytest.approx(run.temperature, rel=1e-3)
    assert contracts[0].threshold.method == run.threshold.method
    assert contracts[1].threshold.logit != pytest.approx(run.threshold.logit, abs=1e-3)


def test_what_the_run_wants_is_what_is_chosen(
    small_int8_model: Path, run: Run, validation: LabelledDataset, images: np.ndarray
) -> None:
    from converters.operating_point import with_operating_point

    file = ModelFile.read(small_int8_model)
    wanted = {"sensitivity": 0.6, "coverage": 0.7}
    chosen = with_operating_point(file, replace(run, settings=wanted), validation, images).contract
    assert chosen is not None
    assert chosen.decision == chosen_on(small_int8_model, validation, images, **wanted)
    assert chosen.abstention is not None
    assert (chosen.abstention.coverage, "sensitivity >= 0.6" in chosen.threshold.method) == (0.7, True)
    assert chosen.with_decision(Decision()) == file.contract.with_decision(Decision())  # type: ignore[union-attr]
    of_before = with_operating_point(file, replace(run, settings={}), validation, images).contract
    assert of_before is not None
    assert of_before.decision == chosen_on(small_int8_model, validation, images)
    # Some labels turned round, so that the network is surer than right, and a temperature is needed.
    turned = [
        replace(item, label=1 - item.label) if i % 3 == 0 else item
        for i, item in enumerate(validation.slices)
    ]
    doubtful = replace(validation, slices=tuple(turned))
    heated = with_operating_point(file, run, doubtful, images).contract
    assert heated is not None
    assert heated.temperature == chosen_on(small_int8_model, doubtful, images).temperature > 1.0
    with pytest.raises(ContractError, match="no contract"):
        with_operating_point(replace(file, contract=None), run, validation, images)

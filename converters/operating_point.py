"""How a converted model decides: chosen on the margins that it itself gives, not on its float network's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from calibration.decision import DEFAULT_COVERAGE, DEFAULT_SENSITIVITY, choose_decision
from cspine_edge.classifier import Classifier
from cspine_edge.dataset import LabelledDataset
from cspine_edge.decision import Decision
from cspine_edge.errors import ContractError
from cspine_edge.model_file import ModelFile
from cspine_edge.progress import progress
from cspine_edge.run import Run


def with_operating_point(
    file: ModelFile,
    run: Run,
    validation: LabelledDataset,
    images: npt.NDArray[np.uint8],
) -> ModelFile:
    """Run a converted model over the validation part, and choose threshold, temperature and abstention.

    The runtime's default kernels compute the margins, as they do on a device. Quantisation shifts and scales
    margins; what was chosen for the float network would miss its sensitivity and coverage on them.

    Parameters
    ----------
    file
        The model with a contract; need not be written yet.
    run
        Its run, which says what sensitivity and coverage are wanted.
    validation, images
        The validation part, and its prepared slices, shape (n, height, width), uint8.

    Raises
    ------
    ContractError
        If the file has no contract.
    """
    if file.contract is None:
        raise ContractError(file.path, "has no contract to write a threshold into")
    with progress("choosing the threshold", len(images)) as step:
        decision = decide_on(margins_of(file, images, step), run, validation)
    return replace(file, contract=file.contract.with_decision(decision))


def margins_of(
    file: ModelFile, images: npt.NDArray[np.uint8], on_slice: Callable[[], object] = lambda: None
) -> npt.NDArray[np.float64]:
    """Margins that a model with a contract gives for prepared images, shape (n,); it need not be written yet."""
    margins = []
    with tempfile.TemporaryDirectory() as folder:
        classifier = Classifier(file.save(Path(folder) / f"model{file.path.suffix}").path)
        for image in images:
            margins.append(classifier.margin(image))
            on_slice()
    return np.array(margins)


def decide_on(margins: npt.NDArray[np.float64], run: Run, validation: LabelledDataset) -> Decision:
    """Choose threshold, temperature and abstention on the margins of the validation part, shape (n,)."""
    return choose_decision(
        margins,
        validation.labels,
        [item.family for item in validation.slices],
        sensitivity=run.settings.get("sensitivity", DEFAULT_SENSITIVITY),
        coverage=run.settings.get("coverage", DEFAULT_COVERAGE),
    )

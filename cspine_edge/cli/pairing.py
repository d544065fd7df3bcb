"""What a quantised model is compared with, and on what, where the caller does not say."""

from __future__ import annotations

from pathlib import Path

from ..dataset import LabelledDataset, load_dataset
from ..errors import InputError, UsageError
from ..model_file import ModelFile
from ..parity import UNKNOWN_LEAK
from ..run import Run
from ..splits import Split, leak_of


def find_reference(file: ModelFile) -> Path:
    """Path of the float32 model of the run that a model comes from.

    Raises
    ------
    InputError
        If the run folder or the file is not there.
    UsageError
        If the contract names no run.
    """
    run = Run.load(_run_folder(file, "--reference FILE"))
    path = run.folder / f"{run.name}-float32.tflite"
    if not path.is_file():
        raise InputError(
            path, f"no float reference; make it with 'cspine-edge convert {run.folder} --precision float32'"
        )
    return path


def find_data(
    file: ModelFile,
    data: Path | None,
    split: Path | None,
    series_pattern: str | None,
    *,
    validation: bool = False,
) -> tuple[LabelledDataset, str]:
    """Give the slices to compare on, and what is known of leaks.

    Parameters
    ----------
    file
        The model; its run's data set and split are taken where ``data`` is ``None``.
    data, split, series_pattern
        As given by the caller.
    validation
        Take the validation part, where the split has one, and not the test part.

    Raises
    ------
    InputError
        If the run folder or the data set is not there.
    UsageError
        If ``split`` is given without ``data``, or the contract names no run.
    """
    if data is None:
        if split is not None:
            raise UsageError("--split needs --data")
        run = Run.load(_run_folder(file, "--data DATA"))
        dataset, division = run.dataset(), run.split()
    else:
        dataset = load_dataset(data, series_pattern=series_pattern)
        if split is None:
            return dataset, UNKNOWN_LEAK
        division = Split.load(split)
    part = (validation and division.validation) or division.test
    return dataset.subset(part), str(leak_of(dataset, division))


def _run_folder(file: ModelFile, missing: str) -> Path:
    origin = file.contract.provenance if file.contract else None
    if origin is None or origin.run is None:
        raise UsageError(f"{file.path}: its contract names no run folder; give {missing}")
    folder = file.path.parent / origin.run
    if not (folder / "run.json").is_file():  # a model may have been copied from its run
        raise InputError(folder, f"the run folder that {file.path.name} names is not here; give {missing}")
    return folder

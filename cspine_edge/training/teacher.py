"""A teacher: a finished run whose float network a smaller one learns from (Hinton et al., arXiv 1503.02531, 2015)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..dataset import LabelledDataset
from ..errors import UsageError
from ..files import file_sha256
from ..run import Run, relative_data_path
from ..splits import Split
from .framework import keras


@dataclass(frozen=True)
class Teacher:
    """A run to learn from.

    Attributes
    ----------
    run
        The finished run.
    sha256
        Of its Keras file.
    """

    run: Run
    sha256: str

    @classmethod
    def of(cls, folder: Path, dataset: LabelledDataset, split: Split) -> Teacher:
        """Read a run folder, and make sure that it knows no more than its student may.

        Raises
        ------
        InputError
            If it is no finished run folder.
        ModelError
            If its network is not there, or is another one.
        UsageError
            If it was trained on other data or another split: it would tell of slices that the student is to be
            tested on.
        """
        run = Run.load(folder)
        if run.fingerprint != dataset.fingerprint():
            raise UsageError(f"{folder}: was trained on other data; give --teacher a run on {dataset.root}")
        if run.split() != split:
            raise UsageError(
                f"{folder}: was trained on another split and may know the test part; give "
                f"--split {folder / 'split.json'}"
            )
        return cls(run, file_sha256(run.require_model()))

    def describe(self, out: Path) -> dict[str, str]:
        """Say which it is, for the settings of the student's run in ``out``."""
        folder = relative_data_path(self.run.folder, out)
        return {"name": self.run.name, "sha256": self.sha256, "run": folder}

    def network(self) -> keras.Model:
        """Load the float network; its output are logits (n, 2)."""
        from converters.keras_model import load_keras

        return load_keras(self.run.model_path)

"""A run folder: what a training made, described well enough to convert, check and repeat it.

::

    RUN/
      run.json         what was trained, on what, how, with which versions; how the float network decides
      split.json       which slices train, validate and test
      model.keras      the float network
      metrics.json     its metrics on the test part
      curves.png, confusion.png    (no curves where nothing had epochs)
      checkpoints/     what --resume goes on from
      *.tflite         what 'convert' makes of it, with NAME.calibration.json
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .dataset import LabelledDataset, load_dataset
from .decision import Abstention, Decision, Threshold
from .documents import DocumentError, decode, encode, read_document
from .errors import InputError, ModelError
from .files import file_sha256, write_json
from .preprocess import Preprocessing
from .splits import Split

_SCHEMA = "cspine-edge/run"
_VERSION = 1
MODEL_FILE = "model.keras"


@dataclass(frozen=True)
class Run:
    """The description of a training run.

    Attributes
    ----------
    folder
        The run folder.
    backbone, alpha, size, hidden_units, dropout, blocks
        The architecture.
    optimizer, protocol, weights, seed
        As given to ``train``.
    data, series_pattern
        The data set (folder or CSV file) relative to the run folder, and how series are named in it.
    fingerprint
        Hash of the data set.
    preprocessing
        From slice to input tensor.
    threshold
        Operating threshold of the float network.
    settings
        Everything else that was set: epochs, rates, augmentation.
    versions
        Versions of the packages that trained it.
    head
        What is put on the base: ``dense`` or ``linear``.
    temperature, abstention
        Of the float network, chosen with the threshold; ``convert`` chooses all three anew for what it makes.
    model_sha256
        Of the float network's file; ``None`` in runs of versions that did not state it.
    """

    folder: Path
    backbone: str
    alpha: float
    size: int
    hidden_units: int
    dropout: float
    optimizer: str
    protocol: str
    weights: str
    seed: int
    data: str
    series_pattern: str | None
    fingerprint: str
    preprocessing: Preprocessing
    threshold: Threshold
    settings: dict[str, Any]
    versions: dict[str, str]
    temperature: float = 1.0
    abstention: Abstention | None = None
    head: str = "dense"
    blocks: int | None = None
    model_sha256: str | None = None

    @property
    def model_path(self) -> Path:
        """The float network."""
        return self.folder / MODEL_FILE

    @property
    def name(self) -> str:
        """Name by the grammar ``backbone[-aALPHA][-bBLOCKS]-SIZE``, e.g. ``mobilenet-a1.0-224``."""
        width = f"-a{self.alpha}" if self.backbone == "mobilenet" else ""
        depth = f"-b{self.blocks}" if self.blocks else ""
        return f"{self.backbone}{width}{depth}-{self.size}"

    @property
    def decision(self) -> Decision:
        """From the float network's margin to its verdict."""
        return Decision(self.threshold, self.temperature, self.abstention)

    @property
    def teacher(self) -> str | None:
        """Name and SHA-256 of the network it learned from, if it is not labels that it learned from last."""
        teacher = self.settings.get("teacher")
        return f"{teacher['name']} {teacher['sha256']}" if teacher else None

    def require_model(self) -> Path:
        """Give the path of the float network, once its file is known to be the one that was trained.

        Raises
        ------
        ModelError
            If it is missing, or is another one.
        """
        path = self.model_path
        if not path.is_file():
            raise ModelError(path, "does not exist; give a run folder with its network")
        if self.model_sha256 not in (None, file_sha256(path)):
            raise ModelError(
                path, "is not the network that its run.json names; copy the run folder again, or train again"
            )
        return path

    def split(self) -> Split:
        """Read the split."""
        return Split.load(self.folder / "split.json")

    def dataset(self) -> LabelledDataset:
        """Read the data set; it must lie where it lay at training."""
        return load_dataset(self.folder / self.data, series_pattern=self.series_pattern)

    def save(self, *, overwrite: bool = False) -> None:
        """Write ``run.json``."""
        document = {"schema": _SCHEMA, "version": _VERSION} | encode(self)
        del document["folder"]
        write_json(self.folder / "run.json", document, overwrite=overwrite)

    @classmethod
    def load(cls, folder: Path | str) -> Run:
        """Read the description of a run folder.

        Raises
        ------
        InputError
            If it is no finished run folder.
        """
        folder = Path(folder)
        path = folder / "run.json"
        if not path.is_file():
            raise InputError(
                folder, "is no finished run folder (it has no run.json); make one with 'cspine-edge train'"
            )
        try:
            document = read_document(path)
            if not isinstance(document, dict) or (document.get("schema"), document.get("version")) != (
                _SCHEMA,
                _VERSION,
            ):
                raise InputError(
                    path, f"is not version {_VERSION} of {_SCHEMA}; train again with this version"
                )
            return decode(cls, document | {"folder": str(folder)})
        except (OSError, DocumentError) as error:
            raise InputError(path, f"is malformed ({error}); train again") from error


def relative_data_path(data: Path, folder: Path) -> str:
    """Path of the data set as seen from the run folder, so that the two can move together."""
    return Path(os.path.relpath(data.resolve(), folder.resolve())).as_posix()

"""How to train, and the beginning of a run folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

from calibration.decision import DEFAULT_COVERAGE, DEFAULT_SENSITIVITY

from ..documents import DocumentError, read_document
from ..errors import InputError, OutputError, UsageError
from ..files import new_folder, write_json
from ..recipe import Optimizer
from ..splits import Split
from ..window import Window
from .augment import Augmentation
from .backbones import Architecture

SETTINGS_FILE = "settings.json"
"""In a run folder from its beginning: there is something to resume."""


@dataclass(frozen=True)
class TrainSettings:
    """How to train; the defaults are the paper's where it gives them.

    Attributes
    ----------
    architecture
        What to train.
    optimizer
        Nadam or Adam.
    weights
        ``imagenet``, ``random``, the path of a weight file of the base, or of a whole network of ours
        (``.keras``) to go on from; linear heads are solved anew.
    epochs
        Epochs of a dense head on a frozen base; linear heads are solved, and have none.
    rate
        Their learning rate.
    fine_tune_epochs
        Epochs with the base unfrozen, after those; the rate falls to 0 along half a cosine.
    fine_tune_rate
        Learning rate wherever the base is trained.
    batch_size
        Slices per step.
    augmentation
        Random maps, or ``None``.
    window
        Window in HU for slices that carry HU; goes into the contract. By default the bone window, if they do.
    sensitivity
        Wanted sensitivity of the operating threshold on the validation part.
    coverage
        Wanted coverage of the abstention, chosen there too.
    seed
        Seed of everything random but the split, which has its own.
    teacher
        Run folder of a network whose logits are learned instead of the labels where the base is trained.
    """

    architecture: Architecture = field(default_factory=Architecture)
    optimizer: Optimizer = Optimizer.NADAM
    weights: str = "imagenet"
    epochs: int = 60
    rate: float = 1e-4
    fine_tune_epochs: int = 0
    fine_tune_rate: float = 1e-4
    batch_size: int = 32
    augmentation: Augmentation | None = field(default_factory=Augmentation)
    window: Window | None = None
    sensitivity: float = DEFAULT_SENSITIVITY
    coverage: float = DEFAULT_COVERAGE
    seed: int = 0
    teacher: Path | None = None

    def describe(self) -> dict[str, object]:
        """Give plain data for JSON; what the teacher was is said by :meth:`.teacher.Teacher.describe`."""
        backbone, head = self.architecture.backbone.value, self.architecture.head.value
        architecture = asdict(self.architecture) | {"backbone": backbone, "head": head}
        if self.architecture.blocks is None:  # as runs were described before there was a choice
            del architecture["blocks"]
        window = str(self.window) if self.window else None
        described = asdict(self) | {"optimizer": self.optimizer.value, "window": window}
        if self.weights not in ("imagenet", "random"):
            described["weights"] = Path(self.weights).name
        del described["teacher"]
        return described | {"architecture": architecture}


def require_place(out: Path, described: dict[str, object], split: Split, resume: bool) -> None:
    """Refuse a run folder that is taken, or to resume one that was begun otherwise.

    Parameters
    ----------
    out
        The run folder.
    described, split
        The settings as JSON has them, with the data set's fingerprint, and the split.
    resume
        Whether to go on with what is there.

    Raises
    ------
    OutputError
        If ``out`` exists, or to resume, holds no broken-off training.
    UsageError
        If what is there was begun with other settings or another split, or on other data.
    """
    if out.exists() and not resume:
        raise OutputError(out, "exists already; give --resume to go on with it, or choose another --out")
    if resume:
        if not (out / SETTINGS_FILE).is_file():
            raise OutputError(out, "holds no broken-off training; start without --resume")
        try:
            begun = read_document(out / SETTINGS_FILE)
        except (OSError, DocumentError) as error:
            reason = f"cannot be read ({error}); choose another --out and start without --resume"
            raise InputError(out / SETTINGS_FILE, reason) from error
        if begun != described or Split.load(out / "split.json") != split:
            raise UsageError(
                f"{out}: was begun with other settings or another split, or on other data; give the same to --resume"
            )


def write_settings(out: Path, described: dict[str, object], split: Split, resume: bool) -> None:
    """Begin a run folder with its settings and split in one step; one that is resumed has them.

    Parameters
    ----------
    out, described, split, resume
        As for :func:`require_place`.
    """
    if not resume:
        with new_folder(out) as folder:
            write_json(folder / SETTINGS_FILE, described)
            split.save(folder / "split.json")

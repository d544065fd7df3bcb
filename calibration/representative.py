"""The representative data set: which slices the activation ranges are taken from, written down."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cspine_edge.dataset import LABELS, LabelledDataset, LabelledSlice
from cspine_edge.documents import encode
from cspine_edge.errors import DatasetError
from cspine_edge.files import file_sha256, write_bytes

from .stability import RangeStability

DEFAULT_SIZE = 200


@dataclass(frozen=True)
class CalibrationSlice:
    """One slice of the calibration set.

    Attributes
    ----------
    path
        Relative to the data set's root.
    sha256
        Of the file.
    label, series
        Class name and CT series.
    """

    path: str
    sha256: str
    label: str
    series: str


@dataclass(frozen=True)
class CalibrationManifest:
    """The calibration set: balanced over classes and series, disjoint from validation and test.

    Attributes
    ----------
    seed
        Seed of the choice.
    slices
        What was chosen.
    stability
        How far the activation ranges of its halves are apart, once they have been measured.
    """

    seed: int
    slices: tuple[CalibrationSlice, ...]
    stability: RangeStability | None = None

    def to_bytes(self) -> bytes:
        """Give the manifest as JSON text; the same choice and stability give the same bytes."""
        text = json.dumps(encode(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        return text.encode(errors="backslashreplace")

    @property
    def sha256(self) -> str:
        """Hash of :meth:`to_bytes`, which the contract carries."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def save(self, path: Path | str, *, overwrite: bool = False) -> None:
        """Write the manifest as JSON."""
        write_bytes(path, self.to_bytes(), overwrite=overwrite)


def choose_representative(
    train: LabelledDataset, *, size: int = DEFAULT_SIZE, seed: int = 0
) -> CalibrationManifest:
    """Choose a calibration set from the training part.

    Every (series, class) cell gives the same number of slices while it can, and slices of different originals
    before variants of the same.

    Parameters
    ----------
    train
        The training part of a split; nothing else may be passed.
    size
        Wanted number of slices; all of them if there are fewer.
    seed
        Seed of the choice.

    Raises
    ------
    DatasetError
        If ``train`` is empty.
    """
    if not len(train):
        raise DatasetError(train.root, "has no training slices to calibrate on")
    rng = np.random.default_rng(seed)
    cells: dict[tuple[int, str], list[LabelledSlice]] = {}
    for item in train.slices:
        cells.setdefault((item.label, item.series), []).append(item)
    queues = [_originals_first(cells[key], rng) for key in sorted(cells)]
    # Classes take turns, and within a class its series do, so that both counts stay level.
    per_label = [
        [q for key, q in zip(sorted(cells), queues, strict=True) if key[0] == label]
        for label in range(len(LABELS))
    ]
    chosen: list[LabelledSlice] = []
    while len(chosen) < size and any(queues):
        for series_queues in per_label:
            filled = [queue for queue in series_queues if queue]
            if filled and len(chosen) < size:
                least_used = min(
                    filled, key=lambda queue: sum(item.series == queue[0].series for item in chosen)
                )
                chosen.append(least_used.pop(0))
    described = (
        CalibrationSlice(item.path, file_sha256(train.path_of(item)), LABELS[item.label], item.series)
        for item in sorted(chosen, key=lambda item: item.path)
    )
    return CalibrationManifest(seed, tuple(described))


def _originals_first(items: list[LabelledSlice], rng: np.random.Generator) -> list[LabelledSlice]:
    """Shuffle, then move the second and later variants of each original slice to the back."""
    shuffled = [items[i] for i in rng.permutation(len(items))]
    seen: dict[tuple[str, str], int] = {}
    rank = []
    for item in shuffled:
        rank.append(seen.get(item.family, 0))
        seen[item.family] = rank[-1] + 1
    return [shuffled[i] for i in np.argsort(rank, kind="stable")]

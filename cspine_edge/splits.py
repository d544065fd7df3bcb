"""Splits of a labelled data set: the paper's random one, and the one by whole series that can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np

from .dataset import LABELS, UNKNOWN_SERIES, LabelledDataset
from .documents import DocumentError, decode, encode, read_document
from .errors import DatasetError
from .files import write_json

PAPER_TRAIN, PAPER_TEST = 3400, 800
_VALIDATION_SHARE = 0.2
_TEST_SHARE = 0.2


class Protocol(str, Enum):
    """How the slices are divided."""

    PAPER = "paper"
    """Balanced random images, 3400 train and 800 test; variants of one slice fall on both sides."""
    GROUPED = "grouped"
    """Whole series held out: no patient is on both sides."""


@dataclass(frozen=True)
class Split:
    """Which slices train, validate and test.

    Attributes
    ----------
    protocol
        How it was made.
    seed
        Seed of the random choice.
    train, validation, test
        Paths relative to the data set's root. The paper's protocol has no ``validation``: it is empty there.
    held_out
        Series of the test part (grouped protocol).
    validation_unit
        ``"series"`` where whole series validate, ``"slice family"`` where too few were left for that.
    """

    protocol: Protocol
    seed: int
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
    held_out: tuple[str, ...] = ()
    validation_unit: str | None = None

    def save(self, path: Path | str, *, overwrite: bool = False) -> None:
        """Write the split as JSON."""
        write_json(path, encode(self), overwrite=overwrite)

    @classmethod
    def load(cls, path: Path | str) -> Split:
        """Read a split from JSON.

        Raises
        ------
        DatasetError
            If the file is missing or is no split.
        """
        try:
            return decode(cls, read_document(path))
        except FileNotFoundError as error:
            raise DatasetError(path, "does not exist; 'cspine-edge audit DATA' writes a split") from error
        except (OSError, DocumentError) as error:
            raise DatasetError(
                path, f"is no split file ({error}); write one with 'cspine-edge audit'"
            ) from error


@dataclass(frozen=True)
class Leak:
    """What of a test part is in the training part too.

    Attributes
    ----------
    test
        Number of test slices.
    same_series, same_family
        How many of them share a series, or even the original slice, with a training slice.
    """

    test: int
    same_series: int
    same_family: int

    def __str__(self) -> str:
        if not self.same_series:
            return f"no leak: none of the {self.test} test slices shares a series with the training part"
        return (
            f"LEAK: {self.same_series} of {self.test} test slices come from a series that is also trained "
            f"on, and {self.same_family} are variants of a training slice; the figures measure recall of "
            "known slices, not performance on new patients"
        )


def leak_of(dataset: LabelledDataset, split: Split) -> Leak:
    """Count the test slices that are not independent of the training part."""
    train = dataset.subset(split.train + split.validation).slices
    series = {item.series for item in train} - {UNKNOWN_SERIES}
    families = {item.family for item in train}
    test = dataset.subset(split.test).slices
    return Leak(
        test=len(test),
        same_series=sum(item.series in series for item in test),
        same_family=sum(item.family in families for item in test),
    )


def paper_split(dataset: LabelledDataset, seed: int) -> Split:
    """Divide as the paper does: random images, classes balanced, 3400 to train and 800 to test.

    A smaller data set is divided in the same proportion. There is no validation part; nothing may be chosen
    on the test part.
    """
    rng = np.random.default_rng(seed)
    per_class = min(int((dataset.labels == label).sum()) for label in range(len(LABELS)))
    wanted = (PAPER_TRAIN + PAPER_TEST) // 2
    if per_class < wanted:
        n_test = max(1, round(per_class * PAPER_TEST / (PAPER_TRAIN + PAPER_TEST)))
        n_train = per_class - n_test
    else:
        n_train, n_test = PAPER_TRAIN // 2, PAPER_TEST // 2
    if n_train < 1:
        raise DatasetError(dataset.root, "has too few slices per class to be divided")
    train: list[str] = []
    test: list[str] = []
    for label in range(len(LABELS)):
        members = rng.permutation(np.flatnonzero(dataset.labels == label))
        train += [dataset.slices[i].path for i in members[:n_train]]
        test += [dataset.slices[i].path for i in members[n_train : n_train + n_test]]
    return Split(Protocol.PAPER, seed, tuple(sorted(train)), (), tuple(sorted(test)))


def grouped_split(dataset: LabelledDataset, seed: int, hold_out: tuple[str, ...] = ()) -> Split:
    """Hold whole series out for the test part, and again for validation where enough are left.

    Parameters
    ----------
    dataset
        The labelled slices.
    seed
        Seed of the choice of series.
    hold_out
        Series to test on; by default a fifth of the series, at least one of them with both classes.

    Raises
    ------
    DatasetError
        If a series in ``hold_out`` does not exist, or the training part would lack a class.
    """
    rng = np.random.default_rng(seed)
    names = sorted({item.series for item in dataset.slices})
    for name in hold_out:
        if name not in names:
            raise DatasetError(dataset.root, f"has no series '{name}'; it has {', '.join(names[:8])}")
    if UNKNOWN_SERIES in names:
        raise DatasetError(
            dataset.root,
            "has slices whose series cannot be told from file names, nor can pixels tell it; give "
            "--series-pattern '(?P<series>...)', or a manifest.csv with columns path,series",
        )
    if len(names) < 2:
        raise DatasetError(dataset.root, f"has only one series ({names[0]}); none can be held out")
    test = set(hold_out) or _draw_series(dataset, names, _TEST_SHARE, rng)
    remaining = [name for name in names if name not in test]
    mixed = _mixed_series(dataset, remaining)
    if len(mixed) >= 4:
        validation, unit = _draw_series(dataset, remaining, _VALIDATION_SHARE, rng), "series"
        chosen = {item.path for item in dataset.slices if item.series in validation}
    else:
        chosen, unit = _draw_families(dataset, remaining, rng), "slice family"
    parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for item in dataset.slices:
        part = "test" if item.series in test else "validation" if item.path in chosen else "train"
        parts[part].append(item.path)
    trained = {item.label for item in dataset.subset(parts["train"]).slices}
    if len(trained) < len(LABELS):
        raise DatasetError(
            dataset.root, f"leaves one class only to train on when {', '.join(sorted(test))} is held out"
        )
    frozen = {part: tuple(sorted(paths)) for part, paths in parts.items()}
    return Split(Protocol.GROUPED, seed, **frozen, held_out=tuple(sorted(test)), validation_unit=unit)


def _mixed_series(dataset: LabelledDataset, names: list[str]) -> list[str]:
    labels_of: dict[str, set[int]] = {}
    for item in dataset.slices:
        labels_of.setdefault(item.series, set()).add(item.label)
    return [name for name in names if len(labels_of[name]) == len(LABELS)]


def _draw_series(
    dataset: LabelledDataset, names: list[str], share: float, rng: np.random.Generator
) -> set[str]:
    """Draw about ``share`` of the series; the first drawn has both classes if any has."""
    first = _mixed_series(dataset, names) or names
    order = [str(rng.choice(first))]
    order += [str(name) for name in rng.permutation(names) if name != order[0]]
    return set(order[: max(1, round(share * len(names)))])


def _draw_families(dataset: LabelledDataset, names: list[str], rng: np.random.Generator) -> set[str]:
    """Draw a share of the slice families of each class and series; all variants go together."""
    families: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for item in dataset.slices:
        families.setdefault((item.series, item.label), set()).add(item.family)
    drawn: set[tuple[str, str]] = set()
    for name in names:
        for label in range(len(LABELS)):
            members = sorted(families.get((name, label), ()))
            count = round(_VALIDATION_SHARE * len(members))
            drawn.update(members[i] for i in rng.permutation(len(members))[:count])
    among = set(names)
    return {item.path for item in dataset.slices if item.series in among and item.family in drawn}

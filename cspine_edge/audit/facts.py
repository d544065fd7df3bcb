"""What can be counted in a data set: series, pixel duplicates, variants of one original, leaks of a split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..dataset import LabelledDataset, LabelledSlice
from ..errors import DatasetError
from ..metrics import cluster_index
from ..splits import Protocol, Split, leak_of, paper_split
from .disjoint import DisjointSets


@dataclass(frozen=True)
class SeriesSummary:
    """One series.

    Attributes
    ----------
    series
        Its name.
    slices, originals
        Number of files, and of original slices they are variants of.
    fractures
        How many of the files are labelled as fracture.
    fracture_index, normal_index
        First and last slice index under each label; None where there is no slice with an index.
    brightness
        Number of normal and of fracture files by mean grey level, in 32 equal steps from 0 to 256.
    """

    series: str
    slices: int
    originals: int
    fractures: int
    fracture_index: tuple[int, int] | None
    normal_index: tuple[int, int] | None
    brightness: tuple[tuple[int, ...], tuple[int, ...]]

    @property
    def one_label(self) -> bool:
        """True if all slices carry the same label."""
        return self.fractures in (0, self.slices)


@dataclass(frozen=True)
class DuplicateGroup:
    """Slices with the same pixels, whatever their files.

    Attributes
    ----------
    paths
        Two or more, relative to the data set's root; normal slices first.
    series
        The series they are said to be of, sorted.
    contradicting_pairs
        Pairs of them whose labels differ.
    """

    paths: tuple[str, ...]
    series: tuple[str, ...]
    contradicting_pairs: int


@dataclass(frozen=True)
class Families:
    """Variants of one original, told by their pixels: turned, mirrored, sharpened, brightened ...

    Attributes
    ----------
    originals
        Number of different original slices.
    with_variants
        How many of them are there more than once.
    typical
        The commonest number of variants of an original.
    stored_originals
        The same, but an original that is stored several times in full size counts as often.
    by_name
        How many originals the file names tell (slices of one series with the same index).
    by_name_alike
        How many of those have the very members that the pixels tell.
    under_both_labels
        Slice numbers that occur under both labels in one series.
    example
        Paths of the members of the largest family, if it has two or more.
    """

    originals: int
    with_variants: int
    typical: int
    stored_originals: int
    by_name: int
    by_name_alike: int
    under_both_labels: int
    example: tuple[str, ...]


@dataclass(frozen=True)
class SplitLeak:
    """What of a split's test part is known from its training part.

    Attributes
    ----------
    split
        Which split.
    train, test
        Number of slices of each part.
    same_series, same_family, same_pixels
        Test slices whose series, whose original or whose very pixels are in the training part.
    """

    split: str
    train: int
    test: int
    same_series: int
    same_family: int
    same_pixels: int


def summarise_series(
    dataset: LabelledDataset, brightness: npt.NDArray[np.float64]
) -> tuple[SeriesSummary, ...]:
    """Describe each series, in the order of their names; ``brightness`` is each slice's mean grey level, shape (n,)."""
    members: dict[str, list[int]] = {}
    for position, item in enumerate(dataset.slices):
        members.setdefault(item.series, []).append(position)
    summaries = []
    for name, positions in sorted(members.items()):
        items, levels = [dataset.slices[k] for k in positions], brightness[positions]
        labels = np.array([item.label for item in items])
        summaries.append(
            SeriesSummary(
                series=name,
                slices=len(items),
                originals=len({item.family for item in items}),
                fractures=int(labels.sum()),
                fracture_index=_index_range(items, 1),
                normal_index=_index_range(items, 0),
                brightness=(_histogram(levels[labels == 0]), _histogram(levels[labels == 1])),
            )
        )
    return tuple(summaries)


def _index_range(items: Sequence[LabelledSlice], label: int) -> tuple[int, int] | None:
    found = [item.slice_index for item in items if item.label == label and item.slice_index is not None]
    return (min(found), max(found)) if found else None


def _histogram(levels: npt.NDArray[np.float64]) -> tuple[int, ...]:
    return tuple(np.histogram(levels, bins=32, range=(0, 256))[0].tolist())


def find_duplicates(dataset: LabelledDataset, same: npt.NDArray[np.intp]) -> tuple[DuplicateGroup, ...]:
    """Group the slices whose pixels are equal.

    Parameters
    ----------
    dataset
        The labelled slices.
    same
        Number of the group of equal pixels that each is of, from 0, shape (n,).
    """
    groups: dict[int, list[LabelledSlice]] = {}
    for position in np.flatnonzero(np.bincount(same)[same] > 1).tolist():
        groups.setdefault(int(same[position]), []).append(dataset.slices[position])
    for items in groups.values():
        items.sort(key=lambda item: (item.label, item.path))
    return tuple(
        DuplicateGroup(
            paths=tuple(item.path for item in items),
            series=tuple(sorted({item.series for item in items})),
            contradicting_pairs=sum(item.label for item in items) * sum(1 - item.label for item in items),
        )
        for items in groups.values()
    )


def count_families(
    dataset: LabelledDataset, family: npt.NDArray[np.intp], size: npt.NDArray[np.int64]
) -> Families:
    """Count the originals and their variants.

    Parameters
    ----------
    dataset
        The labelled slices, with series and index as the names tell them.
    family
        Number of each slice's family by its pixels, shape (n,).
    size
        How many pixels each slice has, shape (n,).
    """
    _, told, variants = np.unique(family, return_inverse=True, return_counts=True)
    named = cluster_index(item.family for item in dataset.slices)
    members = np.bincount(named)
    # A name tells the very members that the pixels tell, if what they share is all of both.
    (number, name), shared = np.unique(np.stack([told, named]), axis=1, return_counts=True)
    alike = (shared == variants[number]) & (shared == members[name])
    largest = np.zeros(len(variants), dtype=np.int64)
    np.maximum.at(largest, told, size)
    full = np.bincount(told, size == largest[told])
    fractures = np.bincount(named, dataset.labels)
    example = np.flatnonzero(told == told[np.argmax(variants[told])])
    return Families(
        originals=len(variants),
        with_variants=int((variants > 1).sum()),
        typical=int(np.bincount(variants).argmax()),
        stored_originals=int(np.where(full < variants, full, 1).sum()),
        by_name=len(members),
        by_name_alike=int(alike.sum()),
        under_both_labels=int(((fractures > 0) & (fractures < members)).sum()),
        example=tuple(dataset.slices[k].path for k in example.tolist()) if len(example) > 1 else (),
    )


def with_originals(dataset: LabelledDataset, family: npt.NDArray[np.intp]) -> LabelledDataset:
    """Give each slice the original it is a variant of, by its pixels or by its name.

    What either of them takes for variants of one original stays on one side of a split.
    """
    first: dict[object, int] = {}
    sets = DisjointSets(len(dataset))
    for position, (item, number) in enumerate(zip(dataset.slices, family.tolist(), strict=True)):
        for key in (number, item.family):
            sets.unite(first.setdefault(key, position), position)
    slices = (
        replace(item, original=dataset.slices[original].path)
        for item, original in zip(dataset.slices, sets.numbers().tolist(), strict=True)
    )
    return replace(dataset, slices=tuple(slices))


def leak(name: str, dataset: LabelledDataset, split: Split, same: Mapping[str, int]) -> SplitLeak:
    """Count what of the split's test part is in its training or validation part.

    ``same`` is the number of the group of equal pixels by path.
    """
    counted = leak_of(dataset, split)
    known = {same[path] for path in split.train + split.validation}
    return SplitLeak(
        split=name,
        train=len(split.train) + len(split.validation),
        test=counted.test,
        same_series=counted.same_series,
        same_family=counted.same_family,
        same_pixels=sum(same[path] in known for path in split.test),
    )


def delivered_splits(dataset: LabelledDataset) -> list[tuple[str, Split]]:
    """Splits the data set came with: ``val`` against ``train``, ``test`` against both."""
    parts = {
        folder: tuple(item.path for item in dataset.slices if item.folder == folder)
        for folder in ("train", "val", "test")
    }
    present = [folder for folder, paths in parts.items() if paths]
    splits = []
    for position, folder in enumerate(present[1:], start=1):
        before = tuple(path for earlier in present[:position] for path in parts[earlier])
        # Only which slice is where matters to a leak; nobody drew this split, so there is no seed.
        split = Split(Protocol.PAPER, 0, before, (), parts[folder])
        splits.append((f"as delivered: {folder}", split))
    return splits


def random_split(dataset: LabelledDataset, seed: int) -> Split | None:
    """Divide by random images as the paper does; None if there are too few."""
    try:
        return paper_split(dataset, seed)
    except DatasetError:
        return None

"""What can be counted in a data set: series, pixel duplicates, variants of one original, leaks of a split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..dataset import LabelledDataset, LabelledSlice
from ..errors import DatasetError
from ..splits import Protocol, Split, leak_of, paper_split


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


def summarise_series(dataset: LabelledDataset, brightness: Mapping[str, float]) -> tuple[SeriesSummary, ...]:
    """Describe each series, in the order of their names; ``brightness`` is the mean grey level by path."""
    members: dict[str, list[LabelledSlice]] = {}
    for item in dataset.slices:
        members.setdefault(item.series, []).append(item)
    return tuple(
        SeriesSummary(
            series=name,
            slices=len(items),
            originals=len({item.family for item in items}),
            fractures=sum(item.label for item in items),
            fracture_index=_index_range(items, 1),
            normal_index=_index_range(items, 0),
            brightness=(_histogram(items, 0, brightness), _histogram(items, 1, brightness)),
        )
        for name, items in sorted(members.items())
    )


def _index_range(items: Sequence[LabelledSlice], label: int) -> tuple[int, int] | None:
    found = [item.slice_index for item in items if item.label == label and item.slice_index is not None]
    return (min(found), max(found)) if found else None


def _histogram(
    items: Sequence[LabelledSlice], label: int, brightness: Mapping[str, float]
) -> tuple[int, ...]:
    levels = [brightness[item.path] for item in items if item.label == label]
    return tuple(int(count) for count in np.histogram(levels, bins=32, range=(0, 256))[0])


def find_duplicates(dataset: LabelledDataset, digests: Mapping[str, str]) -> tuple[DuplicateGroup, ...]:
    """Group the slices whose pixels are equal.

    Parameters
    ----------
    dataset
        The labelled slices.
    digests
        Digest of the pixels by path.
    """
    groups: dict[str, list[LabelledSlice]] = {}
    for item in dataset.slices:
        groups.setdefault(digests[item.path], []).append(item)
    for items in groups.values():
        items.sort(key=lambda item: (item.label, item.path))
    return tuple(
        DuplicateGroup(
            paths=tuple(item.path for item in items),
            series=tuple(sorted({item.series for item in items})),
            contradicting_pairs=sum(item.label for item in items) * sum(1 - item.label for item in items),
        )
        for items in groups.values()
        if len(items) > 1
    )


def count_families(dataset: LabelledDataset, family: npt.NDArray[np.intp], pixels: Sequence[int]) -> Families:
    """Count the originals and their variants.

    Parameters
    ----------
    dataset
        The labelled slices, with series and index as the names tell them.
    family
        Number of each slice's family by its pixels, shape (n,).
    pixels
        How many pixels each slice has.
    """
    told: dict[int, list[int]] = {}
    named: dict[tuple[str, str], list[int]] = {}
    for position, (item, number) in enumerate(zip(dataset.slices, family.tolist(), strict=True)):
        told.setdefault(number, []).append(position)
        named.setdefault(item.family, []).append(position)
    by_pixels = {tuple(members) for members in told.values()}
    largest = max(by_pixels, key=lambda members: (len(members), -members[0]))
    return Families(
        originals=len(told),
        with_variants=sum(len(members) > 1 for members in by_pixels),
        typical=Counter(map(len, by_pixels)).most_common(1)[0][0],
        stored_originals=sum(_full_size([pixels[k] for k in members]) for members in by_pixels),
        by_name=len(named),
        by_name_alike=sum(tuple(members) in by_pixels for members in named.values()),
        under_both_labels=sum(
            len({dataset.slices[k].label for k in members}) > 1 for members in named.values()
        ),
        example=tuple(dataset.slices[k].path for k in largest) if len(largest) > 1 else (),
    )


def _full_size(pixels: Sequence[int]) -> int:
    full = sum(count == max(pixels) for count in pixels)
    return full if full < len(pixels) else 1


def with_originals(dataset: LabelledDataset, family: npt.NDArray[np.intp]) -> LabelledDataset:
    """Give each slice the original it is a variant of, by its pixels or by its name.

    What either of them takes for variants of one original stays on one side of a split.
    """
    first: dict[object, int] = {}
    root = list(range(len(dataset)))

    def find(position: int) -> int:
        while root[position] != position:
            position = root[position]
        return position

    for position, (item, number) in enumerate(zip(dataset.slices, family.tolist(), strict=True)):
        for key in (number, item.family):
            ends = sorted((find(first.setdefault(key, position)), find(position)))
            root[ends[1]] = ends[0]
    slices = (
        replace(item, original=dataset.slices[find(position)].path)
        for position, item in enumerate(dataset.slices)
    )
    return replace(dataset, slices=tuple(slices))


def leak(name: str, dataset: LabelledDataset, split: Split, digests: Mapping[str, str]) -> SplitLeak:
    """Count what of the split's test part is in its training or validation part."""
    counted = leak_of(dataset, split)
    known = {digests[path] for path in split.train + split.validation}
    return SplitLeak(
        split=name,
        train=len(split.train) + len(split.validation),
        test=counted.test,
        same_series=counted.same_series,
        same_family=counted.same_family,
        same_pixels=sum(digests[path] in known for path in split.test),
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

"""Labelled slices, and the series each belongs to.

Three layouts are read::

    DATA/fracture/*  DATA/normal/*                            two folders
    DATA/{train,val,test}/{fracture,normal}/*                 the same below train, val or test
    DATA.csv with columns path,label[,series][,slice_index]   paths relative to the CSV file

The series of a slice comes from a ``manifest.csv`` beside the slices (columns ``path``, ``series``), from
DICOM's SeriesInstanceUID, or from the file name, in that order.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from io import TextIOWrapper
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .errors import DatasetError, SliceError, UsageError
from .files import file_sha256, open_regular
from .interruption import deadline
from .preprocess import Preprocessing, prepare
from .scratch import unnamed_array
from .slice_files import each_file
from .slices import CtSlice, is_dicom, read_slices

LABELS = ("normal", "fracture")
"""Class names in the order of the network's outputs; ``fracture`` is the positive class."""

UNKNOWN_SERIES = "unknown"
"""Series of the slices whose series nothing tells; only the audit goes on with such."""

_LARGEST_TABLE = 64 * 1024 * 1024
"""Bytes of a CSV file, which lists a million slices with these."""
_MOST_DIGITS = 18
_LONGEST_SEARCH_S = 2.0
"""For a series pattern in one name: some patterns take ages, and a run folder brings its own."""
_SPLIT_FOLDERS = ("train", "val", "test")
PICTURE_SUFFIXES = {".png", ".jpg", ".jpeg"}

FILE_NAME_PATTERNS = (
    r"^(?P<series>.*\S)\s*\((?P<index>\d+)\)",  # CSFDV1B10 (18)-rotated3.png
    r"^(?P<series>.+)[ _.-]+(?P<index>\d+)$",  # patient07_0012.png
)
"""Regular expressions tried in turn on a file's stem; groups ``series`` and (optional) ``index``."""


@dataclass(frozen=True, slots=True)  # a data set may have a million
class LabelledSlice:
    """One labelled slice.

    Attributes
    ----------
    path
        Relative to the data set's root, with forward slashes.
    label
        Index into :data:`LABELS`: 1 is a fracture.
    series
        Identity of the CT series (the patient): the unit of independence.
    slice_index
        Position in the series, if known. Slices that share series and index are variants of one original.
    folder
        ``train``, ``val`` or ``test`` when the data set came split that way.
    original
        One path that stands for the original and all its variants, where the audit found them by their pixels.
    """

    path: str
    label: int
    series: str
    slice_index: int | None = None
    folder: str | None = None
    original: str | None = None

    @property
    def family(self) -> tuple[str, str]:
        """What the variants of one original slice share: the original, or else series and slice."""
        if self.original is not None:
            return "", self.original
        own = self.path if self.slice_index is None else str(self.slice_index)
        return self.series, own


@dataclass(frozen=True)
class LabelledDataset:
    """A labelled data set.

    Attributes
    ----------
    root
        Folder that the slices' paths are relative to.
    slices
        The slices.
    source
        What it was read from: the folder, or a CSV file in it; ``None`` if it was put together otherwise.
    """

    root: Path
    slices: tuple[LabelledSlice, ...]
    source: Path | None = None

    def __len__(self) -> int:
        return len(self.slices)

    @cached_property
    def labels(self) -> npt.NDArray[np.int64]:
        """Labels, shape (n,), int64."""
        return np.array([item.label for item in self.slices], dtype=np.int64)

    @cached_property
    def series(self) -> npt.NDArray[np.str_]:
        """Series of each slice, shape (n,)."""
        return np.array([item.series for item in self.slices])

    def path_of(self, item: LabelledSlice) -> Path:
        """Where a slice lies on this machine."""
        return self.root / item.path

    def subset(self, paths: Iterable[str]) -> LabelledDataset:
        """Give the part of the data set that is named by relative paths, in their order."""
        paths = tuple(paths)
        by_path = {item.path: item for item in self.slices}
        missing = [path for path in paths if path not in by_path]
        if missing:
            raise DatasetError(self.root / missing[0], "is named by the split but is not in the data set")
        return replace(self, slices=tuple(by_path[path] for path in paths))

    def spread(self, count: int) -> LabelledDataset:
        """Give so many slices, spread evenly over the data set; all, if there are no more."""
        step = max(1.0, len(self) / count)
        return replace(self, slices=tuple(self.slices[int(i * step)] for i in range(min(count, len(self)))))

    def fingerprint(self) -> str:
        """SHA-256 over names, labels and bytes of all files: the same data set gives the same value."""
        digest = hashlib.sha256()
        for item in self.slices:
            digest.update(f"{item.path}\0{item.label}\0".encode(errors="surrogateescape"))
            digest.update(bytes.fromhex(file_sha256(self.path_of(item))))
        return digest.hexdigest()

    def describe(self) -> str:
        """One line: slices, classes and series."""
        counts = Counter(self.labels.tolist())
        classes = ", ".join(f"{counts[index]} {name}" for index, name in enumerate(LABELS))
        return f"{len(self)} slices ({classes}) of {len(set(self.series.tolist()))} series"


def load_dataset(
    root: Path | str, *, series_pattern: str | None = None, series_needed: bool = True
) -> LabelledDataset:
    """Read the labels and the series of a data set; no pixel is decoded.

    Parameters
    ----------
    root
        A folder in one of the layouts above, or a CSV file.
    series_pattern
        Regular expression for the file stem with a group ``series`` and perhaps ``index``, tried instead of
        :data:`FILE_NAME_PATTERNS`.
    series_needed
        False calls the series :data:`UNKNOWN_SERIES` where it cannot be told, instead of raising.

    Raises
    ------
    DatasetError
        If it is missing or empty, has one class only, or the series of a slice cannot be told.
    UsageError
        If ``series_pattern`` is no regular expression with a group ``series``.
    """
    root = Path(root)
    patterns = _compile_patterns(series_pattern)
    try:
        if not root.exists():
            raise DatasetError(root, "does not exist")
        if root.is_file():
            base, found = root.parent, _from_csv(root)
        else:
            base, found = root, _from_folders(root)
    except OSError as error:
        raise DatasetError.unreadable(root, error) from error
    if not found:
        raise DatasetError(root, "holds no slices; expected folders 'fracture' and 'normal' with images")
    slices = tuple(_with_series(base, found, patterns, series_needed))
    for index, name in enumerate(LABELS):
        if not any(item.label == index for item in slices):
            raise DatasetError(root, f"has no '{name}' slices; both classes are needed")
    return LabelledDataset(base, slices, root)


def _compile_patterns(series_pattern: str | None) -> list[re.Pattern[str]]:
    try:
        compiled = [re.compile(p) for p in ([series_pattern] if series_pattern else FILE_NAME_PATTERNS)]
    except re.error as error:
        raise UsageError(f"--series-pattern is not a regular expression: {error}") from error
    if any("series" not in pattern.groupindex for pattern in compiled):
        raise UsageError("--series-pattern needs a group named series, such as '(?P<series>[^_]+)_.*'")
    return compiled


def _from_folders(root: Path) -> list[LabelledSlice]:
    found: list[LabelledSlice] = []
    for prefix in ("", *_SPLIT_FOLDERS):
        for label, name in enumerate(LABELS):
            folder = root / prefix / name
            if not folder.is_dir():
                continue
            try:
                found += (
                    LabelledSlice(path.relative_to(root).as_posix(), label, "", folder=prefix or None)
                    for path in each_file([folder])
                )
            except SliceError as error:
                raise DatasetError(folder, "holds no slices") from error
    return found


def _from_csv(path: Path) -> list[LabelledSlice]:
    found: dict[str, LabelledSlice] = {}
    for number, row in enumerate(_read_csv(path, {"path", "label"}), start=2):
        label = row["label"].strip().lower()
        if label not in (*LABELS, "0", "1"):
            raise DatasetError(
                path, f"line {number}: label '{label}' is neither of {', '.join(LABELS)}, 0, 1"
            )
        index = LABELS.index(label) if label in LABELS else int(label)
        if not (path.parent / row["path"]).is_file():
            raise DatasetError(
                path, f"line {number}: no file at '{row['path']}' (paths are relative to the CSV)"
            )
        if row["path"] in found:
            raise DatasetError(path, f"line {number}: '{row['path']}' is listed twice")
        found[row["path"]] = LabelledSlice(row["path"], index, row.get("series") or "", _slice_index(row))
    return list(found.values())


def _read_csv(path: Path, needed: set[str]) -> Iterator[dict[str, str]]:
    try:
        with TextIOWrapper(open_regular(path, _LARGEST_TABLE), encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = needed - set(reader.fieldnames or ())
            if missing:
                raise DatasetError(path, f"has no column '{min(missing)}'")
            for row in reader:
                yield {key: value or "" for key, value in row.items() if key is not None}
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(path, f"is not a CSV text file ({error})") from error


def _slice_index(row: dict[str, str]) -> int | None:
    value = row.get("slice_index", "").strip()
    return _number(value)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None


def _with_series(
    base: Path, found: Sequence[LabelledSlice], patterns: Sequence[re.Pattern[str]], series_needed: bool
) -> list[LabelledSlice]:
    manifest_path = base / "manifest.csv"
    manifest = {}
    if manifest_path.is_file():
        rows = _read_csv(manifest_path, {"path", "series"})
        manifest = {row["path"]: (row["series"], _slice_index(row)) for row in rows if row["series"]}
    slices = []
    names: dict[str, str] = {}  # one string for a series, not one for each of its slices
    for item in found:
        known = manifest.get(item.path)
        if known is not None and not item.series:
            item = replace(item, series=known[0], slice_index=known[1])
        elif not item.series:
            item = _identify(base, item, patterns, series_needed)
        slices.append(replace(item, series=names.setdefault(item.series, item.series)))
    return slices


def _identify(
    base: Path, item: LabelledSlice, patterns: Sequence[re.Pattern[str]], series_needed: bool
) -> LabelledSlice:
    path = base / item.path

    def slow() -> UsageError:
        tried = f"'{patterns[0].pattern}' takes more than {_LONGEST_SEARCH_S:g} s on '{path.stem}'"
        return UsageError(f"the series pattern {tried}; give a simpler --series-pattern")

    if path.suffix.lower() not in PICTURE_SUFFIXES:  # a UID for a name has any suffix
        series, index = _dicom_series(path)
        if series is not None:
            return replace(item, series=series, slice_index=index)
    for pattern in patterns:
        with deadline(_LONGEST_SEARCH_S, slow):
            match = pattern.search(path.stem)
        if match and match["series"]:
            number = match.groupdict().get("index") or ""
            return replace(item, series=match["series"], slice_index=_number(number))
    if not series_needed:
        return replace(item, series=UNKNOWN_SERIES)
    raise DatasetError(
        path,
        "its CT series cannot be told from the file name; give --series-pattern '(?P<series>...)', or a "
        "manifest.csv with columns path,series",
    )


def _dicom_series(path: Path) -> tuple[str | None, int | None]:
    try:
        with open_regular(path) as file:
            head = file.read(132)
            file.seek(0)
            if not is_dicom(head):
                return None, None
            from .dicom import read_series

            return read_series(path, file)
    except (OSError, SliceError):  # reading the slice will name it
        return None, None


def read_labelled_slice(path: Path) -> CtSlice:
    """Read the one slice of a labelled file.

    Raises
    ------
    SliceError
        If it cannot be read, or has several frames, to which one label cannot belong.
    """
    for first in read_slices(path):
        if first.frames != 1:
            raise SliceError(path, f"has {first.frames} frames; a labelled file holds one slice, split it")
        return first
    raise SliceError(path, "has no frames; export it again")


def load_images(
    dataset: LabelledDataset, spec: Preprocessing, on_slice: Callable[[], object] = lambda: None
) -> npt.NDArray[np.uint8]:
    """Read and preprocess all slices of a data set.

    Parameters
    ----------
    dataset
        The labelled slices; each file holds one.
    spec
        The preprocessing.
    on_slice
        Called after each slice.

    Returns
    -------
    numpy.ndarray
        Grey levels, shape (n, height, width), uint8, in the data set's order. A map of a file without a name, in the
        folder for temporary files (``TMPDIR``): memory holds as much of it as there is room for.

    Raises
    ------
    SliceError
        If a slice cannot be read; training on what is left would not be the stated data set.
    """
    images = unnamed_array((len(dataset), spec.height, spec.width), np.uint8)

    def load(position: int) -> None:
        frame = read_labelled_slice(dataset.path_of(dataset.slices[position]))
        images[position] = prepare(frame, spec).image

    # Decoding and resizing release the interpreter lock.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for _ in pool.map(load, range(len(dataset))):
            on_slice()
    return images

"""The time of whole slices, stage by stage: from a file to a decision; part of the bench's report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .classifier import Classifier
from .errors import SliceError
from .files import open_regular
from .percentiles import percentile
from .preprocess import prepare
from .slices import is_dicom, read_slices
from .sweep import without_garbage_collection
from .window import Window

STAGES = ("read", "preprocess", "invoke", "decide")
"""The stages of one slice, in their order."""
_LEAST_RUNS = 10


@dataclass(frozen=True)
class StageTime:
    """Time of one stage of a slice.

    Attributes
    ----------
    mean_ms
        Mean, in milliseconds; the means of the stages add up to the mean total.
    p50_ms
        Median, in milliseconds.
    p90_ms
        Percentile 90 in milliseconds.
    """

    mean_ms: float
    p50_ms: float
    p90_ms: float


@dataclass(frozen=True)
class StageTimes:
    """Time of whole slices of one file format, one after the other; the files lie in the system's page cache.

    Attributes
    ----------
    image_format
        "DICOM", "PNG" or "JPEG".
    files
        Number of different files among them, read in turn; of each its first frame.
    height
        Of the first file, in pixels.
    width
        Of the first file, in pixels.
    threads
        Threads of the interpreter.
    runs
        Number of slices.
    read
        From file to stored pixels.
    preprocess
        Window, resize and writing into the input tensor.
    invoke
        Inference.
    decide
        From the output tensor to margin, score and decision.
    total
        Of the four.
    """

    image_format: str
    files: int
    height: int
    width: int
    threads: int
    runs: int
    read: StageTime
    preprocess: StageTime
    invoke: StageTime
    decide: StageTime
    total: StageTime


def by_format(images: Sequence[Path]) -> dict[str, list[Path]]:
    """Group slice files by "PNG", "DICOM" or "JPEG".

    Raises
    ------
    SliceError
        If a file cannot be read.
    """
    groups: dict[str, list[Path]] = {}
    for path in images:
        groups.setdefault(_format_of(path), []).append(path)
    return groups


def _format_of(path: Path) -> str:
    try:
        with open_regular(path) as file:
            head = file.read(132)
    except OSError as error:
        raise SliceError.unreadable(path, error) from error
    return "PNG" if head.startswith(b"\x89PNG") else "DICOM" if is_dicom(head) else "JPEG"


def time_slices(
    classifier: Classifier,
    image_format: str,
    paths: Sequence[Path],
    duration_s: float,
    warmup: int,
    window: Window | None,
) -> StageTimes:
    """Time whole slices, one after the other.

    Parameters
    ----------
    classifier
        The model.
    image_format, paths
        The files, all of this format.
    duration_s, warmup
        Least time in seconds, of ten slices at least; untimed slices before it, one at least.
    window
        Window in HU for slices whose window neither the contract nor the file gives.
    """
    (height, width), _ = _timed_slice(classifier, paths[0], window)
    for i in range(1, warmup):
        _timed_slice(classifier, paths[i % len(paths)], window)
    rows: list[tuple[int, ...]] = []
    end = time.perf_counter() + duration_s
    while len(rows) < _LEAST_RUNS or time.perf_counter() < end:
        with without_garbage_collection():
            rows.append(_timed_slice(classifier, paths[len(rows) % len(paths)], window)[1])
    marks = np.array(rows, np.int64)
    times = np.column_stack([np.diff(marks, axis=1), marks[:, -1] - marks[:, 0]])
    read, preprocess, invoke, decide, total = (
        StageTime(float(stage.mean()) / 1e6, percentile(stage, 50) / 1e6, percentile(stage, 90) / 1e6)
        for stage in times.T
    )
    return StageTimes(
        image_format=image_format,
        files=min(len(paths), len(rows)),
        height=height,
        width=width,
        threads=classifier.session.threads,
        runs=len(rows),
        read=read,
        preprocess=preprocess,
        invoke=invoke,
        decide=decide,
        total=total,
    )


def _timed_slice(
    classifier: Classifier, path: Path, window: Window | None
) -> tuple[tuple[int, int], tuple[int, ...]]:
    """Classify the first frame of a file; give its size and the five marks of the clock, in nanoseconds."""
    clock = time.perf_counter_ns
    begin = clock()
    ct_slice = next(read_slices(path))
    has_read = clock()
    classifier.load(prepare(ct_slice, classifier.spec, window).image)
    has_prepared = clock()
    classifier.session.invoke()
    has_invoked = clock()
    margin = classifier.read_margin()
    _ = classifier.score(margin), margin >= classifier.contract.threshold.logit
    decided = clock()
    height, width = ct_slice.pixels.shape
    return (height, width), (begin, has_read, has_prepared, has_invoked, decided)

"""Many files at a time: the same verdicts and errors, in the order of the files, however many workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cspine_edge.batch import classify_file, classify_files
from cspine_edge.classifier import Classifier, Verdict
from cspine_edge.errors import CspineError, SliceError
from cspine_edge.phantom import ImageFormat, write_phantom
from cspine_edge.slice_files import find_slices


@pytest.fixture(scope="module")
def fast() -> Classifier:
    return Classifier("fast", threads=1)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """DICOM and PNG of very different sizes, so that later ones are finished first, with broken ones between them."""
    folder = tmp_path_factory.mktemp("files")
    write_phantom(folder / "dicom", series=1, slices=9, seed=0, image_format=ImageFormat.DICOM, size=128)
    generator = np.random.default_rng(0)
    for number in range(24):
        side = 1024 if number % 7 == 0 else 32
        noise = generator.integers(0, 256, (side, side)).astype(np.uint8)
        Image.fromarray(noise).save(folder / f"{number:02}.png")
        if number % 5 == 0:
            (folder / f"{number:02}b.png").write_bytes((folder / f"{number:02}.png").read_bytes()[:99])
    return find_slices([folder])


@pytest.mark.parametrize("workers", [1, 2, 3, 64])
def test_verdicts_and_errors_are_those_of_one_after_the_other(
    fast: Classifier, files: list[Path], workers: int
) -> None:
    expected = [result for path in files for result in classify_file(fast, path)]
    errors: list[CspineError] = []
    found = list(classify_files(fast, files, errors.append, workers=workers))
    assert found == [result for result in expected if isinstance(result, Verdict)]
    assert [str(error) for error in errors] == [
        str(result) for result in expected if isinstance(result, CspineError)
    ]
    assert len(found) == 24 + 9
    assert len(errors) == 5


def test_errors_come_in_the_order_of_the_files_between_the_verdicts(
    fast: Classifier, files: list[Path]
) -> None:
    seen: list[str] = []

    def report(error: CspineError) -> None:
        assert isinstance(error, SliceError)
        seen.append(str(error.path))

    for verdict in classify_files(fast, files, report, workers=2):
        seen.append(verdict.path)
    assert seen == [str(path) for path in files]


def test_a_caller_that_stops_early_leaves_no_thread_behind(fast: Classifier, files: list[Path]) -> None:
    before = threading.active_count()
    results = classify_files(fast, files * 20, print, workers=2)
    next(results)
    assert threading.active_count() == before + 2
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_workers_do_not_run_away_from_the_reader(fast: Classifier, files: list[Path]) -> None:
    """Verdicts that wait for their turn are what memory would be spent on."""

    taken = 0

    def paths() -> Iterator[Path]:
        nonlocal taken
        for path in files * 20:
            taken += 1
            yield path

    results = classify_files(fast, paths(), lambda error: None, workers=2)
    next(results)
    assert taken == 4 * (4 * 2 + 1)
    for _ in range(200):
        next(results)
    assert taken < 300
    assert len(files * 20) > 700


def test_a_bug_in_a_worker_is_not_swallowed(fast: Classifier, files: list[Path]) -> None:
    with pytest.raises(TypeError):
        list(classify_files(fast, [*files, None], print, workers=2))  # type: ignore[list-item]


def test_a_twin_answers_alike(fast: Classifier) -> None:
    image = np.random.default_rng(1).integers(0, 256, (272, 272)).astype(np.uint8)
    twin = fast.twin()
    assert twin.session is not fast.session
    assert twin.margin(image) == fast.margin(image)
    assert twin.session.threads == fast.session.threads

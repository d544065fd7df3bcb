"""Many files through one model: as many sessions of one thread as there are processors, results in input order.

A session of several threads waits for its slowest at every layer, and leaves the processors idle while a file is read;
sessions of one thread each do neither. Pillow, zlib and the interpreter release Python's lock while they work.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from .classifier import Classifier, Verdict
from .errors import CspineError, OnError
from .slices import read_slices
from .window import Window

if TYPE_CHECKING:
    from concurrent.futures import Future

_FILES = 4
"""Files that a worker takes at once: handing one over costs tens of microseconds, so does a small model."""
_AHEAD = 4
"""Such takes, for each worker, that may be finished before their turn: what bounds the memory."""


def classify_files(
    classifier: Classifier,
    paths: Iterable[Path],
    on_error: OnError,
    window: Window | None = None,
    *,
    workers: int = 1,
) -> Iterator[Verdict]:
    """Read and classify files, several at a time; the memory used does not grow with their number.

    Parameters
    ----------
    classifier
        The model; with several workers each of the others has a twin of it.
    paths
        Files, such as :func:`cspine_edge.slice_files.each_file` yields; taken as the work goes on.
    on_error
        Called with the error of each file, or frame, that is skipped, in the order of the files.
    window
        Window in HU for slices whose window neither the contract nor the file gives.
    workers
        Files to work on at a time.

    Yields
    ------
    Verdict
        One for each frame that could be classified, in the order of the files.
    """
    for _, results in classify_each(classifier, paths, window, workers=workers):
        for result in results:
            if isinstance(result, CspineError):
                on_error(result)
            else:
                yield result


def classify_file(
    classifier: Classifier, path: Path, window: Window | None = None
) -> Iterator[Verdict | CspineError]:
    """Read and classify the frames of one file; what cannot be used gives its error.

    Parameters
    ----------
    classifier, path, window
        As for :func:`classify_files`.
    """
    try:
        for ct_slice in read_slices(path):
            try:
                yield classifier.classify(ct_slice, window)
            except CspineError as error:
                yield error
    except CspineError as error:
        yield error


def classify_each(
    classifier: Classifier, paths: Iterable[Path], window: Window | None = None, *, workers: int = 1
) -> Iterator[tuple[Path, Iterable[Verdict | CspineError]]]:
    """Read and classify files as :func:`classify_files` does, and give with each what came of it.

    Parameters
    ----------
    classifier, paths, window, workers
        As for :func:`classify_files`.

    Yields
    ------
    tuple
        A file and the results of its frames, which are to be taken before the next file is asked for.
    """
    if workers < 2:
        for path in paths:
            yield path, classify_file(classifier, path, window)
        return
    from concurrent.futures import ThreadPoolExecutor  # one file, the commonest case, need not wait for these
    from queue import SimpleQueue

    idle: SimpleQueue[Classifier] = SimpleQueue()
    idle.put(classifier)
    for _ in range(workers - 1):
        idle.put(classifier.twin())

    def work(files: Sequence[Path]) -> list[tuple[Path, list[Verdict | CspineError]]]:
        mine = idle.get()
        try:
            return [(path, list(classify_file(mine, path, window))) for path in files]
        finally:
            idle.put(mine)

    files_left = iter(paths)
    takes = iter(lambda: list(islice(files_left, _FILES)), [])
    pool = ThreadPoolExecutor(workers)
    try:
        pending: deque[Future[list[tuple[Path, list[Verdict | CspineError]]]]] = deque(
            pool.submit(work, files) for files in islice(takes, _AHEAD * workers)
        )
        while pending:
            done = pending.popleft().result()
            for files in islice(takes, 1):
                pending.append(pool.submit(work, files))
            yield from done
    finally:
        pool.shutdown(cancel_futures=True)

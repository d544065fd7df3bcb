"""``predict --out``: many files through a model, each once, however often the run is begun.

The journal (:mod:`cspine_edge.journal`) says which files are done, so a run that was ended goes on where it was. Who
classifies is an engine: this process (:class:`LocalEngine`), or the workers of a dask cluster
(:class:`cspine_edge.dask_engine.DaskEngine`). Only the process that holds the journal writes, so a file that two
workers have read, since one of them was taken for lost, has one line all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, tee
from pathlib import Path
from typing import Protocol

from .batch import classify_each
from .classifier import Classifier
from .errors import ExitCode, OnError, SliceError
from .journal import FileState, Outcome, open_journal
from .progress import progress
from .window import Window

_LINES = 64
"""Lines that are brought to the disk at once: each time takes about as long as a slice."""

Finished = Sequence[tuple[FileState, Outcome]]
"""Files that are done, and what came of them."""


class Engine(Protocol):
    """Who classifies."""

    def __call__(self, pending: Iterable[FileState]) -> Iterator[Finished]:
        """Classify files, in any order, and give some as soon as they are done."""


@dataclass(frozen=True)
class LocalEngine:
    """The process itself, several files at a time and in order.

    Attributes
    ----------
    classifier, window, workers
        As for :func:`cspine_edge.batch.classify_files`.
    """

    classifier: Classifier
    window: Window | None
    workers: int

    def __call__(self, pending: Iterable[FileState]) -> Iterator[Finished]:
        """Classify files in their order."""
        states, same = tee(pending)  # as far apart as there are files being worked on
        paths = (Path(state.file) for state in states)
        each = classify_each(self.classifier, paths, self.window, workers=self.workers)
        done = ((state, Outcome.of(results)) for state, (_, results) in zip(same, each, strict=True))
        while some := list(islice(done, _LINES)):
            yield some


@dataclass(frozen=True)
class Tally:
    """What a run came to.

    Attributes
    ----------
    before
        Files that had their line already.
    files
        Files that got one.
    slices
        Slices in these that were classified.
    codes
        Exit codes of all that could not be used.
    """

    before: int
    files: int
    slices: int
    codes: tuple[int, ...]

    @property
    def exit_code(self) -> ExitCode:
        """The lowest of the codes; 0 if all could be used."""
        return ExitCode(min(self.codes, default=0))

    def __str__(self) -> str:
        before = f", {self.before} were done before" if self.before else ""
        failed = f", {len(self.codes)} inputs could not be used" if self.codes else ""
        return f"{self.slices} slices of {self.files} files classified{before}{failed}"


def score(paths: Sequence[str], out: Path, engine: Engine, on_error: OnError) -> Tally:
    """Classify files that have no line in a journal yet.

    Parameters
    ----------
    paths
        Files, such as :func:`cspine_edge.slice_files.each_file` yields, as text, which takes a fifth of the memory.
    out
        The journal; gone on with if it exists.
    engine
        Who classifies.
    on_error
        Called with the error of each file that gets no line: it is gone, or has changed while it was read.

    Raises
    ------
    OutputError
        If the journal is another program's, is being written by another process, or cannot be written.
    """
    codes: list[int] = []
    before, files, slices = 0, 0, 0

    def leave(path: Path, reason: str) -> None:
        codes.append(int(ExitCode.BAD_INPUT))
        on_error(SliceError(path, reason))

    with open_journal(out) as journal, progress("classifying", len(paths)) as step:

        def pending() -> Iterator[FileState]:
            nonlocal before
            for name in paths:
                path = Path(name).absolute()  # its name in the journal, wherever the next run is begun
                state = FileState.of(path)
                if state is not None and state not in journal:
                    yield state
                    continue
                step()
                if state is None:
                    leave(path, "is gone or no regular file; check the path")
                else:
                    before += 1

        for finished in engine(pending()):
            steady = []
            for state, outcome in finished:
                if FileState.of(Path(state.file)) == state:
                    steady.append((state, outcome))
                else:
                    leave(Path(state.file), "changed while it was read; run the same command again")
            journal.write(*steady)
            files += len(steady)
            slices += sum(len(outcome.verdicts) for _, outcome in steady)
            codes.extend(code for _, outcome in steady for code in outcome.codes)
            step(len(finished))
    return Tally(before, files, slices, tuple(codes))

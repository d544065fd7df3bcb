"""The workers of a dask cluster as an engine of ``predict --out`` (``dask`` extra).

Dask, because its workers are Python alone, of the same few wheels on a board as on a server, need no root and no Java,
and take over what a worker that is lost had begun. Pictures are not sent: every worker reads them where this process
does, from a disk that all of them share. What comes back are verdicts, and only this process writes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from .batch import classify_file
from .classifier import Classifier, Facts
from .errors import ExitCode, InputError, MissingExtraError, UsageError
from .files import file_sha256
from .journal import FileState, Outcome
from .scoring import Finished
from .shipped import find_model
from .window import Window

_TAKE = 32
"""Files that a worker takes at once: handing one over costs milliseconds."""
_AHEAD = 2
"""Such takes for each thread of the cluster that are handed out before they are needed."""
_PATIENCE_S = 10
"""How long a scheduler may take to answer."""
_own = threading.local()
"""The classifiers of a worker's thread, by what they are made of."""


@dataclass(frozen=True)
class Work:
    """What a worker needs to know besides the files.

    Attributes
    ----------
    model
        As for :class:`cspine_edge.classifier.Classifier`; a path has to be the same file on every machine.
    model_sha256
        Of the model's file here.
    threshold, facts, window
        As for the classifier and :func:`cspine_edge.batch.classify_file`.
    """

    model: Path | str | None
    model_sha256: str
    threshold: float | None = None
    facts: Facts | None = None
    window: Window | None = None


@dataclass(frozen=True)
class DaskEngine:
    """The workers of a cluster.

    Attributes
    ----------
    work
        What they do.
    scheduler
        Its address, such as ``tcp://archive:8786``; None takes what dask is configured with, and without that starts
        a cluster of this machine's processors.
    """

    work: Work
    scheduler: str | None = None

    def __call__(self, pending: Iterable[FileState]) -> Iterator[Finished]:
        """Classify files, the first to be done first.

        A file at which workers end again and again gets a sentence that says so.

        Raises
        ------
        MissingExtraError
            If dask is not installed.
        UsageError
            If no scheduler answers.
        InputError
            If a worker sees another file, or another model, at a path than this process does.
        """
        try:
            from distributed import Client, KilledWorker, as_completed
        except ImportError as error:
            raise MissingExtraError("--engine dask", "dask") from error
        try:
            client = Client(self.scheduler, timeout=_PATIENCE_S, set_as_default=False)
        except (OSError, ValueError) as error:
            where = self.scheduler or "the configured address"
            raise UsageError(
                f"no dask scheduler answers at {where}; start one with 'dask scheduler'"
            ) from error
        left = iter(pending)
        takes = iter(lambda: list(islice(left, _TAKE)), [])
        asked: dict[str, Sequence[FileState]] = {}
        with client:
            running = as_completed(loop=client.loop)

            def ask(states: Sequence[FileState]) -> None:
                future = client.submit(classify, self.work, states, pure=False)
                asked[future.key] = states
                running.add(future)

            def ask_more() -> None:
                threads = sum(client.nthreads().values())
                for states in islice(takes, max(1, _AHEAD * threads - len(asked))):
                    ask(states)

            ask_more()
            for future in running:
                states = asked.pop(future.key)
                try:
                    yield self._checked(states, future.result())
                except KilledWorker:
                    if len(states) == 1:
                        sentence = f"{states[0].file}: ended one worker after the other; look at it"
                        yield [(states[0], Outcome((), (sentence,), (int(ExitCode.BAD_INPUT),)))]
                    for state in states if len(states) > 1 else ():
                        ask([state])
                ask_more()

    def _checked(
        self, states: Sequence[FileState], answer: tuple[str, str, list[tuple[int | None, Outcome]]]
    ) -> Finished:
        worker, model_sha256, outcomes = answer
        if model_sha256 != self.work.model_sha256:
            raise InputError(
                find_model(self.work.model),
                f"is another file on {worker}; install the same version there, or put the model where all see it",
            )
        for state, (size, _) in zip(states, outcomes, strict=True):
            if size != state.size_bytes and FileState.of(Path(state.file)) == state:
                raise InputError(
                    Path(state.file),
                    f"is not the same on {worker}; mount the archive at the same place on every machine",
                )
        return [(state, outcome) for state, (_, outcome) in zip(states, outcomes, strict=True)]


def fingerprint(model: Path | str | None) -> str:
    """SHA-256 of a model's file, in hexadecimal."""
    return file_sha256(find_model(model))


def classify(work: Work, states: Sequence[FileState]) -> tuple[str, str, list[tuple[int | None, Outcome]]]:
    """Classify files on a worker.

    Returns
    -------
    tuple
        The worker's address, SHA-256 of its model, and for each file its size in bytes there and what came of it.
    """
    from distributed import get_worker

    address = str(get_worker().address)
    sha256 = fingerprint(work.model)
    if sha256 != work.model_sha256:
        return address, sha256, []
    classifier = _classifier(work)
    results: list[tuple[int | None, Outcome]] = []
    for state in states:
        path = Path(state.file)
        seen = FileState.of(path)
        outcome = Outcome.of(classify_file(classifier, path, work.window))
        results.append((seen.size_bytes if seen else None, outcome))
    return address, sha256, results


def _classifier(work: Work) -> Classifier:
    known: dict[Any, Classifier] = _own.__dict__.setdefault("classifiers", {})
    if work not in known:
        known.clear()
        known[work] = Classifier(work.model, threads=1, threshold=work.threshold, facts=work.facts)
    return known[work]

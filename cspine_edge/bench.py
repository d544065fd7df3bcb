"""How fast a model runs on this machine: inference, whole slices, cold start and memory.

Inference is timed in short blocks that alternate, in shuffled order, between one session per thread count, so
that what drifts meanwhile (clock, temperature, other work) falls on all of them alike. What is found is told
in :mod:`cspine_edge.bench_report`.
"""

from __future__ import annotations

import gc
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from . import __version__
from .bench_report import BenchReport, Conditions, Latency, Memory, ModelFacts, StageTime, StageTimes
from .classifier import Classifier
from .cold_start import ColdStartError, measure_cold_start
from .contract import KernelFamily
from .errors import SliceError, UsageError
from .machine import Machine, describe_machine, peak_memory_mib, read_sensors
from .preprocess import prepare
from .progress import Step, progress
from .runtime import Runtime, tflite_session
from .slices import is_dicom, read_slices
from .window import Window

_BLOCK_S = 0.1
"""Length of a block of timed inferences."""
_SETTLE_S = 0.01
"""Untimed inferences before it: weights come back into the cache, the other session's threads fall asleep."""
_LEAST_STAGE_RUNS = 10
_SWEEP_UNITS = 20
"""Length of the sweep on the progress bar."""
K = TypeVar("K")


def bench(
    model: Path | None = None,
    *,
    threads: Sequence[int],
    duration_s: float = 5.0,
    min_runs: int = 100,
    warmup: int = 20,
    images: Sequence[Path] | None = None,
    family: KernelFamily | None = None,
    runtime: Runtime | None = None,
    seed: int = 0,
    window: Window | None = None,
    cold_starts: int = 3,
    on_start: Callable[[str], object] | None = None,
) -> BenchReport:
    """Measure a model on this machine.

    Parameters
    ----------
    model
        A ``.tflite`` file with a contract, or the name of a shipped one; by default the first of these.
    threads
        Thread counts to compare; stages, cold start and memory are measured with the first.
    duration_s, min_runs
        Least time in seconds, and least number, of timed inferences for each thread count. Slices are timed
        for half as long per file format, and at least ten of them.
    warmup
        Untimed inferences of each session, and slices of each format, first; one at least.
    images
        Slice files to time whole slices on; by default a synthetic 512 x 512 one as DICOM and as PNG.
    family, runtime
        Kernels and interpreter; by default the fastest kernels of the first runtime installed.
    seed
        Of the order of the blocks and of the synthetic slices.
    window
        Window in HU for slices whose window neither the contract nor the file gives.
    cold_starts
        New processes to start.
    on_start
        Called with a line on runtime, kernels, threads and machine before anything is timed.

    Raises
    ------
    UsageError
        If a number is out of its range.
    ModelError
        If the model cannot be loaded, or (ContractError) has no contract.
    SliceError
        If an image cannot be read, or has no window.
    """
    threads = tuple(threads)
    if not threads or min(threads) < 1 or len(set(threads)) < len(threads):
        raise UsageError(f"thread counts are one or more different numbers from 1 up, not {threads}")
    if not 0 <= duration_s < float("inf") or min(min_runs, cold_starts) < 1 or min(warmup, seed) < 0:
        raise UsageError(
            "a bench needs a duration, warm-up and seed >= 0, and at least 1 run and 1 cold start"
        )
    if images is not None and not images:
        raise UsageError("there are no images to time; name some, or leave them out for synthetic ones")
    machine = describe_machine()
    classifiers = {
        count: Classifier(model, threads=count, family=family, runtime=runtime) for count in sorted(threads)
    }
    first = classifiers[threads[0]]
    session = tflite_session(first.session, "the bench is")
    conditions = Conditions(
        runtime=session.runtime,
        runtime_version=session.version,
        family=session.family,
        threads=threads,
        duration_s=duration_s,
        min_runs=min_runs,
        warmup=warmup,
        seed=seed,
        synthetic=images is None,
    )
    if on_start is not None:
        on_start(_banner(conditions, machine))
    before = read_sensors()
    warnings = list(before.disturbances(machine.processors))
    with ExitStack() as stack:
        if images is None:
            images = _synthetic_slices(Path(stack.enter_context(tempfile.TemporaryDirectory())), seed)
        groups = _by_format(images)
        step = stack.enter_context(progress("bench", _SWEEP_UNITS + len(groups) + cold_starts))
        example = prepare(next(read_slices(images[0])), first.spec, window).image
        for classifier in classifiers.values():
            classifier.load(example)
        latencies = sweep(classifiers, duration_s, min_runs, warmup, np.random.default_rng(seed), step)
        stages = []
        for name, paths in groups.items():
            step(0, f"bench: {name} slices")
            stages.append(_stages(first, name, paths, duration_s / 2, warmup, window))
            step(1)
        after = read_sensors()
        step(0, "bench: cold start")
        try:
            cold_start, predict_mib = measure_cold_start(
                first,
                images[0],
                next(iter(groups)),
                family=family,
                window=window,
                repetitions=cold_starts,
                step=step,
            )
        except ColdStartError as error:
            cold_start, predict_mib = None, None
            warnings.append(f"cold start and memory of predict were not measured: {error}")
    return BenchReport(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        toolkit=__version__,
        model=_model_facts(first),
        machine=machine,
        conditions=conditions,
        latencies=tuple(latencies.values()),
        stages=tuple(stages),
        cold_start=cold_start,
        memory=Memory(predict_mib, peak_memory_mib()),
        before=before,
        after=after,
        warnings=tuple(warnings),
    )


def _banner(conditions: Conditions, machine: Machine) -> str:
    counts = "/".join(map(str, sorted(conditions.threads)))
    unit = "thread" if conditions.threads == (1,) else "threads"
    runtime = f"{conditions.runtime.value} {conditions.runtime_version}"
    return f"{runtime}, {conditions.family.value} kernels, {counts} {unit} | {machine.banner}"


def _model_facts(classifier: Classifier) -> ModelFacts:
    content = classifier.file.path.read_bytes()
    provenance, spec = classifier.contract.provenance, classifier.spec
    return ModelFacts(
        file=classifier.file.path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        height=spec.height,
        width=spec.width,
        channels=spec.channels,
        backbone=provenance.backbone if provenance else None,
        precision=provenance.precision if provenance else None,
    )


def _synthetic_slices(folder: Path, seed: int) -> tuple[Path, ...]:
    from .phantom import ImageFormat, write_phantom

    paths = []
    for kind in ImageFormat:
        phantom = write_phantom(folder / kind.value, series=1, slices=1, seed=seed, image_format=kind)
        paths.append(phantom.folder / phantom.slices[0].path)
    return tuple(paths)


def _by_format(images: Sequence[Path]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {}
    for path in images:
        groups.setdefault(_format_of(path), []).append(path)
    return groups


def _format_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(132)
    except OSError as error:
        raise SliceError(path, f"cannot be read ({error.strerror}); check the path and the rights") from error
    return "PNG" if head.startswith(b"\x89PNG") else "DICOM" if is_dicom(head) else "JPEG"


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def sweep(
    classifiers: Mapping[K, Classifier],
    duration_s: float,
    min_runs: int,
    warmup: int,
    generator: np.random.Generator,
    step: Step,
) -> dict[K, Latency]:
    """Time the inferences of several sessions side by side, in blocks that alternate in shuffled order.

    Parameters
    ----------
    classifiers
        The sessions, of one model or of several, each with an input loaded.
    duration_s, min_runs
        Least time in seconds, and least number, of timed inferences of each.
    warmup
        Untimed inferences of each first; one at least.
    generator
        Of the order of the blocks.
    step
        Told of the progress, in 20 units.
    """
    step(0, "bench: inference")
    names = list(classifiers)
    block_runs = {name: _warm_up(classifiers[name], warmup) for name in names}
    times: dict[K, list[npt.NDArray[np.int64]]] = {name: [] for name in names}
    seconds, runs = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0)
    shown, share = 0, 0.0
    while share < 1.0:
        for place in generator.permutation(len(names)).tolist():
            name = names[place]
            block = _timed_block(classifiers[name], block_runs[name])
            times[name].append(block)
            seconds[name] += float(block.sum()) / 1e9
            runs[name] += len(block)
        share = min(min(seconds[n] / (duration_s or 1e-9), runs[n] / min_runs) for n in names)
        step(int(min(1.0, share) * _SWEEP_UNITS) - shown)
        shown = int(min(1.0, share) * _SWEEP_UNITS)
    return {n: latency_of(classifiers[n].session.threads, np.concatenate(times[n])) for n in names}


def _warm_up(classifier: Classifier, warmup: int) -> int:
    """Run untimed inferences; give the number that makes a block."""
    for _ in range(max(1, warmup)):
        begin = time.perf_counter()
        classifier.session.invoke()
        last = time.perf_counter() - begin
    return max(1, min(1000, round(_BLOCK_S / last)))


def _timed_block(classifier: Classifier, runs: int) -> npt.NDArray[np.int64]:
    """Time inferences one by one, in nanoseconds."""
    times = np.zeros(runs, np.int64)
    clock, invoke = time.perf_counter_ns, classifier.session.invoke
    with _without_garbage_collection():
        settled = clock() + int(_SETTLE_S * 1e9)
        invoke()
        while clock() < settled:
            invoke()
        for i in range(runs):
            begin = clock()
            invoke()
            times[i] = clock() - begin
    return times


def percentile(times: npt.NDArray[np.int64], percent: float) -> int:
    """Smallest of ``times``, one-dimensional, int64, that at least ``percent`` of them do not exceed."""
    return int(np.percentile(times, percent, method="inverted_cdf"))


def latency_of(threads: int, times_ns: npt.NDArray[np.int64]) -> Latency:
    """Summarise the times of inferences with ``threads`` threads, one-dimensional, int64, in nanoseconds."""
    return Latency(
        threads=threads,
        runs=len(times_ns),
        mean_ms=float(times_ns.mean()) / 1e6,
        min_ms=int(times_ns.min()) / 1e6,
        p50_ms=percentile(times_ns, 50) / 1e6,
        p90_ms=percentile(times_ns, 90) / 1e6,
        p95_ms=percentile(times_ns, 95) / 1e6,
        p99_ms=percentile(times_ns, 99) / 1e6,
        max_ms=int(times_ns.max()) / 1e6,
    )


def _stages(
    classifier: Classifier,
    image_format: str,
    paths: Sequence[Path],
    duration_s: float,
    warmup: int,
    window: Window | None,
) -> StageTimes:
    (height, width), _ = _timed_slice(classifier, paths[0], window)
    for i in range(1, warmup):
        _timed_slice(classifier, paths[i % len(paths)], window)
    rows: list[tuple[int, ...]] = []
    end = time.perf_counter() + duration_s
    while len(rows) < _LEAST_STAGE_RUNS or time.perf_counter() < end:
        with _without_garbage_collection():
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

"""How fast a model runs on this machine: inference, whole slices, cold start, memory, and under sustained load.

Inference is timed by :mod:`cspine_edge.sweep`; what is found is told in :mod:`cspine_edge.bench_report`.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from . import __version__
from .bench_report import BenchReport, Conditions, ModelFacts
from .classifier import Classifier
from .cold_start import ColdStart, ColdStartError, measure_cold_start
from .contract import KernelFamily
from .cooling import Cooling, wait_until_cool
from .errors import UsageError
from .interruption import Interrupted
from .latency import TAIL_SHARE, Blocks, Latency
from .machine import Machine, describe_machine, peak_memory_mib
from .preprocess import prepare
from .progress import Step, progress
from .roofline import Work, physical_cores, roofline, work_of
from .runtime import Runtime, Session, open_to_list, tflite_session
from .sensors import other_work, read_processor_time, read_sensors, slowed_between
from .slice_times import by_format, time_slices
from .slices import read_slices
from .sustained import Sustained, sustain
from .sweep import SWEEP_UNITS, Rules, sweep
from .system_files import ROOT
from .window import Window

_SUSTAINED_UNITS = 20
"""Length of the sustained load on the progress bar."""
DEFAULT_RULES = Rules()


def bench(
    model: Path | None = None,
    *,
    threads: Sequence[int],
    rules: Rules = DEFAULT_RULES,
    images: Sequence[Path] | None = None,
    family: KernelFamily | None = None,
    runtime: Runtime | None = None,
    seed: int = 0,
    window: Window | None = None,
    cold_starts: int = 3,
    cool_first: bool = True,
    sustained_s: float | None = None,
    log: Callable[[str], object] = lambda _: None,
    root: Path = ROOT,
) -> BenchReport:
    """Measure a model on this machine.

    Parameters
    ----------
    model
        A ``.tflite`` file with a contract, or the name of a shipped one; by default the first of these.
    threads
        Thread counts to compare; stages, cold start, memory and sustained load are measured with the first.
    rules
        How long inference is timed. Slices are timed for half its least time per file format, ten at least.
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
    cool_first
        Wait for a cool board, if it has a thermometer; see :func:`cspine_edge.cooling.wait_until_cool`.
    sustained_s
        At the end run inference without a pause for so many seconds, and read the sensors meanwhile. Broken off by
        Ctrl-C, what was measured so far is in the report.
    log
        Called with a line on runtime, kernels, threads and machine before anything is timed, and with one when the
        sustained load begins.
    root
        Where the ``proc``, ``sys``, ``etc`` and ``usr`` of the board lie that is described and whose sensors are read.

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
    if cold_starts < 1 or seed < 0 or (sustained_s is not None and not 0 < sustained_s < float("inf")):
        raise UsageError("a bench needs at least 1 cold start, a seed >= 0 and a sustained load above 0 s")
    if images is not None and not images:
        raise UsageError("there are no images to time; name some, or leave them out for synthetic ones")
    machine = describe_machine(root)
    classifiers = {
        count: Classifier(model, threads=count, family=family, runtime=runtime) for count in sorted(threads)
    }
    first = classifiers[threads[0]]
    session = tflite_session(first.session, "the bench is")
    log(_banner(session, threads, machine))
    with ExitStack() as stack:
        synthetic = images is None
        if images is None:
            images = _synthetic_slices(Path(stack.enter_context(tempfile.TemporaryDirectory())), seed)
        groups = by_format(images)
        units = SWEEP_UNITS + len(groups) + cold_starts + (_SUSTAINED_UNITS if sustained_s else 0)
        step = stack.enter_context(progress("bench", units))
        cooling = _cool(root, step) if cool_first else None
        before = read_sensors(root)
        warnings = list(before.disturbances())
        example = prepare(next(read_slices(images[0])), first.spec, window).image
        for classifier in classifiers.values():
            classifier.load(example)
        begun = read_processor_time(root)
        timings = sweep(classifiers, rules, np.random.default_rng(seed), step)
        latencies = tuple(timing.latency for timing in timings.values())
        stages = []
        for name, paths in groups.items():
            step(0, f"bench: {name} slices")
            stages.append(time_slices(first, name, paths, rules.least_s / 2, rules.warmup, window))
            step(1)
        warnings += other_work(begun, read_processor_time(root))
        after = read_sensors(root)
        peak_mib = peak_memory_mib()
        step(0, "bench: cold start")
        cold_start: ColdStart | None = None
        try:
            cold_start = measure_cold_start(
                first,
                images[0],
                next(iter(groups)),
                family=family,
                window=window,
                repetitions=cold_starts,
                step=step,
            )
        except ColdStartError as error:
            warnings.append(f"cold start and memory of predict were not measured: {error}")
        work = _work(first)
        if rules.most_s is not None:
            warnings += _about_tails(latencies)
        sustained: Sustained | None = None
        if sustained_s is not None:
            first.load(example)
            log(f"sustained load for {sustained_s:g} s; Ctrl-C ends it and keeps what was measured")
            sustained = _sustained(first, sustained_s, root, step)
            after = read_sensors(root)
            warnings += _about_sustained(sustained)
    return BenchReport(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        toolkit=__version__,
        model=_model_facts(first),
        machine=machine,
        conditions=Conditions(
            runtime=session.runtime.value,
            runtime_version=session.version,
            family=session.family,
            threads=threads,
            least_s=rules.least_s,
            least_runs=rules.least_runs,
            most_s=rules.most_s,
            tail_share=TAIL_SHARE,
            most_reached=not all(latency.tight for latency in latencies),
            warmup=rules.warmup,
            seed=seed,
            synthetic=synthetic,
        ),
        latencies=latencies,
        blocks=tuple(Blocks.of(timing.threads, timing.blocks) for timing in timings.values()),
        roofline=roofline(work, machine, before, latencies, physical_cores(root)),
        stages=tuple(stages),
        cold_start=cold_start,
        bench_peak_mib=peak_mib,
        cooling=cooling,
        sustained=sustained,
        before=before,
        after=after,
        warnings=(*warnings, *slowed_between(before, after)),
    )


def _banner(session: Session, threads: Sequence[int], machine: Machine) -> str:
    counts = "/".join(map(str, sorted(threads)))
    unit = "thread" if tuple(threads) == (1,) else "threads"
    runtime = f"{session.runtime.value} {session.version}"
    return f"{runtime}, {session.family.value} kernels, {counts} {unit} | {machine.banner}"


def _cool(root: Path, step: Step) -> Cooling | None:
    return wait_until_cool(
        lambda: read_sensors(root).celsius,
        on_wait=lambda celsius: step(0, f"bench: waiting for the board to cool, {celsius:.0f} °C"),
    )


def _sustained(classifier: Classifier, seconds: float, root: Path, step: Step) -> Sustained | None:
    """Run inference without a pause; None if it was broken off before the first inference had ended."""
    step(0, "bench: sustained load")
    shown = 0

    def tell(second: float) -> None:
        nonlocal shown
        units = min(_SUSTAINED_UNITS, int(_SUSTAINED_UNITS * second / seconds))
        step(units - shown)
        shown = units

    try:
        return sustain(classifier, seconds, lambda: read_sensors(root), on_second=tell)
    except (KeyboardInterrupt, Interrupted):
        return None


def _about_sustained(load: Sustained | None) -> Iterator[str]:
    if load is None:
        yield "the sustained load was broken off before anything of it was measured"
        return
    if load.broken_off:
        yield f"the sustained load was broken off after {load.measured_s:.0f} of {load.asked_s:.0f} s"
    slowed = dict.fromkeys(flag for sample in load.samples for flag in sample.throttled or ())
    if slowed:
        first = next(sample.second for sample in load.samples if sample.throttled)
        yield f"under sustained load the processor was slowed down from second {first:.0f} on ({', '.join(slowed)})"


def _about_tails(latencies: Sequence[Latency]) -> Iterator[str]:
    for latency in latencies:
        if not latency.tight:
            known = (
                "not known"
                if latency.tail_width is None
                else f"known to {100 * latency.tail_width:.0f} % only"
            )
            unit = "thread" if latency.threads == 1 else "threads"
            yield (
                f"with {latency.threads} {unit} p90 is {known} after {latency.runs} runs; end other work, or give "
                "--at-most more seconds"
            )


def _work(classifier: Classifier) -> Work:
    file = classifier.file
    session = open_to_list(file.path, file.graph, file.graph_sha256)
    return work_of(tflite_session(session, "the bench is"))


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

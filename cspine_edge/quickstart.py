"""The whole way once, on synthetic CT: phantom, audit, train, tune, convert, check, predict, bench."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .classifier import Classifier, Verdict
from .documents import encode
from .errors import DatasetError, InputError, OutputError
from .parity import ParityReport, judge, measure
from .phantom import ImageFormat, write_phantom
from .prediction import plain
from .progress import progress
from .run import Run
from .slice_files import find_slices
from .slices import iter_slices
from .splits import leak_of
from .window import Window

_SEED = 1
_SERIES, _SLICES, _TEST_SERIES = 150, 4, 60
_DIFFICULTY = 0.0
_MARGIN = 0.05
"""60 series without a lost decision bound the loss at 5 points; the gate's usual 1 point would need 299."""
_WINDOW = Window(400, 1800)


@dataclass(frozen=True)
class QuickstartResult:
    """What the quickstart made and measured.

    Attributes
    ----------
    run
        The run folder.
    model
        The int8 model.
    report
        The gate's report.
    verdicts
        Verdicts on the unseen series, in slice order, each with the truth.
    median_ms, threads
        Latency of one inference.
    seconds
        Wall time of each step.
    start
        Which weights the training began with.
    """

    run: Run
    model: Path
    report: ParityReport
    verdicts: tuple[tuple[Verdict, str], ...]
    median_ms: float
    threads: int
    seconds: dict[str, float]
    start: str

    def to_json(self) -> dict[str, object]:
        """Give plain data for JSON; verdicts as ``predict`` gives them, each with its ``truth``."""
        verdicts = [plain(verdict) | {"truth": truth} for verdict, truth in self.verdicts]
        return encode(self) | {"report": self.report.to_json(), "verdicts": verdicts}


def quickstart(out: Path, *, log: Callable[[str], None] = print) -> QuickstartResult:
    """Walk the whole way; see the module.

    Parameters
    ----------
    out
        Folder to make; must not exist.
    log
        Receives lines of progress.

    Raises
    ------
    OutputError
        If ``out`` exists.
    MissingExtraError
        If the ``train`` extra is not installed.
    """
    from converters.convert import ConvertSettings, convert
    from converters.source import source_of_run
    from cspine_edge.recipe import Head
    from cspine_edge.training.backbones import Architecture
    from cspine_edge.training.settings import TrainSettings
    from cspine_edge.training.train import train

    from .audit import audit_dataset
    from .bench import bench
    from .contract import Precision
    from .dataset import load_dataset
    from .sweep import Rules

    if out.exists():
        raise OutputError(out, "exists already; remove it or choose another --out")
    seconds: dict[str, float] = {}
    begun = time.perf_counter()

    def step(name: str, line: str) -> None:
        nonlocal begun
        now = time.perf_counter()
        seconds[name] = now - begun
        begun = now
        log(f"[{name}] {line} ({seconds[name]:.0f} s)")

    data = out / "phantom"
    with progress("writing DICOM series", _SERIES) as advance:
        written = write_phantom(
            data,
            series=_SERIES,
            slices=_SLICES,
            seed=_SEED,
            difficulty=_DIFFICULTY,
            on_series=lambda _: advance(),
        )
    step("phantom", f"{written.describe()}, DICOM in HU")

    dataset = load_dataset(data)
    held_out = tuple(sorted(set(dataset.series.tolist()))[-_TEST_SERIES:])
    with progress("auditing", len(dataset)) as advance:
        audited, split = audit_dataset(dataset, seed=_SEED, hold_out=held_out, on_slice=advance)
    if split is None:
        raise DatasetError(data, audited.verdict)
    audited.save(out / "audit.json")
    split.save(out / "split.json")
    step("audit", audited.verdict)

    start = _starting_weights()
    settings = TrainSettings(
        architecture=Architecture(head=Head.LINEAR),
        weights=start,
        fine_tune_epochs=5,
        fine_tune_rate=1e-3,
        batch_size=16,
        augmentation=None,
        window=_WINDOW,
        sensitivity=0.95,
        seed=_SEED,
    )
    trained = train(dataset, split, settings, out / "run", log=lambda line: log(f"  {line}"))
    step("train", f"MobileNet 1.0/224 from {Path(start).name}, float accuracy {trained.metrics.accuracy}")

    source = source_of_run(out / "run")
    reference = convert(
        source, ConvertSettings(Precision.FLOAT32), out / "run" / f"{trained.run.name}-float32.tflite"
    )
    tuned = ConvertSettings(Precision.INT8_QAT, qat_epochs=2, batch_size=16, seed=_SEED)
    target = out / "run" / f"{trained.run.name}-int8-qat.tflite"
    convert(source, tuned, target, log=lambda line: log(f"  {line}"))
    step(
        "convert",
        f"{target.stat().st_size / 1e6:.2f} MB int8, float {reference.file.path.stat().st_size / 1e6:.2f} MB",
    )

    classifier, float_classifier = Classifier(target), Classifier(reference.file.path)
    tested = dataset.subset(split.test)
    with progress("comparing", len(tested)) as advance:
        paired = measure(classifier, float_classifier, tested, on_slice=advance)
    parity = judge(
        paired,
        margin=_MARGIN,
        candidate=target.name,
        reference=reference.file.path.name,
        leak=str(leak_of(dataset, split)),
    )
    parity.save(out / "check.json")
    classifier.file.with_parity(parity.summary())
    step("check", f"{parity.verdict.value}: {parity.reason}")

    verdicts = _classify_unseen(classifier, out / "unseen")
    right = sum(verdict.label == truth for verdict, truth in verdicts)
    step("predict", f"three unseen series: {right} of {len(verdicts)} slices right")

    threads = tuple(sorted({1, classifier.session.threads}))
    rules = Rules(least_s=2.0, most_s=None)
    measured = bench(target, threads=threads, rules=rules, cold_starts=1, cool_first=False)
    measured.save(out / "bench.json")
    fastest = min(measured.latencies, key=lambda entry: entry.p50_ms)
    step("bench", f"{fastest.p50_ms:.2f} ms median, {fastest.threads} threads")
    return QuickstartResult(
        trained.run, target, parity, verdicts, fastest.p50_ms, fastest.threads, seconds, start
    )


def _starting_weights() -> str:
    """The float network in ``models/`` of a checkout; an installed wheel has ImageNet downloaded instead."""
    shipped = Path(__file__).parent.parent / "models" / "mobilenet-a1.0-224.keras"
    return str(shipped) if shipped.is_file() else "imagenet"


def _classify_unseen(classifier: Classifier, folder: Path) -> tuple[tuple[Verdict, str], ...]:
    write_phantom(
        folder,
        series=3,
        slices=_SLICES,
        seed=_SEED + 1000,
        difficulty=_DIFFICULTY,
        image_format=ImageFormat.DICOM,
    )

    def refuse(error: Exception) -> None:
        raise InputError(folder, str(error))

    verdicts = classifier.classify_all(iter_slices(find_slices([folder]), refuse))
    return tuple((verdict, Path(verdict.path).parent.name) for verdict in verdicts)

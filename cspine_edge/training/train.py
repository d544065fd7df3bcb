"""Train one of the paper's networks and write a run folder."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from calibration.decision import choose_decision

from .. import __version__
from ..dataset import LabelledDataset, read_labelled_slice
from ..decision import Decision
from ..documents import encode
from ..errors import ModelError, UsageError
from ..files import claimed, file_sha256, replacing, write_json
from ..metrics import Metrics, evaluate
from ..preprocess import Preprocessing
from ..recipe import Head
from ..reliability import Reliability, assess
from ..run import MODEL_FILE, Run, relative_data_path
from ..splits import Protocol, Split, leak_of
from ..window import BONE_WINDOW, Window
from .backbones import (
    Architecture,
    build,
    freeze_base,
    is_of_head,
    split_head,
    staged_features,
    unfreeze,
)
from .feed import (
    RENDITIONS,
    FeatureFeed,
    Feed,
    ImageFeed,
    PairedFeed,
    Part,
    feature_feed,
    load_part,
)
from .framework import keras, strategy, use_mixed_precision
from .linear import PENALTIES, START_PENALTIES, solve_linear_heads
from .loop import Epoch, Phase, huber_distance, predict_logits, run_phase
from .plots import plot_confusion, plot_curves
from .settings import TrainSettings, require_place, write_settings
from .teacher import Teacher

FEATURES_FOLDER = "features"
"""Beside the run folders: features of frozen bases, which runs of one base and split share."""


@dataclass(frozen=True)
class TrainResult:
    """What a training gave: the run, and the float network's metrics and reliability on the test part."""

    run: Run
    metrics: Metrics
    reliability: Reliability

    def to_json(self) -> dict[str, object]:
        """Give plain data for JSON: what ``run.json`` and ``metrics.json`` hold."""
        return encode(self)


def train(
    dataset: LabelledDataset,
    split: Split,
    settings: TrainSettings,
    out: Path,
    *,
    series_pattern: str | None = None,
    resume: bool = False,
    log: Callable[[str], None] = print,
) -> TrainResult:
    """Train, choose how to decide, evaluate on the test part, and write the run folder.

    Parameters
    ----------
    dataset, split
        What to train on.
    settings
        How.
    out
        The run folder; must not exist unless ``resume``.
    series_pattern
        How series were told from file names, for those who read the data set again from the run.
    resume
        Go on from the checkpoints of a broken-off run with the same settings.
    log
        Receives lines of progress.

    Raises
    ------
    OutputError
        If ``out`` exists and ``resume`` is false, or another process trains there.
    UsageError
        If a resumed run has other settings, linear heads have neither trained weights to read nor epochs, or
        the teacher has no epochs to teach in or knows another split.
    ModelError
        If the weights cannot be had.
    """
    with claimed(out):
        return _train(dataset, split, settings, out, series_pattern, resume, log)


def _train(
    dataset: LabelledDataset,
    split: Split,
    settings: TrainSettings,
    out: Path,
    series_pattern: str | None,
    resume: bool,
    log: Callable[[str], None],
) -> TrainResult:
    settings = replace(settings, window=settings.window or _default_window(dataset))
    _refuse(settings)
    teacher = Teacher.of(settings.teacher, dataset, split) if settings.teacher else None
    described = settings.describe() | ({"teacher": teacher.describe(out)} if teacher else {})
    fingerprint = dataset.fingerprint()
    begun = described | {"data_fingerprint": fingerprint}
    require_place(out, begun, split, resume)
    log(f"data: {dataset.describe()}")
    log(f"split: {split.protocol.value}: {leak_of(dataset, split)}")
    use_mixed_precision()
    spec = Preprocessing(settings.architecture.size, settings.architecture.size, 3, settings.window)
    train_part, validation, test_part = _load_parts(dataset, split, spec)
    with strategy().scope():
        model = _initial_model(settings)
        write_settings(out, begun, split, resume)  # only now: a failure so far leaves nothing behind
        feed = ImageFeed(spec, train_part, validation or test_part, settings.augmentation)
        lessons = _lessons(feed, teacher, dataset, split) if teacher else feed
        history = _run_phases(
            model, settings, feed, out, log, lessons, teacher, keep_best=validation is not None
        )
    model = _as_float32(model, settings.architecture)
    decision = _decide(model, validation, dataset.subset(split.validation), spec, settings)
    metrics, reliability = _evaluate(model, test_part, dataset.subset(split.test), spec, decision)
    log(f"test: {metrics}")
    log(f"test: {reliability}")
    _save_model(model, out / MODEL_FILE)
    run = _describe(dataset, split, settings, out, series_pattern, described, fingerprint, spec, decision)
    result = TrainResult(run, metrics, reliability)
    _write(result, history, watched="validation" if validation is not None else "test")
    return result


def _refuse(settings: TrainSettings) -> None:
    """Say before long work that there would be nothing to read, or no time to teach."""
    if settings.architecture.head is Head.LINEAR and not (
        _solves_heads(settings) or settings.fine_tune_epochs
    ):
        raise UsageError("linear heads find nothing to read in random weights; give --fine-tune-epochs too")
    if settings.teacher and not settings.fine_tune_epochs:
        raise UsageError("a teacher teaches while the whole network is trained; give --fine-tune-epochs too")


def _decide(
    model: keras.Model,
    validation: Part | None,
    slices: LabelledDataset,
    spec: Preprocessing,
    settings: TrainSettings,
) -> Decision:
    """Choose threshold, temperature and abstention on the validation part; without one, decide at equal logits."""
    if validation is None:
        return Decision()
    return choose_decision(
        _margins(model, validation, spec),
        validation.labels,
        [item.family for item in slices.slices],
        sensitivity=settings.sensitivity,
        coverage=settings.coverage,
    )


def _evaluate(
    model: keras.Model, test: Part, slices: LabelledDataset, spec: Preprocessing, decision: Decision
) -> tuple[Metrics, Reliability]:
    """Measure on the test part how the network decides."""
    margins = _margins(model, test, spec)
    metrics = evaluate(
        margins,
        test.labels,
        [item.series for item in slices.slices],
        [item.family for item in slices.slices],
        decision.threshold.logit,
    )
    return metrics, assess(margins, test.labels, decision)


def _describe(
    dataset: LabelledDataset,
    split: Split,
    settings: TrainSettings,
    out: Path,
    series_pattern: str | None,
    described: dict[str, object],
    fingerprint: str,
    spec: Preprocessing,
    decision: Decision,
) -> Run:
    """Describe a run whose network is in its folder already."""
    architecture, weights = settings.architecture, settings.weights
    return Run(
        folder=out,
        backbone=architecture.backbone.value,
        alpha=architecture.alpha,
        size=architecture.size,
        hidden_units=architecture.hidden_units,
        dropout=architecture.dropout,
        optimizer=settings.optimizer.value,
        protocol=split.protocol.value,
        weights=weights if weights in ("imagenet", "random") else Path(weights).name,
        seed=settings.seed,
        data=relative_data_path(dataset.source or dataset.root, out),
        series_pattern=series_pattern,
        fingerprint=fingerprint,
        preprocessing=spec,
        threshold=decision.threshold,
        settings=described,
        versions=_versions(),
        temperature=decision.temperature,
        abstention=decision.abstention,
        head=architecture.head.value,
        blocks=architecture.blocks,
        model_sha256=file_sha256(out / MODEL_FILE),
    )


def _write(result: TrainResult, history: list[Epoch], watched: str) -> None:
    """Write metrics and figures beside the network; what makes it a finished run, its description, last."""
    run, out = result.run, result.run.folder
    write_json(
        out / "metrics.json",
        {"part": "test", "arithmetic": "keras float32"}
        | encode(result.metrics)
        | {"reliability": encode(result.reliability)},
        overwrite=True,
    )
    if history:
        plot_curves(history, out / "curves.png", watched)
    plot_confusion(
        result.metrics, out / "confusion.png", f"{run.name} {run.optimizer}, {run.protocol}, float"
    )
    run.save(overwrite=True)


def _save_model(model: keras.Model, path: Path) -> None:
    with replacing(path, overwrite=True) as temporary:
        written = temporary.with_suffix(path.suffix)  # by which Keras knows the format
        try:
            model.save(written)
            written.replace(temporary)
        finally:
            written.unlink(missing_ok=True)


def _run_phases(
    model: keras.Model,
    settings: TrainSettings,
    feed: ImageFeed,
    out: Path,
    log: Callable[[str], None],
    lessons: Feed,
    teacher: Teacher | None,
    *,
    keep_best: bool,
) -> list[Epoch]:
    """Train the head on a frozen base's features, then everything; a watched test part chooses nothing."""

    def run(trainee: keras.Model, name: str, epochs: int, rate: float, given: Feed) -> list[Epoch]:
        whole = name == "fine-tune"
        phase = Phase(name, epochs, rate, settings.optimizer, settings.batch_size, settings.seed, whole)
        taught = teacher.network() if whole and teacher else None
        return run_phase(
            trainee,
            phase,
            given,
            out / "checkpoints",
            log,
            keep_best=keep_best,
            teacher=taught,
            distance=huber_distance,
        )

    def features(base: keras.Model, of: ImageFeed, renditions: int) -> FeatureFeed:
        cache = out.parent / FEATURES_FOLDER
        return feature_feed(base, of, renditions=renditions, seed=settings.seed, cache=cache, log=log)

    history: list[Epoch] = []
    freeze_base(model)
    if _solves_heads(settings):
        base, heads = staged_features(model)
        seen = features(base, replace(feed, watched=None), RENDITIONS)
        penalties = START_PENALTIES if settings.fine_tune_epochs and not teacher else PENALTIES
        solve_linear_heads(heads, seen, log, penalties)
    elif settings.architecture.head is Head.DENSE and settings.epochs:
        base, head = split_head(model)
        seen = features(base, feed, min(settings.epochs, RENDITIONS))
        history += run(head, "head", settings.epochs, settings.rate, seen)
    if settings.fine_tune_epochs:
        unfreeze(model, normalisation=teacher is None or settings.weights == "random")
        history += run(model, "fine-tune", settings.fine_tune_epochs, settings.fine_tune_rate, lessons)
    return history


def _lessons(feed: ImageFeed, teacher: Teacher, dataset: LabelledDataset, split: Split) -> Feed:
    """Let the teacher see each slice as its own preprocessing makes it; where that is the student's, once is enough."""
    spec = teacher.run.preprocessing
    if spec == feed.spec:
        return feed
    train, validation, test = _load_parts(dataset, split, spec)
    return PairedFeed(feed, ImageFeed(spec, train, validation or test, feed.augmentation))


def _solves_heads(settings: TrainSettings) -> bool:
    """Linear heads on a base that was trained before; random weights have nothing to read."""
    return settings.architecture.head is Head.LINEAR and settings.weights != "random"


def _initial_model(settings: TrainSettings) -> keras.Model:
    keras.utils.set_random_seed(settings.seed)
    if settings.weights.endswith(".keras"):
        from converters.keras_model import load_keras

        model, trained = build(settings.architecture, "random"), load_keras(Path(settings.weights))
        is_dense = settings.architecture.head is Head.DENSE
        try:
            for layer in model.layers:
                if layer.weights and (is_dense or not is_of_head(layer)):
                    layer.set_weights(trained.get_layer(layer.name).get_weights())
        except ValueError as error:
            reason = (
                "is no network of this toolkit of that architecture; give the options it was trained with"
            )
            raise ModelError(settings.weights, reason) from error
        return model
    return build(settings.architecture, settings.weights)


def _as_float32(model: keras.Model, architecture: Architecture) -> keras.Model:
    """Give the same network computing in float32, and without the optimizer, which would be saved with it."""
    keras.mixed_precision.set_global_policy("float32")
    plain = build(architecture, "random")
    plain.set_weights(model.get_weights())
    return plain


def _margins(model: keras.Model, part: Part, spec: Preprocessing) -> np.ndarray:
    logits = predict_logits(model, part.images, spec).astype(np.float64)
    return logits[:, 1] - logits[:, 0]


def _load_parts(
    dataset: LabelledDataset, split: Split, spec: Preprocessing
) -> tuple[Part, Part | None, Part]:
    """Read the training, validation and test slices; only the grouped protocol balances over series."""

    def load(paths: tuple[str, ...], what: str) -> Part:
        over_series = split.protocol is Protocol.GROUPED
        return load_part(dataset.subset(paths), spec, f"{what} slices", over_series=over_series)

    validation = load(split.validation, "validation") if split.validation else None
    return load(split.train, "training"), validation, load(split.test, "test")


def _default_window(dataset: LabelledDataset) -> Window | None:
    """Bone window where the slices carry HU, so that the contract fixes what the network saw."""
    first = read_labelled_slice(dataset.path_of(dataset.slices[0]))
    return BONE_WINDOW if first.rescale is not None else None


def _versions() -> dict[str, str]:
    packages = ("tensorflow", "tf-keras", "numpy", "pillow")
    return {"cspine-edge": __version__, "python": platform.python_version()} | {
        name: version(name) for name in packages
    }

"""From a run folder or a Keras file to a ``.tflite`` with its contract inside."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.representative import DEFAULT_SIZE, CalibrationManifest
from cspine_edge.contract import Precision
from cspine_edge.documents import DocumentError, encode, read_document
from cspine_edge.errors import InputError, ModelError, UsageError
from cspine_edge.files import claimed, file_sha256, refuse_existing, write_json
from cspine_edge.model_file import ModelFile
from cspine_edge.progress import progress
from cspine_edge.recipe import Optimizer
from cspine_edge.run import Run
from cspine_edge.training.augment import Augmentation
from cspine_edge.training.feed import ImageFeed, Part, load_part
from cspine_edge.training.framework import keras
from cspine_edge.training.loop import Phase, run_phase
from cspine_edge.training.pipeline import renditions

from .contract_writer import attach_contract, describe_provenance
from .equalise import equalise
from .operating_point import with_operating_point
from .qat import quantization_aware
from .ranges import activation_ranges, range_stability
from .restoration import Criterion, Restoration
from .restore import restore
from .rounding import round_kernels
from .source import Source, calibration_set, folded_network
from .tflite import export, float_operations

LOGIT_BOUND = 4.0
"""An int8 network's logits reach this far either way, which is a margin of 8 and a score of 0.9997, or as far as its
threshold. Steps for more would be missing where decisions fall."""


BEGUN_FILE = "begun.json"
"""Among the checkpoints of a tuning, from its beginning: its settings."""


@dataclass(frozen=True)
class ConvertSettings:
    """How to convert.

    Attributes
    ----------
    precision
        Arithmetic of the result.
    calibration_size
        Slices in the calibration set.
    qat_epochs, qat_rate, batch_size
        Quantization-aware training (``int8-qat``).
    allow_float
        Accept an int8 model with floating-point operations in it.
    seed
        Seed of the calibration set and the training.
    restore
        Keep the fewest layers of an int8 model in float until this criterion is met; ``None`` keeps none.
    """

    precision: Precision = Precision.INT8_QAT
    calibration_size: int = DEFAULT_SIZE
    qat_epochs: int = 1
    qat_rate: float = 5e-5
    batch_size: int = 32
    allow_float: bool = False
    seed: int = 0
    restore: Criterion | None = None


@dataclass(frozen=True)
class Conversion:
    """What a conversion gave.

    Attributes
    ----------
    file
        The model file.
    calibration
        The calibration set, if one was needed.
    float_operations
        Operations that have no integer kernel and were left in floating point.
    restoration
        What was kept in floating point on purpose, if that was asked for.
    """

    file: ModelFile
    calibration: CalibrationManifest | None = None
    float_operations: list[str] = field(default_factory=list)
    restoration: Restoration | None = None


def convert(
    source: Source,
    settings: ConvertSettings,
    out: Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    log: Callable[[str], None] = print,
) -> Conversion:
    """Convert a network, write its contract into it, and save it.

    Parameters
    ----------
    source
        The network.
    settings
        How.
    out
        The ``.tflite`` file to write.
    overwrite
        Replace an existing file.
    resume
        Go on with a broken-off quantization-aware training of the same file.
    log
        Receives lines of progress.

    Raises
    ------
    OutputError
        If ``out`` exists and ``overwrite`` is false, or another process writes it.
    UsageError
        If the precision needs data and none is known, or layers are to be restored and cannot be.
    ModelError
        If the converter refuses the network, or leaves operations of an int8 model in floating point, or not
        even all layers in float meet the criterion.
    """
    refuse_existing(out, overwrite=overwrite)
    with claimed(out):
        return _convert(source, settings, out, overwrite, resume, log)


def _convert(
    source: Source,
    settings: ConvertSettings,
    out: Path,
    overwrite: bool,
    resume: bool,
    log: Callable[[str], None],
) -> Conversion:
    precision = settings.precision
    _refuse_restoring(source, settings)
    network, equalised = (folded := folded_network(source)), None
    validation = load_part(source.validation, source.spec) if source.validation is not None else None
    calibration, images = None, None
    if precision.is_integer:
        calibration, chosen, images = calibration_set(
            source, precision, size=settings.calibration_size, seed=settings.seed
        )
        if precision in (Precision.INT8, Precision.INT8_QAT):
            stability = range_stability(folded, chosen, images, source.spec)
            calibration = replace(calibration, stability=stability)
            if stability is not None:
                log(f"activation ranges: {stability.advice(len(source.train or ()))}")
        log(f"calibration set: {len(calibration.slices)} slices, sha256 {calibration.sha256[:12]}")
    if precision in (Precision.INT8, Precision.INT8_QAT) and images is not None:
        equalised, tuned, network = _quantised(folded, source, images, settings.seed)
        if precision is Precision.INT8_QAT:
            _tune(tuned, folded, source, validation, settings, out, resume, log)
            network.set_weights(tuned.get_weights())
    provenance = describe_provenance(source.run, source.path, precision, source.data, calibration, out)
    with progress("converting", 1):
        graph = export(network, precision, source.spec, images)
        left = float_operations(out, graph) if precision in (Precision.INT8, Precision.INT8_QAT) else []
    if left and not settings.allow_float:
        raise ModelError(
            source.path,
            f"is not integer throughout once converted: {', '.join(sorted(set(left)))}; "
            "change these layers or give --allow-float",
        )
    restoration = None
    if settings.restore and source.run and source.validation and validation and equalised is not None:
        graph, restoration = restore(
            graph, equalised, folded, source.run, source.validation, validation.images, settings.restore, log
        )
        provenance = replace(provenance, in_float=restoration.after.layers)
    with progress("writing the contract", 1):
        file = attach_contract(graph, source.spec, provenance, out)
    if source.run and source.validation and validation:
        file = with_operating_point(file, source.run, source.validation, validation.images)
    if calibration is not None:
        calibration.save(out.with_suffix(".calibration.json"), overwrite=True)
    if restoration is not None:
        restoration.save(out.with_suffix(".restoration.json"), overwrite=True)
    file = file.save(out, overwrite=overwrite)  # last: where it lies, all of it does
    shutil.rmtree(checkpoints_of(out), ignore_errors=True)  # kept until now: a failed export loses no tuning
    return Conversion(file, calibration, left, restoration)


def _refuse_restoring(source: Source, settings: ConvertSettings) -> None:
    """Say before long work that there is nothing to restore, or nothing to judge it on."""
    if settings.restore is None:
        return
    if settings.precision not in (Precision.INT8, Precision.INT8_QAT):
        raise UsageError(
            f"--restore is for int8 and int8-qat, not for --precision {settings.precision.value}"
        )
    if source.run is None or source.validation is None:
        raise UsageError(
            f"{source.path}: --restore judges on the validation part of a run and this has none; train with "
            "--protocol grouped"
        )


def _quantised(
    folded: keras.Model, source: Source, images: npt.NDArray[np.uint8], seed: int
) -> tuple[keras.Model, keras.Model, keras.Model]:
    """The network in int8 as well as it can be without training, and its float kernels.

    Equalised; then rounded, twice of the same weights: with the whole range of its logits to be tuned, and with
    :data:`LOGIT_BOUND` to be exported. A margin that is cut teaches nothing.
    """
    augmentation = _augmentation(source.run)
    if (
        augmentation is not None
    ):  # what the network may be shown, and not what the training part happens to hold
        images = np.concatenate([images, renditions(images, source.spec, augmentation, seed)])
    network = equalise(folded, images, source.spec)
    ranges = activation_ranges(network, images, source.spec)
    rounded = round_kernels(network, ranges, images, source.spec, seed=seed)
    bound = LOGIT_BOUND if source.run is None else max(LOGIT_BOUND, abs(source.run.threshold.logit))
    # A scanner that nobody has seen may give twice what the calibration set does.
    reach = min(bound, 2 * max(map(abs, ranges[network.layers[-1].name])))
    bounded = ranges | {network.layers[-1].name: (-reach, reach)}
    whole, cut = (quantization_aware(rounded, some, source.spec) for some in (ranges, bounded))
    return network, whole, cut


def _augmentation(run: Run | None) -> Augmentation | None:
    """What the float network was trained with: the tuned one is to agree with it on such slices too."""
    settings = None if run is None else run.settings.get("augmentation")
    return None if settings is None else Augmentation(**settings)


def checkpoints_of(out: Path) -> Path:
    """Where a tuning that was broken off goes on from."""
    return out.with_suffix(".checkpoints")


def _begun(checkpoints: Path) -> Any:
    try:
        return read_document(checkpoints / BEGUN_FILE)
    except (OSError, DocumentError) as error:
        raise InputError(checkpoints, f"cannot be gone on from ({error}); leave out --resume") from error


def _tune(
    network: keras.Model,
    teacher: keras.Model,
    source: Source,
    validation: Part | None,
    settings: ConvertSettings,
    out: Path,
    resume: bool,
    log: Callable[[str], None],
) -> None:
    """Quantization-aware training on the training part; the validation part, if any, chooses the epoch.

    What is learned is the float network's logits and not the labels: a network that knows its training slices
    by heart has no loss left to learn from, and would drift on all others.
    """
    if source.train is None:
        raise UsageError("--precision int8-qat tunes on data; give --data")
    train = load_part(source.train, source.spec)
    optimizer = Optimizer(source.run.optimizer) if source.run else Optimizer.ADAM
    phase = Phase(
        "qat",
        settings.qat_epochs,
        settings.qat_rate,
        optimizer,
        settings.batch_size,
        settings.seed,
        anneal=True,
    )
    checkpoints = checkpoints_of(out)
    tuning = replace(settings, restore=None)  # comes after it, and may be asked for anew
    begun = {"settings": encode(tuning), "network": file_sha256(source.path)}
    if not resume or not (checkpoints / BEGUN_FILE).is_file():
        (checkpoints / BEGUN_FILE).unlink(missing_ok=True)  # first: without it nothing else is gone on from
        shutil.rmtree(checkpoints, ignore_errors=True)
    elif _begun(checkpoints) != begun:
        raise UsageError(
            f"{out}: its tuning was begun with other settings or another network; leave out --resume"
        )
    write_json(checkpoints / BEGUN_FILE, begun, overwrite=True)
    run_phase(
        network,
        phase,
        ImageFeed(source.spec, train, validation, _augmentation(source.run)),
        checkpoints,
        log,
        keep_best=validation is not None,
        teacher=teacher,
    )

"""The contract writer: a converted graph becomes a file that describes and proves itself."""

from __future__ import annotations

import datetime
import io
import os
import tempfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from calibration.representative import CalibrationManifest
from cspine_edge import __version__
from cspine_edge.classifier import Classifier
from cspine_edge.contract import (
    LABELS_FILE,
    Contract,
    GoldenPair,
    KernelFamily,
    Outputs,
    Precision,
    Provenance,
)
from cspine_edge.dataset import LABELS
from cspine_edge.model_file import ModelFile
from cspine_edge.phantom import generate_series
from cspine_edge.preprocess import Preprocessing, resize
from cspine_edge.run import Run
from cspine_edge.runtime import tflite_session
from cspine_edge.verification import golden_key, outputs_of
from cspine_edge.window import BONE_WINDOW

from .metadata import embed_metadata
from .tflite import OUTPUTS

LABELS_TEXT = "\n".join(LABELS) + "\n"
"""What lies beside a contract for other tools: class names, one a line."""
_GOLDEN_SEED, _GOLDEN_PAIRS = 20, 4
_PACKAGES = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy")


def describe_provenance(
    run: Run | None,
    source: Path,
    precision: Precision,
    data: str,
    calibration: CalibrationManifest | None,
    out: Path,
) -> Provenance:
    """Say where a model comes from.

    Parameters
    ----------
    run
        The run, or ``None`` for a bare Keras file.
    source
        The Keras file.
    precision
        Arithmetic of the model.
    data
        The data set in words.
    calibration
        The calibration set, if one was used.
    out
        The model file; the run folder is named relative to it.
    """
    unknown = "not stated"
    return Provenance(
        backbone=run.name if run else source.stem,
        precision=precision,
        optimizer=run.optimizer if run else unknown,
        protocol=run.protocol if run else unknown,
        weights=run.weights if run else unknown,
        data=data,
        data_fingerprint=run.fingerprint if run else unknown,
        held_out=run.split().held_out if run else (),
        calibration_sha256=calibration.sha256 if calibration else None,
        run=Path(os.path.relpath(run.folder.resolve(), out.parent.resolve())).as_posix() if run else None,
        versions={"cspine-edge": __version__} | {package: version(package) for package in _PACKAGES},
        head=run.head if run else unknown,
        teacher=run.teacher if run else None,
        created=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
    )


def new_contract(spec: Preprocessing, outputs: Outputs, provenance: Provenance | None = None) -> Contract:
    """Describe a model of this toolkit's two classes that decides at equal logits.

    Parameters
    ----------
    spec
        The preprocessing.
    outputs
        Positions of its outputs.
    provenance
        Where it comes from; ``None`` for a model that is only tried.
    """
    return Contract(spec, outputs, labels=LABELS, positive=LABELS[1], provenance=provenance)


def attach_contract(graph: bytes, spec: Preprocessing, provenance: Provenance, path: Path) -> ModelFile:
    """Give a graph its metadata, contract, labels and golden pairs; nothing is written yet.

    It decides at equal logits until :func:`converters.operating_point.with_operating_point` has chosen better.

    Parameters
    ----------
    graph
        Flatbuffer with the signature that :func:`converters.tflite.export` gives it.
    spec, provenance
        What the contract says.
    path
        Where the file will lie.
    """
    graph = embed_metadata(
        graph,
        spec,
        f"cspine-edge {provenance.backbone} {provenance.precision.value}",
        "Cervical spine fracture on an axial CT slice.",
        LABELS,
        OUTPUTS,
    )
    order = list(OUTPUTS)
    outputs = Outputs(logits=order.index("logits"), probability=order.index("probability"))
    contract = new_contract(spec, outputs, provenance)
    return _with_golden_pairs(ModelFile(path, graph, contract, {LABELS_FILE: LABELS_TEXT.encode()}), contract)


def _with_golden_pairs(file: ModelFile, contract: Contract) -> ModelFile:
    """Add inputs and what each kernel family answers.

    The inputs are slices of the phantom, so that no picture of a patient travels in a model file.
    """
    spec = contract.preprocessing
    images = _golden_images(spec)
    with tempfile.TemporaryDirectory() as folder:
        written = file.save(Path(folder) / "model.tflite")
        answers = {}
        for family in KernelFamily:
            classifier = Classifier(written.path, threads=1, family=family)
            session = tflite_session(classifier.session, "golden pairs are")
            key = golden_key(session.runtime, session.family)
            answers[key] = [outputs_of(classifier, image) for image in images]
    pairs = tuple(
        GoldenPair(f"golden/{number}.png", {key: rows[number] for key, rows in answers.items()})
        for number in range(len(images))
    )
    attachments = file.attachments | {
        pair.image: _png(image) for pair, image in zip(pairs, images, strict=True)
    }
    return replace(file, contract=replace(contract, golden=pairs), attachments=attachments)


def _golden_images(spec: Preprocessing) -> list[npt.NDArray[np.uint8]]:
    window = spec.window or BONE_WINDOW
    images = []
    for index in range(_GOLDEN_PAIRS):
        series = generate_series(_GOLDEN_SEED, index, slices=1, fractured=index % 2 == 0, difficulty=0.1)
        images.append(resize(window.apply(series.volume[0].astype(np.float64)), spec.height, spec.width))
    return images


def _png(image: npt.NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()

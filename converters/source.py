"""What is converted and exported: a run folder or a bare Keras file, read with what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from calibration.representative import CalibrationManifest, choose_representative
from cspine_edge.contract import Precision
from cspine_edge.dataset import LABELS, LabelledDataset, load_dataset, load_images
from cspine_edge.errors import ModelError, UsageError
from cspine_edge.preprocess import Preprocessing
from cspine_edge.run import Run
from cspine_edge.training.framework import keras

from .fold import centre_logits, fold, source_layers
from .keras_model import load_keras


@dataclass(frozen=True)
class Source:
    """A trained network and what is known of it.

    Attributes
    ----------
    path
        Of the Keras file.
    model
        The network; its output are two logits.
    spec
        Preprocessing.
    run
        The run it comes from, or ``None`` for a bare Keras file.
    train, validation
        Data to calibrate and tune on, and to choose the operating point on; ``None`` where none is known.
    data
        The data set in words.
    """

    path: Path
    model: keras.Model
    spec: Preprocessing
    run: Run | None
    train: LabelledDataset | None
    validation: LabelledDataset | None
    data: str


def source_of(
    path: Path, data: Path | None, series_pattern: str | None, value_range: tuple[float, float]
) -> Source:
    """Read a run folder, or a bare Keras file (told by its suffix), to which alone the other arguments apply.

    Parameters
    ----------
    path
        A run folder, or a ``.keras`` or ``.h5`` file.
    data
        Labelled slices that a bare file may be calibrated and tuned on, if any.
    series_pattern
        How their file names tell the series; see :func:`cspine_edge.dataset.load_dataset`.
    value_range
        Values that a bare file takes black and white as.

    Raises
    ------
    DatasetError
        If ``data`` holds no data set.
    InputError, ModelError
        See :func:`source_of_run` and :func:`source_of_keras`.
    """
    if path.suffix.lower() not in (".keras", ".h5"):
        return source_of_run(path)
    train = load_dataset(data, series_pattern=series_pattern) if data else None
    return source_of_keras(path, train, value_range)


def source_of_run(folder: Path) -> Source:
    """Read a run folder with its data set.

    Raises
    ------
    InputError
        If the folder is no run or its data set is not where it was, or its network is another one.
    """
    run = Run.load(folder)
    dataset, split = run.dataset(), run.split()
    validation = dataset.subset(split.validation) if split.validation else None
    return Source(
        path=run.model_path,
        model=load_keras(run.require_model()),
        spec=run.preprocessing,
        run=run,
        train=dataset.subset(split.train),
        validation=validation,
        data=dataset.describe(),
    )


def source_of_keras(path: Path, train: LabelledDataset | None, value_range: tuple[float, float]) -> Source:
    """Read a bare Keras classifier of two classes; all of ``train`` may be calibrated and tuned on.

    Raises
    ------
    ModelError
        If it is no flat classifier with two logits or a softmax over two classes.
    """
    model = load_keras(path)
    if isinstance(model, keras.Sequential):
        model = keras.Model(model.inputs, model.outputs, name=model.name)
    if not isinstance(model, keras.Model) or len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError(path, "is no functional model with one input and one output")
    shape, output = model.input_shape, model.output_shape
    if len(shape) != 4 or None in shape[1:] or output != (None, len(LABELS)):
        raise ModelError(path, f"maps {shape} to {output}; an image classifier of two classes is needed")
    if any(isinstance(layer, keras.Model) for layer in model.layers):
        raise ModelError(
            path, "holds models within the model; build it flat (pass input_tensor= to the base)"
        )
    last = model.layers[-1]
    if isinstance(last, keras.layers.Dense) and last.activation.__name__ == "softmax":
        last.activation = keras.activations.linear  # the softmax is put back at export
    elif not _gives_logits(last):
        raise ModelError(path, "does not end in a Dense layer with softmax or without activation")
    spec = Preprocessing(shape[1], shape[2], shape[3], None, value_range)
    data = train.describe() if train else "not stated"
    return Source(path, model, spec, None, train, None, data)


def _gives_logits(layer: keras.layers.Layer) -> bool:
    """A Dense layer without activation, or a sum of such, as that of linear heads."""
    if isinstance(layer, keras.layers.Add):
        return all(_gives_logits(source) for source in source_layers(layer))
    return isinstance(layer, keras.layers.Dense) and layer.activation.__name__ == "linear"


def default_output(source: Source, precision: Precision) -> Path:
    """Where a converted model goes unless told otherwise: ``NAME-PRECISION.tflite`` beside its source."""
    name = source.run.name if source.run else source.path.stem
    return source.path.parent / f"{name}-{precision.value}.tflite"


def folded_network(source: Source) -> keras.Model:
    """Fold, and prove on noise that the function is the same: a foreign graph may hold what folding does not know."""
    folded = fold(source.model)
    centre_logits(folded)
    spec = source.spec
    noise = np.random.default_rng(0).random((2, spec.height, spec.width, spec.channels), dtype=np.float32)
    logits = (network(noise, training=False).numpy() for network in (source.model, folded))
    expected, found = (pair[:, 1] - pair[:, 0] for pair in logits)
    if not np.allclose(found, expected, rtol=1e-3, atol=1e-3 * max(1.0, float(np.abs(expected).max()))):
        raise ModelError(
            source.path, "cannot be folded: it holds shared layers or ones this toolkit does not know"
        )
    return folded


def calibration_set(
    source: Source, precision: Precision, *, size: int, seed: int
) -> tuple[CalibrationManifest, LabelledDataset, npt.NDArray[np.uint8]]:
    """Choose the slices of the training part that activation ranges are taken from, and read them.

    Parameters
    ----------
    source
        The network with its data.
    precision
        What the ranges are for.
    size, seed
        See :func:`calibration.representative.choose_representative`.

    Returns
    -------
    tuple
        The manifest, the slices, and their images, shape (n, height, width), uint8.

    Raises
    ------
    UsageError
        If no data are known.
    """
    if source.train is None:
        raise UsageError(f"--precision {precision.value} takes activation ranges from data; give --data")
    manifest = choose_representative(source.train, size=size, seed=seed)
    slices = source.train.subset(item.path for item in manifest.slices)
    return manifest, slices, load_images(slices, source.spec)

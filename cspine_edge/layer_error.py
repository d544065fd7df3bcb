"""Where quantisation hurts: how far each layer of a quantised model is from the same layer of its float one.

Both files run over the same prepared slices with every tensor kept. What is compared is what reaches a layer in
the whole quantised network: its own rounding and all that came before it. ``drop_db`` sets the layer's own part
apart from what it was given.

**Per channel, up to a factor.** A network may be equalised before it is quantised: each channel of an activation
multiplied by a constant of its own, which the next layer takes back. Each channel of the quantised layer, y, is
therefore first scaled to the float one's, x, by least squares: s = <x, y> / <y, y>. What is left is noise, and no such
constant changes it. With the sums over slices and places, and c over channels::

    SQNR = 10 log10( sum_c <x - mean x, x - mean x> / sum_c (<x, x> - <x, y>^2 / <y, y>) )   dB

The signal is counted about each channel's mean, since what is the same on every slice says nothing of one; the
noise is counted with its mean, which ``bias`` tells apart. A channel that only came out too small costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .classifier import Classifier
from .contract import KernelFamily
from .dataset import LabelledDataset, read_labelled_slice
from .documents import encode
from .errors import UsageError
from .files import write_json
from .layer_pairs import pair_layers
from .parity import require_same_task
from .preprocess import prepare
from .runtime import tflite_session
from .window import Window

KERNELS = KernelFamily.BUILTIN
"""Kernels to measure with: XNNPACK runs as one operation and keeps no tensors."""
FEWEST_SLICES = 8
"""A factor is fitted per channel; on the few values of a last layer fewer slices would leave no noise."""


@dataclass(frozen=True)
class LayerError:
    """One layer of the quantised model against the float one.

    Attributes
    ----------
    name
        Name of the Keras layer; the operation's where the file tells none.
    operation
        TFLite's name of the operation.
    shape
        Of its output.
    arithmetic
        dtype of its output in the quantised file.
    sqnr_db
        Signal to quantisation noise of its output, in dB, at most about 150.
    drop_db
        How much lower that is than of the worst of its inputs; ``None`` where the network's input is the only one.
    bias
        Mean error of a channel, root mean square over channels, in units of the signal's standard deviation
        likewise; ``None`` where one file adds the layer's constants further on, and an offset was fitted too.
    """

    name: str
    operation: str
    shape: tuple[int, ...]
    arithmetic: str
    sqnr_db: float
    drop_db: float | None
    bias: float | None

    def figures(self) -> tuple[str, str, str]:
        """SQNR, drop and bias as they are shown."""
        drop = "-" if self.drop_db is None else f"{self.drop_db:+.1f}"
        bias = "-" if self.bias is None else f"{self.bias:.3f}"
        return f"{self.sqnr_db:.1f}", drop, bias


@dataclass(frozen=True)
class LayerReport:
    """Result of ``layers``.

    Attributes
    ----------
    candidate, reference, data
        What was compared, on what.
    slices
        Number of slices.
    banner
        What computed.
    layers
        In the network's order.
    """

    candidate: str
    reference: str
    data: str
    slices: int
    banner: str
    layers: tuple[LayerError, ...]

    def worst_first(self) -> tuple[LayerError, ...]:
        """Give the layers by rising SQNR."""
        return tuple(sorted(self.layers, key=lambda layer: layer.sqnr_db))

    def to_json(self) -> dict[str, object]:
        """Give plain data for JSON, schema and version first."""
        return {"schema": "cspine-edge/layers", "version": 1} | encode(self)

    def save(self, path: Path | str, *, overwrite: bool = False) -> None:
        """Write the report as JSON."""
        write_json(path, self.to_json(), overwrite=overwrite)


def open_to_compare(model: Path | str, threads: int | None = None) -> Classifier:
    """Open a model with :data:`KERNELS`, and so that every tensor is kept."""
    return Classifier(model, threads=threads, family=KERNELS, keep_tensors=True)


def measure_layers(
    candidate: Classifier,
    reference: Classifier,
    dataset: LabelledDataset,
    *,
    window: Window | None = None,
    on_slice: Callable[[], object] = lambda: None,
) -> LayerReport:
    """Read the slices, and compare every layer.

    Parameters
    ----------
    candidate, reference
        The quantised model and the float one of the same network, as :func:`open_to_compare` opens them.
    dataset
        The slices.
    window
        Window in HU for slices that need one and bring none.
    on_slice
        Called twice for each slice: after it was read, and after it was run.

    Raises
    ------
    UsageError, ContractError, ModelError
        As :func:`compare_layers`.
    InputError
        If a slice cannot be read.
    """
    for model in (candidate, reference):  # before anything is read
        tflite_session(model.session, "layers are compared")
    images = []
    for item in dataset.slices:
        images.append(prepare(read_labelled_slice(dataset.path_of(item)), candidate.spec, window).image)
        on_slice()
    return compare_layers(candidate, reference, np.array(images), data=dataset.describe(), on_slice=on_slice)


def compare_layers(
    candidate: Classifier,
    reference: Classifier,
    images: npt.NDArray[np.uint8],
    *,
    data: str,
    on_slice: Callable[[], object] = lambda: None,
) -> LayerReport:
    """Run both models over the same slices and compare every layer.

    Parameters
    ----------
    candidate, reference
        The quantised model and the float one of the same network, both opened with :data:`KERNELS` and
        ``keep_tensors``.
    images
        Prepared slices, shape (n, height, width), uint8.
    data
        Where they come from, in words.
    on_slice
        Called after each slice.

    Raises
    ------
    UsageError
        If there are fewer than :data:`FEWEST_SLICES` slices.
    ContractError
        If the two preprocess differently.
    ModelError
        If their operations do not match one by one.
    """
    if len(images) < FEWEST_SLICES:
        raise UsageError(
            f"{len(images)} slices are too few to compare layers on; give {FEWEST_SLICES} or more"
        )
    require_same_task(candidate, reference)
    ours, theirs = (tflite_session(model.session, "layers are compared") for model in (candidate, reference))
    pairs = pair_layers(candidate, reference)
    sums = [_Sums(pair.reference.shape[-1], pair.with_offset) for pair in pairs]
    for image in images:
        for classifier in (reference, candidate):
            classifier.load(image)
            classifier.session.invoke()
        for pair, entry in zip(pairs, sums, strict=True):
            entry.add(
                *(
                    tensor.dequantize(session.values(tensor.index))
                    for tensor, session in (
                        (pair.reference, theirs),
                        (pair.candidate, ours),
                    )
                )
            )
        on_slice()
    sqnr = [entry.sqnr_db() for entry in sums]
    return LayerReport(
        candidate=candidate.file.path.name,
        reference=reference.file.path.name,
        data=data,
        slices=len(images),
        banner=candidate.session.banner,
        layers=tuple(
            LayerError(
                name=pair.name,
                operation=pair.operation,
                shape=pair.reference.shape,
                arithmetic=pair.candidate.dtype.name,
                sqnr_db=own,
                drop_db=min(sqnr[source] for source in pair.sources) - own if pair.sources else None,
                bias=None if pair.with_offset else entry.bias(),
            )
            for pair, entry, own in zip(pairs, sums, sqnr, strict=True)
        ),
    )


class _Sums:
    """Sums over slices and places of one layer, per channel, float64."""

    def __init__(self, channels: int, with_offset: bool) -> None:
        self._sums = np.zeros((5, channels))
        self._count = 0
        self._with_offset = with_offset

    def add(self, reference: npt.NDArray[np.float64], candidate: npt.NDArray[np.float64]) -> None:
        x, y = (values.reshape(-1, values.shape[-1]) for values in (reference, candidate))
        products = (np.einsum("nc,nc->c", a, b) for a, b in ((x, x), (x, y), (y, y)))
        self._sums += np.array([x.sum(axis=0), y.sum(axis=0), *products])
        self._count += len(x)

    def sqnr_db(self) -> float:
        """See the module's formula."""
        x, y, xx, xy, yy = self._sums
        about_mean = xx - x * x / self._count
        if self._with_offset:
            xx, xy, yy = about_mean, xy - x * y / self._count, np.maximum(yy - y * y / self._count, 0.0)
        signal = float(np.maximum(about_mean, 0.0).sum())
        noise = float(np.maximum(xx - _share(xy * xy, yy), 0.0).sum())
        floor = float(np.finfo(np.float64).eps * max(self._sums[2].sum(), np.finfo(np.float32).tiny))
        return float(10 * np.log10(max(signal, floor) / max(noise, floor)))

    def bias(self) -> float:
        """Mean error in units of the signal's standard deviation, both root mean square over channels."""
        x, y, xx, xy, yy = self._sums
        errors = (_share(xy, yy) * y - x) / self._count
        variances = np.maximum(xx / self._count - (x / self._count) ** 2, 0.0)
        spread = float(np.sqrt(variances.mean()))
        return float(np.sqrt((errors**2).mean())) / spread if spread else 0.0


def _share(
    numerator: npt.NDArray[np.float64], denominator: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)

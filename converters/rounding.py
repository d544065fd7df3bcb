"""Kernels rounded to int8 so that each layer's output is kept, not each weight.

Rounding every weight to the nearest step is not the best for the sum that they make. Here a layer is shown what it
will read on the device, the calibration images as the layers before it already answer in int8, and its kernel is
chosen to give what the float network gives there:

1. the real-valued kernel that does so best in the mean square, held near the given one;
2. its rows rounded one after another, each row's error made good by those still to come (Frantar et al., "Optimal
   Brain Compression", NeurIPS 2022, and "GPTQ", ICLR 2023: equations 2 and 3 with the Cholesky factor of the inverse);
3. the bias for which the mean is that of the float network.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cspine_edge.preprocess import Preprocessing
from cspine_edge.progress import progress
from cspine_edge.training.framework import keras
from cspine_edge.training.pipeline import inference_batches

from .fold import source_names
from .qat import LEAST_BOUND, CalibratedQuantizer
from .ranges import output_ranges

layers = keras.layers

_LEAST_ROWS, _MOST_ROWS, _ROWS_PER_TAP = 4_000, 20_000, 10
"""How many positions of the maps a kernel is fitted on, over all images."""
_DAMPING = 0.01
"""Held near the given kernel by this share of the inputs' mean variance."""
_BATCH = 16
_LARGEST_MAPS = 2**31
"""Bytes of the largest layer's maps over all images; of a large network fewer images are looked at."""
_BLOCK = 128

Maps = list[npt.NDArray[np.float32]]
"""A layer's output over the calibration images, batch by batch."""
Matrices = npt.NDArray[np.float64]


def round_kernels(
    folded: keras.Model,
    ranges: dict[str, tuple[float, float]],
    images: npt.NDArray[np.uint8],
    spec: Preprocessing,
    *,
    seed: int = 0,
) -> keras.Model:
    """Give a network whose kernels lie on the int8 grid, chosen layer by layer.

    Parameters
    ----------
    folded
        A folded network.
    ranges
        Output range of each layer, from :func:`converters.ranges.activation_ranges`.
    images
        Calibration images, shape (n, height, width), uint8.
    spec
        The preprocessing.
    seed
        Seed of the positions that kernels are fitted on.
    """
    rounded = keras.models.clone_model(folded)
    rounded.set_weights(folded.get_weights())
    outputs = output_ranges(folded, ranges, spec)
    rng = np.random.default_rng(seed)
    first = folded.layers[0].name
    largest = max(4 * int(np.prod(layer.output_shape[1:])) for layer in folded.layers[1:])
    images = images[:: -(-len(images) * largest // _LARGEST_MAPS)]
    batches = [batch.numpy() for batch in inference_batches(images, spec, _BATCH)]
    wanted, given = {first: batches}, {first: batches}
    waiting = {layer.name: 0 for layer in folded.layers}
    for layer in folded.layers[1:]:
        for name in source_names(layer):
            waiting[name] += 1
    with progress("rounding kernels", len(folded.layers) - 1) as step:
        for layer, copy in zip(folded.layers[1:], rounded.layers[1:], strict=True):
            names = source_names(layer)
            if type(layer) in (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense):
                _fit(layer, copy, wanted[names[0]], given[names[0]], rng)
            wanted[layer.name] = [
                _call(layer, [wanted[name][i] for name in names]) for i in range(len(batches))
            ]
            quantise = CalibratedQuantizer(*outputs[layer.name])
            given[layer.name] = [
                quantise(_call(copy, [given[name][i] for name in names]), False, {}).numpy()
                for i in range(len(batches))
            ]
            for name in names:
                waiting[name] -= 1
                if not waiting[name]:  # maps are large: none is kept longer than it is read
                    del wanted[name], given[name]
            step()
    return rounded


def _call(layer: Any, tensors: list[Any]) -> npt.NDArray[np.float32]:
    return np.asarray(layer(tensors if len(tensors) > 1 else tensors[0]))


def _fit(layer: Any, copy: Any, wanted: Maps, given: Maps, rng: np.random.Generator) -> None:
    """Choose kernel and bias of ``copy`` for what it reads on the device."""
    kernel, bias = (array.astype(np.float64) for array in layer.get_weights())
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    if depthwise and np.all(kernel == kernel[:1, :1]):  # as of the mean of a map: exact as it is
        reads = [
            np.mean([maps.mean(axis=(0, 1, 2), dtype=np.float64) for maps in side], axis=0)
            for side in (wanted, given)
        ]
        shift = (reads[0] - reads[1]) * kernel.sum(axis=(0, 1))[:, 0]
        copy.set_weights([kernel.astype(np.float32), (bias + shift).astype(np.float32)])
        return
    # A depthwise kernel is as many kernels of one channel: (groups, taps, outputs), read from (groups, rows, taps).
    taps = kernel[..., 0].size // (kernel.shape[2] if depthwise else 1)
    matrix = kernel.reshape(taps, -1).T[:, :, np.newaxis] if depthwise else kernel.reshape(1, taps, -1)
    each = min(max(_ROWS_PER_TAP * taps, _LEAST_ROWS), _MOST_ROWS) // sum(map(len, wanted)) + 1
    pairs = [_rows(layer, *pair, each, rng) for pair in zip(wanted, given, strict=True)]
    before, after = (np.concatenate(rows).reshape(-1, taps, len(matrix)) for rows in zip(*pairs, strict=True))
    before, after = before.transpose(2, 0, 1), after.transpose(2, 0, 1)
    mean_before, mean_after = (rows.mean(axis=1, keepdims=True, dtype=np.float64) for rows in (before, after))
    before, after = before - mean_before.astype(np.float32), after - mean_after.astype(np.float32)
    target = mean_before @ matrix
    matrix = _on_grid(before, after, matrix, one_scale=isinstance(layer, layers.Dense))
    shift = (target - mean_after @ matrix).reshape(-1)
    shaped = matrix[:, :, 0].T if depthwise else matrix
    copy.set_weights([shaped.reshape(kernel.shape).astype(np.float32), (bias + shift).astype(np.float32)])


def _on_grid(
    before: npt.NDArray[np.float32], after: npt.NDArray[np.float32], matrix: Matrices, *, one_scale: bool
) -> Matrices:
    """Kernel on its grid; rows (groups, rows, taps) without their mean, kernel (groups, taps, outputs)."""
    taps, rows = matrix.shape[1], after.shape[1]
    across = after.transpose(0, 2, 1)
    gram, crossed = (across @ after).astype(np.float64), (across @ before).astype(np.float64)
    spread = np.trace(gram, axis1=1, axis2=2)[:, np.newaxis, np.newaxis] / taps
    damping = np.maximum(spread * _DAMPING * max(1.0, _ROWS_PER_TAP * taps / rows), 1e-12)
    missing = crossed @ matrix - gram @ matrix
    gram = gram + damping * np.eye(taps)
    matrix = matrix + np.linalg.solve(gram, missing)
    bound = np.maximum(np.abs(matrix).max(axis=(0, 1, 2) if one_scale else 1, keepdims=True), LEAST_BOUND)
    step = bound / 127
    # The scale is read from the largest weight, which so has to stay.
    largest = np.abs(matrix) >= bound * (1 - 1e-9)
    factor = np.linalg.cholesky(np.linalg.inv(gram)).transpose(0, 2, 1)
    rest, result = matrix.copy(), np.empty_like(matrix)
    for start in range(0, taps, _BLOCK):
        stop = min(start + _BLOCK, taps)
        errors = np.empty((matrix.shape[0], stop - start, matrix.shape[2]))
        for row in range(start, stop):
            steps = np.clip(np.rint(rest[:, row] / step[:, 0]), -127, 127)
            steps = np.where(largest[:, row], 127 * np.sign(matrix[:, row]), steps)
            result[:, row] = steps * step[:, 0]
            errors[:, row - start] = (rest[:, row] - result[:, row]) / factor[:, row, row, np.newaxis]
            rest[:, row + 1 : stop] -= (
                factor[:, row, row + 1 : stop, np.newaxis] * errors[:, row - start, np.newaxis]
            )
        rest[:, stop:] -= factor[:, start:stop, stop:].transpose(0, 2, 1) @ errors
    return result


def _rows(
    layer: Any,
    before: npt.NDArray[np.float32],
    after: npt.NDArray[np.float32],
    each: int,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """What a kernel reads in both networks, at so many positions of each image; the kernel's shape is that of a row."""
    if isinstance(layer, layers.Dense):
        return before, after
    reads, padding = [], []
    for axis in (1, 2):
        size, stride, dilation = (
            values[axis - 1] for values in (layer.kernel_size, layer.strides, layer.dilation_rate)
        )
        sides = layer.output_shape[axis], before.shape[axis]
        total = max((sides[0] - 1) * stride + (size - 1) * dilation + 1 - sides[1], 0)
        total = total if layer.padding == "same" else 0
        padding.append((total // 2, total - total // 2))
        positions = rng.integers(0, sides[0], (len(before), each, 1))
        reads.append(positions * stride + np.arange(size) * dilation)
    image = np.arange(len(before))[:, np.newaxis, np.newaxis, np.newaxis]
    down, across = reads[0][..., :, np.newaxis], reads[1][..., np.newaxis, :]
    found = [np.pad(maps, ((0, 0), *padding, (0, 0)))[image, down, across] for maps in (before, after)]
    return found[0].reshape(-1, *found[0].shape[2:]), found[1].reshape(-1, *found[1].shape[2:])

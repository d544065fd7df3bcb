"""What the calibration set decides: how far activation ranges still move with its size, and which ranges serve.

    python benchmarks/calibration_ranges.py stability RUN ... --out FILE
    python benchmarks/calibration_ranges.py ranges RUN ... --out FILE

``stability`` draws calibration sets of several sizes and compares the ranges of their halves, as ``convert`` does.
``ranges`` takes min-max, percentile and MSE-optimal ranges from one calibration set, and compares the margins of
the fake-quantised network with the float one's on slices that are neither in the set nor in the test part.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from calibration.representative import choose_representative
from calibration.stability import compare_ranges, two_halves
from converters.fold import fold
from converters.keras_model import load_keras
from converters.qat import quantization_aware
from cspine_edge.dataset import LabelledDataset, load_images
from cspine_edge.progress import progress
from cspine_edge.run import Run
from cspine_edge.training.framework import keras, tf
from cspine_edge.training.pipeline import inference_batches

_BINS = 4096
_BATCH = 8

Ranges = dict[str, tuple[float, float]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("stability", "ranges"))
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--pool", type=int, default=1024, help="slices that sets are drawn from (stability)")
    parser.add_argument("--draws", type=int, default=20, help="sets of each size (stability)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 64, 128, 256, 512])
    parser.add_argument("--calibration-size", type=int, default=200, help="(ranges)")
    parser.add_argument("--slices", type=int, default=200, help="slices whose margins are compared (ranges)")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    measure = stability if arguments.what == "stability" else ranges_compared
    command = " ".join(["python benchmarks/calibration_ranges.py", *sys.argv[1:-2], "--out FILE"])
    result = {"command": command, "runs": [measure(Run.load(folder), arguments) for folder in arguments.runs]}
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")


def stability(run: Run, arguments: argparse.Namespace) -> dict[str, Any]:
    """Differences between the ranges of the halves of calibration sets of several sizes."""
    train = run.dataset().subset(run.split().train)
    pool = _chosen(train, arguments.pool, 0)
    network = fold(load_keras(run.model_path))
    names, lowest, highest = _extremes(network, pool, run)
    rows = []
    for size in (size for size in arguments.sizes if size <= len(pool)):
        worst, median, mean = [], [], []
        for seed in range(arguments.draws):
            drawn = _chosen(pool, size, seed)
            place = {item.path: number for number, item in enumerate(pool.slices)}
            found: list[Ranges] = []
            for half in two_halves(drawn.slices, seed):
                of_pool = [place[drawn.slices[row].path] for row in half]
                low, high = lowest[of_pool].min(axis=0).clip(max=0), highest[of_pool].max(axis=0).clip(min=0)
                found.append(
                    {name: (float(a), float(b)) for name, a, b in zip(names, low, high, strict=True)}
                )
            differences = [layer.difference for layer in compare_ranges(*found, slices=size).layers]
            worst.append(max(differences))
            median.append(float(np.median(differences)))
            mean.append(float(np.mean(differences)))
        quantiles = {
            name: [round(float(np.quantile(values, q)), 4) for q in (0.05, 0.5, 0.95)]
            for name, values in (("mean", mean), ("median_layer", median), ("worst_layer", worst))
        }
        rows.append({"size": size, "draws": arguments.draws} | quantiles)
        print(run.folder.name, rows[-1])
    return {
        "run": run.folder.name,
        "layers": len(names),
        "pool": len(pool),
        "quantiles": [0.05, 0.5, 0.95],
        "sizes": rows,
    }


def ranges_compared(run: Run, arguments: argparse.Namespace) -> dict[str, Any]:
    """Margins with ranges of several kinds against the float network's."""
    split, dataset = run.split(), run.dataset()
    train = dataset.subset(split.train)
    calibration = _chosen(train, arguments.calibration_size, 0)
    known = {item.family for item in calibration.slices}
    apart = [item.path for item in train.slices if item.family not in known]
    seen = _chosen(dataset.subset(split.validation or apart), arguments.slices, 1)
    network = fold(load_keras(run.model_path))
    images = load_images(seen, run.preprocessing)
    wanted = _margins(network, images, run)
    kinds = _ranges(network, load_images(calibration, run.preprocessing), run)
    rows = {}
    for kind, found in kinds.items():
        margins = _margins(quantization_aware(network, found, run.preprocessing), images, run)
        away = margins - wanted
        rows[kind] = {
            "mean_absolute_error": round(float(np.abs(away).mean()), 4),
            "bias": round(float(away.mean()), 4),
            "largest_error": round(float(np.abs(away).max()), 4),
            "flips": int(((margins >= run.threshold.logit) != (wanted >= run.threshold.logit)).sum()),
        }
        print(run.folder.name, kind, rows[kind])
    return {
        "run": run.folder.name,
        "calibration_slices": len(calibration),
        "slices": len(seen),
        "part": "validation" if split.validation else "training, other families",
        "mean_absolute_margin": round(float(np.abs(wanted).mean()), 3),
        "ranges": rows,
    }


def _chosen(dataset: LabelledDataset, size: int, seed: int) -> LabelledDataset:
    return dataset.subset([item.path for item in choose_representative(dataset, size=size, seed=seed).slices])


def _margins(network: keras.Model, images: np.ndarray, run: Run) -> np.ndarray:
    logits = network.predict(inference_batches(images, run.preprocessing, _BATCH), verbose=0).astype(
        np.float64
    )
    return logits[:, 1] - logits[:, 0]


def _extremes(
    network: keras.Model, slices: LabelledDataset, run: Run
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Least and greatest output of each layer for each slice, shape (n, layers)."""
    probed = network.layers[1:]
    flat = [tf.reshape(layer.output, (tf.shape(layer.output)[0], -1)) for layer in probed]
    probe = keras.Model(
        network.input,
        [tf.stack([tf.reduce_min(x, 1) for x in flat], 1), tf.stack([tf.reduce_max(x, 1) for x in flat], 1)],
    )
    batches = inference_batches(load_images(slices, run.preprocessing), run.preprocessing, _BATCH)
    lowest, highest = probe.predict(batches, verbose=0)
    return [layer.name for layer in probed], lowest, highest


def _ranges(network: keras.Model, images: np.ndarray, run: Run) -> dict[str, Ranges]:
    """Ranges of each kind, from histograms of each layer's outputs between its extremes."""
    probed = network.layers[1:]
    probe = keras.Model(network.input, [layer.output for layer in probed])
    lowest, highest = np.zeros(len(probed)), np.zeros(len(probed))
    for batch in inference_batches(images, run.preprocessing, _BATCH):
        outputs = [output.numpy() for output in probe(batch, training=False)]
        lowest = np.minimum(lowest, [output.min() for output in outputs])
        highest = np.maximum(highest, [output.max() for output in outputs])
    counts = np.zeros((len(probed), _BINS))
    with progress("histograms", len(images)) as step:
        for batch in inference_batches(images, run.preprocessing, _BATCH):
            for number, output in enumerate(probe(batch, training=False)):
                counts[number] += np.histogram(output, _BINS, (lowest[number], highest[number]))[0]
            step(len(batch))
    kinds: dict[str, Ranges] = {}
    for number, layer in enumerate(probed):
        low, high, histogram = lowest[number], highest[number], counts[number]
        edges = np.linspace(low, high, _BINS + 1)
        found = {"minmax": (low, high), "mse": _least_squares(edges, histogram)}
        for percentage in (99.9, 99.99):
            share = np.append(0.0, histogram.cumsum() / histogram.sum())
            tail = (100.0 - percentage) / 200.0 if low < 0.0 else (100.0 - percentage) / 100.0
            bounds = np.interp([tail if low < 0.0 else 0.0, 1.0 - tail], share, edges)
            found[f"percentile {percentage}"] = (min(0.0, bounds[0]), max(0.0, bounds[1]))
        for kind, (a, b) in found.items():
            kinds.setdefault(kind, {})[layer.name] = (float(a), float(b))
    return kinds


def _least_squares(edges: np.ndarray, histogram: np.ndarray) -> tuple[float, float]:
    """Shrink a range, both ends alike, to where 8 bits have the least squared error on the histogram."""
    values = (edges[:-1] + edges[1:]) / 2.0
    best, least = (edges[0], edges[-1]), np.inf
    for share in np.linspace(0.2, 1.0, 161):
        low, high = share * edges[0], share * edges[-1]
        scale = max(high - low, 1e-9) / 255.0
        rounded = low + np.round((values.clip(low, high) - low) / scale) * scale
        error = float((histogram * (values - rounded) ** 2).sum())
        if error < least:
            best, least = (low, high), error
    return best


if __name__ == "__main__":
    main()

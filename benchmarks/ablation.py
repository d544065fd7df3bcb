"""What each part of the grouped recipe is worth, each series held out in turn.

``python benchmarks/ablation.py probe --data DATA --weights FILE --out results/ablation-probe-csf.json`` fits
linear probes on frozen MobileNet features, by block, range of inputs, augmentation and weighting of series.
``python benchmarks/ablation.py heads RUN ... --out results/ablation-heads-csf.json`` takes the heads of trained
runs apart: each one alone, and all sums of them, at equal logits.

Everything here looks at the held-out series: it explains, and it is no evidence for a choice made by it.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cspine_edge.dataset import load_dataset, load_images
from cspine_edge.files import write_json
from cspine_edge.metrics import evaluate
from cspine_edge.preprocess import Preprocessing
from cspine_edge.run import Run

BLOCKS = (3, 5, 7, 9, 11, 13)
Features = dict[int, npt.NDArray[np.float32]]


def rates(
    margins: npt.NDArray[np.float64], labels: npt.NDArray[np.int64], series: str
) -> dict[str, float | None]:
    """Recall, specificity, their mean and AUC at equal logits; slices of one series, so no intervals."""
    metrics = evaluate(margins, labels, [series] * len(labels), list(range(len(labels))), 0.0)
    found = {name: getattr(metrics, name).estimate for name in ("accuracy", "recall", "specificity", "auc")}
    return found | {"balanced": (found["recall"] + found["specificity"]) / 2}


def best_balanced(margins: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> float:
    """Balanced accuracy at the threshold that is best for these very slices, which nobody can know beforehand."""
    levels = np.unique(margins)
    recall = np.array([(margins[labels == 1] >= level).mean() for level in levels])
    specificity = np.array([(margins[labels == 0] < level).mean() for level in levels])
    return float((recall + specificity).max() / 2)


def equalised(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Equalise the histogram of each image; its darkest 8 levels, the background, do not count."""
    result = np.empty_like(images)
    for image, target in zip(images, result, strict=True):
        counts = np.bincount(image.ravel(), minlength=256).astype(np.float64)
        counts[:8] = 0.0
        target[:] = np.round(255.0 * np.cumsum(counts) / max(counts.sum(), 1.0))[image]
    return result


def features(
    images: npt.NDArray[np.uint8], weights: str, *, fitted: bool, augmentation: Any = None
) -> Features:
    """Pooled features after each block; ``fitted`` inputs have the range that the weights were trained on."""
    from cspine_edge.training.backbones import Architecture, build
    from cspine_edge.training.framework import keras
    from cspine_edge.training.pipeline import training_batches

    if fitted:
        base = build(Architecture(), weights)
    else:
        base = keras.applications.MobileNet(input_shape=(224, 224, 3), include_top=False, weights=weights)
    pool = keras.layers.GlobalAveragePooling2D()
    taps = keras.Model(base.input, [pool(base.get_layer(f"conv_pw_{block}_relu").output) for block in BLOCKS])
    none = np.zeros(len(images), np.int64)
    batches = training_batches(
        images,
        none,
        none.astype(np.float32),
        Preprocessing(224, 224),
        batch_size=32,
        epoch=0,
        seed=0,
        augmentation=augmentation,
        shuffled=False,
    )
    rows = [[tap.numpy() for tap in taps(batch, training=False)] for batch, _, _ in batches]
    return {
        block: np.concatenate(parts) for block, parts in zip(BLOCKS, zip(*rows, strict=True), strict=True)
    }


def probe(data: Path, weights: str) -> list[dict[str, Any]]:
    """Linear probes, trained on all series but one."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from cspine_edge.training.augment import Augmentation
    from cspine_edge.training.feed import balanced_weights

    dataset = load_dataset(data)
    images = load_images(dataset, Preprocessing(224, 224))
    plain = features(images, weights, fitted=True)
    unfitted, equal = (
        features(images, weights, fitted=False),
        features(equalised(images), weights, fitted=True),
    )
    cases: list[tuple[str, Features, Features, bool]] = [
        ("inputs in [0, 1] as they are", unfitted, unfitted, False),
        ("inputs fitted to the weights", plain, plain, False),
        ("equalised histograms", equal, equal, False),
    ]
    augmentations = {
        "the paper's augmentation": Augmentation(),
        "across scanners": Augmentation.across_scanners(),
    }
    for name, maps in augmentations.items():
        augmented = features(images, weights, fitted=True, augmentation=maps)
        cases.append((name, augmented, plain, False))
    cases.append(("across scanners, series balanced", augmented, plain, True))
    series = dataset.series
    found: list[dict[str, Any]] = []
    for name, train, test, balanced in cases:
        for block in BLOCKS:
            for held in sorted(set(series.tolist())):
                out = series == held
                if len(set(dataset.labels[out].tolist())) < 2:
                    continue
                model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=200))
                importance = balanced_weights(
                    dataset.labels[~out], series[~out].tolist() if balanced else None
                )
                model.fit(
                    train[block][~out], dataset.labels[~out], logisticregression__sample_weight=importance
                )
                margins = model.decision_function(test[block][out])
                found.append(
                    {"features": name, "block": block, "held_out": held}
                    | rates(margins, dataset.labels[out], held)
                )
                print(found[-1], flush=True)
    return found


def heads(runs: list[Path]) -> list[dict[str, Any]]:
    """Margins of each linear head of a run on its test part, and of their sums."""
    from converters.keras_model import load_keras
    from cspine_edge.training.backbones import STAGES
    from cspine_edge.training.framework import keras
    from cspine_edge.training.pipeline import inference_batches

    found: list[dict[str, Any]] = []
    for folder in runs:
        run = Run.load(folder)
        model, split = load_keras(run.model_path), run.split()
        part = run.dataset().subset(split.test)
        outputs = [model.get_layer(f"stage{stride}_logits").output for stride in STAGES]
        images = load_images(part, run.preprocessing)
        every = keras.Model(model.input, outputs).predict(
            inference_batches(images, run.preprocessing), verbose=0
        )
        margins = dict(
            zip(STAGES, (logits[:, 1].astype(np.float64) - logits[:, 0] for logits in every), strict=True)
        )
        for count in range(1, len(STAGES) + 1):
            for chosen in itertools.combinations(STAGES, count):
                held, total = (
                    ", ".join(split.held_out),
                    np.sum([margins[stride] for stride in chosen], axis=0),
                )
                found.append(
                    {"run": folder.name, "held_out": held, "heads": " + ".join(map(str, chosen))}
                    | rates(total, part.labels, held)
                    | {"best_balanced": best_balanced(total, part.labels)}
                )
                print(found[-1], flush=True)
    return found


def main() -> None:
    """Parse, measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in ("probe", "heads"):
        verb = verbs.add_parser(name)
        verb.add_argument("--out", type=Path, required=True)
        if name == "probe":
            verb.add_argument("--data", type=Path, required=True)
            verb.add_argument("--weights", default="imagenet")
        else:
            verb.add_argument("runs", nargs="+", type=Path)
    arguments = parser.parse_args()
    rows = probe(arguments.data, arguments.weights) if arguments.verb == "probe" else heads(arguments.runs)
    write_json(arguments.out, rows, overwrite=True)


if __name__ == "__main__":
    main()

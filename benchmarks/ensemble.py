"""How far the three networks get together: the mean of their scores on the test slices that they share.

``python benchmarks/ensemble.py RUN RUN RUN --out results/ensemble-paper-nadam-csf.json``
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import numpy as np

from cspine_edge.classifier import Classifier
from cspine_edge.dataset import load_images
from cspine_edge.files import write_json
from cspine_edge.metrics import evaluate
from cspine_edge.run import Run


def main() -> None:
    """Parse, run all networks over the slices, and write the metrics of each and of their mean."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, help="run folders with the same split")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    arguments = parser.parse_args()
    runs = [Run.load(folder) for folder in arguments.runs]
    split = runs[0].split()
    if any(run.split() != split for run in runs):
        parser.error("the runs have different splits")
    dataset = runs[0].dataset().subset(split.test)
    document: dict[str, object] = {"runs": [run.folder.name for run in runs], "slices": len(dataset)}
    for kind in ("float32", "int8"):
        models = [Classifier(min(run.folder.glob(f"*-{kind}*.tflite"))) for run in runs]
        columns = []
        for model in models:
            columns.append([model.margin(image) for image in load_images(dataset, model.spec)])
        margins = np.column_stack(columns)
        scores = (1.0 / (1.0 + np.exp(-margins))).mean(axis=1)
        mean = np.log(scores) - np.log1p(-scores)
        series, families = [item.series for item in dataset.slices], [item.family for item in dataset.slices]
        metrics = evaluate(mean, dataset.labels, series, families, 0.0)
        document[kind] = asdict(metrics)
        print(f"{kind}: {metrics}")
    write_json(arguments.out, document, overwrite=True)


if __name__ == "__main__":
    main()

"""Where along the neck a network is right: margins by slice position, one panel a held-out series.

``python benchmarks/by_slice.py RUN ... --out results/by-slice-grouped-mobilenet-nadam-csf``
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from cspine_edge.classifier import Classifier
from cspine_edge.dataset import LABELS, load_images
from cspine_edge.files import write_json
from cspine_edge.run import Run


def main() -> None:
    """Parse, measure, write the JSON and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, help="run folders with an int8 model")
    parser.add_argument(
        "--out", type=Path, required=True, help="path of the JSON and the PNG, without suffix"
    )
    arguments = parser.parse_args()
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        len(arguments.runs), 1, figsize=(8, 2.4 * len(arguments.runs)), layout="constrained", squeeze=False
    )
    document: list[dict[str, Any]] = []
    for folder, axes in zip(arguments.runs, panels[:, 0], strict=True):
        run = Run.load(folder)
        part = run.dataset().subset(run.split().test)
        model = Classifier(min(folder.glob("*-int8*.tflite")))
        threshold = model.contract.threshold.logit
        margins: dict[tuple[int, int], list[float]] = {}
        for item, image in zip(part.slices, load_images(part, model.spec), strict=True):
            margins.setdefault((item.label, item.slice_index or 0), []).append(model.margin(image))
        for label, colour in zip(range(len(LABELS)), ("tab:blue", "tab:red"), strict=True):
            keys = sorted(key for key in margins if key[0] == label)
            if not keys:
                continue
            spread = np.array([np.percentile(margins[key], (10, 50, 90)) for key in keys])
            position = [key[1] for key in keys]
            axes.vlines(position, spread[:, 0], spread[:, 2], color=colour, alpha=0.4)
            axes.plot(position, spread[:, 1], ".", color=colour, label=LABELS[label])
            for key in keys:
                right = np.mean((np.array(margins[key]) >= threshold) == (label == 1))
                document.append(
                    {
                        "series": run.split().held_out[0],
                        "slice": key[1],
                        "label": LABELS[label],
                        "images": len(margins[key]),
                        "right": float(right),
                        "median_margin": float(np.median(margins[key])),
                    }
                )
        axes.axhline(threshold, color="black", linewidth=0.8)
        axes.set_title(f"{run.split().held_out[0]} held out", fontsize=10)
        axes.set_ylabel("margin")
        axes.legend(loc="upper right", fontsize=8)
    panels[-1, 0].set_xlabel("slice number, from the skull base down")
    figure.savefig(arguments.out.with_suffix(".png"), dpi=110)
    write_json(arguments.out.with_suffix(".json"), document, overwrite=True)


if __name__ == "__main__":
    main()

"""Train, convert and check a row of the tables in docs/paper.md and docs/fast.md, and write its files to results/.

``python benchmarks/reproduce.py paper-vgg16-nadam`` does one row, ``... paper``, ``... grouped`` (docs/paper.md) or
``... small`` (docs/fast.md) a table, ``... all`` everything. A run folder that is finished is used
again; a broken-off one is resumed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
WEIGHT_FILES = {
    "mobilenet": "mobilenet_1_0_224_tf_no_top.h5",
    "mobilenet-a0.5": "mobilenet_5_0_160_dequant_no_top.h5",
    "mobilenet-a0.25": "mobilenet_2_5_224_tf_no_top.h5",
    "vgg16": "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
}


@dataclass(frozen=True)
class Row:
    """One row: a network, trained, made int8 and compared.

    Attributes
    ----------
    backbone, optimizer
        As for ``cspine-edge train``.
    hold_out
        Series to test on, short name; ``None`` is the paper's protocol.
    options
        Further options of ``train``.
    precision
        Of the int8 model.
    alpha, blocks, size
        Of a MobileNet that is not the whole 1.0/224.
    """

    backbone: str
    optimizer: str
    hold_out: str | None
    options: tuple[str, ...] = ()
    precision: str = "int8"
    alpha: float | None = None
    blocks: int | None = None
    size: int | None = None

    @property
    def model(self) -> str:
        """The backbone, and what is not as usual with it."""
        parts = (("a", self.alpha), ("b", self.blocks), ("", self.size))
        return "-".join([self.backbone, *(f"{letter}{value}" for letter, value in parts if value)])

    @property
    def name(self) -> str:
        """``PROTOCOL-MODEL-OPTIMIZER[-SERIES]``."""
        protocol, series = ("grouped", f"-{self.hold_out}") if self.hold_out else ("paper", "")
        return f"{protocol}-{self.model}-{self.optimizer}{series}"

    @property
    def group(self) -> str:
        """``paper``, ``grouped`` or, of a MobileNet that is not the whole 1.0/224, ``small``."""
        return "small" if self.alpha else self.name.split("-")[0]

    @property
    def network_options(self) -> list[str]:
        """The options of ``train`` that name the network."""
        given = (("--alpha", self.alpha), ("--blocks", self.blocks), ("--size", self.size))
        return ["--backbone", self.backbone, *(str(x) for pair in given if pair[1] for x in pair)]

    @property
    def weight_file(self) -> str:
        """File of ImageNet weights."""
        return WEIGHT_FILES[self.backbone + (f"-a{self.alpha}" if self.alpha else "")]


# No ImageNet weights are to be had offline for DenseNet121; from nothing, and at 112 pixels for two cores' sake.
FROM_NOTHING = (
    *("--weights", "random", "--size", "112", "--head", "dense", "--epochs", "0"),
    *("--fine-tune-epochs", "8", "--fine-tune-rate", "1e-3"),
)
SMALL = ((0.25, 11, 272), (0.25, None, 224), (0.5, None, 224))
"""Smaller MobileNets: width, blocks, size. The first is shipped as ``fast``."""
ROWS = {
    row.name: row
    for row in (
        Row("vgg16", "nadam", None),
        Row("vgg16", "adam", None),
        Row("densenet121", "nadam", None, FROM_NOTHING),
        Row("densenet121", "adam", None, FROM_NOTHING),
        Row("mobilenet", "nadam", None, precision="int8-qat"),
        Row("mobilenet", "adam", None, precision="int8-qat"),
        *(Row("mobilenet", "nadam", series, precision="int8-qat") for series in ("B10", "B11", "B12", "B13")),
        *(Row("vgg16", "nadam", series) for series in ("B10", "B11", "B12")),
        *(Row("densenet121", "nadam", series, FROM_NOTHING) for series in ("B10", "B11", "B12")),
        *(
            Row("mobilenet", "nadam", series, alpha=alpha, blocks=blocks, size=size)
            for alpha, blocks, size in SMALL
            for series in ("B10", "B11", "B12")
        ),
    )
}


def cspine_edge(*arguments: str | Path, allowed: tuple[int, ...] = (0,)) -> None:
    """Run a verb, and stop here if it fails."""
    print("cspine-edge", *arguments, flush=True)
    code = subprocess.run([sys.executable, "-m", "cspine_edge", *map(str, arguments)], cwd=ROOT).returncode
    if code not in allowed:
        sys.exit(code)


def reproduce(row: Row, data: Path, weights: Path | None, runs: Path) -> None:
    """Do one row."""
    folder = runs / row.name
    if not (folder / "run.json").is_file():
        options = list(row.options)
        if row.hold_out:
            options += ["--protocol", "grouped", "--hold-out", f"CSFDV1{row.hold_out}"]
        else:
            options += ["--protocol", "paper"]
        if weights is not None and "--weights" not in options:
            options += ["--weights", str(weights / row.weight_file)]
        if folder.exists():
            options.append("--resume")
        cspine_edge(
            *("train", data, *row.network_options, "--optimizer", row.optimizer, *options, "--out", folder)
        )
    for precision in ("float32", row.precision):
        cspine_edge("convert", folder, "--precision", precision, "--overwrite")
    (model,) = folder.glob(f"*-{row.precision}.tflite")
    # The gate's verdict is part of the result: 1 (failed) and 3 (too little evidence) are answers too.
    cspine_edge(
        "check", model, "--out", RESULTS / f"check-{row.name}-csf.json", "--overwrite", allowed=(0, 1, 3)
    )
    shutil.copyfile(folder / "metrics.json", RESULTS / f"train-{row.name}-csf.json")
    for picture in ("curves", "confusion"):
        shown = RESULTS / f"{picture}-{row.name}-csf.png"
        shown.unlink(missing_ok=True)
        if (folder / f"{picture}.png").is_file():  # no curves where nothing had epochs
            shutil.copyfile(folder / f"{picture}.png", shown)


def main() -> None:
    """Parse, and do the rows that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="+", choices=[*ROWS, "paper", "grouped", "small", "all"])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/csf", help="the data set")
    parser.add_argument(
        "--weights", type=Path, help="folder of ImageNet weight files; without it Keras downloads them"
    )
    parser.add_argument("--runs", type=Path, default=ROOT / "runs", help="folder of the run folders")
    arguments = parser.parse_args()
    for name, row in ROWS.items():
        if {name, row.group, "all"} & set(arguments.rows):
            reproduce(row, arguments.data, arguments.weights, arguments.runs)


if __name__ == "__main__":
    main()

"""Write the hard phantom: thin gaps and low dose, and test series enough for the gate to decide at one point.

``python benchmarks/hard_phantom.py runs/phantom-hard`` writes the slices, and ``split.json`` beside them. Gaps are
about 2 mm wide and displaced by 1.6 mm, noise is about 31 HU (difficulty 0.5). Of 660 series with four slices each 320
are for the test: 299 without a loss would bound it at one point.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from cspine_edge.dataset import load_dataset
from cspine_edge.phantom import ImageFormat, write_phantom
from cspine_edge.splits import Protocol, Split

TRAIN, VALIDATION, TEST = 280, 60, 320
SLICES, DIFFICULTY, SIZE, SEED = 4, 0.5, 256, 2025


def main() -> None:
    """Write data and split."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder to write; must not exist")
    out = parser.parse_args().out
    write_phantom(
        out / "slices",
        series=TRAIN + VALIDATION + TEST,
        slices=SLICES,
        seed=SEED,
        difficulty=DIFFICULTY,
        image_format=ImageFormat.PNG,
        size=SIZE,
    )
    dataset = load_dataset(out / "slices")
    names = sorted(set(dataset.series.tolist()))
    order = [names[i] for i in np.random.default_rng(SEED).permutation(len(names))]
    parts = np.split(np.array(order), [TRAIN, TRAIN + VALIDATION])
    train, validation, test = (
        tuple(item.path for item in dataset.slices if item.series in set(part.tolist())) for part in parts
    )
    held_out = tuple(sorted(parts[2].tolist()))
    Split(Protocol.GROUPED, SEED, train, validation, test, held_out, "series").save(out / "split.json")
    print(f"{out}: {len(train)} slices to train, {len(validation)} to validate, {len(test)} to test")


if __name__ == "__main__":
    main()

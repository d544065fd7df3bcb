"""How often the gate's bound lets a true loss at the margin pass, beside a percentile bootstrap over series.

``python benchmarks/false_passes.py --out results/false-passes-gate.json`` makes the table of docs/gate.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cspine_edge.files import write_json
from cspine_edge.metrics import bootstrap_weights
from cspine_edge.noninferiority import bound_without_loss, paired_loss

Draw = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Slices, lost slices and gained slices of each series."""


def whole(series: int, lose: float, gain: float, slices: tuple[int, int]) -> Draw:
    """Series that are lost or gained as a whole."""

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        sizes = rng.integers(slices[0], slices[1] + 1, series)
        kind = rng.choice([1, -1, 0], series, p=[lose, gain, 1 - lose - gain])
        return sizes, sizes * (kind == 1), sizes * (kind == -1)

    return draw


def partly(series: int, lose: float, correlation: float, slices: tuple[int, int]) -> Draw:
    """Series that lose a beta-binomial number of their slices."""

    def draw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        sizes = rng.integers(slices[0], slices[1] + 1, series)
        weight = 1 / correlation - 1
        lost = rng.binomial(sizes, rng.beta(weight * lose, weight * (1 - lose), series))
        return sizes, lost, np.zeros_like(lost)

    return draw


CASES: dict[str, tuple[float, Draw]] = {
    "300 series, margin 1 point, single slices": (0.01, whole(300, 0.01, 0, (1, 1))),
    "60 series, margin 5 points, single slices": (0.05, whole(60, 0.05, 0, (1, 1))),
    "100 series, margin 5 points, single slices, 10 % lost and 5 % gained": (
        0.05,
        whole(100, 0.1, 0.05, (1, 1)),
    ),
    "60 series, margin 5 points, whole series of 1 to 200 slices": (0.05, whole(60, 0.05, 0, (1, 200))),
    "60 series, margin 5 points, beta-binomial, correlation 0.05, 5 to 60 slices": (
        0.05,
        partly(60, 0.05, 0.05, (5, 60)),
    ),
}


def false_passes(margin: float, draw: Draw, times: int, seed: int) -> dict[str, float]:
    """Shares of drawn data sets that pass."""
    rng, passed = np.random.default_rng(seed), np.zeros(2)
    for _ in range(times):
        sizes, lost, gained = draw(rng)
        names = np.repeat(np.arange(len(sizes)), sizes)
        place = np.arange(len(names)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        reference = place < (sizes - gained)[names]
        candidate = place >= lost[names]
        drawn = bootstrap_weights(len(sizes), np.random.default_rng(0))
        percentile = float(np.percentile(drawn @ (lost - gained) / (drawn @ sizes), 95))
        exact = paired_loss(reference, candidate, names.tolist(), margin).upper
        passed += (max(percentile, bound_without_loss(len(sizes))) <= margin, exact <= margin)
    return {"percentile bootstrap": passed[0] / times, "this bound": passed[1] / times}


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--times", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rates = {
        name: false_passes(margin, draw, given.times, given.seed) for name, (margin, draw) in CASES.items()
    }
    write_json(given.out, {"times": given.times, "seed": given.seed, "passed": rates}, overwrite=True)


if __name__ == "__main__":
    main()

"""What this toolkit adds to an inference: from an image in memory to the decision, against the bare ``invoke``.

``python benchmarks/overhead.py --out results/overhead-....json`` times both in turns, ten and ten, for the shipped
models on one and two threads. An image is of the input tensor's size already; throughput.py has reading and resizing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cspine_edge.classifier import Classifier
from cspine_edge.files import write_json
from cspine_edge.machine import describe_machine
from cspine_edge.shipped import SHIPPED

TURN = 10


def turn(do: Callable[[], object]) -> list[int]:
    """Times of some calls, in nanoseconds."""
    times = []
    for _ in range(TURN):
        begun = time.perf_counter_ns()
        do()
        times.append(time.perf_counter_ns() - begun)
    return times


def compare(name: str, threads: int, rounds: int) -> dict[str, object]:
    """Time one shipped model."""
    classifier = Classifier(name, threads=threads)
    spec, decision = classifier.spec, classifier.contract.decision
    image = np.random.default_rng(0).integers(0, 256, (spec.height, spec.width)).astype(np.uint8)

    def decide() -> None:
        margin = classifier.margin(image)
        decision.is_positive(margin)
        decision.score(margin)
        decision.referral(margin)

    decide()
    bare, whole = list[int](), list[int]()
    for _ in range(rounds):
        bare += turn(classifier.session.invoke)
        whole += turn(decide)
    row = {
        "model": name,
        "threads": threads,
        "invoke_us_median": statistics.median(bare) / 1e3,
        "decide_us_median": statistics.median(whole) / 1e3,
        "ratio_of_medians": statistics.median(whole) / statistics.median(bare),
    }
    print(row)
    return row


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = [compare(name, threads, arguments.rounds) for name in SHIPPED for threads in (1, 2)]
    document = {
        "what": "an image in memory to the decision / the bare invoke",
        "machine": describe_machine().banner,
        "rows": rows,
    }
    if arguments.out:
        write_json(arguments.out, document, overwrite=True)


if __name__ == "__main__":
    main()

"""Whole-process wall time of ``cspine-edge predict`` on one picture, against the plain script, interleaved.

    python benchmarks/one_slice.py [--runs 30] [--image FILE] [--out results/one-slice-....json]

Both classify the same picture with the same model in fresh processes, A B A B ...; the figure is the median
of the ratios pair by pair, so that a drifting machine does not blur it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cspine_edge.classifier import shipped_model
from cspine_edge.machine import describe_machine
from cspine_edge.phantom import ImageFormat, write_phantom


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        image = arguments.image or _phantom_picture(Path(folder))
        model = str(shipped_model())
        ours = [str(Path(sys.executable).parent / "cspine-edge"), "predict", str(image)]
        plain = [sys.executable, str(Path(__file__).with_name("plain_script.py")), model, str(image)]
        for command in (ours, plain):
            _seconds(command)
        pairs = [(_seconds(ours), _seconds(plain)) for _ in range(arguments.runs)]
    ratios = sorted(a / b for a, b in pairs)
    result = {
        "what": "whole process, one picture: cspine-edge predict / plain script",
        "runs": arguments.runs,
        "model_sha256": hashlib.sha256(shipped_model().read_bytes()).hexdigest(),
        "machine": describe_machine().banner,
        "predict_s_median": statistics.median(a for a, _ in pairs),
        "plain_s_median": statistics.median(b for _, b in pairs),
        "ratio_median": statistics.median(ratios),
        "ratio_quartiles": [ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]],
    }
    print(json.dumps(result, indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def _phantom_picture(folder: Path) -> Path:
    write_phantom(folder / "ct", series=1, slices=1, seed=0, image_format=ImageFormat.PNG)
    return next((folder / "ct").rglob("*.png"))


def _seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()

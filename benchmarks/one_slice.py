"""Time and peak memory of the whole process of ``predict`` on one picture, against the plain script, interleaved.

    python benchmarks/one_slice.py [--runs 30] [--image FILE] [--out results/one-slice-....json]

Both classify the same picture with the same model in fresh processes, A B A B ...; the figure is the median
of the ratios pair by pair, so that a drifting machine does not blur it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from processes import COMMAND, make_phantom, run

from cspine_edge.files import file_sha256, write_json
from cspine_edge.machine import describe_machine
from cspine_edge.shipped import shipped_model

PLAIN = Path(__file__).with_name("plain_script.py")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.image is None:
            make_phantom(Path(folder, "ct"), "--series", "1", "--slices", "1", "--format", "png")
        image = arguments.image or next(Path(folder, "ct").rglob("*.png"))
        ours = [*COMMAND, "predict", str(image)]
        plain = [sys.executable, str(PLAIN), str(shipped_model()), str(image)]
        for words in (ours, plain):
            run(words)
        pairs = [(run(ours), run(plain)) for _ in range(arguments.runs)]
    ratios = sorted(a.wall_s / b.wall_s for a, b in pairs)
    result = {
        "what": "whole process, one picture: cspine-edge predict / plain script",
        "runs": arguments.runs,
        "model_sha256": file_sha256(shipped_model()),
        "machine": describe_machine().banner,
        "predict_s_median": statistics.median(a.wall_s for a, _ in pairs),
        "plain_s_median": statistics.median(b.wall_s for _, b in pairs),
        "ratio_median": statistics.median(ratios),
        "ratio_quartiles": [ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]],
        "cpu_ratio_median": statistics.median(a.cpu_s / b.cpu_s for a, b in pairs),
        "peak_memory_ratio_median": statistics.median(a.peak_mib / b.peak_mib for a, b in pairs),
    }
    print(json.dumps(result, indent=2))
    if arguments.out:
        write_json(arguments.out, result, overwrite=True)


if __name__ == "__main__":
    main()

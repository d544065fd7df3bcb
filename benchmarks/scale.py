"""Time and peak memory of whole processes over 1,000, 10,000 and 100,000 slices.

    python benchmarks/scale.py [--sizes 1000 10000] [--verbs predict out again audit] --out results/scale-....json

The slices are 48 x 48 pixels, so that folders fit on a disk and the work per file is little beside what a file costs:
phantom slices, each under noise of its own, 100 to a series. ``fast`` classifies them. Figures that the file has
already are kept, so that sizes may be measured one by one.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from processes import COMMAND, make_phantom, run

from cspine_edge.files import write_json
from cspine_edge.machine import describe_machine

VERBS = ("predict", "out", "again", "audit")
SIDE = 48


def make_slices(folder: Path, count: int) -> None:
    """Write that many different PNG, half of them to each class."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as few:
        make_phantom(Path(few, "ct"), "--series", "4", "--slices", "30", "--format", "png", "--size", "128")
        paths = sorted(Path(few, "ct").rglob("*.png"))
        bases = [np.asarray(Image.open(path).resize((SIDE, SIDE))).astype(np.int16) for path in paths]
    for name in ("fracture", "normal"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        noisy = bases[number % len(bases)] + rng.integers(-12, 13, (SIDE, SIDE))
        image = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
        name = ("fracture", "normal")[number % 2]
        image.save(folder / name / f"s{number // 100:04}_{number:06}.png", compress_level=1)


def words(verb: str, slices: Path, scratch: Path) -> list[str]:
    """Give the command of a verb: predict to the terminal, to a journal, with nothing left to do; audit."""
    if verb == "audit":
        pattern = r"(?P<series>s\d+)"
        return [*COMMAND, "audit", str(slices), "--out", str(scratch / "audit"), "--series-pattern", pattern]
    journal = ["--out", str(scratch / "verdicts.jsonl")] if verb != "predict" else ["--csv"]
    return [*COMMAND, "predict", str(slices), "--model", "fast", *journal]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=(1_000, 10_000, 100_000))
    parser.add_argument("--verbs", choices=VERBS, nargs="+", default=VERBS)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    report = json.loads(arguments.out.read_text()) if arguments.out.exists() else {"rows": []}
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as scratch:
            make_slices(Path(scratch, "ct"), size)
            for verb in arguments.verbs:
                used = run(words(verb, Path(scratch, "ct"), Path(scratch)))
                row = {
                    "verb": verb,
                    "slices": size,
                    "wall_s": round(used.wall_s, 2),
                    "cpu_s": round(used.cpu_s, 2),
                    "cpu_ms_per_slice": round(1000 * used.cpu_s / size, 3),
                    "peak_mib": round(used.peak_mib, 1),
                }
                print(json.dumps(row), flush=True)
                others = [old for old in report["rows"] if (old["verb"], old["slices"]) != (verb, size)]
                report = {
                    "what": f"whole processes over folders of {SIDE} x {SIDE} PNG, model fast",
                    "machine": describe_machine().banner,
                    "processors": os.cpu_count(),
                    "rows": sorted([*others, row], key=lambda row: (VERBS.index(row["verb"]), row["slices"])),
                }
                write_json(arguments.out, report, overwrite=True)


if __name__ == "__main__":
    main()

"""``cspine-edge predict`` on folders against the plain loop: whole processes, interleaved; and their peak memory.

    python benchmarks/throughput.py --out results/throughput-....json

Three folders of synthetic CT are made: 1,000 PNG of 512 x 512, 1,000 of 224 x 224, and a DICOM series of 300 slices of
512 x 512 (16 bits, uncompressed). Both programs classify each folder with the shipped model, A B A B ..., each in a
process of its own that starts, loads, works and ends; the figure is the median of the ratios pair by pair. The
slices are those of the phantom; ``--png DIR`` takes others, over and over, for the PNG.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from processes import COMMAND, make_phantom, run

from cspine_edge.files import write_json
from cspine_edge.machine import describe_machine
from cspine_edge.shipped import shipped_model

GOALS = {"png-512": 1.7, "dicom-512": 1.7, "png-224": 1.25}
PLAIN = Path(__file__).with_name("plain_loop.py")


def make_folders(place: Path, pictures: Path | None) -> dict[str, Path]:
    """Write the three folders; pictures that repeat are files of their own."""
    make_phantom(place / "dicom", "--series", "1", "--slices", "300", "--format", "dicom")
    if pictures is None:
        make_phantom(place / "pool", "--series", "10", "--slices", "20", "--format", "png")
    pool = sorted((pictures or place / "pool").rglob("*.png"))
    folders = {"dicom-512": place / "dicom"}
    for side in (512, 224):
        folder = folders[f"png-{side}"] = place / f"png-{side}"
        folder.mkdir()
        for number, source in zip(range(1000), itertools.cycle(pool), strict=False):
            target = folder / f"{number:04}.png"
            if number < len(pool):
                with Image.open(source) as picture:
                    picture.convert("L").resize((side, side), Image.Resampling.LANCZOS).save(target)
            else:
                shutil.copyfile(folder / f"{number % len(pool):04}.png", target)
    return folders


def compare(folder: Path, runs: int) -> dict[str, Any]:
    """Time both programs on a folder in turns."""
    ours = [*COMMAND, "predict", str(folder)]
    plain = [sys.executable, str(PLAIN), str(shipped_model()), str(folder)]
    slices = sum(path.suffix in (".png", ".dcm") for path in folder.rglob("*"))
    for words in (ours, plain):
        run(words)
    pairs = [(run(ours), run(plain)) for _ in range(runs)]
    ratios = sorted(b.wall_s / a.wall_s for a, b in pairs)
    return {
        "slices": slices,
        "predict_ms_per_slice": 1e3 * statistics.median(a.wall_s for a, _ in pairs) / slices,
        "plain_ms_per_slice": 1e3 * statistics.median(b.wall_s for _, b in pairs) / slices,
        "predict_cpu_ms_per_slice": 1e3 * statistics.median(a.cpu_s for a, _ in pairs) / slices,
        "plain_cpu_ms_per_slice": 1e3 * statistics.median(b.cpu_s for _, b in pairs) / slices,
        "throughput_ratio_median": statistics.median(ratios),
        "throughput_ratio_quartiles": [ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]],
        "predict_peak_mib": max(a.peak_mib for a, _ in pairs),
        "plain_peak_mib": max(b.peak_mib for _, b in pairs),
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument(
        "--png", type=Path, metavar="DIR", help="square pictures to take in place of the phantom's"
    )
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folders = make_folders(Path(place), arguments.png)
        found = {name: compare(folders[name], arguments.runs) for name in GOALS}
    result = {
        "what": "whole process, a folder: plain loop / cspine-edge predict",
        "runs": arguments.runs,
        "pictures": arguments.png.name if arguments.png else "phantom",
        "model": shipped_model().name,
        "machine": describe_machine().banner,
        "folders": found,
    }
    print(json.dumps(result, indent=2))
    if arguments.out:
        write_json(arguments.out, result, overwrite=True)


if __name__ == "__main__":
    main()

r"""Instructions per inference on emulated Arm cores: a measure of speed that no busy machine can blur.

    python benchmarks/random_networks.py .cache/networks
    python benchmarks/instructions.py models/*.tflite .cache/networks/*.tflite \
        --out results/instructions-int8-arm64.json

Counts with LiteRT's XNNPACK kernels on one thread, by a QEMU plug-in (emulation/counting.py), for any ``.tflite`` that
LiteRT runs. The arm64 root is built where it is absent (emulation/roots.py). Needs the Debian packages mmdebstrap,
qemu-user (7.2 of bookworm; later ones have another plug-in interface) and gcc:
``apt-get install --no-install-recommends mmdebstrap qemu-user gcc libc6-dev``.

What is counted runs between two system calls of the guest around ``invoke``, so that the start of Python and the
loading of the model are outside, and so are the first two inferences. A few hundred instructions around it are in.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from emulation.counting import RUNS, WARM_UP, build_plug_in, count_inference, emulator_version
from emulation.roots import FOLDER, LITERT, EmulationError, build, device

from cspine_edge.files import write_json

CPUS = ("cortex-a72", "cortex-a76")
COUNTED = ("instructions", "repeats_to_the_instruction")


def describe(model: Path) -> dict[str, Any]:
    """What the name and the bytes of a model file tell: ``ARCHITECTURE[-random]-PRECISION.tflite``."""
    name = re.fullmatch(
        r"(?P<network>.+?)(?P<random>-random)?-(?P<precision>float32|float16|dynamic|int8(-qat)?|int16x8)",
        model.stem,
    )
    content = model.read_bytes()
    return {
        "network": name["network"] if name else model.stem,
        "precision": name["precision"] if name else None,
        "weights": "random" if name and name["random"] else "trained",
        "file": model.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
    }


def conditions(install: Path) -> dict[str, Any]:
    """What the counts depend on, with the packages of an install's folder."""
    first, last = WARM_UP + 1, WARM_UP + RUNS
    installed = {found.name: found.version for found in distributions(path=[str(install / "site")])}
    return {
        "counted": f"inferences {first} to {last} of a process, between system calls around invoke",
        "threads": 1,
        "kernels": "xnnpack",
        "emulator": emulator_version(),
        "cpus": list(CPUS),
        "versions": {package: installed[package] for package in ("ai-edge-litert", "numpy")},
        "input": "uniform noise, seed 0",
    }


def earlier(out: Path, under: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Counts that ``out`` has under the same conditions, by the file's SHA-256: they would come out the same."""
    if not out.is_file():
        return {}
    document = json.loads(out.read_text(encoding="utf-8"))
    if document.get("conditions") != under:
        return {}
    return {row["sha256"]: {name: row[name] for name in COUNTED} for row in document["models"]}


def main() -> None:
    """Count, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL", help=".tflite files")
    parser.add_argument("--root", type=Path, default=FOLDER, help="folder of the emulated boards")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="JSON file to bring up to date: what it has of the same files under the same conditions is kept",
    )
    arguments = parser.parse_args()
    for model in arguments.models:
        if not model.is_file():
            parser.error(f"{model}: no such file")
    under = conditions(build(LITERT, arguments.root))
    known = earlier(arguments.out, under)
    models = {model: describe(model) for model in sorted(arguments.models, key=lambda path: path.name)}
    boards = {cpu: device(LITERT, cpu, folder=arguments.root) for cpu in CPUS}
    with tempfile.TemporaryDirectory() as folder:
        plug_in = build_plug_in(Path(folder))
        for model, facts in models.items():
            if facts["sha256"] not in known:
                counts = {cpu: count_inference(model, boards[cpu], plug_in) for cpu in CPUS}
                known[facts["sha256"]] = {
                    "instructions": {cpu: found.instructions for cpu, found in counts.items()},
                    "repeats_to_the_instruction": all(found.repeats for found in counts.values()),
                }
            document = {
                "schema": "cspine-edge/instructions",
                "version": 1,
                "conditions": under,
                "models": [
                    facts | known[facts["sha256"]] for facts in models.values() if facts["sha256"] in known
                ],
            }
            write_json(arguments.out, document, overwrite=True)  # each time: a long run can be broken off
            counts_of = known[facts["sha256"]]["instructions"]
            print(
                f"{model.name}:",
                ", ".join(f"{cpu} {n / 1e6:.2f} M" for cpu, n in counts_of.items()),
                flush=True,
            )


if __name__ == "__main__":
    try:
        main()
    except EmulationError as error:
        sys.exit(f"error: {error}")

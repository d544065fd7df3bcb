r"""Instructions per inference on emulated Arm cores: a measure of speed that no busy machine can blur.

    python benchmarks/random_networks.py .cache/networks
    python benchmarks/instructions.py models/*.tflite .cache/networks/*.tflite \
        --out results/instructions-int8-arm64.json

Counts with LiteRT's XNNPACK kernels on one thread, by a QEMU plug-in (instruction_count.c), for any ``.tflite`` that
LiteRT runs. The arm64 root is built where it is absent (arm64_root.py). Needs the Debian packages mmdebstrap,
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
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from arm64_root import DEFAULT_FOLDER, TOOLS, Arm64Error, build_root, command, environment, missing_tools

from cspine_edge.files import write_json

CPUS = ("cortex-a72", "cortex-a76")
PLUG_IN = Path(__file__).with_name("instruction_count.c")
WARM_UP, INFERENCES = 2, 2
"""Inferences that are not counted, since a few hundred instructions are spent in them once; then counted ones."""
COUNTED = ("instructions", "repeats_to_the_instruction")
GUEST = """
import gc, os, sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter(sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
for tensor in interpreter.get_input_details():
    noise = np.random.default_rng(0).integers(0, 256, tensor["shape"])
    interpreter.set_tensor(tensor["index"], noise.astype(tensor["dtype"]))
gc.disable()

def counted(function, times, mark=os.getppid):
    for _ in range(times):
        mark()
        function()
        mark()

counted(int, 64)  # Python adapts its bytecode in the first rounds of a loop
counted(interpreter._interpreter.Invoke, int(sys.argv[2]))  # what invoke() calls, without Python around it
"""


@dataclass(frozen=True)
class Count:
    """Instructions of one inference.

    Attributes
    ----------
    instructions
        Of the counted inferences the last.
    repeats
        True if all of them took the same number, to the instruction.
    """

    instructions: int
    repeats: bool


def build_plug_in(folder: Path) -> Path:
    """Compile the plug-in.

    Raises
    ------
    Arm64Error
        If there is no compiler, or it refuses.
    """
    if install := missing_tools({"gcc": "gcc libc6-dev"}):
        raise Arm64Error(f"the counting plug-in needs a compiler: {install}")
    library = folder / "instruction_count.so"
    done = subprocess.run(
        ["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", library, PLUG_IN], capture_output=True, text=True
    )
    if done.returncode:
        raise Arm64Error(f"{PLUG_IN.name} does not compile: {done.stderr.strip()}")
    return library


def count(model: Path, cpu: str, root: Path, plug_in: Path) -> Count:
    """Count the instructions of one inference.

    Parameters
    ----------
    model
        A ``.tflite`` file.
    cpu
        A name of :data:`arm64_root.BOARDS`.
    root
        Folder of the arm64 root.
    plug_in
        The compiled plug-in.

    Raises
    ------
    Arm64Error
        If the guest cannot run it.
    """
    call = command(
        *(root, cpu, "-c", GUEST, model.resolve(), str(WARM_UP + INFERENCES)),
        options=("-plugin", str(plug_in)),
    )
    done = subprocess.run(call, capture_output=True, text=True, env=environment(root), check=False)
    marks = [int(number) for number in re.findall(r"^instructions (\d+)$", done.stderr, re.MULTILINE)]
    if done.returncode or len(marks) < 2 * (WARM_UP + INFERENCES):
        last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise Arm64Error(f"{model}: cannot be run on {cpu} ({last[0]})")
    counts = [end - begin for begin, end in zip(marks[::2], marks[1::2], strict=True)][-INFERENCES:]
    return Count(counts[-1], len(set(counts)) == 1)


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


def conditions(root: Path) -> dict[str, Any]:
    """What the counts depend on."""
    qemu = subprocess.run(["qemu-aarch64", "--version"], capture_output=True, text=True, check=True).stdout
    first, last = WARM_UP + 1, WARM_UP + INFERENCES
    installed = {found.name: found.version for found in distributions(path=[str(root / "site")])}
    return {
        "counted": f"inferences {first} to {last} of a process, between system calls around invoke",
        "threads": 1,
        "kernels": "xnnpack",
        "emulator": qemu.splitlines()[0],
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
    parser.add_argument("--root", type=Path, default=DEFAULT_FOLDER, help="folder of the arm64 root")
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
    if install := missing_tools(TOOLS):
        raise Arm64Error(f"counting needs programs that are absent: {install}")
    root = build_root(arguments.root)
    under = conditions(root)
    known = earlier(arguments.out, under)
    models = {model: describe(model) for model in sorted(arguments.models, key=lambda path: path.name)}
    with tempfile.TemporaryDirectory() as folder:
        plug_in = build_plug_in(Path(folder))
        for model, facts in models.items():
            if facts["sha256"] not in known:
                counts = {cpu: count(model, cpu, root, plug_in) for cpu in CPUS}
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
    except Arm64Error as error:
        sys.exit(f"error: {error}")

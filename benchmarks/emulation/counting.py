"""Instructions of emulated Arm cores, counted by a QEMU plug-in (instruction_count.c).

What is counted runs between two system calls of the guest that it makes for nothing else, on one thread. An inference
repeats to the instruction, from the third on; a slice and a whole process are the same to a few instructions in each
process. Needs QEMU 7.2, as Debian bookworm has it (later ones have another plug-in interface), and
the packages of :data:`COMPILER` beside those of :data:`emulation.roots.TOOLS`.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emulation.boards import Device
from emulation.roots import EmulationError, missing_tools

PLUG_IN = Path(__file__).with_name("instruction_count.c")
COMPILER = {"gcc": "gcc libc6-dev"}
WARM_UP, RUNS = 2, 2
"""Inferences or slices that are not counted, since a few hundred instructions are spent in them once; then counted."""
_COUNTED = """
import gc, os, sys
gc.disable()

def counted(function, times, mark=os.getppid):
    for _ in range(times):
        mark()
        function()
        mark()

counted(int, 64)  # Python adapts its bytecode in the first rounds of a loop
"""
_INFERENCE = """
import numpy as np
from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter(sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
for tensor in interpreter.get_input_details():
    noise = np.random.default_rng(0).integers(0, 256, tensor["shape"])
    interpreter.set_tensor(tensor["index"], noise.astype(tensor["dtype"]))
counted(interpreter._interpreter.Invoke, int(sys.argv[2]))  # what invoke() calls, without Python around it
"""
_SLICE = """
from pathlib import Path
from cspine_edge.classifier import Classifier
from cspine_edge.slices import read_slices

classifier = Classifier(sys.argv[1], threads=1)
for image in map(Path, sys.argv[3:]):
    counted(lambda: classifier.classify(next(read_slices(image))), int(sys.argv[2]))
"""
_PROCESS = """
import os, sys
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])  # so that there is one thread
from cspine_edge.cli import main

sys.argv = ["cspine-edge", "predict", "--json", "--model", sys.argv[1], sys.argv[2]]
try:
    main()
finally:
    os.getppid()
"""


@dataclass(frozen=True)
class Count:
    """Instructions of one run of something.

    Attributes
    ----------
    instructions
        Of the counted runs the last.
    repeats
        True if all of them took the same number, to the instruction.
    """

    instructions: int
    repeats: bool


def build_plug_in(folder: Path) -> Path:
    """Compile the plug-in.

    Raises
    ------
    EmulationError
        If there is no compiler, or it refuses.
    """
    if install := missing_tools(COMPILER):
        raise EmulationError(f"the counting plug-in needs a compiler: {install}")
    library = folder / "instruction_count.so"
    done = subprocess.run(
        ["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", library, PLUG_IN], capture_output=True, text=True
    )
    if done.returncode:
        raise EmulationError(f"{PLUG_IN.name} does not compile: {done.stderr.strip()}")
    return library


def emulator_version() -> str:
    """What QEMU says of itself."""
    shown = subprocess.run(["qemu-aarch64", "--version"], capture_output=True, text=True, check=True).stdout
    return shown.splitlines()[0]


def count_inference(model: Path, device: Device, plug_in: Path) -> Count:
    """Count one inference of any model that LiteRT runs; its input is noise.

    Parameters
    ----------
    model
        A ``.tflite`` file.
    device
        A board with LiteRT and numpy.
    plug_in
        The compiled plug-in.

    Raises
    ------
    EmulationError
        If the board cannot run it.
    """
    counts = _repeated(device, plug_in, _INFERENCE, model)[-RUNS:]
    return Count(counts[-1], len(set(counts)) == 1)


def count_slices(model: Path, images: Sequence[Path], device: Device, plug_in: Path) -> list[int]:
    """Count the way of a slice from the file to the verdict, with a classifier that is open.

    Parameters
    ----------
    model
        A ``.tflite`` file with a contract.
    images
        Files of one slice each.
    device
        A board with this toolkit and LiteRT.
    plug_in
        The compiled plug-in.

    Returns
    -------
    list of int
        One count for each file, of its last run.

    Raises
    ------
    EmulationError
        If the board cannot run it.
    """
    runs = WARM_UP + RUNS
    return _repeated(device, plug_in, _SLICE, model, *images)[-runs * len(images) :][runs - 1 :: runs]


def count_process(model: Path, image: Path, device: Device, plug_in: Path) -> int:
    """Count a whole ``predict --json`` of one slice, from the start of the process to its end.

    The parameters and errors are those of :func:`count_slices`. A first process, for which Python compiles modules,
    is not counted.
    """
    return [_marks(device, plug_in, _PROCESS, model, image)[-1] for _ in range(2)][-1]


def _repeated(device: Device, plug_in: Path, code: str, model: Path, *arguments: Path) -> list[int]:
    marks = _marks(device, plug_in, _COUNTED + code, model, str(WARM_UP + RUNS), *arguments)
    return [end - begin for begin, end in zip(marks[::2], marks[1::2], strict=True)]


def _marks(device: Device, plug_in: Path, code: str, model: Path, *arguments: str | Path) -> list[int]:
    # The library that numpy brings starts threads that wait busily, each time for another while.
    variables = {"QEMU_PLUGIN": str(plug_in), "OPENBLAS_NUM_THREADS": "1"}
    done = device.run("-c", code, model.resolve(), *arguments, variables=variables)
    marks = [int(number) for number in re.findall(r"^instructions (\d+)$", done.stderr, re.MULTILINE)]
    if done.returncode or not marks:
        last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise EmulationError(f"{model}: cannot be run on {device.python.parent.name} ({last[0]})")
    return marks

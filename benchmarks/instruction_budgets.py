"""Budgets of instructions: what the shipped models may take on emulated Arm cores, and on the way to a verdict.

    python benchmarks/instruction_budgets.py

counts anew and writes ``tests/arm64/instruction_budgets.json`` (two minutes); ``make test-arm64`` fails where 1 % more
is found. Counted are, with LiteRT on one thread (emulation/counting.py),

- ``inference``: one inference;
- ``png``, ``dicom``: one slice of 512 x 512 pixels from the file to the verdict, by a classifier that is open;
- ``process``: a whole process of ``cspine-edge predict --json`` on that PNG file.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from emulation.boards import Device
from emulation.counting import build_plug_in, count_inference, count_process, count_slices, emulator_version
from emulation.roots import (
    LITERT,
    PROJECT,
    EmulationError,
    build,
    build_wheel,
    device,
    forget_bytecode,
    unpack_wheel,
)

from cspine_edge.files import write_json
from cspine_edge.phantom import ImageFormat, write_phantom
from cspine_edge.shipped import SHIPPED, shipped_model

BUDGETS = PROJECT / "tests" / "arm64" / "instruction_budgets.json"
COMMAND = "python benchmarks/instruction_budgets.py"
CPUS = ("cortex-a72", "cortex-a76")
ALLOWED = 0.01
"""Share by which a count may exceed its budget."""
_PACKAGES = ("ai-edge-litert", "numpy", "pillow", "pydicom", "typer")


def write_slices(folder: Path) -> dict[str, Path]:
    """Write the slice that is counted, by the name of its format: ``png`` and ``dicom``."""
    found = {}
    for kind in (ImageFormat.PNG, ImageFormat.DICOM):
        phantom = write_phantom(folder / kind.value, series=1, slices=1, seed=0, image_format=kind)
        found[kind.value] = phantom.folder / phantom.slices[0].path
    return found


def measure(model: Path, board: Device, plug_in: Path, slices: Mapping[str, Path]) -> dict[str, int]:
    """Count instructions on one board.

    Parameters
    ----------
    model
        A ``.tflite`` file with a contract.
    board
        With LiteRT and the project's wheel.
    plug_in
        The compiled plug-in.
    slices
        As :func:`write_slices` gives them.
    """
    counts = {"inference": count_inference(model, board, plug_in).instructions}
    counts |= zip(slices, count_slices(model, list(slices.values()), board, plug_in), strict=True)
    return counts | {"process": count_process(model, slices["png"], board, plug_in)}


def over_budget(model: str, cpu: str, budget: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    """Say, one sentence each, which counts exceed their budget by more than :data:`ALLOWED`, or have none."""
    said = []
    for what, count in found.items():
        if what not in budget:
            said.append(f"{model} on {cpu}: {what} has no budget; write it with '{COMMAND}'")
        elif count > budget[what] * (1 + ALLOWED):
            said.append(
                f"{model} on {cpu}: {what} takes {count:,} instructions, {count / budget[what] - 1:+.2%} "
                f"of its budget of {budget[what]:,}; if that is what it costs, renew it with '{COMMAND}'"
            )
    return said


def conditions() -> dict[str, Any]:
    """What the counts depend on beside the code."""
    install = build(LITERT)
    installed = {found.name: found.version for found in distributions(path=[str(install / "site")])}
    return {
        "emulator": emulator_version(),
        "system": LITERT.system.suite,
        "threads": 1,
        "versions": {package: installed[package] for package in _PACKAGES},
    }


def main() -> None:
    """Count, print and write."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        folder = Path(name)
        site = unpack_wheel(build_wheel(folder / "wheel"), folder / "site")
        plug_in, slices = build_plug_in(folder), write_slices(folder)
        boards = {cpu: device(LITERT, cpu, site) for cpu in CPUS}
        running = {
            (model, cpu): pool.submit(measure, shipped_model(model), board, plug_in, slices)
            for model in SHIPPED
            for cpu, board in boards.items()
        }
        budgets: dict[str, dict[str, dict[str, int]]] = {}
        for (model, cpu), counts in running.items():
            budgets.setdefault(model, {})[cpu] = counts.result()
            print(model, cpu, json.dumps(counts.result()), flush=True)
        forget_bytecode(site)
    document = {
        "schema": "cspine-edge/instruction-budgets",
        "version": 1,
        "command": COMMAND,
        "conditions": conditions(),
        "budgets": budgets,
    }
    write_json(BUDGETS, document, overwrite=True)


if __name__ == "__main__":
    try:
        main()
    except EmulationError as error:
        sys.exit(f"error: {error}")

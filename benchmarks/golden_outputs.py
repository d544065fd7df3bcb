"""Add to a model's golden pairs what kernels give for them that the converting workstation does not have.

``python benchmarks/golden_outputs.py models/MODEL.tflite ...`` adds what lacks of the runtimes installed here, and then
of LiteRT's and tflite-runtime's on ARM, on emulated boards (benchmarks/emulation). Run it with a Python that has
tflite-runtime too (3.11 at most, numpy below 2, so without TensorFlow) for those on x86; the device install is
enough beside it. The graph stays as it is; ``sha256sum`` the file again afterwards.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from cspine_edge.classifier import Classifier
from cspine_edge.contract import KernelFamily
from cspine_edge.model_file import ModelFile
from cspine_edge.runtime import available_runtimes, tflite_session
from cspine_edge.verification import golden_key, outputs_of

HERE = "--here"
"""Told to itself on a board: it has no board below it."""


def add_outputs(path: Path) -> list[str]:
    """Rewrite a model file with the outputs of kernels of this machine that it lacks; give their names."""
    file = ModelFile.read(path)
    if file.contract is None or file.contract.provenance is None:
        sys.exit(f"{path}: has no contract of ours; give a model that 'cspine-edge convert' wrote")
    if not file.contract.provenance.precision.is_integer:
        sys.exit(f"{path}: is not an integer model; others are compared within a tolerance")
    golden, added = list(file.contract.golden), []
    for runtime in available_runtimes():
        for family in KernelFamily:
            classifier = Classifier(path, threads=1, family=family, runtime=runtime)
            used = tflite_session(classifier.session, "golden pairs are").family
            key = golden_key(runtime, used)
            if all(key in pair.expected for pair in golden):
                continue
            added.append(key)
            golden = [
                replace(pair, expected=pair.expected | {key: outputs_of(classifier, file.golden_image(pair))})
                for pair in golden
            ]
    if added:
        replace(file, contract=replace(file.contract, golden=tuple(golden))).save(path, overwrite=True)
    return added


def main() -> None:
    """Here, and then on the boards."""
    paths = [Path(argument).resolve() for argument in sys.argv[1:] if argument != HERE]
    for path in paths:
        for key in add_outputs(path):
            print(f"{path.name}: {key}", flush=True)
    if HERE in sys.argv:
        return
    from emulation import roots

    for install in (roots.LITERT, roots.TFLITE_RUNTIME):
        roots.build(install)
        board = roots.device(install, "cortex-a72", roots.PROJECT)
        done = board.run(__file__, HERE, *paths)
        print(done.stdout, end="")
        if done.returncode:
            sys.exit(done.stderr)


if __name__ == "__main__":
    main()

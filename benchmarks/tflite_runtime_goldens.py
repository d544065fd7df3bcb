"""Add to a model's golden pairs what tflite-runtime's kernels give for them.

``python benchmarks/tflite_runtime_goldens.py models/MODEL.tflite ...`` in an environment with tflite-runtime (Python
3.11 at most, numpy below 2), in which TensorFlow cannot be; no more than the device install is needed beside it. The
graph stays as it is. ``sha256sum`` the file again afterwards.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from cspine_edge.classifier import Classifier
from cspine_edge.contract import KernelFamily, ModelFile
from cspine_edge.runtime import Runtime, tflite_session
from cspine_edge.verification import golden_key, outputs_of


def add_goldens(path: Path) -> None:
    """Rewrite one model file; float graphs, which differ by rounding everywhere, are left as they are."""
    file = ModelFile.read(path)
    if file.contract is None or file.contract.provenance is None:
        sys.exit(f"{path}: has no contract of ours; give a model that 'cspine-edge convert' wrote")
    if not file.contract.provenance.precision.is_integer:
        print(f"{path}: not an integer model, nothing to add")
        return
    golden = list(file.contract.golden)
    for family in (KernelFamily.BUILTIN, KernelFamily.REFERENCE):
        classifier = Classifier(path, threads=1, family=family, runtime=Runtime.TFLITE_RUNTIME)
        key = golden_key(
            Runtime.TFLITE_RUNTIME, tflite_session(classifier.session, "golden pairs are").family
        )
        golden = [
            replace(pair, expected=pair.expected | {key: outputs_of(classifier, file.golden_image(pair))})
            for pair in golden
        ]
    replace(file, contract=replace(file.contract, golden=tuple(golden))).save(path, overwrite=True)
    print(f"{path}: {len(golden)} golden pairs have outputs of tflite-runtime")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        add_goldens(Path(argument))

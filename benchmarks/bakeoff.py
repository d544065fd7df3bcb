"""Ways to int8 side by side: what each does to the same trained network, on the same slices.

``python benchmarks/bakeoff.py runs/grouped-mobilenet-nadam-B12 --method stock-ptq ...`` writes
``results/bakeoff-RUN-METHOD.json`` for each method:

- ``stock-ptq``: TensorFlow's converter as its guide says, with a representative data set;
- ``stock-qat``: ``tfmot.quantization.keras.quantize_model``, one epoch on the labels, then that converter;
- ``int8``, ``int8-qat``: this toolkit's.

Threshold, temperature and referral are chosen on the validation part for each file alike. A method that refuses a
network has its refusal for a result.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from calibration.representative import choose_representative
from converters.contract_writer import attach_contract, describe_provenance
from converters.convert import ConvertSettings, convert
from converters.operating_point import with_operating_point
from converters.source import Source, default_output, source_of_run
from converters.tflite import float_operations
from cspine_edge.classifier import Classifier
from cspine_edge.contract import Precision
from cspine_edge.dataset import load_images
from cspine_edge.documents import encode
from cspine_edge.errors import ModelError
from cspine_edge.files import write_json
from cspine_edge.model_file import ModelFile
from cspine_edge.parity import judge, measure
from cspine_edge.progress import progress
from cspine_edge.training.augment import Augmentation
from cspine_edge.training.feed import ImageFeed, load_part
from cspine_edge.training.framework import keras, tf
from cspine_edge.training.pipeline import inference_batches

import tensorflow_model_optimization as tfmot  # isort: skip

ROOT = Path(__file__).resolve().parent.parent
OWN = (Precision.INT8.value, Precision.INT8_QAT.value)
METHODS = ("stock-ptq", "stock-qat", *OWN)
QAT_RATE = 5e-5


def quiet(line: str) -> None:
    """Print a line of progress."""
    print(" ", line, flush=True)


def stock(source: Source, out: Path, *, tuned: bool) -> ModelFile:
    """Convert as TensorFlow's guides say."""
    run, train, validation = source.run, source.train, source.validation
    if run is None or train is None or validation is None:
        raise SystemExit(f"{source.path}: a run with a validation part is needed")
    model = source.model
    if tuned:
        model = tfmot.quantization.keras.quantize_model(model)
        model.compile(
            keras.optimizers.Adam(QAT_RATE), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        part = load_part(train, source.spec)
        settings = run.settings.get("augmentation")
        feed = ImageFeed(source.spec, part, None, Augmentation(**settings) if settings else None)
        model.fit(feed.epoch(0, seed=0, batch_size=32), verbose=0)
    calibration = choose_representative(train)
    images = load_images(train.subset(item.path for item in calibration.slices), source.spec)
    images[0, 0, :2] = 0, 255  # so that the input takes bytes as they are
    signature = tf.TensorSpec([1, source.spec.height, source.spec.width, source.spec.channels], tf.float32)

    @tf.function(input_signature=[signature])
    def serve(image: Any) -> dict[str, Any]:
        logits = model(image, training=False)
        return {"logits": logits, "probability": tf.nn.softmax(logits)}

    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(model, folder, signatures=serve)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
        if not tuned:
            converter.representative_dataset = lambda: (
                [batch] for batch in inference_batches(images, source.spec, batch_size=1)
            )
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        graph = bytes(converter.convert())
    provenance = describe_provenance(run, source.path, Precision.INT8, source.data, calibration, out)
    file = attach_contract(graph, source.spec, provenance, out)
    return with_operating_point(file, run, validation, load_images(validation, source.spec)).save(out)


def own(source: Source, precision: Precision) -> ModelFile:
    """Convert with this toolkit, into the run folder."""
    out = default_output(source, precision)
    return convert(source, ConvertSettings(precision), out, overwrite=True, log=quiet).file


def result(source: Source, reference: Path, make: Callable[[Path], ModelFile]) -> dict[str, Any]:
    """Convert, and compare with the float network on the test part."""
    run = source.run
    if run is None:
        raise SystemExit(f"{source.path}: a run is needed")
    test = run.dataset().subset(run.split().test)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        begun = time.perf_counter()
        try:
            file = make(path)
        except (ModelError, RuntimeError, ValueError, TypeError) as error:
            return {"refused": str(error).strip().splitlines()[0][:300]}
        seconds, path = time.perf_counter() - begun, file.path
        with progress("comparing", len(test)) as step:
            paired = measure(Classifier(path), Classifier(reference), test, on_slice=step)
        report = judge(paired)
        candidate, wanted = (np.clip(margins, -8, 8) for margins in (paired.candidate, paired.reference))
        error = candidate - wanted  # beyond 8 int8 cuts on purpose
        inside = np.abs(paired.reference) < 8
        return {
            "seconds": round(seconds, 1),
            "megabytes": round(path.stat().st_size / 1e6, 2),
            "float_operations": len(float_operations(path, file.graph)),
            "slices": len(test),
            "flips": len(report.flips),
            "margin_within_8": {
                "sqnr_db": round(float(10 * np.log10(wanted.var() / np.square(error).mean())), 2),
                "mean_absolute_error": round(float(np.abs(error).mean()), 4),
                "slices_inside": int(inside.sum()),
                "mean_error_inside": round(float(error[inside].mean()), 4) if inside.any() else None,
                "mean_absolute_error_inside": round(float(np.abs(error[inside]).mean()), 4)
                if inside.any()
                else None,
            },
            "report": encode(replace(report, flips=())),
        }


def main() -> None:
    """Parse, and do the methods that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="a run folder with its float32 .tflite")
    parser.add_argument("--method", choices=METHODS, action="append", help="[all]")
    parser.add_argument("--out", type=Path, default=ROOT / "results", help="folder of the results")
    arguments = parser.parse_args()
    (reference,) = arguments.run.glob("*-float32.tflite")
    for method in arguments.method or METHODS:
        source = source_of_run(arguments.run)
        print(arguments.run.name, method, flush=True)
        makers: dict[str, Callable[[Path], ModelFile]] = {
            "stock-ptq": lambda path, source=source: stock(source, path, tuned=False),
            "stock-qat": lambda path, source=source: stock(source, path, tuned=True),
            **{name: lambda _, source=source, name=name: own(source, Precision(name)) for name in OWN},
        }
        found = {"run": arguments.run.name, "method": method} | result(source, reference, makers[method])
        write_json(arguments.out / f"bakeoff-{arguments.run.name}-{method}.json", found, overwrite=True)
        print({key: value for key, value in found.items() if key != "report"}, flush=True)
        keras.backend.clear_session()


if __name__ == "__main__":
    main()

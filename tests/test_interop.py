"""Files that others can use: MediaPipe Tasks classify with ours, and read what Netron shows.

MediaPipe 0.10.21 wants numpy below 2 and a protobuf of its own, so it runs in an environment of its own, which is
made once and kept in pytest's cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.classifier import Classifier
from cspine_edge.phantom import ImageFormat, write_phantom
from cspine_edge.slices import read_slices

HERE = Path(__file__).parent / "interop"
REQUIREMENTS = HERE / "mediapipe.txt"
Tasks = Callable[[Path, Sequence[Path]], dict[str, Any]]


@pytest.fixture(scope="session")
def mediapipe_tasks(request: pytest.FixtureRequest) -> Tasks:
    """What MediaPipe says of a model and of pictures."""
    if sys.version_info >= (3, 13):
        pytest.skip("MediaPipe 0.10.21 has no wheel for Python 3.13")
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = request.config.cache.mkdir(f"mediapipe-{sys.version_info.minor}-{digest}")
    python, complete = folder / "bin" / "python", folder / "complete"
    if not complete.exists():
        shutil.rmtree(folder)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--no-compile", "--no-deps"]
        installed = subprocess.run([*pip, "-r", REQUIREMENTS], capture_output=True, text=True)
        if "No matching distribution" in installed.stderr and not os.environ.get("CI"):
            pytest.skip("MediaPipe cannot be installed here: offline, or no wheel for this machine")
        assert installed.returncode == 0, installed.stderr
        complete.touch()

    def run(model: Path, pictures: Sequence[Path]) -> dict[str, Any]:
        command = [python, HERE / "mediapipe_tasks.py", model, *pictures]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], list[Path]]:
    """Phantom slices of a size as grey PNG: 4 series of 6."""

    def make(size: int) -> list[Path]:
        folder = tmp_path_factory.mktemp(f"png{size}")
        write_phantom(folder, series=4, slices=6, seed=9, image_format=ImageFormat.PNG, size=size)
        return sorted(folder.rglob("*.png"))

    return make


def heads_of(classified: list[Any]) -> dict[str, dict[str, float]]:
    """Scores by label, by the name of the head."""
    return {name: dict(categories) for name, categories in classified}


def other_classes(model: Path, paths: Sequence[Path], tasks: Tasks, *, same_bytes: bool) -> list[str]:
    """Pictures to which a head of MediaPipe's gives another class than our margin's sign.

    The class is that of the larger score; a head whose 8-bit scores are equal names none. Where MediaPipe does not
    resize, the scores are compared too, and the contract's decision on MediaPipe's logits.
    """
    classifier = Classifier(model)
    outputs, session, contract = classifier.contract.outputs, classifier.session, classifier.contract
    assert outputs.probability is not None
    others, told_apart = [], 0
    for path, classified in zip(paths, tasks(model, paths)["classified"], strict=True):
        (ct_slice,) = read_slices(path)
        verdict = classifier.classify(ct_slice)
        heads = heads_of(classified)
        for name, position in (("probability", outputs.probability), ("logits", outputs.logits)):
            if heads[name]["fracture"] != heads[name]["normal"]:
                told_apart += 1
                first, _ = next(categories for head, categories in classified if head == name)[0]
                if first != ("fracture" if verdict.margin > 0 else "normal"):
                    others.append(path.name)
            if same_bytes:
                found = [heads[name][label] for label in contract.labels]
                ours = session.outputs[position].dequantize(session.output(position))
                # MediaPipe has its own XNNPACK: a logit may be one step off, the score never is.
                step = session.outputs[position].scale if name == "logits" else 0.0
                np.testing.assert_allclose(found, ours, rtol=1e-6, atol=1.01 * step, err_msg=path.name)
        if same_bytes:
            margin = heads["logits"]["fracture"] - heads["logits"]["normal"]
            step = session.outputs[outputs.logits].scale
            if abs(margin - verdict.threshold) > 2.01 * step:
                assert ("fracture" if margin >= verdict.threshold else "normal") == verdict.label, path.name
    assert told_apart > len(paths)
    return others


@pytest.mark.slow
def test_mediapipe_gives_our_class_and_score(
    int8_model: Path, pictures: Callable[[int], list[Path]], mediapipe_tasks: Tasks
) -> None:
    assert not other_classes(int8_model, pictures(224), mediapipe_tasks, same_bytes=True)


@pytest.mark.slow
def test_mediapipe_gives_our_class_and_score_on_ct(
    int8_model: Path, csf: Path, mediapipe_tasks: Tasks
) -> None:
    """The data set's variants are 224 x 224, as the model takes them; MediaPipe resizes its 512 x 512 originals.

    It resizes in a way of its own, so that margins near 0 may change sign: 0 of 200 did with the shipped
    MobileNet, 1 with VGG16.
    """
    from PIL import Image

    paths = sorted(csf.rglob("*.png"))
    sides = [Image.open(path).width for path in paths]
    variants = [path for path, side in zip(paths, sides, strict=True) if side == 224]
    originals = [path for path, side in zip(paths, sides, strict=True) if side == 512]
    assert (len(variants), len(originals)) == (4000, 200)
    assert not other_classes(int8_model, variants[::10], mediapipe_tasks, same_bytes=True)
    assert len(other_classes(int8_model, originals, mediapipe_tasks, same_bytes=False)) <= 2


@pytest.mark.slow
@pytest.mark.workstation
def test_a_new_model_gives_the_probability_first(
    small_int8_model: Path, pictures: Callable[[int], list[Path]], mediapipe_tasks: Tasks
) -> None:
    """Programs take ``classifications[0]`` for the scores."""
    paths = pictures(96)
    for classified in mediapipe_tasks(small_int8_model, paths)["classified"]:
        assert [name for name, _ in classified] == ["probability", "logits"]
        assert sum(score for _, score in classified[0][1]) == pytest.approx(1.0, abs=2 / 256)
    assert not other_classes(small_int8_model, paths, mediapipe_tasks, same_bytes=True)


@pytest.mark.slow
@pytest.mark.workstation
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_an_independent_reader_finds_labels_and_normalisation(
    precision: str, converted: Callable[[str], Path], mediapipe_tasks: Tasks
) -> None:
    read = mediapipe_tasks(converted(precision), [])
    (graph,) = read["metadata"]["subgraph_metadata"]
    (image,) = graph["input_tensor_metadata"]
    assert image["content"]["content_properties"] == {
        "color_space": "RGB",
        "default_size": {"width": 96, "height": 96},
    }
    (unit,) = image["process_units"]
    assert unit == {"options_type": "NormalizationOptions", "options": {"mean": [0.0], "std": [255.0]}}
    assert "Normalisation: (grey - 0) / 255;" in image["description"]
    assert {"labels.txt", "cspine_edge.json"} <= set(read["files"])
    assert read["labels"] == ["normal", "fracture"]
    for output in graph["output_tensor_metadata"]:
        (file,) = output["associated_files"]
        assert file == {"name": "labels.txt", "type": "TENSOR_AXIS_LABELS"}
        assert output["description"].endswith("Labels: normal, fracture.")

"""SavedModel export: a named signature that computes what the run's network does, and its contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.contract import Contract
from cspine_edge.errors import OutputError
from cspine_edge.run import Run

pytestmark = pytest.mark.workstation


@pytest.fixture(scope="module")
def saved_model(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from converters.saved_model import export_saved_model
    from converters.source import source_of_run

    out = tmp_path_factory.mktemp("export") / "saved"
    export_saved_model(source_of_run(small_run), out)
    return out


def test_the_signature_gives_what_the_run_gives(
    saved_model: Path, small_run: Path, phantom_images: np.ndarray
) -> None:
    from converters.keras_model import load_keras
    from cspine_edge.training.framework import tf

    serve = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
    (image,) = serve.structured_input_signature[1].values()
    assert (image.name, image.dtype, image.shape.as_list()) == ("image", tf.float32, [None, 96, 96, 3])
    for images in (phantom_images[:1], phantom_images[:7]):
        pixels = np.repeat(images[..., np.newaxis] / np.float32(255), 3, axis=-1)
        found = {name: tensor.numpy() for name, tensor in serve(image=tf.constant(pixels)).items()}
        logits = load_keras(small_run / "model.keras")(pixels, training=False).numpy()
        assert found.keys() == {"logits", "probability"}
        np.testing.assert_allclose(found["logits"], logits, atol=1e-5)
        np.testing.assert_allclose(found["probability"], tf.nn.softmax(logits).numpy(), atol=1e-5)


def test_the_contract_lies_in_it(saved_model: Path, small_run: Path) -> None:
    extra = saved_model / "assets.extra"
    path = extra / "cspine_edge.json"
    contract = Contract.from_json(json.loads(path.read_text()), path)
    run = Run.load(small_run)
    assert contract.preprocessing == run.preprocessing
    assert (contract.threshold, contract.temperature) == (run.threshold, run.temperature)
    assert contract.abstention == run.abstention
    assert (extra / "labels.txt").read_text().split() == list(contract.labels)


def test_the_verb_replaces_saved_models_only(
    saved_model: Path, small_run: Path, cli: Callable[..., Any], tmp_path: Path
) -> None:
    again = cli("export", small_run, "--format", "saved-model", "--out", saved_model)
    assert again.code == 4
    assert "exists already" in again.err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    other = cli("export", small_run, "--format", "saved-model", "--out", tmp_path / "mine", "--overwrite")
    assert other.code == 4
    assert "is no SavedModel and is not replaced" in other.err
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years"
    (saved_model / "old").write_text("old")
    replaced = cli("export", small_run, "--format", "saved-model", "--out", saved_model, "--overwrite")
    assert replaced.code == 0, replaced.err
    assert (saved_model / "saved_model.pb").is_file()
    assert not (saved_model / "old").exists()
    assert [path.name for path in saved_model.parent.iterdir()] == [saved_model.name]


def test_it_has_one_precision(small_run: Path, cli: Callable[..., Any]) -> None:
    outcome = cli("export", small_run, "--format", "saved-model", "--precision", "int8")
    assert outcome.code == 2
    assert "a SavedModel is float32" in outcome.err


def test_a_closed_folder_is_named(small_run: Path, tmp_path: Path) -> None:
    from converters.saved_model import export_saved_model
    from converters.source import source_of_run

    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        export_saved_model(source_of_run(small_run), tmp_path / "file" / "saved")

"""What is converted: a run folder, or a Keras file that is read without running what is in it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibration.representative import choose_representative
from cspine_edge.contract import Precision
from cspine_edge.dataset import LabelledDataset, load_dataset, load_images
from cspine_edge.errors import InputError, ModelError, UsageError

pytestmark = pytest.mark.workstation


@pytest.fixture(scope="module")
def dataset(phantom_data: Path) -> LabelledDataset:
    return load_dataset(phantom_data)


def test_default_names(small_run: Path, tmp_path: Path, dataset: LabelledDataset) -> None:
    from converters.source import default_output, source_of_keras, source_of_run

    source = source_of_run(small_run)
    assert default_output(source, Precision.INT8_QAT) == small_run / "mobilenet-a0.25-96-int8-qat.tflite"
    bare = tmp_path / "mine.keras"
    bare.write_bytes((small_run / "model.keras").read_bytes())
    described = source_of_keras(bare, dataset, (0.0, 1.0))
    assert default_output(described, Precision.FLOAT16) == tmp_path / "mine-float16.tflite"


def test_folder_that_is_no_run(tmp_path: Path) -> None:
    from converters.source import source_of_run

    with pytest.raises(InputError, match=r"run\.json"):
        source_of_run(tmp_path)


def test_a_path_is_read_as_what_it_is(small_run: Path, phantom_data: Path, dataset: LabelledDataset) -> None:
    from converters.source import source_of

    described = source_of(small_run, None, None, (-1.0, 1.0))
    assert described.run is not None
    assert described.spec == described.run.preprocessing
    bare = source_of(small_run / "model.keras", phantom_data, None, (-1.0, 1.0))
    assert (bare.run, bare.train, bare.spec.value_range) == (None, dataset, (-1.0, 1.0))
    assert source_of(small_run / "model.keras", None, None, (0.0, 1.0)).train is None
    with pytest.raises(UsageError, match="--series-pattern"):
        source_of(small_run / "model.keras", phantom_data, "no group", (0.0, 1.0))


def test_a_calibration_set_is_of_the_training_part(small_run: Path) -> None:
    from converters.source import calibration_set, source_of_keras, source_of_run

    source = source_of_run(small_run)
    manifest, slices, images = calibration_set(source, Precision.INT8, size=5, seed=1)
    assert source.train is not None
    assert manifest == choose_representative(source.train, size=5, seed=1)
    assert [item.path for item in slices.slices] == [item.path for item in manifest.slices]
    np.testing.assert_array_equal(images, load_images(slices, source.spec))
    bare = source_of_keras(small_run / "model.keras", None, (0.0, 1.0))
    with pytest.raises(
        UsageError, match="--precision int16x8 takes activation ranges from data; give --data"
    ):
        calibration_set(bare, Precision.INT16X8, size=5, seed=1)


# Bare Keras files


def refused(path: Path) -> str:
    from converters.source import source_of_keras

    with pytest.raises(ModelError) as error:
        source_of_keras(path, None, (0.0, 1.0))
    message = str(error.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_nested_model_is_refused(head: Callable[..., Any], tmp_path: Path) -> None:
    from cspine_edge.training.framework import keras

    image = keras.Input((32, 32, 3))
    inner = keras.Model(image, keras.layers.Conv2D(4, 3)(image))
    outer = keras.layers.GlobalAveragePooling2D()(inner(image))
    keras.Model(image, keras.layers.Dense(2)(outer)).save(tmp_path / "nested.keras")
    assert "models within the model" in refused(tmp_path / "nested.keras")


@pytest.mark.parametrize(("units", "activation"), [(3, None), (1, "sigmoid"), (2, "sigmoid")])
def test_other_heads_are_refused(
    units: int, activation: str | None, head: Callable[..., Any], tmp_path: Path
) -> None:
    head(units, activation).save(tmp_path / "other.keras")
    assert ("two classes" if units != 2 else "softmax") in refused(tmp_path / "other.keras")


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_lambda_is_refused_and_not_run(suffix: str, tmp_path: Path) -> None:
    """Keras' safe mode guards the one format only; loading the other would run the code."""
    from cspine_edge.training.framework import keras

    trap = tmp_path / "trap"
    image = keras.Input((32, 32, 3))
    x = keras.layers.Lambda(lambda x, path=str(trap): (open(path, "w").close(), x)[1])(image)
    model = keras.Model(image, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x)))
    model.save(tmp_path / f"lambda{suffix}")
    trap.unlink()
    assert "a Lambda layer" in refused(tmp_path / f"lambda{suffix}")
    assert not trap.exists()


def test_function_of_another_module_is_refused_and_not_imported(
    head: Callable[..., Any], tmp_path: Path
) -> None:
    """An activation may name any function of any module, and Keras would import and call it."""
    head().save(tmp_path / "good.keras")
    activation = {
        "module": "antigravity",
        "class_name": "function",
        "config": "fly",
        "registered_name": "fly",
    }
    with (
        zipfile.ZipFile(tmp_path / "good.keras") as good,
        zipfile.ZipFile(tmp_path / "bad.keras", "w") as bad,
    ):
        for name in good.namelist():
            content = good.read(name)
            if name == "config.json":
                document = json.loads(content)
                document["config"]["layers"][1]["config"]["activation"] = activation
                content = json.dumps(document).encode()
            bad.writestr(name, content)
    assert "antigravity.fly" in refused(tmp_path / "bad.keras")


def test_operation_outside_any_layer_is_refused(tmp_path: Path) -> None:
    from cspine_edge.training.framework import keras

    image = keras.Input((32, 32, 3))
    x = keras.layers.GlobalAveragePooling2D()(image / 127.5 - 1.0)
    keras.Model(image, keras.layers.Dense(2)(x)).save(tmp_path / "scaled.keras")
    assert "TFOpLambda" in refused(tmp_path / "scaled.keras")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_truncated_file_is_refused(
    share: float, suffix: str, head: Callable[..., Any], tmp_path: Path
) -> None:
    whole = tmp_path / f"whole{suffix}"
    head().save(whole)
    content = whole.read_bytes()
    (tmp_path / f"part{suffix}").write_bytes(content[: int(share * len(content))])
    assert "no Keras model" in refused(tmp_path / f"part{suffix}")


def test_missing_file_is_refused(tmp_path: Path) -> None:
    assert "does not exist" in refused(tmp_path / "none.keras")

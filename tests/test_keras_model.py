"""Hostile Keras files: nothing in them is run, imported, fetched or unpacked."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.errors import ModelError

pytestmark = pytest.mark.workstation
h5py = pytest.importorskip("h5py")


def classifier() -> Any:
    from cspine_edge.training.framework import keras

    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(2)(x))


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keras") / "good.keras"
    classifier().save(path)
    return path


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def refused(path: Path) -> str:
    from converters.keras_model import load_keras

    with pytest.raises(ModelError) as caught:
        load_keras(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


def changed(good: Path, path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Write the good model with another configuration."""
    content = members(good)
    document = json.loads(content["config.json"])
    change(document)
    return written(path, content | {"config.json": json.dumps(document).encode()})


def test_the_good_one_is_loaded(good: Path, tmp_path: Path) -> None:
    from converters.keras_model import load_keras

    again = changed(good, tmp_path / "again.keras", lambda document: None)
    for one, other in zip(load_keras(good).get_weights(), load_keras(again).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("depth", [0, 1])
def test_code_is_not_run_however_deep_it_lies(suffix: str, depth: int, tmp_path: Path) -> None:
    from cspine_edge.training.framework import keras

    trap = tmp_path / "trap"
    image = keras.Input((32, 32, 3))
    x: Any = keras.layers.Lambda(lambda x, path=str(trap): (open(path, "w").close(), x)[1])(image)
    for _ in range(depth):
        x = keras.Model(image, x)(image)
    x = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x))
    keras.Model(image, x).save(tmp_path / f"lambda{suffix}")
    trap.unlink()
    assert "a Lambda layer" in refused(tmp_path / f"lambda{suffix}")
    assert not trap.exists()


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_registered_class_is_not_made_even_where_it_is_known(suffix: str, tmp_path: Path) -> None:
    """As if another package of this process had registered it."""
    from cspine_edge.training.framework import keras

    trap = tmp_path / "trap"

    @keras.utils.register_keras_serializable(package="faults")
    class Trap(keras.layers.Layer):
        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            trap.touch()
            return super().from_config(config)

        def call(self, image: Any) -> Any:
            return image

    image = keras.Input((32, 32, 3))
    x = keras.layers.GlobalAveragePooling2D()(Trap()(image))
    keras.Model(image, keras.layers.Dense(2)(x)).save(tmp_path / f"custom{suffix}")
    refused(tmp_path / f"custom{suffix}")
    assert not trap.exists()


@pytest.mark.parametrize(
    ("module", "name", "config"),
    [
        ("os", "function", "system"),
        ("keras.utils", "function", "get_file"),
        ("keras.utils", "get_file", {"fname": "x", "origin": "file:///etc/passwd"}),
        ("keras.config", "function", "enable_unsafe_deserialization"),
        ("builtins", "function", "exec"),
        ("tf_keras.src.saving.serialization_lib", "enable_unsafe_deserialization", {}),
        ("keras.layers", "Lambda", {"function": {"class_name": "__lambda__", "config": {"value": ""}}}),
        ("keras.layers", "TFSMLayer", {"filepath": "/nowhere"}),
        ("keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"}),
        ("keras.layers", "TextVectorization", {"vocabulary": "/etc/passwd"}),
    ],
)
def test_objects_that_reach_out_of_the_network(
    module: str, name: str, config: Any, good: Path, tmp_path: Path
) -> None:
    hostile = {"module": module, "class_name": name, "config": config, "registered_name": name}

    def as_activation(document: dict[str, Any]) -> None:
        document["config"]["layers"][1]["config"]["activation"] = hostile

    def as_layer(document: dict[str, Any]) -> None:
        document["config"]["layers"][2] |= hostile

    for change in (as_activation, as_layer):
        assert "is not run" in refused(changed(good, tmp_path / "hostile.keras", change))


@pytest.mark.parametrize(
    "name", ["/tmp/cspine-trap", "../trap", "assets/../../trap", "assets/vocabulary.txt"]
)
def test_members_that_would_be_unpacked(name: str, good: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "bad.keras", members(good) | {name: b"x"})
    before = sorted(tmp_path.parent.iterdir())
    assert f"the file {name!r}" in refused(path)
    assert sorted(tmp_path.parent.iterdir()) == before
    assert not Path("/tmp/cspine-trap").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_configurations(good: Path, tmp_path: Path) -> None:
    content = members(good)
    written(tmp_path / "two.keras", content)
    with zipfile.ZipFile(tmp_path / "two.keras", "a") as archive:
        archive.writestr("config.json", content["config.json"])
    assert "config.json" in refused(tmp_path / "two.keras")


def test_pickled_weights_are_not_read(good: Path, tmp_path: Path) -> None:
    import pickle

    class Trap:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "trap",)

    content = members(good)
    content["model.weights.npz"] = pickle.dumps(Trap())
    del content["model.weights.h5"]
    refused(written(tmp_path / "pickled.keras", content))
    assert not (tmp_path / "trap").exists()


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_weights_that_lie_in_other_files(good: Path, tmp_path: Path) -> None:
    """HDF5 may name another file, and any bytes of it, as the content of an array."""
    from cspine_edge.training.backbones import Architecture, build

    secret = tmp_path / "secret"
    secret.write_bytes(bytes(range(256)) * 64)
    classifier().save(tmp_path / "linked.h5")
    with h5py.File(tmp_path / "linked.h5", "a") as file:
        file["model_weights"]["stolen"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/")
    assert "stolen" in refused(tmp_path / "linked.h5")
    classifier().save(tmp_path / "external.h5")
    with h5py.File(tmp_path / "external.h5", "a") as file:
        file["model_weights"].create_dataset("stolen", (16,), "f4", external=[(str(secret), 0, 64)])
    assert "stolen" in refused(tmp_path / "external.h5")
    with pytest.raises(ModelError, match="in another file"):
        build(Architecture(size=32, alpha=0.25), str(tmp_path / "external.h5"))
    content = members(good)
    (tmp_path / "weights.h5").write_bytes(content["model.weights.h5"])
    with h5py.File(tmp_path / "weights.h5", "a") as file:
        layout = h5py.VirtualLayout((16,), "f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (16,))
        file.create_virtual_dataset("stolen", layout)
    content["model.weights.h5"] = (tmp_path / "weights.h5").read_bytes()
    assert "stolen" in refused(written(tmp_path / "virtual.keras", content))


def test_groups_with_many_links_are_looked_at_once(good: Path, tmp_path: Path) -> None:
    """Two links to the next group, forty deep: a million million ways lead to the last one."""
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        group = file
        for _ in range(40):
            inner = group.create_group("a")
            group["b"] = inner
            group = inner
        group["up"] = file["/"]
    weights = (tmp_path / "weights.h5").read_bytes()
    refused(written(tmp_path / "links.keras", members(good) | {"model.weights.h5": weights}))


def test_packed_weights_are_not_unpacked(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "packed.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members(good).items():
            archive.writestr(name, data)
    assert "its weights are packed or too large" in refused(path)

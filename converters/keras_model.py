"""Reading Keras files without running what is in them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py

from cspine_edge.errors import ModelError
from cspine_edge.training.framework import keras

_CODE = {
    "Lambda",
    "TFOpLambda",
    "SlicingOpLambda",
    "ClassMethod",
    "InstanceMethod",
    "TFSMLayer",
    "__lambda__",
}
"""Class names in a model's configuration that stand for code, or for operations outside any layer."""


def load_keras(path: Path) -> keras.Model:
    """Load a ``.keras`` or ``.h5`` model; no Lambda layer and no custom object is ever executed.

    Raises
    ------
    ModelError
        If it is missing, broken, or holds anything but stock layers.
    """
    if not path.is_file():
        raise ModelError(path, "does not exist; give a run folder or a .keras or .h5 file")
    try:
        foreign = _foreign_object(_configuration(path))
        if foreign is None:
            return keras.models.load_model(path, compile=False, safe_mode=True)
    except (OSError, EOFError, ValueError, TypeError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(path, f"is no Keras model that can be loaded ({cause})") from error
    raise ModelError(
        path, f"holds {foreign}, which is no stock layer and is not run; build the model without it"
    )


def _configuration(path: Path) -> Any:
    """Read the architecture where Keras reads it; how it was compiled is left out, as it is not used."""
    if path.suffix == ".keras" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            document = json.loads(archive.read("config.json"))
        return {key: value for key, value in document.items() if key != "compile_config"}
    with h5py.File(path) as file:
        return json.loads(file.attrs["model_config"])


def _foreign_object(node: Any) -> str | None:
    """Name the first object that Keras' safe mode would import or run; h5 files it does not guard at all."""
    if isinstance(node, dict):
        name, module = node.get("class_name"), node.get("module")
        if name in _CODE:
            return f"a {name} layer"
        stock = module == "builtins" and hasattr(keras.activations, str(node.get("config")))
        if name == "function" and not stock:
            return f"the function {module}.{node.get('config')}"
        if name not in (None, "function") and module and module.split(".")[0] not in ("keras", "tf_keras"):
            return f"the object {module}.{name}"
    items = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return next((found for item in items if (found := _foreign_object(item)) is not None), None)

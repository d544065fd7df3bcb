"""Reading Keras files without running what is in them.

A configuration names classes, and Keras makes and calls what it names: code of a Lambda layer, a function of any
module, a lookup layer that reads a file. Its safe mode guards against some of that in one of its formats. So a file is
read here before Keras sees it, and what is not on the list of an image classifier's parts is refused.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py

from cspine_edge.errors import ModelError, first_line
from cspine_edge.training.framework import keras

# fmt: off
_STOCK = frozenset({
    "Functional", "Model", "Sequential", "InputLayer",
    "Conv2D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D", "Dense", "EinsumDense",
    "BatchNormalization", "GroupNormalization", "LayerNormalization", "UnitNormalization", "Normalization",
    "Rescaling",
    "Activation", "ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax", "ThresholdedReLU",
    "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "MaxPooling2D",
    "Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract",
    "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout2D",
    "ActivityRegularization",
    "CenterCrop", "Cropping2D", "Flatten", "Identity", "Permute", "RepeatVector", "Reshape", "Resizing",
    "UpSampling2D", "ZeroPadding2D",
    "RandomBrightness", "RandomContrast", "RandomCrop", "RandomFlip", "RandomHeight", "RandomRotation",
    "RandomTranslation",
    "RandomWidth", "RandomZoom",
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform",
    "Ones", "Orthogonal",
    "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Zeros",
    "L1", "L1L2", "L2", "OrthogonalRegularizer", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm",
    "RadialConstraint",
    "Policy",
})
# fmt: on
"""Class names in a configuration that stand for a computation and nothing else."""

_WEIGHTS = "model.weights.h5"
_MEMBERS = frozenset({"metadata.json", "config.json", _WEIGHTS})
"""Of a ``.keras`` archive; assets would be unpacked to the disk."""

_LARGEST_CONFIGURATION = 64 * 1024 * 1024
_LARGEST_WEIGHTS = 1024 * 1024 * 1024


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
        foreign = _foreign(path)
        if foreign is None:
            return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # what a broken or hostile file raises is Keras' and h5py's own affair
        reason = f"is no Keras model that can be loaded ({first_line(error)})"
        raise ModelError(path, reason) from error
    raise ModelError(
        path, f"holds {foreign}, which is no stock layer and is not run; build the model without it"
    )


def require_plain_weights(path: Path) -> None:
    """Refuse a weight file that would have other files read.

    Raises
    ------
    ModelError
        If it links to others.
    OSError
        If it is no HDF5 file.
    """
    with h5py.File(path) as file:
        foreign = _outside(file)
    if foreign:
        raise ModelError(path, f"holds {foreign}, which lies in another file; save the weights anew")


def _foreign(path: Path) -> str | None:
    """Name the first thing that is not an image classifier's, where Keras would read it.

    How the model was compiled is left out, as it is not used.
    """
    if path.suffix == ".keras" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            strange = [name for name in names if name not in _MEMBERS or names.count(name) > 1]
            if strange:
                return f"the file {strange[0]!r}"
            if archive.getinfo("config.json").file_size > _LARGEST_CONFIGURATION:
                raise ValueError("its configuration is too large")
            document = json.loads(archive.read("config.json"))
            stored = archive.getinfo(_WEIGHTS)
            if stored.compress_type != zipfile.ZIP_STORED or stored.file_size > _LARGEST_WEIGHTS:
                raise ValueError("its weights are packed or too large")
            with h5py.File(io.BytesIO(archive.read(_WEIGHTS))) as weights:
                outside = _outside(weights)
        return outside or _foreign_object({k: v for k, v in document.items() if k != "compile_config"})
    with h5py.File(path) as file:
        return _outside(file) or _foreign_object(json.loads(file.attrs["model_config"]))


def _foreign_object(node: Any) -> str | None:
    """Name the first object that is not stock."""
    if isinstance(node, dict):
        name, module = node.get("class_name"), node.get("module")
        if name == "function":
            if module != "builtins" or not hasattr(keras.activations, str(node.get("config"))):
                return f"the function {module}.{node.get('config')}"
        elif name is not None:
            if module is not None and str(module).split(".")[0] not in ("keras", "tf_keras"):
                return f"the object {module}.{name}"
            if name not in _STOCK:
                return f"a {name} layer"
    items = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return next((found for item in items if (found := _foreign_object(item)) is not None), None)


def _outside(file: h5py.File) -> str | None:
    """Name the first dataset or group of an HDF5 file whose content lies in another one."""
    groups, seen = [file["/"]], set()
    while groups:
        group = groups.pop()
        place = h5py.h5o.get_info(group.id).addr
        if place in seen:  # several links may lead to a group, even one in it
            continue
        seen.add(place)
        for name in group:
            if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
                return f"the link {name!r}"
            item = group[name]
            if isinstance(item, h5py.Group):
                groups.append(item)
            elif isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
                return f"the array {name!r}"
    return None

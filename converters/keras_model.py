"""Reading Keras files without running what is in them."""

from __future__ import annotations

from pathlib import Path

from cspine_edge.errors import ModelError
from cspine_edge.training.framework import keras


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
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(path, f"is no Keras model that can be loaded ({cause})") from error

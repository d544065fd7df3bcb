"""The models that come with the package, by the names that stand for them."""

from __future__ import annotations

from pathlib import Path

from .errors import UsageError

DEFAULT_MODEL = "mobilenet"
SHIPPED = {
    DEFAULT_MODEL: "mobilenet-a1.0-224-int8-qat.tflite",
    "fast": "mobilenet-a0.25-b11-272-int8.tflite",
}
"""Files by the names that stand for them in a :class:`cspine_edge.Classifier` and in the verbs that read a model.
``check`` writes its verdict into files that are named by their path only."""


def shipped_model(name: str = DEFAULT_MODEL) -> Path:
    """Path of a model that comes with the package.

    Parameters
    ----------
    name
        A key of :data:`SHIPPED`.

    Raises
    ------
    UsageError
        If this installation has none.
    """
    package = Path(__file__).parent
    for folder in (package / "models", package.parent / "models"):
        found = folder / SHIPPED[name]
        if found.is_file():
            return found
    raise UsageError(f"this installation does not ship {SHIPPED[name]}; give a .tflite file")


def find_model(model: Path | str | None) -> Path:
    """Give the file that is meant: a shipped model's by its name, unless a file of that name is there."""
    name = DEFAULT_MODEL if model is None else str(model)
    return shipped_model(name) if name in SHIPPED and not Path(name).is_file() else Path(name)

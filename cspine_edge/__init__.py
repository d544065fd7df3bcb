"""Edge and mobile deployment toolkit for cervical-spine-fracture CT classifiers.

Research use only. Not a medical device.

>>> from cspine_edge import Classifier, find_slices, iter_slices
>>> classifier = Classifier()
>>> for verdict in classifier.classify_all(iter_slices(find_slices([folder]), print)):  # doctest: +SKIP
...     print(verdict.path, verdict.label, verdict.score)

Names are imported when they are first used, so that ``import cspine_edge`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .audit import AuditReport as AuditReport
    from .audit import audit_dataset as audit_dataset
    from .classifier import Classifier as Classifier
    from .classifier import Facts as Facts
    from .classifier import Verdict as Verdict
    from .contract import Contract as Contract
    from .contract import KernelFamily as KernelFamily
    from .contract import Precision as Precision
    from .dataset import load_dataset as load_dataset
    from .decision import Referral as Referral
    from .errors import CspineError as CspineError
    from .model_file import ModelFile as ModelFile
    from .parity import judge as judge
    from .parity import measure as measure
    from .phantom import write_phantom as write_phantom
    from .preprocess import Preprocessing as Preprocessing
    from .preprocess import prepare as prepare
    from .slice_files import find_slices as find_slices
    from .slices import CtSlice as CtSlice
    from .slices import iter_slices as iter_slices
    from .slices import read_slices as read_slices
    from .verification import verify as verify
    from .window import Window as Window

_HOMES = {
    "audit": ("AuditReport", "audit_dataset"),
    "classifier": ("Classifier", "Facts", "Verdict"),
    "contract": ("Contract", "KernelFamily", "Precision"),
    "dataset": ("load_dataset",),
    "decision": ("Referral",),
    "errors": ("CspineError",),
    "model_file": ("ModelFile",),
    "parity": ("judge", "measure"),
    "phantom": ("write_phantom",),
    "preprocess": ("Preprocessing", "prepare"),
    "slice_files": ("find_slices",),
    "slices": ("CtSlice", "iter_slices", "read_slices"),
    "verification": ("verify",),
    "window": ("Window",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

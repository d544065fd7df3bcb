"""Programs that run as if packages that are installed here were not."""

from __future__ import annotations

from collections.abc import Set

TENSORFLOW = {"tensorflow", "tf_keras", "keras", "tensorflow_model_optimization"}


def without(packages: Set[str], program: str) -> str:
    """Give a program in which none of these packages can be imported."""
    return f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {sorted(packages)}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
{program}"""

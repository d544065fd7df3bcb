"""The names of the models that ship: which file each stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from cspine_edge.errors import UsageError
from cspine_edge.shipped import SHIPPED, find_model, shipped_model


@pytest.mark.parametrize("name", SHIPPED)
def test_each_name_stands_for_a_model_of_this_installation(root: Path, name: str) -> None:
    assert shipped_model(name) == root / "models" / SHIPPED[name]


def test_a_file_goes_before_a_shipped_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_model("fast") == shipped_model("fast")
    assert find_model(None) == shipped_model()
    (tmp_path / "fast").mkdir()
    assert find_model("fast") == shipped_model("fast")
    (tmp_path / "fast").rmdir()
    (tmp_path / "fast").write_bytes(b"")
    assert find_model(Path("fast")) == Path("fast")


def test_an_installation_without_the_file_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SHIPPED, "fast", "absent.tflite")
    with pytest.raises(UsageError, match=r"does not ship absent\.tflite; give a \.tflite file"):
        find_model("fast")

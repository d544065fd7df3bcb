"""The notebook runs from its first cell to its last, in a kernel of its own."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path("docs/walkthrough.ipynb")


def test_it_is_committed_without_outputs_and_places(root: Path) -> None:
    text = (root / NOTEBOOK).read_text(encoding="utf-8")
    for cell in json.loads(text)["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    assert not re.search(r"/(tmp|home|root|work)/", text)


@pytest.mark.slow
@pytest.mark.workstation
def test_it_runs(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat
    from jupyter_client.manager import KernelManager
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    kernel = KernelManager()
    kernel.kernel_spec.argv[0] = sys.executable
    notebook = nbformat.read(root / NOTEBOOK, as_version=4)
    NotebookClient(
        notebook, timeout=300, km=kernel, resources={"metadata": {"path": str(root / "docs")}}
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    said = "".join(
        output.text for output in outputs if output.output_type == "stream" and output.name == "stdout"
    )
    pictures: list[Any] = [
        output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 5
    assert "120 slices (60 normal, 60 fracture) of 20 series" in said
    assert "passed: 4 golden pairs bit for bit" in said
    assert re.search(r"^(TOO LITTLE EVIDENCE|FAILED)$", said, re.M)

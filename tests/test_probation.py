"""Unknown models: one that crashes the interpreter is refused, and one that passes does not pay again."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cspine_edge import probation
from cspine_edge.contract import KernelFamily
from cspine_edge.errors import ModelError
from cspine_edge.model_file import ModelFile
from cspine_edge.probation import admit, vouch
from cspine_edge.runtime import KNOWN_GRAPHS, open_session
from cspine_edge.shipped import SHIPPED, shipped_model

CRASHES = sorted((Path(__file__).parent / "fuzz" / "found" / "models").glob("crash*.tflite"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and nothing in the memory of this process."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(probation, "_passed", set())
    return tmp_path / "cache"


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The children that are started; they are real."""
    started: list[list[str]] = []
    run = subprocess.run

    def counted(command: list[str], **options: Any) -> Any:
        started.append(command)
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", counted)
    return started


@pytest.fixture
def graph(int8_model: Path) -> bytes:
    """A graph that nobody knows: the shipped one and a byte that no interpreter reads."""
    return ModelFile.read(int8_model).graph + b"\x00"


@pytest.fixture(autouse=True)
def _known_graphs() -> Iterator[None]:
    before = set(KNOWN_GRAPHS)
    yield
    KNOWN_GRAPHS.clear()
    KNOWN_GRAPHS.update(before)


def test_shipped_models_are_known_and_import_nothing_of_this() -> None:
    for name in SHIPPED:
        assert ModelFile.read(shipped_model(name)).graph_sha256 in KNOWN_GRAPHS
    program = (
        "import sys; from cspine_edge.classifier import Classifier; Classifier(); "
        "sys.exit('cspine_edge.probation' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_graph_is_tried_once(cache: Path, graph: bytes, starts: list[list[str]], tmp_path: Path) -> None:
    for _ in range(2):
        admit(tmp_path / "a.tflite", graph)
    assert len(starts) == 1
    probation._passed.clear()  # as in a new process
    admit(tmp_path / "b.tflite", graph)
    assert len(starts) == 1
    admit(tmp_path / "b.tflite", graph, family=KernelFamily.BUILTIN)
    assert len(starts) == 2, "other kernels may crash where these do not"


def test_a_cache_that_cannot_be_written(
    cache: Path, graph: bytes, starts: list[list[str]], tmp_path: Path
) -> None:
    cache.write_text("a file")
    admit(tmp_path / "a.tflite", graph)
    admit(tmp_path / "a.tflite", graph)
    assert len(starts) == 1
    assert cache.read_text() == "a file"


def test_what_this_toolkit_writes_is_not_tried(
    cache: Path, int8_model: Path, starts: list[list[str]], tmp_path: Path
) -> None:
    file = ModelFile.read(int8_model)
    saved = ModelFile(file.path, file.graph + b"\x00", file.contract, {}).save(tmp_path / "a.tflite")
    open_session(saved.path, saved.graph, digest=saved.graph_sha256)
    KNOWN_GRAPHS.discard(str(saved.graph_sha256))
    open_session(saved.path, saved.graph, digest=saved.graph_sha256)
    vouch(b"another")
    assert hashlib.sha256(b"another").hexdigest() in KNOWN_GRAPHS
    assert starts == []


@pytest.mark.parametrize("path", CRASHES, ids=lambda path: path.name)
def test_a_model_that_crashes_is_refused(cache: Path, cli: Callable[..., Any], path: Path) -> None:
    with pytest.raises(ModelError, match=r"crashes the interpreter \(signal"):
        open_session(path, path.read_bytes())
    assert not list(cache.rglob("*")), "only what passes is remembered"
    done = cli("inspect", path)
    assert done.code == 4


def test_there_are_models_that_crash() -> None:
    assert CRASHES


@pytest.mark.parametrize(("name", "operation"), [("loop", "WHILE"), ("range", "RANGE")])
def test_a_model_that_runs_as_long_as_its_picture_says_is_refused(
    cache: Path, name: str, operation: str
) -> None:
    path = CRASHES[0].with_name(f"{name}-bare-predict.tflite")
    with pytest.raises(ModelError, match=f"may run as long as its input says .*{operation}"):
        open_session(path, path.read_bytes())
    assert not list(cache.rglob("*"))


def test_a_model_that_hangs_is_refused(
    cache: Path, graph: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probation, "_LONGEST_S", 0.01)  # no model does
    monkeypatch.setattr(probation, "_S_PER_MB", 0.0)
    began = time.monotonic()
    with pytest.raises(ModelError, match="gives no answer within 0 s"):
        admit(tmp_path / "a.tflite", graph)
    assert time.monotonic() - began < 5


def test_a_graph_that_is_none_is_refused_as_ever(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded by"):
        admit(tmp_path / "a.tflite", b"\x1c\0\0\0TFL3" + bytes(100))

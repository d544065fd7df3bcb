"""The interpreters: kernels of one family give one result; what cannot be loaded is named."""

from __future__ import annotations

import importlib
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cspine_edge import runtime as runtime_module
from cspine_edge.contract import KernelFamily
from cspine_edge.errors import MissingExtraError, ModelError
from cspine_edge.model_file import ModelFile
from cspine_edge.runtime import (
    Runtime,
    Session,
    TensorSpec,
    available_runtimes,
    default_threads,
    open_session,
    open_to_list,
)


@pytest.fixture(scope="module")
def graph(int8_model: Path) -> bytes:
    return ModelFile.read(int8_model).graph


def outputs(session: Session, seeds: range = range(3)) -> list[list[int]]:
    """Stored values of all outputs for some random inputs."""
    found = []
    for seed in seeds:
        noise = np.random.default_rng(seed).integers(0, 256, session.input.shape)
        session.input_view()[...] = noise * seed // 2
        session.invoke()
        found.append([int(v) for position in range(len(session.outputs)) for v in session.output(position)])
    return found


@pytest.mark.parametrize("family", list(KernelFamily))
def test_within_a_family_the_threads_do_not_matter(graph: bytes, family: KernelFamily) -> None:
    one, two, four = (
        outputs(open_session(Path("m.tflite"), graph, threads=threads, family=family))
        for threads in (1, 2, 4)
    )
    assert one == two == four
    assert len({tuple(row) for row in one}) > 1


def test_families_agree_on_the_logits(graph: bytes) -> None:
    found = []
    for family in KernelFamily:
        session = open_session(Path("m.tflite"), graph, threads=2, family=family)
        rows = np.array(outputs(session)).reshape(-1, 2, 2)  # image, output, class
        (logits,) = (i for i, output in enumerate(session.outputs) if output.scale != 1 / 256)
        found.append(np.array([session.outputs[logits].dequantize(row) for row in rows[:, logits]]))
    for other in found[1:]:
        assert np.abs(found[0] - other).max() <= 1.5


def test_a_session_describes_its_tensors_and_itself(graph: bytes) -> None:
    session = open_session(Path("m.tflite"), graph, threads=1)
    assert session.input.shape == (1, 224, 224, 3)
    assert session.input.dtype == np.uint8
    assert session.input.scale == pytest.approx(1 / 255, rel=1e-5)
    assert session.input.zero_point == 0
    assert [output.shape for output in session.outputs] == [(1, 2), (1, 2)]
    assert session.runtime in available_runtimes()
    assert (
        session.banner
        == f"{session.runtime.value} {session.version}, {session.family.value} kernels, 1 thread"
    )
    assert open_session(Path("m"), graph, threads=2).banner.endswith("2 threads")


def test_the_runtime_s_own_choice_is_the_family_it_names(graph: bytes) -> None:
    session = open_session(Path("m.tflite"), graph)
    named = open_session(Path("m.tflite"), graph, family=session.family)
    assert outputs(session) == outputs(named)


def test_an_output_is_a_copy(graph: bytes) -> None:
    session = open_session(Path("m.tflite"), graph, threads=1)
    session.input_view()[...] = 0
    session.invoke()
    kept = session.output(0)
    before = kept.copy()
    session.input_view()[...] = 255
    session.invoke()
    np.testing.assert_array_equal(kept, before)


def test_operations_are_listed_with_their_types(graph: bytes) -> None:
    operations = open_to_list(Path("m.tflite"), graph).operations()
    names = [operation.name for operation in operations]
    assert names.count("DEPTHWISE_CONV_2D") == 20
    assert "DELEGATE" not in names
    assert not any("float" in dtype for operation in operations for dtype in operation.dtypes)
    assert not any(operation.is_float for operation in operations)
    assert replace(operations[0], dtypes=("int8", "float32")).is_float
    assert {"int8", "int32"} <= set(operations[1].dtypes) | set(operations[2].dtypes)


def test_dequantisation_is_the_affine_rule() -> None:
    spec = TensorSpec("t", (3,), np.dtype(np.uint8), 0.5, 10, 0)
    assert spec.dequantize(np.array([0, 10, 255], np.uint8)).tolist() == [-5.0, 0.0, 122.5]
    plain = TensorSpec("t", (2,), np.dtype(np.float32), 0.0, 0, 0)
    assert plain.dequantize(np.array([1.5, -2.0], np.float32)).tolist() == [1.5, -2.0]
    assert plain.dequantize(np.array([1.5], np.float32)).dtype == np.float64


@pytest.mark.parametrize("damage", ["half", "garbage", "magic only"])
def test_what_is_no_graph_is_named(graph: bytes, damage: str, capfd: pytest.CaptureFixture[str]) -> None:
    broken = {
        "half": graph[: len(graph) // 2],
        "garbage": graph[:8] + np.random.default_rng(0).bytes(10_000),
        "magic only": b"\x1c\0\0\0TFL3",
    }[damage]
    with pytest.raises(ModelError, match=r"m\.tflite: cannot be loaded by ") as caught:
        open_session(Path("m.tflite"), broken)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_without_an_interpreter_the_extra_is_named(graph: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def nothing_installed(name: str) -> None:
        tried.append(name)
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(runtime_module, "importlib", SimpleNamespace(import_module=nothing_installed))
    with pytest.raises(MissingExtraError, match="pip install"):
        open_session(Path("m.tflite"), graph)
    assert [name.split(".")[0] for name in tried] == ["ai_edge_litert", "tflite_runtime", "tensorflow"]


def test_a_chosen_runtime_is_used_or_missed(graph: bytes) -> None:
    for runtime in Runtime:
        if runtime is Runtime.TENSORFLOW:
            continue  # loads all of TensorFlow
        if runtime in available_runtimes():
            assert open_session(Path("m.tflite"), graph, runtime=runtime).runtime is runtime
        else:
            with pytest.raises(MissingExtraError):
                open_session(Path("m.tflite"), graph, runtime=runtime)


def test_installed_runtimes_are_listed_in_order_of_preference() -> None:
    found = available_runtimes()
    assert found
    assert list(found) == [runtime for runtime in Runtime if runtime in found]
    assert importlib.util.find_spec(found[0].value.replace("-", "_")) is not None


def test_threads_are_the_processors_at_most_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    assert default_threads() == 4
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3}, raising=False)
    assert default_threads() == 1


def test_a_build_by_another_name_runs_without_a_version(
    monkeypatch: pytest.MonkeyPatch, graph: bytes
) -> None:
    """Such as tensorflow-cpu, which imports as tensorflow and is not distributed by that name."""
    from importlib import metadata

    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    session = open_session(Path("m.tflite"), graph)
    assert isinstance(session, Session)
    assert "of unknown version" in session.banner

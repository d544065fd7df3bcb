"""Counting instructions on emulated Arm cores, and the arm64 root it is done in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cspine_edge.machine import describe_machine


@pytest.fixture
def arm64_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    import arm64_root  # type: ignore[import-not-found, unused-ignore]

    return arm64_root


@pytest.fixture
def instructions(arm64_root: ModuleType) -> ModuleType:
    import instructions  # type: ignore[import-not-found, unused-ignore]

    return instructions


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mobilenet-a0.25-96-random-int8.tflite", ("mobilenet-a0.25-96", "int8", "random")),
        ("mobilenet-a1.0-224-int8-qat.tflite", ("mobilenet-a1.0-224", "int8-qat", "trained")),
        ("mobilenet-a0.25-b11-272-int8.tflite", ("mobilenet-a0.25-b11-272", "int8", "trained")),
        ("vgg16-224-float32.tflite", ("vgg16-224", "float32", "trained")),
        ("foreign.tflite", ("foreign", None, "trained")),
    ],
)
def test_names_tell_the_network(
    instructions: ModuleType, tmp_path: Path, name: str, expected: tuple[str, ...]
) -> None:
    (tmp_path / name).write_bytes(b"abc")
    found = instructions.describe(tmp_path / name)
    assert (found["network"], found["precision"], found["weights"]) == expected
    assert found["size_bytes"] == 3
    assert found["sha256"].startswith("ba7816bf")


@pytest.mark.parametrize(
    ("cpu", "name", "simd"),
    [
        ("cortex-a53", "Cortex-A53", ("asimd",)),
        ("cortex-a72", "Cortex-A72", ("asimd",)),
        ("cortex-a76", "Cortex-A76", ("asimd", "asimddp")),
    ],
)
def test_boards_describe_themselves(
    arm64_root: ModuleType, tmp_path: Path, cpu: str, name: str, simd: tuple[str, ...]
) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text(arm64_root.BOARDS[cpu].cpuinfo())
    machine = describe_machine(tmp_path)
    assert (machine.cpu, machine.simd) == (name, simd)


def test_a_folder_of_others_is_not_touched(arm64_root: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(arm64_root.Arm64Error, match="choose an empty folder"):
        arm64_root.build_root(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("script", ["arm64_root.py", "instructions.py"])
def test_absent_programs_are_named(root: Path, tmp_path: Path, script: str) -> None:
    arguments = {
        "arm64_root.py": [tmp_path / "new"],
        "instructions.py": [__file__, "--root", tmp_path / "new", "--out", "x.json"],
    }
    done = subprocess.run(
        [sys.executable, root / "benchmarks" / script, *map(str, arguments[script])],
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path), "PYTHONPATH": str(root)},
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "apt-get install --no-install-recommends mmdebstrap qemu-user" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "new").exists()


def test_counts_are_kept_under_the_same_conditions_only(instructions: ModuleType, tmp_path: Path) -> None:
    out, under = tmp_path / "counts.json", {"emulator": "one"}
    assert instructions.earlier(out, under) == {}
    counted = {"instructions": {"cortex-a72": 5}, "repeats_to_the_instruction": True}
    models = [{"sha256": "ab", "file": "of another name.tflite", **counted}]
    out.write_text(json.dumps({"conditions": under, "models": models}))
    assert instructions.earlier(out, under) == {"ab": counted}
    assert instructions.earlier(out, {"emulator": "two"}) == {}


def test_the_committed_counts_repeat_and_do_not_depend_on_weights(root: Path) -> None:
    document = json.loads((root / "results" / "instructions-int8-arm64.json").read_text())
    by_file = {model["file"]: model for model in document["models"]}
    assert all(model["repeats_to_the_instruction"] for model in by_file.values())
    trained = by_file["mobilenet-a1.0-224-int8-qat.tflite"]["instructions"]
    drawn = by_file["mobilenet-a1.0-224-random-int8.tflite"]["instructions"]
    # Not to the instruction: a release of the trained file may lag behind a change of the heads.
    assert drawn == pytest.approx(trained, rel=0.01)


@pytest.fixture
def counter(instructions: ModuleType, arm64_root: ModuleType, tmp_path: Path) -> tuple[Path, Path]:
    """Folder of the arm64 root, and the compiled plug-in."""
    if install := arm64_root.missing_tools({**arm64_root.TOOLS, "gcc": "gcc libc6-dev"}):
        pytest.skip(f"needs mmdebstrap, qemu-user and gcc: {install}")
    if not (arm64_root.DEFAULT_FOLDER / "recipe.json").is_file():
        pytest.skip("needs the arm64 root: python benchmarks/arm64_root.py")
    return arm64_root.build_root(), instructions.build_plug_in(tmp_path)


def test_a_count_repeats_and_is_the_committed_one(
    instructions: ModuleType, counter: tuple[Path, Path], root: Path, int8_model: Path
) -> None:
    folder, plug_in = counter
    found = instructions.count(int8_model, "cortex-a76", folder, plug_in)
    assert found.repeats
    document: dict[str, Any] = json.loads((root / "results" / "instructions-int8-arm64.json").read_text())
    if document["conditions"] != instructions.conditions(folder):
        pytest.skip("needs the versions of the committed counts")
    sha256 = instructions.describe(int8_model)["sha256"]
    (row,) = [model for model in document["models"] if model["sha256"] == sha256]
    # Where buffers come to lie may change a copy by a few instructions, in another process.
    assert found.instructions == pytest.approx(row["instructions"]["cortex-a76"], rel=1e-4)


def test_a_file_that_is_no_model(
    instructions: ModuleType, arm64_root: ModuleType, counter: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "broken.tflite").write_bytes(b"nothing of the kind")
    with pytest.raises(arm64_root.Arm64Error, match=r"broken\.tflite: cannot be run on cortex-a72"):
        instructions.count(tmp_path / "broken.tflite", "cortex-a72", *counter)

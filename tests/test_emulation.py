"""Emulated boards and counting on them, as far as it can be told without an emulator; the rest is in arm64/."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import instruction_budgets
import instructions
import pytest
from emulation import roots
from emulation.boards import BOARDS, place

from cspine_edge.machine import describe_machine
from cspine_edge.shipped import SHIPPED


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
def test_names_tell_the_network(tmp_path: Path, name: str, expected: tuple[str, ...]) -> None:
    (tmp_path / name).write_bytes(b"abc")
    found = instructions.describe(tmp_path / name)
    assert (found["network"], found["precision"], found["weights"]) == expected
    assert found["size_bytes"] == 3
    assert found["sha256"].startswith("ba7816bf")


@pytest.mark.parametrize(
    ("cpu", "name", "simd"),
    [
        ("cortex-a7", "Cortex-A7", ("neon",)),
        ("cortex-a53", "Cortex-A53", ("asimd",)),
        ("cortex-a72", "Cortex-A72", ("asimd",)),
        ("cortex-a76", "Cortex-A76", ("asimd", "asimddp")),
    ],
)
def test_boards_describe_themselves(tmp_path: Path, cpu: str, name: str, simd: tuple[str, ...]) -> None:
    place(BOARDS[cpu], Path("/nowhere"), tmp_path)
    machine = describe_machine(tmp_path)
    assert (machine.board, machine.cpu, machine.simd) == (BOARDS[cpu].name, name, simd)


def test_a_board_can_be_placed_again_with_other_files(tmp_path: Path) -> None:
    for model in ("one", "other"):
        place(BOARDS["cortex-a53"], Path("/nowhere"), tmp_path, {"proc/device-tree/model": model})
        assert describe_machine(tmp_path).board == model


def test_a_folder_of_others_is_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / roots.LITERT.name
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(roots.EmulationError, match="choose another folder"):
        roots.build(roots.LITERT, tmp_path)
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_pins_of_a_later_file_count() -> None:
    usual, older = roots.LITERT.pins().splitlines(), roots.TFLITE_RUNTIME.pins().splitlines()
    assert "numpy==2.4.6; python_version == '3.11'" in usual
    assert [line for line in older if line.startswith(("numpy", "tflite"))] == [
        "numpy==1.26.4",
        "tflite-runtime==2.14.0",
    ]
    assert {"rich", "typer"} <= {line.partition("==")[0] for line in older}


def test_another_recipe_is_built_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing half-built is taken for whole, and what is there by the same recipe is not built again."""
    made: list[str] = []

    def make(part: Path) -> None:
        made.append(part.name)
        (part / "site").mkdir()
        if len(made) == 1:
            raise roots.EmulationError("the line was cut")

    monkeypatch.setattr(roots, "missing_tools", lambda: None)
    with pytest.raises(roots.EmulationError, match="the line was cut"):
        roots._once(tmp_path / "a", "flour", make)
    assert not (tmp_path / "a").exists()
    for recipe, times in (("flour", 2), ("flour", 2), ("rye", 3), ("rye", 3)):
        assert (roots._once(tmp_path / "a", recipe, make) / "site").is_dir()
        assert len(made) == times


@pytest.mark.parametrize("script", ["emulation/roots.py", "instructions.py"])
def test_absent_programs_are_named(root: Path, tmp_path: Path, script: str) -> None:
    new = str(tmp_path / "new")
    arguments = {"emulation/roots.py": [new], "instructions.py": [__file__, "--root", new, "--out", "x.json"]}
    done = subprocess.run(
        [sys.executable, root / "benchmarks" / script, *arguments[script]],
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path), "PYTHONPATH": str(root)},
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "apt-get install --no-install-recommends mmdebstrap qemu-user" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.glob("new/*/*"))


def test_counts_are_kept_under_the_same_conditions_only(tmp_path: Path) -> None:
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


def test_one_per_cent_over_budget_is_allowed_and_more_is_named() -> None:
    budget = {"inference": 1_000_000, "png": 2_000_000}
    assert not instruction_budgets.over_budget(
        "fast", "cortex-a72", budget, {"inference": 1_010_000, "png": 1}
    )
    (said,) = instruction_budgets.over_budget(
        "fast", "cortex-a72", budget, {"inference": 1_010_001, "png": 2_000_000}
    )
    assert said == (
        "fast on cortex-a72: inference takes 1,010,001 instructions, +1.00% of its budget of 1,000,000; "
        "if that is what it costs, renew it with 'python benchmarks/instruction_budgets.py'"
    )
    (said,) = instruction_budgets.over_budget("fast", "cortex-a72", budget, {"dicom": 1})
    assert "dicom has no budget" in said


def test_each_shipped_model_has_budgets() -> None:
    document = json.loads(instruction_budgets.BUDGETS.read_text(encoding="utf-8"))
    assert document["command"] == instruction_budgets.COMMAND
    assert set(document["budgets"]) == set(SHIPPED)
    for of_model in document["budgets"].values():
        assert set(of_model) == set(instruction_budgets.CPUS)
        for counts in of_model.values():
            assert counts["inference"] < min(counts["png"], counts["dicom"])
            assert max(counts["png"], counts["dicom"]) < counts["process"]

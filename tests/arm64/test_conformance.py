"""The project's wheel on emulated boards answers as on this machine, to the last bit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import boards
import pytest
from emulated import DEVICES, WITH_TFLITE_RUNTIME, Answer, Answers, Check, Job, jobs
from emulation import roots
from emulation.boards import BOARDS, place

from cspine_edge.classifier import Classifier
from cspine_edge.contract import GoldenPair, KernelFamily
from cspine_edge.documents import encode
from cspine_edge.machine import describe_machine
from cspine_edge.model_file import ModelFile
from cspine_edge.sensors import read_sensors
from cspine_edge.shipped import SHIPPED, shipped_model
from cspine_edge.slice_files import find_slices
from cspine_edge.slices import iter_slices

pytestmark = pytest.mark.arm64
LITERT_DEVICES = tuple(device for device in DEVICES if device[0] not in WITH_TFLITE_RUNTIME)
OLD_DEVICES = tuple(device for device in DEVICES if device[0] in WITH_TFLITE_RUNTIME)


@pytest.mark.parametrize("job", jobs(Check.VERIFY, devices=LITERT_DEVICES), ids=str)
def test_litert_gives_the_golden_outputs(job: Job, answers: Answers) -> None:
    shown = answers(job).json()
    assert "ai-edge-litert" in shown["banner"]
    assert shown["exact"] is True
    assert [pair["largest_difference"] for pair in shown["pairs"]] == [0.0] * 4


@pytest.mark.parametrize("job", jobs(Check.VERIFY, devices=OLD_DEVICES), ids=str)
def test_tflite_runtime_gives_its_golden_outputs(job: Job, answers: Answers) -> None:
    shown = answers(job).json()
    assert "tflite-runtime 2.14.0, builtin" in shown["banner"]
    assert shown["exact"] is True
    assert [pair["largest_difference"] for pair in shown["pairs"]] == [0.0] * 4


@pytest.mark.parametrize("install", ["bookworm-litert", "bookworm-tflite-runtime"])
def test_all_families_give_their_golden_outputs(install: str, inputs: Any) -> None:
    board = roots.device(roots.INSTALLS[install], "cortex-a76", inputs.site)
    shown = board.run("-m", "cspine_edge", "verify", "fast", "--all-families", "--threads", "1", "--json")
    assert shown.returncode == 0, shown.stderr
    results = Answer(shown.returncode, shown.stdout, shown.stderr).json()["results"]
    families = [result["family"] for result in results]
    assert families == (
        ["builtin", "reference"] if "tflite" in install else ["xnnpack", "builtin", "reference"]
    )
    assert {result["verification"]["agreement"] for result in results} == {"bit for bit"}


@pytest.mark.parametrize(("steps", "code"), [(1, 0), (2, 1)])
def test_without_outputs_of_its_own_tflite_runtime_may_be_a_step_off(
    steps: int, code: int, tmp_path: Path, inputs: Any
) -> None:
    file = ModelFile.read(shipped_model("fast"))
    assert file.contract is not None
    first, *others = file.contract.golden
    (value, *values), *rows = first.expected["builtin"]
    golden = [
        GoldenPair(pair.image, {"builtin": pair.expected["builtin"]})
        for pair in (
            GoldenPair(
                first.image,
                {"builtin": ((value - steps if value > steps else value + steps, *values), *rows)},
            ),
            *others,
        )
    ]
    path = (
        replace(file, contract=replace(file.contract, golden=tuple(golden)))
        .save(tmp_path / "changed.tflite")
        .path
    )
    board = roots.device(roots.TFLITE_RUNTIME, "cortex-a76", inputs.site)
    shown = board.run("-m", "cspine_edge", "verify", path, "--threads", "1")
    assert shown.returncode == code, shown.stderr
    assert f"largest difference {steps}" in shown.stdout
    assert "golden pairs within a step of LiteRT's" in shown.stdout


@pytest.mark.parametrize("job", jobs(Check.PREDICT, devices=LITERT_DEVICES), ids=str)
def test_litert_predicts_as_here(job: Job, answers: Answers, here: Answers) -> None:
    """PNG, DICOM and a folder of both; the whole document is the same."""
    board = answers(job)
    verdicts = board.json()
    assert sorted(Path(verdict["path"]).suffix for verdict in verdicts) == [".dcm"] * 3 + [".png"] * 3
    assert len({verdict["margin"] for verdict in verdicts}) > 1
    assert board.out == here(job).out


@pytest.mark.parametrize(
    "alike",
    [tuple(jobs(Check.PREDICT, devices=OLD_DEVICES, models=(model,))) for model in SHIPPED],
    ids=tuple(SHIPPED),
)
def test_tflite_runtime_predicts_alike_on_all_boards(
    alike: tuple[Job, ...], answers: Answers, inputs: Any
) -> None:
    """Of 64 bits and of 32: the whole document; its margins are within a step of each logit of LiteRT's here."""
    first, *others = (answers(job).out for job in alike)
    assert others == [first] * len(others)
    classifier = Classifier(alike[0].model, family=KernelFamily.BUILTIN, threads=1)
    slices = iter_slices(find_slices([*inputs.slices.values(), inputs.folder], pytest.fail), pytest.fail)
    expected = list(classifier.classify_all(slices))
    found = answers(alike[0]).json()
    step = classifier.session.outputs[classifier.contract.outputs.logits].scale
    assert len(expected) == len(found) == 6
    for verdict, board in zip(expected, found, strict=True):
        assert (board["path"], board["label"]) == (verdict.path, verdict.label)
        assert board["referral"] == verdict.referral.value
        assert board["margin"] == pytest.approx(verdict.margin, abs=2.01 * step)


@pytest.mark.parametrize(
    "job",
    [
        *jobs(Check.CT, devices=(("bookworm-litert", "cortex-a72"),)),
        *jobs(Check.CT, devices=(("trixie-litert", "cortex-a76"),)),
    ],
    ids=str,
)
def test_litert_predicts_as_here_on_ct(job: Job, csf: Path, answers: Answers, here: Answers) -> None:
    board = answers(job)
    assert {verdict["label"] for verdict in board.json()} == {"fracture", "normal"}
    assert board.out == here(job).out


@pytest.mark.parametrize(
    "job",
    jobs(
        Check.BENCH,
        devices=(
            *(("bookworm-litert", cpu) for cpu in ("cortex-a53", "cortex-a72", "cortex-a76")),
            ("trixie-litert", "cortex-a76"),
            ("bookworm-tflite-runtime", "cortex-a72"),
        ),
        models=("fast",),
    ),
    ids=str,
)
def test_bench_measures_and_names_the_board(job: Job, answers: Answers) -> None:
    report = answers(job).json()
    machine, conditions = report["machine"], report["conditions"]
    assert machine["board"] == BOARDS[job.cpu].name
    assert machine["cpu"] == f"Cortex-A{job.cpu.removeprefix('cortex-a')}"
    assert machine["architecture"] == "aarch64"
    assert machine["python"].startswith("3.13" if job.install.startswith("trixie") else "3.11")
    assert conditions["runtime"] == (
        "tflite-runtime" if job.install in WITH_TFLITE_RUNTIME else "ai-edge-litert"
    )
    (latency,) = report["latencies"]
    assert latency["runs"] >= 20
    # An emulated board is a hundred times slower than this machine, and not a million times.
    assert 1 < latency["min_ms"] <= latency["p50_ms"] < 60_000
    assert {stages["image_format"] for stages in report["stages"]} == {"PNG", "DICOM"}
    assert report["cold_start"]["total_ms"] > latency["min_ms"]  # a new process, which ran on the board too
    assert not [warning for warning in report["warnings"] if "cold start" in warning]


@pytest.mark.parametrize(
    "job", jobs(Check.VERIFY, devices=(("bookworm-litert", "cortex-a76"),), models=("fast",)), ids=str
)
def test_an_install_is_not_built_twice(job: Job, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    assert answers(job).code == 0
    monkeypatch.setattr(roots, "_do", lambda *words, **more: pytest.fail(f"ran {words[0]}"))
    folder = roots.build(roots.INSTALLS[job.install])
    # What is tested is today's wheel, so none may be left where packages are found.
    assert not list((folder / "site").glob("cspine_edge*"))


_TREES: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "Raspberry Pi 3": ("cortex-a53", boards.raspberry_pi_3),
    "Raspberry Pi 4": ("cortex-a72", partial(boards.raspberry_pi_4, throttled=0x50005)),
    "Raspberry Pi 5": ("cortex-a76", boards.raspberry_pi_5),
    "Jetson Nano": ("cortex-a72", boards.jetson_nano),
    "Jetson Orin": ("cortex-a76", boards.jetson_orin),
}
_READ = """
import json
from cspine_edge.documents import encode
from cspine_edge.machine import describe_machine
from cspine_edge.sensors import read_sensors
print(json.dumps([encode(read_sensors()), encode(describe_machine())]))
"""


@pytest.mark.parametrize("name", _TREES)
def test_sensors_are_read_on_the_board_as_from_its_files_here(name: str, tmp_path: Path, inputs: Any) -> None:
    """The board's ``/proc`` and ``/sys`` lie below its prefix; programs such as vcgencmd cannot be run there."""
    cpu, write = _TREES[name]
    tree, prefix = write(tmp_path / "tree"), tmp_path / "prefix"
    usual = roots.device(roots.LITERT, cpu, inputs.site)
    python = place(BOARDS[cpu], roots.FOLDER / "bookworm-arm64" / "root", prefix)
    for part in ("proc", "sys", "etc"):
        if (tree / part).is_dir():
            shutil.copytree(tree / part, prefix / part, dirs_exist_ok=True, symlinks=True)
    shown = replace(usual, python=python).run("-c", _READ)
    assert shown.returncode == 0, shown.stderr
    readings, machine = json.loads(shown.stdout)
    shutil.rmtree(tree / "usr", ignore_errors=True)  # without the programs here either
    assert readings == json.loads(json.dumps(encode(read_sensors(tree))))
    assert readings["temperatures"]
    assert (readings["power"] is not None) == ("Jetson" in name)
    expected = encode(describe_machine(tree))
    for fact in ("board", "cpu", "memory_mib", "simd"):
        assert machine[fact] == expected[fact], fact
    assert name.split()[0] in machine["board"]

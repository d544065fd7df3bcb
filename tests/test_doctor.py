"""The doctor: on this machine, on boards and GPUs that are not here, and where something is missing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import boards
import pytest
from absent import without

from cspine_edge import __version__, dicom_pixels, doctor
from cspine_edge.doctor import examine
from cspine_edge.errors import ExitCode
from cspine_edge.model_file import ModelFile
from cspine_edge.runtime import Runtime, available_runtimes

Cli = Callable[..., Any]


def test_what_works_here(cli: Cli) -> None:
    shown = cli("doctor")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.splitlines()[-1] == "passed: the verbs of the device work here"
    assert f"cspine-edge      {__version__}, Python {sys.version.split()[0]}" in shown.out
    first = available_runtimes()[0]
    assert re.search(
        rf"^interpreter +{first.value} {first.version}: \w+ kernels, golden pairs equal", shown.out, re.M
    )


def test_json_has_the_same(cli: Cli) -> None:
    document = json.loads(cli("doctor", "--json").out)
    assert (document["problem"], document["exit_code"]) == (None, 0)
    assert [entry["package"] for entry in document["interpreters"]] == [runtime.value for runtime in Runtime]
    assert document["interpreters"][0]["milliseconds"] < 1000
    assert document["machine"]["processors"] >= 1
    assert document["decoders"]["RLE Lossless"] == "pydicom"


def test_extras_are_those_of_the_project(root: Path) -> None:
    """Read from the installation's metadata, which a test of a bare checkout would not have."""
    project = (root / "pyproject.toml").read_text().partition("[project.optional-dependencies]")[2]
    named = set(re.findall(r"^([a-z-]+) = \[", project.partition("[project.scripts]")[0], re.M))
    assert named > {"train", "dicom"}
    found = examine()
    assert {extra.name for extra in found.extras} == named - {"dev"}
    for extra in found.extras:
        assert extra.line == (f"pip install 'cspine-edge[{extra.name}]'" if extra.missing else None)
    assert found.needed is not None
    assert not found.needed.missing


def test_it_takes_less_than_a_second_and_no_tensorflow(root: Path) -> None:
    program = (
        "import sys; sys.argv[1:] = ['doctor']\nfrom cspine_edge.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print('heavy:', *{n.split('.')[0] for n in sys.modules} & {'tensorflow', 'tf_keras', 'matplotlib', 'scipy'})"
    )
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        call = [sys.executable, "-c", program]
        done = subprocess.run(call, capture_output=True, text=True, check=True, cwd=root, timeout=60)
        seconds.append(time.perf_counter() - begin)
    assert done.stdout.splitlines()[-1] == "heavy:"
    assert min(seconds) < 1.0


def test_a_bare_checkout_says_so(root: Path, tmp_path: Path) -> None:
    """The same sources where no metadata of an installation are found."""
    (tmp_path / "cspine_edge").symlink_to(root / "cspine_edge")
    (tmp_path / "models").symlink_to(root / "models")
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as m\nfound = m.distribution\n"
        "def distribution(name):\n"
        "    if name == 'cspine-edge': raise m.PackageNotFoundError(name)\n"
        "    return found(name)\n"
        "m.distribution = distribution\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "cspine_edge", "doctor"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "not known: this is no installation but a checkout" in done.stdout


def test_without_any_interpreter_it_has_the_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cspine_edge.runtime._is_installed", lambda runtime: False)
    shown = cli("doctor")
    assert shown.code == 5
    assert shown.out.splitlines()[-1].endswith("pip install 'cspine-edge[tflite-runtime]'")
    assert shown.out.startswith("cspine-edge ")


def test_a_package_that_every_installation_needs(root: Path) -> None:
    """pydicom cannot be imported: the doctor still answers."""
    program = without({"pydicom"}, "from cspine_edge.cli import main\nmain()")
    done = subprocess.run(
        [sys.executable, "-c", program, "doctor"], capture_output=True, text=True, cwd=root, check=False
    )
    assert done.returncode == 5, done.stderr
    assert "pydicom is not installed: pip install cspine-edge" in " ".join(done.stdout.split())


@pytest.mark.workstation
def test_one_interpreter_does_for_another(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a board with tflite-runtime alone; here TensorFlow's is the other one, and it is loaded then."""
    import cspine_edge.requirements as module

    def version(name: str) -> str:
        if name == "ai-edge-litert":
            raise module.PackageNotFoundError(name)
        return found(name)

    found = module.version
    monkeypatch.setattr(module, "version", version)
    monkeypatch.setattr("cspine_edge.runtime._is_installed", lambda runtime: runtime is Runtime.TENSORFLOW)
    shown = cli("doctor")
    assert "needed           missing ai-edge-litert: pip install 'ai-edge-litert>=2.1'" in shown.out
    assert re.search(r"^interpreter +tensorflow [\d.]+: \w+ kernels, golden pairs equal", shown.out, re.M)
    assert (shown.code, shown.out.splitlines()[-1]) == (0, "passed: the verbs of the device work here")


def test_an_interpreter_that_does_not_load(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A package of the right name that is for another C library, first on the path."""
    package = tmp_path / "ai_edge_litert"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "interpreter.py").write_text("raise ImportError('GLIBC_2.99 not found')")
    for name in [name for name in sys.modules if name.split(".")[0] == "ai_edge_litert"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    shown = cli("doctor")
    assert shown.code == 4
    assert "is installed but does not load here (GLIBC_2.99 not found)" in shown.out.splitlines()[-1]


def test_answers_that_differ_fail(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, int8_model: Path, tmp_path: Path
) -> None:
    file = ModelFile.read(int8_model)
    assert file.contract is not None
    first, *others = file.contract.golden
    expected = {
        key: tuple(tuple(value + 9 for value in row) for row in rows) for key, rows in first.expected.items()
    }
    contract = replace(file.contract, golden=(replace(first, expected=expected), *others))
    changed = replace(file, contract=contract).save(tmp_path / "model.tflite").path
    monkeypatch.setattr("cspine_edge.shipped.shipped_model", lambda name: changed)
    shown = cli("doctor")
    assert shown.code == 1
    assert "GOLDEN PAIRS DIFFER" in shown.out.splitlines()[-1]


def test_a_missing_decoder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom_pixels, "_PLUGINS", ("pydicom", "pillow"))
    found = examine()
    assert found.decoders["JPEG-LS Lossless Image Compression"] is None
    assert found.decoders["JPEG 2000 Image Compression (Lossless Only)"] == "pillow"
    assert "JPEG-LS Lossless Image Compression" in re.findall(r"^DICOM .*$", str(found), re.M)[0]
    assert found.exit_code is ExitCode.OK


# Machines that are not here


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


OPEN_DRIVER = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06  Release Build  (dvs-builder@U16)\n"
)


def test_gpus_of_a_workstation(tmp_path: Path) -> None:
    information = "Model: \t\t NVIDIA H200\nIRQ:   \t\t 101\nGPU UUID: \t GPU-0\n"
    write(
        tmp_path,
        {
            "proc/driver/nvidia/version": OPEN_DRIVER,
            "proc/driver/nvidia/gpus/0000:19:00.0/information": information,
            "proc/driver/nvidia/gpus/0000:3b:00.0/information": information,
        },
    )
    found = examine(tmp_path)
    assert [str(gpu) for gpu in found.gpus] == ["NVIDIA H200, driver 570.124.06"] * 2


def test_a_gpu_in_a_container_and_none(tmp_path: Path) -> None:
    assert examine(tmp_path).gpus == ()
    write(tmp_path, {"dev/nvidia0": "", "dev/nvidiactl": "", "dev/nvidia-uvm": ""})
    assert [str(gpu) for gpu in examine(tmp_path).gpus] == [
        "NVIDIA, of unknown kind, driver of unknown version"
    ]


def test_a_jetson(tmp_path: Path) -> None:
    boards.jetson_orin(tmp_path)
    write(tmp_path, {"dev/nvhost-gpu": ""})
    found = examine(tmp_path)
    assert [gpu.name for gpu in found.gpus] == ["that of the Jetson"]
    assert "Orin" in str(found)


def test_weights_that_keras_has(tmp_path: Path) -> None:
    write(
        tmp_path, {".keras/models/mobilenet_1_0_224_tf_no_top.h5": "", ".keras/models/vgg16_labels.json": ""}
    )
    found = examine(home=tmp_path)
    assert {name: len(files) for name, files in found.weights.items()} == {
        "mobilenet": 1,
        "vgg16": 0,
        "densenet121": 0,
    }
    assert "no ImageNet weights here for vgg16, densenet121: train downloads them" in str(found)


@pytest.mark.workstation
def test_the_names_of_the_weights_are_those_that_keras_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What train would download, as Keras itself names it."""
    from fnmatch import fnmatch

    from tf_keras.src.utils import data_utils

    from cspine_edge.errors import ModelError
    from cspine_edge.recipe import Backbone
    from cspine_edge.training.backbones import Architecture, build

    asked: list[str] = []

    def get_file(name: str, *rest: object, **more: object) -> str:
        asked.append(name)
        raise OSError("no network")

    monkeypatch.setattr(data_utils, "get_file", get_file)
    for backbone in Backbone:
        with pytest.raises(ModelError, match="could not be downloaded"):
            build(Architecture(backbone), "imagenet")
        assert fnmatch(asked[-1], doctor._WEIGHTS[backbone.value])
    assert {backbone.value for backbone in Backbone} == set(doctor._WEIGHTS)


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="nothing is closed to root")
def test_a_closed_folder(tmp_path: Path) -> None:
    (tmp_path / ".keras").mkdir(mode=0o500)
    assert not examine(home=tmp_path).places[0].writable

"""Bad input: one sentence, the documented exit code, no traceback, and nothing half-written."""

from __future__ import annotations

import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from absent import TENSORFLOW, without
from PIL import Image

from cspine_edge.contract import Outputs
from cspine_edge.dataset import load_dataset
from cspine_edge.model_file import ModelFile
from cspine_edge.preprocess import Preprocessing

Cli = Callable[..., Any]


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def refused(cli: Cli, tmp_path: Path) -> Callable[..., str]:
    """Runs a call that must be refused and leave ``tmp_path`` as it is; gives the sentence."""

    def run(code: int, *arguments: object) -> str:
        before = contents(tmp_path)
        outcome = cli(*arguments)
        sentence = the_sentence(outcome.err)
        assert outcome.code == code, sentence
        assert contents(tmp_path) == before
        return sentence

    return run


def the_sentence(err: str) -> str:
    """The one sentence on standard error; ``predict`` counts what it could not use on a line after it."""
    lines = [line for line in err.splitlines() if "slices classified" not in line]
    assert len(lines) == 1, err
    assert lines[0].startswith("error: ")
    assert "Traceback" not in lines[0]
    assert not lines[0].endswith(".")
    return lines[0]


def grey(seed: int, side: int = 64) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side), dtype=np.uint8))


def png_of_stated_size(side: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b"")


def png_cut_short() -> bytes:
    with tempfile.SpooledTemporaryFile() as file:
        grey(0).save(file, "PNG")
        file.seek(0)
        content = file.read()
    return content[: len(content) // 2]


BROKEN_SLICES = {
    "zero-byte.png": (lambda: b"", "is empty"),
    "zero-byte.dcm": (lambda: b"", "is empty"),
    "truncated.png": (png_cut_short, "truncated"),
    "text.png": (lambda: b"the patient was seen on Monday\n", "holds text"),
    "huge.png": (lambda: png_of_stated_size(50_000), "50000 x 50000 pixels"),
}


@pytest.fixture(params=[*BROKEN_SLICES, "truncated.dcm"])
def broken_slice(request: pytest.FixtureRequest, tmp_path: Path, phantom_data: Path) -> tuple[Path, str]:
    """A file that is no slice, and what is to be said of it."""
    path = tmp_path / "bad" / request.param
    path.parent.mkdir()
    if request.param == "truncated.dcm":
        content = next(iter(sorted(phantom_data.rglob("*.dcm")))).read_bytes()
        path.write_bytes(content[: len(content) // 2])
        return path, "DICOM"
    content, reason = BROKEN_SLICES[request.param]
    path.write_bytes(content())
    return path, reason


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A data set of two series with two slices each."""
    folder = tmp_path / "pictures"
    for label in ("fracture", "normal"):
        (folder / label).mkdir(parents=True)
        for series in "ab":
            grey(len(label) + ord(series)).save(folder / label / f"{series}_{len(label)}.png")
    return folder


# Slices


def test_broken_slice(refused: Cli, broken_slice: tuple[Path, str]) -> None:
    path, reason = broken_slice
    sentence = refused(4, "predict", path)
    assert str(path) in sentence
    assert reason in sentence


def test_broken_slice_in_a_labelled_data_set(
    cli: Cli, refused: Cli, broken_slice: tuple[Path, str], pictures: Path, int8_model: Path, tmp_path: Path
) -> None:
    path, _ = broken_slice
    broken = pictures / "fracture" / f"a_99{path.suffix}"
    path.replace(broken)
    model = shutil.copy(int8_model, tmp_path / "model.tflite")
    arguments = ("check", model, "--reference", int8_model, "--data", pictures, "--out", tmp_path / "r.json")
    assert str(broken) in refused(4, *arguments)
    audited = cli("audit", pictures)
    assert audited.code == 4
    assert broken.name in audited.out


@pytest.mark.parametrize(
    "verb", [("predict",), ("audit",), ("check", "MODEL", "--reference", "MODEL", "--data")]
)
def test_missing_and_empty_inputs(
    refused: Cli, verb: tuple[str, ...], int8_model: Path, tmp_path: Path
) -> None:
    arguments = [int8_model if part == "MODEL" else part for part in verb]
    missing, empty = tmp_path / "missing", tmp_path / "empty"
    empty.mkdir()
    assert f"{missing}: does not exist" in refused(4, *arguments, missing)
    assert f"{empty}: holds no slices" in refused(4, *arguments, empty)


@pytest.mark.parametrize("present", ["fracture", "normal"])
def test_one_class_only(refused: Cli, present: str, pictures: Path, int8_model: Path) -> None:
    absent = {"fracture": "normal", "normal": "fracture"}[present]
    shutil.rmtree(pictures / absent)
    said = f"has no '{absent}' slices"
    assert said in refused(4, "audit", pictures)
    assert said in refused(4, "check", int8_model, "--reference", int8_model, "--data", pictures)
    for file in (pictures / present).iterdir():
        file.unlink()
    assert "holds no slices" in refused(4, "audit", pictures)


def test_no_window_is_known(refused: Cli, tmp_path: Path, phantom_data: Path) -> None:
    import pydicom

    source = pydicom.dcmread(next(iter(sorted(phantom_data.rglob("*.dcm")))))
    for element in ("WindowCenter", "WindowWidth"):
        source.pop(element, None)
    path = tmp_path / "windowless.dcm"
    source.save_as(path)
    file = ModelFile.read(model_without_window(tmp_path))
    assert "--window CENTER/WIDTH" in refused(4, "predict", "--model", file.path, path)


def model_without_window(folder: Path) -> Path:
    from cspine_edge.shipped import shipped_model

    file = ModelFile.read(shipped_model())
    assert file.contract is not None
    spec = replace(file.contract.preprocessing, window=None)
    return replace(file, contract=replace(file.contract, preprocessing=spec)).save(folder / "m.tflite").path


# Models

MODEL_VERBS = [("predict", "SLICE", "--model"), ("verify",), ("inspect",), ("bench",), ("layers",)]


@pytest.fixture(params=MODEL_VERBS, ids=lambda verb: verb[0])
def model_verb(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """A call that wants a model at its end."""
    path = tmp_path / "slice.png"
    grey(1).save(path)
    return [str(path) if part == "SLICE" else part for part in request.param]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (None, "cannot be read"),
        (lambda content: b"", "is no TFLite model"),
        (lambda content: b"#!/bin/sh\n", "is no TFLite model"),
        (lambda content: content[: len(content) // 2], "cannot be loaded by"),
        (lambda content: content[:4] + b"TFL3" + bytes(100), "cannot be loaded by"),
        (lambda content: content[:-30], "is damaged or cut short"),
        (lambda content: content[: content.index(b"cspine_edge.json") + 500], "is damaged or cut short"),
        (lambda content: content.replace(b'"fracture"', b'"fracturf"', 1), "is damaged or cut short"),
        (lambda content: flip(content, len(content) // 2), "its graph is not the one its contract names"),
    ],
    ids=[
        "missing",
        "empty",
        "script",
        "half",
        "magic",
        "cut",
        "cut in contract",
        "contract flip",
        "graph flip",
    ],
)
def test_broken_model(
    refused: Cli,
    model_verb: list[str],
    damage: Callable[[bytes], bytes] | None,
    reason: str,
    int8_model: Path,
    tmp_path: Path,
) -> None:
    path = tmp_path / "model.tflite"
    if damage is not None:
        path.write_bytes(damage(int8_model.read_bytes()))
    sentence = refused(4, *model_verb, path)
    assert str(path) in sentence
    assert reason in sentence


def flip(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]


def test_folder_for_a_model(refused: Cli, model_verb: list[str], tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert "give a .tflite file" in refused(4, *model_verb, tmp_path / "folder")


def test_model_without_contract(refused: Cli, int8_model: Path, pictures: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(ModelFile.read(int8_model).graph)
    picture = pictures / "normal" / "a_6.png"
    for arguments in (
        ("predict", picture, "--model", bare),
        ("verify", bare),
        ("check", bare, "--reference", int8_model, "--data", pictures),
        ("check", int8_model, "--reference", bare, "--data", pictures),
        ("layers", bare, "--reference", int8_model, "--data", pictures),
        ("layers", int8_model, "--reference", bare, "--data", pictures),
    ):
        assert "carries no cspine-edge contract" in refused(4, *arguments)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"preprocessing": Preprocessing(value_range=(-1.0, 1.0))}, "input scale"),
        ({"preprocessing": Preprocessing(value_range=(0.1, 1.1))}, "zero point"),
        ({"preprocessing": Preprocessing(height=96, width=96)}, "96 x 96 x 3 pixels"),
        ({"preprocessing": Preprocessing(channels=1)}, "224 x 224 x 1 pixels"),
        ({"outputs": Outputs(logits=7)}, "names output 7 of 2"),
        ({"outputs": Outputs(logits=0, probability=-1)}, "names output -1 of 2"),
    ],
    ids=["scale", "zero point", "size", "channels", "output", "probability"],
)
def test_contract_that_contradicts_its_tensors(
    refused: Cli, changes: dict[str, Any], reason: str, int8_model: Path, tmp_path: Path
) -> None:
    file = ModelFile.read(int8_model)
    assert file.contract is not None
    path = replace(file, contract=replace(file.contract, **changes)).save(tmp_path / "model.tflite").path
    assert reason in refused(4, "verify", path)


@pytest.mark.workstation
def test_model_of_another_task(refused: Cli, tmp_path: Path, int8_model: Path) -> None:
    from cspine_edge.training.framework import keras, tf

    inputs = keras.Input((32, 32, 3), batch_size=1)
    features = keras.layers.Conv2D(4, 3, strides=8, bias_initializer="ones")(inputs)
    boxes = keras.layers.Conv2D(4, 1, bias_initializer="ones")(features)
    classes = keras.layers.Conv2D(3, 1, bias_initializer="ones")(features)
    scores = keras.layers.GlobalMaxPooling2D()(classes)
    count = keras.layers.GlobalAveragePooling2D()(features)
    detector = keras.Model(inputs, [boxes, classes, scores, count])
    path = tmp_path / "detector.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(detector).convert())
    grey(2).save(tmp_path / "slice.png")
    call = ("predict", tmp_path / "slice.png", "--model", path)
    assert "carries no cspine-edge contract" in refused(4, *call)
    assert "it is for another task" in refused(4, *call, "--labels", "normal,fracture")


# Outputs


@pytest.fixture
def writing_verbs(phantom_data: Path, int8_model: Path, tmp_path: Path) -> dict[str, list[object]]:
    """Calls that take an output at their end, on a copy of the model."""
    model = shutil.copy(int8_model, tmp_path / "model.tflite")
    test = load_dataset(phantom_data).slices[0].path
    assert (phantom_data / test).is_file()
    return {
        "phantom": ["phantom", "--series", "1", "--slices", "1", "--size", "64"],
        "audit": ["audit", phantom_data, "--out"],
        "check": ["check", model, "--reference", int8_model, "--data", phantom_data, "--no-record", "--out"],
        "bench": ["bench", int8_model, "--quick", "--out"],
    }


@pytest.mark.parametrize("verb", ["phantom", "audit", "check", "bench"])
def test_existing_output(
    refused: Cli, verb: str, writing_verbs: dict[str, list[object]], tmp_path: Path
) -> None:
    out = tmp_path / "there"
    if verb in ("phantom", "audit"):
        out.mkdir()
        (out / "audit.json").write_text("kept")
    else:
        out.write_text("kept")
    sentence = refused(4, *writing_verbs[verb], out)
    assert str(out) in sentence
    assert "exists already" in sentence


@pytest.mark.parametrize("verb", ["phantom", "audit", "check", "bench"])
def test_output_below_a_file(
    cli: Cli, verb: str, writing_verbs: dict[str, list[object]], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("kept")
    assert_unwritable(cli, tmp_path, writing_verbs[verb], tmp_path / "file" / "out")


@pytest.mark.parametrize("verb", ["phantom", "audit", "check"])
@pytest.mark.parametrize("mode", [0o555, 0o000], ids=["read-only", "closed"])
def test_no_permission(
    cli: Cli, verb: str, mode: int, writing_verbs: dict[str, list[object]], phantom_data: Path
) -> None:
    if not hasattr(os, "seteuid"):
        pytest.skip("needs POSIX permissions")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        arguments = [
            own_copy(part, folder) if isinstance(part, Path) else part for part in writing_verbs[verb]
        ]
        locked = folder / "locked"
        locked.mkdir()
        assert cli(*arguments, locked / "first").code in (0, 3)  # so that all is imported
        shutil.rmtree(locked)
        locked.mkdir(mode=0o700)
        locked.chmod(mode)
        try:
            with unprivileged():
                assert_unwritable(cli, folder, arguments, locked / "out")
        finally:
            locked.chmod(0o700)


def own_copy(path: Path, folder: Path) -> Path:
    """A copy that everybody can read."""
    target = folder / path.name
    if path.is_dir():
        shutil.copytree(path, target)
    else:
        shutil.copyfile(path, target)
    return target


@contextmanager
def unprivileged() -> Iterator[None]:
    """As a user whom permissions bind, which root is not."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def assert_unwritable(cli: Cli, folder: Path, arguments: list[object], out: Path) -> None:
    before = sorted(path for path in folder.rglob("*") if os.access(path, os.R_OK))
    outcome = cli(*arguments, out)
    sentence = the_sentence(outcome.err.removeprefix(outcome.err.partition("error: ")[0]))
    assert outcome.code == 4, sentence
    assert "cannot be written" in sentence
    assert sorted(path for path in folder.rglob("*") if os.access(path, os.R_OK)) == before


# Too little memory


def test_too_little_memory(tmp_path: Path, root: Path) -> None:
    out = tmp_path / "ct"
    code = (
        "import numpy; from cspine_edge import apart; from cspine_edge.cli import program\n"
        "apart.confine(160 << 20); program()"  # an array of 2048 x 2048 numbers takes 32 MiB
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "phantom", out, "--series", "1", "--slices", "1", "--size", "2048"],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert "this machine's memory" in the_sentence(done.stderr)
    assert contents(tmp_path) == {}


# Wrong usage


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict",),
        ("predict", "SLICE", "--json", "--csv"),
        ("predict", "SLICE", "--threshold", "1"),
        ("predict", "SLICE", "--threshold", "nan"),
        ("predict", "SLICE", "--window", "wide"),
        ("predict", "SLICE", "--window", "40/0"),
        ("predict", "SLICE", "--labels", "one"),
        ("predict", "SLICE", "--labels", "fracture,fracture"),
        ("predict", "SLICE", "--labels", "normal,fracture", "--outputs", "boxes"),
        ("predict", "SLICE", "--labels", "normal,fracture", "--value-range", "1,0"),
        ("predict", "SLICE", "--labels", "normal,fracture", "--value-range", "0,inf"),
        ("predict", "SLICE", "--labels", "normal,fracture", "--value-range", "0,nan"),
        ("predict", "SLICE", "--threads", "0"),
        ("predict", "SLICE", "--colour"),
        ("verify", "--family", "gpu"),
        ("audit", "DATA", "--series-pattern", "(["),
        ("audit", "DATA", "--series-pattern", "(?P<patient>.*)"),
        ("check", "MODEL", "--split", "split.json"),
        ("bench", "--threads", "0"),
        ("phantom", "OUT", "--series", "100000000000"),
        ("phantom", "OUT", "--series", "10001"),
        ("phantom", "OUT", "--slices", "1001"),
        ("diagnose",),
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_wrong_usage(
    cli: Cli, arguments: tuple[str, ...], pictures: Path, int8_model: Path, tmp_path: Path
) -> None:
    places = {
        "SLICE": pictures / "normal" / "a_6.png",
        "DATA": pictures,
        "MODEL": int8_model,
        "OUT": tmp_path / "ct",
    }
    before = contents(tmp_path)
    outcome = cli(*(places.get(part, part) for part in arguments))
    assert outcome.code == 2
    assert outcome.out == ""
    assert [line[:7].lower() for line in outcome.err.splitlines() if "rror: " in line] == ["error: "]
    assert "Traceback" not in outcome.err
    assert contents(tmp_path) == before


# Without the train extra, and without a network

WITHOUT_TENSORFLOW = without(
    TENSORFLOW,
    """\
from cspine_edge.cli import main
main()
""",
)


@pytest.mark.parametrize(
    "arguments",
    [("train", "DATA", "--out", "OUT"), ("convert", "DATA", "--out", "OUT"), ("quickstart", "--out", "OUT")],
    ids=lambda arguments: arguments[0],
)
def test_missing_extra(arguments: tuple[str, ...], pictures: Path, tmp_path: Path, root: Path) -> None:
    before = contents(tmp_path)
    places = {"DATA": str(pictures), "OUT": str(tmp_path / "out")}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, *(places.get(part, part) for part in arguments)],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    assert done.returncode == 5, done.stderr
    assert "pip install 'cspine-edge[train]'" in the_sentence(done.stderr)
    assert contents(tmp_path) == before


@pytest.mark.workstation
def test_no_network_for_imagenet_weights(pictures: Path, tmp_path: Path, root: Path) -> None:
    before = contents(tmp_path)
    nowhere = "http://127.0.0.1:9"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "cspine_edge", "train", str(pictures), "--out", str(tmp_path / "out")),
            *("--protocol", "paper", "--alpha", "0.25", "--size", "128"),
        ],
        capture_output=True,
        text=True,
        cwd=root,
        env=os.environ
        | {"HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere, "http_proxy": nowhere, "https_proxy": nowhere}
        | {
            "NO_PROXY": "",
            "no_proxy": "",
            "KERAS_HOME": str(tmp_path.parent / "keras"),
            "HOME": str(tmp_path.parent),
        },
        check=False,
    )
    assert done.returncode == 4, done.stderr
    assert "could not be downloaded" in the_sentence(done.stderr)
    assert contents(tmp_path) == before


@pytest.mark.workstation
@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (
            ("train", "DATA", "--out", "FILE", "--weights", "random", "--fine-tune-epochs", "1"),
            4,
            "exists already",
        ),
        (("train", "DATA", "--out", "OUT", "--weights", "nowhere.h5"), 4, "no such weight file"),
        (("train", "DATA", "--out", "OUT", "--protocol", "paper", "--hold-out", "a"), 2, "--hold-out needs"),
        (("train", "DATA", "--out", "OUT", "--hold-out", "c"), 4, "has no series 'c'"),
        (("train", "DATA", "--out", "OUT", "--backbone", "vgg16", "--alpha", "0.5"), 2, "mobilenet only"),
        (
            ("train", "DATA", "--out", "FILE/out", "--weights", "random", "--fine-tune-epochs", "1"),
            4,
            "cannot be written",
        ),
        (("convert", "DATA"), 4, "is no finished run folder"),
        (("convert", "missing.keras"), 4, "does not exist"),
        (("convert", "TEXT"), 4, "is no Keras model"),
        (("quickstart", "--out", "FILE"), 4, "exists already"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_workstation_verbs(
    refused: Cli, arguments: tuple[str, ...], code: int, reason: str, pictures: Path, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("kept")
    text = tmp_path / "text.keras"
    text.write_text("no model")
    places = {"DATA": pictures, "FILE": file, "FILE/out": file / "out", "OUT": tmp_path / "out", "TEXT": text}
    assert reason in refused(code, *(places.get(part, part) for part in arguments))


# What would wait for ever, or fill the memory


def calls_on_a_file(path: Path) -> list[list[object]]:
    """Every verb that reads a file which is no slice."""
    return [
        ["predict", "--model", path, "data"],
        ["verify", path],
        ["inspect", path],
        ["bench", path, "--quick"],
        ["bench", "report", path],
        ["bench", "compare", path, path],
        ["check", path, "--reference", path, "--data", "data"],
        ["audit", "data", "--split", path],
        ["audit", path],
        ["predict", "data", "--out", path],
        ["android", "verify", path],
        ["layers", path, "--reference", path, "--data", "data"],
    ]


@pytest.mark.parametrize("name", ["pipe", "pipe.tflite", "pipe.onnx"])
def test_a_pipe_is_not_waited_for(cli: Cli, name: str, tmp_path: Path, phantom_data: Path) -> None:
    os.mkfifo(tmp_path / name)
    for call in calls_on_a_file(tmp_path / name):
        told = cli(*(phantom_data if word == "data" else word for word in call))
        assert told.code in (4, 5), call
        assert len(told.err.splitlines()) == 1, call


def test_a_pipe_among_slices_is_named(cli: Cli, tmp_path: Path, phantom_data: Path) -> None:
    data = Path(shutil.copytree(phantom_data, tmp_path / "data"))
    os.mkfifo(data / "fracture" / "pipe_1.dcm")
    told = cli("audit", data)
    assert told.code == 4
    assert "pipe_1.dcm is no regular file" in " ".join(told.out.split())
    assert cli("bench", "--quick", "--images", data / "fracture" / "pipe_1.dcm").code == 4
    assert cli("predict", data / "fracture", "--out", data / "fracture" / "pipe_1.dcm").code == 4


@pytest.mark.parametrize("suffix", [".tflite", ".onnx", ".json"])
def test_a_file_of_gigabytes_is_not_read(cli: Cli, suffix: str, tmp_path: Path, phantom_data: Path) -> None:
    path = tmp_path / f"large{suffix}"
    path.write_bytes(b"\x1c\0\0\0TFL3")
    os.truncate(path, 3 << 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for call in calls_on_a_file(path):
        told = cli(*(phantom_data if word == "data" else word for word in call))
        assert told.code in (4, 5), call
        assert len(told.err.splitlines()) == 1, call
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000

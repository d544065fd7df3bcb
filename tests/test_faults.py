"""Faults: a killed process, an interrupted one, a full disk, a closed folder, a clock that jumps, two at one output.

``kill -9`` is tried as a real signal at some moments, and at all moments at which a file changes its name, appears or
disappears: there a copy of the folder is what the signal would have left.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from outcome import Outcome
from PIL import Image

from cspine_edge.dataset import LabelledDataset, load_dataset
from cspine_edge.errors import CspineError, InputError, OutputError, SliceError, UsageError
from cspine_edge.files import claimed, write_bytes
from cspine_edge.model_file import ModelFile
from cspine_edge.phantom import write_phantom
from cspine_edge.slices import read_slices

pytest.importorskip("fcntl")

Cli = Callable[..., Outcome]
COMMAND = (sys.executable, "-m", "cspine_edge")


@contextmanager
def process(
    *words: object, command: tuple[str, ...] = COMMAND, **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """A process with its output in pipes, killed if the block leaves it running."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    with subprocess.Popen([*command, *map(str, words)], **pipes) as started:
        try:
            yield started
        finally:
            started.kill()


# kill -9

_CHANGES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "tempfile.mkdtemp"}
_watched: dict[str, Any] = {"folder": None}


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    """Copy the watched folder before a change in it; an audit hook can never be taken away again."""
    folder = _watched["folder"]
    if folder is None or event not in _CHANGES:
        return
    if not any(
        isinstance(value, str | os.PathLike) and str(value).startswith(str(folder)) for value in arguments
    ):
        return
    if event == "open" and not any(
        isinstance(value, int) and value & (os.O_WRONLY | os.O_RDWR) for value in arguments
    ):
        return
    _watched["folder"] = None
    shutil.copytree(folder, _watched["into"] / f"{len(list(_watched['into'].iterdir())):04}")
    _watched["folder"] = folder


@contextmanager
def moments(folder: Path, into: Path) -> Iterator[list[Path]]:
    """Collect what ``kill -9`` would leave of a folder, at each change of a file in it."""
    if "hooked" not in _watched:
        sys.addaudithook(_on_event)
        _watched["hooked"] = True
    into.mkdir()
    _watched.update(folder=folder, into=into)
    found: list[Path] = []
    try:
        yield found
    finally:
        _watched["folder"] = None
        found += sorted(into.iterdir())


def seen(folder: Path) -> list[Path]:
    """All files but those that a killed process may leave: hidden, and read by nothing."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def require_whole(path: Path) -> None:
    """Read a file through; a half-written one raises."""
    if path.suffix == ".json":
        json.loads(path.read_bytes())
    elif path.suffix in (".png", ".dcm"):
        assert list(read_slices(path))
    elif path.suffix in (".npz", ".npy"):
        with np.load(path) as arrays:
            assert all(arrays[name] is not None for name in arrays.files)
    elif path.suffix in (".tflite", ".onnx"):
        assert ModelFile.read(path).contract is not None
    elif path.suffix == ".html":
        assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    elif path.suffix == ".csv":
        assert path.read_text(encoding="utf-8").endswith("\n")


def test_a_phantom_is_there_or_not(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    out = tmp_path / "disk" / "phantom"

    def write() -> object:
        return write_phantom(out, series=2, slices=2, seed=1, size=64)

    with moments(tmp_path / "disk", tmp_path / "moments") as left:
        write()
    whole = {path.relative_to(out): path.read_bytes() for path in seen(out)}
    assert len(whole) == 5
    assert len(left) > 8
    for folder in left:
        found = {path.relative_to(folder / "phantom"): path.read_bytes() for path in seen(folder)}
        assert found in ({}, whole)


@pytest.mark.parametrize("verb", ["audit", "check"])
def test_reports_are_whole_or_absent_and_are_made_again(
    verb: str, cli: Cli, phantom_data: Path, int8_model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    disk = tmp_path / "disk"
    disk.mkdir()
    model = disk / "model.tflite"
    shutil.copy(int8_model, model)
    words: dict[str, list[object]] = {
        "audit": ["audit", phantom_data, "--out", disk / "audited"],
        "check": [
            "check",
            model,
            "--reference",
            int8_model,
            "--data",
            phantom_data,
            "--out",
            disk / "check.json",
        ],
    }
    with moments(disk, tmp_path / "moments") as left:
        first = cli(*words[verb])
    assert first.code in (0, 3)
    names = {path.name for path in seen(disk)}
    assert len(left) > 4
    for folder in left:
        assert {path.name for path in seen(folder)} <= names
        for path in seen(folder):
            require_whole(path)
    # The last moment, in the place of what was made, and the same call once more.
    shutil.rmtree(disk)
    shutil.copytree(left[-1], disk)
    again = cli(*words[verb], "--overwrite")
    assert again.code == first.code
    assert {path.name for path in seen(disk)} == names
    assert not list(disk.rglob(".*.lock"))


@pytest.mark.parametrize("delay", [0.2, 0.5, 0.9])
def test_a_real_kill_of_what_writes(delay: float, phantom_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "disk" / "phantom"
    with process("phantom", out, "--series", 30, "--slices", 4, "--size", 128) as running:
        time.sleep(delay)
        running.kill()
        running.wait()
    assert seen(tmp_path) == [] or len(seen(out)) == 121
    if not seen(tmp_path):
        with process("phantom", out, "--series", 2, "--slices", 2, "--size", 64) as running:
            assert running.wait(60) == 0
        assert len(seen(out)) == 5


# Training and conversion


def settings(he_weights: Path, optimizer: str) -> Any:
    from cspine_edge.recipe import Optimizer
    from cspine_edge.training.augment import Augmentation
    from cspine_edge.training.backbones import Architecture
    from cspine_edge.training.settings import TrainSettings

    return TrainSettings(
        architecture=Architecture(alpha=0.25, size=32, hidden_units=8),
        optimizer=Optimizer(optimizer),
        weights=str(he_weights),
        epochs=2,
        rate=1e-3,
        fine_tune_epochs=2,
        fine_tune_rate=1e-3,
        batch_size=8,
        augmentation=Augmentation(),
    )


def train(dataset: LabelledDataset, how: Any, out: Path, **options: Any) -> list[np.ndarray]:
    """Train; give the weights of the network as it is read back."""
    from converters.keras_model import load_keras
    from cspine_edge.splits import grouped_split
    from cspine_edge.training.train import train as run_training

    options = {"log": lambda line: None} | options
    run = run_training(dataset, grouped_split(dataset, 0), how, out, **options).run
    weights: list[np.ndarray] = load_keras(run.require_model()).get_weights()
    return weights


@pytest.fixture(scope="module")
def dataset(phantom_data: Path) -> LabelledDataset:
    return load_dataset(phantom_data)


@pytest.fixture(scope="module")
def unbroken(
    dataset: LabelledDataset, he_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[np.ndarray]]:
    """A run with Nadam that nothing happened to, and its weights."""
    out = tmp_path_factory.mktemp("unbroken") / "run"
    return out, train(dataset, settings(he_weights, "nadam"), out)


_KILLED_IN_AN_EPOCH = """
import os, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from cspine_edge.dataset import load_dataset
from cspine_edge.training import loop
from test_faults import settings, train
batches = 0
def on_batch(self, batch, logs=None):
    global batches
    batches += 1
    if batches == int(sys.argv[7]):
        os.kill(os.getpid(), 9)
loop._BatchProgress.on_train_batch_end = on_batch
data, weights, optimizer, out = sys.argv[3:7]
train(load_dataset(Path(data)), settings(Path(weights), optimizer), Path(out))
"""


@pytest.mark.slow
@pytest.mark.workstation
@pytest.mark.parametrize("optimizer", ["nadam", "adam"])
def test_a_training_that_was_killed_in_an_epoch_ends_as_the_unbroken_one(
    optimizer: str,
    dataset: LabelledDataset,
    unbroken: tuple[Path, list[np.ndarray]],
    phantom_data: Path,
    he_weights: Path,
    root: Path,
    tmp_path: Path,
) -> None:
    """Bit for bit, on a processor: with augmentation, dropout, a falling rate and the optimizer's own state."""
    how = settings(he_weights, optimizer)
    whole, wanted = unbroken
    if optimizer != "nadam":
        whole = tmp_path / "unbroken" / "run"
        wanted = train(dataset, how, whole)
    steps = -(-len(json.loads((whole / "split.json").read_bytes())["train"]) // 8)
    out = tmp_path / "killed" / "run"
    killed_at = 3 * steps + 2  # in the second epoch of the fine-tuning
    words = [root, root / "tests", phantom_data, he_weights, optimizer, out, killed_at]
    with process(*words, command=(sys.executable, "-c", _KILLED_IN_AN_EPOCH)) as running:
        _, told = running.communicate(timeout=300)
        assert running.returncode == -signal.SIGKILL, told
    assert not (out / "run.json").exists()
    for path in seen(out):
        require_whole(path)
    told_again: list[str] = []
    resumed = train(dataset, how, out, resume=True, log=told_again.append)
    assert any("fine-tune: resumed after epoch 1 of 2" in line for line in told_again)
    for one, other in zip(wanted, resumed, strict=True):
        np.testing.assert_array_equal(one, other)
    assert json.loads((out / "metrics.json").read_bytes()) == json.loads(
        (whole / "metrics.json").read_bytes()
    )


@pytest.mark.slow
@pytest.mark.workstation
def test_a_training_goes_on_from_any_moment(
    dataset: LabelledDataset, unbroken: tuple[Path, list[np.ndarray]], he_weights: Path, tmp_path: Path
) -> None:
    from cspine_edge.run import Run
    from cspine_edge.training.framework import tf

    how = settings(he_weights, "nadam")
    disk = tmp_path / "disk"
    disk.mkdir()
    with moments(disk, tmp_path / "moments") as left:
        train(dataset, how, disk / "run")
    assert len(left) > 40
    for folder in left:
        if not (folder / "run").exists():
            continue
        for path in seen(folder):
            require_whole(path)
        for phase in (folder / "run" / "checkpoints").glob("*"):
            if state := tf.train.get_checkpoint_state(str(phase)):
                name = Path(state.model_checkpoint_path).name
                assert tf.train.load_checkpoint(str(phase / name)).get_variable_to_shape_map()
        if (folder / "run" / "run.json").exists():
            assert Run.load(folder / "run").require_model().exists()
    begun = [folder / "run" for folder in left if (folder / "run").exists()]
    shutil.rmtree(disk)
    for run in (begun[len(begun) // 3], begun[-1]):
        shutil.rmtree(disk, ignore_errors=True)
        shutil.copytree(run.parent, disk)  # checkpoints name their place
        for one, other in zip(unbroken[1], train(dataset, how, disk / "run", resume=True), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.workstation
def test_damage_is_told_and_features_are_made_again(
    dataset: LabelledDataset, he_weights: Path, tmp_path: Path
) -> None:
    from dataclasses import replace

    how = replace(settings(he_weights, "adam"), epochs=1, fine_tune_epochs=0)
    out = tmp_path / "run"
    whole = train(dataset, how, out)
    features = sorted((tmp_path / "features").glob("*.zip"))
    assert features
    for number, path in enumerate(features):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content[: len(content) // 2] if number % 2 else content)
    (out / "model.keras").write_bytes(b"half")
    from cspine_edge.run import Run

    with pytest.raises(CspineError, match=r"model\.keras: is not the network that its run\.json names"):
        Run.load(out).require_model()
    again = train(dataset, how, out, resume=True)
    for one, other in zip(whole, again, strict=True):
        np.testing.assert_array_equal(one, other)
    head = out / "checkpoints" / "head"
    for name in ("ckpt-1.data-00000-of-00001", "ckpt-1.index", "history.json", "best.npz"):
        kept = (head / name).read_bytes()
        (head / name).write_bytes(kept[: len(kept) // 3])
        with pytest.raises(InputError, match="head: is damaged; remove it"):
            train(dataset, how, out, resume=True)
        (head / name).write_bytes(kept)
    (out / "settings.json").write_text('{"half')
    with pytest.raises(InputError, match=r"settings\.json: cannot be read"):
        train(dataset, how, out, resume=True)


@pytest.mark.workstation
def test_a_training_goes_on_with_its_own_data_only(
    phantom_data: Path, he_weights: Path, tmp_path: Path
) -> None:
    shutil.copytree(phantom_data, tmp_path / "data")
    data = load_dataset(tmp_path / "data")
    how = settings(he_weights, "adam")

    def stop(line: str) -> None:
        if line.startswith("head 1/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, how, tmp_path / "run", log=stop)
    first, second = (data.path_of(item) for item in data.slices[:2])
    shutil.copy(first, second)
    with pytest.raises(UsageError, match="on other data"):
        train(data, how, tmp_path / "run", resume=True)


@pytest.mark.slow
@pytest.mark.workstation
def test_a_converted_model_lies_there_with_all_that_belongs_to_it(small_run: Path, tmp_path: Path) -> None:
    from converters.convert import ConvertSettings, convert
    from converters.source import source_of_run
    from cspine_edge.contract import Precision

    disk = tmp_path / "disk"
    disk.mkdir()
    how = ConvertSettings(Precision.INT8, calibration_size=12)
    with moments(disk, tmp_path / "moments") as left:
        convert(source_of_run(small_run), how, disk / "model.tflite", log=lambda line: None)
    assert len(left) > 8
    for folder in left:
        for path in seen(folder):
            require_whole(path)
        if (folder / "model.tflite").exists():
            assert (folder / "model.calibration.json").exists()


# Ctrl-C and SIGTERM

_SIGNALLED = """
import os, sys
from cspine_edge.cli import program
needle, number = sys.argv[1:3]
del sys.argv[1:3]
def hook(event, arguments):
    global needle
    if needle and event == "open" and needle in str(arguments[0]):
        needle = ""
        os.kill(os.getpid(), int(number))
sys.addaudithook(hook)
program()
"""
"""A process that is sent a signal as it opens a file of this name."""


def signalled(needle: str, number: signal.Signals, *words: object) -> Outcome:
    with process(needle, int(number), *words, command=(sys.executable, "-c", _SIGNALLED)) as running:
        out, err = running.communicate(timeout=300)
        return Outcome(running.returncode, out, err)


@pytest.mark.parametrize(
    ("words", "needle"),
    [
        (["phantom", "OUT", "--series", 2, "--slices", 2], "phantom0001"),
        (["audit", "DATA", "--out", "OUT"], ".dcm"),
        (["audit", "DATA", "--out", "OUT"], "audit.html"),
        (["check", "MODEL", "--reference", "MODEL", "--data", "DATA", "--out", "OUT"], ".dcm"),
        (["layers", "MODEL", "--reference", "MODEL", "--data", "DATA", "--out", "OUT"], ".dcm"),
        (["predict", "DATA"], ".tflite"),
        (["predict", "DATA", "--json", "--threads", 1], ".tflite"),
        (["bench", "--quick", "--out", "OUT"], ".tflite"),
        (["verify", "MODEL"], ".tflite"),
        (["inspect", "MODEL"], ".tflite"),
        (["recommend"], "pareto.json"),
    ],
)
def test_every_verb_ends_with_one_line(
    words: list[object],
    needle: str,
    phantom_data: Path,
    int8_model: Path,
    tmp_path: Path,
) -> None:
    shutil.copy(int8_model, tmp_path / "model.tflite")
    stand_in = {"OUT": tmp_path / "out", "DATA": phantom_data, "MODEL": tmp_path / "model.tflite"}
    number = signal.SIGTERM if needle in (".tflite", "audit.html") else signal.SIGINT
    told = signalled(needle, number, *(stand_in.get(str(word), word) for word in words))
    assert (told.code, told.err) == (128 + number, "interrupted\n")
    assert told.out == ""
    left = {path.name for path in tmp_path.rglob("*")} - {"model.tflite"}
    assert left in (set(), {"out", "audit.json"})  # an audit's files, one by one
    assert (tmp_path / "model.tflite").read_bytes() == int8_model.read_bytes()


@pytest.mark.slow
@pytest.mark.workstation
def test_an_interrupted_training_says_how_to_go_on(
    phantom_data: Path, he_weights: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    words = ["train", phantom_data, "--out", out, "--weights", he_weights, "--alpha", 0.25, "--size", 32]
    words += ["--head", "dense", "--epochs", 500, "--batch-size", 8]
    with process(*words) as running:
        assert running.stdout is not None
        assert next(line for line in running.stdout if line.startswith("head 2/500"))
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=120)
    assert running.returncode == 130
    assert told == "interrupted; the same command goes on with --resume\n"
    history = json.loads((out / "checkpoints" / "head" / "history.json").read_bytes())
    assert len(history) >= 2
    assert not (out / "run.json").exists()
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize("form", ["--json", "--csv", None])
def test_an_interrupted_predict_keeps_what_it_has(
    form: str | None, phantom_data: Path, tmp_path: Path
) -> None:
    paths = sorted(phantom_data.rglob("*.dcm"))
    for place in range(1500):
        (tmp_path / f"{place:04}.dcm").symlink_to(paths[place % len(paths)])
    with process("predict", tmp_path, *([form] if form else [])) as running:
        assert running.stdout is not None
        first = ""
        while len(first) < 9000:  # most of the slices are still to come
            first += os.read(running.stdout.fileno(), 9000).decode()
        running.send_signal(signal.SIGINT)
        rest, told = running.communicate(timeout=60)
    text = first + rest
    assert (running.returncode, told) == (130, "interrupted\n")
    if form == "--json":
        rows = json.loads(text)
    elif form == "--csv":
        rows = list(csv.DictReader(text.splitlines()))
        assert all(row["series"] for row in rows)
    else:
        rows = [{"label": line.split()[0], "path": line.split()[2]} for line in text.splitlines()]
        assert text.endswith("\n")
    assert 0 < len(rows) < 1500
    assert all(row["label"] in ("fracture", "normal") for row in rows)
    if form:
        assert [Path(row["path"]).name for row in rows] == [f"{place:04}.dcm" for place in range(len(rows))]


def test_a_signal_that_the_parent_ignores_is_ignored(phantom_data: Path) -> None:
    """As of a process that a shell has started in the background, or with nohup."""
    words = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", sys.executable, "-c", _SIGNALLED]
    with process(".tflite", 2, "predict", phantom_data, command=tuple(words)) as running:
        out, told = running.communicate(timeout=60)
    assert (running.returncode, told) == (0, "")
    assert len(out.splitlines()) == 48


# A full disk, a closed folder


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A disk of its own, made in memory; needs the rights of root."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("a disk of its own needs the right to mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


@pytest.mark.parametrize("state", ["full", "closed"])
def test_a_disk_that_takes_nothing(
    state: str, cli: Cli, phantom_data: Path, int8_model: Path, tmp_path: Path
) -> None:
    """Each verb says so in one sentence, leaves nothing half, and does it all once there is room."""
    pytest.importorskip("matplotlib")
    with mounted(tmp_path / "disk", "size=4m") as disk:
        model = disk / "model.tflite"
        shutil.copy(int8_model, model)
        if state == "full":
            with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
                while True:
                    filler.write(bytes(4096))
        else:
            (disk / "filler").touch()
            remount(disk, "ro")
        verbs: list[list[object]] = [
            ["phantom", disk / "phantom", "--series", 2, "--slices", 2, "--size", 128],
            ["audit", phantom_data, "--out", disk / "audited"],
            ["check", model, "--reference", int8_model, "--data", phantom_data],
            ["bench", int8_model, "--quick", "--out", disk / "bench.json"],
            ["predict", "--watch", phantom_data, "--out", disk / "sub" / "journal.jsonl"],
        ]
        for words in verbs[:-1] if state == "full" else verbs:
            told = cli(*words)
            assert told.code == 4, words
            (line,) = [line for line in told.err.splitlines() if line.startswith("error: ")]
            assert ("No space left on device" if state == "full" else "Read-only file system") in line
            assert str(disk) in line
            assert "Traceback" not in told.err
            assert {path.name for path in seen(disk)} == {"model.tflite", "filler"}
            assert model.read_bytes() == int8_model.read_bytes()
            assert not list(disk.rglob(".*"))
        remount(disk, "rw,size=64m")
        (disk / "filler").unlink()
        for words in verbs[:-1]:
            assert cli(*words).code in (0, 3)
        for path in seen(disk):
            require_whole(path)


@pytest.mark.slow
@pytest.mark.workstation
def test_a_training_goes_on_once_there_is_room(
    dataset: LabelledDataset, unbroken: tuple[Path, list[np.ndarray]], he_weights: Path, tmp_path: Path
) -> None:
    how = settings(he_weights, "nadam")
    told: list[str] = []
    with mounted(tmp_path / "disk", "size=100k") as disk:
        for size in ("300k", "2m", "64m"):
            out = disk / "run"
            remount(disk, f"size={size}")
            try:
                resumed = train(dataset, how, out, resume=out.exists())
            except OutputError as error:
                told.append(str(error))
                for path in seen(disk):
                    require_whole(path)
        for one, other in zip(unbroken[1], resumed, strict=True):
            np.testing.assert_array_equal(one, other)
    assert len(told) == 2
    assert all("cannot be written" in line and "\n" not in line for line in told)


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"], ["--json", "--threads", "2"]])
def test_results_that_find_no_place_are_an_error(form: list[str], phantom_data: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with open("/dev/full", "w") as full, process("predict", phantom_data, *form, stdout=full) as running:
        _, told = running.communicate(timeout=60)
    assert running.returncode == 4
    assert told == "error: No space left on device; choose another place\n"


def test_a_reader_that_goes_away_is_told_no_error(phantom_data: Path) -> None:
    for form in ([], ["--json"], ["--csv"]):
        with process("predict", phantom_data, *form) as running:
            assert running.stdout is not None
            assert running.stderr is not None
            running.stdout.close()
            assert running.stderr.read() == ""
            assert running.wait(60) == 141


# Two at one output

_HOLDING = """
import sys, time
from cspine_edge.files import claimed
with claimed(sys.argv[1]):
    print("holding", flush=True)
    time.sleep(600)
"""


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[str]]:
    with process(path, command=(sys.executable, "-c", _HOLDING)) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "holding\n"
        yield running


def test_a_claim_ends_with_its_process(tmp_path: Path) -> None:
    with held(tmp_path / "out") as running:
        with (
            pytest.raises(OutputError, match="out: is being written by another process"),
            claimed(tmp_path / "out"),
        ):
            pass
        with claimed(tmp_path / "other"):
            pass
        running.kill()
        running.wait()
        assert [path.name for path in tmp_path.iterdir()] == [".out.lock"]
        with claimed(tmp_path / "out"):
            write_bytes(tmp_path / "out", b"mine")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_many_at_one_claim_have_it_one_at_a_time(tmp_path: Path) -> None:
    """Each counts in a file without care for the others; what is refused tries again."""
    code = """
import sys, time
from pathlib import Path
from cspine_edge.errors import OutputError
from cspine_edge.files import claimed
count, done = Path(sys.argv[1]), 0
while done < 40:
    try:
        with claimed(count):
            number = int(count.read_text())
            time.sleep(0.0005)
            count.write_text(str(number + 1))
            done += 1
    except OutputError:
        pass
"""
    (tmp_path / "count").write_text("0")
    running = [subprocess.Popen([sys.executable, "-c", code, tmp_path / "count"]) for _ in range(4)]
    assert [one.wait(120) for one in running] == [0] * 4
    assert (tmp_path / "count").read_text() == "160"
    assert [path.name for path in tmp_path.iterdir()] == ["count"]


@pytest.mark.workstation
def test_a_second_training_and_a_second_conversion_are_refused(
    dataset: LabelledDataset, he_weights: Path, small_run: Path, tmp_path: Path
) -> None:
    from converters.convert import ConvertSettings, convert
    from converters.source import source_of_run
    from cspine_edge.contract import Precision

    how = ConvertSettings(Precision.FLOAT32)
    with held(tmp_path / "run"), pytest.raises(OutputError, match="another process"):
        train(dataset, settings(he_weights, "adam"), tmp_path / "run")
    with held(tmp_path / "model.tflite"), pytest.raises(OutputError, match="another process"):
        convert(source_of_run(small_run), how, tmp_path / "model.tflite", log=lambda line: None)
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == []


def test_two_phantoms_at_one_folder_are_one(tmp_path: Path) -> None:
    out = tmp_path / "phantom"
    words = ["phantom", out, "--series", 4, "--slices", 2, "--size", 64, "--seed"]
    with process(*words, 1) as first, process(*words, 2) as second:
        told = [one.communicate(timeout=60)[1] for one in (first, second)]
        codes = [first.returncode, second.returncode]
    assert sorted(codes) == [0, 4]
    assert "phantom: " in told[codes.index(4)]
    write_phantom(tmp_path / "alone", series=4, slices=2, size=64, seed=codes.index(0) + 1)
    found, wanted = ({p.relative_to(f): p.read_bytes() for p in seen(f)} for f in (out, tmp_path / "alone"))
    assert found == wanted


def test_check_writes_no_verdict_into_another_graph(int8_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    shutil.copy(int8_model, path)
    file = ModelFile.read(path)
    shutil.copy(int8_model.with_name("mobilenet-a0.25-b11-272-int8.tflite"), path)
    changed = path.read_bytes()
    with pytest.raises(CspineError, match="was changed while it was checked"):
        file.with_parity({"verdict": "passed", "reason": "because"})
    assert path.read_bytes() == changed
    shutil.copy(int8_model, path)
    once = file.with_parity({"verdict": "passed", "reason": "because"})
    twice = file.with_parity(
        {"verdict": "failed", "reason": "because"}
    )  # by another check: the last one counts
    assert once.contract != twice.contract == ModelFile.read(path).contract


# A slice that is written to while it is read


def test_a_small_slice_that_changes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    path = tmp_path / "slice.png"
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(path)
    whole = io.BytesIO

    def write_then_read(content: bytes) -> io.BytesIO:
        time.sleep(0.02)  # the clock of the file system is a coarse one
        with path.open("r+b") as file:
            file.seek(len(content) // 2)
            file.write(b"new")
        return whole(content)

    monkeypatch.setattr("cspine_edge.slices.io.BytesIO", write_then_read)
    with pytest.raises(SliceError, match="was changed while it was read; wait"):
        list(read_slices(path))


def test_frames_of_a_large_file_that_changes_are_refused(tmp_path: Path, phantom_data: Path) -> None:
    import pydicom

    dataset = pydicom.dcmread(next(phantom_data.rglob("*.dcm")))
    frames = 1 + 17 * 1024 * 1024 // len(dataset.PixelData)
    dataset.NumberOfFrames = frames
    dataset.PixelData = dataset.PixelData * frames
    path = tmp_path / "many.dcm"
    dataset.save_as(path)
    found = read_slices(path)
    next(found)
    time.sleep(0.02)
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(SliceError, match="was changed while it was read; wait"):
        next(found)


def test_a_slice_that_is_replaced_is_the_one_or_the_other(tmp_path: Path) -> None:
    """Written beside and renamed, as this toolkit and DICOM nodes do."""
    import threading

    pictures = [np.full((256, 256), value, np.uint8) for value in (10, 200)]
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{number}.png", compress_level=0)
    path, stop = tmp_path / "slice.png", threading.Event()
    contents = [(tmp_path / f"{number}.png").read_bytes() for number in (0, 1)]
    write_bytes(path, contents[0])

    def replace() -> None:
        while not stop.is_set():
            for content in contents:
                write_bytes(path, content, overwrite=True)

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        levels = {
            level for _ in range(200) for frame in read_slices(path) for level in np.unique(frame.pixels)
        }
    finally:
        stop.set()
        writer.join()
    assert levels <= {10, 200}
    assert levels


# A clock that jumps


def test_a_watch_whose_clock_jumps_does_each_file_once(phantom_data: Path, tmp_path: Path) -> None:
    """The day before yesterday, then next year; files come with times of change in the future and at 1970."""
    faketime = shutil.which("faketime")
    if faketime is None:
        pytest.skip("needs faketime")
    folder, out, clock = tmp_path / "in", tmp_path / "verdicts.jsonl", tmp_path / "clock"
    folder.mkdir()
    clock.write_text("-2d\n")
    (library,) = [
        word.partition("=")[2].split(":")[0]
        for word in subprocess.run(
            [faketime, "now", "env"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        if word.startswith("LD_PRELOAD=")
    ]
    fake = {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
    paths = sorted(phantom_data.rglob("*.dcm"))[:3]
    times = [time.time() + 1e8, 0, time.time()]
    words = ["predict", "--watch", folder, "--out", out, "--model", "fast", "--threads", 1]

    def lines() -> list[dict[str, Any]]:
        return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []

    with process(*words, env=os.environ | fake) as running:
        for number, (path, when) in enumerate(zip(paths, times, strict=True)):
            copy = folder / f"{number}.dcm"
            shutil.copy(path, copy)
            os.utime(copy, (when, when))
            if number == 1:
                clock.write_text("+365d\n")
            end = time.monotonic() + 60
            while len(lines()) <= number:
                assert running.poll() is None
                assert time.monotonic() < end
                time.sleep(0.02)
        clock.write_text("-9000d\n")
        time.sleep(1.5)
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
    assert [line["file"] for line in lines()] == [f"{number}.dcm" for number in range(3)]
    assert all(line["verdicts"] for line in lines())
    years = {line["written"][:4] for line in lines()}
    assert len(years) == 2


def test_a_board_whose_clock_stands_at_1970(phantom_data: Path, int8_model: Path, tmp_path: Path) -> None:
    faketime = shutil.which("faketime")
    if faketime is None:
        pytest.skip("needs faketime")
    model = tmp_path / "model.tflite"
    shutil.copy(int8_model, model)
    for words in (
        ["check", model, "--reference", int8_model, "--data", phantom_data, "--out", tmp_path / "check.json"],
        ["verify", model],
        ["phantom", tmp_path / "phantom", "--series", "1", "--slices", "2", "--size", "64"],
    ):
        with process(*words, command=(faketime, "-f", "@1970-01-02 00:00:00", *COMMAND)) as running:
            _, told = running.communicate(timeout=120)
        assert running.returncode in (0, 3), told
    for path in seen(tmp_path):
        require_whole(path)

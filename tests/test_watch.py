"""``predict --watch``: each file once, whatever happens in between."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cspine_edge.batch import classify_file
from cspine_edge.classifier import Classifier, Verdict
from cspine_edge.errors import CspineError, ExitCode, InputError, OutputError
from cspine_edge.phantom import ImageFormat, write_phantom
from cspine_edge.prediction import plain
from cspine_edge.watch import watch

pytest.importorskip("fcntl")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    write_phantom(folder / "ct", series=4, slices=10, seed=0, image_format=ImageFormat.PNG, size=64)
    return sorted((folder / "ct").rglob("*.png"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "verdicts.jsonl"


@pytest.fixture
def start(folder: Path, out: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the verb as a process; whatever still runs at the end of the test is killed."""
    running: list[subprocess.Popen[str]] = []

    def run(*further: str) -> subprocess.Popen[str]:
        words = ["predict", "--watch", str(folder), "--out", str(out), "--model", "fast", "--threads", "1"]
        words += further
        process = subprocess.Popen(
            [sys.executable, "-m", "cspine_edge", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


def lines(out: Path) -> list[dict[str, object]]:
    text = out.read_text() if out.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_each_file_once_after_kill_9(
    folder: Path, out: Path, pictures: list[Path], start: Callable[[], subprocess.Popen[str]]
) -> None:
    """Killed again and again while files come in, with half a line left behind too."""
    generator = np.random.default_rng(0)
    arriving = iter(pictures)
    killed_in_work = 0
    for _ in range(5):
        for source in [next(arriving) for _ in range(8)]:
            shutil.copy(source, folder / source.name)
        process, before = start(), len(lines(out))
        goal = before + int(generator.integers(1, 8))
        wait_for(lambda goal=goal: len(lines(out)) >= goal)  # type: ignore[misc]
        process.kill()
        process.wait()
        killed_in_work += len(lines(out)) < len(list(folder.iterdir()))
        with out.open("ab") as file:  # as the end of the power would leave it
            file.write(b'{"file": "half of a li')
    assert killed_in_work
    process = start()
    wait_for(lambda: len(lines(out)) >= len(pictures))
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    found = lines(out)
    assert sorted(str(line["file"]) for line in found) == sorted(picture.name for picture in pictures)
    classifier = Classifier("fast", threads=1)
    for line in found:
        path = folder / str(line["file"])
        assert line["size_bytes"] == path.stat().st_size
        verdicts = [r for r in classify_file(classifier, path) if isinstance(r, Verdict)]
        assert line["verdicts"] == [plain(verdict) for verdict in verdicts]
        assert len(verdicts) == 1


def test_sigterm_and_ctrl_c_end_it_well(
    folder: Path, out: Path, start: Callable[[], subprocess.Popen[str]]
) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        process = start()
        assert process.stderr is not None
        assert process.stderr.readline().startswith("watching ")
        process.send_signal(number)
        assert process.wait(20) == 0


def test_a_window_that_is_ignored_is_told_once(
    folder: Path, out: Path, pictures: list[Path], start: Callable[..., subprocess.Popen[str]]
) -> None:
    for source in pictures[:3]:
        shutil.copy(source, folder / source.name)
    process = start("--window", "40/80")
    wait_for(lambda: len(lines(out)) == 3)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 0
    _, note = told.splitlines()
    assert note == "note: --window 40/80 is ignored where a picture has 8 bits, and so no HU"


def test_two_at_one_journal_would_do_files_twice(
    folder: Path, out: Path, start: Callable[[], subprocess.Popen[str]]
) -> None:
    first = start()
    wait_for(out.exists)
    second = start()
    _, told = second.communicate(timeout=60)
    assert second.returncode == ExitCode.BAD_INPUT
    assert "is being written by another process" in told
    assert first.poll() is None


class Watching:
    """A watch in a thread of this process, with what it has reported."""

    def __init__(self, folder: Path, out: Path) -> None:
        self.stop, self.errors, self.verdicts = threading.Event(), list[CspineError](), list[Verdict]()
        self._thread = threading.Thread(target=self._run, args=(folder, out))

    def _run(self, folder: Path, out: Path) -> None:
        classifier = Classifier("fast", threads=1)
        watch(folder, out, classifier, self.stop, self.verdicts.append, self.errors.append, poll_s=0.05)

    def __enter__(self) -> Watching:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()


def test_what_comes_later_and_deeper_is_found_and_what_is_written_anew_is_new(
    folder: Path, out: Path, pictures: list[Path]
) -> None:
    with Watching(folder, out) as watching:
        (folder / "a/b").mkdir(parents=True)
        shutil.copy(pictures[0], folder / "a/b/slice.png")
        wait_for(lambda: len(lines(out)) == 1)
        shutil.copy(pictures[1], folder / "a/b/slice.png")
        wait_for(lambda: len(lines(out)) == 2)
        (folder / "broken.png").write_bytes(pictures[2].read_bytes()[:100])
        (folder / "notes.txt").write_text("no slice")
        wait_for(lambda: len(lines(out)) == 3)
        time.sleep(0.3)
    found = lines(out)
    assert [line["file"] for line in found] == ["a/b/slice.png", "a/b/slice.png", "broken.png"]
    assert found[0]["verdicts"] != found[1]["verdicts"]
    assert found[2]["verdicts"] == []
    assert "truncated" in str(found[2]["errors"])
    assert len(watching.verdicts) == 2
    assert [str(error) for error in watching.errors] == found[2]["errors"]


def test_a_file_that_still_grows_is_waited_for(folder: Path, out: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256)).astype(np.uint8)
    Image.fromarray(noise).save(folder.parent / "whole.png")
    whole = (folder.parent / "whole.png").read_bytes()
    with Watching(folder, out), (folder / "growing.png").open("wb") as file:
        for begin in range(0, len(whole), 4096):
            file.write(whole[begin : begin + 4096])
            file.flush()
            time.sleep(0.01)
        wait_for(lambda: len(lines(out)) == 1)
    (line,) = lines(out)
    assert line["size_bytes"] == len(whole)
    assert line["errors"] == []


def test_a_folder_that_goes_away_is_waited_for(folder: Path, out: Path, pictures: list[Path]) -> None:
    with Watching(folder, out) as watching:
        wait_for(out.exists)
        folder.rmdir()
        wait_for(lambda: bool(watching.errors))
        time.sleep(0.2)
        folder.mkdir()
        shutil.copy(pictures[0], folder)
        wait_for(lambda: len(lines(out)) == 1)
    assert [str(error) for error in watching.errors] == [f"{folder}: is gone; waiting for it to come back"]


def test_names_that_are_not_text(folder: Path, out: Path, pictures: list[Path]) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    shutil.copy(pictures[0], folder / name)
    for _ in range(2):  # the second finds it in the journal
        with Watching(folder, out):
            wait_for(lambda: len(lines(out)) == 1)
            time.sleep(0.3)
    (line,) = lines(out)
    assert line["file"] == name


@pytest.mark.parametrize(
    "content", [b'{"of": "something else"}\n', b'{"a":1}', b'{"file": "x"}\n', b"\x00\xff precious", b"text"]
)
def test_a_file_of_another_program_is_left_alone(folder: Path, out: Path, content: bytes) -> None:
    out.write_bytes(content)
    with pytest.raises(OutputError, match="line 1 is not one of this verb's"):
        watch(folder, out, Classifier("fast"), threading.Event(), print, print)
    assert out.read_bytes() == content


def test_a_file_that_ends_the_process_is_given_up_and_the_rest_go_on(
    folder: Path, out: Path, pictures: list[Path], start: Callable[[], subprocess.Popen[str]]
) -> None:
    """The size that a picture states takes all the memory that there is."""
    import struct
    import zlib

    header = struct.pack(">2I5B", 4000, 4000, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(4000 * 4001), 1)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    large = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    (folder / "a-large.png").write_bytes(b"\x89PNG\r\n\x1a\n" + large)
    for picture in pictures[:3]:
        shutil.copy(picture, folder)
    killed = (
        "import os, sys; from cspine_edge.cli import program; from cspine_edge import pictures\n"
        "read = pictures.read_picture\n"
        "def reader(path, file, head):\n"
        "    picture = read(path, file, head)\n"
        "    return os.kill(os.getpid(), 9) if picture.size > 4_000_000 else picture\n"
        "pictures.read_picture = reader\n"
        "program()"
    )
    words = ["predict", "--watch", str(folder), "--out", str(out), "--model", "fast", "--threads", "1"]
    ends = []
    for _ in range(3):  # as the kernel does when memory is out
        done = subprocess.run(
            [sys.executable, "-c", killed, *words], capture_output=True, check=False, timeout=60
        )
        ends.append(done.returncode)
    assert ends == [-signal.SIGKILL] * 3
    assert lines(out) == []
    process = start()
    wait_for(lambda: len(lines(out)) == 4)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    first, *others = lines(out)
    assert first["file"] == "a-large.png"
    assert "ended the process 3 times" in str(first["errors"])
    assert [len(line["verdicts"]) for line in others] == [1, 1, 1]  # type: ignore[arg-type]
    assert [path.name for path in out.parent.iterdir() if "attempt" in path.name] == []


def test_there_has_to_be_a_folder(folder: Path, out: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        watch(folder / "absent", out, Classifier("fast"), threading.Event(), print, print)
    assert not out.exists()


def test_a_full_disk_loses_nothing(folder: Path, out: Path, pictures: list[Path]) -> None:
    """A limit on the size of files stands in for the disk."""
    for picture in pictures[:6]:
        shutil.copy(picture, folder)
    words = ["predict", "--watch", str(folder), "--out", str(out), "--model", "fast", "--threads", "1"]
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "from cspine_edge.cli import program; import cspine_edge.classifier; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500)); program()"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == ExitCode.BAD_INPUT
    assert "nothing is lost" in done.stderr
    assert out.read_bytes().endswith(b"\n")
    assert 0 < len(lines(out)) < 6
    with Watching(folder, out):
        wait_for(lambda: len(lines(out)) == 6)
    assert len({str(line["file"]) for line in lines(out)}) == 6


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--watch", "."], "--watch needs --out FILE.jsonl"),
        (["--out", "o.jsonl"], "name files or folders, or a folder to --watch"),
        (["--watch", ".", "--out", "o.jsonl", "--json"], "leave --json and --csv out"),
    ],
)
def test_options_that_go_together(words: list[str], sentence: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cspine_edge", "predict", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == ExitCode.USAGE
    assert sentence in done.stderr
    assert not list(tmp_path.iterdir())

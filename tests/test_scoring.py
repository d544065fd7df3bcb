"""``predict --out``: each file once, however often the run is begun and however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from cspine_edge.batch import classify_file
from cspine_edge.classifier import Classifier, Verdict
from cspine_edge.errors import CspineError, ExitCode
from cspine_edge.journal import FileState
from cspine_edge.phantom import ImageFormat, write_phantom
from cspine_edge.prediction import plain
from cspine_edge.scoring import Finished, LocalEngine, Tally, score
from cspine_edge.slice_files import find_slices

pytest.importorskip("fcntl")


@pytest.fixture(scope="module")
def fast() -> Classifier:
    return Classifier("fast", threads=1)


def lines(out: Path) -> list[dict[str, object]]:
    text = out.read_text() if out.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def predict(archive: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    words = ["predict", str(archive), "--out", str(out), "--model", "fast", *options]
    return subprocess.Popen([sys.executable, "-m", "cspine_edge", *words], stderr=subprocess.PIPE, text=True)


def assert_each_once(out: Path, archive: Path, fast: Classifier) -> None:
    found = lines(out)
    paths = find_slices([archive])
    assert sorted(str(line["file"]) for line in found) == sorted(map(str, paths))
    for line in found:
        results = list(classify_file(fast, Path(str(line["file"]))))
        assert line["verdicts"] == [plain(result) for result in results if isinstance(result, Verdict)]
        assert line["errors"] == [str(result) for result in results if isinstance(result, CspineError)]


def test_each_file_once_in_order_and_again_nothing(archive: Path, fast: Classifier, tmp_path: Path) -> None:
    out = tmp_path / "verdicts.jsonl"
    errors: list[CspineError] = []
    paths = find_slices([archive])
    engine = LocalEngine(fast, None, workers=2)
    first = score(paths, out, engine, errors.append)
    assert first == Tally(before=0, files=201, slices=200, codes=(int(ExitCode.BAD_INPUT),))
    assert str(first) == "200 slices of 201 files classified, 1 inputs could not be used"
    assert errors == []
    assert [line["file"] for line in lines(out)] == [str(path) for path in paths]
    assert_each_once(out, archive, fast)
    content = out.read_bytes()
    again = score(paths, out, engine, errors.append)
    assert again == Tally(before=201, files=0, slices=0, codes=())
    assert out.read_bytes() == content


def test_killed_again_and_again_each_file_still_once(archive: Path, fast: Classifier, tmp_path: Path) -> None:
    out = tmp_path / "verdicts.jsonl"
    killed_in_work = 0
    for goal in (1, 70, 130):
        process = predict(archive, out, "--threads", "1")
        end = time.monotonic() + 60
        while len(lines(out)) < goal and process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.001)
        process.kill()
        process.communicate()
        killed_in_work += len(lines(out)) < 201
        with out.open("ab") as file:
            file.write(b'{"file": "half of a li')
    assert killed_in_work
    last = predict(archive, out)
    _, told = last.communicate(timeout=60)
    assert "were done before" in told or killed_in_work < 3
    assert_each_once(out, archive, fast)


def test_ctrl_c_keeps_what_is_done(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "verdicts.jsonl"
    process = predict(archive, out, "--threads", "1")
    while not lines(out) and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert "Traceback" not in told
    done = lines(out)
    assert done
    if process.returncode != ExitCode.BAD_INPUT:  # it was not through already
        assert process.returncode == 130
        assert len(done) < 201


class _Writing:
    """An engine that lets a file change while it is read."""

    def __init__(self, engine: LocalEngine, victim: Path) -> None:
        self.engine, self.victim = engine, victim

    def __call__(self, pending: Iterable[FileState]) -> Iterator[Finished]:
        for finished in self.engine(pending):
            if any(Path(state.file) == self.victim for state, _ in finished):
                os.utime(self.victim, ns=(0, self.victim.stat().st_mtime_ns + 1))
            yield finished


def test_a_file_that_changes_while_it_is_read_has_no_line_yet(fast: Classifier, tmp_path: Path) -> None:
    write_phantom(tmp_path / "ct", series=1, slices=3, seed=0, image_format=ImageFormat.PNG, size=64)
    paths = find_slices([tmp_path / "ct"])
    out, errors, engine = tmp_path / "verdicts.jsonl", list[CspineError](), LocalEngine(fast, None, workers=1)
    tally = score(paths, out, _Writing(engine, paths[1]), errors.append)
    assert tally == Tally(before=0, files=2, slices=2, codes=(int(ExitCode.BAD_INPUT),))
    assert [str(error) for error in errors] == [
        f"{paths[1]}: changed while it was read; run the same command again"
    ]
    assert score(paths, out, engine, errors.append) == Tally(before=2, files=1, slices=1, codes=())


def test_what_does_not_go_together_is_told(archive: Path, tmp_path: Path) -> None:
    for options, sentence in (
        (["--json"], "leave --json and --csv out"),
        (["--scheduler", "tcp://archive:8786"], "--scheduler needs --engine dask"),
        (["--watch", str(archive)], "--watch takes no inputs"),
    ):
        process = predict(archive, tmp_path / "verdicts.jsonl", *options)
        _, told = process.communicate(timeout=60)
        assert (process.returncode, sentence in told) == (ExitCode.USAGE, True), told
    words = [sys.executable, "-m", "cspine_edge", "predict", str(archive), "--engine", "dask"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, "--engine dask needs --out" in done.stderr) == (ExitCode.USAGE, True)

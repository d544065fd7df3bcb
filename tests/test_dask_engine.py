"""A dask cluster of two worker processes: the local engine's verdicts, each file once."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cspine_edge import dask_engine
from cspine_edge.classifier import Classifier
from cspine_edge.dask_engine import DaskEngine, Work, fingerprint
from cspine_edge.errors import CspineError, ExitCode, InputError, UsageError
from cspine_edge.scoring import LocalEngine, score
from cspine_edge.slice_files import find_slices

pytest.importorskip("distributed")

WORK = Work("fast", fingerprint("fast"))
SLOW = """
import time
from cspine_edge import batch, dask_engine

def classify_file(classifier, path, window):
    if path.name == "poison.png":
        import os
        os._exit(1)
    time.sleep(0.01)
    return batch.classify_file(classifier, path, window)

dask_engine.classify_file = classify_file
"""
"""Preloaded by workers: slices that take their time, and one that ends whoever reads it."""


class Cluster:
    """A scheduler and two workers, processes of their own, each with one thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        (folder / "slow.py").write_text(SLOW)
        self._log = (folder / "log").open("wb")
        self._scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(port))
        self.workers = [self.add_worker(), self.add_worker()]

    def add_worker(self) -> subprocess.Popen[bytes]:
        options = ("--nthreads", "1", "--preload", str(self.folder / "slow.py"))
        return self._start("worker", self.address, *options, "--local-directory", str(self.folder))

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        # The worker's watcher starts it anew when it ends, as on a real cluster.
        words = [sys.executable, "-m", "dask", what, "--no-dashboard", *options]
        return subprocess.Popen(words, stdout=self._log, stderr=self._log, start_new_session=True)

    def close(self) -> None:
        for process in (*self.workers, self._scheduler):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)
        self._log.close()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    started = Cluster(tmp_path_factory.mktemp("cluster"))
    yield started
    started.close()


def verdicts(out: Path) -> dict[str, tuple[object, object]]:
    """What the journal says of each file, which has to have one line only."""
    entries = [json.loads(line) for line in out.read_text().splitlines()]
    found = {entry["file"]: (entry["verdicts"], entry["errors"]) for entry in entries}
    assert len(found) == len(entries)
    return found


def test_two_workers_one_of_them_killed_give_what_one_process_gives(
    cluster: Cluster, archive: Path, tmp_path: Path
) -> None:
    paths, errors = find_slices([archive]), list[CspineError]()
    here = score(
        paths, tmp_path / "here.jsonl", LocalEngine(Classifier("fast", threads=1), None, 1), errors.append
    )
    words = ["predict", str(archive), "--out", str(tmp_path / "there.jsonl"), "--model", "fast"]
    words += ["--engine", "dask", "--scheduler", cluster.address]
    process = subprocess.Popen(
        [sys.executable, "-m", "cspine_edge", *words], stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 60
    while not (tmp_path / "there.jsonl").exists() or not (tmp_path / "there.jsonl").stat().st_size:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    os.killpg(cluster.workers[0].pid, signal.SIGKILL)
    _, told = process.communicate(timeout=120)
    assert process.returncode == ExitCode.BAD_INPUT, told
    assert f"{here};" in told
    assert verdicts(tmp_path / "there.jsonl") == verdicts(tmp_path / "here.jsonl")
    cluster.workers[0].wait()
    cluster.workers[0] = cluster.add_worker()


def test_a_file_that_ends_its_workers_is_told_and_the_rest_go_on(
    cluster: Cluster, archive: Path, tmp_path: Path
) -> None:
    paths = find_slices([archive])[1:6]
    poison = tmp_path / "poison.png"
    shutil.copy(paths[0], poison)
    out, errors = tmp_path / "verdicts.jsonl", list[CspineError]()
    tally = score([*paths, poison], out, DaskEngine(WORK, cluster.address), errors.append)
    assert (tally.files, tally.slices, errors) == (6, 5, [])
    found = verdicts(out)
    assert found[str(poison)] == ([], [f"{poison}: ended one worker after the other; look at it"])
    assert all(found[str(path)][0] for path in paths)


def test_a_worker_that_sees_another_model_is_no_worker(
    cluster: Cluster, archive: Path, tmp_path: Path
) -> None:
    other = DaskEngine(replace(WORK, model_sha256="0" * 64), cluster.address)
    with pytest.raises(InputError, match=r"fast|\.tflite: is another file on tcp://127"):
        score(find_slices([archive])[:2], tmp_path / "verdicts.jsonl", other, lambda error: None)
    assert (tmp_path / "verdicts.jsonl").read_bytes() == b""


def test_without_a_scheduler_it_says_so(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_engine, "_PATIENCE_S", 1)
    engine = DaskEngine(WORK, "tcp://127.0.0.1:9")
    with pytest.raises(UsageError, match=r"no dask scheduler answers at .+; start one"):
        score(find_slices([archive])[:2], tmp_path / "verdicts.jsonl", engine, lambda error: None)

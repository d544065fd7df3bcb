"""Many inputs, each in a worker process that may die of it."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import IO

from .door import Door
from .worker import LONGEST_S, Box, Trial, processor_time_s, trace_of, work

_PATIENCE_S = 18 * LONGEST_S
"""For what uses no processor time, be it that it waits or that the machine has other work."""
_PROCESS_LIMIT_S = 18 * LONGEST_S
"""Of the whole command line, whose start is in it."""


@dataclass(frozen=True)
class Finding:
    """An input that did what none may.

    Attributes
    ----------
    door, number
        Which door's input it was, and which of the soak.
    problem
        What must not be.
    kept
        Where the input lies now.
    """

    door: str
    number: int
    problem: str
    kept: Path

    def __str__(self) -> str:
        return f"{self.door} {self.number}: {self.problem}\n    {self.kept}"


@dataclass(frozen=True)
class Summary:
    """A whole soak."""

    inputs: int
    processes: int
    seconds: float
    codes: dict[str, dict[str, int]]
    slowest_s: float
    slowest: str
    peak_mib: float
    peak: str
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        lines = [
            f"{self.inputs} inputs in {self.seconds:.0f} s, {self.processes} of them also through the command line",
            f"slowest {self.slowest_s:.2f} s ({self.slowest}), most memory {self.peak_mib:.0f} MiB ({self.peak})",
        ]
        for door, codes in self.codes.items():
            told = ", ".join(f"{count} x {code}" for code, count in sorted(codes.items()))
            lines.append(f"{door:<10} exit codes: {told}")
        return "\n".join([*lines, f"{len(self.findings)} findings"])


@dataclass(frozen=True)
class _Job:
    door: Door
    number: int
    write: Callable[[Path], Path]


def generated(doors: Sequence[Door], count: int, seed: int) -> Iterator[_Job]:
    """Inputs by the shares of their doors, the same for the same seed."""
    order = [door for door in doors for _ in range(door.share)]
    Random(seed).shuffle(order)
    for number in range(count):
        door = order[number % len(order)]

        def write(folder: Path, door: Door = door, number: int = number) -> Path:
            return door.make(Random(f"{seed} {door.name} {number}"), folder)

        yield _Job(door, number, write)


def given(door: Door, files: Iterable[Path]) -> Iterator[_Job]:
    """Inputs that lie there already."""
    for number, file in enumerate(files):

        def write(folder: Path, file: Path = file) -> Path:
            return Path(shutil.copy(file, folder / file.name))

        yield _Job(door, number, write)


def soak(
    jobs: Iterable[_Job], keep: Path, *, processes_every: int = 0, log: Callable[[str], object] = print
) -> Summary:
    """Try every input.

    Parameters
    ----------
    jobs
        From :func:`generated` or :func:`given`.
    keep
        Folder for the inputs that did what none may.
    processes_every
        One input in so many goes through the command line as a process of its own too; 0 for none.
    log
        Receives a line for every finding, as it comes.
    """
    jobs = list(jobs)
    began = time.monotonic()
    codes: dict[str, Counter[str]] = {}
    findings: list[Finding] = []
    slowest, peak = (0.0, "none"), (0.0, "none")
    processes = 0
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=_room()) as name:
        box = Box(Path(name))
        todo = 0
        while todo < len(jobs):
            for job, trial, path in _worker(jobs, todo, box):
                todo += 1
                if processes_every and trial.code is not None and job.number % processes_every == 0:
                    processes += 1
                    trial = _with_process(job, box, path, trial)
                codes.setdefault(job.door.name, Counter())[str(trial.code)] += 1
                slowest = max(slowest, (trial.seconds, f"{job.door.name} {job.number}"))
                peak = max(peak, (trial.peak_mib, f"{job.door.name} {job.number}"))
                if trial.problems:
                    finding = _keep(job, path, "; ".join(trial.problems), keep)
                    findings.append(finding)
                    log(str(finding))
                if not todo % 1000:
                    log(f"{todo} of {len(jobs)} inputs, {time.monotonic() - began:.0f} s")
        box.empty()
    return Summary(
        len(jobs),
        processes,
        time.monotonic() - began,
        {door: dict(found) for door, found in codes.items()},
        *slowest,
        *peak,
        tuple(findings),
    )


def _room() -> Path | None:
    """Memory, if there is enough: a hundred thousand folders take minutes to make on a disk."""
    memory = Path("/dev/shm")
    enough = memory.is_dir() and shutil.disk_usage(memory).free > 4 << 30
    return memory if enough else None


def _keep(job: _Job, path: Path | None, problem: str, keep: Path) -> Finding:
    folder = keep / job.door.name
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{job.number}{'-' + path.name if path else ''}"
    if path is not None and path.is_file():
        shutil.copyfile(path, target)
    target.with_name(target.name + ".txt").write_text(problem + "\n")
    return Finding(job.door.name, job.number, problem, target)


def _worker(jobs: Sequence[_Job], begin: int, box: Box) -> Iterator[tuple[_Job, Trial, Path | None]]:
    """Fork a worker, and give what came of each input; ends with the input that ended the worker."""
    tells, asks = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        _serve(jobs, begin, box, tells[1], asks[0])
    os.close(tells[1])
    os.close(asks[0])
    try:
        with open(tells[0], "rb", buffering=0) as told:
            for number in range(begin, len(jobs)):
                os.write(asks[1], b"+")
                path, started, line = None, time.monotonic(), b""
                while True:
                    # An input is written, then tried; each has the whole time.
                    ready = _answers(told, child)
                    line = told.readline() if ready else b""
                    if not line.startswith(b'{"path"'):
                        break
                    path = Path(json.loads(line)["path"])
                if line.endswith(b"}\n"):
                    entry = json.loads(line)
                    yield jobs[number], Trial(**entry | {"problems": tuple(entry["problems"])}), path
                    continue
                if not ready:
                    os.kill(child, signal.SIGKILL)
                _, status = os.waitpid(child, 0)
                child = 0
                ended = os.waitstatus_to_exitcode(status)
                reason = (
                    f"hung for more than {LONGEST_S:g} s" if not ready else f"ended its process ({ended})"
                )
                problem = f"{reason} while {'being tried' if path else 'being made'}: {trace_of(box.folder)}"
                yield jobs[number], Trial(None, (problem,), time.monotonic() - started, 0.0), path
                return
    finally:
        os.close(asks[1])
        if child:
            os.waitpid(child, 0)


def _answers(told: IO[bytes], child: int) -> bool:
    """Wait for a line from a worker; false if it has hung."""
    used, began = processor_time_s(child), time.monotonic()
    while not select.select([told], [], [], LONGEST_S)[0]:
        busy = processor_time_s(child) - used > LONGEST_S
        if busy or time.monotonic() - began > _PATIENCE_S:
            return False
    return True


def _serve(jobs: Sequence[_Job], begin: int, box: Box, tell: int, ask: int) -> None:
    """In the worker: make, try and tell, one input for each byte that comes."""
    try:
        box.enter()
        for job in jobs[begin:]:
            if not os.read(ask, 1):
                break
            box.empty()
            path = job.write(box.inputs)
            os.write(tell, json.dumps({"path": str(path)}).encode() + b"\n")
            trial = work(job.door, box, path)
            os.write(tell, json.dumps(trial.__dict__).encode() + b"\n")
        code = 0
    except BaseException:
        import traceback

        (box.folder / "trace").write_text("made:\n" + traceback.format_exc()[-1500:])
        code = 70
    os._exit(code)


def _with_process(job: _Job, box: Box, path: Path | None, trial: Trial) -> Trial:
    """Make the same call as a process of its own, which is to end alike."""
    call = job.door.call(path, box.folder / "again") if path else None
    if not isinstance(call, list):
        return trial
    home = {"HOME": str(box.folder / "home"), "XDG_CACHE_HOME": str(box.folder / "home" / "cache")}
    root = Path(__file__).parents[2]
    fresh = box.folder / "fresh"  # what the first call wrote here would be in the way
    fresh.mkdir()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "cspine_edge", *call],
            cwd=fresh,
            env=os.environ | home | {"PYTHONPATH": str(root), "COLUMNS": "200"},
            capture_output=True,
            timeout=_PROCESS_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        problem = f"as a process it took more than {_PROCESS_LIMIT_S:g} s"
    except ValueError:  # an argument that no process can be given, such as one with a zero byte
        return trial
    else:
        problem = ""
        if done.returncode != trial.code:
            problem = f"as a process it ended with code {done.returncode}, and with {trial.code} in one"
        elif b"Traceback" in done.stderr:
            problem = "as a process it printed a traceback"
    finally:
        for place in (fresh, box.folder / "again"):
            shutil.rmtree(place, ignore_errors=True)
    problems = (*trial.problems, problem) if problem else trial.problems
    return Trial(trial.code, problems, trial.seconds, trial.peak_mib)

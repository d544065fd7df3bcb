"""One input through the toolkit, in this process, and what must hold whatever comes of it.

- It ends with a documented exit code, or an error of the package; nothing else is raised.
- Standard error holds sentences: each on a line of its own that begins with ``error:`` or ``note:``, no traceback,
  nothing of a native library, no control character of a file's making; with code 4 one of them says why.
- No file is written but below the output folder and the cache, no temporary one is left, and the input stays as it was.
- It takes less than :data:`LONGEST_S` of processor time, for other work on the machine is not its fault, and the
  process stays below :data:`MOST_MIB`.
"""

from __future__ import annotations

import faulthandler
import json
import os
import re
import resource
import shutil
import sys
import tempfile
import traceback
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from cspine_edge.cli import main
from cspine_edge.errors import CspineError, ExitCode

from .door import Call, Door

LONGEST_S = 10.0
MOST_MIB = 1024
_HARD_LIMIT_MIB = 3072
"""Of memory, so that a bomb ends its worker and not the machine."""
_SENTENCE = re.compile(
    r"(error|note): .+|\d+ slices classified, \d+ inputs could not be used|\d+ slices of \d+ files classified.*"
)
_LONGEST_SENTENCE = 2500
_USAGE = re.compile(r"Usage: |Try '|Error: |[╭│╰]|\s|$")
_PLACES = ("in", "out", "home", "tmp", "cwd")


@dataclass(frozen=True)
class Trial:
    """What came of one input.

    Attributes
    ----------
    code
        Exit code, None where something else was raised.
    problems
        What must not be, a sentence each; none if all is well.
    seconds, peak_mib
        How long it took, and the most memory the process had meanwhile.
    """

    code: int | None
    problems: tuple[str, ...]
    seconds: float
    peak_mib: float


class Box:
    """Folders of one worker, and the watch over what is written beside them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for place in _PLACES:
            (folder / place).mkdir(parents=True, exist_ok=True)
        self.inputs, self.out = folder / "in", folder / "out"
        self._written: list[str] = []
        self._watching = False
        self._places = tuple(str(folder / place) + os.sep for place in ("out", "home", "tmp"))
        self._allowed = self._places

    def enter(self) -> None:
        """Make this process live in the box; it cannot leave it again."""
        os.environ |= {
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "XDG_CACHE_HOME": str(self.folder / "home" / "cache"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "COLUMNS": "200",
        }
        tempfile.tempdir = None  # what was found before may be elsewhere
        sys.dont_write_bytecode = True
        os.chdir(self.folder / "cwd")
        resource.setrlimit(resource.RLIMIT_DATA, (_HARD_LIMIT_MIB << 20,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for number in (1, 2):
            handle = os.open(self.folder / str(number), os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            os.dup2(handle, number)
            os.close(handle)
        # pytest may have put its own in their place.
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        self._trace = open(self.folder / "trace", "w+b")  # noqa: SIM115
        faulthandler.enable(self._trace, all_threads=False)
        sys.addaudithook(self._see)

    def empty(self) -> None:
        """Make room for the next input."""
        for place in _PLACES:
            for path in (self.folder / place).iterdir():
                if place == "home":
                    continue  # the cache stays, as it does with a user
                _remove(path)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._watching:
            return
        paths: tuple[Any, ...] = ()
        if event == "open":
            name, _, flags = arguments
            if isinstance(name, str | bytes) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                paths = (name,)
        elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod"):
            paths = arguments[:1]
        elif event in ("os.rename", "os.link", "os.symlink"):
            paths = arguments[:2]
        for path in paths:
            if isinstance(path, int):
                continue
            place = os.path.abspath(os.fsdecode(path))  # noqa: PTH100, no link is followed
            leads = any(allowed.startswith(place + os.sep) for allowed in self._allowed)
            if event == "os.mkdir" and (leads or Path(place).is_dir()):
                continue  # towards an output, or it fails
            if not (place + os.sep).startswith(self._allowed) and place != os.devnull:
                self._written.append(f"{event} {place!r}")

    def try_(self, call: Call) -> Trial:
        """Make the call and judge what comes of it."""
        before = _contents(self.inputs)
        words = call if isinstance(call, list) else []
        given = [self.folder / "cwd" / out for option, out in pairwise(words) if option == "--out"]
        outs = [os.path.abspath(out) for out in given]  # noqa: PTH100
        # Hidden files beside an output: its lock, and what tells whether it can be written before the work.
        beside = (os.path.join(os.path.dirname(out), ".") for out in outs)  # noqa: PTH118, PTH120
        self._allowed = (*self._places, *(out + os.sep for out in outs), *beside)
        self._start()
        began = processor_time_s(os.getpid())
        code, problems = _run(call)
        seconds = processor_time_s(os.getpid()) - began
        faulthandler.cancel_dump_traceback_later()
        self._watching = False
        peak = _peak_mib()
        out, err = self._text(1), self._text(2)
        if seconds > LONGEST_S:
            problems.append(f"took {seconds:.1f} s")
        if peak > MOST_MIB:
            problems.append(f"took {peak:.0f} MiB of memory")
        problems += [f"wrote elsewhere: {place}" for place in self._written]
        if left := [path.name for path in (self.folder / "tmp").iterdir()]:
            problems.append(f"left temporary files: {left}")
        if _contents(self.inputs) != before:
            problems.append("changed its input")
        problems += _judge(code, err)
        if (
            code == ExitCode.BAD_INPUT
            and not any(told in err for told in ("error: ", "files classified"))
            and "read" not in out
        ):  # a journal tells it in a line, an audit as a finding
            problems.append("said nothing of why it ended with code 4")
        if isinstance(call, list):
            problems += _judge_output(call, code, out)
        return Trial(code, tuple(problems), seconds, peak)

    def _start(self) -> None:
        for number in (1, 2):
            os.ftruncate(number, 0)
            os.lseek(number, 0, os.SEEK_SET)
        self._written.clear()
        self._trace.seek(0)
        self._trace.truncate()
        faulthandler.dump_traceback_later(0.95 * LONGEST_S, repeat=True, file=self._trace)
        Path("/proc/self/clear_refs").write_text("5")  # the peak is measured from here
        self._watching = True

    def _text(self, number: int) -> str:
        (sys.stdout if number == 1 else sys.stderr).flush()
        return (self.folder / str(number)).read_bytes().decode(errors="replace")


def processor_time_s(process: int) -> float:
    """Processor time of a process and the children it has waited for."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def trace_of(folder: Path) -> str:
    """Give what a worker that hung or crashed was doing, the innermost calls."""
    text = (folder / "trace").read_text(errors="replace")
    lines = text[text.rfind("Timeout (") + 1 or 0 :].splitlines()
    return " < ".join(
        re.sub(r'\s*File "(?:.*/)?(.*)", line (\d+) in (.*)', r"\3 (\1:\2)", x) for x in lines[1:7]
    )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for folder in (path, *path.rglob("*")):
            if folder.is_dir() and not folder.is_symlink():
                folder.chmod(0o700)
        shutil.rmtree(path)
    else:
        path.unlink()


def _contents(folder: Path) -> list[tuple[str, int, int]]:
    found = []
    for entry in os.scandir(folder):
        status = entry.stat(follow_symlinks=False)
        found.append((entry.name, status.st_size, status.st_mtime_ns))
    return sorted(found)


def _run(call: Call) -> tuple[int | None, list[str]]:
    try:
        if isinstance(call, list):
            sys.argv = ["cspine-edge", *call]
            main()
        else:
            call()
        return 0, []
    except SystemExit as end:
        return (end.code if isinstance(end.code, int) else 0 if end.code is None else None), []
    except CspineError as error:
        print(f"error: {error}", file=sys.stderr)
        return int(error.exit_code), []
    except BaseException as error:
        where = " < ".join(
            f"{frame.name} ({Path(frame.filename).name}:{frame.lineno})"
            for frame in reversed(traceback.extract_tb(error.__traceback__)[-6:])
        )
        return None, [f"raised {type(error).__name__}: {str(error)[:200]!r} at {where}"]


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text()
    own = int(re.search(r"VmHWM:\s+(\d+)", status)[1])  # type: ignore[index]
    return own / 1024


def _judge(code: int | None, err: str) -> list[str]:
    problems = []
    if code is not None and code not in set(ExitCode):
        problems.append(f"ended with code {code}")
    lines = err.split("\n")
    usage = code == ExitCode.USAGE
    for line in lines[:-1] if err.endswith("\n") else lines:
        if not line.isprintable():
            problems.append(f"printed a control character: {line[:200]!r}")
        if len(line) > _LONGEST_SENTENCE:
            problems.append(f"printed a line of {len(line)} characters: {line[:100]!r}")
        if line and not _SENTENCE.match(line) and not (usage and _USAGE.match(line)):
            problems.append(f"printed no sentence: {line[:200]!r}")
    return problems[:5]


def _judge_output(call: list[str], code: int | None, out: str) -> list[str]:
    problems = []
    if "--csv" not in call and not out.replace("\n", "").isprintable():
        bad = next(char for char in out.replace("\n", "") if not char.isprintable())
        problems.append(f"printed a control character on standard output: {bad!r}")
    if "--json" in call and "--help" not in call and code == 0:
        try:
            json.loads(out, parse_constant=lambda name: problems.append(f"printed {name} in its JSON"))
        except ValueError as error:
            problems.append(f"printed what is not JSON: {error}")
    return problems


def work(door: Door, box: Box, path: Path) -> Trial:
    """Try one input."""
    return box.try_(door.call(path, box.out))

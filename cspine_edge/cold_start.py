"""Cold start: new processes, from being asked for to their first verdict."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .classifier import Classifier
from .contract import KernelFamily
from .documents import encode
from .progress import Step
from .runtime import MODULES, tflite_session
from .window import Window


class ColdStartError(Exception):
    """A new process could not be started or broke off; the message says why."""


@dataclass(frozen=True)
class ColdStart:
    """From the start of a new process to its first verdict: the repetition with the median total.

    Attributes
    ----------
    repetitions
        New processes that were started.
    image_format
        Format of the slice.
    threads
        Threads of the interpreter.
    start_ms
        From asking for the process to the first line of Python, in milliseconds.
    import_ms
        Importing this package, numpy and the interpreter, in milliseconds.
    load_ms
        Opening the model and allocating its tensors, in milliseconds.
    first_slice_ms
        Reading, preprocessing and classifying the first slice, with what is imported only then, in milliseconds.
    total_ms
        Sum of the four, in milliseconds.
    peak_mib
        Largest resident memory of that process, in MiB; null if the system does not tell.
    resident_mib
        Resident memory of that process after its verdict, in MiB; null if the system does not tell.
    """

    repetitions: int
    image_format: str
    threads: int
    start_ms: float
    import_ms: float
    load_ms: float
    first_slice_ms: float
    total_ms: float
    peak_mib: float | None
    resident_mib: float | None


# The clock of time.monotonic_ns is the same for all processes, so the parent knows when this one began.
_FIRST_VERDICT = """
import time
marks = [time.monotonic_ns()]
import sys
sys.path[:] = [folder for folder in sys.path if folder]  # nothing is imported from the folder that the user is in
import json
given = json.loads(sys.argv[1])
sys.path[:] = given["sys_path"]
import importlib
from pathlib import Path
from cspine_edge.classifier import Classifier
from cspine_edge.contract import KernelFamily
from cspine_edge.documents import decode
from cspine_edge.runtime import KNOWN_GRAPHS, Runtime
from cspine_edge.slices import read_slices
from cspine_edge.window import Window
importlib.import_module(given["module"])
KNOWN_GRAPHS.add(given["graph"])  # whether it was tried before is not what is measured
marks.append(time.monotonic_ns())
classifier = Classifier(
    Path(given["model"]),
    threads=given["threads"],
    family=given["family"] and KernelFamily(given["family"]),
    runtime=Runtime(given["runtime"]),
)
marks.append(time.monotonic_ns())
window = given["window"] and decode(Window, given["window"])
classifier.classify(next(read_slices(Path(given["image"]))), window)
marks.append(time.monotonic_ns())
from cspine_edge.machine import peak_memory_mib, resident_memory_mib
print(json.dumps([marks, peak_memory_mib(), resident_memory_mib()]))
"""


def measure_cold_start(
    classifier: Classifier,
    image: Path,
    image_format: str,
    *,
    family: KernelFamily | None,
    window: Window | None,
    repetitions: int,
    step: Step,
) -> ColdStart:
    """Start new processes, one after the other, that load a model and classify one slice.

    Parameters
    ----------
    classifier
        Gives the model, the runtime and the number of threads.
    image, image_format
        The slice, and the name of its format.
    family, window
        As for :class:`~cspine_edge.classifier.Classifier` and its ``classify``.
    repetitions
        Number of processes.
    step
        Called after each.

    Raises
    ------
    ColdStartError
        If a process cannot be started, or breaks off.
    """
    session = tflite_session(classifier.session, "a cold start is measured")
    given = {
        "sys_path": sys.path,
        "module": MODULES[session.runtime],
        "graph": classifier.file.graph_sha256,
        "model": str(session.path),
        "threads": session.threads,
        "family": encode(family),
        "runtime": session.runtime.value,
        "window": encode(window),
        "image": str(image),
    }
    found = []
    for _ in range(repetitions):
        begin = time.monotonic_ns()
        marks, *memory = _run_child(json.dumps(given))
        found.append(([begin, *marks], memory))
        step(1)
    found.sort(key=lambda run: run[0][-1] - run[0][0])
    marks, (peak_mib, resident_mib) = found[len(found) // 2]
    start, imports, load, first = ((later - earlier) / 1e6 for earlier, later in itertools.pairwise(marks))
    return ColdStart(
        repetitions=repetitions,
        image_format=image_format,
        threads=session.threads,
        start_ms=start,
        import_ms=imports,
        load_ms=load,
        first_slice_ms=first,
        total_ms=(marks[-1] - marks[0]) / 1e6,
        peak_mib=peak_mib,
        resident_mib=resident_mib,
    )


def _run_child(argument: str) -> tuple[list[int], float | None, float | None]:
    command = [sys.executable, "-c", _FIRST_VERDICT, argument]
    try:
        child = subprocess.run(command, capture_output=True, text=True, check=True)
    except OSError as error:
        raise ColdStartError(f"{sys.executable or 'Python'} could not be started ({error})") from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise ColdStartError(f"the new process ended with {error.returncode} ({last})") from error
    marks, peak_mib, resident_mib = json.loads(child.stdout.splitlines()[-1])
    return marks, peak_mib, resident_mib

"""Unknown models run in a process of their own first: a damaged or hostile graph can crash an interpreter.

Interpreters are native code that believes what a graph says. So a graph is loaded and run once, on noise, by a child
with little memory and time, before this process opens it. What runs as long as the picture says is refused, since noise
does not show it. A graph that passes is remembered in the user's cache folder
(``XDG_CACHE_HOME``) and never pays again; nor do those that ship and those that this toolkit has written itself
(:data:`cspine_edge.runtime.KNOWN_GRAPHS`).
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from .contract import ONNX_SUFFIX, KernelFamily
from .errors import CspineError, ModelError
from .runtime import KNOWN_GRAPHS, MODULES, Runtime, Session

_LONGEST_S = 10.0
"""For a small graph, with the start of the process; a Raspberry Pi 3 takes half of it for MobileNet."""
_S_PER_MB = 1.0
_REFERENCE_SHARE = 16.0
"""The reference kernels take so much longer, at least."""
_RULES = 2
"""Raised whenever something is refused that passed before."""
_passed: set[str] = set()


def admit(
    path: Path,
    graph: bytes,
    *,
    digest: str | None = None,
    threads: int = 1,
    family: KernelFamily | None = None,
    runtime: Runtime | None = None,
    keep_tensors: bool = False,
    to_run: bool = True,
) -> None:
    """Let a graph pass that does no harm, from memory or by running it in a child.

    Parameters
    ----------
    path, graph
        The file, for messages and its suffix; and the flatbuffer, or the whole ONNX file.
    digest
        SHA-256 of ``graph``, if it is known.
    threads, family, runtime, keep_tensors
        As for :func:`cspine_edge.runtime.open_session`.
    to_run
        False if it will be loaded only.

    Raises
    ------
    ModelError
        If it crashes or hangs the interpreter, takes too much memory, or is refused by it.
    """
    digest = digest or hashlib.sha256(graph).hexdigest()
    if digest in KNOWN_GRAPHS:
        return
    asked = {
        "suffix": path.suffix.lower(),
        "threads": threads,
        "family": family and family.value,
        "runtime": runtime and runtime.value,
        "keep_tensors": keep_tensors,
        "to_run": to_run,
    }
    recipe = f"{_RULES} {digest} {json.dumps(asked)} {_packages(path, runtime)}"
    key = hashlib.sha256(recipe.encode()).hexdigest()
    if key in _passed or _remembered(digest) or _remembered(key):
        return
    _try(path, graph, asked)
    _passed.add(key)
    _remember(key)


def vouch(graph: bytes) -> None:
    """Let a graph pass that this toolkit has made itself, now and in processes to come."""
    digest = hashlib.sha256(graph).hexdigest()
    KNOWN_GRAPHS.add(digest)
    _remember(digest)


def _packages(path: Path, runtime: Runtime | None) -> str:
    """What tells an interpreter from its next version, without asking for that, which takes longer."""
    names = [MODULES[choice].partition(".")[0] for choice in ((runtime,) if runtime else Runtime)]
    for name in ["onnxruntime"] if path.suffix.lower() == ONNX_SUFFIX else names:
        found = importlib.util.find_spec(name)
        if found is not None and found.origin is not None:
            return f"{found.origin} {Path(found.origin).stat().st_mtime_ns}"
    return ""


def _folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cspine-edge" / "passed"


def _remembered(key: str) -> bool:
    try:
        return (_folder() / key).exists()
    except (OSError, RuntimeError):
        return False


def _remember(key: str) -> None:
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        (_folder() / key).touch()
    except (OSError, RuntimeError):
        pass  # it is tried again the next time


def _try(path: Path, graph: bytes, asked: dict[str, Any]) -> None:
    import subprocess  # what is remembered need not wait for it

    from .apart import MOST_MEMORY, end_of, python

    limit = _LONGEST_S + _S_PER_MB * len(graph) / 1e6
    if asked["to_run"] and asked["family"] == KernelFamily.REFERENCE.value:
        limit *= _REFERENCE_SHARE
    statement = "from cspine_edge.probation import serve; serve()"
    memory = MOST_MEMORY + 4 * len(graph)
    command = [*python(statement), json.dumps(asked | {"memory": memory})]
    try:
        child = subprocess.run(
            command,
            input=graph,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        reason = f"gives no answer within {limit:.0f} s of being loaded and run on noise; do not use it"
        raise ModelError(path, reason) from error
    except OSError:  # there can be no child, such as where Python is embedded: then it is as it was without
        return
    if child.returncode:
        how = end_of(child.returncode)
        raise ModelError(path, f"crashes the interpreter ({how}); do not use it, copy or convert it again")
    answer = json.loads(child.stdout)
    if answer["refused"] is not None:
        raise ModelError(path, answer["refused"])


def serve() -> None:
    """In the child: load and run the graph on standard input, and say whether it was refused."""
    from .apart import confine, silence

    answers = silence()
    asked = json.loads(sys.argv[1])
    confine(asked["memory"])
    graph = sys.stdin.buffer.read()
    refused = None
    try:
        _load_and_run(graph, asked)
    except ModelError as error:
        refused = error.reason
    except CspineError:
        pass  # the parent says better what is lacking
    except MemoryError:
        refused = f"takes more than {asked['memory'] >> 20} MiB of memory; do not use it"
    except Exception as error:  # of the interpreter's Python part
        refused = f"cannot be used ({type(error).__name__}: {str(error)[:200]}); copy or convert it again"
    os.write(answers, json.dumps({"refused": refused}).encode())
    os._exit(0)


def _refuse(path: Path, unbounded: tuple[str, ...]) -> None:
    if unbounded:
        named = ", ".join(dict.fromkeys(unbounded[:5]))
        reason = f"may run as long as its input says ({named}); convert it with fixed sizes and without loops"
        raise ModelError(path, reason)


def _load_and_run(graph: bytes, asked: dict[str, Any]) -> None:
    path = Path(f"model{asked['suffix']}")
    if asked["suffix"] == ONNX_SUFFIX:
        from .onnx_model import OnnxSession, take_apart, unbounded_operations

        KNOWN_GRAPHS.add(hashlib.sha256(graph).hexdigest())
        whole = take_apart(path, graph)[0]
        _refuse(path, unbounded_operations(whole))
        OnnxSession(path, whole, asked["threads"])  # which runs it
        return
    family = KernelFamily(asked["family"]) if asked["family"] else None
    for runtime in (Runtime(asked["runtime"]),) if asked["runtime"] else Runtime:
        try:
            session = Session(path, runtime, family, asked["threads"], graph, asked["keep_tensors"])
        except ModuleNotFoundError:
            continue
        if asked["to_run"]:
            listing = Session(path, runtime, KernelFamily.REFERENCE, 1, graph)
            _refuse(path, listing.unbounded_operations())
            view = session.input_view()
            noise = np.random.default_rng(0).integers(0, 256, view.shape)
            view[...] = noise / 255 if view.dtype.kind == "f" else noise.astype(view.dtype)
            del view
            session.invoke()
            for position in range(len(session.outputs)):
                session.output(position)
        else:
            session.operations()
        return

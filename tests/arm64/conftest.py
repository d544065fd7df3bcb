"""Emulated boards with the project's wheel, what is run on them, and the same on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from emulated import Answer, Answers, Check, Job
from emulation import roots
from emulation.counting import COMPILER, build_plug_in
from emulation.roots import INSTALLS
from instruction_budgets import measure, write_slices

from cspine_edge.shipped import shipped_model

PROCESSES = 2
"""Emulated at a time: a core each, on the smallest machine that builds this."""
_CT_SLICES = 3


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """They take minutes and need programs of their own, so that they are run only where they are asked for."""
    if "arm64" not in config.option.markexpr:
        here = [item for item in items if item.get_closest_marker("arm64")]
        config.hook.pytest_deselected(items=here)
        items[:] = [item for item in items if item not in here]


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    if install := roots.missing_tools(roots.TOOLS | COMPILER):
        said = f"emulated boards need Debian packages: {install}"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)


@dataclass(frozen=True)
class Inputs:
    """What is on this machine and, by the same paths, on each board.

    Attributes
    ----------
    site
        Folder with the project's wheel, and nothing else.
    slices
        One phantom slice each by the name of its format.
    folder
        Folder with two slices of each format.
    ct
        Slices of the paper's data set, if that is there.
    """

    site: Path
    slices: dict[str, Path]
    folder: Path
    ct: tuple[Path, ...]

    def arguments(self, job: Job) -> list[str]:
        """Command line of a job, without the program; one thread, since two boards run at a time."""
        given = {
            Check.VERIFY: ["verify", job.model, "--json"],
            Check.PREDICT: [
                "predict",
                "--json",
                "--model",
                job.model,
                *map(str, self.slices.values()),
                str(self.folder),
            ],
            Check.CT: ["predict", "--json", "--model", job.model, *map(str, self.ct)],
            Check.BENCH: ["bench", job.model, "--quick", "--json"],
        }
        return ["-m", "cspine_edge", *given[job.check], "--threads", "1"]


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory, root: Path, _tools: None) -> Inputs:
    from cspine_edge.phantom import ImageFormat, write_phantom

    work = tmp_path_factory.mktemp("arm64")
    for kind in ImageFormat:
        write_phantom(work / "folder" / kind.value, series=2, slices=1, seed=4, image_format=kind)
    csf = root.parent / "shared" / "data" / "csf"
    originals = sorted(csf.glob("val/*/*.png"))
    return Inputs(
        site=roots.unpack_wheel(roots.build_wheel(work / "wheel"), work / "site"),
        slices=write_slices(work / "slices"),
        folder=work / "folder",
        ct=tuple(originals[:: max(1, len(originals) // _CT_SLICES)][:_CT_SLICES]),
    )


@pytest.fixture(scope="session")
def answers(
    request: pytest.FixtureRequest, inputs: Inputs, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Answers]:
    """What a job gave: an :class:`Answer`, or of a count a dict of numbers.

    The jobs of all tests that were selected start at once, in their order, a few at a time.
    """
    plug_in = build_plug_in(tmp_path_factory.mktemp("plug-in"))
    pool = ThreadPoolExecutor(PROCESSES)
    wanted = _selected(request.session.items)
    built = {
        name: pool.submit(roots.build, INSTALLS[name])
        for name in dict.fromkeys(job.install for job in wanted)
    }
    running: dict[Job, Future[Any]] = {}

    def do(job: Job) -> Any:
        built[job.install].result()
        board = roots.device(INSTALLS[job.install], job.cpu, inputs.site)
        if job.check is Check.COUNT:
            return measure(shipped_model(job.model), board, plug_in, inputs.slices)
        done = board.run(*inputs.arguments(job))
        return Answer(done.returncode, done.stdout, done.stderr)

    for job in wanted:
        running[job] = pool.submit(do, job)
    yield lambda job: running[job].result()
    pool.shutdown(cancel_futures=True)
    roots.forget_bytecode(inputs.site)  # it is of this run only


def _selected(items: list[pytest.Item]) -> list[Job]:
    jobs: dict[Job, None] = {}
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            for value in item.callspec.params.values():
                found = value if isinstance(value, tuple) else (value,)
                jobs |= dict.fromkeys(job for job in found if isinstance(job, Job))
    return list(jobs)


@pytest.fixture(scope="session")
def here(inputs: Inputs) -> Answers:
    """What the same wheel gives on this machine, whose LiteRT is the measure."""
    known: dict[tuple[Check, str], Answer] = {}

    def run(job: Job) -> Answer:
        case = job.check, job.model
        if case not in known:
            done = subprocess.run(
                [sys.executable, *inputs.arguments(job)],
                capture_output=True,
                text=True,
                env=os.environ | {"PYTHONPATH": str(inputs.site)},
                cwd=inputs.site,
            )
            known[case] = Answer(done.returncode, done.stdout, done.stderr)
        return known[case]

    return run

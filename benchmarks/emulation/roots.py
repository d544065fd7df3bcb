"""Debian roots of Arm boards, and this project's wheel installed in them by pip, as on the board itself.

``python benchmarks/emulation/roots.py [FOLDER]`` builds :data:`INSTALLS` below ``.cache/emulation`` (800 MB, two
minutes), unless they are there as this module describes them. pip runs on an emulated board, so that it is the board's
architecture, C library and Python that choose the wheels.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import distributions
from pathlib import Path

if __name__ == "__main__":  # a package of benchmarks/, which is on no path then
    sys.path.insert(0, str(Path(__file__).parents[1]))

from emulation.boards import BOARDS, Device, command, place

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / ".cache" / "emulation"
TOOLS = {"mmdebstrap": "mmdebstrap", "qemu-aarch64": "qemu-user"}
"""Programs, and the Debian packages that bring them."""
WHEEL = "WHEEL"
"""Stands for this project's wheel in what pip is to install."""
_PIP = "pip==26.3"
_PYTHON = ("base-files", "python3-minimal", "libpython3-stdlib", "libstdc++6", "libgcc-s1")
_INSTALLERS = {"arm64": "cortex-a76", "armhf": "cortex-a7"}
"""Boards that pip runs on."""


@dataclass(frozen=True)
class System:
    """A Debian release as it came out, without later updates, so that it is the same on any day.

    Attributes
    ----------
    suite, architecture
        Debian's names.
    packages
        What is unpacked, beside what these depend on.
    links
        Links to make below the root, with their targets: what the packages' own scripts would set up.
    """

    suite: str
    architecture: str = "arm64"
    packages: tuple[str, ...] = _PYTHON
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Install:
    """Packages on a system.

    Attributes
    ----------
    name
        Of its folder.
    system
        Where it is installed.
    pip
        Arguments of one call of ``pip install`` after the other.
    constraints
        Files of pins; of two pins of a package the later counts.
    without
        Packages that are taken out again.
    """

    name: str
    system: System
    pip: tuple[tuple[str, ...], ...]
    constraints: tuple[str, ...] = ("constraints.txt",)
    without: tuple[str, ...] = ()

    def pins(self) -> str:
        """The constraints that hold, one a line."""
        lines: dict[str, list[str]] = {}
        for file in self.constraints:
            found: dict[str, list[str]] = {}
            for line in (PROJECT / file).read_text(encoding="utf-8").splitlines():
                if line and not line.startswith("#"):
                    found.setdefault(line.partition("==")[0], []).append(line)
            lines |= found
        return "".join(f"{line}\n" for group in lines.values() for line in group)


_BOOKWORM = System("bookworm")
_ARMHF = "usr/lib/arm-linux-gnueabihf"
_WITH_TFLITE_RUNTIME = ("constraints.txt", "benchmarks/emulation/constraints-tflite-runtime.txt")
LITERT = Install("bookworm-litert", _BOOKWORM, ((WHEEL,),))
TFLITE_RUNTIME = Install(
    "bookworm-tflite-runtime",
    _BOOKWORM,
    ((f"{WHEEL}[tflite-runtime]",),),
    _WITH_TFLITE_RUNTIME,
    without=("ai-edge-litert",),  # it would be used where it is there
)
TRIXIE = Install("trixie-litert", System("trixie"), ((WHEEL,),))
ARMV7 = Install(
    "bookworm-armv7",
    System(
        "bookworm",
        "armhf",
        (*_PYTHON, "python3-numpy", "python3-pil"),
        tuple((f"{_ARMHF}/lib{name}.so.3", f"{name}/lib{name}.so.3") for name in ("blas", "lapack")),
    ),
    # numpy and Pillow have no wheels for it, and Debian's are older than those that pyproject.toml asks for.
    (("--no-deps", WHEEL, "tflite-runtime"), ("pydicom", "rich", "typer")),
    _WITH_TFLITE_RUNTIME,
)
INSTALLS = {install.name: install for install in (LITERT, TFLITE_RUNTIME, TRIXIE, ARMV7)}


class EmulationError(Exception):
    """Something is missing or went wrong; the message is one sentence."""


def missing_tools(tools: dict[str, str] = TOOLS) -> str | None:
    """Name the Debian packages that bring the programs that are absent; None if all are there."""
    packages = {package: None for program, package in tools.items() if shutil.which(program) is None}
    return f"apt-get install --no-install-recommends {' '.join(packages)}" if packages else None


def build_wheel(folder: Path) -> Path:
    """Build this project's wheel, as anybody would who installs it from source."""
    _pip("wheel", "--no-deps", "--wheel-dir", folder, PROJECT)
    (wheel,) = folder.glob("cspine_edge-*.whl")
    return wheel


def unpack_wheel(wheel: Path, folder: Path) -> Path:
    """Install a wheel of pure Python, without what it depends on, in a folder; give the folder."""
    _pip("install", "--no-deps", "--no-compile", "--target", folder, wheel)
    return folder


def forget_bytecode(site: Path, folder: Path = FOLDER) -> None:
    """Delete what Python has compiled of a folder of packages, for all installs, before that folder is deleted."""
    for compiled in folder.glob(f"*/bytecode/{site.resolve().relative_to('/')}"):
        shutil.rmtree(compiled)


def build(install: Install, folder: Path = FOLDER) -> Path:
    """Build an install and its system below ``folder``, unless they are there as this module describes them.

    It holds what the project's wheel depends on, but not the wheel, which changes from day to day.

    Returns
    -------
    Path
        Its folder.

    Raises
    ------
    EmulationError
        If a program is absent, or a step fails; nothing half-built is left to be taken for whole.
    """
    folder = folder.resolve()
    needs = re.findall(
        r"^(?:dependencies|tflite-runtime) = \[.*?^\]",
        (PROJECT / "pyproject.toml").read_text(),
        re.DOTALL | re.M,
    )
    recipe = json.dumps([asdict(install), install.pins(), needs, _PIP])
    return _once(folder / install.name, recipe, lambda part: _install(install, folder, part))


def device(install: Install, cpu: str, *site: Path, folder: Path = FOLDER) -> Device:
    """Build an install, unless it is there, and put it on a board.

    Parameters
    ----------
    install
        What is on it.
    cpu
        A name of :data:`emulation.boards.BOARDS`.
    site
        Folders of more packages, searched first.
    folder
        Where installs are.
    """
    made = build(install, folder)
    python = place(BOARDS[cpu], _root(install.system, folder.resolve()), made / "boards" / cpu)
    return Device(python, (*site, made / "site"), made / "bytecode")


def _root(system: System, folder: Path) -> Path:
    """Unpack a system, unless it is there."""
    return (
        _once(
            folder / f"{system.suite}-{system.architecture}",
            json.dumps(asdict(system)),
            lambda part: _unpack(system, part / "root"),
        )
        / "root"
    )


def _unpack(system: System, root: Path) -> None:
    _do(
        "mmdebstrap",
        *("--variant=extract", f"--architectures={system.architecture}", "--skip=check/qemu", "--quiet"),
        """--setup-hook=sed -i '/-security\\|-updates/d' "$1/etc/apt/sources.list\"""",
        f"--include={','.join(system.packages)}",
        *(system.suite, root),
    )
    for link, target in system.links:
        (root / link).symlink_to(target)


def _install(install: Install, folder: Path, part: Path) -> None:
    root, board = _root(install.system, folder), BOARDS[_INSTALLERS[install.system.architecture]]
    _pip("download", "--no-deps", "--dest", part / "pip", _PIP)
    wheel = build_wheel(part / "wheel")
    constraints = part / "constraints.txt"
    constraints.write_text(install.pins(), encoding="utf-8")
    place(board, root, part / "installer")
    # pip tells the float ABI by the ELF header of the program that runs it, so this is no script.
    python = command(board, root, part / "installer")
    # This machine's settings for pip are kept, but not its Python's.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {
        "PYTHONPATH": str(next((part / "pip").iterdir())),
        "PYTHONPYCACHEPREFIX": str(part / "bytecode"),
    }
    for arguments in install.pip:
        _do(
            *(*python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"),
            *("--target", part / "site", "--constraint", constraints),
            *(word.replace(WHEEL, str(wheel)) for word in arguments),
            environment=environment,
        )
    for name in ("cspine-edge", *install.without):
        _take_out(part / "site", name)
    for name in ("pip", "wheel", "installer", "bytecode"):
        shutil.rmtree(part / name)


def _take_out(site: Path, name: str) -> None:
    (found,) = distributions(name=name, path=[str(site)])
    for top in {file.parts[0] for file in found.files or ()} - {".."}:  # programs lie outside and stay
        shutil.rmtree(site / top)


def _once(folder: Path, recipe: str, make: Callable[[Path], None]) -> Path:
    """Make a folder by a recipe, unless it was; two processes do not make the same at a time."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f"{folder.name}.lock")):
        stated = folder / "recipe.json"
        if stated.is_file() and stated.read_text(encoding="utf-8") == recipe:
            return folder
        if folder.exists() and not stated.is_file():
            raise EmulationError(f"{folder} holds something that was not built here; choose another folder")
        if install := missing_tools():
            raise EmulationError(f"emulated boards need programs that are absent: {install}")
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        make(part)
        (part / stated.name).write_text(recipe, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _pip(verb: str, *words: str | Path) -> None:
    _do(sys.executable, "-m", "pip", verb, "--quiet", "--disable-pip-version-check", *words)


def _do(*words: str | Path, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        last = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()][-3:]
        raise EmulationError(f"{Path(words[0]).name} failed ({'; '.join(last)}); is its server in reach?")


if __name__ == "__main__":
    try:
        for found in INSTALLS.values():
            print(build(found, Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
    except EmulationError as error:
        sys.exit(f"error: {error}")

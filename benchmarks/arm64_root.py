"""A small arm64 Linux with the device install in it, and the boards that QEMU lets it run on; no board needed.

``python benchmarks/arm64_root.py [FOLDER]`` builds the root (Debian bookworm, 250 MB, half a minute) unless it is
there. Needs the Debian packages mmdebstrap and qemu-user:
``apt-get install --no-install-recommends mmdebstrap qemu-user``.

QEMU runs single programs of the root in user mode, without chroot, binfmt or rights; below its prefix (``-L``) files
of the root hide the host's. Each board is such a prefix: links into the root, and a ``/proc/cpuinfo`` of its own, from
which LiteRT and XNNPACK learn what they run on.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).resolve().parent.parent
DEFAULT_FOLDER = PROJECT / ".cache" / "arm64"
SUITE, PYTHON_VERSION = "bookworm", "3.11"
DEBIAN_PACKAGES = (
    *("base-files", "python3-minimal", "libpython3-stdlib", "ca-certificates"),
    *("libstdc++6", "libgcc-s1"),
)
WHEELS = ("ai-edge-litert", "numpy", "pillow", "pydicom", "rich", "typer")
"""The device install of pyproject.toml."""
PLATFORMS = tuple(f"manylinux_2_{glibc}_aarch64" for glibc in (17, 27, 28, 34))
TOOLS = {"mmdebstrap": "mmdebstrap", "qemu-aarch64": "qemu-user"}
"""Programs, and the Debian packages that bring them."""


@dataclass(frozen=True)
class Board:
    """An emulated board of four equal cores.

    Attributes
    ----------
    cpu
        As ``qemu-aarch64 -cpu`` names it. It is always given: the default of QEMU 7.2 computes int8 wrongly.
    part, features
        As ``/proc/cpuinfo`` has them.
    """

    cpu: str
    part: str
    features: str

    def cpuinfo(self) -> str:
        """The whole ``/proc/cpuinfo``."""
        facts = {
            "BogoMIPS": "108.00",
            "Features": self.features,
            "CPU implementer": "0x41",
            "CPU architecture": "8",
            "CPU variant": "0x0",
            "CPU part": self.part,
            "CPU revision": "3",
        }
        lines = "".join(f"{key}\t: {value}\n" for key, value in facts.items())
        return "\n".join(f"processor\t: {number}\n{lines}" for number in range(4))


_V8 = "fp asimd evtstrm crc32 cpuid"
_V8_2 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
BOARDS = {
    board.cpu: board
    for board in (
        Board("cortex-a53", "0xd03", _V8),  # Raspberry Pi 3
        Board("cortex-a72", "0xd08", _V8),  # Raspberry Pi 4
        Board("cortex-a76", "0xd0b", _V8_2),  # Raspberry Pi 5, stand-in for Jetson Orin's A78AE
    )
}


class Arm64Error(Exception):
    """Something is missing or went wrong; the message is one sentence."""


def missing_tools(tools: dict[str, str] = TOOLS) -> str | None:
    """Name the Debian packages that bring the programs that are absent; None if all are there."""
    packages = {package: None for program, package in tools.items() if shutil.which(program) is None}
    return f"apt-get install --no-install-recommends {' '.join(packages)}" if packages else None


def build_root(folder: Path = DEFAULT_FOLDER) -> Path:
    """Build the root and its boards below ``folder``, unless they are there as this module describes them.

    Raises
    ------
    Arm64Error
        If a program is absent, or a step fails; nothing half-built is left to be taken for whole.
    """
    folder = folder.resolve()
    boards = {cpu: board.cpuinfo() for cpu, board in BOARDS.items()}
    wanted = json.dumps([SUITE, DEBIAN_PACKAGES, WHEELS, _pins(), PLATFORMS, boards])
    recipe = folder / "recipe.json"
    if recipe.is_file() and recipe.read_text(encoding="utf-8") == wanted:
        return folder
    if folder.exists() and not recipe.is_file() and any(folder.iterdir()):
        raise Arm64Error(f"{folder} holds something that is no arm64 root; choose an empty folder")
    if install := missing_tools():
        raise Arm64Error(f"building an arm64 root needs programs that are absent: {install}")
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    _do(
        "mmdebstrap",
        *("--variant=extract", "--architectures=arm64", "--skip=check/qemu", "--quiet"),
        *(f"--include={','.join(DEBIAN_PACKAGES)}", SUITE, part / "root"),
    )
    constraints = part / "constraints.txt"
    constraints.write_text("\n".join(_pins()) + "\n", encoding="utf-8")
    _do(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"),
        *("--target", part / "site", "--only-binary=:all:", "--constraint", constraints),
        *("--python-version", PYTHON_VERSION, "--implementation", "cp"),
        *(word for platform in PLATFORMS for word in ("--platform", platform)),
        *WHEELS,
    )
    for cpu, cpuinfo in boards.items():
        _make_board(part / cpu, part / "root", cpuinfo)
    (part / recipe.name).write_text(wanted, encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return folder


def command(folder: Path, cpu: str, *arguments: str | Path, options: tuple[str, ...] = ()) -> list[str]:
    """Command line that runs the root's Python with these arguments on a board; QEMU gets ``options``."""
    python = folder / "root/usr/bin/python3"
    return ["qemu-aarch64", "-cpu", cpu, "-L", str(folder / cpu), *options, str(python), *map(str, arguments)]


def environment(folder: Path, *paths: Path) -> dict[str, str]:
    """Environment for :func:`command`: Python finds the root's wheels, and then what lies in ``paths``."""
    return {
        "PYTHONPATH": os.pathsep.join(map(str, (folder / "site", *paths))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "LC_ALL": "C.UTF-8",
        "PATH": os.environ["PATH"],
    }


def _pins() -> list[str]:
    """Give the lines of constraints.txt that are for the root's Python, which need not be the one that runs."""
    lines = (PROJECT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return [
        f"{pin.name}{pin.specifier}"
        for pin in pins
        if pin.marker is None or pin.marker.evaluate({"python_version": PYTHON_VERSION})
    ]


def _make_board(prefix: Path, root: Path, cpuinfo: str) -> None:
    files = {"proc/cpuinfo": cpuinfo} | {
        f"sys/devices/system/cpu/{name}": "0-3\n" for name in ("possible", "present", "online")
    }
    for name, text in files.items():
        path = prefix / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for entry in root.iterdir():
        if entry.name not in ("proc", "sys"):
            (prefix / entry.name).symlink_to(Path("..", root.name, entry.name))


def _do(*words: str | Path) -> None:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode:
        last = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()][-3:]
        raise Arm64Error(f"{words[0]} failed ({'; '.join(last)}); is the package mirror in reach?")


if __name__ == "__main__":
    try:
        print(build_root(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_FOLDER))
    except Arm64Error as error:
        sys.exit(f"error: {error}")

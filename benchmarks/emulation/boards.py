"""Boards that QEMU's user mode emulates: one program at a time, without chroot, binfmt or rights.

Below QEMU's prefix (``-L``) files hide the host's. A board is such a prefix: links to the programs and libraries of a
Debian root, ``/proc`` and ``/sys`` as the board would show them, and ``python3``, a program of the host that runs the
root's Python on the board. What lies in neither is the host's, so paths below ``/tmp`` are the same on both.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Board:
    """An emulated board of four equal cores.

    Attributes
    ----------
    name
        As its device tree has it.
    cpu
        As QEMU's ``-cpu`` names it. It is always given: the default of QEMU 7.2 computes int8 wrongly.
    part, features
        As ``/proc/cpuinfo`` has them.
    architecture
        Debian's name: ``"arm64"``, or ``"armhf"`` for 32 bits.
    """

    name: str
    cpu: str
    part: str
    features: str
    architecture: str = "arm64"

    @property
    def emulator(self) -> str:
        """QEMU's program for it."""
        return {"arm64": "qemu-aarch64", "armhf": "qemu-arm"}[self.architecture]

    def files(self) -> dict[str, str]:
        """What it shows below ``/proc`` and ``/sys``; LiteRT and XNNPACK learn from it what they run on."""
        facts = {
            "BogoMIPS": "108.00",
            "Features": self.features,
            "CPU implementer": "0x41",
            "CPU architecture": {"arm64": "8", "armhf": "7"}[self.architecture],
            "CPU variant": "0x0",
            "CPU part": self.part,
            "CPU revision": "3",
        }
        lines = "".join(f"{key}\t: {value}\n" for key, value in facts.items())
        cores = "\n".join(f"processor\t: {number}\n{lines}" for number in range(4))
        return {
            "proc/cpuinfo": cores,
            "proc/device-tree/model": f"{self.name}\0",
            **{f"sys/devices/system/cpu/{name}": "0-3\n" for name in ("possible", "present", "online")},
        }


_V7 = "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm"
_V8 = "fp asimd evtstrm crc32 cpuid"
_V8_2 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
BOARDS = {
    board.cpu: board
    for board in (
        Board("Raspberry Pi 2 Model B Rev 1.1", "cortex-a7", "0xc07", _V7, "armhf"),
        Board("Raspberry Pi 3 Model B Rev 1.2", "cortex-a53", "0xd03", _V8),
        Board("Raspberry Pi 4 Model B Rev 1.4", "cortex-a72", "0xd08", _V8),
        Board("Raspberry Pi 5 Model B Rev 1.0", "cortex-a76", "0xd0b", _V8_2),  # near to Jetson Orin's A78AE
    )
}
_LINKED = ("bin", "lib", "usr")
"""Nothing that programs write to: QEMU looks a path up below the prefix only where something is there already."""


@dataclass(frozen=True)
class Device:
    """A board with Python packages on it.

    Attributes
    ----------
    python
        Program that runs Python on the board; processes that it starts by ``sys.executable`` run there too.
    site
        Folders of its packages, in the order in which they are searched.
    bytecode
        Folder for what Python has compiled; a second start is faster, as on a board.
    """

    python: Path
    site: tuple[Path, ...]
    bytecode: Path

    def run(
        self, *arguments: str | Path, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the board's Python to its end.

        Parameters
        ----------
        arguments
            For ``python3``.
        variables
            Further variables of an environment that is otherwise the same on all machines.
        """
        environment = {
            "PYTHONPATH": os.pathsep.join(map(str, self.site)),
            "PYTHONPYCACHEPREFIX": str(self.bytecode),
            "PYTHONHASHSEED": "0",
            "LC_ALL": "C.UTF-8",
            "PATH": os.environ["PATH"],
        }
        return subprocess.run(
            [str(self.python), *map(str, arguments)],
            capture_output=True,
            text=True,
            env={**environment, **(variables or {})},
            check=False,
        )


def place(board: Board, root: Path, prefix: Path, files: Mapping[str, str] | None = None) -> Path:
    """Make a board's prefix, or bring it up to date.

    Parameters
    ----------
    board
        The board.
    root
        Debian root of its architecture, absolute.
    prefix
        Folder to make, absolute.
    files
        More that it shows, or shows otherwise: text by path, such as ``"sys/class/thermal/thermal_zone0/temp"``.
        A folder tree may as well be copied to ``prefix/proc`` and ``prefix/sys`` before a program is run.

    Returns
    -------
    Path
        Its ``python3``.
    """
    for name, text in {**board.files(), **(files or {})}.items():
        _write(prefix / name, text)
    for name in _LINKED:
        link = prefix / name
        if not link.is_symlink():
            link.symlink_to(root / name)
    python = prefix / "python3"
    emulator, *words = command(board, root, prefix)
    # Python looks for its library beside what it is called by, and would find the host's from there.
    home = f"PYTHONHOME={shlex.quote(str(root / 'usr'))}"
    called = shlex.join([emulator, "-0", str(python), *words])
    _write(python, f'#!/bin/sh\n{home} exec {called} "$@"\n')
    python.chmod(0o755)
    return python


def command(board: Board, root: Path, prefix: Path) -> list[str]:
    """Words that run the Python of a root on a board whose prefix there is, without being called by another name."""
    return [board.emulator, "-cpu", board.cpu, "-L", str(prefix), str(root / "usr/bin/python3")]


def _write(path: Path, text: str) -> None:
    """Leave a file that is right alone: another process may be reading or running it."""
    if path.is_file() and path.read_bytes() == text.encode():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())

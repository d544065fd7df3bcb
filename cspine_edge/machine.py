"""The machine that runs: its board, processor and system, and the memory of this process.

All of it comes from files below ``/proc`` and ``/etc``, and on a Jetson from ``nvpmodel``; whatever a machine does not
have is ``None``.
"""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from .system_files import ROOT, kibibytes, read_pairs, read_text, run_program

_SIMD = ("avx2", "avx_vnni", "avx512_vnni", "neon", "asimd", "asimddp", "i8mm")
"""Instruction sets that decide which int8 kernels run, by their names in ``/proc/cpuinfo``."""

_ARM_CORES = {
    ("0x41", "0xc07"): "Cortex-A7",
    ("0x41", "0xd03"): "Cortex-A53",
    ("0x41", "0xd05"): "Cortex-A55",
    ("0x41", "0xd07"): "Cortex-A57",
    ("0x41", "0xd08"): "Cortex-A72",
    ("0x41", "0xd09"): "Cortex-A73",
    ("0x41", "0xd0a"): "Cortex-A75",
    ("0x41", "0xd0b"): "Cortex-A76",
    ("0x41", "0xd0c"): "Neoverse-N1",
    ("0x41", "0xd0d"): "Cortex-A77",
    ("0x41", "0xd41"): "Cortex-A78",
    ("0x41", "0xd42"): "Cortex-A78AE",
    ("0x4e", "0x003"): "NVIDIA Denver 2",
    ("0x4e", "0x004"): "NVIDIA Carmel",
}
"""CPU implementer and CPU part of ``/proc/cpuinfo``, which on ARM gives no name."""

_STATUS = ROOT / "proc/self/status"


@dataclass(frozen=True)
class Machine:
    """What does not change while it runs.

    Attributes
    ----------
    board
        Name of the board by its device tree, e.g. ``"Raspberry Pi 4 Model B Rev 1.4"``, or of a phone; None on a PC.
    cpu
        Name of the processor, of each kind of core if there are several; None if it is not told.
    architecture
        Instruction set, e.g. ``"aarch64"``.
    processors
        Logical processors that this process may run on.
    simd
        Those of its instruction sets that decide which int8 kernels run.
    memory_mib
        Main memory in MiB.
    system
        Operating system and release of its kernel.
    python
        Version of Python; null in the Android app.
    firmware
        Release of the board's own system software, e.g. "Jetson Linux R36.4.3".
    power_mode
        Power mode of a Jetson, as ``nvpmodel`` calls it, e.g. "15W".
    """

    board: str | None
    cpu: str | None
    architecture: str
    processors: int
    simd: tuple[str, ...]
    memory_mib: int | None
    system: str
    python: str | None
    firmware: str | None = None
    power_mode: str | None = None

    @property
    def banner(self) -> str:
        """One line on what computes."""
        unit = "processor" if self.processors == 1 else "processors"
        name = ", ".join(part for part in (self.board, self.cpu) if part) or "unknown processor"
        simd = " ".join(self.simd) or "no known SIMD"
        mode = f", mode {self.power_mode}" if self.power_mode else ""
        return f"{name}, {self.architecture}, {self.processors} {unit}, {simd}{mode}"


def describe_machine(root: Path = ROOT) -> Machine:
    """Describe the machine.

    Parameters
    ----------
    root
        Where ``proc``, ``etc`` and ``usr`` lie.
    """
    entries = tuple(read_pairs(root / "proc/cpuinfo"))
    features = {word for key, value in entries if key in ("flags", "Features") for word in value.split()}
    memory = kibibytes(root / "proc/meminfo", "MemTotal")
    return Machine(
        board=_board(root, entries),
        cpu=_cpu(entries),
        architecture=platform.machine(),
        processors=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        simd=tuple(name for name in _SIMD if name in features),
        memory_mib=None if memory is None else memory // 1024,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        firmware=_jetson_linux(root),
        power_mode=_power_mode(root),
    )


def peak_memory_mib() -> float | None:
    """Largest resident memory of this process so far, in MiB; None where the system does not tell.

    ``VmHWM`` comes first, because ``ru_maxrss`` of a child begins on Linux at what its parent held.
    """
    peak = kibibytes(_STATUS, "VmHWM")
    if peak is not None:
        return peak / 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1024**2 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def resident_memory_mib() -> float | None:
    """Resident memory of this process now, in MiB; None where the system does not tell."""
    resident = kibibytes(_STATUS, "VmRSS")
    return None if resident is None else resident / 1024


def _jetson_linux(root: Path) -> str | None:
    """Release of ``/etc/nv_tegra_release``: ``# R36 (release), REVISION: 4.3, GCID: ...``."""
    found = re.search(
        r"# (R\d+) \(release\), REVISION: ([\d.]+)", read_text(root / "etc/nv_tegra_release") or ""
    )
    return f"Jetson Linux {found[1]}.{found[2]}" if found else None


def _power_mode(root: Path) -> str | None:
    found = re.search(r"NV Power Mode: *(\S+)", run_program(root, "nvpmodel", "-q") or "")
    return found[1] if found else None


def _board(root: Path, entries: tuple[tuple[str, str], ...]) -> str | None:
    tree = read_text(root / "proc/device-tree/model")
    return tree or dict(entries).get("Model")  # a 32-bit Raspberry Pi OS has the name in cpuinfo too


def _cpu(entries: tuple[tuple[str, str], ...]) -> str | None:
    makers = [value for key, value in entries if key == "CPU implementer"]
    parts = [value for key, value in entries if key == "CPU part"]
    kinds = dict.fromkeys(zip(makers, parts, strict=False))  # each once, in order
    if kinds:
        return " + ".join(_ARM_CORES.get(kind, f"ARM core {kind[0]}/{kind[1]}") for kind in kinds)
    return dict(entries).get("model name")

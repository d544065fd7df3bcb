"""The machine that runs: its board and processor, and what its sensors say at one moment.

All of it comes from files below ``/proc`` and ``/sys``; whatever a machine does not have is ``None``.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/")
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


@dataclass(frozen=True)
class Machine:
    """What does not change while it runs.

    Attributes
    ----------
    board
        Name of the board by its device tree, e.g. ``"Raspberry Pi 4 Model B Rev 1.4"``; None on a PC.
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
        Version of Python.
    """

    board: str | None
    cpu: str | None
    architecture: str
    processors: int
    simd: tuple[str, ...]
    memory_mib: int | None
    system: str
    python: str

    @property
    def banner(self) -> str:
        """One line on what computes."""
        unit = "processor" if self.processors == 1 else "processors"
        name = ", ".join(part for part in (self.board, self.cpu) if part) or "unknown processor"
        simd = " ".join(self.simd) or "no known SIMD"
        return f"{name}, {self.architecture}, {self.processors} {unit}, {simd}"


@dataclass(frozen=True)
class ThermalZone:
    """A temperature sensor.

    Attributes
    ----------
    name
        Type of the zone, e.g. ``"cpu-thermal"``; several zones may share it.
    celsius
        Its temperature in degrees Celsius.
    """

    name: str
    celsius: float


@dataclass(frozen=True)
class Readings:
    """What the sensors say at one moment; None for what the machine does not show.

    Attributes
    ----------
    load_average
        Mean number of runnable processes over the last minute.
    governors
        CPU frequency governors in use, each once.
    frequencies_mhz, max_frequencies_mhz
        Present and highest clock in MHz, one entry for each logical processor that shows it.
    temperatures
        Thermal zones, in the order of their numbers.
    """

    load_average: float | None
    governors: tuple[str, ...] | None
    frequencies_mhz: tuple[float, ...] | None
    max_frequencies_mhz: tuple[float, ...] | None
    temperatures: tuple[ThermalZone, ...] | None

    def disturbances(self, processors: int) -> tuple[str, ...]:
        """Say what makes timings on ``processors`` logical processors doubtful, one sentence each."""
        found = []
        slow = [governor for governor in self.governors or () if governor != "performance"]
        if slow:
            found.append(
                f"the CPU governor is {' and '.join(slow)}, so the clock varies; for steady figures: "
                "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
            )
        if self.load_average is not None and self.load_average > processors:
            found.append(
                f"the load average was {self.load_average:.1f} on {processors} processors at the start; "
                "end other work, wait a minute and measure again"
            )
        return tuple(found)


def describe_machine(root: Path = _ROOT) -> Machine:
    """Describe the machine.

    Parameters
    ----------
    root
        Where ``proc`` lies.
    """
    entries = tuple(_cpuinfo(root))
    features = {word for key, value in entries if key in ("flags", "Features") for word in value.split()}
    memory = dict(_pairs(root / "proc/meminfo")).get("MemTotal", "").split()
    return Machine(
        board=_board(root, entries),
        cpu=_cpu(entries),
        architecture=platform.machine(),
        processors=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        simd=tuple(name for name in _SIMD if name in features),
        memory_mib=int(memory[0]) // 1024 if memory else None,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
    )


def read_sensors(root: Path = _ROOT) -> Readings:
    """Read the sensors.

    Parameters
    ----------
    root
        Where ``proc`` and ``sys`` lie.
    """
    load = (_text(root / "proc/loadavg") or "").split()
    processors = _numbered(root / "sys/devices/system/cpu", "cpu")
    governors = {_text(folder / "cpufreq/scaling_governor") for folder in processors}
    zones = []
    for folder in _numbered(root / "sys/class/thermal", "thermal_zone"):
        millidegrees = _number(folder / "temp")
        if millidegrees is not None:
            zones.append(ThermalZone(_text(folder / "type") or folder.name, millidegrees / 1000))
    return Readings(
        load_average=float(load[0]) if load else None,
        governors=tuple(sorted(name for name in governors if name)) or None,
        frequencies_mhz=_megahertz(processors, "scaling_cur_freq"),
        max_frequencies_mhz=_megahertz(processors, "cpuinfo_max_freq"),
        temperatures=tuple(zones) or None,
    )


def peak_memory_mib(root: Path = _ROOT) -> float | None:
    """Largest resident memory of this process so far, in MiB; None where the system does not tell.

    ``VmHWM`` comes first, because ``ru_maxrss`` of a child begins on Linux at what its parent held.
    """
    peak = dict(_pairs(root / "proc/self/status")).get("VmHWM", "").split()
    if peak:
        return int(peak[0]) / 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1024**2 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _board(root: Path, entries: tuple[tuple[str, str], ...]) -> str | None:
    tree = _text(root / "proc/device-tree/model")
    return tree or dict(entries).get("Model")  # a 32-bit Raspberry Pi OS has the name in cpuinfo too


def _cpu(entries: tuple[tuple[str, str], ...]) -> str | None:
    makers = [value for key, value in entries if key == "CPU implementer"]
    parts = [value for key, value in entries if key == "CPU part"]
    kinds = dict.fromkeys(zip(makers, parts, strict=False))  # each once, in order
    if kinds:
        return " + ".join(_ARM_CORES.get(kind, f"ARM core {kind[0]}/{kind[1]}") for kind in kinds)
    return dict(entries).get("model name")


def _cpuinfo(root: Path) -> Iterator[tuple[str, str]]:
    return _pairs(root / "proc/cpuinfo")


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    for line in (_text(path) or "").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            yield key.strip(), value.strip()


def _numbered(folder: Path, prefix: str) -> list[Path]:
    found = [path for path in folder.glob(f"{prefix}[0-9]*") if path.name.removeprefix(prefix).isdigit()]
    return sorted(found, key=lambda path: int(path.name.removeprefix(prefix)))


def _megahertz(processors: list[Path], name: str) -> tuple[float, ...] | None:
    kilohertz = (_number(folder / "cpufreq" / name) for folder in processors)
    return tuple(value / 1000 for value in kilohertz if value is not None) or None


def _number(path: Path) -> int | None:
    try:
        return int(_text(path) or "")
    except ValueError:
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n\t")
    except OSError:  # absent, or a sensor that is switched off
        return None

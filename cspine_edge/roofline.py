"""How much of what the processor's cores can multiply and accumulate in int8 a model makes use of.

The peak is the number of int8 products that the widest instruction for them adds up in a cycle, times the cores in use,
times their highest clock. No network reaches it: activations are loaded and stored, and depthwise convolutions have few
products per byte. The sources of the figures, all of them per core and cycle:

==============  =====  =========================================================================================
core            MACs   source
==============  =====  =========================================================================================
Cortex-A53         8   derived, since Arm has published no optimization guide: SMLAL, 8 products with a result of 128
                       bits, fills the two 64-bit NEON pipes (LLVM's AArch64SchedA53.td has two FP/ASIMD ALUs)
Cortex-A57         8   Arm Cortex-A57 Software Optimization Guide (UAN 0015), "ASIMD multiply accumulate, long": SMLAL,
                       8 products, one a cycle, pipe F0
Cortex-A72         8   Arm Cortex-A72 Software Optimization Guide (UAN 0016), the same
Cortex-A76        32   Arm Cortex-A76 Software Optimization Guide, "ASIMD dot product": SDOT, 16 products, two a cycle
Cortex-A78AE      32   Arm Cortex-A78 Software Optimization Guide, the same; the AE is the A78 with lock-step
x86 AVX2          32   VPMADDWD, 16 products, two a cycle since Skylake and Zen 2: uops.info
x86 AVX-VNNI      64   VPDPBUSD on 256 bits, 32 products, two a cycle on Golden Cove and Zen 5: uops.info
x86 AVX512-VNNI  128   VPDPBUSD on 512 bits, 64 products, two a cycle on Xeon and Zen 5; others do one: uops.info
==============  =====  =========================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .latency import Latency
from .machine import Machine
from .runtime import Session
from .sensors import Readings
from .system_files import ROOT, numbered, read_text

_ARM_PEAKS = {
    "Cortex-A53": ("SMLAL", 8),
    "Cortex-A57": ("SMLAL", 8),
    "Cortex-A72": ("SMLAL", 8),
    "Cortex-A76": ("SDOT", 32),
    "Cortex-A78AE": ("SDOT", 32),
}
_X86_PEAKS = {
    "avx512_vnni": ("VPDPBUSD, 512 bits", 128),
    "avx_vnni": ("VPDPBUSD, 256 bits", 64),
    "avx2": ("VPMADDWD, 256 bits", 32),
}
"""Widest first."""
_INTEGER = ("int8", "uint8")


@dataclass(frozen=True)
class Work:
    """What one inference multiplies.

    Attributes
    ----------
    macs
        Multiply-accumulates of one inference: convolutions, depthwise ones and dense layers.
    int8_macs
        Those of them on 8-bit values.
    """

    macs: int
    int8_macs: int


@dataclass(frozen=True)
class Rate:
    """How fast one thread count multiplies.

    Attributes
    ----------
    threads
        Threads of the interpreter.
    gmacs_per_s
        Multiply-accumulates per second at the median latency, in units of 1e9.
    share
        Of the peak of as many cores, 1 being all of it; null where clock or core are not known.
    """

    threads: int
    gmacs_per_s: float
    share: float | None


@dataclass(frozen=True)
class Roofline:
    """A model's rate beside the int8 peak of the processor.

    Attributes
    ----------
    macs
        Multiply-accumulates of one inference.
    instruction
        The widest instruction for them; null for a processor that is not in the table, or not alone on its board.
    macs_per_cycle
        What it does per core and cycle.
    clock_mhz
        Highest clock of the cores, in MHz; null if the system does not tell.
    rates
        One entry per thread count, ascending.
    """

    macs: int
    instruction: str | None
    macs_per_cycle: int | None
    clock_mhz: float | None
    rates: tuple[Rate, ...]


def work_of(session: Session) -> Work:
    """Count the multiply-accumulates of one inference.

    Parameters
    ----------
    session
        Of kernels other than XNNPACK's, whose operations disappear in one delegate.
    """
    tensors, macs, int8_macs = session.tensors(), 0, 0
    for operation in session.operations():
        if operation.name not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            continue
        kernel = tensors[operation.inputs[1]].shape
        # Of a depthwise kernel, (1, height, width, channels), each output takes one channel.
        each = kernel[1] * kernel[2] if operation.name == "DEPTHWISE_CONV_2D" else math.prod(kernel[1:])
        count = math.prod(tensors[operation.outputs[0]].shape) * each
        macs += count
        if operation.dtypes[0] in _INTEGER and operation.dtypes[1] in _INTEGER:
            int8_macs += count
    return Work(macs, int8_macs)


def roofline(
    work: Work,
    machine: Machine,
    readings: Readings,
    latencies: Sequence[Latency],
    cores: int | None = None,
) -> Roofline | None:
    """Compare measured latencies with the peak; None for a model that does not compute in int8.

    Parameters
    ----------
    work
        Of the model.
    machine, readings
        Whose processor and highest clock.
    latencies
        Of the model on it.
    cores
        Of the machine, from :func:`physical_cores`; None takes each logical processor for one.
    """
    if not work.macs or work.int8_macs < 0.99 * work.macs:
        return None
    instruction, per_cycle = peak_of(machine) or (None, None)
    clock = max(readings.max_frequencies_mhz or (), default=None)
    most = min(machine.processors, cores or machine.processors)
    rates = []
    for latency in latencies:
        per_s = work.macs / (latency.p50_ms / 1e3)
        share = None
        if per_cycle is not None and clock is not None:
            share = per_s / (per_cycle * min(latency.threads, most) * clock * 1e6)
        rates.append(Rate(latency.threads, per_s / 1e9, share))
    return Roofline(work.macs, instruction, per_cycle, clock, tuple(rates))


def physical_cores(root: Path = ROOT) -> int | None:
    """Number of cores, each of which may be several logical processors; None where the system does not tell.

    Logical processors of one core name the same siblings; numbers of cores repeat from one cluster to the next.
    """
    folders = [folder / "topology" for folder in numbered(root / "sys/devices/system/cpu", "cpu")]
    siblings = [
        read_text(folder / "core_cpus_list") or read_text(folder / "thread_siblings_list")  # the older name
        for folder in folders
    ]
    known = {names for names in siblings if names}
    return len(known) or None


def peak_of(machine: Machine) -> tuple[str, int] | None:
    """Widest int8 instruction, and its multiply-accumulates per core and cycle; None for other processors.

    Processors with several kinds of cores have none: which of them run a thread is the system's choice.
    """
    for simd, peak in _X86_PEAKS.items():
        if simd in machine.simd:
            return peak
    return _ARM_PEAKS.get(machine.cpu or "")

"""What a board's sensors say at one moment: load, clocks, temperatures, throttling, power.

All of it comes from files below ``/proc`` and ``/sys``, and on a Raspberry Pi from ``vcgencmd``; whatever a machine
does not have, or gives as nonsense, is ``None``. Read are

- any Linux: ``/proc/loadavg`` and ``/proc/stat``, cpufreq, thermal zones and cooling devices
  (Documentation/admin-guide/pm/cpufreq.rst and Documentation/driver-api/thermal/sysfs-api.rst of the kernel);
- Raspberry Pi: ``get_throttled``, whose bits 0 to 3 tell of now and 16 to 19 of the time since boot (documentation of
  ``vcgencmd``), the under-voltage alarm of the ``rpi_volt`` hwmon driver, ``measure_clock arm``, since cpufreq does not
  show what the firmware throttles (raspberrypi/linux issue 2986), and on a Pi 5 ``pmic_read_adc``;
- Jetson: the INA3221 power monitors (Documentation/hwmon/ina3221.rst; of JetPack 4 NVIDIA's own iio driver) and the
  counters of over-current events (``soctherm_oc``, JetPack 5 on).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .system_files import ROOT, number, numbered, read_number, read_text, run_program

UNDERVOLTAGE = "under-voltage"
_FLAGS = (UNDERVOLTAGE, "clock capped", "throttled", "soft temperature limit")
"""Bits 0 to 3 of ``get_throttled``; 16 to 19 say the same of the time since boot."""
_SINCE_BOOT = 16
_LIMITED = "thermal limit on the clock"
_CPU_COOLING = ("cpufreq", "cpu-throttle", "cpu-balanced")
"""Cooling devices that cool by slowing the processor down, by a part of their type."""
_BOARD_RAILS = ("VDD_IN", "POM_5V_IN")
"""INA3221 rails through which all of a Jetson module is fed."""
_CELSIUS = (-60.0, 200.0)
"""What a temperature may be; sensors that are off give other numbers."""
_FOREIGN_SHARE = 0.05
"""Share of all processors' time above which other work is warned of."""
_LEAST_WATCHED_S = 0.5
_STAT_FIELDS = 8
_PMIC_LINE = re.compile(r"^\s*(\w+)_([AV])\s+(?:current|volt)\(\d+\)=([\d.]+)[AV]\s*$", re.MULTILINE)


@dataclass(frozen=True)
class ThermalZone:
    """A temperature sensor.

    Attributes
    ----------
    name
        Type of the zone, e.g. "cpu-thermal"; several zones may share it.
    celsius
        Its temperature in degrees Celsius.
    """

    name: str
    celsius: float


@dataclass(frozen=True)
class Power:
    """Electrical power that a board's own sensor shows.

    Attributes
    ----------
    watts
        In watts, all of what the sensor sees: the whole module or board, not the inference alone.
    source
        Which sensor, and which rails of it.
    """

    watts: float
    source: str


@dataclass(frozen=True)
class Readings:
    """What the sensors say at one moment; None for what the machine does not show.

    Attributes
    ----------
    load_average
        Mean number of runnable processes over the last minute.
    governors
        CPU frequency governors in use, each once.
    frequencies_mhz
        Present clock in MHz, one entry for each logical processor that shows it.
    max_frequencies_mhz
        Highest clock that is allowed now, in MHz, one entry for each logical processor that shows it.
    temperatures
        Thermal zones, in the order of their numbers.
    throttled_now
        What slows the processor down at this moment, one word or two each; empty if nothing does.
    throttled_since_boot
        The same of the time since the board was started.
    overcurrent_events
        Number of times since boot that supply voltage or current was out of bounds (Jetson).
    power
        Power of the board.
    """

    load_average: float | None = None
    governors: tuple[str, ...] | None = None
    frequencies_mhz: tuple[float, ...] | None = None
    max_frequencies_mhz: tuple[float, ...] | None = None
    temperatures: tuple[ThermalZone, ...] | None = None
    throttled_now: tuple[str, ...] | None = None
    throttled_since_boot: tuple[str, ...] | None = None
    overcurrent_events: int | None = None
    power: Power | None = None

    @property
    def celsius(self) -> float | None:
        """Temperature of the hottest processor zone, or of the hottest zone where none is called so."""
        zones = self.temperatures or ()
        processor = [zone for zone in zones if re.search("cpu|x86_pkg", zone.name, re.IGNORECASE)]
        # PMIC-Die of a Jetson Nano gives 50 or 100 degrees whatever happens.
        others = [zone for zone in zones if "pmic" not in zone.name.lower()]
        return max((zone.celsius for zone in processor or others), default=None)

    def disturbances(self) -> tuple[str, ...]:
        """Say what makes timings doubtful, one sentence each; of other work :func:`other_work` tells."""
        return tuple(self._disturbances())

    def _disturbances(self) -> Iterator[str]:
        slow = [governor for governor in self.governors or () if governor != "performance"]
        if slow:
            yield (
                f"the CPU governor is {' and '.join(slow)}, so the clock varies; for steady figures: "
                "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
            )
        now, before = self.throttled_now or (), self.throttled_since_boot or ()
        if now:
            yield f"the processor is slowed down now ({', '.join(now)}); {_remedy(now)}"
        earlier = [flag for flag in before if flag not in now]
        if earlier:
            yield f"it was slowed down before, since the board was started ({', '.join(earlier)}); {_remedy(earlier)}"


def _remedy(flags: tuple[str, ...] | list[str]) -> str:
    if UNDERVOLTAGE in flags:
        return "use a stronger power supply and a short cable, restart and measure again"
    return "cool the board, restart and measure again"


def slowed_between(before: Readings, after: Readings) -> tuple[str, ...]:
    """Say what slowed the processor down between two readings, one sentence each."""
    found = []
    known = {*(before.throttled_now or ()), *(before.throttled_since_boot or ())}
    new = dict.fromkeys((*(after.throttled_now or ()), *(after.throttled_since_boot or ())))
    flags = [flag for flag in new if flag not in known]
    if flags:
        found.append(f"the processor was slowed down meanwhile ({', '.join(flags)}); {_remedy(flags)}")
    if (after.overcurrent_events or 0) > (before.overcurrent_events or 0):
        events = (after.overcurrent_events or 0) - (before.overcurrent_events or 0)
        found.append(
            f"the supply went out of bounds {events} times meanwhile, and each slows the processor down; use a "
            "stronger power supply or a lower power mode"
        )
    return tuple(found)


@dataclass(frozen=True)
class ProcessorTime:
    """Processor time up to one moment, a mean of all logical processors.

    Attributes
    ----------
    all_s
        Since boot, at work or not, in seconds.
    busy_s
        Of it at work, for whichever process, or taken by other guests of the same host, in seconds.
    own_s
        Of this process, in seconds.
    """

    all_s: float
    busy_s: float
    own_s: float


def read_processor_time(root: Path = ROOT) -> ProcessorTime | None:
    """Read ``/proc/stat`` (its manual page is proc_stat(5)); None where it is not, or is nonsense."""
    lines = [line.split() for line in (read_text(root / "proc/stat") or "").splitlines()]
    # user, nice, system, idle, iowait, irq, softirq, steal; guests' time, which follows, is part of the first two.
    ticks = [number(word) for word in lines[0][1:9]] if lines and lines[0][:1] == ["cpu"] else []
    known = [tick for tick in ticks if tick is not None]
    processors = sum(bool(words) and re.fullmatch(r"cpu\d+", words[0]) is not None for words in lines)
    if len(known) < _STAT_FIELDS or not processors:
        return None
    each_s = 1 / (os.sysconf("SC_CLK_TCK") * processors)
    busy = sum(known) - known[3] - known[4]
    return ProcessorTime(sum(known) * each_s, busy * each_s, time.process_time() / processors)


def other_work(before: ProcessorTime | None, after: ProcessorTime | None) -> tuple[str, ...]:
    """Say that other processes worked between two moments; nothing of under half a second, which is few ticks."""
    if before is None or after is None or after.all_s - before.all_s < _LEAST_WATCHED_S:
        return ()
    foreign = (after.busy_s - before.busy_s - after.own_s + before.own_s) / (after.all_s - before.all_s)
    if foreign <= _FOREIGN_SHARE:
        return ()
    return (
        f"other work took {100 * foreign:.0f} % of the time of all processors while inference and slices were timed; "
        "end it and measure again",
    )


def read_sensors(root: Path = ROOT) -> Readings:
    """Read the sensors.

    Parameters
    ----------
    root
        Where ``proc``, ``sys`` and ``usr`` lie.
    """
    load = (read_text(root / "proc/loadavg") or "").split()
    processors = numbered(root / "sys/devices/system/cpu", "cpu")
    governors = {read_text(folder / "cpufreq/scaling_governor") for folder in processors}
    now, since_boot = _throttling(root)
    return Readings(
        load_average=number(load[0]) if load else None,
        governors=tuple(sorted(name for name in governors if name)) or None,
        frequencies_mhz=_clock_of_firmware(root, len(processors))
        or _megahertz(processors, "scaling_cur_freq"),
        max_frequencies_mhz=_megahertz(processors, "scaling_max_freq")  # power modes of a Jetson lower it
        or _megahertz(processors, "cpuinfo_max_freq"),
        temperatures=tuple(_temperatures(root)) or None,
        throttled_now=now,
        throttled_since_boot=since_boot,
        overcurrent_events=_overcurrent_events(root),
        power=_power_of_pmic(root) or _power_of_ina3221(root),
    )


def _temperatures(root: Path) -> Iterator[ThermalZone]:
    for folder in numbered(root / "sys/class/thermal", "thermal_zone"):
        millidegrees = read_number(folder / "temp")
        if millidegrees is not None and _CELSIUS[0] <= millidegrees / 1000 <= _CELSIUS[1]:
            yield ThermalZone(read_text(folder / "type") or folder.name, millidegrees / 1000)


def _megahertz(processors: list[Path], name: str) -> tuple[float, ...] | None:
    kilohertz = (read_number(folder / "cpufreq" / name) for folder in processors)
    return tuple(value / 1000 for value in kilohertz if value is not None and value > 0) or None


def _clock_of_firmware(root: Path, processors: int) -> tuple[float, ...] | None:
    """Clock of all cores of a Raspberry Pi, e.g. ``frequency(48)=1500398464`` in Hz."""
    hertz = number((run_program(root, "vcgencmd", "measure_clock", "arm") or "").partition("=")[2].strip())
    return (hertz / 1e6,) * processors if hertz and hertz > 0 else None


def _throttling(root: Path) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """What slows the processor down now, and has since boot."""
    word = _throttled_word(root)
    alarm = _undervoltage_alarm(root)
    limited = _thermally_limited(root)
    if word is None and alarm is None and limited is None:
        return None, None
    now = [flag for bit, flag in enumerate(_FLAGS) if (word or 0) >> bit & 1]
    if alarm and UNDERVOLTAGE not in now:
        now.append(UNDERVOLTAGE)
    if limited:
        now.append(_LIMITED)
    if word is None:
        return tuple(now), None
    return tuple(now), tuple(flag for bit, flag in enumerate(_FLAGS) if word >> _SINCE_BOOT + bit & 1)


def _throttled_word(root: Path) -> int | None:
    """``get_throttled`` from the firmware's driver, or from ``vcgencmd``: ``throttled=0x50005``."""
    files = root.glob("sys/devices/platform/soc*/*firmware/get_throttled")
    texts = [read_text(path) for path in files]
    if not any(texts):
        texts = [(run_program(root, "vcgencmd", "get_throttled") or "").partition("=")[2]]
    found = re.fullmatch("(?:0x)?([0-9a-f]+)", next((text.strip() for text in texts if text), ""))
    return int(found[1], 16) if found else None


def _undervoltage_alarm(root: Path) -> bool | None:
    for folder in numbered(root / "sys/class/hwmon", "hwmon"):
        alarm = read_number(folder / "in0_lcrit_alarm") if read_text(folder / "name") == "rpi_volt" else None
        if alarm is not None:
            return alarm != 0
    return None


def _thermally_limited(root: Path) -> bool | None:
    states = [
        read_number(folder / "cur_state")
        for folder in numbered(root / "sys/class/thermal", "cooling_device")
        if any(name in (read_text(folder / "type") or "") for name in _CPU_COOLING)
    ]
    known = [state for state in states if state is not None]
    return any(state > 0 for state in known) if known else None


def _overcurrent_events(root: Path) -> int | None:
    counts = (read_number(path) for path in sorted(root.glob("sys/class/hwmon/hwmon*/oc*_event_cnt")))
    known = [int(count) for count in counts if count is not None]
    return sum(known) if known else None


def _power_of_pmic(root: Path) -> Power | None:
    """Power of a Raspberry Pi 5: the sum of voltage times current over the rails that show both.

    Loads fed by 5 V (USB, fan, cards) and the losses of the PMIC itself are not in it.
    """
    if "Raspberry Pi 5" not in (read_text(root / "proc/device-tree/model") or ""):
        return None  # others answer with an error, but only after a process was started
    rails: dict[str, dict[str, float]] = {}
    for name, unit, value in _PMIC_LINE.findall(run_program(root, "vcgencmd", "pmic_read_adc") or ""):
        reading = number(value)
        if reading is not None:
            rails.setdefault(name, {})[unit] = reading
    watts = [rail["A"] * rail["V"] for rail in rails.values() if len(rail) == 2]
    if not watts:
        return None
    return Power(sum(watts), f"PMIC, sum of {len(watts)} rails without 5 V loads")


def _power_of_ina3221(root: Path) -> Power | None:
    """Power of a Jetson: of the rail that feeds the module or, where none does, of all rails together."""
    rails = dict(_rails(root))
    total = next((name for name in _BOARD_RAILS if name in rails), None)
    if total is not None:
        return Power(rails[total], f"INA3221, {total}")
    return Power(sum(rails.values()), f"INA3221, sum of {', '.join(rails)}") if rails else None


def _rails(root: Path) -> Iterator[tuple[str, float]]:
    """Name and watts of each rail."""
    drivers = root / "sys/bus/i2c/drivers"
    for folder in sorted(drivers.glob("ina3221/*/hwmon/hwmon*")):
        for channel in (1, 2, 3):
            name = read_text(folder / f"in{channel}_label")
            millivolts = read_number(folder / f"in{channel}_input")
            milliamperes = read_number(folder / f"curr{channel}_input")
            if name and name != "NC" and millivolts is not None and milliamperes is not None:
                yield name, millivolts * milliamperes / 1e6
    for folder in sorted(drivers.glob("ina3221x/*/iio:device*")):  # JetPack 4
        for channel in (0, 1, 2):
            name = read_text(folder / f"rail_name_{channel}")
            milliwatts = read_number(folder / f"in_power{channel}_input")
            if name and name != "NC" and milliwatts is not None:
                yield name, milliwatts / 1e3

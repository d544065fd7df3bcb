"""Sensors of boards, real in names and values, broken in the ways they break."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import boards
import pytest

from cspine_edge.machine import describe_machine
from cspine_edge.sensors import (
    Power,
    ProcessorTime,
    Readings,
    ThermalZone,
    other_work,
    read_processor_time,
    read_sensors,
    slowed_between,
)

BOARDS = [
    boards.raspberry_pi_3,
    boards.raspberry_pi_4,
    boards.raspberry_pi_5,
    boards.jetson_nano,
    boards.jetson_orin,
]
Board = Callable[[Path], Path]


def test_a_raspberry_pi_3(tmp_path: Path) -> None:
    readings = read_sensors(boards.raspberry_pi_3(tmp_path))
    assert readings.temperatures == (ThermalZone("cpu-thermal", 51.54),)
    assert readings.celsius == 51.54
    assert (readings.governors, readings.max_frequencies_mhz) == (("ondemand",), (1400.0,) * 4)
    assert readings.frequencies_mhz == pytest.approx((1400.398464,) * 4)  # the firmware's, not cpufreq's
    assert (readings.throttled_now, readings.throttled_since_boot) == ((), ())
    assert (readings.power, readings.overcurrent_events) == (None, None)


def test_a_raspberry_pi_5_sums_its_rails(tmp_path: Path) -> None:
    power = read_sensors(boards.raspberry_pi_5(tmp_path)).power
    assert power is not None
    # The products by hand; EXT5V and BATT have a voltage and no current.
    rails = (
        *(0.066352 * 3.6973, 0.063416 * 3.307851, 0.16882 * 1.80219, 0.0253736 * 1.104018, 0.0),
        *(0.182488 * 1.105116, 0.3328424 * 0.803112, 1.3848 * 0.892413, 0.00006105 * 3.309376),
        *(0.0004884 * 3.307239, 0.005859 * 0.800366, 0.0253968 * 5.13296),
    )
    assert power.watts == pytest.approx(sum(rails))
    assert power.source == "PMIC, sum of 12 rails without 5 V loads"


def test_a_jetson_nano_is_read_through_iio(tmp_path: Path) -> None:
    readings = read_sensors(boards.jetson_nano(tmp_path))
    assert readings.power == Power(2.533, "INA3221, POM_5V_IN")
    assert readings.celsius == 38.5  # not the 100 degrees of PMIC-Die
    assert ThermalZone("PMIC-Die", 100.0) in (readings.temperatures or ())
    assert (readings.throttled_now, readings.throttled_since_boot) == ((), None)


def test_without_a_processor_zone_the_hottest_other_counts_but_for_the_power_chip(tmp_path: Path) -> None:
    boards.jetson_nano(tmp_path)
    (tmp_path / "sys/class/thermal/thermal_zone1/temp").unlink()  # CPU-therm
    assert read_sensors(tmp_path).celsius == 43.0  # AO-therm, and not the 100 degrees of PMIC-Die


@pytest.mark.parametrize("jetpack", [5, 6])
def test_a_jetson_orin_is_read_through_hwmon(tmp_path: Path, jetpack: int) -> None:
    readings = read_sensors(boards.jetson_orin(tmp_path, jetpack=jetpack, overcurrent_events=3))
    assert readings.power == Power(pytest.approx(4.984 * 1.072), "INA3221, VDD_IN")  # type: ignore[arg-type]
    assert readings.overcurrent_events == 3
    assert [zone.name for zone in readings.temperatures or ()] == [
        *("cpu-thermal", "gpu-thermal", "soc0-thermal", "tj-thermal")
    ]


def test_a_jetson_without_a_common_rail_gives_the_sum_of_all(tmp_path: Path) -> None:
    boards.jetson_orin(tmp_path)
    label = tmp_path / "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon1/in1_label"
    label.write_text("NC\n")
    power = read_sensors(tmp_path).power
    assert power is not None
    assert power.watts == pytest.approx(4.976 * (0.208 + 0.296))
    assert power.source == "INA3221, sum of VDD_CPU_GPU_CV, VDD_SOC"


@pytest.mark.parametrize(
    ("word", "now", "since_boot"),
    [
        (0x0, (), ()),
        (0x1, ("under-voltage",), ()),
        (0x2, ("clock capped",), ()),
        (0x4, ("throttled",), ()),
        (0x8, ("soft temperature limit",), ()),
        (0x10000, (), ("under-voltage",)),
        (0x50005, ("under-voltage", "throttled"), ("under-voltage", "throttled")),
        (0x80008, ("soft temperature limit",), ("soft temperature limit",)),
        (0xE0000, (), ("clock capped", "throttled", "soft temperature limit")),
    ],
)
@pytest.mark.parametrize("driver", [True, False])
def test_throttling_flags(
    tmp_path: Path, word: int, now: tuple[str, ...], since_boot: tuple[str, ...], driver: bool
) -> None:
    boards.raspberry_pi_4(tmp_path, throttled=word)
    if not driver:  # then vcgencmd tells
        (tmp_path / "sys/devices/platform/soc/soc:firmware/get_throttled").unlink()
    readings = read_sensors(tmp_path)
    assert (readings.throttled_now, readings.throttled_since_boot) == (now, since_boot)


def test_the_highest_clock_is_the_one_that_is_allowed(tmp_path: Path) -> None:
    boards.jetson_orin(tmp_path)
    for core in range(6):
        (tmp_path / f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_max_freq").write_text("960000\n")
    assert read_sensors(tmp_path).max_frequencies_mhz == (960.0,) * 6
    for core in range(6):
        (tmp_path / f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_max_freq").unlink()
    assert read_sensors(tmp_path).max_frequencies_mhz == (1510.4,) * 6


def test_the_hwmon_alarm_alone_tells_of_under_voltage(tmp_path: Path) -> None:
    boards.raspberry_pi_4(tmp_path, throttled=1)
    (tmp_path / "usr/bin/vcgencmd").unlink()
    (tmp_path / "sys/devices/platform/soc/soc:firmware/get_throttled").unlink()
    readings = read_sensors(tmp_path)
    assert (readings.throttled_now, readings.throttled_since_boot) == (("under-voltage",), None)
    assert readings.frequencies_mhz == (1800.0,) * 4  # cpufreq's, as there is no vcgencmd


def test_a_cooling_device_that_slows_the_clock_is_throttling(tmp_path: Path) -> None:
    boards.jetson_orin(tmp_path)
    (tmp_path / "sys/class/thermal/cooling_device0/cur_state").write_text("4\n")
    assert read_sensors(tmp_path).throttled_now == ("thermal limit on the clock",)


@pytest.mark.parametrize("board", BOARDS)
def test_absent_files_are_none_one_by_one(board: Board, tmp_path: Path) -> None:
    """Whichever file a board lacks, the rest is read."""
    files = sorted(path for path in board(tmp_path / "whole").rglob("*") if path.is_file())
    assert len(files) > 20
    for path in files:
        kept = path.read_bytes()
        path.unlink()
        assert read_sensors(tmp_path / "whole").disturbances() is not None
        assert describe_machine(tmp_path / "whole").processors >= 1
        path.write_bytes(kept)
        if "bin" in path.parts[-2]:
            path.chmod(0o755)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"nan\n", b"1e999\n", b"no number at all\n", b"-999999999\n"]
)
@pytest.mark.parametrize("board", BOARDS)
def test_garbage_is_never_a_traceback(board: Board, tmp_path: Path, content: bytes) -> None:
    root = board(tmp_path)
    for path in sorted(root.rglob("*")):
        if path.is_file():
            path.write_bytes(content)
    readings, machine = read_sensors(root), describe_machine(root)
    assert (readings.temperatures, readings.frequencies_mhz, readings.max_frequencies_mhz) == (
        None,
        None,
        None,
    )
    assert readings.power is None or content.startswith(b"-")
    assert (machine.memory_mib, machine.firmware, machine.power_mode, machine.simd) == (None, None, None, ())


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 1\n", "#!/no/such/shell\n", "#!/bin/sh\nsleep 60\n"])
def test_a_program_that_fails_or_hangs_is_none(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cspine_edge.system_files._PROGRAM_S", 0.2)
    boards.raspberry_pi_5(tmp_path)
    (tmp_path / "usr/bin/vcgencmd").write_text(text)
    readings = read_sensors(tmp_path)
    assert (readings.power, readings.frequencies_mhz) == (None, (2400.0,) * 4)


def test_programs_of_this_machine_are_not_asked_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tree without vcgencmd stays without, even where the PATH has one."""
    boards.raspberry_pi_5(tmp_path / "here")
    monkeypatch.setenv("PATH", str(tmp_path / "here/usr/bin"), prepend=":")
    boards.raspberry_pi_5(tmp_path / "there")
    (tmp_path / "there/usr/bin/vcgencmd").unlink()
    assert read_sensors(tmp_path / "here").power is not None
    assert read_sensors(tmp_path / "there").power is None


def test_an_empty_tree_shows_nothing(tmp_path: Path) -> None:
    readings = read_sensors(tmp_path)
    assert readings == Readings()
    assert readings.celsius is None
    assert readings.disturbances() == ()


# What makes figures doubtful


def test_a_slow_governor_is_warned_of_and_the_load_that_a_bench_before_left_is_not(tmp_path: Path) -> None:
    boards.raspberry_pi_4(tmp_path)
    (tmp_path / "proc/loadavg").write_text("4.25 1.00 0.50 1/200 4242\n")
    (governor,) = read_sensors(tmp_path).disturbances()
    assert "ondemand" in governor
    assert Readings(load_average=4.25, governors=("performance",)).disturbances() == ()


def stat(root: Path, *ticks: int, processors: int = 4) -> Path:
    """Let ``/proc/stat`` of a board tell these ticks of 10 ms, of all its processors together."""
    lines = [f"cpu{n} 1 1 1 1 1 1 1 1 0 0" for n in range(processors)]
    text = "\n".join([f"cpu  {' '.join(map(str, ticks))}", *lines, "intr 1 0 0", "ctxt 115315", "btime 17\n"])
    (root / "proc").mkdir(parents=True, exist_ok=True)
    (root / "proc/stat").write_text(text)
    return root


def test_processor_time_of_a_board_by_hand(tmp_path: Path) -> None:
    """1,000 ticks of four processors, 300 of them idle and 100 waiting for a disk; 50 of a guest are user's already."""
    found = read_processor_time(stat(tmp_path, 200, 100, 150, 300, 100, 20, 30, 100, 50, 0))
    assert found is not None
    tick = 1 / os.sysconf("SC_CLK_TCK")
    assert found.all_s == pytest.approx(1000 * tick / 4)
    assert found.busy_s == pytest.approx(600 * tick / 4)
    assert found.own_s == pytest.approx(time.process_time() / 4, abs=0.1)


@pytest.mark.parametrize(
    "content", ["", "cpu  1 2 3\ncpu0 1 2 3\n", "cpu  1 2 3 4 5 6 7 8\n", "cpu a b\ncpu0\n", "\0"]
)
def test_processor_time_that_is_not_told_is_none(tmp_path: Path, content: str) -> None:
    assert read_processor_time(tmp_path) is None
    stat(tmp_path)
    (tmp_path / "proc/stat").write_text(content)
    assert read_processor_time(tmp_path) is None


@pytest.mark.parametrize(
    ("busy_s", "own_s", "percent"),
    [
        (10.0, 10.0, None),  # all of it this process's own
        (5.5, 5.0, None),  # 5 % of ten seconds
        (5.7, 5.0, 7),
        (10.0, 2.5, 75),
    ],
)
def test_other_work_is_what_this_process_did_not_do(busy_s: float, own_s: float, percent: int | None) -> None:
    before = ProcessorTime(1000.0, 400.0, 3.0)
    after = ProcessorTime(1010.0, 400.0 + busy_s, 3.0 + own_s)
    found = other_work(before, after)
    assert len(found) == (percent is not None)
    assert percent is None or found[0].startswith(
        f"other work took {percent} % of the time of all processors"
    )
    assert other_work(None, after) == other_work(before, None) == other_work(before, before) == ()


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="only Linux tells it")
def test_work_of_this_process_is_in_the_busy_time() -> None:
    before, end = read_processor_time(), time.process_time() + 0.5
    while time.process_time() < end:
        pass
    after = read_processor_time()
    assert before is not None
    assert after is not None
    assert after.own_s - before.own_s >= 0.5 / (os.cpu_count() or 1)
    assert after.busy_s - before.busy_s > 0.8 * (after.own_s - before.own_s)


@pytest.mark.skipif(
    not Path("/proc/stat").exists() or (os.cpu_count() or 1) > 10, reason="5 % of Linux processors at most"
)
def test_another_process_is_other_work() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        before = read_processor_time()
        time.sleep(1.0)
        after = read_processor_time()
        other.kill()
    assert len(other_work(before, after)) == 1


def test_throttling_is_warned_of_with_its_remedy(tmp_path: Path) -> None:
    boards.raspberry_pi_4(tmp_path, throttled=0xD0005, governor="performance")
    now, earlier = read_sensors(tmp_path).disturbances()
    assert re.search(r"slowed down now \(under-voltage, throttled\); use a stronger power supply", now)
    assert re.search(r"since the board was started \(soft temperature limit\); cool the board", earlier)


def test_what_happened_between_two_readings_is_told_once() -> None:
    quiet = Readings(throttled_now=(), throttled_since_boot=("throttled",), overcurrent_events=2)
    assert slowed_between(quiet, quiet) == ()
    hot = replace(quiet, throttled_since_boot=("throttled", "soft temperature limit"), overcurrent_events=7)
    flags, events = slowed_between(quiet, hot)
    assert "(soft temperature limit)" in flags
    assert "5 times" in events
    assert slowed_between(Readings(), Readings()) == ()


# Boards describe themselves


@pytest.mark.parametrize(
    ("board", "name", "cpu", "firmware", "mode"),
    [
        (boards.raspberry_pi_3, "Raspberry Pi 3 Model B Plus Rev 1.3", "Cortex-A53", None, None),
        (boards.raspberry_pi_4, "Raspberry Pi 4 Model B Rev 1.4", "Cortex-A72", None, None),
        (boards.raspberry_pi_5, "Raspberry Pi 5 Model B Rev 1.0", "Cortex-A76", None, None),
        (
            boards.jetson_nano,
            "NVIDIA Jetson Nano Developer Kit",
            "Cortex-A57",
            "Jetson Linux R32.7.1",
            "MAXN",
        ),
        (
            boards.jetson_orin,
            "NVIDIA Jetson Orin Nano Developer Kit",
            "Cortex-A78AE",
            "Jetson Linux R36.4.3",
            "15W",
        ),
    ],
)
def test_boards_describe_themselves(
    board: Board, tmp_path: Path, name: str, cpu: str, firmware: str | None, mode: str | None
) -> None:
    machine = describe_machine(board(tmp_path))
    assert (machine.board, machine.cpu) == (name, cpu)
    assert (machine.firmware, machine.power_mode) == (firmware, mode)
    assert machine.banner.startswith(f"{name}, {cpu}, ")
    assert machine.banner.endswith(f", mode {mode}" if mode else "asimd" if "Pi 5" not in name else "asimddp")

"""Boards that are not here, as trees of the files their sensors are, with the names and values of the real ones.

Each function writes a tree below a folder and returns the folder, which then stands for ``/``. Programs such as
``vcgencmd`` are shell scripts in ``usr/bin``. Only the standard library is used, so that the trees can be put below an
emulated board too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_ARMV8 = "fp asimd evtstrm crc32 cpuid"
_ARMV8_CRYPTO = "fp asimd evtstrm aes pmull sha1 sha2 crc32"
_ARMV82 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
_NO_LOAD = "0.08 0.12 0.10 1/184 2011\n"


def raspberry_pi_3(root: Path, *, throttled: int = 0) -> Path:
    """A Raspberry Pi 3 Model B+: the firmware's driver shows ``get_throttled``, nothing shows power."""
    return _raspberry_pi(
        root,
        model="Raspberry Pi 3 Model B Plus Rev 1.3",
        part="0xd03",
        features=_ARMV8,
        memory_kb=930_000,
        mhz=(600, 1400),
        millidegrees=51_540,
        firmware="sys/devices/platform/soc/soc:firmware",
        throttled=throttled,
    )


def raspberry_pi_4(root: Path, *, throttled: int = 0, governor: str = "ondemand") -> Path:
    """A Raspberry Pi 4 Model B."""
    return _raspberry_pi(
        root,
        model="Raspberry Pi 4 Model B Rev 1.4",
        part="0xd08",
        features=_ARMV8,
        memory_kb=3_885_396,
        mhz=(600, 1800),
        millidegrees=48_312,
        firmware="sys/devices/platform/soc/soc:firmware",
        throttled=throttled,
        governor=governor,
    )


def raspberry_pi_5(root: Path, *, throttled: int = 0) -> Path:
    """A Raspberry Pi 5, whose power management chip tells voltage and current of its rails."""
    _raspberry_pi(
        root,
        model="Raspberry Pi 5 Model B Rev 1.0",
        part="0xd0b",
        features=_ARMV82,
        memory_kb=8_245_840,
        mhz=(1500, 2400),
        millidegrees=54_850,
        firmware="sys/devices/platform/soc@107c000000/soc@107c000000:firmware",
        throttled=throttled,
        pmic=PI_5_PMIC,
    )
    _write(
        root,
        {
            "sys/class/hwmon/hwmon3/name": "pwmfan\n",
            "sys/class/hwmon/hwmon3/fan1_input": "2876\n",
        },
    )
    return root


PI_5_PMIC = """\
 3V7_WL_SW_A current(0)=0.06635200A
   3V3_SYS_A current(1)=0.06341600A
   1V8_SYS_A current(2)=0.16882000A
  DDR_VDD2_A current(3)=0.02537360A
  DDR_VDDQ_A current(4)=0.00000000A
   1V1_SYS_A current(5)=0.18248800A
    0V8_SW_A current(6)=0.33284240A
  VDD_CORE_A current(7)=1.38480000A
   3V3_DAC_A current(17)=0.00006105A
   3V3_ADC_A current(18)=0.00048840A
   0V8_AON_A current(16)=0.00585900A
      HDMI_A current(22)=0.02539680A
 3V7_WL_SW_V volt(8)=3.69730000V
   3V3_SYS_V volt(9)=3.30785100V
   1V8_SYS_V volt(10)=1.80219000V
  DDR_VDD2_V volt(11)=1.10401800V
  DDR_VDDQ_V volt(12)=0.60366500V
   1V1_SYS_V volt(13)=1.10511600V
    0V8_SW_V volt(14)=0.80311200V
  VDD_CORE_V volt(15)=0.89241300V
   3V3_DAC_V volt(20)=3.30937600V
   3V3_ADC_V volt(21)=3.30723900V
   0V8_AON_V volt(19)=0.80036600V
      HDMI_V volt(23)=5.13296000V
     EXT5V_V volt(24)=5.13832000V
      BATT_V volt(25)=0.00000000V
"""
"""``vcgencmd pmic_read_adc`` of a Pi 5 with one core busy: 12 rails with both figures, 2.64 W."""


def jetson_nano(root: Path) -> Path:
    """A Jetson Nano with JetPack 4.6: the INA3221 below iio, thermal zones under NVIDIA's own names."""
    rail = "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0"
    files = {
        "proc/cpuinfo": _arm_cpuinfo(4, "0xd07", _ARMV8_CRYPTO),
        "proc/device-tree/model": "NVIDIA Jetson Nano Developer Kit\0",
        "proc/meminfo": "MemTotal:        4059252 kB\nMemFree:         1864436 kB\n",
        "proc/loadavg": _NO_LOAD,
        "etc/nv_tegra_release": "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref, EABI: aarch64, "
        "DATE: Sat Feb 19 17:05:08 UTC 2022\n",
        f"{rail}/name": "ina3221x\n",
    }
    for channel, (name, milliwatts, millivolts, milliamperes) in enumerate(
        (("POM_5V_IN", 2533, 5008, 506), ("POM_5V_GPU", 41, 5008, 8), ("POM_5V_CPU", 737, 5000, 147))
    ):
        files |= {
            f"{rail}/rail_name_{channel}": f"{name}\n",
            f"{rail}/in_power{channel}_input": f"{milliwatts}\n",
            f"{rail}/in_voltage{channel}_input": f"{millivolts}\n",
            f"{rail}/in_current{channel}_input": f"{milliamperes}\n",
        }
    files |= _zones(
        ("AO-therm", 43000),
        ("CPU-therm", 38500),
        ("GPU-therm", 36500),
        ("PLL-therm", 36000),
        ("PMIC-Die", 100000),
        ("thermal-fan-est", 37500),
    )
    files |= _cpufreq(4, "schedutil", 1_479_000, 1_479_000)
    files["sys/class/thermal/cooling_device0/type"] = "cpu-balanced\n"
    files["sys/class/thermal/cooling_device0/cur_state"] = "0\n"
    _write(root, files)
    _script(root, "nvpmodel", {"-q": "NV Fan Mode:quiet\nNV Power Mode: MAXN\n0\n"}, "usr/sbin")
    return root


def jetson_orin(root: Path, *, jetpack: int = 6, overcurrent_events: int = 0) -> Path:
    """A Jetson Orin Nano with JetPack 5 or 6: the INA3221 below hwmon, one zone that cannot be read."""
    rail = "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon1"
    release = {
        5: "# R35 (release), REVISION: 4.1, GCID: 33958178",
        6: "# R36 (release), REVISION: 4.3, GCID: 38968081",
    }
    boards = {5: "t186ref", 6: "generic"}
    files = {
        "proc/cpuinfo": _arm_cpuinfo(6, "0xd42", _ARMV82 + " flagm paca pacg"),
        "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
        "proc/meminfo": "MemTotal:        7802104 kB\nMemFree:         3120044 kB\n",
        "proc/loadavg": _NO_LOAD,
        "etc/nv_tegra_release": f"{release[jetpack]}, BOARD: {boards[jetpack]}, EABI: aarch64, "
        "DATE: Wed Jan  8 01:49:37 UTC 2025\n# KERNEL_VARIANT: oot\n",
        f"{rail}/name": "ina3221\n",
        f"{rail}/in7_label": "sum of shunt voltages\n",
        f"{rail}/in7_input": "5360\n",
        f"{rail}/curr4_input": "1072\n",
        "sys/class/hwmon/hwmon2/name": "soctherm_oc\n",
        "sys/class/hwmon/hwmon2/oc1_event_cnt": "0\n",
        "sys/class/hwmon/hwmon2/oc2_event_cnt": "0\n",
        "sys/class/hwmon/hwmon2/oc3_event_cnt": f"{overcurrent_events}\n",
    }
    for channel, (name, millivolts, milliamperes) in enumerate(
        (("VDD_IN", 4984, 1072), ("VDD_CPU_GPU_CV", 4976, 208), ("VDD_SOC", 4976, 296)), start=1
    ):
        files |= {
            f"{rail}/in{channel}_label": f"{name}\n",
            f"{rail}/in{channel}_input": f"{millivolts}\n",
            f"{rail}/curr{channel}_input": f"{milliamperes}\n",
        }
    files |= _zones(
        ("cpu-thermal", 50_406),
        ("gpu-thermal", 49_468),
        ("cv0-thermal", None),
        ("soc0-thermal", 48_875),
        ("tj-thermal", 50_406),
    )
    files |= _cpufreq(6, "schedutil", 1_510_400, 729_600)
    files["sys/class/thermal/cooling_device0/type"] = "cpufreq-cpu0\n"
    files["sys/class/thermal/cooling_device0/cur_state"] = "0\n"
    _write(root, files)
    _script(root, "nvpmodel", {"-q": "NV Power Mode: 15W\n0\n"}, "usr/sbin")
    return root


def _raspberry_pi(
    root: Path,
    *,
    model: str,
    part: str,
    features: str,
    memory_kb: int,
    mhz: tuple[int, int],
    millidegrees: int,
    firmware: str,
    throttled: int,
    governor: str = "ondemand",
    pmic: str | None = None,
) -> Path:
    lowest, highest = mhz
    cpuinfo = (
        _arm_cpuinfo(4, part, features)
        + f"Revision\t: d03114\nSerial\t\t: 10000000abcdef01\nModel\t\t: {model}\n"
    )
    files = {
        "proc/cpuinfo": cpuinfo,
        "proc/device-tree/model": f"{model}\0",
        "proc/meminfo": f"MemTotal:        {memory_kb} kB\nMemFree:         {memory_kb // 2} kB\n",
        "proc/loadavg": _NO_LOAD,
        f"{firmware}/get_throttled": f"{throttled:x}\n",
        "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
        "sys/class/hwmon/hwmon0/temp1_input": f"{millidegrees}\n",
        "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
        "sys/class/hwmon/hwmon1/in0_lcrit_alarm": f"{throttled & 1}\n",
    }
    files |= _zones(("cpu-thermal", millidegrees))
    files |= _cpufreq(4, governor, highest * 1000, highest * 1000, lowest * 1000)
    _write(root, files)
    answers = {
        "get_throttled": f"throttled=0x{throttled:x}\n",
        "measure_temp": f"temp={millidegrees / 1000:.1f}'C\n",
        "measure_clock arm": f"frequency(48)={highest * 1_000_000 + 398_464}\n",
    }
    if pmic is not None:
        answers["pmic_read_adc"] = pmic
    _script(root, "vcgencmd", answers)
    return root


def _arm_cpuinfo(cores: int, part: str, features: str) -> str:
    core = (
        "BogoMIPS\t: 108.00\nFeatures\t: {features}\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
        "CPU variant\t: 0x0\nCPU part\t: {part}\nCPU revision\t: 3\n\n"
    )
    return "".join(f"processor\t: {n}\n{core.format(features=features, part=part)}" for n in range(cores))


def _zones(*zones: tuple[str, int | None]) -> dict[str, str]:
    files = {}
    for place, (name, millidegrees) in enumerate(zones):
        files[f"sys/class/thermal/thermal_zone{place}/type"] = f"{name}\n"
        if millidegrees is not None:  # a zone that is switched off answers with an error
            files[f"sys/class/thermal/thermal_zone{place}/temp"] = f"{millidegrees}\n"
    return files


def _cpufreq(cores: int, governor: str, highest: int, now: int, lowest: int = 102_000) -> dict[str, str]:
    """Clocks in kHz."""
    files = {}
    for core in range(cores):
        folder = f"sys/devices/system/cpu/cpu{core}/cpufreq"
        files |= {
            f"{folder}/scaling_governor": f"{governor}\n",
            f"{folder}/scaling_cur_freq": f"{now}\n",
            f"{folder}/cpuinfo_min_freq": f"{lowest}\n",
            f"{folder}/cpuinfo_max_freq": f"{highest}\n",
            f"{folder}/scaling_max_freq": f"{highest}\n",
        }
    return files


def _write(root: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def _script(root: Path, name: str, answers: Mapping[str, str], folder: str = "usr/bin") -> None:
    """A program that gives these answers, and for all else an error as vcgencmd does."""
    cases = "".join(f"'{call}') cat <<'END'\n{answer}END\n;;\n" for call, answer in answers.items())
    text = f'#!/bin/sh\ncase "$*" in\n{cases}*) echo "error=1 error_msg=Command not registered"; exit 255 ;;\nesac\n'
    _write(root, {f"{folder}/{name}": text})
    (root / folder / name).chmod(0o755)

"""The roofline: products counted by hand, peaks of the boards, shares of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import boards
import numpy as np
import pytest

from cspine_edge.classifier import Classifier
from cspine_edge.contract import KernelFamily
from cspine_edge.latency import latency_of
from cspine_edge.machine import describe_machine
from cspine_edge.model_file import ModelFile
from cspine_edge.roofline import Work, peak_of, physical_cores, roofline, work_of
from cspine_edge.runtime import Session
from cspine_edge.sensors import read_sensors

MOBILENET_MACS = 568_740_352
"""Of MobileNet 1.0/224 without its head (Howard et al. 2017 give 569 million with one of 1,000 classes)."""


def session_of(path: Path) -> Session:
    session = Classifier(path, threads=1, family=KernelFamily.REFERENCE).session
    assert isinstance(session, Session)
    return session


def test_products_of_a_mobilenet(int8_model: Path) -> None:
    """Layer by layer from the architecture: 3 x 3 x 3 to 32 channels, then 13 pairs of depthwise and 1 x 1."""
    macs, side, channels = 112 * 112 * 32 * 27, 112, 32
    for outputs, stride in (
        ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2))
        + ((512, 1),) * 5
        + (
            (1024, 2),
            (1024, 1),
        )
    ):
        side //= stride
        macs += side * side * channels * 9 + side * side * channels * outputs
        channels = outputs
    assert macs == pytest.approx(MOBILENET_MACS, rel=0.01)
    work = work_of(session_of(int8_model))
    assert macs < work.macs <= macs * 1.01  # the heads are small
    assert work.int8_macs == work.macs


def test_the_workstation_counts_the_same(int8_model: Path) -> None:
    mixed = pytest.importorskip("converters.mixed")
    operations = mixed.operations(ModelFile.read(int8_model).graph)
    assert work_of(session_of(int8_model)).macs == sum(entry.multiply_accumulates for entry in operations)


@pytest.mark.workstation
def test_a_float_network_has_products_and_no_int8_roofline(float_model: Path, tmp_path: Path) -> None:
    work = work_of(session_of(float_model))
    assert work.macs > 1e6
    assert work.int8_macs == 0
    board = boards.raspberry_pi_4(tmp_path)
    latency = latency_of(1, np.full(100, 10_000_000, np.int64))
    assert roofline(work, describe_machine(board), read_sensors(board), [latency]) is None


@pytest.mark.parametrize(
    ("board", "instruction", "gmacs_per_core"),
    [
        (boards.raspberry_pi_3, "SMLAL", 8 * 1.4),
        (boards.raspberry_pi_4, "SMLAL", 8 * 1.8),
        (boards.raspberry_pi_5, "SDOT", 32 * 2.4),
        (boards.jetson_nano, "SMLAL", 8 * 1.479),
        (boards.jetson_orin, "SDOT", 32 * 1.5104),
    ],
)
def test_shares_of_the_peak_of_a_board(
    board: Callable[[Path], Path], instruction: str, gmacs_per_core: float, tmp_path: Path
) -> None:
    board(tmp_path)
    machine = replace(describe_machine(tmp_path), processors=4)
    latencies = [latency_of(count, np.full(50, 100_000_000, np.int64)) for count in (1, 4, 8)]
    found = roofline(Work(10**9, 10**9), machine, read_sensors(tmp_path), latencies)
    assert found is not None
    assert found.instruction == instruction
    assert [rate.gmacs_per_s for rate in found.rates] == pytest.approx([10.0] * 3)
    # Eight threads run on four cores.
    assert [rate.share for rate in found.rates] == pytest.approx(
        [10 / (cores * gmacs_per_core) for cores in (1, 4, 4)]
    )


def test_without_a_clock_or_a_known_core_there_is_a_rate_and_no_share(tmp_path: Path) -> None:
    latency = latency_of(1, np.full(50, 1_000_000, np.int64))
    work = Work(10**6, 10**6)
    machine = replace(describe_machine(tmp_path), simd=("avx2", "avx_vnni", "avx512_vnni"), cpu="Some x86")
    assert peak_of(machine) == ("VPDPBUSD, 512 bits", 128)
    assert peak_of(replace(machine, simd=("avx2",))) == ("VPMADDWD, 256 bits", 32)
    no_clock = roofline(work, machine, read_sensors(tmp_path), [latency])
    assert no_clock is not None
    assert (no_clock.clock_mhz, no_clock.rates[0].share, no_clock.rates[0].gmacs_per_s) == (None, None, 1.0)
    mixed = replace(machine, simd=("asimd",), cpu="Cortex-A55 + Cortex-A76")
    board = read_sensors(boards.raspberry_pi_5(tmp_path))
    unknown = roofline(work, mixed, board, [latency])
    assert unknown is not None
    assert (unknown.instruction, unknown.rates[0].share) == (None, None)


def topology(root: Path, name: str, *siblings: str) -> Path:
    for number, text in enumerate(siblings):
        folder = root / f"sys/devices/system/cpu/cpu{number}/topology"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{text}\n")
    return root


@pytest.mark.parametrize("name", ["core_cpus_list", "thread_siblings_list"])
def test_processors_of_one_core_are_one_core(tmp_path: Path, name: str) -> None:
    """Two cores of two threads each: four threads have two cores' peak."""
    root = topology(boards.raspberry_pi_5(tmp_path), name, "0,2", "1,3", "0,2", "1,3")
    assert physical_cores(root) == 2
    machine, readings = replace(describe_machine(root), processors=4), read_sensors(root)
    latencies = [latency_of(count, np.full(50, 100_000_000, np.int64)) for count in (1, 2, 4)]
    work = Work(10**9, 10**9)
    for cores, counted in ((2, (1, 2, 2)), (4, (1, 2, 4)), (None, (1, 2, 4)), (64, (1, 2, 4))):
        found = roofline(work, machine, readings, latencies, cores)
        assert found is not None
        shares = [10 / (count * 32 * 2.4) for count in counted]
        assert [rate.share for rate in found.rates] == pytest.approx(shares)


def test_cores_that_are_not_told_are_none(tmp_path: Path) -> None:
    assert physical_cores(tmp_path) is None
    assert physical_cores(boards.jetson_nano(tmp_path)) is None
    assert physical_cores(topology(tmp_path, "core_cpus_list", "", "")) is None
    assert physical_cores(topology(tmp_path, "core_cpus_list", "0", "1", "2", "3")) == 4

"""The bench: percentiles as defined, a fair sweep, stages that add up, sensors of boards that have some."""

from __future__ import annotations

import gc
import hashlib
import io
import json
import subprocess
import sys
import time
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from cspine_edge import bench as bench_module
from cspine_edge import cold_start
from cspine_edge.bench import bench, latency_of, percentile
from cspine_edge.bench_report import SCHEMA, STAGES, VERSION, BenchReport
from cspine_edge.classifier import Classifier
from cspine_edge.cli import main
from cspine_edge.contract import KernelFamily, ModelFile
from cspine_edge.documents import decode
from cspine_edge.errors import ContractError, OutputError, SliceError, UsageError
from cspine_edge.machine import Readings, ThermalZone, describe_machine, peak_memory_mib, read_sensors

BANNERS: list[str] = []


@pytest.fixture(scope="module")
def report(int8_model: Path) -> BenchReport:
    """One bench of two thread counts on the synthetic slices."""
    BANNERS.clear()
    return bench(
        int8_model, threads=(2, 1), duration_s=0.1, min_runs=30, warmup=2, seed=3, on_start=BANNERS.append
    )


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A grey JPEG of 300 x 200 pixels."""
    path = tmp_path / "slice.jpg"
    Image.fromarray(np.arange(60000, dtype=np.uint32).reshape(200, 300).astype(np.uint8)).save(path)
    return path


# Percentiles


def test_a_percentile_is_the_smallest_time_that_so_many_runs_did_not_exceed() -> None:
    hundred = np.random.default_rng(0).permutation(np.arange(1, 101))
    assert [percentile(hundred, q) for q in (50, 90, 95, 99, 100)] == [50, 90, 95, 99, 100]
    four = np.array([40, 10, 30, 20])
    assert [percentile(four, q) for q in (25, 26, 50, 51, 90, 99)] == [10, 20, 20, 30, 40, 40]
    assert percentile(np.array([7]), 50) == 7


def test_latency_is_in_milliseconds() -> None:
    latency = latency_of(3, np.arange(1, 101)[::-1] * 1_000_000 + 500_000)
    assert (latency.threads, latency.runs) == (3, 100)
    assert (latency.min_ms, latency.mean_ms, latency.max_ms) == (1.5, 51.0, 100.5)
    assert (latency.p50_ms, latency.p90_ms, latency.p95_ms, latency.p99_ms) == (50.5, 90.5, 95.5, 99.5)


# The report


def test_every_thread_count_is_measured_long_and_often_enough(report: BenchReport) -> None:
    assert [latency.threads for latency in report.latencies] == [1, 2]
    for row in report.latencies:
        assert row.runs >= 30
        assert row.runs * row.mean_ms >= 100
        ascending = [row.min_ms, row.p50_ms, row.p90_ms, row.p95_ms, row.p99_ms, row.max_ms]
        assert ascending == sorted(ascending)
        assert 0 < row.min_ms <= row.mean_ms <= row.max_ms


def test_stages_add_up_for_each_format(report: BenchReport) -> None:
    assert [(entry.image_format, entry.height, entry.width) for entry in report.stages] == [
        ("DICOM", 512, 512),
        ("PNG", 512, 512),
    ]
    for entry in report.stages:
        stages = [getattr(entry, stage) for stage in STAGES]
        assert sum(stage.mean_ms for stage in stages) == pytest.approx(entry.total.mean_ms)
        assert all(0 < stage.p50_ms <= stage.p90_ms for stage in stages)
        assert entry.total.p50_ms > max(stage.p50_ms for stage in stages)
        assert entry.threads == 2
        assert entry.runs >= 10


def test_cold_start_is_the_sum_of_its_parts(report: BenchReport) -> None:
    cold = report.cold_start
    assert cold is not None
    parts = (cold.start_ms, cold.import_ms, cold.load_ms, cold.first_slice_ms)
    assert min(parts) > 0
    assert sum(parts) == pytest.approx(cold.total_ms)
    assert (cold.repetitions, cold.image_format, cold.threads) == (3, "DICOM", 2)


def test_the_report_names_model_and_conditions(report: BenchReport, int8_model: Path) -> None:
    content = int8_model.read_bytes()
    assert report.model.file == int8_model.name
    assert report.model.size_bytes == len(content)
    assert report.model.sha256 == hashlib.sha256(content).hexdigest()
    contract = ModelFile.read(int8_model).contract
    assert contract is not None
    assert contract.provenance is not None
    assert (report.model.backbone, report.model.precision) == (
        contract.provenance.backbone,
        contract.provenance.precision,
    )
    assert report.conditions.threads == (2, 1)
    assert report.conditions.synthetic
    assert report.memory.predict_mib is not None
    assert report.memory.predict_mib > 10


def test_the_banner_is_one_line_and_comes_once(report: BenchReport) -> None:
    (banner,) = BANNERS
    conditions, machine = report.conditions, report.machine
    assert "\n" not in banner
    for part in (
        conditions.runtime.value,
        conditions.runtime_version,
        conditions.family.value,
        "1/2 threads",
    ):
        assert part in banner
    assert banner.endswith(machine.banner)


def test_json_gives_the_same_report_back(report: BenchReport, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    report.save(path)
    document = json.loads(path.read_text())
    assert (document["schema"], document["version"]) == (SCHEMA, VERSION)
    assert decode(BenchReport, document) == report
    with pytest.raises(OutputError):
        report.save(path)


def test_every_field_of_the_json_is_documented() -> None:
    for kind in dataclasses_in(BenchReport, set()):
        documented = (kind.__doc__ or "").partition("Attributes\n")[2].replace(",", " ").split()
        assert not [field.name for field in fields(kind) if field.name not in documented], kind


def dataclasses_in(kind: Any, found: set[Any]) -> set[Any]:
    """A dataclass and all those its fields are made of."""
    if is_dataclass(kind):
        found.add(kind)
        for hint in get_type_hints(kind).values():
            dataclasses_in(hint, found)
    for argument in get_args(kind):
        dataclasses_in(argument, found)
    return found


def test_the_report_prints_all_its_parts(report: BenchReport) -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(report)
    text = console.export_text()
    for part in ("p99", "preprocess", "DICOM 512 x 512", "cold start", "peak memory", "Research use only"):
        assert part in text


# Measuring


def test_blocks_alternate_in_an_order_that_the_seed_decides(
    int8_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks: list[int] = []

    def block(classifier: Classifier, runs: int) -> Any:
        blocks.append(classifier.session.threads)
        return np.full(5, 1_000_000, np.int64)

    monkeypatch.setattr(bench_module, "_timed_block", block)
    classifiers = {count: Classifier(int8_model, threads=count) for count in (1, 2, 3)}

    def order(seed: int) -> list[int]:
        blocks.clear()
        bench_module.sweep(classifiers, 0.0, 60, 1, np.random.default_rng(seed), lambda *_: None)
        return list(blocks)

    first = order(1)
    rounds = [tuple(first[i : i + 3]) for i in range(0, len(first), 3)]
    assert len(rounds) == 12
    assert all(sorted(counts) == [1, 2, 3] for counts in rounds)
    assert len(set(rounds)) > 2
    assert order(1) == first
    assert order(2) != first


def test_garbage_collection_rests_while_a_block_is_timed(
    int8_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier, seen = Classifier(int8_model, threads=1), set()
    monkeypatch.setattr(classifier.session, "invoke", lambda: seen.add(gc.isenabled()))
    assert len(bench_module._timed_block(classifier, 5)) == 5
    assert seen == {False}
    assert gc.isenabled()


def test_given_images_and_kernels_are_used(int8_model: Path, picture: Path) -> None:
    found = bench(
        int8_model,
        threads=(1,),
        duration_s=0.0,
        min_runs=3,
        warmup=1,
        images=[picture],
        family=KernelFamily.BUILTIN,
        cold_starts=1,
    )
    (entry,) = found.stages
    assert (entry.image_format, entry.files, entry.height, entry.width) == ("JPEG", 1, 200, 300)
    assert not found.conditions.synthetic
    assert found.conditions.family is KernelFamily.BUILTIN
    assert found.cold_start is not None
    assert found.cold_start.image_format == "JPEG"


def test_without_new_processes_the_rest_is_reported(
    int8_model: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(picture.parent / "no-python"))
    found = bench(int8_model, threads=(1,), duration_s=0.0, min_runs=3, warmup=0, images=[picture])
    assert found.cold_start is None
    assert found.memory.predict_mib is None
    assert any("cold start" in warning and "no-python" in warning for warning in found.warnings)
    assert decode(BenchReport, found.to_json()) == found


def test_cold_start_is_the_repetition_with_the_median_total(
    int8_model: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    totals = iter((3000, 1000, 2000))

    def child(argument: str) -> tuple[list[int], float]:
        begin, total = time.monotonic_ns(), next(totals)
        return [begin + total * 10**6 * part // 4 for part in (1, 2, 3, 4)], float(total)

    monkeypatch.setattr(cold_start, "_run_child", child)
    cold, peak_mib = cold_start.measure_cold_start(
        Classifier(int8_model, threads=1),
        picture,
        "JPEG",
        family=None,
        window=None,
        repetitions=3,
        step=lambda *_: None,
    )
    assert peak_mib == 2000
    assert (cold.import_ms, cold.load_ms, cold.first_slice_ms) == (500, 500, 500)
    assert cold.total_ms == pytest.approx(500 + 500 + 500 + cold.start_ms)


@pytest.mark.parametrize(
    "wrong",
    [
        {"threads": ()},
        {"threads": (0,)},
        {"threads": (1, 1)},
        {"duration_s": -1.0},
        {"duration_s": float("nan")},
        {"min_runs": 0},
        {"warmup": -1},
        {"cold_starts": 0},
        {"images": ()},
    ],
)
def test_numbers_out_of_range_are_refused(int8_model: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        bench(int8_model, **({"threads": (1,)} | wrong))


def test_unusable_models_and_images_are_named(int8_model: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(ModelFile.read(int8_model).graph)
    with pytest.raises(ContractError, match=r"bare\.tflite"):
        bench(bare, threads=(1,))
    with pytest.raises(SliceError, match=r"lost\.png"):
        bench(int8_model, threads=(1,), images=[tmp_path / "lost.png"])


# The machine


@pytest.fixture
def raspberry_pi(tmp_path: Path) -> Path:
    """The files of a Raspberry Pi 4 that are read, its second thermal zone switched off."""
    core = (
        "BogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32 cpuid\n"
        "CPU implementer\t: 0x41\nCPU part\t: 0xd08\n\n"
    )
    files = {
        "proc/cpuinfo": core * 4 + "Revision\t: d03114\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n",
        "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
        "proc/meminfo": "MemTotal:        3885396 kB\nMemFree:         3000000 kB\n",
        "proc/loadavg": "4.25 1.00 0.50 1/200 4242\n",
        "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
        "sys/class/thermal/thermal_zone0/temp": "48312\n",
        "sys/class/thermal/thermal_zone1/type": "off-thermal\n",
        "sys/class/thermal/thermal_zone10/temp": "-1500\n",
        "sys/devices/system/cpu/cpufreq/policy0/scaling_governor": "ondemand\n",
    }
    for cpu in range(4):
        folder = f"sys/devices/system/cpu/cpu{cpu}/cpufreq"
        files |= {
            f"{folder}/scaling_governor": "ondemand\n",
            f"{folder}/scaling_cur_freq": f"{600 + cpu}000\n",
        }
        files[f"{folder}/cpuinfo_max_freq"] = "1800000\n"
    for name, content in files.items():
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path / "root"


def test_a_raspberry_pi_is_described(raspberry_pi: Path) -> None:
    machine = describe_machine(raspberry_pi)
    assert (machine.board, machine.cpu) == ("Raspberry Pi 4 Model B Rev 1.4", "Cortex-A72")
    assert machine.simd == ("asimd",)
    assert machine.memory_mib == 3794
    assert machine.banner.startswith("Raspberry Pi 4 Model B Rev 1.4, Cortex-A72, ")
    assert machine.banner.endswith(", asimd")
    (raspberry_pi / "proc/device-tree/model").unlink()
    assert describe_machine(raspberry_pi).board == machine.board


def test_its_sensors_are_read(raspberry_pi: Path) -> None:
    assert read_sensors(raspberry_pi) == Readings(
        load_average=4.25,
        governors=("ondemand",),
        frequencies_mhz=(600.0, 601.0, 602.0, 603.0),
        max_frequencies_mhz=(1800.0,) * 4,
        temperatures=(ThermalZone("cpu-thermal", 48.312), ThermalZone("thermal_zone10", -1.5)),
    )


def test_what_a_machine_does_not_show_is_none(tmp_path: Path) -> None:
    assert read_sensors(tmp_path) == Readings(None, None, None, None, None)
    machine = describe_machine(tmp_path)
    assert (machine.board, machine.cpu, machine.memory_mib, machine.simd) == (None, None, None, ())
    assert machine.processors >= 1
    assert read_sensors(tmp_path).disturbances(1) == ()


def test_kinds_of_cores_are_named_once_and_unknown_ones_by_number(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    parts = ("0xd05", "0xd05", "0xd0b", "0xfff")
    text = "".join(f"CPU implementer\t: 0x41\nCPU part\t: {part}\n\n" for part in parts)
    (tmp_path / "proc/cpuinfo").write_text(text)
    assert describe_machine(tmp_path).cpu == "Cortex-A55 + Cortex-A76 + ARM core 0x41/0xfff"
    (tmp_path / "proc/cpuinfo").write_text(
        "model name\t: Some CPU @ 3 GHz\nflags\t\t: sse avx2 avx512_vnni\n"
    )
    assert describe_machine(tmp_path).cpu == "Some CPU @ 3 GHz"
    assert describe_machine(tmp_path).simd == ("avx2", "avx512_vnni")


def test_a_slow_governor_and_other_work_are_warned_of(raspberry_pi: Path) -> None:
    readings = read_sensors(raspberry_pi)
    governor, load = readings.disturbances(4)
    assert "ondemand" in governor
    assert "4.2" in load
    assert readings.disturbances(5) == (governor,)
    assert Readings(1.0, ("performance",), None, None, None).disturbances(1) == ()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells it")
def test_peak_memory_of_a_child_is_not_that_of_its_parent() -> None:
    ballast = np.ones(40_000_000)  # 305 MiB, all of it touched
    code = "from cspine_edge.machine import peak_memory_mib; print(peak_memory_mib())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = peak_memory_mib()
    assert ours is not None
    assert ours > ballast.nbytes / 2**20
    assert 1 < float(child.stdout) < 200


# The command line


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run ``cspine-edge bench`` in this process; give its exit code."""
    monkeypatch.setattr(sys, "argv", ["cspine-edge", "bench", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_json_stands_alone_on_standard_output(
    int8_model: Path,
    picture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "report.json"
    options = ("--threads", "1,2", "--seconds", 0, "--runs", 4, "--quick", "--images", picture, "--out", out)
    assert run(monkeypatch, int8_model, *options, "--json") == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert decode(BenchReport, document).conditions.threads == (1, 2)
    assert printed.err.count("kernels, 1/2 threads") == 1
    assert json.loads(out.read_text()) == document


def test_table_follows_the_banner(
    int8_model: Path, picture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--threads", "1", "--seconds", 0, "--runs", 4, "--quick", "--images", picture)
    assert run(monkeypatch, int8_model, *options) == 0
    printed = capsys.readouterr()
    assert "kernels, 1 thread |" in printed.out.splitlines()[0]
    assert "p99" in printed.out
    assert "JPEG p50" in printed.out
    assert printed.err == ""


def test_an_existing_report_is_kept(
    int8_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.json"
    out.write_text("mine")
    assert run(monkeypatch, int8_model, "--quick", "--out", out) == 4
    assert out.read_text() == "mine"
    printed = capsys.readouterr()
    assert "report.json" in printed.err
    assert printed.out == ""  # refused before anything was measured


@pytest.mark.parametrize("threads", ["0", "-1", "two", "1,", "65", ""])
def test_nonsense_threads_are_wrong_usage(
    int8_model: Path, threads: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, int8_model, f"--threads={threads}") == 2
    assert "--threads" in capsys.readouterr().err

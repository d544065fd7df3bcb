"""The bench as a whole: what is measured adds up, what disturbs it is said, what was broken off is kept."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boards
import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from cspine_edge.bench import bench
from cspine_edge.bench_report import BenchReport, read_report
from cspine_edge.cli import main
from cspine_edge.cli.bench import parse_duration
from cspine_edge.contract import KernelFamily
from cspine_edge.cooling import Outcome
from cspine_edge.documents import decode
from cspine_edge.errors import ContractError, SliceError, UsageError
from cspine_edge.machine import Machine, describe_machine, peak_memory_mib, resident_memory_mib
from cspine_edge.model_file import ModelFile
from cspine_edge.sensors import ProcessorTime
from cspine_edge.slice_times import STAGES
from cspine_edge.sweep import Rules

BANNERS: list[str] = []
SHORT = Rules(least_s=0.0, least_runs=3, most_s=None, warmup=0)


@pytest.fixture(scope="module")
def report(int8_model: Path) -> BenchReport:
    """One bench of two thread counts on the synthetic slices."""
    BANNERS.clear()
    rules = Rules(least_s=0.1, least_runs=30, most_s=0.4, warmup=2)
    return bench(int8_model, threads=(2, 1), rules=rules, seed=3, log=BANNERS.append)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A grey JPEG of 300 x 200 pixels."""
    path = tmp_path / "slice.jpg"
    Image.fromarray(np.arange(60000, dtype=np.uint32).reshape(200, 300).astype(np.uint8)).save(path)
    return path


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
    cold = report.cold_start
    assert cold is not None
    assert cold.peak_mib is not None
    assert cold.resident_mib is not None
    assert 10 < cold.resident_mib <= cold.peak_mib * 1.01  # the two are read one after the other


def test_the_banner_is_one_line_and_comes_once(report: BenchReport) -> None:
    (banner,) = BANNERS
    conditions, machine = report.conditions, report.machine
    assert "\n" not in banner
    for part in (
        conditions.runtime,
        conditions.runtime_version,
        conditions.family.value,
        "1/2 threads",
    ):
        assert part in banner
    assert banner.endswith(machine.banner)


def test_the_report_prints_all_its_parts(report: BenchReport) -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(report)
    text = console.export_text()
    text = " ".join(text.split())
    for part in ("p99", "preprocess", "DICOM 512 x 512", "cold start", "peak memory", "Research use only"):
        assert part in text
    assert re.search(r"95 % intervals, 2 threads: p50 [\d.]+ to [\d.]+, p90 ", text)
    assert "568 million multiply-accumulates: " in text


# Measuring


def test_given_images_and_kernels_are_used(int8_model: Path, picture: Path) -> None:
    found = bench(
        int8_model,
        threads=(1,),
        rules=SHORT,
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
    found = bench(int8_model, threads=(1,), rules=SHORT, images=[picture])
    assert found.cold_start is None
    assert any("cold start" in warning and "no-python" in warning for warning in found.warnings)
    assert decode(BenchReport, found.to_json()) == found


@pytest.mark.parametrize(
    "wrong",
    [
        {"threads": ()},
        {"threads": (0,)},
        {"threads": (1, 1)},
        {"cold_starts": 0},
        {"seed": -1},
        {"sustained_s": 0.0},
        {"sustained_s": float("inf")},
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


# Memory


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells it")
def test_peak_memory_of_a_child_is_not_that_of_its_parent() -> None:
    ballast = np.ones(40_000_000)  # 305 MiB, all of it touched
    code = "from cspine_edge.machine import peak_memory_mib; print(peak_memory_mib())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = peak_memory_mib()
    assert ours is not None
    assert ours > ballast.nbytes / 2**20
    assert 1 < float(child.stdout) < 200
    before = resident_memory_mib()
    del ballast
    after = resident_memory_mib()
    assert before is not None
    assert after is not None
    assert after < before - 200  # the present one falls, the peak does not
    assert peak_memory_mib() == pytest.approx(ours, abs=50)


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


def test_quick_goes_beside_at_most_and_a_most_below_the_least_is_wrong(
    int8_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, int8_model, "--seconds", 3, "--at-most", 2) == 2
    assert "the most time, 2 s, is below the least, 3 s" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h", 3600), ("1.5h", 5400)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "m", "-5s", "0s", "1d", "1h30m", "9e9h", "nan s", "1" * 400 + "h"]
)
def test_what_is_no_duration_is_wrong_usage(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, f"--sustained={text}") == 2
    assert "such as 90s, 30m or 1h" in capsys.readouterr().err


# Sustained load


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_keeps_what_was_measured(int8_model: Path, picture: Path, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    options = ["--quick", "--threads", "1", "--images", str(picture), "--sustained", "10m", "--out", str(out)]
    # Where this runs in the background, interrupts are ignored and children inherit that.
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from cspine_edge.cli import main; main()"
    )
    call = [sys.executable, "-c", program, "bench", str(int8_model), *options]
    with subprocess.Popen(
        call, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        banner = process.stdout.readline()
        assert process.stdout.readline().startswith("sustained load for 600 s; Ctrl-C ends it and keeps")
        time.sleep(2.5)
        os.kill(process.pid, signal.SIGINT)
        try:
            printed, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")
    assert "kernels, 1 thread |" in banner
    load = read_report(out).sustained
    assert load is not None
    assert load.broken_off
    assert (load.asked_s, load.runs > 10, len(load.samples) >= 2) == (600, True, True)
    assert 1 < load.measured_s < 60
    assert f"the sustained load was broken off after {load.measured_s:.0f} of 600 s" in " ".join(
        printed.split()
    )


def test_a_board_is_described_read_and_warned_of(int8_model: Path, picture: Path, tmp_path: Path) -> None:
    """The whole bench on the files of a Raspberry Pi 5 that was throttled."""
    board = boards.raspberry_pi_5(tmp_path, throttled=0x50000)
    found = bench(
        int8_model, threads=(1,), rules=SHORT, images=[picture], cold_starts=1, sustained_s=1.5, root=board
    )
    assert found.machine.board == "Raspberry Pi 5 Model B Rev 1.0"
    assert found.cooling is not None
    assert (found.cooling.outcome, found.cooling.before_celsius) == (Outcome.COOL, 54.85)
    assert found.roofline is not None
    assert (found.roofline.clock_mhz, found.roofline.instruction) == (2400.0, "SDOT")
    load = found.sustained
    assert load is not None
    assert load.energy is not None
    assert load.energy.load_watts == pytest.approx(2.63, abs=0.01)
    assert load.energy.mj_per_inference == pytest.approx(
        1e3 * load.energy.load_watts * load.measured_s / load.runs
    )
    assert load.energy.mj_above_idle == pytest.approx(0.0, abs=1e-6)  # this board's power does not change
    assert any("since the board was started (under-voltage, throttled)" in line for line in found.warnings)
    text = io.StringIO()
    Console(width=300, file=text).print(found)
    for part in (
        "the board was cool enough at 55 °C",
        "board power (PMIC, sum of 12 rails",
        "mJ an inference",
    ):
        assert part in text.getvalue()
    assert decode(BenchReport, json.loads(json.dumps(found.to_json()))) == found


def test_the_share_of_the_peak_is_of_cores_not_of_their_threads(
    int8_model: Path, picture: Path, tmp_path: Path
) -> None:
    board = boards.raspberry_pi_5(tmp_path)
    for number in range(4):
        folder = board / f"sys/devices/system/cpu/cpu{number}/topology"
        folder.mkdir()
        (folder / "core_cpus_list").write_text("0-3\n")
    limits = bench(
        int8_model, threads=(2,), rules=SHORT, images=[picture], cold_starts=1, root=board
    ).roofline
    assert limits is not None
    assert limits.rates[0].share == pytest.approx(limits.rates[0].gmacs_per_s / (32 * 2.4))


def test_other_work_during_the_sweep_is_warned_of(
    int8_model: Path, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A board whose processors did 10 s of which this process had next to nothing."""
    times = iter([ProcessorTime(100.0, 50.0, 0.0), ProcessorTime(110.0, 60.0, 1.0)])
    monkeypatch.setattr("cspine_edge.bench.read_processor_time", lambda _: next(times))
    found = bench(
        int8_model,
        threads=(1,),
        rules=SHORT,
        images=[picture],
        cold_starts=1,
        cool_first=False,
        root=tmp_path,
    )
    (warning,) = found.warnings
    assert warning.startswith("other work took 90 %")


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


def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    int8_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert run(monkeypatch, int8_model, "--quick", "--out", tmp_path / "file" / "report.json") == 4
    printed = capsys.readouterr()
    assert "report.json: cannot be written (Not a directory)" in printed.err
    assert printed.out == ""  # not even the banner


def test_a_report_that_cannot_be_saved_at_the_end_is_shown(
    int8_model: Path,
    picture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "report.json"

    def take_the_name(root: Path) -> Machine:
        """Write there while the bench measures, as another program may."""
        out.write_text("other")
        return describe_machine(root)

    monkeypatch.setattr("cspine_edge.bench.describe_machine", take_the_name)
    options = ("--threads", "1", "--seconds", 0, "--runs", 4, "--quick", "--images", picture)
    assert run(monkeypatch, int8_model, *options, "--out", out) == 4
    printed = capsys.readouterr()
    assert "JPEG p50" in printed.out
    assert "report.json: exists already" in printed.err
    assert out.read_text() == "other"


@pytest.mark.parametrize("threads", ["0", "-1", "two", "1,", "65", ""])
def test_nonsense_threads_are_wrong_usage(
    int8_model: Path, threads: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, int8_model, f"--threads={threads}") == 2
    assert "--threads" in capsys.readouterr().err

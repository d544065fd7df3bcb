"""Comparing benches: ratios that are known, intervals that hold them, unlike conditions refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.bench_compare import Condition, compare
from cspine_edge.bench_report import BenchReport, read_report
from cspine_edge.contract import KernelFamily
from cspine_edge.errors import UsageError
from cspine_edge.latency import Blocks, latency_of

Cli = Callable[..., Any]


@pytest.fixture(scope="module")
def base(root: Path, tmp_path_factory: pytest.TempPathFactory) -> BenchReport:
    """The example of docs/bench.md."""
    text = (root / "docs/bench.md").read_text(encoding="utf-8")
    path = tmp_path_factory.mktemp("base") / "base.json"
    path.write_text(text.partition("<!-- example -->\n```json\n")[2].partition("```")[0])
    return read_report(path)


def with_times(report: BenchReport, blocks_ms: Sequence[Sequence[float]], threads: int = 1) -> BenchReport:
    """The report with other times of one thread count."""
    blocks = [(np.array(block) * 1e6).astype(np.int64) for block in blocks_ms]
    latency = latency_of(threads, np.concatenate(blocks))
    return replace(report, latencies=(latency,), blocks=(Blocks.of(threads, blocks),))


def test_ratios_of_the_medians_and_of_p90(base: BenchReport) -> None:
    times = [[float(value) for value in range(1, 101)]] * 12
    a, b = with_times(base, times), with_times(base, [[3 * value for value in block] for block in times])
    found = compare(a, b)
    assert [(row.threads, row.percent) for row in found.ratios] == [(1, 50), (1, 90)]
    assert [(row.a_ms, row.b_ms, row.ratio) for row in found.ratios] == [(50, 150, 3), (90, 270, 3)]
    # All blocks are alike, so that no resample differs.
    assert [row.interval for row in found.ratios] == [(3, 3), (3, 3)]
    assert found.differences == ()


def test_percentiles_are_those_of_the_reports(base: BenchReport) -> None:
    generator = np.random.default_rng(0)
    reports = [with_times(base, generator.gamma(5, size=(20, 37)).tolist()) for _ in range(2)]
    for row in compare(*reports).ratios:
        for report, ms in zip(reports, (row.a_ms, row.b_ms), strict=True):
            assert ms == pytest.approx(getattr(report.latencies[0], f"p{row.percent}_ms"), abs=1e-4)


def drifting(generator: np.random.Generator, blocks: int, runs: int) -> list[list[float]]:
    """Blocks whose level varies by ten percent from one to the next, their runs by one percent."""
    levels = 10 * np.exp(0.1 * generator.standard_normal(blocks))
    return (levels[:, None] * np.exp(0.01 * generator.standard_normal((blocks, runs)))).tolist()


def test_intervals_hold_the_truth_although_runs_of_a_block_resemble_one_another(base: BenchReport) -> None:
    """Twice the same machine: 1 lies in the interval as often as stated; run by run it would hardly ever."""
    generator, held, widths = np.random.default_rng(1), 0, []
    repetitions = 60
    for _ in range(repetitions):
        a, b = (with_times(base, drifting(generator, 40, 20)) for _ in range(2))
        interval = compare(a, b).ratios[0].interval
        assert interval is not None
        held += interval[0] <= 1 <= interval[1]
        widths.append(interval[1] - interval[0])
    assert held >= 0.85 * repetitions
    # The median of 40 levels is known to 1.25 * 0.1 / sqrt(40) each, far worse than that of 800 runs would be.
    assert np.mean(widths) == pytest.approx(2 * 1.96 * 2**0.5 * 1.25 * 0.1 / 40**0.5, rel=0.35)


def test_few_blocks_have_no_interval(base: BenchReport) -> None:
    nine, ten = (with_times(base, [[1.0, 2.0]] * count) for count in (9, 10))
    assert [row.interval for row in compare(nine, ten).ratios] == [None, None]
    assert [row.interval for row in compare(ten, ten).ratios] == [(1, 1), (1, 1)]


def test_the_bootstrap_repeats_by_its_seed(base: BenchReport) -> None:
    a, b = (with_times(base, drifting(np.random.default_rng(seed), 12, 5)) for seed in (1, 2))
    assert compare(a, b) == compare(a, b)
    assert compare(a, b, seed=1) != compare(a, b)


# Conditions


def unlike(report: BenchReport) -> dict[Condition, tuple[BenchReport, str]]:
    """For each condition a report in which nothing else differs, and what is said of it."""
    machine, conditions, before = report.machine, report.conditions, report.before
    return {
        Condition.MACHINE: (
            replace(
                report, machine=replace(machine, board="Raspberry Pi 4 Model B Rev 1.4", cpu="Cortex-A72")
            ),
            "machine (Raspberry Pi 5 Model B Rev 1.0, Cortex-A76 / Raspberry Pi 4 Model B Rev 1.4, Cortex-A72)",
        ),
        Condition.MODE: (
            replace(report, machine=replace(machine, power_mode="7W")),
            "mode (not told / 7W)",
        ),
        Condition.CLOCK: (
            replace(report, before=replace(before, governors=("performance",))),
            "clock (ondemand / performance)",
        ),
        Condition.RUNTIME: (
            replace(
                report,
                conditions=replace(conditions, runtime="tflite-runtime", runtime_version="2.14.0"),
            ),
            "runtime (ai-edge-litert, 2.3.0 / tflite-runtime, 2.14.0)",
        ),
        Condition.KERNELS: (
            replace(report, conditions=replace(conditions, family=KernelFamily.BUILTIN)),
            "kernels (xnnpack / builtin)",
        ),
    }


@pytest.mark.parametrize("condition", Condition)
def test_each_unlike_condition_is_refused_by_name_and_can_be_what_is_compared(
    base: BenchReport, condition: Condition
) -> None:
    other, says = unlike(base)[condition]
    with pytest.raises(UsageError) as caught:
        compare(base, other)
    assert says in str(caught.value)
    assert str(caught.value).endswith(f"give --across {condition.value}")
    for wrong in set(Condition) - {condition}:
        with pytest.raises(UsageError, match="not comparable"):
            compare(base, other, across=[wrong])
    (difference,) = compare(base, other, across=[condition]).differences
    assert str(difference) == says


def test_several_differences_are_all_named(base: BenchReport) -> None:
    other, _ = unlike(base)[Condition.RUNTIME]
    other = replace(other, before=replace(other.before, governors=("performance",)))
    with pytest.raises(UsageError, match=r"clock .* runtime .* give --across clock,runtime"):
        compare(base, other)
    with pytest.raises(
        UsageError, match=r"differ in clock \(ondemand / performance\); .* give --across clock,runtime"
    ):
        compare(base, other, across=[Condition.RUNTIME])


def test_models_may_differ_and_what_else_may_matter_is_warned_of(base: BenchReport) -> None:
    other = replace(
        base,
        model=replace(base.model, file="other.tflite", sha256="f" * 64),
        machine=replace(base.machine, system="Linux 5.4", firmware="Jetson Linux R32.7.1"),
        warnings=("a fan was blocked",),
    )
    found = compare(base, other)
    assert found.b.startswith("other.tflite (sha256 ffffffffffff)")
    assert "b: a fan was blocked" in found.warnings
    assert any("the systems differ" in line and "Linux 5.4" in line for line in found.warnings)
    assert any("the board's software differs" in line for line in found.warnings)


def test_without_a_common_thread_count_there_is_nothing_to_compare(base: BenchReport) -> None:
    one, four = with_times(base, [[1.0]] * 10), with_times(base, [[1.0]] * 10, threads=4)
    with pytest.raises(UsageError, match="no thread count in common: 1 / 4"):
        compare(one, four)


# The command line


@pytest.fixture
def files(base: BenchReport, tmp_path: Path) -> tuple[Path, Path]:
    """Two comparable reports, the second of half the times."""
    generator = np.random.default_rng(3)
    times = drifting(generator, 12, 10)
    with_times(base, times).save(tmp_path / "a.json")
    with_times(base, [[value / 2 for value in block] for block in times]).save(tmp_path / "b.json")
    return tmp_path / "a.json", tmp_path / "b.json"


def test_the_verb_prints_a_table_and_json(cli: Cli, files: tuple[Path, Path]) -> None:
    shown = cli("bench", "compare", *files)
    assert (shown.code, shown.err) == (0, "")
    assert "0.500" in shown.out
    assert "bootstrap over blocks" in shown.out
    document = json.loads(cli("bench", "compare", *files, "--json").out)
    assert [row["ratio"] for row in document["ratios"]] == pytest.approx([0.5, 0.5], rel=1e-4)
    assert all(low < 0.5 < high for low, high in (row["interval"] for row in document["ratios"]))


def test_unlike_conditions_end_with_2(cli: Cli, files: tuple[Path, Path]) -> None:
    a, b = files
    document = json.loads(b.read_text())
    document["before"]["governors"] = ["performance"]
    b.write_text(json.dumps(document))
    shown = cli("bench", "compare", a, b)
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.startswith(
        "error: the two benches are not comparable: they differ in clock (ondemand / performance)"
    )
    shown = cli("bench", "compare", a, b, "--across", "clock, runtime")
    assert shown.code == 0
    assert "compared across clock (ondemand / performance)" in shown.out
    shown = cli("bench", "compare", a, b, "--across", "weather")
    assert shown.code == 2
    assert "machine, mode, clock, runtime, kernels" in shown.err


def test_texts_of_a_report_cannot_make_lines(cli: Cli, files: tuple[Path, Path]) -> None:
    hostile = "warm\nwarning: none\x1b[2J[/red]"
    a, b = files
    document = json.loads(b.read_text())
    document["created"] = document["model"]["file"] = document["machine"]["system"] = hostile
    document["machine"]["board"] = hostile
    document["warnings"] = [hostile]
    b.write_text(json.dumps(document))
    for words in (["compare", a, b, "--across", "machine"], ["compare", a, b], ["report", a, b]):
        shown = cli("bench", *words)
        assert shown.code == (0 if len(words) != 3 or words[0] == "report" else 2)
        lines = (shown.out + shown.err).split("\n")
        assert all(line.isprintable() for line in lines)
        assert not [line for line in lines if line.startswith("warning: none")]
        assert "warm\\u000awarning: none\\u001b[2J[/red]" in "".join(line.strip() for line in lines)


def test_a_broken_report_ends_with_4(cli: Cli, files: tuple[Path, Path]) -> None:
    a, b = files
    b.write_bytes(b.read_bytes()[:1000])
    shown = cli("bench", "compare", a, b)
    assert (shown.code, shown.out) == (4, "")
    assert shown.err.startswith(f"error: {b}: ")
    assert cli("bench", "compare", a, a.with_name("lost.json")).code == 4
    assert cli("bench", "compare", a).code == 2


def test_a_model_called_compare_is_reached_by_its_path(
    cli: Cli, int8_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "compare").write_bytes(int8_model.read_bytes())
    monkeypatch.chdir(tmp_path)
    shown = cli("bench", "./compare", "--quick", "--threads", 1, "--json")
    assert shown.code == 0
    assert json.loads(shown.out)["model"]["file"] == "compare"
    assert cli("bench", "compare").code == 2  # two reports are missing

"""Picking a network from the table of measured ones."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cspine_edge.errors import UsageError
from cspine_edge.pareto import Figures, ParetoTable, Row, shipped_table
from cspine_edge.recommend import Cpu, Limits, Speed, recommend, speed_here, speed_of_core
from cspine_edge.shipped import SHIPPED, shipped_model


def row(
    name: str, sensitivity: tuple[float, float], specificity: float, million: float, **others: Any
) -> Row:
    grouped = {
        series: Figures(100, 0.9, rate, specificity, 0.95, 3, "too little evidence")
        for series, rate in zip(("X1", "X2"), sensitivity, strict=True)
    }
    fields = {
        "network": name,
        "precision": "int8",
        "train": f"--backbone {name}",
        "shipped": None,
        "phantom": None,
        "latency_ms": {"1": million / 80, "2": million / 150},
        "size_bytes": int(million * 20_000),
    } | others
    counts = {"cortex-a72": int(million * 1e6), "cortex-a76": int(million * 0.4e6)}
    return Row(name=name, grouped=grouped, instructions=counts, **fields)


ROWS = (
    row("large", (0.99, 0.95), 0.95, 1000),
    row("middle", (0.97, 0.89), 0.93, 170, shipped=shipped_model().name),
    row("lame", (0.80, 0.80), 0.80, 200),
    row("small", (1.0, 0.70), 0.97, 20),
)


@pytest.fixture
def table() -> ParetoTable:
    return ParetoTable("2026-01-01", "0", "a bench", "timed", "counted", ("X1", "X2"), ROWS)


FLAT = Speed(Cpu.A72, "a tenth of the count", lambda row: row.instructions["cortex-a72"] / 1e7)


def test_the_best_is_first_and_without_limits_recommended(table: ParetoTable) -> None:
    found = recommend(table, Limits(), FLAT)
    assert [candidate.row.name for candidate in found.candidates] == ["large", "middle", "small", "lame"]
    assert found.chosen is found.candidates[0]
    assert found.chosen.balanced == pytest.approx((0.97 + 0.95) / 2)
    assert found.chosen.lowest_sensitivity == 0.95


@pytest.mark.parametrize(
    ("limits", "chosen"),
    [
        (Limits(max_ms=100), "large"),
        (Limits(max_ms=99.9), "middle"),
        (Limits(max_ms=17), "middle"),
        (Limits(max_ms=16), "small"),
        (Limits(max_mb=3), "small"),
        (Limits(max_mb=4, min_sensitivity=0.85), "middle"),
        (Limits(max_ms=16, min_sensitivity=0.75), None),
        (Limits(min_sensitivity=0.951), None),
    ],
)
def test_limits(table: ParetoTable, limits: Limits, chosen: str | None) -> None:
    found = recommend(table, limits, FLAT)
    assert (found.chosen.row.name if found.chosen else None) == chosen


def test_each_breach_is_named(table: ParetoTable) -> None:
    found = recommend(table, Limits(max_ms=18, max_mb=3.5, min_sensitivity=0.9), FLAT)
    breaches = {candidate.row.name: candidate.breaches for candidate in found.candidates}
    assert breaches["large"] == ("100.0 ms is over 18", "20.00 MB is over 3.5")
    assert breaches["middle"] == ("sensitivity 89.0 % on X2 is below 90 %",)
    assert breaches["small"] == ("sensitivity 70.0 % on X2 is below 90 %",)


def test_equals_are_told_apart_by_instructions(table: ParetoTable) -> None:
    cheaper = row("cheaper", (0.99, 0.95), 0.95, 999)
    found = recommend(
        ParetoTable("2026", "0", "", "", "", table.series, (*ROWS, cheaper)), Limits(max_ms=100), FLAT
    )
    assert found.chosen is not None
    assert found.chosen.row.name == "cheaper"


@pytest.mark.parametrize(
    "limits",
    [
        {"max_ms": 0.0},
        {"max_ms": float("nan")},
        {"max_mb": -1.0},
        {"max_mb": float("inf")},
        {"min_sensitivity": 1.01},
        {"min_sensitivity": float("nan")},
    ],
)
def test_limits_that_are_none(limits: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="--m"):
        Limits(**limits)


# Times


def test_a_pi_4_takes_the_published_time_for_the_published_network() -> None:
    pi4, pi5 = speed_of_core(Cpu.A72), speed_of_core(Cpu.A76)
    published = row("mobilenet", (1.0, 1.0), 1.0, 174.7)
    assert pi4.ms_of(published) == pytest.approx(27.4)
    # The same instructions per clock: 0.4 times as many, at 2.4 GHz for 1.5.
    assert pi5.ms_of(published) == pytest.approx(27.4 * 0.4 * 1.5 / 2.4, rel=1e-6)
    for speed in (pi4, pi5):
        assert "an estimate" in speed.basis
        assert "published" in speed.basis
    assert "million per ms" in pi4.basis


def test_here_the_shipped_model_is_timed_and_the_others_scaled(table: ParetoTable) -> None:
    speed = speed_here(table, duration_s=0.02)
    known = speed.ms_of(ROWS[1])
    assert 0.05 < known < 5000
    assert f"{known:.2f} ms here" in speed.basis
    assert speed.ms_of(ROWS[0]) == pytest.approx(known * 1000 / 170, rel=1e-6)


def test_here_needs_the_shipped_model_in_the_table(table: ParetoTable) -> None:
    without = ParetoTable("2026", "0", "", "", "", table.series, ROWS[:1])
    with pytest.raises(UsageError, match="is not in the table; give --cpu a72"):
        speed_here(without)


# The command line, with the table that ships


def test_the_shipped_table_knows_the_shipped_model(cli: Callable[..., Any]) -> None:
    table = shipped_table()
    assert shipped_model().name in {entry.shipped for entry in table.rows}
    shown = cli("recommend", "--json")
    assert shown.code == 0, shown.err
    found = json.loads(shown.out)
    assert found["recommended"] == table.ranked().rows[0].name
    assert {candidate["row"]["name"] for candidate in found["candidates"]} == {r.name for r in table.rows}
    assert "estimate" in found["basis"]
    assert "Not a medical device" in found["intended_use"]


def test_a_shipped_network_is_recommended_by_the_name_that_predict_takes(cli: Callable[..., Any]) -> None:
    limit = shipped_model("fast").stat().st_size / 1e6 + 1e-6
    shown = cli("recommend", "--max-mb", limit)
    assert shown.code == 0, shown.err
    assert "cspine-edge predict --model fast" in shown.out
    assert "on the hard phantom (thin gaps in much noise) its balanced accuracy is" in " ".join(
        shown.out.split()
    )


def test_limits_on_the_command_line(cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    smallest = min(shipped_table().rows, key=lambda entry: entry.size_bytes)
    shown = cli("recommend", "--max-mb", smallest.size_bytes / 1e6 + 1e-6)
    assert shown.code == 0
    assert f"recommended: {smallest.name}" in shown.out
    assert "an estimate" in shown.out
    assert " MB is over " in shown.out
    assert "Not a medical device" in shown.out


@pytest.mark.parametrize("limits", [(), ("--max-ms", 4, "--max-mb", 0.3, "--min-sensitivity", 0.9)])
def test_at_80_columns_each_network_is_named_whole_with_the_model_that_ships(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, limits: tuple[object, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = cli("recommend", *limits)
    assert "…" not in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    table = shown.out.partition("figures:")[0]
    for entry in shipped_table().rows:
        row = re.split(rf"^{re.escape(entry.name)} ", table, flags=re.MULTILINE)[1]
        words = re.split(r"^\S", row, flags=re.MULTILINE)[0].split()  # up to the next network
        name = next((name for name, file in SHIPPED.items() if file == entry.shipped), None)
        assert words[words.index("--model") + 1 :] == [name] if name else "--model" not in words


def test_no_candidate_ends_with_1(cli: Callable[..., Any]) -> None:
    shown = cli("recommend", "--max-ms", "0.001")
    assert shown.code == 1
    assert "no network of the table keeps these limits" in shown.out
    as_json = cli("recommend", "--max-ms", "0.001", "--json")
    assert as_json.code == 1
    assert json.loads(as_json.out)["recommended"] is None


@pytest.mark.parametrize("option", [("--max-ms", "nan"), ("--min-sensitivity", "97"), ("--cpu", "m4")])
def test_wrong_usage_ends_with_2(cli: Callable[..., Any], option: tuple[str, str]) -> None:
    shown = cli("recommend", *option)
    assert shown.code == 2
    assert option[0] in shown.err
    assert "Traceback" not in shown.err


def test_this_machine(cli: Callable[..., Any]) -> None:
    shown = cli("recommend", "--cpu", "here", "--json")
    assert shown.code == 0, shown.err
    assert "ms here" in json.loads(shown.out)["basis"]


def test_the_wheel_takes_table_and_models_along(root: Path) -> None:
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    targets = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    included = targets["wheel"]["force-include"]
    assert included["results/pareto.json"] == "cspine_edge/models/pareto.json"
    for name in SHIPPED.values():
        assert included[f"models/{name}"] == f"cspine_edge/models/{name}"
    assert "!/results/pareto.json" in targets["sdist"]["exclude"]

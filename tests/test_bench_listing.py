"""Many benches in one table: Markdown, a page with plots, JSON; broken ones are named and the others go on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cspine_edge.bench_listing import COLUMNS, markdown, rows_of, write_listing
from cspine_edge.bench_report import BenchReport, read_report

Cli = Callable[..., Any]


@pytest.fixture
def path(root: Path, tmp_path: Path) -> Path:
    """The example of docs/bench.md as a file."""
    text = (root / "docs/bench.md").read_text(encoding="utf-8")
    path = tmp_path / "pi5.json"
    path.write_text(text.partition("<!-- example -->\n```json\n")[2].partition("```")[0])
    return path


@pytest.fixture
def full(path: Path) -> BenchReport:
    return read_report(path)


@pytest.fixture
def bare(full: BenchReport) -> BenchReport:
    """A report of a machine without sensors."""
    return replace(
        full,
        machine=replace(full.machine, board=None, cpu=None),
        roofline=None,
        cold_start=None,
        sustained=None,
        after=replace(full.after, temperatures=None),
        latencies=tuple(replace(latency, p90_interval_ms=None) for latency in full.latencies),
        warnings=(),
    )


def test_rows_are_those_of_the_reports(full: BenchReport, bare: BenchReport) -> None:
    rows = rows_of([("full.json", full), ("bare.json", bare)])
    assert [(row.report, row.threads) for row in rows] == [
        *(("full.json", 1), ("full.json", 2), ("bare.json", 1), ("bare.json", 2))
    ]
    first, second, *_, last = rows
    assert first.machine == "Raspberry Pi 5 Model B Rev 1.0, Cortex-A76"
    assert (first.p50_ms, first.p90_interval_ms) == (
        full.latencies[0].p50_ms,
        full.latencies[0].p90_interval_ms,
    )
    assert full.roofline is not None
    assert first.peak_share == full.roofline.rates[0].share
    # Cold start and sustained load were measured with two threads.
    assert (first.cold_start_ms, first.mj_per_inference) == (None, None)
    assert full.cold_start is not None
    assert full.sustained is not None
    assert full.sustained.energy is not None
    assert (second.cold_start_ms, second.peak_mib) == (full.cold_start.total_ms, full.cold_start.peak_mib)
    assert (second.mj_per_inference, second.celsius) == (full.sustained.energy.mj_per_inference, 54.85)
    assert last.cells()[6].endswith("(-)")
    assert last.cells()[8:13] == ["-"] * 5


def test_markdown_is_a_table_and_the_notes(full: BenchReport, bare: BenchReport) -> None:
    lines = markdown([("a|b.json", full), ("bare.json", bare)]).splitlines()
    cells = [len(re.findall(r"(?<!\\)\|", line)) for line in lines[:6]]
    assert cells == [len(COLUMNS) + 1] * 6
    assert lines[2].startswith("| a\\|b.json | ")
    assert lines[6] == ""
    assert lines[7].startswith("- a|b.json: without a pause for 3 s")
    assert sum("warning: " in line for line in lines) == len(full.warnings)
    assert markdown([("bare.json", bare)]).count("\n") == 4


def test_the_page_has_table_and_plots_and_needs_nothing_else(
    full: BenchReport, bare: BenchReport, tmp_path: Path
) -> None:
    out = tmp_path / "page.html"
    write_listing(out, [("<full>.json", full), ("bare.json", bare)])
    text = out.read_text(encoding="utf-8")
    assert "&lt;full&gt;.json" in text
    assert "<full>" not in text
    plots = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    names = [re.search('aria-label="(.*?)"', plot) for plot in plots]
    assert [name and name[1] for name in names] == [
        "median latency, ms over time",
        "temperature, °C over time",
        "clock, MHz over time",
        "board power, W over time",
        "slowed down by throttling (1: yes) over time",
    ]
    assert "http" not in text
    for plot in plots:
        ElementTree.fromstring(plot)


def test_no_text_of_a_report_is_taken_for_html(path: Path, tmp_path: Path) -> None:
    """Every text of a whole report that a reader lets through comes out as text."""

    def spoil(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: spoil(item) for key, item in value.items()}
        if isinstance(value, list):
            return [spoil(item) for item in value]
        return f"{value}<script>alert('\"&')</script>" if isinstance(value, str) else value

    document = json.loads(path.read_text())
    kept = {name: document[name] for name in ("schema", "blocks", "conditions")} | {
        "cooling": document["cooling"],
        "model": document["model"] | {"file": "<script>"},
    }
    spoilt = spoil(document) | kept
    spoilt["conditions"]["runtime_version"] = "<script>"
    path.write_text(json.dumps(spoilt))
    write_listing(tmp_path / "page.html", [("<script>.json", read_report(path))])
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert text.count("&lt;script&gt;") > 10


def test_the_verb_prints_markdown_json_or_writes(cli: Cli, path: Path, tmp_path: Path) -> None:
    shown = cli("bench", "report", path, path)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == markdown([(path.name, read_report(path))] * 2)
    rows = json.loads(cli("bench", "report", path, "--json").out)
    assert [row["threads"] for row in rows] == [1, 2]
    out = tmp_path / "table.md"
    quiet = cli("bench", "report", path, path, "--out", out)
    assert (quiet.code, quiet.out) == (0, "")
    assert out.read_text() == shown.out
    assert cli("bench", "report", path, "--out", out).code == 4
    assert out.read_text() == shown.out
    assert cli("bench", "report", path, "--out", out, "--overwrite").code == 0
    assert out.read_text() != shown.out
    assert cli("bench", "report").code == 2


def test_a_broken_report_is_named_and_the_others_go_on(cli: Cli, path: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.json"
    cut.write_bytes(path.read_bytes()[:5000])
    shown = cli("bench", "report", cut, path, tmp_path / "lost.json")
    assert shown.code == 4
    assert shown.out == markdown([(path.name, read_report(path))])
    assert [line.partition(": ")[2].split(":")[0] for line in shown.err.splitlines()] == [
        str(cut),
        str(tmp_path / "lost.json"),
    ]
    alone = cli("bench", "report", cut, "--out", tmp_path / "none.md")
    assert (alone.code, (tmp_path / "none.md").exists()) == (4, False)
    assert json.loads(cli("bench", "report", cut, "--json").out) == []


# The plot

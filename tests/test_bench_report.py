"""The report: its JSON comes back whole and as its schema says; what is no report is named with its remedy."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cspine_edge.bench import bench
from cspine_edge.bench_report import SCHEMA, VERSION, BenchReport, read_report
from cspine_edge.documents import decode
from cspine_edge.errors import InputError, OutputError
from cspine_edge.sweep import Rules

Errors = Callable[[Any], list[str]]


@pytest.fixture(scope="module")
def schema(root: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((root / "docs/bench.schema.json").read_text(encoding="utf-8"))
    return document


@pytest.fixture(scope="module")
def errors_of(schema: dict[str, Any]) -> Errors:
    """Give the places of a document that are not as the schema says."""
    validator = pytest.importorskip("jsonschema").Draft202012Validator
    validator.check_schema(schema)
    return lambda document: sorted(error.json_path for error in validator(schema).iter_errors(document))


@pytest.fixture
def example(root: Path) -> dict[str, Any]:
    """The report in docs/bench.md, all of whose fields are known."""
    page = (root / "docs/bench.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- example -->\n```json\n(.*?)```", page, re.DOTALL)
    assert found is not None
    document: dict[str, Any] = json.loads(found[1])
    return document


@pytest.fixture
def saved(example: dict[str, Any], tmp_path: Path) -> Callable[..., Path]:
    """The example with some fields replaced, as a file."""

    def save(**changes: Any) -> Path:
        path = tmp_path / "report.json"
        path.write_text(json.dumps(example | changes))
        return path

    return save


def test_json_gives_the_same_report_back(
    example: dict[str, Any], saved: Callable[..., Path], tmp_path: Path
) -> None:
    report = read_report(saved())
    assert report.to_json() == example
    path = tmp_path / "again.json"
    report.save(path)
    assert read_report(path) == report
    with pytest.raises(OutputError):
        report.save(path)


def test_schema_and_page_are_those_of_the_dataclasses(root: Path) -> None:
    call = [sys.executable, "benchmarks/bench_schema.py", "--check"]
    done = subprocess.run(call, cwd=root, capture_output=True, text=True, env={"PYTHONPATH": str(root)})
    assert done.returncode == 0, done.stderr


def test_a_stale_schema_is_noticed(root: Path, tmp_path: Path) -> None:
    for name in ("benchmarks/bench_schema.py", "docs/bench.md", "docs/bench.schema.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((root / name).read_text().replace("Median", "Mean"))
    call = [sys.executable, "benchmarks/bench_schema.py", "--check"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": str(root)})
    assert done.returncode != 0
    assert "is not what the dataclasses say" in done.stderr


def test_the_example_is_as_the_schema_says_and_shows_every_object(
    errors_of: Errors, example: dict[str, Any]
) -> None:
    assert errors_of(example) == []
    assert (example["schema"], example["version"]) == (SCHEMA, VERSION)
    for name in ("roofline", "cold_start", "cooling", "sustained"):
        assert example[name] is not None
    assert example["sustained"]["energy"] is not None
    assert example["before"]["power"] is not None


@pytest.fixture(scope="module")
def shipped(root: Path) -> dict[str, str]:
    """Name of each shipped file to its SHA-256."""
    lines = (root / "models/SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in map(str.split, lines)}


def test_the_example_is_of_the_model_that_is_shipped(
    example: dict[str, Any], shipped: dict[str, str]
) -> None:
    assert example["model"]["sha256"] == shipped[example["model"]["file"]]


def test_reports_among_the_results_are_whole_and_of_shipped_models(
    root: Path, shipped: dict[str, str]
) -> None:
    paths = sorted((root / "results").glob("bench-*.json"))
    assert paths
    for path in paths:
        model = read_report(path).model
        assert model.sha256 == shipped.get(model.file), path.name


def test_a_report_of_version_2_is_read_and_saved_as_of_version_3(root: Path, errors_of: Errors) -> None:
    (path,) = (root / "results").glob("bench-mobilenet-a1.0-224-int8-qat-x86_64.json")
    old = json.loads(path.read_text())
    assert old["version"] == 2
    assert read_report(path).to_json() == old | {"version": 3}
    assert errors_of(old | {"version": 3}) == []


def test_a_new_report_is_as_the_schema_says(errors_of: Errors, int8_model: Path, tmp_path: Path) -> None:
    """One of a machine without any sensor, so that all that may be unknown is."""
    report = bench(
        int8_model,
        threads=(1,),
        rules=Rules(least_s=0.0, least_runs=5, most_s=None),
        cold_starts=1,
        root=tmp_path,
    )
    document = json.loads(json.dumps(report.to_json()))
    assert errors_of(document) == []
    assert (document["machine"]["cpu"], document["cooling"], document["sustained"]) == (None, None, None)
    assert set(document["before"].values()) == {None}


def test_figures_follow_from_the_single_times(example: dict[str, Any]) -> None:
    report = decode(BenchReport, example)
    for latency, blocks in zip(report.latencies, report.blocks, strict=True):
        times = sorted(time for block in blocks.times_us() for time in block.tolist())
        assert len(times) == latency.runs
        assert latency.p50_ms == pytest.approx(times[-(-latency.runs // 2) - 1] / 1e3, abs=1e-4)
        assert latency.max_ms == pytest.approx(times[-1] / 1e3, abs=1e-4)


def test_the_schema_refuses_what_is_wrong(errors_of: Errors, example: dict[str, Any]) -> None:
    assert errors_of(example | {"version": 1}) == ["$.version"]
    assert errors_of(example | {"extra": 1}) == ["$"]
    assert errors_of({key: value for key, value in example.items() if key != "blocks"}) == ["$"]
    wrong = json.loads(json.dumps(example))
    wrong["latencies"][0]["p50_ms"] = "fast"
    wrong["latencies"][1]["p90_interval_ms"] = [1.0]
    wrong["conditions"]["runtime"] = None
    assert errors_of(wrong) == [
        "$.conditions.runtime",
        "$.latencies[0].p50_ms",
        "$.latencies[1].p90_interval_ms",
    ]


def test_every_field_is_described_and_every_quantity_has_its_unit(schema: dict[str, Any]) -> None:
    units = (
        *(
            "millisecond",
            "microsecond",
            "seconds",
            "MiB",
            "bytes",
            "pixels",
            "MHz",
            "degrees Celsius",
            "watts",
        ),
        *(
            "millijoules",
            "1e9",
            "share",
            "peak",
            "Threads",
            "thread",
            "Number",
            "number",
            "processor",
            "Percentile",
        ),
        *(
            "Multiply-accumulates",
            "per core and cycle",
            "Untimed",
            "seed",
            "processes",
            "channels",
            "Of its input",
        ),
        *("Of the order", "percentile"),
    )
    objects = {"": schema, **schema["$defs"]}
    fields = [
        (name, field, facts)
        for name, entry in objects.items()
        for field, facts in entry["properties"].items()
    ]
    assert len(fields) > 100
    for name, field, facts in fields:
        assert facts["description"].endswith("."), (name, field)
        kinds = facts.get("type", "")
        if "number" in kinds or "integer" in kinds:
            assert any(unit in facts["description"] for unit in units), (name, field, facts["description"])


# What is no report


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is no bench report or was cut short"),
        (b"\xff\xfe", "is no bench report or was cut short"),
        (b"[1, 2]", "is no bench report; measure again with 'cspine-edge bench --out FILE'"),
        (b'{"schema": "cspine-edge/parity", "version": 3}', "is no bench report"),
        (b'{"schema": "cspine-edge/bench"}', "of version None, and this toolkit reads 2 and 3; update it"),
        (
            b'{"schema": "cspine-edge/bench", "version": 4}',
            "of version 4, and this toolkit reads 2 and 3; update it",
        ),
        (
            b'{"schema": "cspine-edge/bench", "version": 1}',
            "of version 1, which lacks the single times; measure again",
        ),
        (b'{"schema": "cspine-edge/bench", "version": 2}', "is a damaged bench report (created is missing)"),
        (b'{"schema": "cspine-edge/bench", "version": 3}', "is a damaged bench report (created is missing)"),
    ],
)
def test_what_is_no_report_is_said(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_report(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lost\.json: cannot be read"):
        read_report(tmp_path / "lost.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_report(tmp_path)


def test_a_report_cut_short_anywhere_is_refused(saved: Callable[..., Path]) -> None:
    path = saved()
    whole = path.read_bytes()
    for length in range(0, len(whole), len(whole) // 40):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="cut short"):
            read_report(path)


@pytest.mark.parametrize("value", [0, -5])
@pytest.mark.parametrize(
    ("place", "field"),
    [
        *(
            ("latencies", field)
            for field in ("p50_ms", "p90_ms", "min_ms", "mean_ms", "max_ms", "runs", "threads")
        ),
        *(("sustained", field) for field in ("first_p50_ms", "last_p50_ms", "p50_ms", "measured_s", "runs")),
        ("samples", "p50_ms"),
    ],
)
def test_times_that_cannot_be_are_damage(
    cli: Callable[..., Any],
    example: dict[str, Any],
    saved: Callable[..., Path],
    place: str,
    field: str,
    value: float,
) -> None:
    """One sentence and exit code 4, whichever verb reads it."""
    changed = {
        "latencies": example["latencies"][0],
        "sustained": example["sustained"],
        "samples": example["sustained"]["samples"][0],
    }
    changed[place][field] = value
    path = saved()
    for call in (("report", path), ("compare", path, path)):
        shown = cli("bench", *call)
        assert (shown.code, shown.out) == (4, "")
        (line,) = shown.err.splitlines()
        assert "is a damaged bench report" in line
        assert place in line
        assert "above 0" in line


def test_the_two_ends_of_an_interval_are_times(example: dict[str, Any], saved: Callable[..., Path]) -> None:
    example["latencies"][1]["p90_interval_ms"] = [0.0, 1.0]
    with pytest.raises(InputError, match=r"latencies\[1\]: times and counts should be above 0, not 0"):
        read_report(saved())


@pytest.mark.parametrize(
    "change",
    [
        {"blocks": []},
        {"latencies": [], "blocks": []},
        {"stages": []},
        {"latencies": "fast"},
        {"blocks": [{"threads": 1, "microseconds": ["1.0 x"]}, {"threads": 2, "microseconds": ["1.0"]}]},
        {"blocks": [{"threads": 1, "microseconds": ["1.0"]}, {"threads": 2, "microseconds": [""]}]},
        {"blocks": [{"threads": 1, "microseconds": []}, {"threads": 2, "microseconds": []}]},
        {"blocks": [{"threads": 3, "microseconds": ["1.0"]}, {"threads": 2, "microseconds": ["1.0"]}]},
        {"machine": None},
        {"warnings": [3]},
    ],
)
def test_a_damaged_report_is_refused(saved: Callable[..., Path], change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="is a damaged bench report"):
        read_report(saved(**change))

"""The table of measured networks: its file, its front, and how benchmarks/pareto.py collects it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cspine_edge.errors import InputError
from cspine_edge.pareto import Figures, ParetoTable, Row


def a_row(name: str, balanced: float, million: int) -> Row:
    figures = Figures(10, balanced, balanced, balanced, None, 0, "passed")
    counts = {"cortex-a72": million * 10**6, "cortex-a76": million * 10**5}
    return Row(
        *(name, name, "int8", "", None, {"X": figures}, None, counts, {"1": 1.0, "2": 0.6}), size_bytes=1
    )


def a_table(*rows: Row) -> ParetoTable:
    return ParetoTable("2026-01-01", "0", "a bench", "timed", "counted", ("X",), rows)


def test_the_front_is_what_nothing_beats_at_its_price() -> None:
    table = a_table(
        a_row("dear", 0.99, 1000),
        a_row("beaten", 0.90, 200),
        a_row("middle", 0.95, 100),
        a_row("as good but dearer", 0.95, 101),
        a_row("cheap", 0.60, 10),
        a_row("worst", 0.50, 10),
    ).ranked()
    assert [row.name for row in table.rows] == [
        *("dear", "middle", "as good but dearer", "beaten", "cheap", "worst")
    ]
    assert [row.name for row in table.rows if row.front] == ["dear", "middle", "cheap"]


def test_equal_rows_are_both_on_the_front() -> None:
    assert all(row.front for row in a_table(a_row("a", 0.9, 10), a_row("b", 0.9, 10)).ranked().rows)


def test_there_and_back(tmp_path: Path) -> None:
    table = a_table(a_row("a", 0.9, 10), a_row("b", 0.8, 5)).ranked()
    table.save(tmp_path / "pareto.json")
    assert ParetoTable.load(tmp_path / "pareto.json") == table


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "cspine-edge/bench"}, "is no cspine-edge/pareto of version 1"),
        ({"version": 2}, "is no cspine-edge/pareto of version 1"),
        ({"series": []}, "there are no held-out series"),
        ({"series": ["Y"]}, "row a has no balanced accuracy with Y held out"),
        ({"rows": "none"}, "rows should be a list"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "pareto.json"
    path.write_text(json.dumps(a_table(a_row("a", 0.9, 10)).to_json() | change))
    with pytest.raises(InputError, match=said) as raised:
        ParetoTable.load(path)
    assert str(path) in str(raised.value)


def test_a_row_needs_its_costs(tmp_path: Path) -> None:
    document = a_table(a_row("a", 0.9, 10)).to_json()
    for change in ({"instructions": {"cortex-a72": 1}}, {"latency_ms": {}}, {"size_bytes": 0}):
        document["rows"][0] = a_table(a_row("a", 0.9, 10)).to_json()["rows"][0] | change
        (tmp_path / "pareto.json").write_text(json.dumps(document))
        with pytest.raises(InputError, match="row a "):
            ParetoTable.load(tmp_path / "pareto.json")
    with pytest.raises(InputError, match="cannot be read"):
        ParetoTable.load(tmp_path / "absent.json")


# Collecting


@pytest.fixture
def benchmark(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """benchmarks/pareto.py as a module."""
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    monkeypatch.delitem(sys.modules, "pareto", raising=False)
    import pareto  # type: ignore[import-not-found, unused-ignore]

    return pareto


@pytest.fixture
def results(root: Path, tmp_path: Path) -> Path:
    """Real reports of the gate, under the names of two rows."""
    folder = tmp_path / "results"
    folder.mkdir()
    for series in ("B10", "B11", "B12"):
        shutil.copy(root / "results" / f"check-grouped-mobilenet-nadam-{series}-csf.json", folder)
    return folder


def counts_of(path: Path, **changes: Any) -> dict[str, Any]:
    content = path.read_bytes()
    return {
        "network": "mobilenet-a1.0-224",
        "precision": "int8-qat",
        "weights": "trained",
        "file": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "instructions": {"cortex-a72": 200, "cortex-a76": 100},
    } | changes


def test_a_row_is_collected_from_the_reports(
    benchmark: ModuleType, results: Path, int8_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = benchmark.collect(benchmark.MANIFEST[:2], [counts_of(int8_model)], results, (int8_model.parent,))
    assert list(rows) == [int8_model]
    row = Row(**rows[int8_model], latency_ms={"1": 2.0, "2": 1.0})
    assert row.shipped == int8_model.name
    assert row.phantom is None
    report = json.loads((results / "check-grouped-mobilenet-nadam-B12-csf.json").read_text())
    found = report["candidate_metrics"]
    figures = row.grouped["B12"]
    assert figures.sensitivity == found["recall"]["estimate"]
    assert figures.specificity == found["specificity"]["estimate"]
    assert figures.accuracy == found["accuracy"]["estimate"]
    assert figures.flips == len(report["flips"])
    warnings = capsys.readouterr().err.splitlines()
    assert warnings == [
        "warning: mobilenet-nadam has no figures on the hard phantom: check-phantom-hard-mobilenet.json is not "
        "there",
        "warning: vgg16-nadam is left out: check-grouped-vgg16-nadam-B10-csf.json is not there",
    ]


def test_the_hard_phantom_is_taken_where_it_is(
    benchmark: ModuleType, results: Path, int8_model: Path
) -> None:
    shutil.copy(
        results / "check-grouped-mobilenet-nadam-B11-csf.json", results / "check-phantom-hard-mobilenet.json"
    )
    rows = benchmark.collect(benchmark.MANIFEST[:1], [counts_of(int8_model)], results, (int8_model.parent,))
    assert rows[int8_model]["phantom"] == rows[int8_model]["grouped"]["B11"]


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"network": "mobilenet-a0.5-160"}])
def test_counts_of_another_file_are_not_taken(
    benchmark: ModuleType,
    results: Path,
    int8_model: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, str],
) -> None:
    models = [counts_of(int8_model, **change)]
    assert not benchmark.collect(benchmark.MANIFEST[:1], models, results, (int8_model.parent,))
    assert "mobilenet-nadam is left out" in capsys.readouterr().err


def test_a_trained_file_goes_before_a_random_one(benchmark: ModuleType, int8_model: Path) -> None:
    random = counts_of(int8_model, weights="random", precision="int8", file="random.tflite")
    found = benchmark.counted(benchmark.MANIFEST[0], [random, counts_of(int8_model)])
    assert found["file"] == int8_model.name
    assert benchmark.counted(benchmark.MANIFEST[0], [random]) == random


def test_times_are_medians_by_file_and_threads(benchmark: ModuleType, int8_model: Path) -> None:
    found = benchmark.time_side_by_side((int8_model,), 0.02)
    assert list(found) == [int8_model]
    assert set(found[int8_model]) == {"1", "2"}
    assert all(0.05 < ms < 5000 for ms in found[int8_model].values())


def test_the_picture(benchmark: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the train extra")
    table = a_table(a_row("a", 0.9, 10), a_row("b", 0.8, 5), a_row("c", 0.7, 7)).ranked()
    benchmark.plot(table, tmp_path / "pareto.png")
    from PIL import Image

    with Image.open(tmp_path / "pareto.png") as picture:
        assert picture.size == (960, 600)
        assert len(picture.convert("RGB").getcolors(10**6) or []) > 10


# What is committed


def test_the_committed_table_is_that_of_the_reports(root: Path, benchmark: ModuleType) -> None:
    table = ParetoTable.load(root / "results" / "pareto.json")
    assert table.ranked() == table
    models = json.loads((root / "results" / "instructions-int8-arm64.json").read_text())["models"]
    counts = {model["network"]: [] for model in models}
    for model in models:
        counts[model["network"]].append(model["instructions"])
    entries = {f"{entry.model}-{entry.optimizer}": entry for entry in benchmark.MANIFEST}
    for row in table.rows:
        entry = entries[row.name]
        assert (entry.network, entry.precision) == (row.network, row.precision)
        for series, figures in row.grouped.items():
            path = root / "results" / f"check-grouped-{row.name}-{series}-csf.json"
            assert figures == benchmark.figures(path, entry)
        if row.phantom is not None:
            path = root / "results" / f"check-phantom-hard-{entry.model}.json"
            assert row.phantom == benchmark.figures(path, entry)
            other = dataclasses.replace(entry, precision="float16")
            with pytest.raises(benchmark.MissingError, match="is about"):
                benchmark.figures(path, other)
        assert row.instructions in counts[row.network]


def test_the_page_shows_the_tables_and_a_changed_figure_is_noticed(root: Path, tmp_path: Path) -> None:
    for folder in ("benchmarks", "results", "docs"):
        shutil.copytree(root / folder, tmp_path / folder)
    shutil.copy(root / "README.md", tmp_path)

    def check() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "benchmarks/tables.py", "--check"], cwd=tmp_path, capture_output=True, text=True
        )

    assert check().returncode == 0
    path = tmp_path / "results" / "pareto.json"
    table = json.loads(path.read_text())
    table["rows"][0]["instructions"]["cortex-a72"] += 10**6
    path.write_text(json.dumps(table))
    done = check()
    assert done.returncode != 0
    assert "docs/fast.md is not what results/ says" in done.stderr

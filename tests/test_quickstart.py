"""The whole way once, with fewer series: what it makes, what it says, and that it says it once."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.workstation, pytest.mark.slow]


def test_the_whole_way_with_a_few_series(cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cspine_edge import quickstart
    from cspine_edge.contract import Precision
    from cspine_edge.model_file import ModelFile

    monkeypatch.setattr(quickstart, "_SERIES", 14)
    monkeypatch.setattr(quickstart, "_TEST_SERIES", 4)
    out = tmp_path / "out"
    walk, walked = quickstart.quickstart, []

    def remembered(out: Path, *, log: Any) -> quickstart.QuickstartResult:
        walked.append(walk(out, log=log))
        return walked[-1]

    monkeypatch.setattr(quickstart, "quickstart", remembered)
    said = cli("quickstart", "--out", out)
    assert said.code == 0, said.err
    for step in ("phantom", "audit", "train", "convert", "check", "predict", "bench"):
        assert said.out.count(f"[{step}] ") == 1
    assert "from mobilenet-a1.0-224.keras" in said.out
    report = json.loads((out / "check.json").read_text())
    assert f"parity: {report['verdict'].upper()}" in said.out
    # Each side chooses a threshold on a few slices; what has to hold with so few is the order of the margins.
    float_auc, int8_auc = (
        report[metrics]["auc"]["estimate"] for metrics in ("reference_metrics", "candidate_metrics")
    )
    assert float_auc > 0.6
    assert abs(int8_auc - float_auc) < 0.15
    model = ModelFile.read(out / "run" / "mobilenet-a1.0-224-int8-qat.tflite")
    assert model.contract is not None
    assert model.contract.provenance is not None
    assert model.contract.provenance.precision is Precision.INT8_QAT
    assert model.contract.parity is not None
    reference = out / "run" / report["reference"]
    table = [line for line in said.out.splitlines() if re.search(r"size", line) and "MB" in line]
    assert len(table) == 1
    sizes = [float(size) for size in re.findall(r"([\d.]+) MB", table[0])]
    assert sizes == pytest.approx([file.stat().st_size / 1e6 for file in (reference, model.path)], abs=0.006)
    for name in ("check.json", "bench.json", "audit.json", "split.json"):
        assert (out / name).is_file()
        assert name in said.out.replace("\n", "")
    again = cli("quickstart", "--out", out)
    assert again.code == 4
    assert "exists already" in again.err

    def retold(out: Path, *, log: Any) -> quickstart.QuickstartResult:
        log("[phantom] made")
        return walked[0]

    monkeypatch.setattr(quickstart, "quickstart", retold)  # minutes less than to walk it again
    said = cli("quickstart", "--out", out, "--json")
    document = json.loads(said.out)
    assert said.err == "[phantom] made\n"
    assert document["report"] == report
    assert document["model"] == model.path.as_posix()
    assert document["run"]["folder"] == (out / "run").as_posix()
    truths = [verdict.pop("truth") for verdict in document["verdicts"]]
    assert truths == [Path(verdict["path"]).parent.name for verdict in document["verdicts"]]
    predicted = json.loads(cli("predict", out / "unseen", "--model", model.path, "--json").out)
    assert document["verdicts"] == predicted
    assert document["median_ms"] > 0

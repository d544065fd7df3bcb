"""The gate's page: it stands alone, says what the report says, and shows what was decided differently."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from absent import without
from PIL import Image

from cspine_edge.classifier import Classifier
from cspine_edge.dataset import load_dataset, read_labelled_slice
from cspine_edge.decision import Decision, Threshold
from cspine_edge.errors import OutputError
from cspine_edge.layer_error import LayerError, LayerReport
from cspine_edge.model_file import ModelFile
from cspine_edge.parity import PairedMargins, ParityReport, judge
from cspine_edge.parity_page import _MOST_FLIPS, write_page
from cspine_edge.preprocess import prepare

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def model(int8_model: Path) -> ModelFile:
    return ModelFile.read(int8_model)


@pytest.fixture(scope="module")
def measured(phantom_data: Path, int8_model: Path) -> PairedMargins:
    """The shipped model's margins on the phantom, with a threshold in their middle; the candidate is noisier."""
    classifier, dataset = Classifier(int8_model), load_dataset(phantom_data)
    margins = np.array(
        [
            classifier.margin(prepare(read_labelled_slice(dataset.path_of(item)), classifier.spec).image)
            for item in dataset.slices
        ]
    )
    decision = Decision(Threshold(float(np.median(margins)), "the median, for this test", 24))
    noise = np.random.default_rng(0).normal(0, 0.5 * margins.std(), len(margins))
    return PairedMargins(dataset, margins, margins + noise, decision, decision)


def written(
    folder: Path, paired: PairedMargins, model: ModelFile, **options: Any
) -> tuple[str, ParityReport]:
    report = judge(paired, candidate="quick<b>.tflite", reference="float.tflite", leak="no leak: <b>&none")
    options = {"layers": "not here"} | options
    write_page(folder / "page.html", report, paired, model, model, banner="an interpreter", **options)
    return (folder / "page.html").read_text(encoding="utf-8"), report


def text_of(page: str) -> str:
    """What a reader sees, without tags."""
    return re.sub(
        r"\s+", " ", html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL))
    )


def cells(page: str) -> dict[str, list[str]]:
    """The tables by the first cell of each row."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    split = [[html.unescape(cell) for cell in re.findall(r"<t[dh]>(.*?)</t[dh]>", row)] for row in rows]
    return {row[0]: row[1:] for row in split}


def test_it_stands_alone(measured: PairedMargins, model: ModelFile, tmp_path: Path) -> None:
    page, _ = written(tmp_path, measured, model)
    assert not re.search(r"https?://|<script|<link|url\(", page)
    assert "prefers-color-scheme: dark" in page
    assert str(tmp_path) not in page
    assert str(measured.dataset.root) not in page
    assert page.count("<table>") == page.count("</table>") == 4
    for name in ("quick<b>", "<b>&none"):
        assert name not in page
        assert html.escape(name) in page


def test_it_says_what_the_report_says(measured: PairedMargins, model: ModelFile, tmp_path: Path) -> None:
    page, report = written(tmp_path, measured, model)
    said, table = text_of(page), cells(page)
    for words in (
        "1. Description of modifications",
        "2. Modification protocol",
        "3. Impact assessment",
        "Research use only. Not a medical device.",
        "This page holds images of patients",
        report.reason,
        report.data,
        "299 series of each class",
    ):
        assert words in said
    contract = model.contract
    assert contract is not None
    assert contract.provenance is not None
    for value in (contract.graph_sha256, contract.provenance.calibration_sha256, "the median, for this test"):
        assert value is not None
        assert value in said
    losses = (report.sensitivity_loss, report.specificity_loss)
    assert table["estimate, points"] == [f"{100 * loss.estimate:+.2f}" for loss in losses]
    assert table["at most (one-sided 95 %)"] == [f"{100 * loss.upper:+.2f}" for loss in losses]
    assert table["recall"] == [str(report.reference_metrics.recall), str(report.candidate_metrics.recall)]
    assert table["lost by the candidate"] == [str(loss.lost) for loss in losses]
    assert set(table) >= {name for name, _, _ in report.rows()}


def test_it_shows_each_flip_as_the_models_see_it(
    measured: PairedMargins, model: ModelFile, tmp_path: Path
) -> None:
    page, report = written(tmp_path, measured, model)
    assert 2 < len(report.flips) <= _MOST_FLIPS
    assert {flip.lost for flip in report.flips} == {True, False}
    pictures = re.findall(r'alt="([^"]*)" title="[^"]*" src="data:image/png;base64,([^"]+)"', page)
    assert {html.unescape(name) for name, _ in pictures} == {flip.path for flip in report.flips}
    assert len(pictures) == len(report.flips)
    spec = model.contract.preprocessing  # type: ignore[union-attr]
    for name, data in pictures:
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
        path = measured.dataset.root / html.unescape(name)
        np.testing.assert_array_equal(shown, prepare(read_labelled_slice(path), spec).image)
    kinds = re.findall(r"<figcaption><b>([^<]+)</b>", page)
    order = ["fracture lost", "false alarm added", "fracture gained", "false alarm removed"]
    assert kinds == sorted(kinds, key=order.index)
    assert len(set(kinds)) > 1
    threshold = report.candidate_decision.threshold.logit
    margins = [float(value) for value in re.findall(r"→ ([-+.\d]+)<", page)]
    for kind in set(kinds):
        beyond = [
            abs(margin - threshold) for margin, this in zip(margins, kinds, strict=True) if this == kind
        ]
        assert beyond == sorted(beyond, reverse=True)


def test_the_number_of_pictures_is_bounded(measured: PairedMargins, model: ModelFile, tmp_path: Path) -> None:
    threshold = measured.reference_decision.threshold.logit
    page, report = written(tmp_path, replace(measured, candidate=2 * threshold - measured.reference), model)
    assert len(report.flips) > _MOST_FLIPS
    assert page.count("data:image/png") == _MOST_FLIPS
    assert f"{len(report.flips)} slices of" in page
    assert f"the first {_MOST_FLIPS} are shown" in page


def test_nothing_flipped_shows_no_picture(measured: PairedMargins, model: ModelFile, tmp_path: Path) -> None:
    page, report = written(tmp_path, replace(measured, candidate=measured.reference), model)
    assert report.flips == ()
    assert "No slice is decided differently." in page
    assert "data:image/png" not in page
    assert "Missing: 291 series with fractures and 291 series" not in page
    assert f"Missing: {report.missing_fracture_series} series with fractures" in page


def test_one_class_has_no_roc_curve(measured: PairedMargins, model: ModelFile, tmp_path: Path) -> None:
    fractures = measured.dataset.labels == 1
    paths = [item.path for item in measured.dataset.slices if item.label == 1]
    alone = replace(
        measured,
        dataset=measured.dataset.subset(paths),
        reference=measured.reference[fractures],
        candidate=measured.candidate[fractures],
    )
    page, _ = written(tmp_path, alone, model)
    assert "there is no ROC curve" in page
    assert cells(page)["estimate, points"][1] == "-"


def figures(page: str) -> list[str]:
    return [
        base64.b64decode(data).decode()
        for data in re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    ]


def test_layers_are_drawn_or_it_says_why_not(
    measured: PairedMargins, model: ModelFile, tmp_path: Path
) -> None:
    without, _ = written(tmp_path, measured, model, layers="its operations <differ>")
    layers = LayerReport(
        *("model.tflite", "float.tflite", "phantom"),
        slices=8,
        banner="an interpreter",
        layers=(
            LayerError("stem", "CONV_2D", (1, 8, 8, 4), "int8", 41.5, None, 0.0125),
            LayerError("head", "FULLY_CONNECTED", (1, 2), "int8", 17.25, 24.25, None),
        ),
    )
    page, _ = written(tmp_path, measured, model, layers=layers, overwrite=True)
    assert "Not measured: its operations &lt;differ&gt;." in without
    assert "Not measured" not in page
    assert len(figures(page)) == len(figures(without)) + 1
    assert cells(page)["stem"] == ["CONV_2D", "41.5", "-", "0.013"]
    assert cells(page)["head"] == ["FULLY_CONNECTED", "17.2", "+24.2", "-"]
    assert page.index("<td>head</td>") < page.index("<td>stem</td>"), "the worst comes first"


def test_equal_reports_have_equal_figures(measured: PairedMargins, model: ModelFile, tmp_path: Path) -> None:
    pages = [written(tmp_path, measured, model, overwrite=True)[0] for _ in range(2)]
    assert pages[0] == pages[1]
    drawn = figures(pages[0])
    assert len(drawn) == len(set(drawn)) == 4
    assert all(svg.rstrip().endswith("</svg>") for svg in drawn)


def test_it_refuses_to_overwrite(measured: PairedMargins, model: ModelFile, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("kept")
    with pytest.raises(OutputError, match="exists already"):
        written(tmp_path, measured, model)
    assert (tmp_path / "page.html").read_text() == "kept"


def test_roc_points_enclose_the_area_of_scikit_learn() -> None:
    from cspine_edge.parity_plots import _roc

    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(4)
    truth = rng.random(300) < 0.3
    margins = np.round(rng.normal(truth, 1.0), 1)
    false_alarms, found = _roc(margins, truth)
    assert np.trapezoid(found, false_alarms) == pytest.approx(
        metrics.roc_auc_score(truth, margins), abs=1e-12
    )
    expected = metrics.roc_curve(truth, margins, drop_intermediate=False)
    np.testing.assert_allclose((false_alarms, found), expected[:2])


# By the command line


@pytest.fixture
def call(int8_model: Path, phantom_data: Path, tmp_path: Path) -> Callable[..., list[str]]:
    model = shutil.copy(int8_model, tmp_path / "model.tflite")

    def arguments(*options: object) -> list[str]:
        data = ("--data", phantom_data, "--no-record")
        return [str(part) for part in ("check", model, "--reference", int8_model, *data, *options)]

    return arguments


def test_check_writes_the_page(cli: Any, call: Callable[..., list[str]], tmp_path: Path) -> None:
    out = tmp_path / "new" / "page.html"
    shown = cli(*call("--html", out, "--out", tmp_path / "report.json"))
    assert shown.code == 3
    report = json.loads((tmp_path / "report.json").read_text())
    assert html.escape(report["reason"]) in out.read_text()
    assert [path.name for path in out.parent.iterdir()] == ["page.html"]
    layers = cells(out.read_text())
    assert layers["conv1"][0] == "CONV_2D"
    assert float(layers["conv1"][1]) > 100, "a copy of the model differs from it"
    again = cli(*call("--html", out))
    assert again.code == 4
    assert f"{out}: exists already" in again.err
    assert cli(*call("--html", out, "--overwrite")).code == 3


def test_layers_that_cannot_be_compared_do_not_cost_the_page(
    cli: Any, call: Callable[..., list[str]], phantom_data: Path, tmp_path: Path
) -> None:
    few = tmp_path / "few"
    for label in ("fracture", "normal"):
        (few / label).mkdir(parents=True)
        for path in sorted((phantom_data / label).iterdir())[:2]:
            shutil.copy(path, few / label)
    out = tmp_path / "page.html"
    arguments = [few if part == str(phantom_data) else part for part in call("--html", out)]
    assert cli(*arguments).code == 3
    assert "Not measured: 4 slices are too few to compare layers on" in out.read_text()


WITHOUT_MATPLOTLIB = without(
    {"matplotlib"},
    """\
from cspine_edge.cli import main
sys.argv[0] = "cspine-edge"
main()
""",
)


def test_without_matplotlib_check_works_and_the_page_is_refused(
    call: Callable[..., list[str]], tmp_path: Path, root: Path
) -> None:
    def run(*options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", WITHOUT_MATPLOTLIB, *call(*options)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)

    assert run().returncode == 3
    refused = run("--html", tmp_path / "page.html", "--out", tmp_path / "report.json")
    assert refused.returncode == 5
    assert "pip install 'cspine-edge[train]'" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not list(tmp_path.glob("*.html")) + list(tmp_path.glob("*.json"))

"""The audit: clean data stay silent, and each fault that is put into them is found."""

from __future__ import annotations

import csv
import html
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image, ImageFilter
from typer.testing import CliRunner, Result

from cspine_edge.audit import AuditReport, Check, Finding, Severity, audit_dataset
from cspine_edge.audit.confounding import judge_nuisances
from cspine_edge.audit.looks import Looks
from cspine_edge.cli.audit import register
from cspine_edge.dataset import LabelledDataset, LabelledSlice, load_dataset
from cspine_edge.errors import DatasetError, InputError, OutputError
from cspine_edge.phantom import ImageFormat, write_phantom
from cspine_edge.splits import Protocol, Split, leak_of

SERIES, SLICES, SIZE = 12, 10, 128


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit") / "clean"
    write_phantom(folder, series=SERIES, slices=SLICES, seed=0, image_format=ImageFormat.PNG, size=SIZE)
    return folder


@pytest.fixture
def data(clean: Path, tmp_path: Path) -> Path:
    """A copy of the clean phantom to spoil."""
    return Path(shutil.copytree(clean, tmp_path / "data"))


@pytest.fixture(scope="module")
def csf() -> Path:
    folder = Path(__file__).parents[2] / "shared/data/csf"
    if not folder.is_dir():
        pytest.skip("needs the data set of the paper in ../shared/data/csf")
    return folder


def audit(folder: Path, seed: int = 0) -> AuditReport:
    return audit_dataset(load_dataset(folder), seed=seed)[0]


def serious(report: AuditReport) -> list[tuple[Check, Severity]]:
    """The findings that speak against the data, without their words."""
    return [(item.check, item.severity) for item in report.findings if item.severity is not Severity.INFO]


def of(report: AuditReport, check: Check) -> Finding:
    """The worst finding of one check."""
    return next(item for item in report.findings if item.check is check)


def spoil(folder: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Change the pixels of all files in a folder."""
    for path in sorted(folder.glob("*.png")):
        Image.fromarray(change(np.asarray(Image.open(path)))).save(path)


def brighter(grey: np.ndarray) -> np.ndarray:
    return np.clip(grey.astype(np.int16) + 40, 0, 255).astype(np.uint8)


def relabel(folder: Path, is_fracture: Callable[[str, int], bool]) -> None:
    """Move the slices into the folders of new labels, by series and slice index; the manifest goes."""
    (folder / "manifest.csv").unlink()
    for path in sorted(folder.glob("*/*.png")):
        series, index = path.stem.split("_")
        label = "fracture" if is_fracture(series, int(index)) else "normal"
        path.rename(folder / label / path.name)


# Clean data


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_clean_phantom_is_silent(tmp_path: Path, seed: int) -> None:
    write_phantom(
        tmp_path / "p", series=SERIES, slices=SLICES, seed=seed, image_format=ImageFormat.PNG, size=SIZE
    )
    report = audit(tmp_path / "p", seed)
    assert serious(report) == []
    assert report.verdict.startswith("Nothing found")
    assert (report.slices, report.fractures, len(report.series)) == (120, 60, 12)


def test_clean_dicom_with_intact_patients_is_silent(tmp_path: Path) -> None:
    write_phantom(tmp_path / "p", series=14, slices=6, seed=5, size=64, intact_share=0.3)
    report = audit(tmp_path / "p")
    assert serious(report) == []
    assert any(item.one_label for item in report.series)
    assert of(report, Check.SERIES).severity is Severity.INFO


def test_same_seed_gives_the_same_report(clean: Path) -> None:
    assert audit(clean, 4) == audit(clean, 4)


def test_innocent_nuisances_are_rarely_flagged() -> None:
    """Runs of fractures in drifting brightness: what a test that takes slices for independent would flag."""
    flagged, naive = 0, 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        slices, brightness, sizes = [], [], []
        for series in range(12):
            start, count = rng.integers(10), rng.integers(2, 9)
            fractured = (np.arange(10) - start) % 10 < count
            brightness.append(rng.normal(60, 15) + np.cumsum(rng.normal(0, 5, 10)))
            sizes.append(np.full(10, (128 + 16 * rng.integers(3)) ** 2))
            for index in range(10):
                name = f"{series:02}_{index}.png"
                slices.append(LabelledSlice(name, int(fractured[index]), f"{series:02}", index))
        dataset, n = LabelledDataset(Path(), tuple(slices)), len(slices)
        looks = Looks(
            same=np.arange(n),
            size=np.concatenate(sizes),
            brightness=np.concatenate(brightness),
            spread=np.zeros(n),
            window=np.full((n, 2), np.nan),
            file_format=np.full(n, ".png"),
        )
        nuisances = [item for item in judge_nuisances(dataset, looks, None, seed) if item.name != "series"]
        flagged += any(min(item.p_within or 1, item.p_between or 1) < 0.05 for item in nuisances)
        naive += any(item.auc > 0.5 + 1.96 * (121 / (12 * 60 * 60)) ** 0.5 for item in nuisances)
    assert flagged <= 8, "5 % of 60 are expected; 8 or more have a chance of 1 in 100"
    assert naive > 20, "the data do not tempt"


# Duplicates and families


def test_equal_pixels_are_duplicates_whatever_the_file(data: Path) -> None:
    source = data / "normal" / next(p.name for p in sorted((data / "normal").glob("phantom0003*")))
    Image.open(source).convert("RGB").save(data / "normal" / "phantom0003_0099.png", compress_level=1)
    report = audit(data)
    (group,) = report.duplicates
    assert group.paths == (f"normal/{source.name}", "normal/phantom0003_0099.png")
    assert group.contradicting_pairs == 0
    assert (Check.DUPLICATES, Severity.WARNING) in serious(report)
    assert Check.CONTRADICTION not in {item.check for item in report.findings}


def test_equal_pixels_of_another_shape_are_no_duplicates(data: Path) -> None:
    for name, shape in (("phantom0000_0098", (64, 32)), ("phantom0000_0099", (32, 64))):
        Image.fromarray(np.full(shape, 90, np.uint8)).save(data / "normal" / f"{name}.png")
    assert audit(data).duplicates == ()


def test_equal_pixels_with_opposite_labels_contradict(data: Path) -> None:
    source = sorted((data / "fracture").glob("phantom0003*"))[0]
    for number in (98, 99):
        shutil.copy(source, data / "normal" / f"phantom0003_00{number}.png")
    report = audit(data)
    finding = of(report, Check.CONTRADICTION)
    assert finding.severity is Severity.CRITICAL
    assert finding.figures["contradicting_pairs"] == 2
    assert f"normal/phantom0003_0098.png and fracture/{source.name}" in finding.sentence


def test_one_scan_under_two_names_is_found_and_leaks_even_when_divided_by_series(data: Path) -> None:
    for path in sorted(data.glob("*/phantom0003_*.png")):
        shutil.copy(path, path.with_name(path.name.replace("phantom0003", "phantom0077")))
    dataset = load_dataset(data)
    report, _ = audit_dataset(dataset, hold_out=("phantom0077",))
    assert of(report, Check.DUPLICATES).severity is Severity.CRITICAL
    assert {group.series for group in report.duplicates} == {("phantom0003", "phantom0077")}
    grouped = report.leaks[-1]
    assert (grouped.split, grouped.same_series, grouped.same_pixels) == ("by series", 0, SLICES)
    assert any(item.sentence.startswith("Even the split by series leaks") for item in report.findings)


def test_one_slice_number_under_both_labels_is_a_contradiction(data: Path) -> None:
    (data / "manifest.csv").unlink()
    source = sorted((data / "normal").glob("phantom0003*"))[0]
    number = sorted((data / "fracture").glob("phantom0003*"))[0].name
    source.rename(data / "normal" / number)
    assert of(audit(data), Check.CONTRADICTION).figures == {"originals": 1}


def write_variants(data: Path) -> None:
    """Add a mirrored and a brightened variant of each slice, in names like those of the paper's data."""
    (data / "manifest.csv").unlink()
    for path in sorted(data.glob("*/*.png")):
        series, index = path.stem.split("_")
        grey = np.asarray(Image.open(path))
        for suffix, pixels in (("", grey), ("-mirrored", grey[:, ::-1]), ("-bright", brighter(grey))):
            Image.fromarray(pixels).save(path.with_name(f"{series} ({int(index)}){suffix}.png"))
        path.unlink()


def test_variants_are_counted_by_original_and_memorised_by_the_probe(data: Path) -> None:
    write_variants(data)
    report = audit(data)
    families = report.families
    assert (families.originals, families.with_variants, families.typical) == (120, 120, 3)
    assert report.duplicates == ()
    assert of(report, Check.FAMILIES).figures["slices"] == 360
    random = next(item for item in report.leaks if item.split == "random images")
    assert random.same_series == random.test >= random.same_family > 0.9 * random.test
    probe = report.neighbours
    assert probe.random_accuracy is not None
    assert probe.held_out_accuracy is not None
    assert probe.random_accuracy > probe.held_out_accuracy + 0.2
    assert serious(report) == [
        (Check.FAMILIES, Severity.WARNING),
        (Check.LEAK, Severity.WARNING),
        (Check.NEIGHBOURS, Severity.WARNING),
    ]


def turned(image: Image.Image) -> Image.Image:
    return image.rotate(17, Image.Resampling.BILINEAR)


def mirrored_and_turned(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).rotate(-33, Image.Resampling.BICUBIC)


def sharpened(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.SHARPEN)


@pytest.mark.parametrize("change", [turned, mirrored_and_turned, sharpened])
def test_variants_are_found_whatever_the_names(
    tmp_path: Path, change: Callable[[Image.Image], Image.Image]
) -> None:
    data = tmp_path / "data"
    write_phantom(data, series=6, slices=4, seed=2, image_format=ImageFormat.PNG, size=224)
    (data / "manifest.csv").unlink()
    for number, path in enumerate(sorted(data.glob("*/*.png"))):
        image = Image.open(path)
        change(image).save(path.with_name(f"copy{7 * number % 24:02}x.png"))
        path.rename(path.with_name(f"scan{number:02}x.png"))
    report, split = audit_dataset(load_dataset(data, series_needed=False))
    assert (report.families.originals, report.families.typical) == (24, 2)
    assert report.families.by_name_alike == 0
    assert split is None
    assert all((leak.same_series, leak.same_family > 0) == (0, True) for leak in report.leaks)
    _, _, leaks = report.tables()[1]
    assert {row[3] for row in leaks} == {"-"}, "nobody knows whose series are trained on"
    assert all(item.p_within is None for item in report.nuisances), "neighbours cannot be told"


def test_found_variants_stay_on_one_side_of_validation(data: Path) -> None:
    """Three series: too few to validate by series; the copies have slice numbers of their own."""
    for path in sorted(data.glob("*/*.png")):
        series, index = path.stem.split("_")
        if int(series[-4:]) >= 3:
            path.unlink()
        else:
            sharpened(Image.open(path)).save(path.with_name(f"{series}_{int(index) + 500:04}.png"))
    (data / "manifest.csv").unlink()
    report, split = audit_dataset(load_dataset(data))
    assert report.families.originals == 3 * SLICES
    assert split is not None
    assert split.validation_unit == "slice family"

    def originals(paths: tuple[str, ...]) -> set[tuple[str, int]]:
        names = (Path(path).stem.split("_") for path in paths)
        return {(series, int(index) % 500) for series, index in names}

    assert not originals(split.train) & originals(split.validation)


# Leaks of the split the data came with


def deliver(data: Path, is_test: Callable[[str, int], bool]) -> None:
    (data / "manifest.csv").unlink()
    for path in sorted(data.glob("*/*.png")):
        series, index = path.stem.split("_")
        target = data / ("val" if is_test(series, int(index)) else "train") / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    for emptied in (data / "fracture", data / "normal"):
        emptied.rmdir()


def test_delivered_split_by_images_leaks(data: Path) -> None:
    deliver(data, lambda series, index: index in (2, 7))
    report = audit(data)
    leak = report.leaks[0]
    assert (leak.split, leak.train, leak.test, leak.same_series) == ("as delivered: val", 96, 24, 24)
    assert (leak.same_family, leak.same_pixels) == (0, 0)
    assert of(report, Check.LEAK).severity is Severity.CRITICAL


def test_delivered_split_by_series_is_silent(data: Path) -> None:
    deliver(data, lambda series, index: series in ("phantom0002", "phantom0009"))
    report = audit(data)
    assert (report.leaks[0].test, report.leaks[0].same_series) == (20, 0)
    assert serious(report) == []


# Confounding


def test_all_normal_slices_in_one_series(data: Path) -> None:
    (data / "manifest.csv").unlink()
    for number, path in enumerate(sorted((data / "normal").glob("*.png"))):
        path.rename(path.with_name(f"healthy_{number:04d}.png"))
    report = audit(data)
    assert of(report, Check.SERIES).figures == {"series": 13, "fracture_only": 12}
    series = report.nuisances[0]
    assert (series.name, series.auc, series.balanced_accuracy) == ("series", 1.0, 1.0)
    assert of(report, Check.CONFOUNDING).sentence.startswith("The series alone tells the label with AUC 1.00")


def brighten_fractures(data: Path) -> None:
    spoil(data / "fracture", brighter)


def shrink_fractures(data: Path) -> None:
    spoil(data / "fracture", lambda grey: np.asarray(Image.fromarray(grey).resize((96, 96))))


def store_fractures_as_jpeg(data: Path) -> None:
    manifest = data / "manifest.csv"
    manifest.write_text(manifest.read_text().replace(".png,fracture", ".jpeg,fracture"))
    for path in sorted((data / "fracture").glob("*.png")):
        Image.open(path).save(path.with_suffix(".jpeg"), quality=95)
        path.unlink()


def window_fractures_wider(data: Path) -> None:
    spoil(data / "fracture", lambda grey: (128 + (grey.astype(np.int16) - 128) * 0.6).astype(np.uint8))


def label_by_position(data: Path) -> None:
    relabel(data, lambda series, index: index <= SLICES // 2)


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (brighten_fractures, "mean brightness"),
        (shrink_fractures, "image size"),
        (store_fractures_as_jpeg, "file format .png"),
        (label_by_position, "slice position"),
        (window_fractures_wider, "grey-level spread"),
    ],
)
def test_a_shortcut_is_named(data: Path, fault: Callable[[Path], None], name: str) -> None:
    fault(data)
    report = audit(data)
    flagged = {item.name for item in report.nuisances if item.confounds}
    assert name in flagged
    # A thumbnail shows brightness and anatomy, with the anatomy goes the brightness, and shrinking smooths noise.
    assert flagged <= {name, "thumbnail of another series", "mean brightness", "grey-level spread"}
    item = next(item for item in report.nuisances if item.name == name)
    assert item.auc_within == pytest.approx(1.0)
    assert of(report, Check.CONFOUNDING).severity is Severity.CRITICAL


@pytest.mark.parametrize(("patients", "proven"), [(4, False), (12, True)])
def test_what_is_constant_in_a_series_is_judged_by_series(data: Path, patients: int, proven: bool) -> None:
    """Fracture patients from a bright scanner: four patients may be chance, twelve are not."""
    for path in sorted(data.glob("*/*.png")):
        if int(path.stem[7:11]) >= patients:
            path.unlink()
    relabel(data, lambda series, index: int(series[-4:]) % 2 == 1)
    spoil(data / "fracture", lambda grey: np.asarray(Image.fromarray(grey).resize((96, 96))))
    report = audit(data)
    size = next(item for item in report.nuisances if item.name == "image size")
    assert (size.auc, size.auc_within, size.p_within) == (1.0, None, None)
    assert size.p_between is not None
    assert size.confounds is proven
    finding = next(item for item in report.findings if "image size" in item.sentence)
    assert finding.severity is (Severity.CRITICAL if proven else Severity.INFO)


# Data that cannot be read or divided


def test_unreadable_slices_are_named_and_left_out(data: Path) -> None:
    victim = sorted((data / "normal").glob("*.png"))[3]
    victim.write_bytes(victim.read_bytes()[:500])
    dataset = load_dataset(data)
    report, split = audit_dataset(dataset)
    assert [item.path for item in report.unreadable] == [f"normal/{victim.name}"]
    assert "truncated" in report.unreadable[0].reason
    assert serious(report) == [(Check.READING, Severity.WARNING)]
    assert report.slices == 119
    assert split is not None
    assert f"normal/{victim.name}" not in split.train + split.validation + split.test


def test_no_readable_slice_of_a_class_is_an_error(data: Path) -> None:
    for path in (data / "normal").glob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DatasetError, match=r"no readable 'normal' slice.*is empty"):
        audit(data)


def test_one_series_cannot_be_divided(data: Path) -> None:
    for path in data.glob("*/*.png"):
        if not path.name.startswith("phantom0000"):
            path.unlink()
    report, split = audit_dataset(load_dataset(data))
    assert split is None
    assert of(report, Check.SPLIT).severity is Severity.CRITICAL
    assert report.neighbours.held_out == ()
    assert report.nuisances[0].p_between is None


# The verb


def run(*arguments: object) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    register(app)
    return CliRunner().invoke(app, ["audit", *map(str, arguments)])


def test_verb_writes_report_and_split(clean: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(clean, "--out", out, "--hold-out", "phantom0004", "--seed", 3)
    assert result.exit_code == 0, result.output
    document = json.loads((out / "audit.json").read_text())
    assert (document["schema"], document["version"], document["seed"]) == ("cspine-edge/audit", 1, 3)
    split = Split.load(out / "split.json")
    assert (split.held_out, split.seed) == (("phantom0004",), 3)
    assert leak_of(load_dataset(clean), split).same_series == 0
    assert "Nothing found that speaks against this data set" in " ".join(result.output.split())

    before = (out / "audit.json").read_bytes()
    refused = run(clean, "--out", out)
    assert isinstance(refused.exception, OutputError)
    assert (out / "audit.json").read_bytes() == before
    assert run(clean, "--out", out, "--overwrite").exit_code == 0
    assert json.loads((out / "audit.json").read_text())["seed"] == 0


def test_verb_examines_a_given_split(data: Path, tmp_path: Path) -> None:
    paths = [item.path for item in load_dataset(data).slices]
    Split(Protocol.PAPER, 0, tuple(paths[::2]), (), tuple(paths[1::2])).save(tmp_path / "mine.json")
    result = run(data, "--split", tmp_path / "mine.json", "--json")
    report = json.loads(result.stdout)
    assert [leak["same_series"] for leak in report["leaks"] if leak["split"] == "mine.json"] == [60]
    assert report["findings"][0]["sentence"].startswith("The split mine.json leaks")


def test_page_stands_alone_and_shows_the_findings(data: Path, tmp_path: Path) -> None:
    write_variants(data)
    source = sorted((data / "normal").glob("phantom0000 *.png"))[0]
    shutil.copy(source, data / "normal" / "phantom0000 (99).png")
    assert run(data, "--out", tmp_path / "out").exit_code == 0
    page = (tmp_path / "out" / "audit.html").read_text()
    report = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert html.escape(report["verdict"]) in page
    assert all(html.escape(item["sentence"]) in page for item in report["findings"])
    assert page.count("data:image/png;base64,") == len(report["families"]["example"]) + 2
    assert not re.search(r"https?://|<script|<link|url\(", page)
    assert "prefers-color-scheme: dark" in page
    assert str(tmp_path) not in page


def test_page_escapes_names(data: Path, tmp_path: Path) -> None:
    (data / "manifest.csv").unlink()
    for path in sorted(data.glob("*/phantom0003_*.png")):
        path.rename(path.with_name(path.name.replace("phantom0003", "<b>&3")))
    assert run(data, "--out", tmp_path / "out").exit_code == 0
    page = (tmp_path / "out" / "audit.html").read_text()
    assert "&lt;b&gt;&amp;3" in page
    assert "<b>&3" not in page


def test_verb_prints_json_alone_and_writes_nothing(data: Path) -> None:
    before = sorted(data.parent.rglob("*"))
    result = run(data, "--json")
    assert result.exit_code == 0
    report = audit(data)
    assert json.loads(result.stdout) == json.loads(json.dumps(report.to_dict()))
    assert sorted(data.parent.rglob("*")) == before


def test_verb_prints_every_series_nuisance_and_finding(data: Path) -> None:
    write_variants(data)
    shown = " ".join(run(data).output.split())
    for expected in (
        "phantom0011",
        "mean brightness",
        "360 slices are variants of 120 originals,",
        "Warnings: 3.",
    ):
        assert expected in shown


def test_verb_goes_on_over_a_broken_slice_and_exits_with_4(data: Path, tmp_path: Path) -> None:
    sorted((data / "normal").glob("*.png"))[0].write_bytes(b"no image")
    result = run(data, "--out", tmp_path / "out")
    assert result.exit_code == 4
    assert "1 of 120 slices cannot be read" in " ".join(result.output.split())
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "audit.json",
        "audit.html",
        "split.json",
    }


def test_verb_names_a_series_that_does_not_exist(clean: Path) -> None:
    error = run(clean, "--hold-out", "phantom9999").exception
    assert isinstance(error, InputError)
    assert "no series 'phantom9999'" in str(error)


def test_audit_needs_the_device_install_only() -> None:
    code = (
        "import sys, cspine_edge.audit, cspine_edge.cli.audit\n"
        "print([name for name in ('tensorflow', 'tf_keras', 'scipy', 'sklearn') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


# The data set of the paper


def test_the_paper_s_families_under_random_names(csf: Path, tmp_path: Path) -> None:
    """Originals of 40 slices that follow each other, with all variants: nothing but the pixels tells them."""
    rng = np.random.default_rng(0)
    truth = {}
    for label in ("fracture", "normal"):
        (tmp_path / label).mkdir()
        first = {"fracture": 40, "normal": 100}[label]
        for path in sorted(csf.glob(f"*/{label}/CSFDV1B12 (*")):
            index = int(path.stem.split("(")[1].split(")")[0])
            if first <= index < first + 20:
                link = tmp_path / label / f"{rng.integers(2**60):x}x.png"
                link.symlink_to(path)
                truth[f"{label}/{link.name}"] = index
    dataset = load_dataset(tmp_path, series_needed=False)
    report, split = audit_dataset(dataset)
    assert (report.families.originals, report.families.typical) == (len(set(truth.values())), 21)
    assert len({truth[path] for path in report.families.example}) == 1
    assert split is None
    assert "give --series-pattern" in of(report, Check.SPLIT).sentence
    assert next(item for item in report.leaks if item.split == "random images").same_family > 0


def test_the_paper_s_data(csf: Path) -> None:
    report = audit(csf)
    shares = {item.series: (item.slices, round(100 * item.fractures / item.slices)) for item in report.series}
    assert shares == {
        "CSFDV1B10": (924, 23),
        "CSFDV1B11": (1155, 13),
        "CSFDV1B12": (1953, 81),
        "CSFDV1B13": (168, 100),
    }
    assert sum(len(group.paths) - 1 for group in report.duplicates) == 150
    # 200 are stored; "(15)_1" of CSFDV1B13 has the very pixels of "(15)".
    families = report.families
    assert (families.originals, families.stored_originals, families.typical) == (199, 200, 21)
    assert (families.by_name, families.by_name_alike) == (199, 199)
    for item in report.series:
        assert item.fracture_index is not None
        assert item.fracture_index[1] <= 77
        assert item.normal_index is None or 100 <= item.normal_index[0] <= item.normal_index[1] <= 150

    delivered, random, grouped = report.leaks
    assert (delivered.test, delivered.same_series) == (400, 400)
    assert (random.test, random.same_series, random.same_family) == (800, 800, 800)
    assert (grouped.same_series, grouped.same_family, grouped.same_pixels) == (0, 0, 0)

    position = next(item for item in report.nuisances if item.name == "slice position")
    assert (position.auc, position.balanced_accuracy) == (1.0, 1.0)
    assert position.confounds
    assert not next(item for item in report.nuisances if item.name == "image size").beyond_bound

    probe = report.neighbours
    assert probe.random_accuracy is not None
    assert probe.random_accuracy > 0.99
    assert all(0.35 < entry.accuracy < 0.8 for entry in probe.held_out)
    assert {item.check for item in report.findings if item.severity is Severity.CRITICAL} == {
        Check.LEAK,
        Check.CONFOUNDING,
    }


def test_the_paper_s_names_agree_with_its_manifest(csf: Path) -> None:
    """The duplicates by pixels are those that were found by another program."""
    manifest = csf.parent / "csf_manifest.csv"
    if not manifest.is_file():
        pytest.skip("needs ../shared/data/csf_manifest.csv")
    with manifest.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    truth = {f"{row['split']}/{row['label']}/{row['name']}": row for row in rows}
    report = audit(csf)
    for group in report.duplicates:
        assert len({truth[path]["pixel_sha256_L"] for path in group.paths}) == 1
    distinct = len({row["pixel_sha256_L"] for row in rows})
    assert len(rows) - distinct == sum(len(group.paths) - 1 for group in report.duplicates)

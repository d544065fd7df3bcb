"""The phantom: its truth is true, its labels are not confounded, its files are valid and repeat."""

from __future__ import annotations

import csv
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from cspine_edge.dataset import load_dataset
from cspine_edge.errors import OutputError, UsageError
from cspine_edge.phantom import (
    Fracture,
    ImageFormat,
    PhantomSeries,
    Site,
    generate_series,
    render_slice,
    write_phantom,
)
from cspine_edge.window import Window


@pytest.fixture(scope="module")
def many() -> list[PhantomSeries]:
    """A hundred small series, for what can only be seen in the mass."""
    return [generate_series(3, index, slices=10, difficulty=0.3, size=64) for index in range(100)]


@pytest.fixture(scope="module")
def dicom_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("phantom") / "dicom"
    write_phantom(out, series=2, slices=4, seed=5, difficulty=0.2, size=128)
    return out


def fractures_of(series: list[PhantomSeries]) -> list[tuple[PhantomSeries, int, Fracture]]:
    return [(s, k, f) for s in series for k, f in enumerate(s.fractures) if f is not None]


# Repeatable


def test_same_seed_gives_the_same_pixels_and_another_seed_others() -> None:
    first, again, other = (generate_series(seed, 2, slices=3, size=128) for seed in (7, 7, 8))
    assert first.volume.dtype == np.int16
    assert first.volume.shape == (3, 128, 128)
    np.testing.assert_array_equal(first.volume, again.volume)
    assert first.fractures == again.fractures
    assert first.anatomy != other.anatomy
    assert np.mean(first.volume != other.volume) > 0.5


def test_series_of_one_seed_differ() -> None:
    assert (
        generate_series(7, 0, slices=1, size=64).anatomy != generate_series(7, 1, slices=1, size=64).anatomy
    )


@pytest.mark.parametrize("image_format", list(ImageFormat))
def test_files_repeat_byte_for_byte_and_do_not_depend_on_the_number_of_series(
    tmp_path: Path, image_format: ImageFormat
) -> None:
    for name, count in (("one", 1), ("two", 2)):
        write_phantom(tmp_path / name, series=count, slices=3, seed=9, size=64, image_format=image_format)
    files = sorted(
        p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob(f"*{image_format.suffix}")
    )
    assert len(files) == 3
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


# The truth


@pytest.mark.parametrize("gap_mm", [1.5, 4.0])
@pytest.mark.parametrize("site", list(Site))
def test_the_gap_is_lucent_at_the_stated_site_and_as_wide_as_stated(
    many: list[PhantomSeries], site: Site, gap_mm: float
) -> None:
    series, k, drawn = next(item for item in fractures_of(many) if item[2].site is site)
    fracture = replace(drawn, gap_mm=gap_mm, displacement_mm=0.0)
    anatomy = replace(series.anatomy, blur_mm=0.02, field_mm=102.4, shift_mm=(0.0, 0.0))
    intact = render_slice(anatomy, series.z_mm[k])
    broken = render_slice(anatomy, series.z_mm[k], fracture)
    lost = intact - broken

    column, row = anatomy.to_pixel(fracture.x_mm, fracture.y_mm, series.z_mm[k], 512)
    assert intact[round(row), round(column)] > 120
    assert -110 < broken[round(row), round(column)] < 100

    across = math.radians(fracture.angle_deg + 90 + anatomy.rotation_deg)
    steps = np.arange(-5, 5, 0.05) / 0.2
    rows = np.rint(row + steps * math.sin(across)).astype(int)
    columns = np.rint(column + steps * math.cos(across)).astype(int)
    assert np.mean(lost[rows, columns] > 60) * 10 == pytest.approx(gap_mm, abs=0.45)

    far = np.hypot(*np.indices(lost.shape) - np.reshape((row, column), (2, 1, 1))) * 0.2
    assert not lost[far > math.hypot(fracture.half_length_mm, gap_mm) + 1].any()


def test_every_fracture_takes_bone_away(many: list[PhantomSeries]) -> None:
    found = fractures_of(many)
    assert {fracture.site for _, _, fracture in found} == set(Site)
    for series, k, fracture in found[::12]:
        still = replace(fracture, displacement_mm=0.0)
        lost = render_slice(series.anatomy, series.z_mm[k], size=256)
        lost -= render_slice(series.anatomy, series.z_mm[k], still, size=256)
        spacing = series.anatomy.field_mm / 256
        assert lost.min() > -1
        assert (
            lost.sum() * spacing**2 > 150 * 3 * fracture.gap_mm
        )  # over 3 mm long where bone is 150 HU above soft


def test_displacement_moves_one_side_of_the_crack(many: list[PhantomSeries]) -> None:
    series, k, drawn = next(item for item in fractures_of(many) if item[2].site is Site.SPINOUS)
    height, anatomy = series.z_mm[k], replace(series.anatomy, rotation_deg=0.0)
    images = [
        render_slice(anatomy, height, replace(drawn, gap_mm=1.0, displacement_mm=d, angle_deg=0.0))
        for d in (0.0, 2.0)
    ]
    spacing = anatomy.field_mm / 512
    _, row = anatomy.to_pixel(drawn.x_mm, drawn.y_mm, height, 512)

    def middle(image: np.ndarray, y_mm: float) -> float:
        weights = np.maximum(image[round(row + y_mm / spacing)] - 200, 0)
        return float((weights * np.arange(512)).sum() / weights.sum() * spacing)

    assert middle(images[1], 2.5) - middle(images[0], 2.5) == pytest.approx(2.0, abs=0.3)
    assert middle(images[1], -2.5) == pytest.approx(middle(images[0], -2.5), abs=0.05)


def test_tissues_have_credible_densities() -> None:
    series = generate_series(1, 0, slices=1, fractured=False, difficulty=0.0)
    volume, anatomy, height = series.volume, series.anatomy, series.z_mm[0]

    def hu(x_mm: float, y_mm: float) -> float:
        column, row = (round(value) for value in anatomy.to_pixel(x_mm, y_mm, height, 512))
        return float(volume[0, row - 2 : row + 3, column - 2 : column + 3].mean())

    assert volume[0, 0, 0] == pytest.approx(-1000, abs=60)
    assert 150 < hu(0, -8) < 550  # cancellous bone
    assert 0 < hu(0, 7) < 80  # cord
    assert 20 < hu(12, 30) < 90  # muscle
    assert volume.max() > 800  # cortex


# Nothing but the fracture tells the label


def test_without_its_fractures_a_series_is_the_same_elsewhere() -> None:
    broken, intact = (generate_series(4, 1, slices=6, fractured=f, size=256) for f in (True, False))
    assert broken.anatomy == intact.anatomy
    assert intact.fractures == (None,) * 6
    for k, fracture in enumerate(broken.fractures):
        changed = np.argwhere(broken.volume[k] != intact.volume[k])
        if fracture is None:
            assert len(changed) == 0
            continue
        column, row = broken.anatomy.to_pixel(fracture.x_mm, fracture.y_mm, broken.z_mm[k], 256)
        distance = np.hypot(*(changed - (row, column)).T) * broken.pixel_spacing_mm
        assert len(changed) > 20
        assert distance.max() < 2 * (fracture.half_length_mm + 1) + fracture.gap_mm + 3


def test_half_of_the_slices_are_fractured(many: list[PhantomSeries]) -> None:
    assert all(sum(f is not None for f in series.fractures) == 5 for series in many)
    odd = [sum(f is not None for f in generate_series(1, k, slices=1, size=64).fractures) for k in range(200)]
    assert 70 < sum(odd) < 130


@pytest.mark.parametrize(
    "measure",
    [
        lambda series, k: k,
        lambda series, k: series.z_mm[k],
        lambda series, k: series.volume[k].mean(),
        lambda series, k: np.clip(series.volume[k], -500, 1300).mean(),
        lambda series, k: np.diff(series.volume[k], axis=0).std(),
    ],
    ids=["position", "height", "brightness", "brightness in the window", "noise"],
)
def test_no_global_measure_tells_the_label(many: list[PhantomSeries], measure) -> None:
    values = np.array([measure(series, k) for series in many for k in range(10)])
    label = np.array([fracture is not None for series in many for fracture in series.fractures])[
        np.argsort(values)
    ]
    balanced = np.cumsum(label) / label.sum() / 2 + 0.5 - np.cumsum(~label) / (~label).sum() / 2
    ties = np.diff(np.sort(values), append=np.inf) > 0
    assert np.abs(balanced[ties] - 0.5).max() < 0.06


# The dial


def test_difficulty_narrows_gaps_and_adds_noise_blur_and_imitations() -> None:
    means = []
    for difficulty in (0.0, 0.25, 0.5, 0.75, 1.0):
        drawn = [generate_series(2, k, slices=2, difficulty=difficulty, size=64) for k in range(12)]
        gaps = [fracture.gap_mm for _, _, fracture in fractures_of(drawn)]
        moved = [fracture.displacement_mm for _, _, fracture in fractures_of(drawn)]
        quality = [(-s.anatomy.noise_hu, -s.anatomy.blur_mm, -s.anatomy.vessel) for s in drawn]
        means.append((np.mean(gaps), np.mean(moved), *np.mean(quality, axis=0)))
        if difficulty == 0:
            assert 4 <= min(gaps) <= max(gaps) <= 6
        if difficulty == 1:
            assert 0.5 <= min(gaps) <= max(gaps) <= 1
    assert (np.diff(means, axis=0) < 0).all()


def test_measured_noise_follows_the_anatomy() -> None:
    series = generate_series(6, 0, slices=1, fractured=False, difficulty=0.5)
    residue = series.volume[0] - render_slice(series.anatomy, series.z_mm[0])
    inside = residue[200:300, 200:300]
    assert inside.std() == pytest.approx(series.anatomy.noise_hu, rel=0.05)
    assert np.corrcoef(inside[:, 1:].ravel(), inside[:, :-1].ravel())[0, 1] > 0.3


@pytest.mark.parametrize(
    "wrong",
    [{"difficulty": 1.1}, {"slices": 0}, {"seed": -1}, {"index": -1}, {"size": 32}, {"difficulty": math.nan}],
)
def test_numbers_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(UsageError, match="phantom needs"):
        generate_series(**{"seed": 0, "index": 0, "slices": 1, "size": 64, **wrong})


# Files


def test_dicom_is_a_valid_ct_image_in_hu(dicom_folder: Path) -> None:
    images = [pydicom.dcmread(path) for path in sorted(dicom_folder.rglob("*.dcm"))]
    assert len(images) == 8
    for image in images:
        assert image.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
        assert image.file_meta.MediaStorageSOPInstanceUID == image.SOPInstanceUID
        assert image.SOPClassUID == pydicom.uid.CTImageStorage
        assert image.PhotometricInterpretation == "MONOCHROME2"
        assert (image.WindowCenter, image.WindowWidth) == (400, 1800)
        assert image.ImageOrientationPatient == [1, 0, 0, 0, 1, 0]
        assert "ynthetic" in image.ImageComments
        index = int(image.PatientName.given_name)
        drawn = generate_series(5, index, slices=4, difficulty=0.2, size=128)
        hu = image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)
        np.testing.assert_array_equal(hu, drawn.volume[image.InstanceNumber - 1])
        assert float(image.PixelSpacing[0]) == pytest.approx(drawn.pixel_spacing_mm, abs=1e-6)
        assert float(image.SliceThickness) == pytest.approx(drawn.thickness_mm, abs=1e-6)
        for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
            assert pydicom.uid.UID(image[keyword].value).is_valid
    assert len({image.SOPInstanceUID for image in images}) == 8
    assert len({image.SeriesInstanceUID for image in images}) == 2
    assert len({image.StudyInstanceUID for image in images}) == 2


def test_slices_of_a_series_are_stacked_evenly(dicom_folder: Path) -> None:
    images = [pydicom.dcmread(path) for path in dicom_folder.rglob("phantom0000_*.dcm")]
    images.sort(key=lambda image: image.InstanceNumber)
    heights = np.array([float(image.ImagePositionPatient[2]) for image in images])
    np.testing.assert_allclose(np.diff(heights), -float(images[0].SliceThickness), atol=1e-5)


def test_other_pixels_have_other_uids(tmp_path: Path, dicom_folder: Path) -> None:
    write_phantom(tmp_path / "harder", series=1, slices=4, seed=5, difficulty=0.3, size=128)
    uids = {
        pydicom.dcmread(path).SOPInstanceUID
        for folder in (dicom_folder, tmp_path / "harder")
        for path in folder.rglob("*.dcm")
    }
    assert len(uids) == 12


def test_the_manifest_states_the_truth_about_each_file(dicom_folder: Path) -> None:
    with (dicom_folder / "manifest.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["path"] for row in rows} == {
        path.relative_to(dicom_folder).as_posix() for path in dicom_folder.rglob("*.dcm")
    }
    drawn = [generate_series(5, index, slices=4, difficulty=0.2, size=128) for index in range(2)]
    for row in rows:
        series, k = drawn[int(row["series"].removeprefix("phantom"))], int(row["slice_index"]) - 1
        fracture = series.fractures[k]
        assert row["label"] == ("normal" if fracture is None else "fracture") == row["path"].split("/")[0]
        assert float(row["pixel_spacing_mm"]) == pytest.approx(series.pixel_spacing_mm, abs=1e-6)
        assert float(row["noise_hu"]) == pytest.approx(series.anatomy.noise_hu, abs=0.01)
        assert (row["seed"], row["difficulty"]) == ("5", "0.2")
        if fracture is None:
            assert (row["site"], row["gap_mm"], row["displacement_mm"]) == ("", "", "")
            continue
        assert row["site"] == fracture.site.value
        assert float(row["gap_mm"]) == pytest.approx(fracture.gap_mm, abs=1e-3)
        assert float(row["displacement_mm"]) == pytest.approx(fracture.displacement_mm, abs=1e-3)
        middle = series.anatomy.to_pixel(fracture.x_mm, fracture.y_mm, series.z_mm[k], 128)
        assert (float(row["column"]), float(row["row"])) == pytest.approx(middle, abs=0.01)


def test_png_is_the_windowed_slice(tmp_path: Path) -> None:
    window = Window(300, 1500)
    written = write_phantom(
        tmp_path / "png", series=1, slices=4, seed=5, size=128, image_format=ImageFormat.PNG, window=window
    )
    drawn = generate_series(5, 0, slices=4, size=128)
    for item in written.slices:
        with Image.open(written.folder / item.path) as image:
            assert image.mode == "L"
            grey = np.asarray(image)
        hu = drawn.volume[item.slice_index - 1].astype(float)
        exact = np.clip(((hu - (300 - 0.5)) / (1500 - 1) + 0.5) * 255, 0, 255)  # PS3.3 C.11.2.1.2.1
        assert np.abs(grey - exact).max() <= 0.5
        np.testing.assert_array_equal(grey, window.apply(hu))


@pytest.mark.parametrize("image_format", list(ImageFormat))
def test_the_toolkit_reads_what_it_wrote(tmp_path: Path, image_format: ImageFormat) -> None:
    written = write_phantom(tmp_path / "out", series=3, slices=4, seed=1, size=64, image_format=image_format)
    dataset = load_dataset(written.folder)
    assert written.describe() == "12 slices (6 normal, 6 fracture) of 3 series" == dataset.describe()
    truth = {item.path: item for item in written.slices}
    for item in dataset.slices:
        assert (item.series, item.slice_index) == (truth[item.path].series, truth[item.path].slice_index)


def test_some_series_can_be_wholly_normal(tmp_path: Path) -> None:
    written = write_phantom(tmp_path / "out", series=20, slices=2, seed=1, size=64, intact_share=0.5)
    broken = {item.series for item in written.slices if item.label == "fracture"}
    assert 5 <= len(broken) <= 15
    assert len({item.series for item in written.slices}) == 20
    with pytest.raises(UsageError, match="share"):
        write_phantom(tmp_path / "none", series=1, slices=1, seed=1, intact_share=1.5)


def test_progress_is_told_after_each_series(tmp_path: Path) -> None:
    told: list[int] = []
    write_phantom(tmp_path / "out", series=3, slices=1, seed=1, size=64, on_series=told.append)
    assert told == [0, 1, 2]


def test_an_existing_output_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    for out in (tmp_path, tmp_path / "precious.txt"):
        with pytest.raises(OutputError, match="exists already"):
            write_phantom(out, series=1, slices=1, seed=1, size=64)
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_phantom(tmp_path / "out", series=1, slices=2, seed=1, size=64)
    assert (tmp_path / "out" / "manifest.csv").is_file()


def test_an_unwritable_place_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_phantom(tmp_path / "file" / "out", series=1, slices=1, seed=1, size=64)


def test_nothing_is_left_of_a_phantom_that_was_broken_off(tmp_path: Path) -> None:
    def stop(index: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_phantom(tmp_path / "out", series=2, slices=1, seed=1, size=64, on_series=stop)
    assert list(tmp_path.iterdir()) == []


def test_two_hundred_full_size_slices_take_well_under_a_minute() -> None:
    start = time.process_time()
    generate_series(1, 0, slices=5)
    assert (time.process_time() - start) / 5 * 200 < 60

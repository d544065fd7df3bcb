"""Labelled data sets: the layouts that are read, where the series come from, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from ct_files import shipped
from PIL import Image

from cspine_edge.dataset import (
    LABELS,
    LabelledDataset,
    LabelledSlice,
    load_dataset,
    load_images,
    read_labelled_slice,
)
from cspine_edge.errors import DatasetError, SliceError, UsageError
from cspine_edge.preprocess import Preprocessing, prepare
from cspine_edge.slices import read_slices
from cspine_edge.window import Window


def write(folder: Path, *names: str) -> Path:
    """Small grey pictures, each another."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), number, np.uint8)).save(path)
    return folder


def described(dataset: LabelledDataset) -> dict[str, tuple[int, str, int | None]]:
    return {item.path: (item.label, item.series, item.slice_index) for item in dataset.slices}


# Layouts


def test_two_folders(tmp_path: Path) -> None:
    write(tmp_path, "fracture/a_1.png", "normal/a_2.png", "normal/b_10.png", "other/c_1.png")
    dataset = load_dataset(tmp_path)
    assert described(dataset) == {
        "normal/a_2.png": (0, "a", 2),
        "normal/b_10.png": (0, "b", 10),
        "fracture/a_1.png": (1, "a", 1),
    }
    assert dataset.labels.tolist() == [0, 0, 1]
    assert dataset.series.tolist() == ["a", "b", "a"]
    assert dataset.path_of(dataset.slices[0]) == tmp_path / "normal" / "a_2.png"
    assert dataset.describe() == "3 slices (2 normal, 1 fracture) of 2 series"
    assert LABELS == ("normal", "fracture")


def test_the_folders_may_lie_below_a_delivered_split(tmp_path: Path) -> None:
    write(tmp_path, "train/fracture/a_1.png", "val/normal/a_2.png", "test/fracture/b_1.png", "normal/c_1.png")
    dataset = load_dataset(tmp_path)
    assert {item.path: item.folder for item in dataset.slices} == {
        "normal/c_1.png": None,
        "train/fracture/a_1.png": "train",
        "val/normal/a_2.png": "val",
        "test/fracture/b_1.png": "test",
    }


def test_a_csv_names_files_labels_and_series(tmp_path: Path) -> None:
    write(tmp_path, "x/one.png", "x/two.png", "p_3.png")
    table = tmp_path / "labels.csv"
    table.write_text(
        "\ufeffpath,label,series,slice_index,remark\n"
        "x/one.png,fracture,P1,7,good\nx/two.png, 0 ,P1,,\np_3.png,NORMAL,,\n",
        encoding="utf-8",
    )
    assert described(load_dataset(table)) == {
        "x/one.png": (1, "P1", 7),
        "x/two.png": (0, "P1", None),
        "p_3.png": (0, "p", 3),
    }


def test_a_manifest_beside_the_slices_names_their_series(tmp_path: Path) -> None:
    write(tmp_path, "fracture/x.png", "normal/y.png", "normal/b_2.png")
    (tmp_path / "manifest.csv").write_text("path,series,slice_index\nfracture/x.png,P,3\nnormal/y.png,P,4\n")
    assert described(load_dataset(tmp_path)) == {
        "fracture/x.png": (1, "P", 3),
        "normal/y.png": (0, "P", 4),
        "normal/b_2.png": (0, "b", 2),
    }


# Series


@pytest.mark.parametrize(
    ("name", "series", "index"),
    [
        ("CSFDV1B10 (18)-rotated3.png", "CSFDV1B10", 18),
        ("CSFDV1B10 (18).png", "CSFDV1B10", 18),
        ("patient07_0012.png", "patient07", 12),
        ("patient-07-12.png", "patient-07", 12),
        ("patient 7.12.png", "patient 7", 12),
    ],
)
def test_the_series_is_in_the_file_name(tmp_path: Path, name: str, series: str, index: int) -> None:
    write(tmp_path, f"fracture/{name}", "normal/z_1.png")
    assert described(load_dataset(tmp_path))[f"fracture/{name}"] == (1, series, index)


def test_variants_of_one_slice_are_a_family(tmp_path: Path) -> None:
    names = ["S (1).png", "S (1)-rotated1.png", "S (2).png"]
    write(tmp_path, *(f"fracture/{name}" for name in names), "normal/z_1.png")
    families = [item.family for item in load_dataset(tmp_path).slices if item.series == "S"]
    assert sorted(families) == [("S", "1"), ("S", "1"), ("S", "2")]
    assert LabelledSlice("a/b.png", 0, "S").family == ("S", "a/b.png")


def test_a_pattern_of_the_caller_comes_instead(tmp_path: Path) -> None:
    write(tmp_path, "fracture/7x12.png", "normal/8xlast.png")
    dataset = load_dataset(tmp_path, series_pattern=r"^(?P<series>\d+)x(?P<index>\w+)$")
    assert described(dataset) == {"normal/8xlast.png": (0, "8", None), "fracture/7x12.png": (1, "7", 12)}
    with pytest.raises(DatasetError, match="its CT series cannot be told"):
        load_dataset(tmp_path, series_pattern=r"^(?P<series>q)?")


@pytest.mark.parametrize("pattern", ["([", "(?P<patient>.*)", "(?P<series"])
def test_patterns_without_a_series_are_wrong_usage(tmp_path: Path, pattern: str) -> None:
    write(tmp_path, "fracture/a_1.png", "normal/a_2.png")
    with pytest.raises(UsageError, match="--series-pattern"):
        load_dataset(tmp_path, series_pattern=pattern)


def test_dicom_names_its_own_series(phantom_data: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(phantom_data, tmp_path / "data"))
    (folder / "manifest.csv").unlink()
    dataset = load_dataset(folder)
    for item in dataset.slices:
        header = pydicom.dcmread(dataset.path_of(item), stop_before_pixels=True)
        assert item.series == header.SeriesInstanceUID
        assert item.slice_index == header.InstanceNumber


def test_dicom_without_preamble_names_its_own_series(tmp_path: Path) -> None:
    header = pydicom.dcmread(shipped("CT_small.dcm"))
    for label in LABELS:
        (tmp_path / label).mkdir()
    (tmp_path / "normal" / "IMAGE.dcm").write_bytes(shipped("CT_small.dcm").read_bytes()[132:])
    bare = tmp_path / "fracture" / "IMAGE.dcm"  # nor with file meta information
    pydicom.Dataset(header).save_as(bare, implicit_vr=True, little_endian=True)
    series, index = header.SeriesInstanceUID, header.InstanceNumber
    assert described(load_dataset(tmp_path)) == {
        "normal/IMAGE.dcm": (0, series, index),
        "fracture/IMAGE.dcm": (1, series, index),
    }


def test_damaged_dicom_headers_fall_back_to_the_file_name(phantom_data: Path, tmp_path: Path) -> None:
    source = sorted(phantom_data.rglob("*.dcm"))[0].read_bytes()
    rng = np.random.default_rng(0)
    write(tmp_path, "normal/b_1.png")
    (tmp_path / "fracture").mkdir()
    for _ in range(40):
        damaged = np.frombuffer(source, np.uint8).copy()
        damaged[rng.integers(132, 1200, 20)] = rng.integers(0, 256, 20)
        (tmp_path / "fracture" / "a_1.dcm").write_bytes(damaged.tobytes())
        assert len(load_dataset(tmp_path)) == 2
    (tmp_path / "fracture" / "a_1.dcm").write_bytes(b"")
    assert described(load_dataset(tmp_path))["fracture/a_1.dcm"] == (1, "a", 1)


# Refusals


def test_missing_empty_and_one_sided_data_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="missing: does not exist"):
        load_dataset(tmp_path / "missing")
    with pytest.raises(DatasetError, match="expected folders 'fracture' and 'normal'"):
        load_dataset(tmp_path)
    (tmp_path / "fracture").mkdir()
    with pytest.raises(DatasetError, match="fracture: holds no slices"):
        load_dataset(tmp_path)
    write(tmp_path, "fracture/a_1.png")
    with pytest.raises(DatasetError, match="has no 'normal' slices; both classes are needed"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no column 'label'"),
        ("path,class\n", "has no column 'label'"),
        ("path,label\n", "holds no slices"),
        ("path,label\na_1.png,broken\n", "line 2: label 'broken' is neither"),
        ("path,label\na_1.png,1\nb_1.png,\n", "line 3: label '' is neither"),
        ("path,label\nc_1.png,1\n", "line 2: no file at 'c_1.png'"),
        ("path,label\na_1.png,1\na_1.png,0\n", "line 3: 'a_1.png' is listed twice"),
        ("path,label\na_1.png,1\n", "has no 'normal' slices"),
        ("path,label\nx.png,1\nb_1.png,0\n", "x.png: its CT series cannot be told"),
    ],
)
def test_tables_that_do_not_describe_data_are_named(tmp_path: Path, text: str, reason: str) -> None:
    write(tmp_path, "a_1.png", "b_1.png", "x.png")
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(DatasetError, match=reason):
        load_dataset(tmp_path / "labels.csv")


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n" + bytes(20), b"\xff\xfe\x00", b"path,label\n\x00,\xe9\n"]
)
def test_a_file_that_is_no_table_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=r"labels\.csv: "):
        load_dataset(tmp_path / "labels.csv")


# Parts and fingerprints


def test_a_subset_keeps_the_given_order(tmp_path: Path) -> None:
    write(tmp_path, "fracture/a_1.png", "normal/a_2.png", "normal/b_1.png")
    dataset = load_dataset(tmp_path)
    part = dataset.subset(["normal/b_1.png", "fracture/a_1.png"])
    assert [item.path for item in part.slices] == ["normal/b_1.png", "fracture/a_1.png"]
    assert part.labels.tolist() == [0, 1]
    with pytest.raises(DatasetError, match="named by the split but is not in the data set"):
        dataset.subset(["normal/c_1.png"])


def test_the_fingerprint_is_of_names_labels_and_bytes(tmp_path: Path) -> None:
    write(tmp_path / "one", "fracture/a_1.png", "normal/a_2.png")
    first = load_dataset(tmp_path / "one").fingerprint()
    shutil.copytree(tmp_path / "one", tmp_path / "same")
    assert load_dataset(tmp_path / "same").fingerprint() == first
    (tmp_path / "same" / "normal" / "a_2.png").rename(tmp_path / "same" / "normal" / "a_3.png")
    assert load_dataset(tmp_path / "same").fingerprint() != first
    with (tmp_path / "one" / "normal" / "a_2.png").open("ab") as stream:
        stream.write(b"\0")
    assert load_dataset(tmp_path / "one").fingerprint() != first


# Images


def test_images_are_those_of_the_one_way_in(phantom_data: Path) -> None:
    dataset = load_dataset(phantom_data)
    spec = Preprocessing(48, 64, 3, Window(400, 1800))
    seen: list[None] = []
    images = load_images(dataset, spec, lambda: seen.append(None))
    assert (images.shape, images.dtype) == ((48, 48, 64), np.uint8)
    assert len(seen) == 48
    for position in (0, 17, 47):
        (slice_,) = read_slices(dataset.path_of(dataset.slices[position]))
        np.testing.assert_array_equal(images[position], prepare(slice_, spec).image)


def test_a_broken_slice_stops_it(tmp_path: Path) -> None:
    write(tmp_path, "fracture/a_1.png", "normal/a_2.png")
    (tmp_path / "normal" / "a_3.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(SliceError, match=r"a_3\.png"):
        load_images(load_dataset(tmp_path), Preprocessing(8, 8))


def test_csv_is_remembered_as_the_source(phantom_data: Path, tmp_path: Path) -> None:
    """A run names what its data were read from; the folder of a CSV file is another data set, or none."""
    table = phantom_data.parent / "table.csv"
    rows = [
        f"phantom/{path.parent.name}/{path.name},{path.parent.name}"
        for path in sorted(phantom_data.rglob("*.dcm"))
    ]
    table.write_text("path,label\n" + "\n".join(rows) + "\n")
    from_csv = load_dataset(table)
    assert from_csv.source == table
    assert from_csv.subset([from_csv.slices[0].path]).source == table
    assert len(load_dataset(from_csv.source)) == len(rows)


def test_dicom_files_named_by_uid_keep_their_series(phantom_data: Path, tmp_path: Path) -> None:
    import pydicom

    expected = load_dataset(phantom_data)
    for path in phantom_data.rglob("*.dcm"):
        folder = tmp_path / path.parent.name
        folder.mkdir(exist_ok=True)
        (folder / str(pydicom.dcmread(path).SOPInstanceUID)).write_bytes(path.read_bytes())
    found = load_dataset(tmp_path)
    assert sorted(set(found.series.tolist())) == sorted(set(expected_uids(phantom_data)))
    assert len(found) == len(expected)


def expected_uids(folder: Path) -> list[str]:
    import pydicom

    return [str(pydicom.dcmread(path).SeriesInstanceUID) for path in folder.rglob("*.dcm")]


def test_a_pattern_that_takes_ages_is_wrong_usage(tmp_path: Path) -> None:
    write(tmp_path, "fracture/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab.png", "normal/a.png")
    with pytest.raises(UsageError, match=r"takes more than 2 s on 'aaaa.*; give a simpler --series-pattern"):
        load_dataset(tmp_path, series_pattern=r"^(?P<series>(a+)+)$")


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 19])
def test_a_number_that_is_none_is_no_slice_index(tmp_path: Path, number: str) -> None:
    write(tmp_path, "a.png", "b.png")
    table = tmp_path / "d.csv"
    table.write_text(f"path,label,series,slice_index\na.png,fracture,s,{number}\nb.png,normal,s,7\n")
    assert [item.slice_index for item in load_dataset(table).slices] == [None, 7]


def test_a_file_of_many_frames_is_refused_at_its_first(phantom_data: Path, tmp_path: Path) -> None:
    import pydicom

    path = tmp_path / "two.dcm"
    header = pydicom.dcmread(next(phantom_data.rglob("*.dcm")))
    header.NumberOfFrames = 2
    header.PixelData = header.PixelData + bytes(len(header.PixelData))
    header.save_as(path)
    with pytest.raises(SliceError, match="has 2 frames"):
        read_labelled_slice(path)

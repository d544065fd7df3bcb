"""The calibration set: balanced, drawn from what it is given only, and written down."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from calibration.representative import choose_representative
from cspine_edge.dataset import LabelledDataset, LabelledSlice
from cspine_edge.errors import DatasetError, OutputError


def dataset(root: Path, sizes: dict[tuple[int, str], int], variants: int = 3) -> LabelledDataset:
    """Files of so many original slices per (label, series), each with some variants."""
    items = []
    for (label, series), count in sizes.items():
        for index in range(count):
            for variant in range(variants):
                path = f"{label}/{series}_{index}-{variant}.png"
                (root / path).parent.mkdir(exist_ok=True)
                (root / path).write_text(path)
                items.append(LabelledSlice(path, label, series, index))
    return LabelledDataset(root, tuple(items))


SIZES = {(0, "a"): 9, (0, "b"): 3, (1, "a"): 2, (1, "b"): 9, (1, "c"): 9}


def test_classes_are_balanced_and_series_take_turns(tmp_path: Path) -> None:
    chosen = choose_representative(dataset(tmp_path, SIZES), size=24).slices
    assert len(chosen) == len({item.path for item in chosen}) == 24
    assert Counter(item.label for item in chosen) == {"normal": 12, "fracture": 12}
    series = Counter(item.series for item in chosen)
    assert max(series.values()) - min(series.values()) <= 2
    assert list(chosen) == sorted(chosen, key=lambda item: item.path)


def test_other_originals_come_before_variants(tmp_path: Path) -> None:
    data = dataset(tmp_path, {(0, "a"): 6, (1, "a"): 6}, variants=5)
    families = {item.path: item.family for item in data.slices}
    chosen = choose_representative(data, size=12).slices
    assert len({(item.label, families[item.path]) for item in chosen}) == 12


def test_an_exhausted_class_leaves_its_turns_to_the_other(tmp_path: Path) -> None:
    data = dataset(tmp_path, {(0, "a"): 1, (1, "a"): 8}, variants=1)
    chosen = choose_representative(data, size=6).slices
    assert Counter(item.label for item in chosen) == {"normal": 1, "fracture": 5}
    everything = choose_representative(data, size=100).slices
    assert {item.path for item in everything} == {item.path for item in data.slices}


def test_only_what_is_passed_can_be_chosen(tmp_path: Path) -> None:
    whole = dataset(tmp_path, SIZES)
    train = whole.subset([item.path for item in whole.slices if item.series != "b"])
    chosen = choose_representative(train, size=500).slices
    assert {item.series for item in chosen} == {"a", "c"}


def test_the_seed_decides_and_repeats(tmp_path: Path) -> None:
    data = dataset(tmp_path, SIZES)
    assert choose_representative(data, size=8, seed=1) == choose_representative(data, size=8, seed=1)
    assert (
        choose_representative(data, size=8, seed=1).sha256
        != choose_representative(data, size=8, seed=2).sha256
    )


def test_the_manifest_names_each_file_with_its_hash(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    data = dataset(tmp_path / "data", SIZES)
    manifest = choose_representative(data, size=5, seed=3)
    manifest.save(tmp_path / "calibration.json")
    content = (tmp_path / "calibration.json").read_bytes()
    assert manifest.sha256 == hashlib.sha256(content).hexdigest()
    document = json.loads(content)
    assert document["seed"] == 3
    for entry in document["slices"]:
        assert entry["sha256"] == hashlib.sha256((data.root / entry["path"]).read_bytes()).hexdigest()
        assert entry["label"] in ("normal", "fracture")
    with pytest.raises(OutputError):
        manifest.save(tmp_path / "calibration.json")


def test_a_changed_file_changes_the_hash(tmp_path: Path) -> None:
    data = dataset(tmp_path, {(0, "a"): 1, (1, "a"): 1}, variants=1)
    before = choose_representative(data).sha256
    data.path_of(data.slices[0]).write_text("another slice")
    assert choose_representative(data).sha256 != before


def test_nothing_to_choose_from_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no training slices"):
        choose_representative(LabelledDataset(tmp_path, ()))

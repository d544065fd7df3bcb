"""Splits: nothing of a held-out series is trained on, and the paper's protocol says what it leaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cspine_edge.dataset import LabelledDataset, LabelledSlice
from cspine_edge.errors import DatasetError, OutputError
from cspine_edge.splits import Protocol, Split, grouped_split, leak_of, paper_split


def dataset(series: int, slices: int = 6, variants: int = 2, *, pure: bool = False) -> LabelledDataset:
    """``series`` series; each original slice has some variants. Series are of one class if ``pure``."""
    items = [
        LabelledSlice(
            f"{number}/{index}-{variant}.png", (number if pure else index) % 2, f"s{number:02}", index
        )
        for number in range(series)
        for index in range(slices)
        for variant in range(variants)
    ]
    return LabelledDataset(Path("data"), tuple(items))


def series_of(data: LabelledDataset, paths: tuple[str, ...]) -> set[str]:
    return {item.series for item in data.subset(paths).slices}


def families_of(data: LabelledDataset, paths: tuple[str, ...]) -> set[tuple[str, str]]:
    return {item.family for item in data.subset(paths).slices}


# Grouped


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("count", [2, 5, 12])
def test_no_series_is_on_both_sides(seed: int, count: int) -> None:
    data = dataset(count)
    split = grouped_split(data, seed)
    assert series_of(data, split.test) == set(split.held_out)
    assert not series_of(data, split.test) & series_of(data, split.train + split.validation)
    assert sorted(split.train + split.validation + split.test) == sorted(item.path for item in data.slices)
    assert leak_of(data, split).same_series == 0
    assert str(leak_of(data, split)).startswith("no leak")
    assert {item.label for item in data.subset(split.train).slices} == {0, 1}


def test_enough_series_validate_as_a_whole() -> None:
    data = dataset(12)
    split = grouped_split(data, 0)
    assert split.validation_unit == "series"
    assert not series_of(data, split.validation) & series_of(data, split.train)
    assert len(split.held_out) == round(0.2 * 12)
    assert len(series_of(data, split.validation)) == 2


def test_few_series_validate_by_families_of_variants() -> None:
    data = dataset(4)
    split = grouped_split(data, 0)
    assert split.validation_unit == "slice family"
    assert split.validation
    assert not families_of(data, split.validation) & families_of(data, split.train)
    assert {item.label for item in data.subset(split.validation).slices} == {0, 1}


def test_the_first_held_out_series_has_both_classes_if_any_has() -> None:
    mixed = [LabelledSlice(f"m/{index}.png", index % 2, "mixed", index) for index in range(6)]
    for seed in range(10):
        data = LabelledDataset(Path("data"), (*dataset(4, pure=True).slices, *mixed))
        assert grouped_split(data, seed).held_out == ("mixed",)


def test_named_series_are_held_out() -> None:
    split = grouped_split(dataset(5), 3, ("s04", "s01"))
    assert split.held_out == ("s01", "s04")
    assert split.protocol is Protocol.GROUPED


def test_the_seed_decides_and_repeats() -> None:
    data = dataset(12)
    assert grouped_split(data, 1) == grouped_split(data, 1)
    assert len({grouped_split(data, seed).held_out for seed in range(10)}) > 1


def test_what_cannot_be_held_out_is_said() -> None:
    with pytest.raises(DatasetError, match="has no series 's9'; it has s00, s01"):
        grouped_split(dataset(2), 0, ("s9",))
    with pytest.raises(DatasetError, match="has only one series"):
        grouped_split(dataset(1), 0)
    with pytest.raises(DatasetError, match="leaves one class only to train on when s01 is held out"):
        grouped_split(dataset(2, pure=True), 0, ("s01",))
    with pytest.raises(DatasetError, match="leaves one class only"):
        grouped_split(dataset(2), 0, ("s00", "s01"))


# The paper's


def test_the_paper_s_split_is_balanced_in_its_proportion_and_leaks() -> None:
    data = dataset(4, slices=21, variants=10)  # 840 slices, 440 normal and 400 fracture
    split = paper_split(data, 0)
    train, test = data.subset(split.train), data.subset(split.test)
    assert (train.labels == 1).sum() == (train.labels == 0).sum() == 324
    assert (test.labels == 1).sum() == (test.labels == 0).sum() == 76
    assert split.validation == ()
    assert not set(split.train) & set(split.test)
    leak = leak_of(data, split)
    assert leak.test == leak.same_series == 152
    assert leak.same_family > 140
    assert str(leak).startswith("LEAK: 152 of 152 test slices")


def test_the_paper_s_numbers_are_drawn_from_enough_slices() -> None:
    split = paper_split(dataset(1, slices=2200, variants=2), 0)
    assert (len(split.train), len(split.test)) == (3400, 800)
    assert paper_split(dataset(1, slices=2200, variants=2), 0) == split
    assert paper_split(dataset(1, slices=2200, variants=2), 1) != split


def test_one_slice_per_class_cannot_be_divided() -> None:
    with pytest.raises(DatasetError, match="too few slices per class"):
        paper_split(dataset(1, slices=2, variants=1), 0)


def test_a_leak_through_validation_counts() -> None:
    data = dataset(2, variants=1)
    split = Split(Protocol.GROUPED, 0, ("0/0-0.png",), ("1/0-0.png",), ("1/1-0.png", "1/0-0.png"))
    assert (leak_of(data, split).same_series, leak_of(data, split).same_family) == (2, 1)


# Files


def test_round_trip(tmp_path: Path) -> None:
    split = grouped_split(dataset(5), 3)
    split.save(tmp_path / "split.json")
    assert Split.load(tmp_path / "split.json") == split
    with pytest.raises(OutputError, match="exists already"):
        split.save(tmp_path / "split.json")


def test_the_file_may_be_written_by_hand(tmp_path: Path) -> None:
    document = {"protocol": "grouped", "seed": 0, "train": ["a"], "validation": [], "test": ["b"]}
    (tmp_path / "split.json").write_text(json.dumps(document))
    assert Split.load(tmp_path / "split.json") == Split(Protocol.GROUPED, 0, ("a",), (), ("b",))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"protocol": "best", "seed": 0, "train": [], "validation": [], "test": []}']
)
def test_what_is_no_split_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(DatasetError, match=r"split\.json: is no split file"):
        Split.load(tmp_path / "split.json")
    with pytest.raises(DatasetError, match="does not exist; 'cspine-edge audit DATA' writes a split"):
        Split.load(tmp_path / "missing.json")
    with pytest.raises(DatasetError, match="is no split file"):
        Split.load(tmp_path)

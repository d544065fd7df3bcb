"""Which files are found, in which order."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from ct_files import shipped

from cspine_edge.errors import CspineError, SliceError
from cspine_edge.slice_files import find_slices, natural_key
from cspine_edge.slices import iter_slices


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"?")


def test_tree_is_walked_in_natural_order(tmp_path: Path) -> None:
    names = ["img1.png", "img2.PNG", "img10.jpeg", "s2/a.dcm", "s10/a.IMA", "s10/b/c.dicom", "z.jpg"]
    touch(tmp_path, *reversed(names))
    touch(tmp_path, "notes.txt", ".hidden.png", ".git/a.png", "._img1.png", "DICOMDIR", "plain")
    assert find_slices([tmp_path]) == [tmp_path / name for name in names]


def test_natural_order_is_that_of_words_and_numbers() -> None:
    def plain(name: str) -> tuple[list[str | int], str]:
        parts: list[str | int] = list(re.split(r"(\d+)", name.casefold()))
        parts[1::2] = [int(number) for number in parts[1::2]]
        return parts, name

    rng = np.random.default_rng(0)
    signs = np.array(
        list("aB1029 ._-\u00df\u0663\x01")
    )  # a letter of two, a digit of Arabic, what a key is made of
    names = {"".join(rng.choice(signs, rng.integers(12))) for _ in range(5000)}
    assert sorted(names, key=natural_key) == sorted(names, key=plain)


def test_dicom_is_found_without_suffix(tmp_path: Path) -> None:
    content = shipped("CT_small.dcm").read_bytes()
    for name in ("IM0001", "1.2.840.113619.2", "DICOMDIR", "a.txt"):
        (tmp_path / name).write_bytes(content)
    assert [path.name for path in find_slices([tmp_path])] == ["1.2.840.113619.2", "IM0001"]


def test_files_are_taken_as_given_and_once(tmp_path: Path) -> None:
    touch(tmp_path, "b.tif", "a.png", "c.png")
    given = [tmp_path / "c.png", tmp_path / "b.tif", tmp_path]
    assert find_slices(given) == [tmp_path / name for name in ("c.png", "b.tif", "a.png")]


def test_links_are_followed_once(tmp_path: Path) -> None:
    touch(tmp_path / "in", "s1/a.png")
    touch(tmp_path / "elsewhere", "b.png")
    (tmp_path / "in/s1/loop").symlink_to(tmp_path / "in")
    (tmp_path / "in/s2").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/s3").symlink_to(tmp_path / "elsewhere")
    assert find_slices([tmp_path / "in"]) == [tmp_path / "in/s1/a.png", tmp_path / "in/s2/b.png"]


def test_broken_link_is_named_when_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "gone.png")
    errors: list[CspineError] = []
    assert list(iter_slices(find_slices([tmp_path]), errors.append)) == []
    assert "a.png: does not exist" in str(errors[0])


def test_missing_and_empty_are_named(tmp_path: Path) -> None:
    with pytest.raises(SliceError, match="nowhere: does not exist"):
        find_slices([tmp_path / "nowhere"])
    touch(tmp_path, "empty/notes.txt", "a.png")
    with pytest.raises(SliceError, match="empty: holds no slices"):
        find_slices([tmp_path / "empty"])
    errors: list[CspineError] = []
    found = find_slices([tmp_path / "nowhere", tmp_path / "empty", tmp_path / "a.png"], errors.append)
    assert found == [tmp_path / "a.png"]
    assert len(errors) == 2

"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cspine_edge.errors import OutputError
from cspine_edge.files import (
    open_regular,
    read_regular,
    refuse_existing,
    refuse_unwritable,
    replacing,
    write_bytes,
    write_json,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "file.bin"
    with replacing(target) as temporary:
        assert temporary.parent == target.parent
        temporary.write_bytes(b"half")
        assert not target.exists()
    assert target.read_bytes() == b"half"
    assert names(target.parent) == ["file.bin"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_of_a_write_that_was_broken_off(tmp_path: Path, error: type[BaseException]) -> None:
    write_bytes(tmp_path / "file", b"old")

    def break_off() -> None:
        with replacing(tmp_path / "file", overwrite=True) as temporary:
            temporary.write_bytes(b"half of the new")
            raise error

    with pytest.raises(error):
        break_off()
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_full_disk_is_an_output_error(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"file: cannot be written \(No space left on device\)"),
        replacing(tmp_path / "file"),
    ):
        raise OSError(28, os.strerror(28))
    assert names(tmp_path) == []


def test_an_existing_file_is_kept_unless_told(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_bytes(target, b"old")
    for call in (
        lambda: write_bytes(target, b"new"),
        lambda: write_json(target, {}),
        lambda: refuse_existing(target),
    ):
        with pytest.raises(OutputError, match="exists already"):
            call()
    assert target.read_bytes() == b"old"
    write_bytes(target, b"new", overwrite=True)
    assert target.read_bytes() == b"new"
    refuse_existing(target, overwrite=True)
    refuse_existing(tmp_path / "other")


@pytest.mark.parametrize("target", ["file/below", "file/far/below", "x" * 300])
def test_places_that_cannot_be_written_are_named(tmp_path: Path, target: str) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    with pytest.raises(OutputError, match="cannot be written") as caught:
        write_bytes(tmp_path / target, b"new")
    assert caught.value.path == tmp_path / target
    assert names(tmp_path) == ["file"]


def test_the_target_may_be_no_folder(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write_bytes(tmp_path / "folder", b"new", overwrite=True)
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize("target", ["file/below", "file/far/below", "x" * 300, "x" * 250, "folder", "file"])
def test_what_cannot_be_written_is_found_before_the_work(tmp_path: Path, target: str) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError) as caught:
        refuse_unwritable(tmp_path / target, overwrite=target != "file")
    assert caught.value.path == tmp_path / target
    assert names(tmp_path) == ["file", "folder"]


def test_a_place_that_can_be_written_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    refuse_unwritable(tmp_path / "file", overwrite=True)
    refuse_unwritable(tmp_path / "new" / "folder" / "file")
    monkeypatch.chdir(tmp_path)
    refuse_unwritable("other")
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"kept"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_files_have_the_mode_that_the_user_s_mask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_json_is_indented_and_keeps_letters(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"name": "Müller", "values": [1, 2.5, None]})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert text.startswith('{\n  "name": "Müller",\n')
    assert text.endswith("}\n")


@pytest.mark.parametrize("document", [{"value": float("nan")}, {"value": object()}])
def test_what_is_no_json_is_not_written(tmp_path: Path, document: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        write_json(tmp_path / "a.json", document)
    assert names(tmp_path) == []


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, reason in ((tmp_path / "pipe", "no regular file"), (Path("/dev/zero"), "no regular file")):
        with pytest.raises(OSError, match=reason):
            open_regular(path)
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none")


def test_no_more_is_read_than_wanted(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    path.touch()
    os.truncate(path, 3 << 30)
    with pytest.raises(OSError, match="more than 2 MiB"):
        read_regular(path, 2 << 20)
    path.write_bytes(b"12")
    assert read_regular(path, 2) == b"12"

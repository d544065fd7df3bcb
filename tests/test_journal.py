"""The journal: whole lines, gone on with, one process at a time."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cspine_edge.errors import OutputError, SliceError
from cspine_edge.journal import FileState, Outcome, open_journal

pytest.importorskip("fcntl")


def state(name: str, size: int = 1, modified_ns: int = 1) -> FileState:
    return FileState(name, size, modified_ns)


def outcome(*errors: str) -> Outcome:
    return Outcome.of([SliceError(Path("a.png"), error) for error in errors])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "verdicts.jsonl"


def test_what_is_written_is_known_when_it_is_opened_again(path: Path) -> None:
    with open_journal(path) as journal:
        assert state("a") not in journal
        journal.write((state("a"), outcome("is broken; copy it again")), (state("b"), outcome()))
        assert state("a") in journal
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["file"] for line in lines] == ["a", "b"]
    assert lines[0]["errors"] == ["a.png: is broken; copy it again"]
    with open_journal(path) as journal:
        assert state("b") in journal
        assert state("b", size=2) not in journal
        assert state("b", modified_ns=2) not in journal


@pytest.mark.parametrize("torn", [b"{", b'{"fi', b'{"file": "half of a li'])
def test_half_a_line_is_cut_off(path: Path, torn: bytes) -> None:
    with open_journal(path) as journal:
        journal.write((state("a"), outcome()))
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    with open_journal(path) as journal:
        assert path.read_bytes() == whole
        journal.write((state("b"), outcome()))
    assert len(path.read_bytes().splitlines()) == 2


@pytest.mark.parametrize(
    "foreign", [b"Dear colleague", b"[]\n", b'{"file": "a"}\n', b'{"verdicts": [', b"\xff\n"]
)
def test_a_foreign_file_is_left_as_it_is(path: Path, foreign: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(foreign)
    with pytest.raises(OutputError, match="line 1 is not one of this verb's"), open_journal(path):
        pass
    assert path.read_bytes() == foreign


def test_a_second_writer_is_refused(path: Path) -> None:
    with (
        open_journal(path),
        pytest.raises(OutputError, match="is being written by another process"),
        open_journal(path),
    ):
        pass


def test_a_full_disk_leaves_the_lines_that_were_there(path: Path) -> None:
    """The limit of a file's size stands for it: a part of a line fits, and is taken back."""
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    with open_journal(path) as journal:
        journal.write((state("a"), outcome()))
        whole = path.read_bytes()
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 10, before[1]))
        try:
            with pytest.raises(OutputError, match="cannot be written"):
                journal.write((state("b"), outcome()))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)
        assert path.read_bytes() == whole
        assert state("b") not in journal
        journal.write((state("b"), outcome()))
    assert len(path.read_bytes().splitlines()) == 2


def test_only_regular_files_have_a_state(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"12345")
    found = FileState.of(file, "a.png")
    assert found == FileState("a.png", 5, file.stat().st_mtime_ns)
    assert FileState.of(tmp_path) is None
    assert FileState.of(tmp_path / "absent") is None
    os.mkfifo(tmp_path / "pipe")
    assert FileState.of(tmp_path / "pipe") is None


def test_a_pipe_is_no_journal(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (
        pytest.raises(OutputError, match=r"cannot be gone on with .it is no regular file"),
        open_journal(tmp_path / "pipe"),
    ):
        pass

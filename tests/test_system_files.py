"""Files and programs of a system below a root: what they say, and None where they say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cspine_edge.system_files import (
    ROOT,
    kibibytes,
    numbered,
    read_number,
    read_pairs,
    read_text,
    run_program,
)


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_texts_come_without_what_surrounds_them(tmp_path: Path) -> None:
    assert read_text(write(tmp_path / "model", b" Raspberry Pi 5\n\0")) == "Raspberry Pi 5"
    assert read_text(write(tmp_path / "odd", b"a\xffb")) == "a\ufffdb"
    assert read_text(tmp_path / "absent") is None
    assert read_text(tmp_path) is None


@pytest.mark.parametrize(
    ("content", "value"),
    [(b"48312\n", 48312.0), (b"-1.5", -1.5), (b"", None), (b"warm", None), (b"nan", None), (b"inf", None)],
)
def test_numbers_are_finite_or_none(content: bytes, value: float | None, tmp_path: Path) -> None:
    assert read_number(write(tmp_path / "temp", content)) == value


def test_pairs_and_kibibytes(tmp_path: Path) -> None:
    path = write(tmp_path / "meminfo", b"MemTotal:   3885396 kB\nno pair\nOdd: :x\nSwap: none\nBare:\n")
    assert list(read_pairs(path)) == [
        ("MemTotal", "3885396 kB"),
        ("Odd", ":x"),
        ("Swap", "none"),
        ("Bare", ""),
    ]
    assert kibibytes(path, "MemTotal") == 3885396
    assert [kibibytes(path, key) for key in ("Swap", "Bare", "Absent")] == [None] * 3
    assert list(read_pairs(tmp_path / "absent")) == []


def test_numbered_entries_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    for name in ("cpu10", "cpu9", "cpu2", "cpufreq", "cpu1x", "gpu1"):
        (tmp_path / name).mkdir()
    assert [path.name for path in numbered(tmp_path, "cpu")] == ["cpu2", "cpu9", "cpu10"]
    assert numbered(tmp_path / "absent", "cpu") == []


def test_programs_below_a_root(tmp_path: Path) -> None:
    program = write(tmp_path / "opt/vc/bin/vcgencmd", b'#!/bin/sh\necho "told $1"\n')
    assert run_program(tmp_path, "vcgencmd", "temp") is None  # may not be run
    program.chmod(0o755)
    assert run_program(tmp_path, "vcgencmd", "temp") == "told temp\n"
    program.write_bytes(b"#!/bin/sh\necho half\nexit 1\n")
    assert run_program(tmp_path, "vcgencmd", "temp") is None
    assert run_program(tmp_path, "sh", "-c", "echo of this machine") is None
    assert run_program(ROOT, "sh", "-c", "echo of this machine") == "of this machine\n"
    assert run_program(ROOT, "no-such-program-anywhere") is None

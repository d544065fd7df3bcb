"""Standard streams that are closed, full, or read no further: the exit code is the work's, or the broken pipe's."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cspine_edge.phantom import ImageFormat, write_phantom
from cspine_edge.streams import ReaderGone

BROKEN_PIPE = 141


@pytest.fixture(scope="module")
def slices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slices") / "png"
    write_phantom(folder, series=4, slices=2, seed=0, image_format=ImageFormat.PNG, size=128)
    return folder


def shell(script: str, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash; ``$CALL`` in it is the program with these words."""
    call = shlex.join([sys.executable, "-m", "cspine_edge", *map(str, words)])
    return subprocess.run(
        ["bash", "-c", script.replace("$CALL", call)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
        timeout=120,
    )


# A reader that goes away


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["predict", "DATA"],
        ["predict", "DATA", "--threads", 1],
        ["predict", "DATA", "--json", "--threads", 1],
        ["predict", "DATA", "absent.png"],
        ["verify", "fast"],
        ["verify", "fast", "--json"],
        ["inspect"],
        ["recommend"],
        ["recommend", "--max-ms", 0.001],
        ["audit", "DATA"],
        ["check", "MODEL", "--reference", "MODEL", "--data", "DATA"],
        ["phantom", "OUT", "--series", 1, "--slices", 1, "--size", 64],
    ],
    ids=lambda words: " ".join(map(str, words)),
)
def test_a_reader_that_goes_away_gives_the_same_code_after_every_verb(
    words: list[object], slices: Path, int8_model: Path, tmp_path: Path
) -> None:
    stand_in = {"DATA": slices, "MODEL": shutil.copy(int8_model, tmp_path), "OUT": tmp_path / "ct"}
    # The pipe has no reader before the program writes.
    done = shell(
        "exec 3> >(exec true); wait $!; $CALL >&3", *(stand_in.get(str(word), word) for word in words)
    )
    told = done.stderr.replace("error: absent.png: does not exist; check the path\n", "")
    assert (done.returncode, told) == (BROKEN_PIPE, "")


def test_a_watch_ends_when_nobody_reads(slices: Path, tmp_path: Path) -> None:
    journal = tmp_path / "verdicts.jsonl"
    done = shell("$CALL | head -1; exit ${PIPESTATUS[0]}", "predict", "--watch", slices, "--out", journal)
    assert done.returncode == BROKEN_PIPE
    assert len(done.stdout.splitlines()) == 1
    assert len(journal.read_text().splitlines()) >= 2  # a file's line is in the journal before it is printed


@pytest.mark.parametrize(
    "environment", [{"PYTHONUNBUFFERED": "1"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}]
)
def test_python_s_settings_of_streams_are_kept(slices: Path, environment: dict[str, str]) -> None:
    whole = shell("$CALL", "predict", slices, **environment)
    assert (whole.returncode, whole.stderr, len(whole.stdout.splitlines())) == (0, "", 8)
    done = shell("exec 3> >(exec true); wait $!; $CALL >&3", "predict", slices, **environment)
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, "")


def test_what_a_shell_says_of_sigpipe() -> None:
    done = shell("yes | head -1; exit ${PIPESTATUS[0]}")
    assert done.returncode == ReaderGone().code == BROKEN_PIPE


# Closed and full streams


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_streams_change_no_code(slices: Path, tmp_path: Path, closed: str) -> None:
    for code, words in (
        (0, ["predict", next(slices.rglob("*.png")), "--model", "fast"]),
        (0, ["predict", slices, "--threads", 1, "--csv"]),
        (0, ["recommend"]),
        (1, ["recommend", "--max-ms", 0.001]),
        (2, ["predict", "--colour"]),
        (2, ["predict", slices, "--threshold", 7]),
        (4, ["predict", slices / "absent.png"]),
        (4, ["verify", slices / "absent.tflite"]),
    ):
        done = shell(f"$CALL {closed}", *words)
        assert done.returncode == code, (words, done.stderr)
        assert "Traceback" not in done.stderr
        assert "error: " not in done.stdout


def test_files_do_not_take_the_numbers_of_closed_streams(slices: Path, tmp_path: Path) -> None:
    out = tmp_path / "audited"
    done = shell("$CALL <&- >&- 2>&-", "audit", slices, "--out", out)
    assert done.returncode == 0
    for path in out.iterdir():
        assert "written: " not in path.read_text()
    assert {path.name for path in out.iterdir()} >= {"audit.json", "audit.html"}


@pytest.mark.parametrize("place", ["/dev/full", ">(exec true)"])
def test_a_message_that_cannot_be_written_changes_no_code(slices: Path, place: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    for code, words in (
        (0, ["verify", "fast"]),
        (2, ["predict", "--colour"]),
        (2, ["predict"]),
        (4, ["predict", slices / "absent.png"]),
        (4, ["predict", slices, slices / "absent.png", "--threads", 1]),
        (4, ["verify", slices / "absent.tflite"]),
    ):
        done = shell(f"exec 3> {place}; sleep 0.1; $CALL 2>&3", *words)
        assert done.returncode == code, words

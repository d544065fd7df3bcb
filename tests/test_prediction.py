"""``predict`` without a parser: the same words and codes as with one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cspine_edge.classifier import Facts
from cspine_edge.errors import ExitCode, UsageError
from cspine_edge.phantom import ImageFormat, write_phantom
from cspine_edge.prediction import CSV_COLUMNS, Form, predict


@pytest.fixture(scope="module")
def slices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slices") / "png"
    write_phantom(folder, series=2, slices=2, seed=0, image_format=ImageFormat.PNG, size=256)
    return folder


def process(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cspine_edge", *map(str, words)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "form", [[], ["--json"], ["--csv"], ["--model", "fast"], ["--csv", "--model", "fast"]]
)
def test_a_call_that_needs_no_parser_says_what_the_parser_makes_it_say(slices: Path, form: list[str]) -> None:
    broken = slices / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    plain = process("predict", slices, "absent.png", *form)
    parsed = process("predict", slices, "absent.png", *form, "--positive", "fracture")  # the default
    broken.unlink()
    assert (plain.returncode, plain.stdout, plain.stderr) == (parsed.returncode, parsed.stdout, parsed.stderr)
    assert plain.returncode == ExitCode.BAD_INPUT
    assert plain.stderr.count("error: ") == 2
    assert plain.stdout.count("phantom") == 4


def test_neither_typer_nor_the_archive_library_is_imported(slices: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "importtime",
            "-m",
            "cspine_edge",
            "predict",
            str(next(slices.rglob("*.png"))),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "numpy" in imported
    assert not {"typer", "rich", "zipfile", "pydicom", "tempfile", "concurrent.futures"} & imported


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "--csv"],
        ["--model"],
        ["--model", "fast", "--model", "fast"],
        ["--model", ""],
        ["--modell", "x"],
    ],
)
def test_what_is_wrong_is_left_to_the_parser(slices: Path, words: list[str]) -> None:
    shown = process("predict", slices, *words)
    assert shown.returncode in (0, 2, 4)
    assert (shown.returncode == 0) == (words.count("--model") == 2)
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_a_reader_that_goes_away_ends_it_as_sigpipe_would(slices: Path, form: str) -> None:
    script = f'"{sys.executable}" -m cspine_edge predict {form} "{slices}" | true; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_full_disk_is_named() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cspine_edge", "predict", "--csv", "absent.png"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == ExitCode.BAD_INPUT
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_library_function_gives_the_exit_code(slices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict([slices], model="fast", form=Form.JSON) is ExitCode.OK
    rows = json.loads(capsys.readouterr().out)
    assert [set(row) for row in rows] == [set(CSV_COLUMNS)] * 4
    assert predict([slices / "absent"], model="fast") is ExitCode.BAD_INPUT


def test_facts_are_for_models_without_contract(slices: Path) -> None:
    with pytest.raises(UsageError, match="carries its own contract"):
        predict([slices], facts=Facts(("a", "b"), "a"))

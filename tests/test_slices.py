"""Slices: told by content, brought to 8 bits, and how what cannot be read is named."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from ct_files import read_one, save, shipped, write_ct

from cspine_edge.errors import CspineError, ExitCode, SliceError
from cspine_edge.slices import iter_slices, read_slices
from cspine_edge.window import Window, WindowSource

BONE = Window(400, 1800)
SOFT = Window(40, 400)


def test_content_counts_and_not_the_name(tmp_path: Path, ramp: np.ndarray) -> None:
    save(tmp_path / "a.png", ramp)
    misnamed = (tmp_path / "a.png").rename(tmp_path / "a.dcm")
    assert np.array_equal(read_one(misnamed).pixels, ramp)


def test_window_is_chosen_contract_file_option(tmp_path: Path) -> None:
    stored = np.arange(0, 3000, 10, dtype=np.int16).reshape(10, 30)
    with_window = read_one(write_ct(tmp_path / "a.dcm", stored, WindowCenter=40, WindowWidth=400))
    without = read_one(write_ct(tmp_path / "b.dcm", stored))
    lung = Window(-600, 1500)
    for slice_, given, used, source in [
        (with_window, (BONE, lung), BONE, WindowSource.CONTRACT),
        (with_window, (None, lung), SOFT, WindowSource.FILE),
        (with_window, (None, None), SOFT, WindowSource.FILE),
        (without, (BONE, lung), BONE, WindowSource.CONTRACT),
        (without, (None, lung), lung, WindowSource.OPTION),
    ]:
        shown, *said = slice_.to_uint8(*given)
        assert said == [used, source]
        assert np.array_equal(shown, used.apply(stored - 1024.0))


def test_no_window_at_all_is_an_error() -> None:
    with pytest.raises(SliceError, match=r"CT_small\.dcm: has no window.*--window CENTER/WIDTH"):
        read_one(shipped("CT_small.dcm")).to_uint8()


def test_monochrome1_shows_the_smallest_value_white(tmp_path: Path) -> None:
    stored = np.array([[0, 1064, 3000]], dtype=np.int16)
    slice_ = read_one(write_ct(tmp_path / "a.dcm", stored, PhotometricInterpretation="MONOCHROME1"))
    assert slice_.inverted
    shown, window, source = slice_.to_uint8(SOFT)
    assert shown.tolist() == [[255, 127, 0]]
    assert (window, source) == (SOFT, WindowSource.CONTRACT)


def test_monochrome1_with_a_negative_slope_shows_bone_white(tmp_path: Path) -> None:
    hu = np.array([[-1000, 40, 1500]], dtype=np.int16)
    path = write_ct(
        tmp_path / "a.dcm",
        (2000 - hu).astype(np.int16),
        PhotometricInterpretation="MONOCHROME1",
        RescaleSlope=-1,
        RescaleIntercept=2000,
    )
    assert read_one(path).to_uint8(SOFT)[0].tolist() == [[0, 128, 255]]


def test_values_too_far_apart_for_a_table(tmp_path: Path) -> None:
    hu = np.array([[-70000, -160, 40, 239, 70000]], dtype=np.int32)
    slice_ = read_one(write_ct(tmp_path / "a.dcm", hu, RescaleIntercept=0))
    assert slice_.to_uint8(SOFT)[0].tolist() == [[0, 0, 128, 255, 255]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"this is a note about the patient\n", "holds text"),
        (bytes(range(250)), "unknown kind"),
        (b"GIF89a" + bytes(200), "unknown kind"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "broken or truncated PNG"),
        (b"\xff\xd8\xff\xe0" + bytes(40), "broken or truncated JPEG"),
        (bytes(128) + b"DICM" + bytes(7), "DICOM"),
        (bytes(128) + b"DICM", "without pixel data"),
    ],
)
@pytest.mark.parametrize("name", ["a.png", "a.dcm"])
def test_foreign_content(tmp_path: Path, content: bytes, reason: str, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SliceError, match=rf"{name}: .*{reason}") as caught:
        list(read_slices(tmp_path / name))
    assert caught.value.path == tmp_path / name
    assert caught.value.exit_code is ExitCode.BAD_INPUT
    assert not caught.value.reason.endswith(".")


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(SliceError, match=r"a\.png: does not exist"):
        read_one(tmp_path / "a.png")
    with pytest.raises(SliceError, match="is a folder"):
        read_one(tmp_path)
    with pytest.raises(SliceError, match="cannot be read"):
        read_one(tmp_path / ("x" * 5000))


@pytest.mark.parametrize("kept", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("kind", ["png", "jpg", "dcm", "rle", "jp2"])
def test_truncated(tmp_path: Path, noise: np.ndarray, kind: str, kept: float) -> None:
    path = tmp_path / f"a.{kind}"
    if kind in ("png", "jpg"):
        save(path, noise)
    else:
        source = {"dcm": "CT_small", "rle": "MR_small_RLE", "jp2": "693_J2KI"}[kind]
        path.write_bytes(shipped(f"{source}.dcm").read_bytes())
    content = path.read_bytes()
    assert len(list(read_slices(path))) == 1
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(SliceError):
        list(read_slices(path))


@pytest.mark.parametrize(
    "kind", ["png", "jpg", "CT_small.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm"]
)
def test_damage_raises_nothing_but_our_errors(tmp_path: Path, noise: np.ndarray, kind: str) -> None:
    if kind.endswith(".dcm"):
        content = shipped(kind).read_bytes()
    else:
        content = save(tmp_path / f"good.{kind}", noise).read_bytes()
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(60):
        damaged = np.frombuffer(content, dtype=np.uint8).copy()
        head = min(len(damaged), 2000)  # where the structure is
        damaged[rng.integers(0, head, 12)] = rng.integers(0, 256, 12)
        (tmp_path / "bad").write_bytes(damaged.tobytes())
        try:
            list(read_slices(tmp_path / "bad"))
        except CspineError:
            refused += 1
    assert refused > 0


def test_the_rest_is_still_read(tmp_path: Path, ramp: np.ndarray) -> None:
    paths = [
        save(tmp_path / "1.png", ramp),
        tmp_path / "2.png",
        tmp_path / "3.png",
        save(tmp_path / "4.png", ramp),
    ]
    paths[1].write_text("no picture")
    errors: list[CspineError] = []
    slices = list(iter_slices(paths, errors.append))
    assert [slice_.path for slice_ in slices] == [paths[0], paths[3]]
    assert [error.path for error in errors if isinstance(error, SliceError)] == paths[1:3]


def test_values_of_32_bits_are_windowed_row_by_row(tmp_path: Path) -> None:
    stored = np.random.default_rng(3).integers(-(2**31), 2**31, (1000, 1000)).astype(np.int32)
    slice_ = read_one(write_ct(tmp_path / "a.dcm", stored))
    wide = Window(0, 2**31)
    tracemalloc.start()
    shown = slice_.to_uint8(wide)[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(shown, wide.apply(stored * 1.0 - 1024))
    assert peak < 2_000_000


def test_what_a_file_holds_cannot_make_a_line(tmp_path: Path) -> None:
    path = write_ct(tmp_path / "a\nb\x1b.dcm", np.zeros((4, 4), np.int16), BitsAllocated=1)
    with pytest.raises(SliceError) as raised:
        read_one(path)
    assert str(raised.value).isprintable()
    assert "a\\u000ab\\u001b.dcm" in str(raised.value)


def test_import_is_light() -> None:
    code = "import sys, cspine_edge.slices; sys.exit(bool({'PIL', 'pydicom'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

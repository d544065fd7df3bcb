"""Frames decoded apart: the pixels, a refusal, and another process after one has died."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from ct_files import need_decoder, read_one, shipped

from cspine_edge import frame_decoder
from cspine_edge.frame_decoder import FrameDecoder, FrameError

NAME = "SC_rgb_jpeg_gdcm.dcm"


class Recorder(FrameDecoder):
    """Keeps what it was asked."""

    asked: tuple[Any, ...] = ()

    def decode(self, *asked: Any) -> np.ndarray:
        self.asked = asked
        return super().decode(*asked)


@pytest.fixture(scope="module")
def asked() -> tuple[Any, ...]:
    """What the DICOM reader asks of a decoder apart for a file of one frame: file, begin, frame, plug-in, options."""
    need_decoder(NAME)
    with pytest.MonkeyPatch.context() as patch:
        recorder = Recorder()
        patch.setattr(frame_decoder, "FRAME_DECODER", recorder)
        read_one(shipped(NAME))
    return recorder.asked


def test_pixels_are_those_that_pydicom_gives_here(asked: tuple[Any, ...]) -> None:
    decoder = FrameDecoder()
    for _ in range(2):  # the second by the same process
        assert np.array_equal(decoder.decode(*asked), pydicom.dcmread(shipped(NAME)).pixel_array)


def test_a_refusal_and_a_death_leave_the_next_frame_alone(asked: tuple[Any, ...], tmp_path: Path) -> None:
    decoder = FrameDecoder()
    with pytest.raises(FrameError, match="No such file"):
        decoder.decode(tmp_path / "absent.dcm", *asked[1:])
    assert decoder._process is not None
    decoder._process.kill()
    with pytest.raises(FrameError, match=r"crashes gdcm \(signal 9, SIGKILL\)"):
        decoder.decode(*asked)
    assert decoder.decode(*asked).shape == (100, 100, 3)

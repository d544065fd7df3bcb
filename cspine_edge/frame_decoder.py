"""Frames of DICOM files decoded in a process of its own, which may abort, or run out of memory, and harm no other.

GDCM alone decodes JPEG Lossless, and aborts on damaged data; a JPEG 2000 frame of many small parts takes gigabytes. One
process serves all files, so that its start, some tenths of a second, is paid once; after a crash the next frame gets
another.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

import numpy as np

from .apart import confine, end_of, python, silence

_LONGEST_S = 6.0
"""For a frame; those that are read at all take less than a second on a Raspberry Pi 3."""
_START_S = 20.0


class FrameError(ValueError):
    """The decoder refused a frame, crashed, or took too long."""


class FrameDecoder:
    """A process that decodes; started when it is first needed. Threads take turns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def decode(self, path: Path, begin: int, index: int, plugin: str, options: dict[str, Any]) -> np.ndarray:
        """Decode a frame.

        Parameters
        ----------
        path, begin
            The file, and where the value of its pixel data begins.
        index
            Which frame.
        plugin, options
            For pydicom's decoder.

        Raises
        ------
        FrameError
            If that is not possible.
        """
        with self._lock:
            starts = self._process is None
            if self._process is None:
                statement = "from cspine_edge.frame_decoder import serve; serve()"
                self._process = subprocess.Popen(
                    python(statement),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            process = self._process
            try:
                if starts:
                    _wait(process, _START_S)
                return _ask(process, (str(path.absolute()), begin, index, plugin, _plain(options)))
            except (OSError, EOFError, ValueError) as error:
                if isinstance(error, FrameError):
                    raise
                self._process = None
                process.kill()
                for pipe in (process.stdin, process.stdout):
                    if pipe is not None:
                        pipe.close()
                how = (
                    error
                    if isinstance(error, TimeoutError)
                    else f"crashes {plugin} ({end_of(process.wait())})"
                )
                process.wait()
                raise FrameError(str(how)) from error


FRAME_DECODER = FrameDecoder()
"""The one of this process."""


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Options that JSON can hold: the extended offset table as numbers."""
    if "extended_offsets" not in options:
        return options
    tables = [np.frombuffer(table, "<u8").tolist() for table in options["extended_offsets"]]
    return options | {"extended_offsets": tables}


def _wait(process: subprocess.Popen[bytes], limit: float) -> Any:
    """Wait for a line: that the process has started, or what came of a frame."""
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], limit)[0]:
        raise TimeoutError(f"takes its decoder more than {limit:g} s")
    line = process.stdout.readline()
    if not line:
        raise EOFError
    return json.loads(line)


def _ask(process: subprocess.Popen[bytes], request: tuple[Any, ...]) -> np.ndarray:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    answer = _wait(process, _LONGEST_S)
    if "error" in answer:
        raise FrameError(answer["error"])
    dtype, shape = np.dtype(answer["dtype"]), tuple(answer["shape"])
    pixels = np.frombuffer(_exactly(process.stdout, int(answer["bytes"])), dtype)
    return pixels.reshape(shape)


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError
    return data


def serve() -> None:
    """Answer on standard output what is asked on standard input until that ends."""
    answers = open(silence(), "wb")  # noqa: SIM115
    confine()
    from pydicom.pixels import get_decoder
    from pydicom.uid import UID

    asked = sys.stdin.buffer
    answers.write(b"{}\n")
    answers.flush()
    while line := asked.readline():
        path, begin, index, plugin, options = json.loads(line)
        options["transfer_syntax_uid"] = UID(options["transfer_syntax_uid"])
        try:
            with open(path, "rb") as file:
                file.seek(begin)
                decoder = get_decoder(options["transfer_syntax_uid"])
                pixels, _ = decoder.as_array(file, index=index, decoding_plugin=plugin, **options)
            content = np.ascontiguousarray(pixels).tobytes()
            told: dict[str, Any] = {
                "dtype": pixels.dtype.str,
                "shape": pixels.shape,
                "bytes": len(content),
            }
        except Exception as error:  # pydicom and its plug-ins raise almost anything
            told, content = {"error": " ".join(str(error).split())[:500] or type(error).__name__}, b""
        answers.write(json.dumps(told).encode() + b"\n" + content)
        answers.flush()
    os._exit(0)

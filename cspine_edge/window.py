"""CT windows: the step from Hounsfield units to grey levels (DICOM PS3.3 C.11.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from .errors import UsageError


class WindowFunction(str, Enum):
    """How a window maps HU to display values (VOI LUT Function, DICOM PS3.3 C.11.2.1.3)."""

    LINEAR = "LINEAR"
    """PS3.3 C.11.2.1.2.1; DICOM's default, for centres and widths counted in whole grey levels."""
    LINEAR_EXACT = "LINEAR_EXACT"
    """PS3.3 C.11.2.1.3.2; also stands in for SIGMOID, whose tangent at the centre it is."""


class WindowSource(str, Enum):
    """Where the window came from that made display values out of stored ones."""

    CONTRACT = "contract"
    """The model's contract: the window it was trained with."""
    FILE = "file"
    """Window Center and Window Width of the DICOM file."""
    OPTION = "option"
    """The caller's own, for files without one."""
    NONE = "none"
    """No window: the pixels have 8 bits and were windowed by whoever wrote them."""
    FULL_RANGE = "full range"
    """No window: a 16-bit picture has no HU, so 0..65535 became 0..255."""


@dataclass(frozen=True)
class Window:
    """A CT window.

    Parameters
    ----------
    center
        Centre in HU.
    width
        Width in HU: at least 1 for ``LINEAR``, above 0 for ``LINEAR_EXACT``.
    function
        The mapping between the edges.

    Raises
    ------
    ValueError
        If the centre is not finite or the width is not one the function allows.
    """

    center: float
    width: float
    function: WindowFunction = WindowFunction.LINEAR

    def __post_init__(self) -> None:
        if not (math.isfinite(self.center) and math.isfinite(self.width)):
            raise ValueError(f"a window needs finite numbers, not {self.center}/{self.width}")
        if self.function is WindowFunction.LINEAR and self.width < 1:
            raise ValueError(f"a LINEAR window is at least 1 HU wide, not {self.width:g}")
        if self.width <= 0:
            raise ValueError(f"a window is wider than 0 HU, not {self.width:g}")

    def __str__(self) -> str:
        exact = " (linear exact)" if self.function is WindowFunction.LINEAR_EXACT else ""
        return f"{self.center:g}/{self.width:g}{exact}"

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read the ``CENTER/WIDTH`` of the command line, in HU, e.g. ``"400/1800"``.

        Raises
        ------
        UsageError
            If the text is not two numbers that make a window.
        """
        try:
            center, width = (float(number) for number in text.split("/"))
            return cls(center, width)
        except ValueError as error:
            raise UsageError(
                f"window {text!r} is not CENTER/WIDTH in HU, such as 400/1800: {error}"
            ) from error

    def apply(self, hu: np.ndarray) -> np.ndarray:
        """Map HU to display values.

        Only elementwise IEEE 754 operations are used, so the result is the same on every architecture.

        Parameters
        ----------
        hu
            HU, any shape, float64.

        Returns
        -------
        numpy.ndarray
            Display values 0..255, uint8, of the same shape, rounded half up.
        """
        if self.function is WindowFunction.LINEAR_EXACT:
            level = (hu - self.center) / self.width + 0.5
        elif self.width == 1:  # the standard's formula is a step here, and its slope a division by zero
            level = np.where(hu > self.center - 0.5, 1.0, 0.0)
        else:
            level = (hu - (self.center - 0.5)) / (self.width - 1) + 0.5
        return np.floor(np.clip(level, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


BONE_WINDOW = Window(400, 1800)
"""Window for bone, in HU."""

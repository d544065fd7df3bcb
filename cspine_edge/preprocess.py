"""From a CT slice to the bytes of the input tensor: the one way in, for training and for every device.

The way is integer-exact, so that every machine and every re-implementation sees the same bytes:

1. the window turns stored values into grey levels 0-255 (:meth:`cspine_edge.slices.CtSlice.to_uint8`);
2. Pillow's ``BILINEAR`` resize of the grey image: a triangle filter whose support grows with the reduction
   (so it does antialias), in 22-bit fixed point, horizontally first, rounded to 8 bits after each pass; the
   aspect ratio is not kept;
3. the same grey level in every channel.

A byte ``b`` stands for the real value ``low + b / 255 * (high - low)``; a uint8 model holds that rule in its
input scale and zero point, so the bytes go in as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .slices import CtSlice
from .window import Window, WindowSource

if TYPE_CHECKING:
    import numpy.typing as npt

RESIZE_FILTER = "pillow-bilinear"
"""The only resize filter there is; named in the contract so that a second one could be told apart."""


@dataclass(frozen=True)
class Preprocessing:
    """All that is needed to make a model's input bytes from a slice.

    Attributes
    ----------
    height, width
        Size of the input tensor in pixels.
    channels
        Number of channels; each holds the same grey level.
    window
        Window in HU for slices that carry HU; ``None`` leaves the choice to the file.
    value_range
        Real values for which bytes 0 and 255 stand in the network.
    """

    height: int = 224
    width: int = 224
    channels: int = 3
    window: Window | None = None
    value_range: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        low, high = self.value_range
        if not low < high or not math.isfinite(high - low):
            raise ValueError("value range should be two finite numbers, the lower first")
        if min(self.height, self.width, self.channels) < 1:
            raise ValueError("height, width and channels should be above 0")

    @property
    def scale(self) -> float:
        """Step in real value from one byte to the next (the input quantisation scale)."""
        low, high = self.value_range
        return (high - low) / 255.0

    @property
    def zero_point(self) -> float:
        """Byte that stands for the real value 0 in a uint8 input tensor, before it is rounded to one."""
        return -self.value_range[0] / self.scale

    def real_values(self) -> npt.NDArray[np.float32]:
        """Real value of each byte, shape (256,), float32: the look-up table for float input tensors."""
        low, high = self.value_range
        return (low + np.arange(256, dtype=np.float64) * (high - low) / 255.0).astype(np.float32)


@dataclass(frozen=True, eq=False)
class PreparedSlice:
    """A slice ready for the input tensor.

    Attributes
    ----------
    image
        Grey levels, shape (height, width), uint8.
    window, window_source
        The window that was applied, if any, and where it came from.
    """

    image: npt.NDArray[np.uint8]
    window: Window | None
    window_source: WindowSource


def prepare(ct_slice: CtSlice, spec: Preprocessing, option_window: Window | None = None) -> PreparedSlice:
    """Window and resize one slice.

    Parameters
    ----------
    ct_slice
        The slice as it was read.
    spec
        The model's preprocessing.
    option_window
        Window given by the caller, used where neither the contract nor the file has one.

    Raises
    ------
    SliceError
        If the slice holds HU and no window is known.
    """
    grey, window, source = ct_slice.to_uint8(spec.window, option_window)
    return PreparedSlice(resize(grey, spec.height, spec.width), window, source)


def resize(grey: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """Resize a grey image, shape (h, w), uint8, to (height, width) with Pillow's BILINEAR filter."""
    if grey.shape == (height, width):
        return grey
    from PIL import Image

    # One axis at a time: from version 13 on, Pillow itself chooses which comes first, and rounds in between.
    narrowed = Image.fromarray(grey).resize((width, grey.shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(narrowed.resize((width, height), Image.Resampling.BILINEAR))


def replicate_channels(grey: npt.NDArray[np.uint8], channels: int) -> npt.NDArray[np.uint8]:
    """Give ``grey``, shape (..., h, w), a last axis that repeats it ``channels`` times; contiguous."""
    return np.ascontiguousarray(np.broadcast_to(grey[..., np.newaxis], (*grey.shape, channels)))

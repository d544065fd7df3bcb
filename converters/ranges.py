"""Whether a calibration set is large enough for the activation ranges that are taken from it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from calibration.stability import RangeStability, compare_ranges, two_halves
from cspine_edge.dataset import LabelledDataset
from cspine_edge.preprocess import Preprocessing
from cspine_edge.training.framework import keras

from .qat import activation_ranges


def range_stability(
    folded: keras.Model, slices: LabelledDataset, images: npt.NDArray[np.uint8], spec: Preprocessing
) -> RangeStability | None:
    """Compare the ranges of two halves of a calibration set.

    Parameters
    ----------
    folded
        A folded network.
    slices
        The calibration set.
    images
        Its images, shape (n, height, width), uint8.
    spec
        The preprocessing.

    Returns
    -------
    RangeStability or None
        How far the halves are apart; ``None`` where all slices are variants of one original.
    """
    halves = [half for half in two_halves(slices.slices) if half]
    if len(halves) < 2:
        return None
    first, second = (activation_ranges(folded, images[half], spec) for half in halves)
    return compare_ranges(first, second, slices=len(images))

"""What the halves of a calibration set say of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cspine_edge.dataset import load_dataset, load_images
from cspine_edge.run import Run

pytestmark = pytest.mark.workstation


def test_halves_of_a_set_are_compared_layer_by_layer(small_run: Path, phantom_data: Path) -> None:
    from converters.fold import fold
    from converters.keras_model import load_keras
    from converters.ranges import range_stability

    run = Run.load(small_run)
    folded, slices = fold(load_keras(run.model_path)), load_dataset(phantom_data)
    slices = slices.subset(item.path for item in slices.slices[:12])
    images = load_images(slices, run.preprocessing)
    stability = range_stability(folded, slices, images, run.preprocessing)
    assert stability is not None
    assert {layer.layer for layer in stability.layers} == {layer.name for layer in folded.layers[1:]}
    assert stability.slices == 12
    assert 0.0 < stability.mean_difference < 1.0
    one = slices.subset([slices.slices[0].path])
    assert range_stability(folded, one, images[:1], run.preprocessing) is None

"""The GPU path, on what a machine without one can show: float16 computation, and two mirrored devices."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.workstation

MIRRORED = """
import json, sys
from pathlib import Path
from cspine_edge.training.framework import keras, tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from cspine_edge.training import train as module
module.strategy = lambda: tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
from cspine_edge.dataset import load_dataset
from cspine_edge.splits import grouped_split
from cspine_edge.training.backbones import Architecture
data, weights, out = map(Path, sys.argv[1:])
dataset = load_dataset(data)
settings = module.TrainSettings(
    architecture=Architecture(alpha=0.25, size=96, hidden_units=8), weights=str(weights),
    epochs=1, fine_tune_epochs=1, batch_size=8,
)
result = module.train(dataset, grouped_split(dataset, 0), settings, out, log=lambda line: None)
print(json.dumps({"slices": result.metrics.slices, "replicas": module.strategy().num_replicas_in_sync}))
"""


def test_float16_network_is_saved_in_float32() -> None:
    from cspine_edge.training.backbones import Architecture, build
    from cspine_edge.training.framework import keras
    from cspine_edge.training.train import _as_float32

    architecture = Architecture(alpha=0.25, size=64, hidden_units=8)
    images = np.random.default_rng(0).random((4, 64, 64, 3), dtype=np.float32)
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        half = build(architecture, "random")
        assert half.get_layer("conv1").compute_dtype == "float16"
        assert half.output.dtype == "float32"
        whole = _as_float32(half, architecture)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert {layer.compute_dtype for layer in whole.layers} == {"float32"}
    expected, found = half(images, training=False).numpy(), whole(images, training=False).numpy()
    np.testing.assert_allclose(found, expected, atol=0.02 * max(1.0, float(np.abs(expected).max())))


@pytest.mark.slow
def test_training_runs_mirrored_over_two_devices(
    phantom_data: Path, he_weights: Path, tmp_path: Path
) -> None:
    """MirroredStrategy on two logical devices; in a process of its own, since devices are fixed at the start."""
    command = [sys.executable, "-c", MIRRORED, str(phantom_data), str(he_weights), str(tmp_path / "run")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-3000:]
    answer = json.loads(result.stdout.splitlines()[-1])
    assert answer["replicas"] == 2
    assert (tmp_path / "run" / "run.json").is_file()

"""TensorFlow and its Keras 2 (tf_keras), set up once before either is imported."""

from __future__ import annotations

import importlib.util
import os

from ..errors import MissingExtraError
from ..native import native_messages_caught

# Quantization-aware training works on Keras 2 only; the switch counts at TensorFlow's import.
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

try:
    with native_messages_caught():  # greetings of native libraries, on every start
        import tensorflow as tf
        import tf_keras as keras

    # Not used here, but part of the same extra: said now, and not after an hour of training.
    for needed in ("matplotlib", "sklearn", "tensorflow_model_optimization"):
        if importlib.util.find_spec(needed) is None:
            raise ModuleNotFoundError(needed)
except ModuleNotFoundError as error:
    raise MissingExtraError("training and conversion", "train") from error

tf.get_logger().setLevel("ERROR")

__all__ = ["keras", "strategy", "tf", "use_mixed_precision"]


def strategy() -> tf.distribute.Strategy:
    """Give MirroredStrategy over the visible GPUs if there are several, else the default strategy."""
    gpus = tf.config.list_physical_devices("GPU")
    return tf.distribute.MirroredStrategy() if len(gpus) > 1 else tf.distribute.get_strategy()


def use_mixed_precision() -> bool:
    """Compute in float16 where a GPU is visible (variables stay float32); say whether it is so."""
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    keras.mixed_precision.set_global_policy("mixed_float16" if on_gpu else "float32")
    return on_gpu

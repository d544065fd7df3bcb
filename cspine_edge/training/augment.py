"""The paper's augmentation as one affine map per image, so that each image is resampled once.

Shifts, flips, rotations, shear of 20 %, zoom; pixels from outside are filled by repeating the edge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .framework import tf


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random affine maps.

    Attributes
    ----------
    rotation
        Largest rotation either way, in degrees.
    shift
        Largest shift either way, as a share of the image's side.
    shear
        Largest shear factor either way.
    zoom
        Largest relative change of size either way.
    flip
        Flip left and right for half of the images.
    fill_mode
        What lies outside: ``nearest``, ``constant``, ``reflect`` or ``wrap``.
    """

    rotation: float = 15.0
    shift: float = 0.1
    shear: float = 0.2
    zoom: float = 0.2
    flip: bool = True
    fill_mode: str = "nearest"

    def __call__(self, images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Map each image by a transformation of its own.

        Parameters
        ----------
        images
            Shape (n, height, width, channels), float32.
        seed
            Shape (2,), int32: the same seed gives the same maps.
        """
        count, height, width = tf.shape(images)[0], tf.shape(images)[1], tf.shape(images)[2]
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=images,
            transforms=self._transforms(count, tf.cast(height, tf.float32), tf.cast(width, tf.float32), seed),
            output_shape=[height, width],
            interpolation="BILINEAR",
            fill_mode=self.fill_mode.upper(),
            fill_value=0.0,
        )

    def _transforms(
        self, count: tf.Tensor, height: tf.Tensor, width: tf.Tensor, seed: tf.Tensor
    ) -> tf.Tensor:
        """Rows (a0, a1, a2, b0, b1, b2, 0, 0) that take output to input coordinates, about the centre."""
        draw = tf.random.stateless_uniform([6, count], seed, -1.0, 1.0)
        angle = draw[0] * (self.rotation * math.pi / 180.0)
        shear = draw[1] * self.shear
        zoom = 1.0 + draw[2] * self.zoom
        shift_x, shift_y = draw[3] * self.shift * width, draw[4] * self.shift * height
        mirror = tf.where(draw[5] < 0.0, -1.0, 1.0) if self.flip else tf.ones([count])
        cos, sin = tf.cos(angle) * zoom, tf.sin(angle) * zoom
        a0, a1 = cos * mirror, cos * shear - sin
        b0, b1 = sin * mirror, sin * shear + cos
        centre_x, centre_y = (width - 1.0) / 2.0, (height - 1.0) / 2.0
        a2 = centre_x + shift_x - a0 * centre_x - a1 * centre_y
        b2 = centre_y + shift_y - b0 * centre_x - b1 * centre_y
        zeros = tf.zeros([count])
        return tf.stack([a0, a1, a2, b0, b1, b2, zeros, zeros], axis=1)

"""Augmentation: the paper's affine maps, and changes of window and texture as between two scanners.

The paper's shifts, flips, rotations, shear of 20 % and zoom are one affine map per image, so that each image is
resampled once; pixels from outside are filled by repeating the edge. What scanners and readers differ in (window,
gamma, kernel sharpness, noise, a circular field of view) is off by default, as the paper has none of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .framework import tf


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random maps and changes.

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
    gamma
        Largest logarithm of the exponent of grey levels either way.
    level
        Largest shift of black either way, as a share of the grey scale: the level of air differs by window.
    contrast
        Largest shift of white either way.
    sharpness
        Largest amount of unsharp masking; smoothing goes as far as 0.8.
    noise
        Largest standard deviation of added noise, as a share of the grey scale.
    field_of_view
        Share of images that are cut to a circle, black outside.
    """

    rotation: float = 15.0
    shift: float = 0.1
    shear: float = 0.2
    zoom: float = 0.2
    flip: bool = True
    fill_mode: str = "nearest"
    gamma: float = 0.0
    level: float = 0.0
    contrast: float = 0.0
    sharpness: float = 0.0
    noise: float = 0.0
    field_of_view: float = 0.0

    @classmethod
    def across_scanners(cls) -> Augmentation:
        """Affine maps as the paper's, and the grey levels of other windows, kernels and fields of view."""
        return cls(gamma=0.7, level=0.4, contrast=0.3, sharpness=1.5, noise=0.05, field_of_view=0.5)

    def __call__(self, images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Map each image by a transformation of its own.

        Parameters
        ----------
        images
            Shape (n, height, width, channels), float32, grey levels in [0, 255].
        seed
            Shape (2,), int32: the same seed gives the same maps.
        """
        count, height, width = tf.shape(images)[0], tf.shape(images)[1], tf.shape(images)[2]
        mapped = tf.raw_ops.ImageProjectiveTransformV3(
            images=images,
            transforms=self._transforms(count, tf.cast(height, tf.float32), tf.cast(width, tf.float32), seed),
            output_shape=[height, width],
            interpolation="BILINEAR",
            fill_mode=self.fill_mode.upper(),
            fill_value=0.0,
        )
        return self._regrade(mapped, seed)

    def _regrade(self, images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Change sharpness, gamma, window, noise and field of view, in this order."""
        if not any((self.gamma, self.level, self.contrast, self.sharpness, self.noise, self.field_of_view)):
            return images
        count, height, width = tf.shape(images)[0], tf.shape(images)[1], tf.shape(images)[2]
        draw = tf.random.stateless_uniform([9, count, 1, 1, 1], seed + 1, -1.0, 1.0)
        x = images / 255.0
        if self.sharpness:
            amount = tf.where(draw[0] < 0.0, draw[0] * 0.8, draw[0] * self.sharpness)
            x += amount * (x - tf.nn.avg_pool2d(x, 3, 1, "SAME"))
        x = tf.clip_by_value(x, 1e-4, 1.0) ** tf.exp(draw[1] * self.gamma)
        black = draw[2] * self.level
        white = tf.maximum(1.0 + draw[3] * self.contrast, black + 0.4)
        x = (x - black) / (white - black)
        x += tf.random.stateless_normal(tf.shape(x), seed + 2) * (self.noise * tf.abs(draw[4]))
        x = tf.clip_by_value(x, 0.0, 1.0)
        rows = tf.linspace(-1.0, 1.0, height)[tf.newaxis, :, tf.newaxis, tf.newaxis]
        columns = tf.linspace(-1.0, 1.0, width)[tf.newaxis, tf.newaxis, :, tf.newaxis]
        radius = 0.925 + 0.125 * draw[5]
        outside = (rows - 0.05 * draw[6]) ** 2 + (columns - 0.05 * draw[7]) ** 2 > radius**2
        cut = (draw[8] + 1.0) / 2.0 < self.field_of_view
        return tf.where(outside & cut, 0.0, x) * 255.0

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

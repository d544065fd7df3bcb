"""Synthetic axial CT of the neck in Hounsfield units, with fractures whose place and size are known.

Anatomy, pose and image quality are drawn per series, fractures per vertebral level and noise per slice, each
from a stream of its own. So a slice with and without its fracture differs by the fracture and nothing else,
and neither the position of a slice nor its brightness tells the label. Pixels repeat bit for bit for a seed
on one machine with one version of numpy; elsewhere the last bit of a sine may round a pixel the other way.
"""

from .anatomy import Fracture, SeriesAnatomy, Site
from .files import ImageFormat, Phantom, PhantomSlice, write_phantom
from .render import render_slice
from .series import PhantomSeries, generate_series

__all__ = [
    "Fracture",
    "ImageFormat",
    "Phantom",
    "PhantomSeries",
    "PhantomSlice",
    "SeriesAnatomy",
    "Site",
    "generate_series",
    "render_slice",
    "write_phantom",
]

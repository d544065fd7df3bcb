"""``python -m cspine_edge``."""

from .cli import program

program()

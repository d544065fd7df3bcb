"""``python -m cspine_edge``."""

from .cli import main

main()

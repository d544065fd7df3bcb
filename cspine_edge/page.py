"""Reports as one page to look at: a single HTML file that needs nothing from outside, in light or dark."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .files import write_bytes

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --ground: #fff; --soft: #6a737d; --line: #d0d7de;
  --fracture: #c2410c; --normal: #2563ab; --warning: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --ground: #0d1117; --soft: #8b949e;
  --line: #30363d; --fracture: #ff8a4c; --normal: #6cb0ff; --warning: #e3b341; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--ground);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
.verdict { font-weight: 600; border-left: .3rem solid var(--fracture); padding-left: .8rem; }
.soft, figcaption { color: var(--soft); }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { text-align: right; padding: .2rem .7rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
figure { margin: .5rem 0; } figcaption { font-size: .85rem; overflow-wrap: anywhere; }
"""


def write_page(
    path: Path | str, title: str, parts: Iterable[str], *, style: str = "", overwrite: bool = False
) -> None:
    """Write a page.

    Parameters
    ----------
    path
        File to write.
    title
        Plain text.
    parts
        HTML of the body, in order.
    style
        CSS after that of all pages.
    overwrite
        Replace an existing file.

    Raises
    ------
    OutputError
        If the file exists and ``overwrite`` is false, or cannot be written.
    """
    head = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}{style}</style></head><body>'
    )
    write_bytes(
        path,
        (head + "\n".join(parts) + "</body></html>\n").encode(errors="backslashreplace"),
        overwrite=overwrite,
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give an HTML table of plain texts; the first column has the names of the rows, and columns need no names."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    top = f"<tr>{head}</tr>" if any(columns) else ""
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{top}{body}</table>"


def grey_picture(grey: npt.NDArray[np.uint8], name: str) -> str:
    """Give an HTML image, embedded as PNG, of grey levels of shape (h, w)."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, "PNG", optimize=True)
    return (
        f'<img alt="{escape(name)}" title="{escape(name)}" '
        f'src="data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}">'
    )

"""Pages: one file, texts escaped, pictures as they are."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cspine_edge.errors import OutputError
from cspine_edge.page import grey_picture, table, write_page


def test_a_page_is_one_whole_document(tmp_path: Path) -> None:
    write_page(tmp_path / "p.html", "a < b", ["<h1>x</h1>", "<p>ü</p>"], style=".own { color: red; }")
    text = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert text.endswith("<h1>x</h1>\n<p>ü</p></body></html>\n")
    assert "<title>a &lt; b</title>" in text
    assert ".own { color: red; }</style>" in text
    with pytest.raises(OutputError, match="exists already"):
        write_page(tmp_path / "p.html", "again", [])


def test_a_table_escapes_and_needs_no_head() -> None:
    assert table(("", "n"), [("<b>", "1")]) == (
        "<table><tr><th></th><th>n</th></tr><tr><td>&lt;b&gt;</td><td>1</td></tr></table>"
    )
    assert table(("", ""), [("a", "b")]) == "<table><tr><td>a</td><td>b</td></tr></table>"


def test_a_picture_keeps_its_grey_levels_and_escapes_its_name() -> None:
    grey = np.arange(120, dtype=np.uint8).reshape(10, 12)
    tag = grey_picture(grey, '"><script>')
    assert "<script" not in tag
    data = re.search(r"base64,([^\"]+)", tag)
    assert data is not None
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data[1])))), grey)

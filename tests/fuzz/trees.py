"""Folders: names of any kind, links that lead round, files that are none, and very many of them.

An input is the recipe of a tree, as JSON; its ``call`` says which verb walks it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st

from .door import Call, Door, draw
from .models import SEEDS
from .slices import ct_elements, element, part10

_NAMES = [
    "a_1.png",
    "b_2.dcm",
    "img10",
    "x\ny.png",
    "\x1b[31mred\x1b[0m.png",
    "\u202egnp.exe_3",
    "e\u0301_4.png",
]
_NAMES += [
    "\udcff_5.png",
    "-rf_6.png",
    "--json",
    " ",
    "a" * 200 + "_7.png",
    "fracture",
    "normal",
    "train",
    ".hidden",
]
_NAMES += [
    "manifest.csv",
    "DICOMDIR",
    "1.2.3.4",
    "nul",
    "a,b;c\"d'_8.png",
    "CON.png",
    "\u4f60\u597d_9.PNG",
    "%s_1.jpg",
]
_NAMES += ["9" * 240 + "_1.png", "\u0663_4.png", "\x7f\x85_1.png"]
_TEXT = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
_NAME = (st.sampled_from(_NAMES) | _TEXT).filter(lambda name: name not in (".", ".."))
_CLASS = st.sampled_from([["fracture"], ["normal"], ["train", "fracture"], ["test", "normal"], []])
_TARGET = st.sampled_from([".", "..", "../..", "missing", "a_1.png", "fracture", "../fracture", "loop"])


@st.composite
def _entry(draw_: st.DrawFn) -> dict[str, Any]:
    kind = draw_(
        st.sampled_from(["png", "png", "png", "dcm", "text", "empty", "folder", "link", "pipe", "closed"])
    )
    where = [*draw_(_CLASS), *draw_(st.lists(_NAME, max_size=2)), draw_(_NAME)]
    return {"kind": kind, "path": where} | ({"to": draw_(_TARGET)} if kind == "link" else {})


_TREE = st.fixed_dictionaries(
    {
        "call": st.sampled_from(["predict", "csv", "lines", "audit"]),
        "entries": st.lists(_entry(), max_size=12),
    }
)


def make(rng: Random, folder: Path) -> Path:
    """Write a recipe."""
    if rng.random() < 0.004:
        kind = rng.choice(["text", "empty-folder", "deep"])
        count = 400 if kind == "deep" else 100_000
        recipe = {"call": rng.choice(["predict", "audit"]), "entries": [], "many": [kind, count]}
    else:
        recipe = draw(_TREE, rng)
    path = folder / "tree.json"
    path.write_text(json.dumps(recipe))
    return path


def _grow(recipe: dict[str, Any], root: Path) -> None:
    root.mkdir(parents=True)
    for number, entry in enumerate(recipe["entries"]):
        path = Path(root, *entry["path"])
        with contextlib.suppress(OSError):  # a name that is taken, or too long
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry["kind"] == "folder":
                path.mkdir()
            elif entry["kind"] == "link":
                path.symlink_to(entry["to"])
            elif entry["kind"] == "pipe":
                os.mkfifo(path)
            elif entry["kind"] == "png":
                shutil.copyfile(SEEDS / "slice.png", path)
            elif entry["kind"] == "dcm":
                parts = ct_elements()
                body = b"".join(parts[tag] for tag in sorted(parts))
                path.write_bytes(part10(body + element(0x7FE00010, b"OW", bytes([number]) * 512)))
            else:
                path.write_bytes(b"" if entry["kind"] == "empty" else b"a note\n")
                if entry["kind"] == "closed":
                    path.chmod(0)
    kind, count = recipe.get("many", ("", 0))
    for name in ("fracture", "normal") if count else ():
        place = root / name
        place.mkdir(exist_ok=True)
        shutil.copyfile(SEEDS / "slice.png", place / "a_1.png")
        shutil.copyfile(SEEDS / "slice.png", place / "b_1.png")
        for number in range(count // 2):
            if kind == "deep":
                place = place / "d"
                with contextlib.suppress(OSError):
                    place.mkdir()
            elif kind == "text":
                (place / f"{number}.txt").touch()
            else:
                (place / f"{number}").mkdir()


def call(path: Path, out: Path) -> Call:
    """Grow the tree, and walk it."""
    recipe = json.loads(path.read_text())
    root = out / "tree"
    _grow(recipe, root)
    if recipe["call"] == "audit":
        return ["audit", str(root), "--out", str(out / "audit")]
    form = {"predict": ["--json"], "csv": ["--csv"], "lines": []}[recipe["call"]]
    return ["predict", "--model", "fast", *form, str(root)]


DOOR = Door("trees", 5, make, call)

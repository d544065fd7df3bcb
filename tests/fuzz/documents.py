"""Documents that verbs read: splits, runs, bench reports, tables, manifests, the journal of ``predict --watch``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

from cspine_edge.decision import Threshold
from cspine_edge.documents import encode
from cspine_edge.journal import open_journal
from cspine_edge.pareto import ParetoTable
from cspine_edge.preprocess import Preprocessing
from cspine_edge.run import Run
from cspine_edge.splits import Protocol, Split

from .door import Call, Door, draw
from .models import SEEDS, changed_document, hostile_json
from .mutation import mutate

_RESULTS = Path(__file__).parents[2] / "results"
_CSV = b"""path,label,series,slice_index
fracture/a_1.png,fracture,a,1
normal/a_2.png,0,a,2
normal/b_3.png,normal,b,3
"""
_CSV_TOKENS = [
    b"\n",
    b'"',
    b",",
    b"\r",
    b"\0",
    b"\xff\xfe",
    b"path",
    b"label",
    b"../../etc/passwd",
    b"/",
    b"1e9",
]
_CSV_TOKENS += [b"9" * 200_000, "\u0661".encode(), b"fracture", b"\xef\xbb\xbf", b"-1", b'"' * 1001]


@cache
def seeds() -> dict[str, Any]:
    """A whole document of each kind, by the name of its file."""
    run = Run(
        folder=Path("x"), backbone="mobilenet", alpha=0.25, size=96, hidden_units=8, dropout=0.1, optimizer="nadam",
        protocol="grouped", weights="none", seed=1, data="../data", series_pattern=None, fingerprint="ab",
        preprocessing=Preprocessing(96, 96), threshold=Threshold(), settings={"epochs": 1}, versions={"numpy": "2"},
    )  # fmt: skip
    run_document = {"schema": "cspine-edge/run", "version": 1} | encode(run)
    del run_document["folder"]
    report = json.loads((_RESULTS / "bench-mobilenet-a1.0-224-int8-qat-x86_64.json").read_text())
    line = {"file": "a.png", "size_bytes": 3, "modified_ns": 4, "verdicts": [], "errors": []}
    return {
        "split.json": encode(Split(Protocol.GROUPED, 1, ("a", "b"), ("c",), ("d",), ("s",), "series")),
        "run.json": run_document,
        "report.json": report,
        "compare.json": report,
        "pareto.json": json.loads((_RESULTS / "pareto.json").read_text()),
        "journal.jsonl": line,
    }


def make(rng: Random, folder: Path) -> Path:
    """Write a document that is one of these, nearly."""
    name = rng.choice((*seeds(), "data.csv", "manifest.csv"))
    path = folder / name
    if name.endswith(".csv"):
        path.write_bytes(mutate(_CSV, rng, _CSV_TOKENS, [_CSV]))
        return path
    seed = seeds()[name]
    if rng.random() < 0.6:
        text = json.dumps(draw(changed_document(seed), rng)).encode("utf-8", "surrogatepass")
    else:
        text = hostile_json(json.dumps(seed).encode(), rng)
    if name == "journal.jsonl":
        whole = json.dumps(seed).encode() + b"\n"
        text = whole * rng.choice((0, 1, 3)) + text + rng.choice((b"", b"\n", b"\n" + whole, b'\n{"fil'))
    path.write_bytes(text)
    return path


def _data_set(path: Path, out: Path) -> Path:
    data = out / "data"
    for name in ("fracture/a_1.png", "normal/a_2.png", "normal/b_3.png"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SEEDS / "slice.png", data / name)
    copied = data / path.name.rpartition("-")[2]
    shutil.copyfile(path, copied)
    return copied


def _journal(path: Path) -> None:
    with open_journal(path):
        pass


def call(path: Path, out: Path) -> Call:
    """By the end of its name."""
    kind = path.name.rpartition("-")[2]
    if kind == "report.json":
        return ["bench", "report", str(path)]
    if kind == "compare.json":
        other = _RESULTS / "bench-mobilenet-a1.0-224-int8-qat-x86_64.json"
        return ["bench", "compare", str(path), str(other), "--json"]
    if kind.endswith(".csv"):
        copied = _data_set(path, out)
        return [
            "audit",
            str(copied if kind == "data.csv" else copied.parent),
            "--out",
            str(out / "audit"),
            "--json",
        ]
    copied = out / kind
    out.mkdir(exist_ok=True)
    shutil.copyfile(path, copied)
    readers: dict[str, Callable[[], object]] = {
        "split.json": partial(Split.load, copied),
        "run.json": partial(Run.load, out),
        "pareto.json": partial(ParetoTable.load, copied),
        "journal.jsonl": partial(_journal, copied),
    }
    return readers[kind]


DOOR = Door("documents", 15, make, call)

"""Model files: the graph, the archive behind it and the contract in that."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st

from .door import Call, Door, draw
from .mutation import NUMBERS, mutate

SEEDS = Path(__file__).parent / "seeds"
"""Two networks of a few thousand bytes, untrained: most of them is tables. And a grey ramp."""
_FAST = Path(__file__).parents[2] / "models" / "mobilenet-a0.25-b11-272-int8.tflite"
TOKENS = [number.to_bytes(4, "little") for number in NUMBERS] + [b"TFL3", b"\xff" * 8, b"\0" * 16]
_ZIP_TOKENS = [
    b"PK\x05\x06",
    b"PK\x01\x02",
    b"PK\x03\x04",
    b"PK\x06\x06",
    b"PK\x06\x07",
    b"../../x",
    b"/etc/x",
]


@cache
def parts() -> tuple[bytes, dict[str, bytes]]:
    """The graph of the smaller shipped model, and the entries of its archive."""
    content = _FAST.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
        start = min(entry.header_offset for entry in archive.infolist())
    return content[:start], entries


def put_together(graph: bytes, entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A model file."""
    buffer = io.BytesIO()
    buffer.write(graph)
    with zipfile.ZipFile(buffer, "a", method) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def _with_graph(graph: bytes) -> bytes:
    """The shipped file with another graph, which its contract names."""
    entries = dict(parts()[1])
    document = json.loads(entries["cspine_edge.json"])
    document["graph_sha256"] = hashlib.sha256(graph).hexdigest()
    return put_together(graph, entries | {"cspine_edge.json": json.dumps(document).encode()})


def _graph(rng: Random) -> bytes:
    graph = parts()[0]
    if rng.random() < 0.6:  # tables lie at both ends, weights between
        places = [*range(0, 4096, 4), *range(len(graph) - 40_000, len(graph), 4)]
        changed = bytearray(graph)
        for place in rng.sample(places, rng.choice((1, 1, 2, 4, 16))):
            value = rng.choice((*NUMBERS, *(rng.randrange(64) for _ in range(20))))
            width = rng.choice((1, 2, 4))
            changed[place : place + width] = (value % 256**width).to_bytes(width, "little")
        return _with_graph(bytes(changed[: len(graph)]))
    return _with_graph(mutate(graph, rng, TOKENS, [graph]))


def _bare(rng: Random) -> bytes:
    """A small graph without contract: all of it is tables, where a change tells."""
    seeds = [path.read_bytes() for path in sorted(SEEDS.glob("*.tflite"))]
    graph = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        width = rng.choice((1, 1, 2, 4, 4))
        place = rng.randrange(8, len(graph) - 4) // width * width
        value = rng.choice((*NUMBERS, *(rng.randrange(160) for _ in range(30))))
        graph[place : place + width] = (value % 256**width).to_bytes(width, "little")
    if rng.random() < 0.2:
        return mutate(bytes(graph), rng, TOKENS, seeds)
    return bytes(graph)


def _archive(rng: Random) -> bytes:
    graph, entries = parts()
    content = put_together(graph, entries)
    tail = mutate(content[len(graph) :], rng, _ZIP_TOKENS, [content[-2000:]])
    if rng.random() < 0.3:  # the directory itself
        end = bytearray(tail[-200:])
        place = rng.randrange(max(1, len(end)))
        end[place : place + 4] = struct.pack("<L", rng.choice(NUMBERS) % 2**32)
        tail = tail[:-200] + bytes(end)
    return graph + tail


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def changed_document(draw_: st.DrawFn, document: Any) -> Any:
    """A document in which one or two values are others."""
    changed = json.loads(json.dumps(document))
    for _ in range(draw_(st.integers(1, 2))):
        place = changed
        while True:
            if not isinstance(place, dict | list) or not place:
                break
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw_(st.sampled_from(keys))
            if not isinstance(place[key], dict | list) or draw_(st.integers(0, 3)) == 0:
                extreme = st.sampled_from([0, -1, 2**31, 10**400, 1e308, -0.0, "", "a\nb", "\x1b[2J", [], {}])
                if isinstance(place, dict) and draw_(st.integers(0, 4)) == 0:
                    del place[key]
                else:
                    place[key] = draw_(extreme | JSON)
                break
            place = place[key]
    return changed


def hostile_json(text: bytes, rng: Random) -> bytes:
    """JSON that is deep, long, doubled or none."""
    kind = rng.randrange(8)
    if kind == 0:
        return b"[" * rng.choice((10, 1000, 100_000)) + b"]" * rng.choice((0, 1000, 100_000))
    if kind == 1:
        return b'{"a":' * rng.choice((900, 100_000)) + b"1" + b"}" * 900
    if kind == 2:
        return text.replace(b"1", b"9" * rng.choice((400, 5000, 300_000)), 1)
    if kind == 3:
        return text[:-2] + b',"version":2' * 3 + b"}"
    if kind == 4:
        return b"\xff\xfe" + text.decode(errors="replace").encode("utf-16-le")
    if kind == 5:
        return text[:1] + b'"x":"' + b"a" * rng.choice((1000, 8_000_000)) + b'",' + text[1:]
    if kind == 6:
        return text.replace(b'"', b'"\\ud800', rng.choice((1, 50)))
    tokens = [b"NaN", b"-Infinity", b"1e999", b"null", b"true", b"\\u0000", b"\\ud800", b'"', b"{}", b"[]"]
    return mutate(text, rng, tokens, [text])


def _contract(rng: Random) -> bytes:
    graph, entries = parts()
    text = entries["cspine_edge.json"]
    if rng.random() < 0.7:
        document = draw(changed_document(json.loads(text)), rng)
        text = json.dumps(document, allow_nan=True).encode("utf-8", "surrogatepass")
    else:
        text = hostile_json(text, rng)
    entries = entries | {"cspine_edge.json": text}
    if rng.random() < 0.1:
        entries["golden/0.png"] = mutate(entries["golden/0.png"], rng, [], [])
    return put_together(graph, entries, zipfile.ZIP_DEFLATED if rng.random() < 0.03 else zipfile.ZIP_STORED)


def make(rng: Random, folder: Path) -> Path:
    """Write a file that is a model, nearly; its name tells the verb that reads it."""
    maker = rng.choices((_graph, _bare, _archive, _contract), (20, 40, 15, 25))[0]
    data = maker(rng)
    verbs = (
        ("inspect", "bare-predict", "bare-predict") if maker is _bare else ("inspect", "verify", "predict")
    )
    path = folder / f"{rng.choice(verbs)}.tflite"
    path.write_bytes(data)
    return path


def call(path: Path, out: Path) -> Call:
    """By the name: inspect, verify or predict."""
    if path.stem.endswith("verify"):
        return ["verify", str(path), "--json"]
    if path.stem.endswith("bare-predict"):
        facts = ["--labels", "normal,fracture"]
        return ["predict", "--model", str(path), *facts, "--json", str(SEEDS / "slice.png")]
    if path.stem.endswith("predict"):
        picture = SEEDS / "slice.png"
        return ["predict", "--model", str(path), "--json", str(picture)]
    return ["inspect", str(path), "--json"]


DOOR = Door("models", 20, make, call)

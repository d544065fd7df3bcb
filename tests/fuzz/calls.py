"""Arguments of the command line: verbs and options with values of any kind. An input is a list of them, as JSON."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from random import Random

from hypothesis import strategies as st

from .door import Call, Door, draw
from .models import SEEDS

_FAST = Path(__file__).parents[2] / "models" / "mobilenet-a0.25-b11-272-int8.tflite"
_FILES = st.sampled_from(
    [
        "@MODEL",
        "@SLICE",
        "@DATA",
        "@MISSING",
        "@TEXT",
        "@PIPE",
        "@LARGE",
        "fast",
        "mobilenet",
        "",
        ".",
        "/dev/null",
    ]
)
_VALUES = [
    "",
    " ",
    "-",
    "--",
    "0",
    "-1",
    "1",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "9" * 400,
    "0x10",
    "1,2",
    "a,b",
    "400/1800",
]
_VALUES += [
    "0/0",
    "nan/nan",
    "1/1e400",
    "\x1b[2J",
    "\u0663",
    "\udcff",
    "a\nb",
    "%s",
    "{}",
    "(?P<series>.*)",
    "(a+)+$",
]
_VALUES += [
    "[",
    "normal,fracture",
    "logits",
    "xnnpack",
    "builtin",
    "reference",
    "0,1",
    "1,0",
    "@OUT",
    "@MISSING",
    "@DATA",
]
_ODD = st.sampled_from(_VALUES)
_ANY = _ODD | _FILES | st.text(max_size=12).filter(lambda text: "\0" not in text)
_OPTIONS = {
    "predict": "--model --threshold --window --threads --json --csv --labels --positive --value-range --outputs --out",
    "verify": "--family --threads --json",  # --all-families loads TensorFlow, for seconds
    "inspect": "--json",
    "recommend": "--max-ms --max-mb --min-sensitivity --cpu --json",
    "audit": "--out --series-pattern --hold-out --split --window --seed --json --overwrite",
    "check": "--reference --data --out --no-record --threads --json --margin --split --run",
    "layers": "--reference --data --json --threads",
    "bench compare": "--across --json",
    "bench report": "--out --json --overwrite",
    "phantom": "--format --seed --difficulty",
    "bench": "--family --runtime --nonsense",
    "convert": "--precision --nonsense",
    "train": "--backbone --nonsense",
    "export": "--to --nonsense",
    "quickstart": "--nonsense",
}


@st.composite
def _calls(draw_: st.DrawFn) -> list[str]:
    verb = draw_(st.sampled_from([*_OPTIONS, *("predict", "predict", "audit", "verify")]))
    words = verb.split() if draw_(st.integers(0, 20)) else [draw_(_ANY)]
    long = verb in ("bench", "convert", "train", "export", "quickstart")  # only what ends before its work
    if long:
        return [*words, "--nonsense", *draw_(st.lists(_ANY, max_size=3))]
    if verb == "phantom":
        words += [
            "@OUT",
            "--series",
            "1",
            "--slices",
            "1",
            "--size",
            draw_(st.sampled_from(["64", "-1", "0", "1", "x"])),
        ]
    for _ in range(draw_(st.integers(0, 3))):
        option = draw_(st.sampled_from([*_OPTIONS[verb].split(), "--help", "--nonsense"]))
        words.append(option)
        if option not in ("--json", "--csv", "--help", "--overwrite", "--no-record"):
            words.append(draw_(_ANY))
    return words + draw_(st.lists(_FILES | _FILES | _ODD, max_size=2))


def make(rng: Random, folder: Path) -> Path:
    """Write a call."""
    path = folder / "call.json"
    path.write_text(json.dumps(draw(_calls(), rng)))
    return path


def call(path: Path, out: Path) -> Call:
    """Put files for the places."""
    out.mkdir(exist_ok=True)
    data = out / "data"
    for name in ("fracture/a_1.png", "normal/a_2.png", "normal/b_3.png", "fracture/b_1.png"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SEEDS / "slice.png", data / name)
    (out / "text").write_text("a note\n")
    shutil.copyfile(_FAST, out / "model.tflite")
    os.mkfifo(out / "pipe")
    (out / "large.tflite").write_bytes(b"\x1c\0\0\0TFL3")
    os.truncate(out / "large.tflite", 3 << 30)  # takes no room on the disk
    places = {
        "@MODEL": out / "model.tflite",
        "@SLICE": SEEDS / "slice.png",
        "@DATA": data,
        "@TEXT": out / "text",
        "@PIPE": out / "pipe",
        "@LARGE": out / "large.tflite",
    }
    places |= {"@OUT": out / "new", "@MISSING": out / "missing"}
    return [str(places.get(word, word)) for word in json.loads(path.read_text())]


DOOR = Door("calls", 15, make, call)

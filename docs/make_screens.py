"""Draw docs/screens/*.svg: terminals after real commands, which are those of the tutorial.

``python docs/make_screens.py`` runs the tutorial in a temporary folder and draws all; names of screens draw only these
(``bench`` needs nothing of the tutorial). Figures are of the machine that draws, so a bench is drawn on a quiet one.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 104
# Rich's own drawing without the fonts that it would load from the web.
FORM = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px;
 line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


@dataclass(frozen=True)
class Screen:
    """What is shown of a command's output: some lines of its beginning, and of its end from a text on.

    Attributes
    ----------
    command
        As it is typed.
    first
        How many lines of the beginning.
    last
        The last part begins at the last line with this; empty: there is none.
    """

    command: str
    first: int
    last: str = ""


SCREENS = {
    "audit": Screen("cspine-edge audit ct --out audited", 7, " tells the label"),
    "check": Screen("cspine-edge check run/mobilenet-a1.0-b8-128-int8-qat.tflite", 10, "sensitivity: lower"),
    "predict": Screen(
        "cspine-edge predict ct/fracture --model run/mobilenet-a1.0-b8-128-int8-qat.tflite", 12
    ),
    "bench": Screen("cspine-edge bench --quick --out bench.json", 100),
}


def tutorial() -> list[str]:
    """Give the tutorial's commands, without comments."""
    text = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- run: tutorial -->\n```bash\n(.*?)```", text, re.DOTALL)
    return [shlex.join(shlex.split(line, comments=True)) for line in "".join(blocks).splitlines()]


def run(command: str, folder: Path) -> str:
    """Run a command as in a terminal of this width; give what it printed, colours included."""
    colours = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(WIDTH), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "cspine_edge", *shlex.split(command)[1:]],
        cwd=folder,
        env=os.environ | colours,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    print(f"{command}  # exit code {done.returncode}")
    return done.stdout


def draw(name: str, screen: Screen, printed: str) -> None:
    """Write the picture of a screen."""
    lines = Text.from_ansi(printed).split()
    shown = list(lines[: screen.first])
    if screen.last:
        begin = max(number for number, line in enumerate(lines) if line.plain.startswith(screen.last))
        shown += [Text("..."), *lines[begin:]]
    elif len(lines) > len(shown):
        shown.append(Text("..."))
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    console.print(Text.assemble(("$ ", "green"), (screen.command, "bold")), soft_wrap=False)
    for line in shown:
        line.rstrip()
        console.print(line)
    folder = ROOT / "docs/screens"
    folder.mkdir(exist_ok=True)
    drawn = console.export_svg(title=name, theme=MONOKAI, code_format=FORM, unique_id=name)
    (folder / f"{name}.svg").write_text(drawn + "\n" * (not drawn.endswith("\n")), encoding="utf-8")


def main() -> None:
    """Draw the screens that are named, or all."""
    wanted = sys.argv[1:] or list(SCREENS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "models").symlink_to(ROOT / "models")
        typed = {screen.command: key for key, screen in SCREENS.items() if key in wanted}
        commands = list(dict.fromkeys([*([] if wanted == ["bench"] else tutorial()), *typed]))
        for command in commands:
            printed = run(command, folder)
            if command in typed:
                draw(typed[command], SCREENS[typed[command]], printed)


if __name__ == "__main__":
    main()

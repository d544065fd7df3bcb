"""Write docs/cli.md: what ``--help`` says of each verb, with links to the pages that say more.

``python docs/make_cli.py`` rewrites the page; ``--check`` fails if it is not what the command line says.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import typer

from cspine_edge.cli.app import command_line

PAGE = Path(__file__).resolve().parent / "cli.md"
WIDTH = 100
PAGES = {
    "quickstart": "tutorial.md",
    "audit": "audit.md",
    "train": "concepts.md",
    "convert": "quantization.md",
    "export": "interop.md",
    "check": "gate.md",
    "layers": "layers.md",
    "predict": "results.md#a-verdict",
    "bench": "bench.md",
    "verify": "contract.md#kernel-families",
    "inspect": "contract.md",
    "recommend": "fast.md",
    "doctor": "faq.md",
    "android": "android.md",
}
"""Where more is said of a verb."""

HEAD = """\
# The command line

What `cspine-edge --help` and each verb's `--help` say (made by `python docs/make_cli.py`; a test compares). What the
exit codes mean in each case is in [results explained](results.md#exit-codes), errors are in [the FAQ](faq.md).

**Completion** of verbs, options and their values for bash, zsh and fish:

```bash
cspine-edge --install-completion    # once, then open a new shell
```

`cspine-edge --show-completion` prints the lines instead, for those who keep their shell's files themselves.
"""


def page() -> str:
    """Give the page as it should be."""
    group: Any = typer.main.get_command(command_line())
    context = typer.Context(group, info_name="cspine-edge", terminal_width=WIDTH, max_content_width=WIDTH)
    parts = [HEAD, block(group.get_help(context))]
    for name, command in group.commands.items():
        parts += sections(name, command, context)
    return "\n".join(parts)


def sections(name: str, command: Any, parent: typer.Context) -> list[str]:
    """Give the section of a verb, and those of the verbs it has."""
    context = typer.Context(command, parent=parent, info_name=name)
    path = context.command_path.removeprefix("cspine-edge ")
    parts = [f"## {path}\n"]
    if path in PAGES:
        parts.append(f"More: [{PAGES[path].partition('#')[0]}]({PAGES[path]})\n")
    parts.append(block(command.get_help(context)))
    for inner, further in getattr(command, "commands", {}).items():
        parts += sections(inner, further, context)
    return parts


def block(text: str) -> str:
    """Fence a text of the terminal."""
    return "```text\n" + "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n```\n"


def main() -> None:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail if the page is out of date"
    )
    text = page()
    if parser.parse_args().check:
        if PAGE.read_text(encoding="utf-8") != text:
            sys.exit("docs/cli.md is not what the command line says; run 'python docs/make_cli.py'")
        return
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""The example in docs/bench.md: a very short bench of the shipped model on a made-up Raspberry Pi 5.

    python benchmarks/bench_example.py

The board is a tree of files (tests/boards.py); the times are this machine's.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path

from cspine_edge import sweep
from cspine_edge.bench import bench

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "bench.md"
_MARKS = re.compile(r"(<!-- example -->\n).*?(<!-- end: example -->)", re.DOTALL)


def main() -> None:
    """Measure, and write the page."""
    sys.path.insert(0, str(ROOT / "tests"))
    import boards

    sweep._BLOCK_S = 0.01  # so that a block fits on a line
    with tempfile.TemporaryDirectory() as folder:
        report = bench(
            threads=(2, 1),
            rules=sweep.Rules(least_s=0.0, least_runs=40, most_s=None, warmup=3),
            cold_starts=1,
            sustained_s=3.0,
            root=boards.raspberry_pi_5(Path(folder), throttled=0x20000),
        )
    text = f"```json\n{json.dumps(report.to_json(), indent=1, ensure_ascii=False)}\n```\n"
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_MARKS.sub(lambda marks: f"{marks[1]}{text}{marks[2]}", page), encoding="utf-8")


if __name__ == "__main__":
    main()

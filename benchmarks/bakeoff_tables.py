"""The table of docs/quantization.md, from the reports of benchmarks/bakeoff.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

METHODS = ("stock-ptq", "stock-qat", "int8", "int8-qat")


def bakeoff_table(results: Path) -> list[str]:
    """A row per network, data and way to int8.

    Parameters
    ----------
    results
        Folder of the data files.
    """
    lines = [
        "| network, slices it is tested on | way | flips | sensitivity lost, 90 % interval | specificity lost, "
        "90 % interval | margin SQNR, dB | MB | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    found = [json.loads(path.read_text(encoding="utf-8")) for path in results.glob("bakeoff-*.json")]
    for row in sorted(found, key=lambda row: (row["run"], METHODS.index(row["method"]))):
        link = f"[{row['method']}](../results/bakeoff-{row['run']}-{row['method']}.json)"
        if "refused" in row:
            lines.append(f"| {row['run']} | {link} | refused | | | | | |")
            continue
        report = row["report"]
        cells = (
            f"{row['flips']} of {row['slices']}",
            _loss(report["sensitivity_loss"]),
            _loss(report["specificity_loss"]),
            f"{row['margin_within_8']['sqnr_db']:.1f}",
            f"{row['megabytes']:.2f}",
            f"{row['seconds']:.0f}",
        )
        lines.append(f"| {row['run']} | {link} | {' | '.join(cells)} |")
    return lines


def _loss(loss: dict[str, Any]) -> str:
    return "{:+.2f} [{:.1f}, {:.1f}]".format(*(100 * loss[name] for name in ("estimate", "lower", "upper")))

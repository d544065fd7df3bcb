"""The tables of docs/fast.md, from ``results/pareto.json`` and ``results/instructions-int8-arm64.json``."""

from __future__ import annotations

import json
from pathlib import Path

from cspine_edge.pareto import Figures, ParetoTable


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.1f}"


def pareto_table(results: Path) -> list[str]:
    """A line per network, best first: what it decides, and what it costs."""
    table = ParetoTable.load(results / "pareto.json")
    series = table.series
    lines = [
        f"| network, int8 | {' | '.join(f'{name} held out' for name in series)} | mean balanced | hard phantom | "
        "M instructions A72 / A76 | ms here, 1 / 2 threads | MB | front |",
        "|---|" + "---|" * (len(series) + 6),
    ]
    for row in table.rows:
        cells = [
            row.name,
            *(_cell(row.grouped[name]) for name in series),
            _percent(table.balanced(row)),
            _cell(row.phantom) if row.phantom else "-",
            " / ".join(f"{row.instructions[core] / 1e6:.1f}" for core in ("cortex-a72", "cortex-a76")),
            " / ".join(f"{row.latency_ms[threads]:.2f}" for threads in sorted(row.latency_ms)),
            f"{row.size_bytes / 1e6:.2f}",
            "yes" if row.front else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _cell(figures: Figures) -> str:
    rates = (figures.accuracy, figures.sensitivity, figures.specificity, figures.balanced)
    return f"{' / '.join(map(_percent, rates))}; {figures.flips} of {figures.slices}"


def instructions_table(results: Path) -> list[str]:
    """A line per model file that was counted."""
    path = results / "instructions-int8-arm64.json"
    models = json.loads(path.read_text(encoding="utf-8"))["models"] if path.is_file() else []
    lines = ["| network | weights | M instructions, Cortex-A72 | Cortex-A76 | MB |", "|---|---|---|---|---|"]
    for model in sorted(models, key=lambda model: model["instructions"]["cortex-a72"]):
        counts = " | ".join(
            f"{model['instructions'][core] / 1e6:.2f}" for core in ("cortex-a72", "cortex-a76")
        )
        lines.append(
            f"| {model['network']}, {model['precision']} | {model['weights']} | {counts} | "
            f"{model['size_bytes'] / 1e6:.2f} |"
        )
    return lines

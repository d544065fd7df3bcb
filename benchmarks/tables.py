"""Write the tables of docs/ and of the README from the data files in results/, between their markers.

``python benchmarks/tables.py`` rewrites the pages; ``--check`` fails if they are not what the data say.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bakeoff_tables import bakeoff_table
from fast_tables import instructions_table, pareto_table
from speed_tables import overhead_table, peers_table, programs_table, scale_table

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"

PAPER = {  # Table 2 of the paper: accuracy, precision, recall, F1 in %
    ("vgg16", "nadam"): (98.37, 99.01, 97.75, 98.35),
    ("vgg16", "adam"): (96.88, 94.96, 99.00, 96.94),
    ("densenet121", "nadam"): (95.63, 99.46, 91.75, 95.45),
    ("densenet121", "adam"): (97.62, 100.0, 95.25, 97.57),
    ("mobilenet", "nadam"): (95.50, 98.66, 92.25, 95.35),
    ("mobilenet", "adam"): (93.37, 100.0, 86.75, 92.90),
}
NAMES = {"vgg16": "VGG16", "densenet121": "DenseNet121 (from nothing, 112 px)", "mobilenet": "MobileNet"}
FIGURES = ("accuracy", "precision", "recall", "f1")


def report(name: str) -> dict[str, Any] | None:
    """Read a report of ``check``, if it was made."""
    path = RESULTS / f"check-{name}-csf.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def percent(metrics: dict[str, Any], name: str) -> str:
    """One figure in %."""
    rate = metrics[name]
    return "-" if rate is None or rate["estimate"] is None else f"{100 * rate['estimate']:.2f}"


def counts(metrics: dict[str, Any]) -> str:
    """The confusion matrix in one cell."""
    matrix = metrics["confusion"]
    keys = ("true_positive", "false_negative", "false_positive", "true_negative")
    return " / ".join(str(matrix[key]) for key in keys)


def paper_table() -> list[str]:
    """The paper's rows beside ours."""
    lines = [
        "| network | figures | accuracy | precision | recall | F1 | TP / FN / FP / TN | flips | data, curves |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (backbone, optimizer), theirs in PAPER.items():
        found = report(f"paper-{backbone}-{optimizer}")
        cells = " | ".join(f"{value:.2f}" for value in theirs)
        lines.append(f"| {NAMES[backbone]}, {optimizer.capitalize()} | the paper's | {cells} | | | |")
        if found is None:
            continue
        name = f"paper-{backbone}-{optimizer}-csf"
        links = (
            f"[data](../results/check-{name}.json), [curves](../results/curves-{name}.png), "
            f"[matrix](../results/confusion-{name}.png)"
        )
        for kind, metrics in (
            ("float", found["reference_metrics"]),
            (precision_of(found), found["candidate_metrics"]),
        ):
            figures = " | ".join(percent(metrics, figure) for figure in FIGURES)
            ends = ("", "") if kind == "float" else (str(len(found["flips"])), links)
            lines.append(f"| | {kind} | {figures} | {counts(metrics)} | {ends[0]} | {ends[1]} |")
    ensemble = RESULTS / "ensemble-paper-nadam-csf.json"
    if ensemble.is_file():
        document = json.loads(ensemble.read_text(encoding="utf-8"))
        for kind in ("float32", "int8"):
            figures = " | ".join(percent(document[kind], figure) for figure in FIGURES)
            lines.append(
                f"| mean of the three, Nadam | {kind} | {figures} | {counts(document[kind])} | | "
                f"[data](../results/{ensemble.name}) |"
            )
    return lines


def precision_of(found: dict[str, Any]) -> str:
    """``int8`` or ``int8-qat``, from the model's name."""
    return "int8-qat" if "int8-qat" in found["candidate"] else "int8"


def held_out_reports() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Backbone, series and report of each grouped row that was made."""
    for backbone in ("mobilenet", "vgg16", "densenet121"):
        for series in ("B10", "B11", "B12", "B13"):
            if (found := report(f"grouped-{backbone}-nadam-{series}")) is not None:
                yield backbone, series, found


def grouped_table() -> list[str]:
    """Each series held out in turn."""
    lines = [
        "| network | held out | figures | accuracy | recall | specificity | balanced | AUC | flips | gate |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for backbone, series, found in held_out_reports():
        link = f"[{series}](../results/check-grouped-{backbone}-nadam-{series}-csf.json)"
        for kind, metrics in (
            ("float", found["reference_metrics"]),
            (precision_of(found), found["candidate_metrics"]),
        ):
            rates = [metrics[name] and metrics[name]["estimate"] for name in ("recall", "specificity")]
            balanced = "-" if None in rates else f"{50 * sum(rates):.2f}"
            figures = [percent(metrics, name) for name in ("accuracy", "recall", "specificity")]
            row = [
                *(("", "") if kind != "float" else (NAMES[backbone], link)),
                kind,
                *figures,
                balanced,
                percent(metrics, "auc"),
                *(("", "") if kind == "float" else (str(len(found["flips"])), found["verdict"])),
            ]
            lines.append(f"| {' | '.join(row)} |")
    return lines


def reliability_table() -> list[str]:
    """Calibration and referral on the held-out series."""
    lines = [
        "| network | held out | figures | T | ECE before / after | Brier before / after | referred | "
        "right of the decided | coverage found, fracture / normal |",
        "|---|---|---|---|---|---|---|---|---|",
    ]

    def share(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.1f}"

    for backbone, series, found in held_out_reports():
        for kind, side in (("float", "reference"), (precision_of(found), "candidate")):
            entry, decision = found[f"{side}_reliability"], found[f"{side}_decision"]
            referrals = entry["referrals"] or {}
            row = [
                *((NAMES[backbone], series) if kind == "float" else ("", "")),
                kind,
                f"{decision['temperature']:.2f}",
                f"{entry['ece_before']:.3f} / {entry['ece_after']:.3f}",
                f"{entry['brier_before']:.3f} / {entry['brier_after']:.3f}",
                share(referrals.get("referred")),
                share(referrals.get("decided_accuracy")),
                f"{share(referrals.get('fracture_coverage'))} / {share(referrals.get('normal_coverage'))}",
            ]
            lines.append(f"| {' | '.join(row)} |")
    return lines


def probe_table() -> list[str]:
    """Linear probes on frozen features: balanced accuracy / AUC by block and held-out series."""
    path = RESULTS / "ablation-probe-csf.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    blocks = sorted({row["block"] for row in rows})
    lines = [
        f"| features | held out | {' | '.join(f'block {block}' for block in blocks)} |",
        "|---|---|" + "---|" * len(blocks),
    ]
    for name in dict.fromkeys(row["features"] for row in rows):
        for place, held in enumerate(sorted({row["held_out"] for row in rows})):
            cells = {
                row["block"]: f"{100 * row['balanced']:.1f} / {100 * row['auc']:.1f}"
                for row in rows
                if (row["features"], row["held_out"]) == (name, held)
            }
            figures = " | ".join(cells[block] for block in blocks)
            lines.append(f"| {'' if place else name} | {held[-3:]} | {figures} |")
    return lines


def held_out_table(by: str, figures: dict[str, dict[str, str]]) -> list[str]:
    """A row of cells per case and a column per held-out series."""
    series = sorted({held for cells in figures.values() for held in cells})
    lines = [
        f"| {by} | {' | '.join(f'{held} held out' for held in series)} |",
        "|---|" + "---|" * len(series),
    ]
    for case, cells in figures.items():
        lines.append(f"| {case} | {' | '.join(cells.get(held, '-') for held in series)} |")
    return lines


def heads_table() -> list[str]:
    """The linear heads of the grouped runs, taken apart: recall / specificity / balanced accuracy."""
    path = RESULTS / "ablation-heads-csf.json"
    figures: dict[str, dict[str, str]] = {}
    for row in json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []:
        rates = (f"{100 * row[figure]:.1f}" for figure in ("recall", "specificity", "balanced"))
        figures.setdefault(row["heads"], {})[row["held_out"][-3:]] = " / ".join(rates)
    return held_out_table("heads at stride", figures)


def recipes_table() -> list[str]:
    """Int8 MobileNet by this recipe and by those it replaced: accuracy / recall / balanced accuracy."""
    figures: dict[str, dict[str, str]] = {}
    for recipe, name in (
        ("the paper's head, then everything fine-tuned", "earlier/dense-head-fine-tuned-{}.json"),
        ("an early head, the last one fine-tuned", "earlier/early-head-fine-tuned-{}.json"),
        ("linear heads, solved (the recipe)", "check-grouped-mobilenet-nadam-{}-csf.json"),
    ):
        for held in ("B10", "B11", "B12"):
            found = json.loads((RESULTS / name.format(held)).read_text(encoding="utf-8"))["candidate_metrics"]
            accuracy, recall, specificity = (
                100 * found[figure]["estimate"] for figure in ("accuracy", "recall", "specificity")
            )
            balanced = (recall + specificity) / 2
            figures.setdefault(recipe, {})[held] = f"{accuracy:.1f} / {recall:.1f} / {balanced:.1f}"
    return held_out_table("recipe", figures)


def headline() -> list[str]:
    """Accuracy of MobileNet with Nadam in a sentence, for the README."""

    def accuracy(name: str) -> str:
        found = report(name)
        if found is None:
            return "-"
        sides = (percent(found[f"{side}_metrics"], "accuracy") for side in ("reference", "candidate"))
        return f"[{' / '.join(sides)} %](results/check-{name}-csf.json)"

    held_out = {series: accuracy(f"grouped-mobilenet-nadam-{series}") for series in ("B10", "B11", "B12")}
    return [
        "Accuracy of MobileNet in float / int8 on the paper's data (Moustafa et al., IJT 2025):",
        f"{accuracy('paper-mobilenet-nadam')} on the paper's random split; with one patient held out",
        f"{held_out['B10']} (B10), {held_out['B11']} (B11) or {held_out['B12']} (B12).",
    ]


def summary_table() -> list[str]:
    """MobileNet with Nadam in short."""
    lines = [
        "| MobileNet, Nadam | accuracy | recall | specificity | flips | gate |",
        "|---|---|---|---|---|---|",
    ]
    names = {"paper-mobilenet-nadam": "the paper's random split"} | {
        f"grouped-mobilenet-nadam-{series}": f"series {series} held out"
        for series in ("B10", "B11", "B12", "B13")
    }
    for name, words in names.items():
        if (found := report(name)) is None:
            continue
        sides = (found["reference_metrics"], found["candidate_metrics"])
        figures = [
            " / ".join(percent(side, figure) for side in sides)
            for figure in ("accuracy", "recall", "specificity")
        ]
        flips = f"{len(found['flips'])} of {sides[0]['slices']}"
        lines.append(
            f"| [{words}](../results/check-{name}-csf.json) | {' | '.join(figures)} | {flips} | {found['verdict']} |"
        )
    return lines


PAGES = {
    "docs/paper.md": {
        "summary": summary_table,
        "paper": paper_table,
        "grouped": grouped_table,
        "reliability": reliability_table,
        "probe": probe_table,
        "heads": heads_table,
        "recipes": recipes_table,
    },
    "docs/fast.md": {
        "pareto": lambda: pareto_table(RESULTS),
        "instructions": lambda: instructions_table(RESULTS),
    },
    "docs/quantization.md": {"bakeoff": lambda: bakeoff_table(RESULTS)},
    "docs/speed.md": {
        "peers": lambda: peers_table(RESULTS),
        "programs": lambda: programs_table(RESULTS),
        "overhead": lambda: overhead_table(RESULTS),
    },
    "docs/archives.md": {"scale": lambda: scale_table(RESULTS)},
    "README.md": {"headline": headline},
}


def written(name: str, text: str) -> str:
    """A page with its tables written anew."""
    for table, lines in PAGES[name].items():
        begin, end = f"<!-- table: {table} -->\n", f"<!-- end: {table} -->"
        if begin not in text or end not in text:
            sys.exit(f"{name} lacks the markers of table {table}")
        before, rest = text.split(begin, 1)
        _, after = rest.split(end, 1)
        text = before + begin + "\n".join(lines()) + "\n" + end + after
    return text


def main() -> None:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a page is out of date")
    arguments = parser.parse_args()
    for name in PAGES:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        new = written(name, text)
        if arguments.check and new != text:
            sys.exit(f"{name} is not what results/ says; run 'python benchmarks/tables.py'")
        if not arguments.check:
            path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()

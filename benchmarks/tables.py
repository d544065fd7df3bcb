"""Write the tables of docs/paper.md from the data files in results/, between their markers.

``python benchmarks/tables.py`` rewrites the page; ``--check`` fails if it is not what the data say.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/paper.md"
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


def grouped_table() -> list[str]:
    """Each series held out in turn."""
    lines = [
        "| network | held out | figures | accuracy | recall | specificity | balanced | AUC | flips | gate |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for backbone in ("mobilenet", "vgg16"):
        for series in ("B10", "B11", "B12", "B13"):
            found = report(f"grouped-{backbone}-nadam-{series}")
            if found is None:
                continue
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

    for backbone in ("mobilenet", "vgg16"):
        for series in ("B10", "B11", "B12", "B13"):
            found = report(f"grouped-{backbone}-nadam-{series}")
            if found is None:
                continue
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


TABLES = {"paper": paper_table, "grouped": grouped_table, "reliability": reliability_table}


def page(text: str) -> str:
    """The page with its tables written anew."""
    for name, table in TABLES.items():
        begin, end = f"<!-- table: {name} -->\n", f"<!-- end: {name} -->"
        if begin not in text or end not in text:
            sys.exit(f"{PAGE.name} lacks the markers of table {name}")
        before, rest = text.split(begin, 1)
        _, after = rest.split(end, 1)
        text = before + begin + "\n".join(table()) + "\n" + end + after
    return text


def main() -> None:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail if the page is out of date"
    )
    arguments = parser.parse_args()
    text = PAGE.read_text(encoding="utf-8")
    written = page(text)
    if arguments.check and written != text:
        sys.exit("docs/paper.md is not what results/ says; run 'python benchmarks/tables.py'")
    if not arguments.check:
        PAGE.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()

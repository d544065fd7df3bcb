"""Collect the table of networks that ``cspine-edge recommend`` picks from: ``results/pareto.json`` and its picture.

``python benchmarks/pareto.py`` takes what the networks decide from the reports of ``check`` in ``results/`` and the
instructions from ``results/instructions-int8-arm64.json``, and times the very files that were counted, all of them
side by side. It prints the Markdown table, which ``python benchmarks/tables.py`` puts into docs/fast.md. Rows of the
manifest below whose files are not there are left out with a warning.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from fast_tables import pareto_table
from reproduce import ROWS

from cspine_edge import __version__
from cspine_edge.classifier import Classifier
from cspine_edge.files import file_sha256
from cspine_edge.machine import describe_machine
from cspine_edge.pareto import Figures, ParetoTable, Row
from cspine_edge.progress import progress
from cspine_edge.sensors import read_sensors
from cspine_edge.sweep import SWEEP_UNITS, Rules, sweep

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
INSTRUCTIONS = RESULTS / "instructions-int8-arm64.json"
MODEL_FOLDERS = (ROOT / "models", ROOT / ".cache" / "networks")
SERIES = ("B10", "B11", "B12")
"""Held out in turn; B13 is all fracture and has no balanced accuracy."""
THREADS = (1, 2)


@dataclass(frozen=True)
class Entry:
    """A row to collect.

    Attributes
    ----------
    model, optimizer
        As in the names ``check-grouped-MODEL-OPTIMIZER-SERIES-csf.json`` and ``check-phantom-hard-MODEL.json``.
    network
        The architecture by the grammar ``backbone[-aALPHA][-bBLOCKS]-SIZE``, which is the same for its trained file
        and for one with random weights.
    precision
        Of the model that was checked.
    train
        The options of ``cspine-edge train`` that make it, but for ``--hold-out``.
    """

    model: str
    optimizer: str
    network: str
    precision: str
    train: str


MANIFEST = (
    Entry("mobilenet", "nadam", "mobilenet-a1.0-224", "int8-qat", "--backbone mobilenet --protocol grouped"),
    Entry("vgg16", "nadam", "vgg16-224", "int8", "--backbone vgg16 --protocol grouped"),
    Entry(
        *("densenet121", "nadam", "densenet121-112", "int8"),
        "--backbone densenet121 --size 112 --weights random --head dense --protocol grouped",
    ),
    *(
        Entry(
            *(row.model, row.optimizer, row.model, row.precision),
            f"{' '.join(row.network_options)} --protocol grouped",
        )
        for row in {row.model: row for row in ROWS.values() if row.alpha}.values()
    ),
)


class MissingError(Exception):
    """A row cannot be collected; the message says what is missing."""


def figures(path: Path, entry: Entry) -> Figures:
    """Read a report of ``check``, and make sure that it is about the row's network."""
    if not path.is_file():
        raise MissingError(f"{path.name} is not there")
    report = json.loads(path.read_text(encoding="utf-8"))
    if report["candidate"] != f"{entry.network}-{entry.precision}.tflite":
        raise MissingError(f"{path.name} is about {report['candidate']}")
    return Figures.of_report(report)


def counted(entry: Entry, models: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Find the counts of an entry's network: of its own file, or of one with random weights."""
    found = [model for model in models if model["network"] == entry.network]
    found.sort(key=lambda model: (model["precision"] != entry.precision, model["weights"] == "random"))
    if not found:
        raise MissingError(f"no instructions of {entry.network} in {INSTRUCTIONS.name}")
    return found[0]


def file_of(model: dict[str, Any], folders: Sequence[Path]) -> Path:
    """Find the file whose instructions were counted."""
    for folder in folders:
        path = folder / model["file"]
        if path.is_file() and file_sha256(path) == model["sha256"]:
            return path
    raise MissingError(f"{model['file']} as it was counted is not there; count instructions anew")


def collect(
    entries: Sequence[Entry], models: Sequence[dict[str, Any]], results: Path, folders: Sequence[Path]
) -> dict[Path, dict[str, Any]]:
    """Collect the rows that are complete but for their latencies, by model file; warn of the others.

    Parameters
    ----------
    entries
        What to collect.
    models
        The list of the document with the counts.
    results
        Folder of the reports of ``check``.
    folders
        Where model files lie.

    Returns
    -------
    dict
        Fields of :class:`cspine_edge.pareto.Row`.
    """
    rows = {}
    for entry in entries:
        name = f"{entry.model}-{entry.optimizer}"
        try:
            grouped = {
                series: figures(results / f"check-grouped-{name}-{series}-csf.json", entry)
                for series in SERIES
            }
            model = counted(entry, models)
            file = file_of(model, folders)
        except MissingError as missing:
            print(f"warning: {name} is left out: {missing}", file=sys.stderr)
            continue
        phantom: Figures | None = None
        try:
            phantom = figures(results / f"check-phantom-hard-{entry.model}.json", entry)
        except MissingError as missing:
            print(f"warning: {name} has no figures on the hard phantom: {missing}", file=sys.stderr)
        shipped = f"{entry.network}-{entry.precision}.tflite"
        rows[file] = {
            "name": name,
            "network": entry.network,
            "precision": entry.precision,
            "train": f"{entry.train} --optimizer {entry.optimizer}",
            "shipped": shipped if (ROOT / "models" / shipped).is_file() else None,
            "grouped": grouped,
            "phantom": phantom,
            "instructions": model["instructions"],
            "size_bytes": model["size_bytes"],
        }
    return rows


def time_side_by_side(files: Sequence[Path], seconds: float) -> dict[Path, dict[str, float]]:
    """Median times of an inference in ms by number of threads, all files and threads in blocks that alternate."""
    sessions = {(file, threads): Classifier(file, threads=threads) for file in files for threads in THREADS}
    for classifier in sessions.values():
        spec = classifier.spec
        noise = np.random.default_rng(0).integers(0, 256, (spec.height, spec.width), dtype=np.uint8)
        classifier.load(noise)
    rules = Rules(least_s=seconds, least_runs=20, most_s=None, warmup=3)
    with progress("timing", SWEEP_UNITS) as step:
        timings = sweep(sessions, rules, np.random.default_rng(0), step)
    return {
        file: {str(threads): timings[file, threads].latency.p50_ms for threads in THREADS} for file in files
    }


def plot(table: ParetoTable, out: Path) -> None:
    """Draw balanced accuracy against instructions on Cortex-A72; the front is the red line."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    for row in table.rows:
        cost, rates = row.instructions["cortex-a72"] / 1e6, [row.grouped[s].balanced for s in table.series]
        known = [100 * rate for rate in rates if rate is not None]
        colour = "tab:red" if row.front else "tab:grey"
        axes.plot([cost, cost], [min(known), max(known)], color=colour, linewidth=1, alpha=0.4)
        axes.plot(cost, 100 * table.balanced(row), "o", color=colour)
        axes.annotate(
            row.name,
            (cost, 100 * table.balanced(row)),
            xytext=(5, 5),
            textcoords="offset points",
            fontsize=8,
        )
    front = [(row.instructions["cortex-a72"] / 1e6, row) for row in table.rows[::-1] if row.front]
    axes.step(
        [cost for cost, _ in front],
        [100 * table.balanced(row) for _, row in front],
        where="post",
        color="tab:red",
    )
    axes.set(
        xscale="log",
        xlabel="instructions of one int8 inference, Cortex-A72, in millions",
        ylabel="balanced accuracy, %",
        title=f"{', '.join(table.series)} held out in turn: mean, and from the lowest to the highest",
    )
    axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    axes.margins(x=0.2)
    axes.grid(alpha=0.3)
    figure.savefig(out, dpi=120)
    pyplot.close(figure)


def main() -> None:
    """Collect, time, write and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=2.0,
        help="least time of timed inferences of each file and thread count",
    )
    seconds = parser.parse_args().seconds
    document = json.loads(INSTRUCTIONS.read_text(encoding="utf-8"))
    parts = collect(MANIFEST, document["models"], RESULTS, MODEL_FOLDERS)
    if not parts:
        sys.exit("error: not one row of the manifest has its files; see the warnings")
    readings, machine = read_sensors(), describe_machine()
    for disturbance in readings.disturbances():
        print(f"warning: {disturbance}", file=sys.stderr)
    latencies = time_side_by_side(tuple(parts), seconds)
    session = Classifier().session
    counting = document["conditions"]
    how = (
        f"median of one inference, {session.runtime.value} {session.version}, {session.family.value} kernels, "
        f"all rows interleaved, {seconds:g} s each, load average {readings.load_average} at the start"
    )
    counted_how = (
        f"{counting['emulator']}, LiteRT {counting['versions']['ai-edge-litert']}, {counting['kernels']} kernels, "
        f"{counting['threads']} thread"
    )
    table = ParetoTable(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        toolkit=__version__,
        machine=machine.banner,
        latency_conditions=how,
        instruction_conditions=counted_how,
        series=SERIES,
        rows=tuple(Row(**fields, latency_ms=latencies[file]) for file, fields in parts.items()),
    ).ranked()
    table.save(RESULTS / "pareto.json", overwrite=True)
    plot(table, RESULTS / "pareto.png")
    print("\n".join(pareto_table(RESULTS)))


if __name__ == "__main__":
    main()

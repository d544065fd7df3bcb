"""The tables of docs/speed.md and docs/archives.md.

From the data of benchmarks/{peers,throughput,one_slice,overhead,scale}.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def _read(results: Path, pattern: str) -> Any:
    (path,) = results.glob(pattern)
    return json.loads(path.read_text(encoding="utf-8"))


def peers_table(results: Path) -> list[str]:
    """A row per peer: times and ratios on one and two threads.

    Parameters
    ----------
    results
        Folder of the data files.
    """
    rows: dict[str, dict[int, dict[str, Any]]] = {}
    for row in _read(results, "peers-*.json")["rows"]:
        rows.setdefault(row["peer"], {})[row["threads"]] = row
    lines = [
        "| model, runtime | version | 1 thread, ms | times ours | 2 threads, ms | times ours |",
        "|---|---|---|---|---|---|",
    ]
    for peer, by_threads in rows.items():
        cells = [
            f"{row['ms_median']:.2f} | {row['ratio_median']:.2f}" for _, row in sorted(by_threads.items())
        ]
        lines.append(f"| {peer} | {by_threads[1]['version']} | {' | '.join(cells)} |")
    return lines


def programs_table(results: Path) -> list[str]:
    """A row per job: what ``predict`` takes, what the plain program takes.

    Parameters
    ----------
    results
        Folder of the data files.
    """
    names = {
        "png-512": "1,000 PNG of 512 x 512",
        "dicom-512": "a DICOM series of 300 slices of 512 x 512",
        "png-224": "1,000 PNG of 224 x 224",
    }
    lines = [
        "| job, whole process | `predict` | plain program | ratio, quartiles | peak memory, MiB |",
        "|---|---|---|---|---|",
    ]
    one = _read(results, "one-slice-*.json")
    low, high = one["ratio_quartiles"]
    lines.append(
        f"| one PNG of 512 x 512 | {1e3 * one['predict_s_median']:.0f} ms | {1e3 * one['plain_s_median']:.0f} ms | "
        f"{one['ratio_median']:.2f} of its time [{low:.2f}, {high:.2f}] | "
        f"{one['peak_memory_ratio_median']:.2f} times |"
    )
    for name, found in _read(results, "throughput-*.json")["folders"].items():
        low, high = found["throughput_ratio_quartiles"]
        lines.append(
            f"| {names[name]} | {found['predict_ms_per_slice']:.2f} ms a slice | "
            f"{found['plain_ms_per_slice']:.2f} ms a slice | "
            f"{found['throughput_ratio_median']:.2f} times its throughput [{low:.2f}, {high:.2f}] | "
            f"{found['predict_peak_mib']:.0f} against {found['plain_peak_mib']:.0f} |"
        )
    return lines


def overhead_table(results: Path) -> list[str]:
    """A row per shipped model and thread count.

    Parameters
    ----------
    results
        Folder of the data files.
    """
    lines = ["| model | threads | `invoke`, µs | image to decision, µs | more |", "|---|---|---|---|---|"]
    for row in _read(results, "overhead-*.json")["rows"]:
        lines.append(
            f"| `{row['model']}` | {row['threads']} | {row['invoke_us_median']:.0f} | {row['decide_us_median']:.0f} | "
            f"{100 * (row['ratio_of_medians'] - 1):.1f} % |"
        )
    return lines


def scale_table(results: Path) -> list[str]:
    """A row per verb and number of slices: processor time and peak memory.

    Parameters
    ----------
    results
        Folder of the data files.
    """
    lines = [
        "| verb | slices | wall, s | processor, s | per slice, ms | peak memory, MiB |",
        "|---|---|---|---|---|---|",
    ]
    for row in _read(results, "scale-*.json")["rows"]:
        times = f"{row['wall_s']:.1f} | {row['cpu_s']:.1f} | {row['cpu_ms_per_slice']:.2f}"
        lines.append(f"| `{row['verb']}` | {row['slices']:,} | {times} | {row['peak_mib']:.0f} |")
    return lines

"""Train on more slices than memory may hold: one training freely, the same one inside a limit that the kernel enforces.

    python benchmarks/train_memory.py --weights mobilenet_2_5_224_tf_no_top.h5 --out results/train-memory-....json

The limit is a control group's (Linux, root); the memory of pages that belong to files counts too, but can be taken
back. Both runs must end in the same network, weight for weight.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

from processes import COMMAND, Usage, run
from scale import make_slices

from cspine_edge.files import write_json
from cspine_edge.machine import describe_machine

GROUPS = Path("/sys/fs/cgroup")


@contextmanager
def limited(limit_mib: int) -> Iterator[list[str]]:
    """Give the words that put a program before them into a group with so much memory."""
    older = GROUPS / "memory"  # of version 1, where each resource has a tree
    group = (older if older.is_dir() else GROUPS) / f"cspine-edge-{os.getpid()}"
    group.mkdir()
    try:
        limit = group / ("memory.limit_in_bytes" if older.is_dir() else "memory.max")
        limit.write_text(str(limit_mib << 20))
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        group.rmdir()


def trained(prefix: list[str], folder: Path, out: Path, weights: Path, size: int) -> Usage:
    """Train a linear head, the default, on a quarter-width MobileNet."""
    words = ["train", str(folder), "--out", str(out), "--weights", str(weights), "--alpha", "0.25"]
    words += ["--size", str(size), "--series-pattern", r"(?P<series>s\d+)", "--hold-out", "s0000"]
    return run([*prefix, *COMMAND, *words])


def digest(out: Path) -> str:
    """Hash the weights of a run's network; the archive around them holds the time."""
    with ZipFile(out / "model.keras") as archive:
        return hashlib.sha256(archive.read("model.weights.h5")).hexdigest()


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--weights", type=Path, required=True, help="Keras file of MobileNet 0.25 without top"
    )
    parser.add_argument("--slices", type=int, default=40_000)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--limit-mib", type=int, default=1_200)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, limited(arguments.limit_mib) as inside:
        folder = Path(scratch, "ct")
        make_slices(folder, arguments.slices)
        rows, digests = [], set()
        for name, prefix in (("none", []), (f"{arguments.limit_mib} MiB", inside)):
            out = Path(scratch, name.replace(" ", ""), "run")  # features are kept beside a run: none shared
            used = trained(prefix, folder, out, arguments.weights, arguments.size)
            rows.append({"limit": name, "wall_s": round(used.wall_s, 1), "cpu_s": round(used.cpu_s, 1)})
            digests.add(digest(out))
            print(json.dumps(rows[-1]), flush=True)
    document = {
        "what": "train with a linear head on MobileNet 0.25, freely and inside a limit of memory",
        "machine": describe_machine().banner,
        "slices": arguments.slices,
        "images_mib": round(arguments.slices * arguments.size**2 / 2**20),
        "rows": rows,
        "same_weights": len(digests) == 1,
    }
    write_json(arguments.out, document, overwrite=True)


if __name__ == "__main__":
    main()

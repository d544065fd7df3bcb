"""One inference by the Android demo's own interpreter on a desktop JVM against LiteRT, in blocks that take turns.

    python benchmarks/android_interpreter.py --out results/android-builtin-x86_64.json

Needs a JDK. A line of the result is a median, the least of the blocks' medians (which other work on the machine
disturbs least), and the median of the ratios, round by round, to LiteRT's time on the same number of threads. Inputs
are noise for LiteRT and a phantom slice for ours, whose time depends on the content: it leaves out what is zero.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from java_core import BUILTIN_PROGRAM, compile_core
from peers import BLOCK_S, Peer, measure, serving

from cspine_edge.files import write_json
from cspine_edge.machine import describe_machine
from cspine_edge.model_file import ModelFile
from cspine_edge.phantom import generate_series
from cspine_edge.preprocess import replicate_channels, resize
from cspine_edge.shipped import shipped_model
from cspine_edge.window import BONE_WINDOW

FAMILIES = ("xnnpack", "reference")


def write_slice(model: Path, path: Path) -> None:
    """Write a phantom slice as a model's input tensor."""
    contract = ModelFile.read(model).contract
    assert contract is not None
    spec = contract.preprocessing
    hu = generate_series(seed=4, index=0, slices=1, size=512).volume[0]
    image = resize(BONE_WINDOW.apply(hu.astype(np.float64)), spec.height, spec.width)
    replicate_channels(image, spec.channels).tofile(path)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--models", nargs="+", default=["mobilenet", "fast"], help="names or files")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        classes, given = Path(folder, "classes"), Path(folder, "in")
        classes.mkdir()
        compile_core(classes)
        java = ["java", "-cp", str(classes), BUILTIN_PROGRAM, "serve"]
        for name in arguments.models:
            model = Path(name) if Path(name).is_file() else shipped_model(name)
            write_slice(model, given)
            for threads in arguments.threads:
                peers = {"LiteRT": Peer(serving(sys.executable, "litert", model, threads))}
                for family in FAMILIES:
                    words = [*java, str(model), family, str(threads), str(given)]
                    peers[f"builtin, {family}"] = Peer(words)
                times = measure(peers, arguments.rounds)
                for peer, own in times.items():
                    ratios = sorted(a / b for a, b in zip(own, times["LiteRT"], strict=True))
                    rows.append(
                        {
                            "peer": peer,
                            "threads": threads,
                            "version": peers[peer].version,
                            "model": model.name,
                            "ms_median": statistics.median(own),
                            "ms_least": min(own),
                            "ratio_median": statistics.median(ratios),
                            "ratio_quartiles": [ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]],
                        }
                    )
                    print("{model} {peer:20} {threads} {ms_median:8.3f} ms".format(**rows[-1]), end="")
                    print(", least {ms_least:.3f}".format(**rows[-1]), end="")
                    print(", ratio {ratio_median:.2f} {ratio_quartiles}".format(**rows[-1]))
                for one in peers.values():
                    one.end()
    result = {
        "what": "median time of an inference; ratios round by round to LiteRT's on as many threads",
        "rounds": arguments.rounds,
        "block_s": BLOCK_S,
        "machine": describe_machine().banner,
        "rows": rows,
    }
    if arguments.out:
        write_json(arguments.out, result, overwrite=True)


if __name__ == "__main__":
    main()

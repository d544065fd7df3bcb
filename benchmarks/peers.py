"""One inference of MobileNet by each runtime there is, side by side: blocks in turns, in shuffled order, in one run.

    python benchmarks/stock_mobilenet.py .cache/stock       # in the environment of the train and onnx extras
    python benchmarks/peers.py .cache/stock --out results/peers-x86_64.json \
        --python openvino=OTHER/bin/python --python tflite-runtime=ANOTHER/bin/python

Each peer is a process of its own, so that each can have an environment of its own (tflite-runtime needs numpy below
2); without ``--python`` the one that runs this is tried. A peer that is not installed is named and left out. The peers
run the stock network, this toolkit its shipped models. A line of the result is a median, and the median of its
ratios, round by round, to the shipped default model's time.
"""

from __future__ import annotations

import argparse
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

BLOCK_S, SETTLE = 0.15, 3
RUNNERS = ("litert", "tflite-runtime", "onnxruntime", "openvino")
OURS = "cspine-edge default"


def open_runner(runner: str, model: str, threads: int) -> tuple[str, Callable[[], object]]:
    """Load a model; give the version of the runtime and a function that runs an inference on noise."""
    import numpy as np

    def noise(shape: Any, dtype: Any) -> Any:
        values = np.random.default_rng(0).integers(0, 256, [int(side) for side in shape])
        return values.astype(dtype) if dtype == np.uint8 else (values / 255).astype(dtype)

    if runner == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        entry = session.get_inputs()[0]
        fed = {entry.name: noise(entry.shape, np.uint8 if "uint8" in entry.type else np.float32)}
        return onnxruntime.__version__, lambda: session.run(None, fed)
    if runner == "openvino":
        import openvino

        core = openvino.Core()
        hints = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        request = core.compile_model(model, "CPU", hints).create_infer_request()
        tensor = request.get_input_tensor()
        tensor.data[:] = noise(tensor.shape, tensor.data.dtype)
        return openvino.__version__.split("-")[0], request.infer
    if runner == "litert":
        from ai_edge_litert import interpreter as module

        package = "ai-edge-litert"
    else:
        from tflite_runtime import interpreter as module

        package = "tflite-runtime"
    from importlib.metadata import version

    interpreter = module.Interpreter(model, num_threads=threads)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]
    interpreter.set_tensor(entry["index"], noise(entry["shape"], entry["dtype"]))
    return version(package), interpreter.invoke


def serve(runner: str, model: str, threads: int) -> None:
    """Be a peer: for each line on standard input run a block, and print its median time in milliseconds."""
    version, infer = open_runner(runner, model, threads)
    infer()
    print(version, flush=True)
    for _ in sys.stdin:
        for _ in range(SETTLE):
            infer()
        times, end = [], time.perf_counter() + BLOCK_S
        while time.perf_counter() < end:
            begun = time.perf_counter()
            infer()
            times.append(time.perf_counter() - begun)
        print(1e3 * statistics.median(times), flush=True)


def serving(python: str, runner: str, model: Path, threads: int) -> list[str]:
    """Give the command of a peer in Python."""
    return [python, __file__, "--serve", runner, str(model), str(threads)]


class Peer:
    """A process that runs one model: it prints a version, and a block's median time for each line it is given."""

    def __init__(self, words: Sequence[str]) -> None:
        # A pipe that nobody reads would fill up; closed in end().
        self._told = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._told, text=True
        )
        self.version = self._read()

    def block(self) -> float:
        """Run a block; its median time in milliseconds."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._read())

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._told.close()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._told.seek(0)
            raise RuntimeError((self._told.read().strip().splitlines() or ["no reason given"])[-1])
        return line.strip()


def measure(peers: dict[str, Peer], rounds: int) -> dict[str, list[float]]:
    """Run blocks in turns; times of each peer, round by round."""
    times: dict[str, list[float]] = {name: [] for name in peers}
    shuffle = random.Random(0)
    for _ in range(rounds):
        order = list(peers)
        shuffle.shuffle(order)
        for name in order:
            times[name].append(peers[name].block())
    return times


def main() -> None:
    """Measure, print and write."""
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], sys.argv[3], int(sys.argv[4]))
        return
    from cspine_edge.files import write_json
    from cspine_edge.machine import describe_machine
    from cspine_edge.shipped import shipped_model

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stock", type=Path, help="folder of stock_mobilenet.py")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="RUNTIME=PYTHON",
        help=f"run this one of {', '.join(RUNNERS)} with the Python of another environment",
    )
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    pythons = dict(entry.split("=", 1) for entry in arguments.python)
    stock = arguments.stock / "mobilenet-a1.0-224-stock-int8.tflite"
    entries = {
        OURS: ("litert", shipped_model()),
        "cspine-edge fast": ("litert", shipped_model("fast")),
        "stock int8, LiteRT": ("litert", stock),
        "stock int8, tflite-runtime": ("tflite-runtime", stock),
        "stock int8, ONNX Runtime": ("onnxruntime", stock.with_suffix(".onnx")),
        "stock int8, OpenVINO": ("openvino", stock),
        "stock float32, LiteRT": ("litert", stock.with_name("mobilenet-a1.0-224-stock-float32.tflite")),
    }
    rows = []
    for threads in arguments.threads:
        peers = {}
        for name, (runner, model) in entries.items():
            try:
                python = pythons.get(runner, sys.executable)
                peers[name] = Peer(serving(python, runner, model, threads))
            except RuntimeError as error:
                print(f"{name}: left out ({error})")
        if OURS not in peers:
            raise SystemExit("without the shipped model's runtime there is nothing to compare with")
        times = measure(peers, arguments.rounds)
        for name, peer in peers.items():
            ratios = sorted(a / b for a, b in zip(times[name], times[OURS], strict=True))
            rows.append(
                {
                    "peer": name,
                    "threads": threads,
                    "runtime": entries[name][0],
                    "version": peer.version,
                    "model": entries[name][1].name,
                    "ms_median": statistics.median(times[name]),
                    "ratio_median": statistics.median(ratios),
                    "ratio_quartiles": [ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]],
                }
            )
            print(
                "{peer:30} {threads} {version:10} {ms_median:8.3f} ms, ratio {ratio_median:.3f}".format(
                    **rows[-1]
                )
            )
            peer.end()
    document = {
        "what": "median time of an inference; ratios round by round to that of the shipped default model",
        "rounds": arguments.rounds,
        "block_s": BLOCK_S,
        "machine": describe_machine().banner,
        "python": platform.python_version(),
        "rows": rows,
    }
    write_json(arguments.out, document, overwrite=True)


if __name__ == "__main__":
    main()

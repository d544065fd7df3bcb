"""The fewest layers back to floating point until an int8 model decides as its float network does.

1. Each operation alone is computed in int8 and all others in float, on slices of the validation part. What it then does
   to the margins ranks the operations.
2. The first 1, 2, 4 ... of the ranking are kept in float until the criterion is met; bisecting finds where it begins to
   be.
3. From the last of these to the first, whatever can go back to int8 goes back.

Every trial is the real file in the real interpreter (:mod:`converters.mixed`), judged by the gate on the validation
part alone. The gate says *passed* from 299 series on only, so the criterion is that it does not say *failed*, that
no more than so many decisions are lost, and that the margins' noise stays low. The last is needed: slices of series
the network has learned from lie far from the threshold, and no noise makes a decision of theirs flip.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cspine_edge.classifier import Classifier
from cspine_edge.contract import Outputs
from cspine_edge.dataset import LabelledDataset
from cspine_edge.errors import ModelError
from cspine_edge.latency import Latency
from cspine_edge.model_file import ModelFile
from cspine_edge.parity import PairedMargins, judge
from cspine_edge.preprocess import Preprocessing
from cspine_edge.progress import progress
from cspine_edge.run import Run
from cspine_edge.sweep import Rules, sweep
from cspine_edge.training.framework import keras

from .contract_writer import new_contract
from .mixed import Operation, Weights, operations, with_float
from .operating_point import decide_on, margins_of
from .restoration import Criterion, RankedLayer, Restoration, Trial

_RANKING_SLICES = 64
_BENCH_RULES = Rules(least_s=2.0, least_runs=50, most_s=None, warmup=10)


def restore(
    graph: bytes,
    equalised: keras.Model,
    folded: keras.Model,
    run: Run,
    validation: LabelledDataset,
    images: npt.NDArray[np.uint8],
    criterion: Criterion,
    log: Callable[[str], None],
) -> tuple[bytes, Restoration]:
    """Keep the fewest layers of an int8 graph in float until the criterion is met.

    Parameters
    ----------
    graph
        The int8 flatbuffer.
    equalised
        The network it was made from before its kernels were rounded; layers in float take their weights from it.
    folded
        The float network it is judged against.
    run
        The run, which says how a threshold is chosen.
    validation, images
        The validation part, and its prepared slices, shape (n, height, width), uint8.
    criterion
        When enough layers are in float.
    log
        Receives a line a trial.

    Returns
    -------
    tuple
        The flatbuffer, and the report.

    Raises
    ------
    ModelError
        If not even all layers in float meet the criterion.
    """
    with tempfile.TemporaryDirectory() as folder:
        search = _Search(Path(folder), graph, equalised, folded, run, validation, images, criterion, log)
        chosen = search.run()
        return with_float(graph, search.weights, chosen), search.report(chosen)


def float_weights(network: keras.Model) -> Weights:
    """Give kernel and bias of each layer, kernels as TFLite lays them out.

    Parameters
    ----------
    network
        A folded network.
    """
    weights: Weights = {}
    for layer in network.layers:
        if not layer.get_weights():
            continue
        kernel, bias = layer.get_weights()
        if isinstance(layer, keras.layers.Dense):
            kernel = kernel.T
        elif isinstance(layer, keras.layers.DepthwiseConv2D):
            kernel = kernel.reshape(1, *kernel.shape[:2], -1)
        else:
            kernel = kernel.transpose(3, 0, 1, 2)
        weights[layer.name] = kernel, bias
    return weights


def margin_sqnr_db(reference: npt.NDArray[np.float64], candidate: npt.NDArray[np.float64]) -> float:
    """Signal to noise of margins, in dB, at most about 150.

    The noise is what is left of the reference after a linear fit to the candidate: threshold and temperature are
    chosen anew for each file, and take back a shift and a factor common to all margins.

    Parameters
    ----------
    reference, candidate
        Margins of the same slices, shape (n,).
    """
    signal = float(reference.var())
    spread = float(candidate.var())
    shared = float(np.cov(reference, candidate, bias=True)[0, 1]) ** 2 / spread if spread else 0.0
    floor = float(np.finfo(np.float64).eps) * max(signal, float(np.finfo(np.float32).tiny))
    return float(10 * np.log10(max(signal, floor) / max(signal - shared, floor)))


class _Search:
    def __init__(
        self,
        folder: Path,
        graph: bytes,
        equalised: keras.Model,
        folded: keras.Model,
        run: Run,
        validation: LabelledDataset,
        images: npt.NDArray[np.uint8],
        criterion: Criterion,
        log: Callable[[str], None],
    ) -> None:
        self.weights = float_weights(equalised)
        self._folder, self._graph, self._run, self._log = folder, graph, run, log
        self._validation, self._images, self._criterion = validation, images, criterion
        self._spec: Preprocessing = run.preprocessing
        self._operations = operations(graph)
        everything = frozenset(operation.position for operation in self._operations)
        self._everything = everything
        # All in float with the float network's own weights is the float network, without another export.
        self._reference_graph = with_float(graph, float_weights(folded), everything)
        self._reference = self._margins(self._reference_graph, images)
        self._reference_decision = decide_on(self._reference, run, validation)
        self._trials: dict[frozenset[int], Trial] = {}
        self._ranking: list[tuple[RankedLayer, int]] = []

    def run(self) -> frozenset[int]:
        """Positions of the operations to keep in float."""
        if self._try(frozenset()):
            return frozenset()
        self._ranking = self._rank()
        order = [position for _, position in self._ranking]
        low, high = 0, 1
        while not self._try(frozenset(order[:high])):
            if high == len(order):
                raise ModelError(
                    self._run.model_path,
                    f"does not meet the criterion even with all layers in float ({self._trials[self._everything]}); "
                    "ask for less",
                )
            low, high = high, min(2 * high, len(order))
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._try(frozenset(order[:middle])) else (middle, high)
        chosen = frozenset(order[:high])
        for position in reversed(order[:high]):
            if self._try(chosen - {position}):
                chosen -= {position}
        return chosen

    def report(self, chosen: frozenset[int]) -> Restoration:
        """Report on the choice; times it."""
        latencies = self._time(chosen)
        return Restoration(
            criterion=self._criterion,
            data=self._validation.describe(),
            before=self._trials[frozenset()],
            after=self._trials[chosen],
            multiply_accumulates=sum(entry.multiply_accumulates for entry in self._operations),
            multiply_accumulates_in_float=sum(
                entry.multiply_accumulates for entry in self._operations if entry.position in chosen
            ),
            latency_before=latencies["before"],
            latency_after=latencies["after"],
            latency_float=latencies["float"],
            ranking=tuple(layer for layer, _ in self._ranking),
            trials=tuple(self._trials.values()),
        )

    def _rank(self) -> list[tuple[RankedLayer, int]]:
        some = slice(None, None, max(1, len(self._images) // _RANKING_SLICES))
        images = self._images[some]
        whole = self._margins(with_float(self._graph, self.weights, self._everything), images)
        found = []
        with progress("ranking the layers", len(self._operations)) as step:
            for entry in self._operations:
                alone = with_float(self._graph, self.weights, self._everything - {entry.position})
                found.append((self._ranked(entry, whole, self._margins(alone, images)), entry.position))
                step()
        return sorted(found, key=lambda pair: pair[0].margin_sqnr_db)

    @staticmethod
    def _ranked(
        entry: Operation, whole: npt.NDArray[np.float64], margins: npt.NDArray[np.float64]
    ) -> RankedLayer:
        return RankedLayer(
            entry.name,
            entry.operation,
            margin_sqnr_db(whole, margins),
            float(np.abs(margins - whole).mean()),
            entry.multiply_accumulates,
        )

    def _try(self, positions: frozenset[int]) -> bool:
        if positions not in self._trials:
            graph = with_float(self._graph, self.weights, positions)
            margins = self._margins(graph, self._images)
            paired = PairedMargins(
                self._validation,
                self._reference,
                margins,
                self._reference_decision,
                decide_on(margins, self._run, self._validation),
            )
            report = judge(paired)
            self._trials[positions] = Trial(
                layers=tuple(entry.name for entry in self._operations if entry.position in positions),
                verdict=report.verdict,
                lost=report.sensitivity_loss.lost + report.specificity_loss.lost,
                flips=len(report.flips),
                margin_sqnr_db=margin_sqnr_db(self._reference, margins),
                mean_difference=report.mean_difference,
                largest_difference=report.largest_difference,
                size_bytes=len(graph),
            )
            self._log(f"restore: {self._trials[positions]}")
        return self._trials[positions].meets(self._criterion)

    def _file(self, graph: bytes) -> ModelFile:
        contract = new_contract(self._spec, _output_positions(graph))
        return ModelFile(self._folder / "model.tflite", graph, contract, {})

    def _margins(self, graph: bytes, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        return margins_of(self._file(graph), images)

    def _time(self, chosen: frozenset[int]) -> dict[str, Latency]:
        graphs = {
            "before": self._graph,
            "after": with_float(self._graph, self.weights, chosen),
            "float": self._reference_graph,
        }
        classifiers = {
            name: Classifier(self._file(graph).save(self._folder / f"{name}.tflite").path, threads=1)
            for name, graph in graphs.items()
        }
        for classifier in classifiers.values():
            classifier.load(self._images[0])
        timings = sweep(classifiers, _BENCH_RULES, np.random.default_rng(0), lambda *_: None)
        return {name: timing.latency for name, timing in timings.items()}


def _output_positions(graph: bytes) -> Outputs:
    """Find the outputs by their signature names, which the converter keeps; it does not keep their order."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=graph)
    named = interpreter._get_full_signature_list()["serving_default"]["outputs"]
    order = [detail["index"] for detail in interpreter.get_output_details()]
    return Outputs(logits=order.index(named["logits"]), probability=order.index(named["probability"]))

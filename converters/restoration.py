"""What was kept in float to meet a criterion, and what that cost: the report of ``convert --restore``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cspine_edge.documents import encode
from cspine_edge.files import write_json
from cspine_edge.latency import Latency
from cspine_edge.parity import GateVerdict


@dataclass(frozen=True)
class Criterion:
    """When enough layers are in float.

    Attributes
    ----------
    lost
        Decisions of the validation part that the float network has right and the model may have wrong.
    margin_sqnr_db
        Least signal to noise of the margins against the float network's, in dB; see
        :func:`converters.restore.margin_sqnr_db`.
    """

    lost: int = 0
    margin_sqnr_db: float = 30.0


@dataclass(frozen=True)
class RankedLayer:
    """What an operation does to the margins when it alone is computed in int8.

    Attributes
    ----------
    name, operation
        Name of the Keras layer, and TFLite's of the operation.
    margin_sqnr_db
        Signal to noise of the margins, in dB.
    mean_difference
        Of the margins, absolute.
    multiply_accumulates
        Of one inference.
    """

    name: str
    operation: str
    margin_sqnr_db: float
    mean_difference: float
    multiply_accumulates: int


@dataclass(frozen=True)
class Trial:
    """An int8 model with some layers in float, on the validation part.

    Attributes
    ----------
    layers
        In float, in the network's order.
    verdict
        The gate's.
    lost, flips
        Decisions lost, and decided differently in all.
    margin_sqnr_db
        Signal to noise of the margins, in dB.
    mean_difference, largest_difference
        Of the margins, absolute.
    size_bytes
        Of the graph.
    """

    layers: tuple[str, ...]
    verdict: GateVerdict
    lost: int
    flips: int
    margin_sqnr_db: float
    mean_difference: float
    largest_difference: float
    size_bytes: int

    def meets(self, criterion: Criterion) -> bool:
        """True if no more layers are needed."""
        return (
            self.verdict is not GateVerdict.FAILED
            and self.lost <= criterion.lost
            and self.margin_sqnr_db >= criterion.margin_sqnr_db
        )

    def __str__(self) -> str:
        return (
            f"{len(self.layers)} layers in float: {self.lost} decisions lost, margins {self.margin_sqnr_db:.1f} dB, "
            f"{self.size_bytes / 1e6:.2f} MB"
        )


@dataclass(frozen=True)
class Restoration:
    """What was kept in float, why, and at what cost.

    Attributes
    ----------
    criterion, data
        What was asked for, and on what it was judged, in words.
    before, after
        All layers in int8, and the result.
    multiply_accumulates, multiply_accumulates_in_float
        Of one inference of the result.
    latency_before, latency_after, latency_float
        All in int8, the result and all in float on this machine, timed in turns.
    ranking
        Worst first.
    trials
        All that were made, in order.
    """

    criterion: Criterion
    data: str
    before: Trial
    after: Trial
    multiply_accumulates: int
    multiply_accumulates_in_float: int
    latency_before: Latency
    latency_after: Latency
    latency_float: Latency
    ranking: tuple[RankedLayer, ...]
    trials: tuple[Trial, ...]

    def to_json(self) -> dict[str, object]:
        """Give plain data for JSON, schema and version first."""
        return {"schema": "cspine-edge/restoration", "version": 1} | encode(self)

    def save(self, path: Path | str, *, overwrite: bool = False) -> None:
        """Write the report as JSON."""
        write_json(path, self.to_json(), overwrite=overwrite)

    def __str__(self) -> str:
        before, after = self.before, self.after
        times = [entry.p50_ms for entry in (self.latency_before, self.latency_after, self.latency_float)]
        share = self.multiply_accumulates_in_float / max(1, self.multiply_accumulates)
        return "\n".join(
            (
                f"in float: {', '.join(after.layers) or 'no layer, int8 alone meets the criterion'}",
                f"validation part: {before.lost} -> {after.lost} decisions lost; "
                f"margins {before.margin_sqnr_db:.1f} -> {after.margin_sqnr_db:.1f} dB, "
                f"{before.mean_difference:.3f} -> {after.mean_difference:.3f} off on average",
                f"size: {before.size_bytes / 1e6:.2f} -> {after.size_bytes / 1e6:.2f} MB "
                f"({100 * (after.size_bytes / before.size_bytes - 1):+.1f} %)",
                f"time: {times[0]:.2f} -> {times[1]:.2f} ms ({100 * (times[1] / times[0] - 1):+.1f} %), all in float "
                f"{times[2]:.2f} ms; median, 1 thread; {100 * share:.1f} % of the multiply-accumulates in float",
            )
        )

"""The table of measured networks: what each is worth on series that were held out, and what it costs on a device.

The JSON is the object ``{"schema": "cspine-edge/pareto", "version": 1, ...}`` with the fields of :class:`ParetoTable`.
``benchmarks/pareto.py`` makes it from data files in ``results/``; a copy travels in the package.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .documents import DocumentError, decode, encode, read_document
from .errors import InputError, UsageError
from .files import write_json

SCHEMA, VERSION = "cspine-edge/pareto", 1


@dataclass(frozen=True)
class Figures:
    """What the quantised network decided on one set of slices, at its own threshold; rates in [0, 1].

    Attributes
    ----------
    slices
        How many there were.
    accuracy, sensitivity, specificity, auc
        Rates; None where a class is absent.
    flips
        Slices that its float network decides otherwise.
    verdict
        What the gate said.
    """

    slices: int
    accuracy: float | None
    sensitivity: float | None
    specificity: float | None
    auc: float | None
    flips: int
    verdict: str

    @property
    def balanced(self) -> float | None:
        """Mean of sensitivity and specificity."""
        if self.sensitivity is None or self.specificity is None:
            return None
        return (self.sensitivity + self.specificity) / 2

    @classmethod
    def of_report(cls, report: dict[str, Any]) -> Figures:
        """Take them from a report of ``check``."""
        metrics = report["candidate_metrics"]
        rates = {
            name: metrics[theirs] and metrics[theirs]["estimate"]
            for name, theirs in (
                ("accuracy", "accuracy"),
                ("sensitivity", "recall"),
                ("specificity", "specificity"),
                ("auc", "auc"),
            )
        }
        return cls(slices=metrics["slices"], flips=len(report["flips"]), verdict=report["verdict"], **rates)


@dataclass(frozen=True)
class Row:
    """One network.

    Attributes
    ----------
    name
        ``NETWORK-OPTIMIZER`` as in the names of the files in ``results/``.
    network, precision
        Architecture by the grammar ``backbone[-aALPHA][-bBLOCKS]-SIZE``; arithmetic.
    train
        The options of ``cspine-edge train`` that make it.
    shipped
        Name of its file in ``models/``; None if none is there.
    grouped
        Figures by held-out series.
    phantom
        Figures on the hard phantom; None if it was not tried there.
    instructions
        Of one inference on one thread, by core (``cortex-a72``, ``cortex-a76``).
    latency_ms
        Median time of one inference on the machine of the table in ms, by number of threads.
    size_bytes
        Of the model file.
    front
        True if no other row has at least its balanced accuracy for fewer instructions on Cortex-A72.
    """

    name: str
    network: str
    precision: str
    train: str
    shipped: str | None
    grouped: dict[str, Figures]
    phantom: Figures | None
    instructions: dict[str, int]
    latency_ms: dict[str, float]
    size_bytes: int
    front: bool = False

    def __post_init__(self) -> None:
        if not {"cortex-a72", "cortex-a76"} <= set(self.instructions) or "1" not in self.latency_ms:
            raise ValueError(f"row {self.name} lacks a count of instructions or a latency")
        if min(*self.instructions.values(), *self.latency_ms.values(), self.size_bytes) <= 0:
            raise ValueError(f"row {self.name} has a cost that is not above 0")


@dataclass(frozen=True)
class ParetoTable:
    """All rows, and how they were measured.

    Attributes
    ----------
    created, toolkit
        When (UTC, ISO 8601), and with which version of this package.
    machine
        What the latencies were measured on.
    latency_conditions, instruction_conditions
        How the costs were measured, in words.
    series
        Held-out series that the balanced accuracy is the mean over; every row has them.
    rows
        The networks, best first.
    """

    created: str
    toolkit: str
    machine: str
    latency_conditions: str
    instruction_conditions: str
    series: tuple[str, ...]
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        if not self.series:
            raise ValueError("there are no held-out series")
        for row in self.rows:
            for series in self.series:
                if series not in row.grouped or row.grouped[series].balanced is None:
                    raise ValueError(f"row {row.name} has no balanced accuracy with {series} held out")

    def balanced(self, row: Row) -> float:
        """Mean balanced accuracy over the held-out series, each weighing the same."""
        return self._mean([row.grouped[series].balanced for series in self.series])

    def sensitivities(self, row: Row) -> list[float]:
        """Sensitivity on each held-out series that has fractures."""
        found = (row.grouped[name].sensitivity for name in row.grouped)
        return [rate for rate in found if rate is not None]

    def accuracy(self, row: Row) -> float:
        """Mean accuracy over the held-out series, each weighing the same."""
        return self._mean([row.grouped[series].accuracy for series in self.series])

    @staticmethod
    def _mean(rates: Sequence[float | None]) -> float:
        known = [rate for rate in rates if rate is not None]
        return sum(known) / len(known)

    def ranked(self) -> ParetoTable:
        """Sort the rows, best first (ties: fewer instructions), and mark the front."""

        def cost(row: Row) -> int:
            return row.instructions["cortex-a72"]

        def beaten(row: Row, by: Row) -> bool:
            mine, theirs = self.balanced(row), self.balanced(by)
            return theirs >= mine and cost(by) <= cost(row) and (theirs, cost(by)) != (mine, cost(row))

        rows = sorted(self.rows, key=lambda row: (-self.balanced(row), cost(row)))
        return replace(
            self,
            rows=tuple(replace(row, front=not any(beaten(row, by) for by in rows)) for row in rows),
        )

    def to_json(self) -> dict[str, Any]:
        """Give plain data for JSON, schema and version first."""
        return {"schema": SCHEMA, "version": VERSION} | encode(self)

    def save(self, path: Path | str, *, overwrite: bool = False) -> None:
        """Write the table as JSON."""
        write_json(path, self.to_json(), overwrite=overwrite)

    @classmethod
    def load(cls, path: Path) -> ParetoTable:
        """Read a table.

        Raises
        ------
        InputError
            If it cannot be read or is no such table.
        """
        try:
            document = read_document(path)
            if not isinstance(document, dict) or (document.get("schema"), document.get("version")) != (
                SCHEMA,
                VERSION,
            ):
                raise DocumentError(f"is no {SCHEMA} of version {VERSION}")
            return decode(cls, document)
        except OSError as error:
            raise InputError.unreadable(path, error) from error
        except DocumentError as error:
            raise InputError(path, f"{error}; make it anew with benchmarks/pareto.py") from error


def shipped_table() -> ParetoTable:
    """Read the table that comes with the package.

    Raises
    ------
    UsageError
        If this installation has none.
    """
    package = Path(__file__).parent
    for path in (package / "models" / "pareto.json", package.parent / "results" / "pareto.json"):
        if path.is_file():
            return ParetoTable.load(path)
    raise UsageError("this installation has no table of measured networks; install cspine-edge anew")

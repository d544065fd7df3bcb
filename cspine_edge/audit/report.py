"""The audit of a data set from its files to the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..dataset import LABELS, UNKNOWN_SERIES, LabelledDataset
from ..documents import encode
from ..errors import DatasetError, printable
from ..files import write_json
from ..splits import Split, grouped_split
from ..window import Window
from . import findings as judge
from .confounding import Nuisance, judge_nuisances
from .facts import (
    DuplicateGroup,
    Families,
    SeriesSummary,
    SplitLeak,
    count_families,
    delivered_splits,
    find_duplicates,
    leak,
    random_split,
    summarise_series,
    with_originals,
)
from .findings import Finding, Severity
from .looks import Unreadable, read_looks
from .neighbours import NeighbourProbe, probe_neighbours
from .variants import find_families

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

_ROWS, _NAME_WIDTH = 50, 14
"""Printed rows of a table, and least width of its names; the JSON has all."""

SCHEMA, VERSION = "cspine-edge/audit", 1

_STYLES = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}


@dataclass(frozen=True)
class AuditReport:
    """What the audit found; printed by rich as tables.

    Attributes
    ----------
    data
        Folder that the paths are relative to.
    seed
        Seed of the random split, the split by series and the permutations.
    slices, fractures
        Number of slices that could be read, and of fractures among them.
    verdict
        All findings in short.
    findings
        The worst first.
    series, families, duplicates, leaks, nuisances, neighbours, unreadable
        The facts behind them.
    """

    data: str
    seed: int
    slices: int
    fractures: int
    verdict: str
    findings: tuple[Finding, ...]
    series: tuple[SeriesSummary, ...]
    families: Families
    duplicates: tuple[DuplicateGroup, ...]
    leaks: tuple[SplitLeak, ...]
    nuisances: tuple[Nuisance, ...]
    neighbours: NeighbourProbe
    unreadable: tuple[Unreadable, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give plain data for JSON, schema and version first."""
        return {"schema": SCHEMA, "version": VERSION} | encode(self)

    def save(self, path: Path | str, *, overwrite: bool = False) -> None:
        """Write the report as JSON."""
        write_json(path, self.to_dict(), overwrite=overwrite)

    def __rich__(self) -> Group:
        """Tables of the facts, then the findings and the verdict."""
        from rich.console import Group
        from rich.text import Text

        head = f"{self.data}: {self.slices} slices, {self.fractures} fracture, of {len(self.series)} series"
        tables = [_table(*table) for table in self.tables()]
        return Group(Text(printable(head)), *tables, self._findings_table(), Text(self.verdict, style="bold"))

    def tables(self) -> tuple[tuple[str, tuple[str, ...], Sequence[tuple[str, ...]]], ...]:
        """Give the figures as text: per table the head of its first column, its other columns, and its rows."""
        held_out = {entry.series: entry.accuracy for entry in self.neighbours.held_out}
        series = [
            (
                item.series,
                str(item.slices),
                str(item.originals),
                _percent(item.fractures / item.slices),
                _range(item.fracture_index),
                _range(item.normal_index),
                _percent(held_out.get(item.series)),
            )
            for item in self.series
        ]
        known = all(item.series != UNKNOWN_SERIES for item in self.series)
        leaks = [
            (
                item.split,
                str(item.train),
                str(item.test),
                str(item.same_series) if known else "-",
                str(item.same_family),
                str(item.same_pixels),
            )
            for item in self.leaks
        ]
        nuisances = [
            (
                item.name,
                f"{item.auc:.2f}",
                "-" if item.auc_within is None else f"{item.auc_within:.2f}",
                _percent(item.balanced_accuracy),
                _p(item.p_within),
                _p(item.p_between),
            )
            for item in self.nuisances
        ]
        probe = ("AUC", "AUC inside", "balanced", "p inside", "p between")
        return (
            ("series", ("slices", "originals", "fracture", "fracture at", "normal at", "1-NN"), series),
            ("split", ("train", "test", "same series", "same original", "same pixels"), leaks),
            ("tells the label", probe, nuisances),
        )

    def _findings_table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        grid = Table(box=None, show_header=False, pad_edge=False)
        for item in self.findings:
            grid.add_row(
                Text(item.severity.value, style=_STYLES[item.severity]), Text(printable(item.sentence))
            )
        return grid


def audit_dataset(
    dataset: LabelledDataset,
    *,
    seed: int = 0,
    hold_out: tuple[str, ...] = (),
    window: Window | None = None,
    given: tuple[str, Split] | None = None,
    on_slice: Callable[[], object] = lambda: None,
) -> tuple[AuditReport, Split | None]:
    """Audit a data set, and divide it by series.

    Slices that cannot be read are a finding, and in neither the figures nor the split.

    Parameters
    ----------
    dataset
        The labelled slices.
    seed
        Seed of the random split, the split by series and the permutations.
    hold_out
        Series to test on, as for :func:`cspine_edge.splits.grouped_split`.
    window
        Window in HU for slices that need one and bring none.
    given
        A split to examine as well, with its name.
    on_slice
        Called after each slice that was read.

    Returns
    -------
    tuple
        The report; and the split, or None if the data cannot be divided by series (a finding says why).

    Raises
    ------
    DatasetError
        If a series in ``hold_out`` does not exist or takes a class away from training, or no slice of a class
        can be read.
    """
    if hold_out:
        grouped_split(dataset, seed, hold_out)  # a wrong name is said before minutes of decoding
    total = len(dataset)
    dataset, looks, thumbnails, pictures, unreadable = read_looks(dataset, window, on_slice)
    for label, name in enumerate(LABELS):
        if not (dataset.labels == label).any():
            raise DatasetError(
                dataset.root,
                f"has no readable '{name}' slice; the first: {unreadable[0].path} {unreadable[0].reason}",
            )
    family = find_families(pictures, looks.same)
    families = count_families(dataset, family, looks.size)
    dataset = with_originals(dataset, family)
    same = {item.path: number for item, number in zip(dataset.slices, looks.same.tolist(), strict=True)}
    split, refusal = _divide(dataset, seed, hold_out)
    random = random_split(dataset, seed)
    delivered_leaks = [leak(name, dataset, given, same) for name, given in delivered_splits(dataset)]
    given_leak = leak(given[0], dataset, given[1], same) if given else None
    random_leak = leak("random images", dataset, random, same) if random else None
    grouped_leak = leak("by series", dataset, split, same) if split else None
    sides = [set(side) for side in ((random.train, random.test) if random else ((), ()))]
    train, test = (
        np.array([k for k, item in enumerate(dataset.slices) if item.path in side], dtype=np.intp)
        for side in sides
    )
    names = [item.series for item in dataset.slices]
    probe, copied = probe_neighbours(thumbnails, dataset.labels, names, train, test)
    series = summarise_series(dataset, looks.brightness)
    duplicates = find_duplicates(dataset, looks.same)
    nuisances = judge_nuisances(dataset, looks, copied, seed)
    built_in = families.with_variants > 0 or any(item.same_series for item in delivered_leaks)
    found = chain(
        judge.reading_findings(unreadable, total),
        judge.duplicate_findings(duplicates, families),
        judge.family_findings(families, len(dataset)),
        judge.leak_findings(delivered_leaks, given_leak, random_leak, grouped_leak),
        judge.series_findings(series),
        judge.nuisance_findings(nuisances, len(series), built_in=built_in),
        judge.neighbour_findings(probe, built_in=built_in),
        judge.split_findings(split, refusal),
    )
    findings = tuple(sorted(found, key=lambda finding: list(_STYLES).index(finding.severity)))
    report = AuditReport(
        data=str(dataset.root),
        seed=seed,
        slices=len(dataset),
        fractures=int(dataset.labels.sum()),
        verdict=judge.verdict(findings),
        findings=findings,
        series=series,
        families=families,
        duplicates=duplicates,
        leaks=tuple(
            item for item in (*delivered_leaks, given_leak, random_leak, grouped_leak) if item is not None
        ),
        nuisances=nuisances,
        neighbours=probe,
        unreadable=unreadable,
    )
    return report, split


def _divide(dataset: LabelledDataset, seed: int, hold_out: tuple[str, ...]) -> tuple[Split | None, str]:
    try:
        return grouped_split(dataset, seed, hold_out), ""
    except DatasetError as error:
        if hold_out:
            raise
        return None, error.reason


def _table(first: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    longest = max((len(row[0]) for row in rows), default=0)
    table.add_column(first, overflow="fold", min_width=min(longest, _NAME_WIDTH))
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows[:_ROWS]:
        table.add_row(*map(Text, map(printable, row)))
    if len(rows) > _ROWS:
        table.add_row(f"... and {len(rows) - _ROWS} more")
    return table


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"


def _range(ends: tuple[int, int] | None) -> str:
    return "-" if ends is None else f"{ends[0]}–{ends[1]}"


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"

"""From counts to sentences: what the audit found, how bad it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from ..splits import Split
from .confounding import SERIES, Nuisance
from .facts import DuplicateGroup, Families, SeriesSummary, SplitLeak
from .looks import Unreadable
from .neighbours import NeighbourProbe

_CRITICAL_AUC = 0.95
_LOST = 0.15
"""Accuracy lost on new patients from which the nearest-neighbour probe is worth a warning."""


class Severity(str, Enum):
    """How much a finding matters."""

    INFO = "info"
    """Good to know."""
    WARNING = "warning"
    """Figures from this data set need this said beside them."""
    CRITICAL = "critical"
    """Figures from this data set mean something else than they seem to."""


class Check(str, Enum):
    """What was looked at."""

    READING = "reading"
    """Slices that cannot be read."""
    DUPLICATES = "duplicates"
    """Slices with the same pixels."""
    CONTRADICTION = "contradiction"
    """One slice under both labels."""
    FAMILIES = "families"
    """Variants of one original."""
    LEAK = "leak"
    """Test slices known from training."""
    SERIES = "series"
    """Series with one label only."""
    CONFOUNDING = "confounding"
    """A variable that tells the label."""
    NEIGHBOURS = "neighbours"
    """The nearest-neighbour probe."""
    SPLIT = "split"
    """The split by series."""


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes
    ----------
    check, severity
        What was looked at, and how much it matters.
    sentence
        In plain words, with the numbers.
    figures
        The numbers by name.
    """

    check: Check
    severity: Severity
    sentence: str
    figures: dict[str, float]


def reading_findings(unreadable: Sequence[Unreadable], total: int) -> Iterator[Finding]:
    """Say what was left out."""
    if unreadable:
        first = unreadable[0]
        yield Finding(
            Check.READING,
            Severity.WARNING,
            f"{len(unreadable)} of {total} slices cannot be read and are left out, the first because "
            f"{first.path} {first.reason}.",
            {"unreadable": len(unreadable), "slices": total},
        )


def duplicate_findings(groups: Sequence[DuplicateGroup], families: Families) -> Iterator[Finding]:
    """Judge slices that are there more than once, and labels that contradict each other."""
    surplus = sum(len(group.paths) - 1 for group in groups)
    across = [group for group in groups if len(group.series) > 1]
    contradicting = [group for group in groups if group.contradicting_pairs]
    if surplus:
        yield Finding(
            Check.DUPLICATES,
            Severity.WARNING,
            f"{surplus} slices repeat the very pixels of another one ({len(groups)} groups, such as "
            f"{_pair(groups[0])}); they add no evidence.",
            {"duplicates": surplus, "groups": len(groups)},
        )
    if across:
        yield Finding(
            Check.DUPLICATES,
            Severity.CRITICAL,
            f"{len(across)} groups of equal pixels run across series, such as {_pair(across[0])}; those "
            "series are not independent, so give the scans of one patient one series name.",
            {"groups_across_series": len(across)},
        )
    if contradicting:
        pairs = sum(group.contradicting_pairs for group in contradicting)
        yield Finding(
            Check.CONTRADICTION,
            Severity.CRITICAL,
            f"{pairs} pairs of slices have equal pixels and opposite labels, such as "
            f"{_pair(contradicting[0])}; one label of each pair is wrong.",
            {"contradicting_pairs": pairs, "groups": len(contradicting)},
        )
    if families.under_both_labels:
        yield Finding(
            Check.CONTRADICTION,
            Severity.WARNING,
            f"{families.under_both_labels} slice numbers occur under both labels in the same series; either "
            "labels contradict each other, or the numbers do not name slices: give a --series-pattern.",
            {"originals": families.under_both_labels},
        )


def _pair(group: DuplicateGroup) -> str:
    # Normal slices come first, so the ends differ in label if any two do.
    return f"{group.paths[0]} and {group.paths[-1]}"


def family_findings(families: Families, slices: int) -> Iterator[Finding]:
    """Judge stored variants of the same originals."""
    if families.with_variants:
        twice = families.stored_originals - families.originals
        again = f" ({families.stored_originals} as stored, {twice} of them twice)" if twice else ""
        yield Finding(
            Check.FAMILIES,
            Severity.WARNING,
            f"By their pixels the {slices} slices are variants of {families.originals} originals{again}, "
            f"mostly {families.typical} of each; count originals, not files, and keep the variants of one on "
            "one side of a split.",
            {
                "slices": slices,
                "originals": families.originals,
                "stored_originals": families.stored_originals,
                "typical_variants": families.typical,
            },
        )
        yield Finding(
            Check.FAMILIES,
            Severity.INFO,
            f"By the file names they are {families.by_name} originals; {families.by_name_alike} of these have "
            "the very variants that the pixels tell.",
            {"by_name": families.by_name, "alike": families.by_name_alike},
        )


def leak_findings(
    delivered: Sequence[SplitLeak],
    given: SplitLeak | None,
    random: SplitLeak | None,
    grouped: SplitLeak | None,
) -> Iterator[Finding]:
    """Judge the splits the data came with, a random one, and the one by series."""
    for leak in delivered:
        if leak.same_series or leak.same_family or leak.same_pixels:
            yield _leak_finding(
                Severity.CRITICAL, f"The split the data came with leaks ({leak.split})", leak, "use another"
            )
    if given is not None and (given.same_series or given.same_family or given.same_pixels):
        yield _leak_finding(Severity.CRITICAL, f"The split {given.split} leaks", given, "use another")
    if random is not None and (random.same_series or random.same_family or random.same_pixels):
        severity = Severity.WARNING if random.same_family or random.same_pixels else Severity.INFO
        yield _leak_finding(severity, "A random split by images would leak", random, "divide by series")
    if grouped is not None and (grouped.same_family or grouped.same_pixels):
        remedy = "give the scans of one patient one series name"
        yield _leak_finding(Severity.CRITICAL, "Even the split by series leaks", grouped, remedy)


def _leak_finding(severity: Severity, what: str, leak: SplitLeak, remedy: str) -> Finding:
    return Finding(
        Check.LEAK,
        severity,
        f"{what}: of {leak.test} test slices, {leak.same_series} are of a series that is also trained on, "
        f"{leak.same_family} are variants of a training slice and {leak.same_pixels} have its very pixels; "
        f"{remedy}.",
        {
            "test": leak.test,
            "same_series": leak.same_series,
            "same_family": leak.same_family,
            "same_pixels": leak.same_pixels,
        },
    )


def series_findings(series: Sequence[SeriesSummary]) -> Iterator[Finding]:
    """Judge series that carry one label only.

    Patients without a fracture exist; a neck that is broken in every slice does not.
    """
    broken = [item.series for item in series if item.fractures == item.slices]
    intact = [item.series for item in series if not item.fractures]
    if broken:
        yield Finding(
            Check.SERIES,
            Severity.WARNING,
            f"Series with fracture slices only: {len(broken)} of {len(series)} ({_some(broken)}); the intact "
            "slices of those patients are missing, so whatever marks the scan marks the label.",
            {"series": len(series), "fracture_only": len(broken)},
        )
    if intact:
        yield Finding(
            Check.SERIES,
            Severity.INFO,
            f"Series with normal slices only: {len(intact)} of {len(series)} ({_some(intact)}).",
            {"series": len(series), "normal_only": len(intact)},
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")


def nuisance_findings(nuisances: Sequence[Nuisance], series: int, *, built_in: bool) -> Iterator[Finding]:
    """Judge the variables that tell the label and should not.

    The share of fractures differs from patient to patient by nature; short of telling all, the series is a
    fault of the data only if knowing it is ``built_in``, as in :func:`neighbour_findings`.
    """
    for item in nuisances:
        if not item.beyond_bound:
            continue
        figures: dict[str, float] = {"auc": item.auc, "balanced_accuracy": item.balanced_accuracy}
        for name in ("auc_within", "p_within", "p_between"):
            if getattr(item, name) is not None:
                figures[name] = getattr(item, name)
        inside = "" if item.auc_within is None else f" ({item.auc_within:.2f} inside the series)"
        told = (
            f"The {item.name} alone tells the label with AUC {item.auc:.2f}{inside} and balanced accuracy "
            f"{100 * item.balanced_accuracy:.0f} %"
        )
        severity = Severity.WARNING
        if max(item.auc, item.auc_within or 0.0) >= _CRITICAL_AUC:
            severity = Severity.CRITICAL
        if not item.confounds:
            severity, meaning = Severity.INFO, f", which {series} series cannot tell from chance"
        elif item.name == SERIES:
            meaning = "; divide by series, so that knowing the patient earns nothing"
            if severity is Severity.WARNING and not built_in:
                severity = Severity.INFO
        else:
            meaning = "; a network can learn that instead of the fracture"
        yield Finding(Check.CONFOUNDING, severity, f"{told}{meaning}.", figures)


def neighbour_findings(probe: NeighbourProbe, *, built_in: bool) -> Iterator[Finding]:
    """Judge what knowing the patient is worth.

    Neighbouring slices of any scan are alike, so the gain under a random split is a fault of the data only if
    it is ``built_in``: by stored variants, or by a leaking split that the data came with.
    """
    random, foreign = probe.random_accuracy, probe.held_out_accuracy
    if random is None or foreign is None:
        return
    rates = [entry.accuracy for entry in probe.held_out]
    yield Finding(
        Check.NEIGHBOURS,
        Severity.WARNING if built_in and random - foreign >= _LOST else Severity.INFO,
        f"Copying the label of the most similar 32 x 32 thumbnail is right for {100 * random:.1f} % of a "
        f"random split's {probe.random_test} test slices, and for {100 * foreign:.1f} % with the series held "
        f"out ({100 * min(rates):.0f} to {100 * max(rates):.0f} % by series); the difference is what a "
        "random split pays for knowing the patient.",
        {"random": random, "held_out": foreign, "lowest": min(rates), "highest": max(rates)},
    )


def split_findings(split: Split | None, refusal: str) -> Iterator[Finding]:
    """Say what the split by series holds out, or why there is none."""
    if split is None:
        sentence = f"The data cannot be divided by series: it {refusal}."
        yield Finding(Check.SPLIT, Severity.CRITICAL, sentence, {})
        return
    yield Finding(
        Check.SPLIT,
        Severity.INFO,
        f"Split by series: {len(split.train)} slices train, {len(split.validation)} validate (by "
        f"{split.validation_unit}), {len(split.test)} test (series {_some(split.held_out)}).",
        {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)},
    )


def verdict(findings: Sequence[Finding]) -> str:
    """Sum the findings up."""
    critical = sum(item.severity is Severity.CRITICAL for item in findings)
    warnings = sum(item.severity is Severity.WARNING for item in findings)
    if critical:
        return (
            f"Critical findings: {critical}, warnings: {warnings}. A good figure on this data set does not "
            "show that fractures are seen."
        )
    if warnings:
        return f"Warnings: {warnings}. Usable, with these said beside every figure."
    return "Nothing found that speaks against this data set, if it is divided by series."

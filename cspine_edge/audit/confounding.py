"""How well the label can be told without looking at the bone.

A nuisance is one number per original slice (the mean over its variants). How well it separates the labels
is its AUC, folded to 0.5 or more, over all originals and over pairs of originals of the same series. Whether
that could be chance is asked of the independent units:

- *within series*: the labels of each series are turned round, all by a random number of slices. Runs of
  neighbouring fractures stay runs, so that neighbours are not taken for independent;
- *between series*: the series swap their values. What is constant in a series is judged by this alone, with
  the series as the unit, and a handful of series cannot prove anything.

The series itself has no such unit: the labels are dealt out anew to all originals, so its p-value only says
that the series are not alike.

The p-values are two-sided and multiplied by the number of tests made (Bonferroni).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..dataset import UNKNOWN_SERIES, LabelledDataset
from ..metrics import cluster_index, roc_auc
from ..slice_files import natural_key
from .looks import Looks
from .neighbours import Copied

AUC_BOUND = 0.75
"""Folded AUC from which a nuisance is a finding, if it is no chance."""
SIGNIFICANCE = 0.05
"""Chance that any nuisance of an innocent data set is called significant."""

SERIES = "series"
"""Name of the nuisance that is the series itself."""

_PERMUTATIONS, _FOLDS = 4000, 5
_HELD = 2**20  # values of permuted series in memory

_Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Nuisance:
    """One variable that should not tell the label.

    Attributes
    ----------
    name
        What it is.
    auc
        Over all originals, folded to 0.5 or more.
    auc_within
        Over pairs of originals of one series, folded; None if no series has both labels and two values.
    balanced_accuracy
        Of the best threshold (for the series: of its commoner label), learned on four fifths of the originals
        and tried on the rest, five times; variants of one original are never on both sides.
    p_within, p_between
        Corrected for the number of tests; None where there was nothing to test.
    """

    name: str
    auc: float
    auc_within: float | None
    balanced_accuracy: float
    p_within: float | None
    p_between: float | None

    @property
    def beyond_bound(self) -> bool:
        """True if either AUC reaches :data:`AUC_BOUND`."""
        return max(self.auc, self.auc_within or 0.0) >= AUC_BOUND

    @property
    def confounds(self) -> bool:
        """True if an AUC reaches the bound and the test that belongs to it says that it is no chance."""
        tests = ((self.auc_within, self.p_within), (self.auc, self.p_between))
        return any(
            auc is not None and auc >= AUC_BOUND and p is not None and p < SIGNIFICANCE for auc, p in tests
        )


@dataclass(frozen=True, eq=False)
class _Originals:
    """Original slices in the order of series and slice; an original under both labels counts as two.

    ``known`` is false if a series is not: then no test can be made inside the series.
    """

    of_slice: npt.NDArray[np.intp]
    labels: npt.NDArray[np.int64]
    series: npt.NDArray[np.intp]
    known: bool

    def mean(self, values: npt.ArrayLike) -> _Values:
        """Mean over the variants of each original."""
        total = np.bincount(self.of_slice, np.asarray(values, dtype=np.float64), len(self.labels))
        return total / np.bincount(self.of_slice, minlength=len(self.labels))


def judge_nuisances(
    dataset: LabelledDataset, looks: Looks, copied: Copied | None, seed: int
) -> tuple[Nuisance, ...]:
    """Judge the series itself, slice position, brightness, image size, file format and the thumbnail.

    Parameters
    ----------
    dataset, looks
        The slices and what was seen of them, in the same order.
    copied
        Labels of the nearest thumbnails in another series, if there is another.
    seed
        Seed of the permutations.
    """
    rng = np.random.default_rng(seed)
    originals = _originals(dataset)
    variables: dict[str, npt.ArrayLike] = {}
    if all(item.slice_index is not None for item in dataset.slices):
        variables["slice position"] = [item.slice_index or 0 for item in dataset.slices]
    variables["mean brightness"] = looks.brightness
    variables["grey-level spread"] = looks.spread
    if np.isfinite(looks.window).all():
        variables["window centre"], variables["window width"] = looks.window.T
    variables["image size"] = looks.size
    formats = sorted(set(looks.file_format.tolist()))
    # One format tells nothing, and of two the second is the first turned round.
    for file_format in formats[1:] if len(formats) < 3 else formats:
        variables[f"file format {file_format}"] = looks.file_format == file_format
    judged = [_judge_series(originals, rng)]
    judged += [_judge(name, values, originals, rng) for name, values in variables.items()]
    if copied is not None:
        tried = replace(dataset, slices=tuple(dataset.slices[position] for position in copied.tried.tolist()))
        judged.append(_judge("thumbnail of another series", copied.labels, _originals(tried), rng))
    tests = sum(p is not None for item in judged for p in (item.p_within, item.p_between))
    return tuple(
        replace(
            item,
            p_within=None if item.p_within is None else min(1.0, tests * item.p_within),
            p_between=None if item.p_between is None else min(1.0, tests * item.p_between),
        )
        for item in judged
    )


def _originals(dataset: LabelledDataset) -> _Originals:
    def place(position: int) -> tuple[str, int, object]:
        item = dataset.slices[position]
        return item.series, item.slice_index or 0, natural_key(item.path.rpartition("/")[2])

    order = sorted(range(len(dataset)), key=place)
    ordered = [dataset.slices[position] for position in order]
    number = cluster_index((item.family, item.label) for item in ordered)
    _, first = np.unique(number, return_index=True)
    of_slice = np.empty(len(dataset), dtype=np.intp)
    of_slice[order] = number
    return _Originals(
        of_slice=of_slice,
        labels=np.array([ordered[position].label for position in first], dtype=np.int64),
        series=cluster_index(ordered[position].series for position in first),
        known=all(item.series != UNKNOWN_SERIES for item in ordered),
    )


def _judge_series(originals: _Originals, rng: np.random.Generator) -> Nuisance:
    """Judge the series by the share of fractures in it, against labels dealt out to all slices at random."""
    sizes = np.bincount(originals.series)
    fractures = np.bincount(originals.series, originals.labels)
    spread = fractures**2 / sizes
    chance = [
        (rng.multivariate_hypergeometric(sizes, int(fractures.sum()), size=some) ** 2 / sizes).sum(axis=1)
        for some in _some_at_a_time(len(sizes))
    ]
    score = (fractures / sizes)[originals.series]
    return Nuisance(
        name=SERIES,
        auc=_folded_auc(score, originals.labels),
        auc_within=None,
        balanced_accuracy=_rule_of_series(originals, rng),
        p_within=None,
        p_between=_p_value(spread.sum(), np.concatenate(chance)) if len(sizes) > 1 else None,
    )


def _some_at_a_time(series: int) -> list[int]:
    """Give numbers of permutations of so many series that memory has room for, all of them together."""
    step = max(1, _HELD // series)
    return [min(step, _PERMUTATIONS - done) for done in range(0, _PERMUTATIONS, step)]


def _judge(name: str, of_slices: npt.ArrayLike, originals: _Originals, rng: np.random.Generator) -> Nuisance:
    values = originals.mean(of_slices)
    auc_within, p_within = _within_series(values, originals, rng) if originals.known else (None, None)
    return Nuisance(
        name=name,
        auc=_folded_auc(values, originals.labels),
        auc_within=auc_within,
        balanced_accuracy=_one_rule(values, originals, rng),
        p_within=p_within,
        p_between=_between_series(values, originals, rng),
    )


def _within_series(
    values: _Values, originals: _Originals, rng: np.random.Generator
) -> tuple[float | None, float | None]:
    """Folded AUC over pairs of one series, and its p-value against labels turned round in their series."""
    pairs, excess, chance = 0.0, 0.0, np.zeros(_PERMUTATIONS)
    varies = False
    ends = np.cumsum(np.bincount(originals.series))[:-1]  # they lie in the order of their series
    for labels, own in zip(np.split(originals.labels, ends), np.split(values, ends), strict=True):
        ranks = _mid_ranks(own)
        size, positive = len(labels), int(labels.sum())
        if positive in (0, size):
            continue
        varies |= bool(np.ptp(ranks))
        pairs += positive * (size - positive)
        # Sum of the ranks under the labels, for each of the turns at once; entry 0 is the series as it is.
        turned = np.fft.irfft(np.fft.rfft(ranks) * np.conj(np.fft.rfft(labels)), size)
        # Sums of mid-ranks are whole halves; what the transform added is taken off.
        above = np.round(2 * turned) / 2 - positive * (size + 1) / 2
        excess += above[0]
        chance += above[rng.integers(0, size, _PERMUTATIONS)]
    if not varies:
        return None, None
    return 0.5 + abs(excess) / pairs, _p_value(abs(excess), np.abs(chance))


def _between_series(values: _Values, originals: _Originals, rng: np.random.Generator) -> float | None:
    """P-value of the rank correlation of the series' means with their surplus of fractures."""
    sizes = np.bincount(originals.series)
    surplus = np.bincount(originals.series, originals.labels) - sizes * originals.labels.mean()
    ranks = _mid_ranks(np.bincount(originals.series, values) / sizes)
    ranks -= ranks.mean()
    if not np.ptp(ranks) or np.ptp(surplus / sizes) < 1e-9:
        return None
    chance = [
        rng.permuted(np.tile(ranks, (some, 1)), axis=1) @ surplus for some in _some_at_a_time(len(ranks))
    ]
    return _p_value(abs(surplus @ ranks), np.abs(np.concatenate(chance)))


def _p_value(found: float, chance: _Values) -> float:
    return float((1 + (chance >= found - 1e-6).sum()) / (1 + len(chance)))


def _mid_ranks(values: _Values) -> _Values:
    """Ranks from 1; equal values share their mean rank."""
    _, level, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[level]


def _folded_auc(values: _Values, labels: npt.NDArray[np.int64]) -> float:
    auc = float(roc_auc(values, labels)[0])
    return max(auc, 1 - auc)


def _folds(originals: _Originals, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Deal the originals of each label to the folds."""
    fold = np.empty(len(originals.labels), dtype=np.intp)
    for label in (0, 1):
        members = rng.permutation(np.flatnonzero(originals.labels == label))
        fold[members] = np.arange(len(members)) % _FOLDS
    return fold


def _one_rule(values: _Values, originals: _Originals, rng: np.random.Generator) -> float:
    """Cross-validated balanced accuracy of one threshold."""
    fold, said = _folds(originals, rng), np.zeros(len(values), dtype=bool)
    for number in range(_FOLDS):
        rest = fold != number
        levels, level = np.unique(values[rest], return_inverse=True)
        known = originals.labels[rest]
        if known.all() or not known.any():
            continue
        above = 1 - np.cumsum(np.bincount(level, known)) / known.sum()
        above -= 1 - np.cumsum(np.bincount(level, 1 - known)) / (1 - known).sum()
        best = int(np.abs(above).argmax())
        bound = (levels[best] + levels[min(best + 1, len(levels) - 1)]) / 2
        said[~rest] = (values[~rest] > bound) == (above[best] > 0)
    return _balanced_accuracy(said, originals.labels)


def _rule_of_series(originals: _Originals, rng: np.random.Generator) -> float:
    """Cross-validated balanced accuracy of saying whether a series has more fractures than the data."""
    fold, said = _folds(originals, rng), np.zeros(len(originals.labels), dtype=bool)
    for number in range(_FOLDS):
        rest = fold != number
        if not rest.any():  # one original of each label: nothing is known of it from others
            continue
        surplus = originals.labels[rest] - originals.labels[rest].mean()
        score = np.bincount(originals.series[rest], surplus, originals.series.max() + 1)
        said[~rest] = score[originals.series[~rest]] > 0
    return _balanced_accuracy(said, originals.labels)


def _balanced_accuracy(said: npt.NDArray[np.bool_], labels: npt.NDArray[np.int64]) -> float:
    return float((said[labels == 1].mean() + (~said[labels == 0]).mean()) / 2)

"""How a network decides, chosen on its own margins on the validation part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy.typing as npt

from cspine_edge.decision import Decision

from .abstention import choose_abstention
from .temperature import fit_temperature
from .threshold import choose_threshold

DEFAULT_SENSITIVITY = 0.99
DEFAULT_COVERAGE = 0.9


def choose_decision(
    margins: npt.ArrayLike,
    labels: npt.ArrayLike,
    families: Sequence[object],
    *,
    sensitivity: float = DEFAULT_SENSITIVITY,
    coverage: float = DEFAULT_COVERAGE,
) -> Decision:
    """Choose threshold, temperature and abstention.

    Parameters
    ----------
    margins
        Difference of the logits, fracture minus normal, on the validation part; shape (n,). A converted model
        has margins of its own.
    labels
        0 or 1, shape (n,).
    families
        Identity of each slice's original, n of them.
    sensitivity
        Wanted sensitivity of the threshold, in (0, 1].
    coverage
        Wanted coverage of the abstention, in (0, 1).
    """
    return Decision(
        choose_threshold(margins, labels, sensitivity),
        fit_temperature(margins, labels, families),
        choose_abstention(margins, labels, families, coverage),
    )

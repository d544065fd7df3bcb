"""From margin to verdict: threshold, temperature and abstention, as the contract states them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum


class Referral(str, Enum):
    """Whether a slice is to be sent to a radiologist, and why."""

    NOT_NEEDED = "not needed"
    """The called label alone is possible."""
    BOTH = "both labels are possible"
    """The margin lies where fractures and normal slices of the validation part both lie."""
    NEITHER = "neither label is likely"
    """The margin lies where hardly any fracture and hardly any normal slice of it lies."""
    DISAGREEMENT = "the threshold calls it otherwise than abstention would"
    """One label alone is possible, and it is not the one that the threshold calls."""
    UNKNOWN = "the model states no abstention"
    """The contract has no abstention: nobody knows."""

    @property
    def is_needed(self) -> bool:
        """True if the slice is to be sent to a radiologist."""
        return self not in (Referral.NOT_NEEDED, Referral.UNKNOWN)


@dataclass(frozen=True)
class Threshold:
    """An operating threshold and how it was chosen.

    Attributes
    ----------
    logit
        On the difference of the logits, fracture minus normal; at or above it a slice is called a fracture.
    method
        How it was chosen, in words.
    cases
        Number of fracture slices of the part it was chosen on.
    """

    logit: float = 0.0
    method: str = "equal logits (score 0.5), not tuned"
    cases: int = 0


@dataclass(frozen=True)
class Abstention:
    """Which labels a margin leaves possible: a prediction set that holds the truth as often as stated.

    Attributes
    ----------
    coverage
        Share of the cases of each class whose set holds their class, in (0, 1); it is promised for cases like
        those it was chosen on, not for another scanner or hospital.
    fracture_from
        Margin from which on a fracture is possible; ``None``: always, as the cases were too few to exclude it.
    normal_up_to
        Margin up to which normal is possible; ``None``: always.
    fracture_cases, normal_cases
        Independent cases (slice families) of the part it was chosen on.
    method
        How it was chosen, in words.
    """

    coverage: float
    fracture_from: float | None
    normal_up_to: float | None
    fracture_cases: int
    normal_cases: int
    method: str

    def __post_init__(self) -> None:
        if not 0.0 < self.coverage < 1.0:
            raise ValueError("coverage should be between 0 and 1")

    def __str__(self) -> str:
        fracture = "always" if self.fracture_from is None else f"from margin {self.fracture_from:.4f}"
        normal = "always" if self.normal_up_to is None else f"up to {self.normal_up_to:.4f}"
        return (
            f"fracture possible {fracture}, normal {normal}; coverage {100 * self.coverage:g} % on "
            f"{self.fracture_cases} fracture and {self.normal_cases} normal cases; {self.method}"
        )

    def allows_fracture(self, margin: float) -> bool:
        """True if the prediction set of this margin holds the positive class."""
        return self.fracture_from is None or margin >= self.fracture_from

    def allows_normal(self, margin: float) -> bool:
        """True if the prediction set of this margin holds the other class."""
        return self.normal_up_to is None or margin <= self.normal_up_to


@dataclass(frozen=True)
class Decision:
    """How a model decides on its margin, the difference of the logits, positive minus other.

    Attributes
    ----------
    threshold
        What calls the label.
    temperature
        The score is ``sigmoid(margin / temperature)``; 1 leaves the network's own.
    abstention
        What sends slices to a radiologist; ``None`` if nothing was chosen.
    """

    threshold: Threshold = field(default_factory=Threshold)
    temperature: float = 1.0
    abstention: Abstention | None = None

    def is_positive(self, margin: float) -> bool:
        """True if the margin is called a fracture."""
        return margin >= self.threshold.logit

    def score(self, margin: float) -> float:
        """Probability of the positive class, for people to read; decisions are made on the margin."""
        return 1.0 / (1.0 + math.exp(-max(-700.0, min(700.0, margin / self.temperature))))

    def referral(self, margin: float) -> Referral:
        """Say whether the called label alone is possible; all else goes to a radiologist."""
        if self.abstention is None:
            return Referral.UNKNOWN
        fracture, normal = self.abstention.allows_fracture(margin), self.abstention.allows_normal(margin)
        if fracture == normal:
            return Referral.BOTH if fracture else Referral.NEITHER
        return Referral.NOT_NEEDED if fracture == self.is_positive(margin) else Referral.DISAGREEMENT

"""The golden pairs through every kind of kernels of every runtime that is installed.

Integer results are equal, bit for bit, among kernels of one family: XNNPACK's, the optimised built-in ones, the
reference ones. Between families they differ by rounding. Both is told here: whether each family gives what it gave on
the workstation, and how far the others are from the one that is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .classifier import Classifier
from .contract import KernelFamily
from .documents import encode
from .errors import MissingExtraError, ModelError
from .runtime import Runtime, available_runtimes, tflite_session
from .verification import Verification, verify


@dataclass(frozen=True)
class FamilyResult:
    """One kind of kernels of one runtime, on this machine.

    Attributes
    ----------
    runtime, version, family
        What computed.
    verification
        Its golden pairs against those of the same family on the workstation; None if it could not run the model.
    error
        Why not.
    flips
        Golden inputs it decides otherwise than the kernels that ``predict`` uses.
    largest_margin_difference
        From those kernels, in logits.
    """

    runtime: Runtime
    version: str
    family: KernelFamily
    verification: Verification | None
    error: str | None
    flips: int | None
    largest_margin_difference: float | None

    def __str__(self) -> str:
        kernels = f"{self.runtime.value} {self.version}, {self.family.value} kernels"
        if self.verification is None:
            return f"{'NOT RUN':<8} {kernels}: {self.error}"
        pairs, wanted = self.verification.pairs, self.verification.agreement.value
        unequal = sum(not pair.equal for pair in pairs)
        found = f"{'equal' if not unequal else 'DIFFERS':<8} {kernels}: {len(pairs)} golden pairs {wanted}"
        return (
            f"{found}{f', {unequal} of them not' if unequal else ''}; against the kernels in use {self.flips} flips, "
            f"margins {self.largest_margin_difference:.3g} apart at most"
        )


@dataclass(frozen=True)
class FamilyReport:
    """All kernels that are installed; the first are those that ``predict`` uses.

    Attributes
    ----------
    model
        The model file.
    results
        In the order of preference.
    """

    model: str
    results: tuple[FamilyResult, ...]

    @property
    def passed(self) -> bool:
        """True if each runs, gives what its family gave on the workstation, and decides like the others."""
        return all(
            result.verification is not None and result.verification.passed and not result.flips
            for result in self.results
        )

    def to_json(self) -> dict[str, object]:
        """Give plain data for JSON."""
        return encode(self) | {"passed": self.passed}

    def __str__(self) -> str:
        ran = [result for result in self.results if result.verification is not None]
        runtimes = len({result.runtime for result in ran})
        verdict = "passed" if self.passed else "FAILED"
        what = f"{len(ran)} kinds of kernels of {runtimes} {'runtime' if runtimes == 1 else 'runtimes'}"
        if len(ran) < len(self.results):
            what += f", {len(self.results) - len(ran)} not run"
        return "\n".join((*map(str, self.results), f"{verdict}: {what}"))


def verify_families(model: Path | str | None = None, threads: int | None = None) -> FamilyReport:
    """Replay a model's golden pairs with every family of kernels of every installed runtime.

    Parameters
    ----------
    model, threads
        As for :class:`cspine_edge.classifier.Classifier`.

    Raises
    ------
    ModelError
        If the model cannot be read or run with the kernels that ``predict`` uses.
    ContractError
        If it carries no golden pairs.
    MissingExtraError
        If no runtime is installed.
    """
    used = Classifier(model, threads=threads)
    in_use = tflite_session(used.session, "golden pairs are")
    reference = verify(used)
    margins = [pair.margin for pair in reference.pairs]
    threshold = used.contract.threshold.logit
    results = []
    for runtime in available_runtimes():
        seen = set()
        for asked in KernelFamily:
            # XNNPACK is what a session asks for that is not told a family.
            is_in_use = runtime is in_use.runtime and asked is KernelFamily.XNNPACK
            try:
                classifier = (
                    used
                    if is_in_use
                    else Classifier(used.file.path, threads=threads, family=asked, runtime=runtime)
                )
                session = tflite_session(classifier.session, "golden pairs are")
                if (
                    session.family in seen
                ):  # tflite-runtime has no XNNPACK for int8, and takes the built-in kernels
                    continue
                seen.add(session.family)
                found = reference if is_in_use else verify(classifier)
            except (ModelError, MissingExtraError) as error:
                results.append(FamilyResult(runtime, runtime.version, asked, None, str(error), None, None))
                continue
            differences = [abs(a - pair.margin) for a, pair in zip(margins, found.pairs, strict=True)]
            flips = sum(
                (a >= threshold) != (pair.margin >= threshold)
                for a, pair in zip(margins, found.pairs, strict=True)
            )
            results.append(
                FamilyResult(
                    *(runtime, session.version, session.family, found, None, flips, max(differences))
                )
            )
    return FamilyReport(str(used.file.path), tuple(results))

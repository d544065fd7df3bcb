"""The gate's report as one page, laid out as a change to a device is described and judged.

The order is that of the FDA's guidance "Marketing Submission Recommendations for a Predetermined Change Control Plan
for Artificial Intelligence-Enabled Device Software Functions" (2024, reissued 2025): description of modifications,
modification protocol, impact assessment. The page is no such plan, and nothing on it is for clinical use.

Slices that are decided differently are on it as pictures, so it may be shown to nobody who may not see the data.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from html import escape
from pathlib import Path

from . import __version__, page
from . import parity_plots as plots
from .contract import INTENDED_USE
from .dataset import read_labelled_slice
from .decision import Decision
from .layer_error import LayerReport
from .model_file import ModelFile
from .noninferiority import ALPHA, Loss, bound_without_loss, series_needed
from .parity import Flip, GateVerdict, PairedMargins, ParityReport
from .preprocess import Preprocessing, prepare
from .window import Window

_MOST_FLIPS = 24

_STYLE = """
h2 { font-size: 1.2rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; } h3 { font-size: 1rem; }
.passed { border-color: #1a7f37; } .undecided { border-color: var(--warning); }
.research { border: 1px solid var(--warning); border-radius: .3rem; padding: .4rem .8rem; }
.facts table { display: table; }
.facts td, .facts th { text-align: left; vertical-align: top; overflow-wrap: anywhere; }
.facts td:first-child { min-width: 8rem; }
.drawn { width: 100%; box-sizing: border-box; padding: .4rem; background: #fff; border-radius: .3rem; }
.sheet { display: flex; flex-wrap: wrap; gap: .6rem; } .sheet figure { width: 150px; margin: 0; }
.sheet img { width: 150px; height: 150px; object-fit: contain; background: #000; }
.sheet figcaption { font-size: .75rem; }
@media print { body { max-width: none; } h3, figure { break-inside: avoid; } }
"""


def write_page(
    path: Path | str,
    report: ParityReport,
    paired: PairedMargins,
    candidate: ModelFile,
    reference: ModelFile,
    *,
    banner: str,
    layers: LayerReport | str,
    window: Window | None = None,
    overwrite: bool = False,
) -> None:
    """Write the report as one HTML file with its figures and the slices that are decided differently.

    Parameters
    ----------
    path
        File to write.
    report, paired
        The report, and the margins that it judges.
    candidate, reference
        The two models; both have a contract.
    banner
        One line on the interpreter that ran them.
    layers
        Error of each layer, or why it was not measured.
    window
        Window in HU for slices that need one and bring none, as it was measured with.
    overwrite
        Replace an existing file.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    OutputError
        If the file exists and ``overwrite`` is false, or cannot be written.
    """
    plots.require_matplotlib()
    contract = candidate.contract
    if contract is None or reference.contract is None:
        raise ValueError("a page is written about models with a contract")
    title = f"{report.candidate} against {report.reference}"
    kind = {GateVerdict.PASSED: " passed", GateVerdict.TOO_LITTLE_EVIDENCE: " undecided"}.get(
        report.verdict, ""
    )
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="verdict{kind}">{escape(report.verdict.value.capitalize())}: {escape(report.reason)}.</p>',
        f'<p class="research"><b>{escape(INTENDED_USE)}</b> This page holds images of patients where slices were '
        "decided differently: treat it like the data.</p>",
        *_modifications(report, candidate, reference),
        *_protocol(report, paired, contract.preprocessing, banner),
        *_impact(report, paired, candidate, reference, window, layers),
        *_limits(report, banner),
        f'<p class="soft">cspine-edge {__version__}, {datetime.now(timezone.utc):%Y-%m-%d}. Laid out after the FDA\'s '
        "guidance on predetermined change control plans for AI-enabled device software functions (2024); it is no "
        "such plan.</p>",
    ]
    page.write_page(path, title, parts, style=_STYLE, overwrite=overwrite)


def _layer_section(layers: LayerReport | str) -> Iterable[str]:
    """Give the error of each layer, worst first, as a figure and a table, or why it was not measured."""
    yield "<h3>Error of each layer</h3>"
    if isinstance(layers, str):
        yield f'<p class="soft">Not measured: {escape(layers)}.</p>'
        return
    worst_first = layers.worst_first()
    yield _figure(
        plots.plot_layers(worst_first),
        "Signal to quantisation noise of what reaches each layer's output, per channel up to a factor, over "
        f"{layers.slices} of the slices ({layers.banner}); drop: the layer's own part; bias: in standard deviations "
        "of the signal.",
    )
    yield page.table(
        ("layer", "operation", "SQNR, dB", "drop, dB", "bias"),
        [(layer.name, layer.operation, *layer.figures()) for layer in worst_first],
    )


def _modifications(report: ParityReport, candidate: ModelFile, reference: ModelFile) -> Iterable[str]:
    yield "<h2>1. Description of modifications</h2>"
    yield (
        "<p>The arithmetic of a trained network was changed; its task, labels, preprocessing and intended use were "
        "not. The reference is the network as trained, the candidate what is to run on the device.</p>"
    )
    sides = [
        _facts(reference, report.reference_decision),
        _facts(candidate, report.candidate_decision),
    ]
    yield _wide_table(
        ("", "reference", "candidate"), [(name, text, sides[1][name]) for name, text in sides[0].items()]
    )


def _facts(file: ModelFile, decision: Decision) -> dict[str, str]:
    """What a model is, name by name."""
    contract, abstention = file.contract, decision.abstention
    assert contract is not None
    spec, origin = contract.preprocessing, contract.provenance
    facts = {
        "file": f"{file.path.name}, graph of {len(file.graph) / 1e6:.2f} MB",
        "SHA-256 of the graph": contract.graph_sha256 or "not stated",
    }
    stated = (
        "precision",
        "network",
        "training",
        "data",
        "held out",
        "calibration set, SHA-256",
        "made",
        "with",
    )
    if origin is None:
        facts |= dict.fromkeys(stated, "not stated")
    else:
        versions = ", ".join(f"{name} {number}" for name, number in origin.versions.items())
        texts = (
            origin.precision.value,
            f"{origin.backbone}, {origin.head} head, from {origin.weights} weights",
            f"{origin.optimizer}, protocol {origin.protocol}",
            f"{origin.data}, SHA-256 {origin.data_fingerprint}",
            ", ".join(origin.held_out) or "no series",
            origin.calibration_sha256 or "none was needed",
            origin.created,
            versions,
        )
        facts |= dict(zip(stated, texts, strict=True))
    threshold = decision.threshold
    return facts | {
        "input": f"{spec.height} x {spec.width} x {spec.channels}, {contract.resize}, "
        + (f"window {spec.window} HU" if spec.window else "the file's own window"),
        "threshold": f"margin {threshold.logit:+.4f}: {threshold.method} ({threshold.cases} fracture slices)",
        "temperature": f"{decision.temperature:.4g}",
        "abstention": str(abstention or "none"),
    }


def _protocol(report: ParityReport, paired: PairedMargins, spec: Preprocessing, banner: str) -> Iterable[str]:
    margin = f"{100 * report.margin:g} points"
    labels, series = paired.dataset.labels, paired.dataset.series
    fractures, normals = (len(set(series[labels == label].tolist())) for label in (1, 0))
    level = f"{100 * ALPHA:g} %"
    rows = [
        ("data", f"{report.data}; with fractures: {fractures} series, with normal slices: {normals}"),
        ("leaks", report.leak),
        (
            "independent cases",
            "Series (patients). Slices of a series and variants of a slice are not independent.",
        ),
        (
            "pairing",
            f"Each slice is read and prepared once, {spec.height} x {spec.width}, and given to both models; {banner}.",
        ),
        (
            "decisions",
            "Each model decides on its margin (difference of the logits) at the threshold in its own contract, "
            "chosen as stated above: what is compared is what devices would answer.",
        ),
        (
            "endpoints",
            "Loss of sensitivity, then of specificity: reference minus candidate on the same slices.",
        ),
        (
            "hypotheses",
            f"For each endpoint, that the loss is {margin} or more. Both must be rejected, each one-sided at "
            f"{level}; as both must be, no correction is needed (intersection-union test, Berger 1982).",
        ),
        (
            "bounds",
            "One-sided 95 %, of a bootstrap over series with one more series that lost everything (Gaffke 2005), "
            "computed and not drawn. With one slice a series it is the bound of Clopper and Pearson.",
        ),
        (
            "discordance",
            "Exact McNemar test on slices; and on series, by their net loss (sign test). It asks whether the two "
            "differ at all, so it is told and not judged by.",
        ),
        (
            "verdict",
            "Passed: both bounds are within the margin. Failed: an estimate is above it. Too little evidence: "
            f"neither. Without a loss it takes {series_needed(report.margin)} series of each class to pass.",
        ),
        (
            "re-training",
            "None by this check. The candidate's precision says whether it was tuned, and its ranges are from the "
            "calibration set named above.",
        ),
        (
            "update",
            "The verdict goes into the candidate's contract, beside the SHA-256 of its graph. Before first use, "
            "'cspine-edge verify' compares golden pairs on the device with what the workstation saw.",
        ),
    ]
    yield "<h2>2. Modification protocol</h2>"
    yield _wide_table(("", ""), rows)


def _impact(
    report: ParityReport,
    paired: PairedMargins,
    candidate: ModelFile,
    reference: ModelFile,
    window: Window | None,
    layers: LayerReport | str,
) -> Iterable[str]:
    losses = (("sensitivity", report.sensitivity_loss), ("specificity", report.specificity_loss))
    small, large = (len(file.graph) / 1e6 for file in (candidate, reference))
    missed, alarms = (loss.lost for _, loss in losses)
    yield "<h2>3. Impact assessment</h2>"
    yield (
        f"<p><b>Benefit:</b> {small:.2f} MB instead of {large:.2f}; 'cspine-edge bench' measures the speed. "
        f"<b>Risk:</b> of the slices checked, {missed} fractures more are missed and {alarms} more normal slices "
        "raise an alarm, against those gained below. <b>Mitigation:</b> this gate, abstention, golden pairs on each "
        "device.</p><h3>Loss by the change</h3>"
    )
    yield _figure(
        plots.plot_losses(losses, report.margin),
        "Estimates with one-sided 95 % bounds over series. It passes where both bars end left of the dashed line.",
    )
    cells = [_loss_cells(loss) for _, loss in losses]
    yield page.table(
        ("loss of", *(name for name, _ in losses)),
        [(name, text, cells[1][name]) for name, text in cells[0].items()],
    )
    yield "<h3>Each model on its own</h3>"
    metrics = report.reference_metrics
    yield page.table(("", "reference", "candidate"), report.rows())
    yield f'<p class="soft">Intervals: two-sided 95 % over {metrics.clusters} {escape(metrics.unit)}.</p>'
    if min((paired.dataset.labels == label).sum() for label in (0, 1)):
        yield _figure(plots.plot_roc(paired), "ROC curves of both models; marks are where they decide.")
    else:
        yield '<p class="soft">One class is absent: there is no ROC curve.</p>'
    yield "<h3>Slice by slice</h3>"
    yield (
        f"<p>{100 * report.agreement:.2f} % of the slices are decided alike. Margins differ by "
        f"{report.mean_difference:.3f} on average and {report.largest_difference:.3f} at most.</p>"
    )
    yield _figure(
        plots.plot_margins(paired),
        "Margins of the two; thresholds dashed, equality dotted, flips marked with a cross.",
    )
    assert candidate.contract is not None
    yield from _flips(report, paired, candidate.contract.preprocessing, window)
    yield "<h3>Reliability of the scores</h3>"
    yield _figure(
        plots.plot_reliability(paired),
        "Each model's score with its own temperature. Decisions are made on margins, so scores do not move them.",
    )
    yield from _layer_section(layers)


def _loss_cells(loss: Loss) -> dict[str, str]:
    """The figures of a loss, name by name."""
    none = not loss.slices
    return {
        "estimate, points": "-" if none else f"{100 * loss.estimate:+.2f}",
        "at least (one-sided 95 %)": f"{100 * loss.lower:+.2f}",
        "at most (one-sided 95 %)": f"{100 * loss.upper:+.2f}",
        "slices": str(loss.slices),
        "lost by the candidate": str(loss.lost),
        "gained by it": str(loss.gained),
        "McNemar's p, taking slices for independent": f"{loss.mcnemar_p:.3g}",
        "series": str(loss.series),
        "that lost more than they gained": str(loss.series_lost),
        "that gained more than they lost": str(loss.series_gained),
        "McNemar's p on series (sign test)": f"{loss.series_p:.3g}",
        "p of a loss at the margin or above (small: non-inferior)": f"{loss.non_inferior_p:.3g}",
        "p of a loss at the margin or below (small: inferior)": f"{loss.inferior_p:.3g}",
    }


def _flips(
    report: ParityReport, paired: PairedMargins, spec: Preprocessing, window: Window | None
) -> Iterable[str]:
    """Fractures lost, alarms added, then what was gained; in each the farthest beyond the threshold first."""
    if not report.flips:
        yield "<p>No slice is decided differently.</p>"
        return
    threshold = report.candidate_decision.threshold.logit
    ranked = sorted(
        report.flips,
        key=lambda flip: (not flip.lost, flip.label == "normal", -abs(flip.candidate_margin - threshold)),
    )
    families = {item.family for item in paired.dataset.subset(flip.path for flip in ranked).slices}
    series = len({flip.series for flip in ranked})
    shown = ranked[:_MOST_FLIPS]
    more = f"; the first {len(shown)} are shown, the JSON report has all" if len(shown) < len(ranked) else ""
    yield (
        f"<p>{len(ranked)} slices of {len(families)} originals in {series} series are decided differently{more}. "
        "Pictures are as the models see them.</p>"
    )
    pictures = []
    for flip in shown:
        image = prepare(read_labelled_slice(paired.dataset.root / flip.path), spec, window).image
        pictures.append(
            f"<figure>{page.grey_picture(image, flip.path)}<figcaption><b>{_flip_kind(flip)}</b><br>"
            f"{escape(flip.path)}<br>margin {flip.reference_margin:+.3f} → {flip.candidate_margin:+.3f}"
            "</figcaption></figure>"
        )
    yield f'<div class="sheet">{"".join(pictures)}</div>'


def _flip_kind(flip: Flip) -> str:
    kinds = {
        ("fracture", True): "fracture lost",
        ("normal", True): "false alarm added",
        ("fracture", False): "fracture gained",
        ("normal", False): "false alarm removed",
    }
    return kinds[flip.label, flip.lost]


def _limits(report: ParityReport, banner: str) -> Iterable[str]:
    sensitivity, specificity = report.sensitivity_loss, report.specificity_loss
    bounds = [f"{100 * bound_without_loss(loss.series):.1f}" for loss in (sensitivity, specificity)]
    limits = [
        f"Independent cases: {sensitivity.series} series with fractures, {specificity.series} with normal slices. "
        f"Even without any loss so many leave {bounds[0]} points of sensitivity and {bounds[1]} of specificity open.",
        f"Leaks: {report.leak}.",
        "The verdict is about the change of arithmetic, on data like these. It says neither that the reference is "
        "good, nor anything of another scanner, hospital or kind of fracture.",
        f"The models ran on {banner}. Other kernels may decide slices at the threshold otherwise, by a step of "
        "quantisation; 'cspine-edge verify' tells whether a device's kernels are those of the golden pairs.",
        f"The thresholds were chosen on {report.reference_decision.threshold.cases} and "
        f"{report.candidate_decision.threshold.cases} fracture slices; where these are few, a loss by the choice of "
        "the threshold is a matter of chance.",
    ]
    if report.reference_metrics.cluster_unit != "series":
        limits.append(
            "Intervals of each model on its own are over slice families, as the series are few: they are too narrow "
            "for new patients. The bounds of the losses are over series all the same."
        )
    if report.verdict is GateVerdict.TOO_LITTLE_EVIDENCE:
        limits.append(
            f"Missing: {report.missing_fracture_series} series with fractures and {report.missing_normal_series} with "
            "normal slices, if they are like these."
        )
    yield f"<h3>Limits</h3><ul>{''.join(f'<li>{escape(limit)}</li>' for limit in limits)}</ul>"


def _wide_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return f'<div class="facts">{page.table(columns, rows)}</div>'


def _figure(svg: str, caption: str) -> str:
    data = base64.b64encode(svg.encode()).decode()
    return (
        f'<figure><img class="drawn" alt="{escape(caption)}" src="data:image/svg+xml;base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )

"""The report as one page to look at.

The pictures in it are slices of the data set, so it may be shown to nobody who may not see the data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .. import page
from ..dataset import LABELS, LabelledDataset, read_labelled_slice
from ..preprocess import resize
from ..window import Window
from .findings import Severity
from .report import AuditReport

_THUMBNAIL = 96
_MOST_MEMBERS, _MOST_PAIRS, _MOST_SERIES = 42, 3, 12

_STYLE = """
.clean { border-color: var(--normal); }
.critical b { color: var(--fracture); } .warning b { color: var(--warning); } .info b { color: var(--soft); }
ul { list-style: none; padding: 0; } li { margin: .35rem 0; }
.sheet { display: flex; flex-wrap: wrap; gap: 4px; } .sheet img { width: 84px; height: 84px; }
svg { width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 11px; }
.f { fill: var(--fracture); } .n { fill: var(--normal); } .axis { stroke: var(--line); }
"""


def write_page(
    path: Path | str,
    report: AuditReport,
    dataset: LabelledDataset,
    *,
    window: Window | None = None,
    overwrite: bool = False,
) -> None:
    """Write the report as one HTML file with thumbnails of a family and of duplicates.

    Parameters
    ----------
    path
        File to write.
    report, dataset
        The report, and the data set it is about.
    window
        Window in HU for slices that need one and bring none.
    overwrite
        Replace an existing file.

    Raises
    ------
    OutputError
        If the file exists and ``overwrite`` is false, or cannot be written.
    """
    title = f"Audit of {Path(report.data).name}"
    clean = all(item.severity is Severity.INFO for item in report.findings)
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">{report.slices} slices, {report.fractures} {LABELS[1]}, of {len(report.series)} series; '
        f"seed {report.seed}</p>",
        f'<p class="verdict{" clean" if clean else ""}">{escape(report.verdict)}</p>',
        "<ul>",
        *(
            f'<li class="{item.severity.value}"><b>{item.severity.value}</b> {escape(item.sentence)}</li>'
            for item in report.findings
        ),
        "</ul>",
        *_family(report, dataset, window),
        *_duplicates(report, dataset, window),
        "<h2>Where in the series each label is</h2>",
        _legend(),
        *_positions(report, dataset),
        "<h2>Mean brightness of the files, by series</h2>",
        *_brightness(report),
        *(_table(title, columns, rows) for title, columns, rows in report.tables()),
    ]
    page.write_page(path, title, parts, style=_STYLE, overwrite=overwrite)


def _family(report: AuditReport, dataset: LabelledDataset, window: Window | None) -> Iterable[str]:
    members = report.families.example
    if members:
        yield f"<h2>One original, {len(members)} times: the largest family</h2>"
        yield _sheet(members[:_MOST_MEMBERS], dataset, window)


def _duplicates(report: AuditReport, dataset: LabelledDataset, window: Window | None) -> Iterable[str]:
    # Contradictions first: they are what one would want to see.
    groups = sorted(report.duplicates, key=lambda group: -group.contradicting_pairs)[:_MOST_PAIRS]
    if groups:
        yield "<h2>Equal pixels under different names</h2>"
    for group in groups:
        yield _sheet((group.paths[0], group.paths[-1]), dataset, window, named=True)


def _sheet(
    paths: Sequence[str], dataset: LabelledDataset, window: Window | None, *, named: bool = False
) -> str:
    images = "".join(
        page.grey_picture(_thumbnail(dataset.path_of(item), window), item.path)
        for item in dataset.subset(paths).slices
    )
    caption = " = ".join(paths) if named else f"{paths[0]} and its variants"
    return f'<figure><div class="sheet">{images}</div><figcaption>{escape(caption)}</figcaption></figure>'


def _thumbnail(path: Path, window: Window | None) -> npt.NDArray[np.uint8]:
    grey, _, _ = read_labelled_slice(path).to_uint8(option_window=window)
    return resize(grey, _THUMBNAIL, _THUMBNAIL)


def _legend() -> str:
    return (
        '<svg viewBox="0 0 700 16"><rect class="n" x="0" y="3" width="10" height="10"/><text x="14" y="12">'
        f'{LABELS[0]}</text><rect class="f" x="80" y="3" width="10" height="10"/><text x="94" y="12">{LABELS[1]}'
        "</text></svg>"
    )


def _positions(report: AuditReport, dataset: LabelledDataset) -> Iterable[str]:
    """One strip per series: a mark per slice index, coloured by label."""
    ends = [place for item in report.series for place in (item.normal_index, item.fracture_index) if place]
    if not ends:
        yield '<p class="soft">No slice positions are known.</p>'
        return
    low, high = min(first for first, _ in ends), max(last for _, last in ends)
    step = 560 / (high - low + 1)
    shown = [item.series for item in report.series][:_MOST_SERIES]
    places = {
        (item.series, item.slice_index, item.label)
        for item in dataset.slices
        if item.slice_index is not None and item.series in shown
    }
    marks = [
        f'<rect class="{"nf"[label]}" x="{130 + (index - low) * step:.1f}" '
        f'y="{22 * shown.index(series) + 4 + 7 * label}" width="{max(step - 0.3, 0.6):.1f}" height="7"/>'
        for series, index, label in sorted(places)
    ]
    names = [f'<text x="0" y="{22 * row + 15}">{escape(name[-20:])}</text>' for row, name in enumerate(shown)]
    bottom = 22 * len(shown) + 14
    scale = f'<text x="130" y="{bottom}">{low}</text><text x="665" y="{bottom}">{high}</text>'
    yield f'<svg viewBox="0 0 700 {bottom + 4}">{"".join(names + marks)}{scale}</svg>'
    yield _more(report)


def _brightness(report: AuditReport) -> Iterable[str]:
    """Histograms of the mean grey level: normal upwards, fracture downwards."""
    shown = report.series[:_MOST_SERIES]
    bars = []
    for row, item in enumerate(shown):
        most, middle = max(max(item.brightness[0]), max(item.brightness[1]), 1), 50 * row + 26
        bars.append(f'<text x="0" y="{middle + 4}">{escape(item.series[-20:])}</text>')
        bars.append(f'<line class="axis" x1="130" x2="690" y1="{middle}" y2="{middle}"/>')
        for label, counts in enumerate(item.brightness):
            for place, count in enumerate(counts):
                height = 22 * count / most
                if count:
                    top = middle if label else middle - height
                    bars.append(
                        f'<rect class="{"nf"[label]}" x="{130 + 17.5 * place:.1f}" y="{top:.1f}" width="16.5" '
                        f'height="{height:.1f}"/>'
                    )
    bottom = 50 * len(shown) + 16
    ends = f'<text x="130" y="{bottom}">0</text><text x="668" y="{bottom}">255</text>'
    yield f'<svg viewBox="0 0 700 {bottom + 4}">{"".join(bars)}{ends}</svg>'
    yield _more(report)


def _more(report: AuditReport) -> str:
    left = len(report.series) - _MOST_SERIES
    return f'<p class="soft">... and {left} more series</p>' if left > 0 else ""


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return f"<h2>{escape(title[0].upper() + title[1:])}</h2>{page.table((title, *columns), rows)}"

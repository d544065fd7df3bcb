"""What is wrong with a labelled data set before anything is trained on it.

::

    load_dataset ──▶ looks ──▶ facts        series, duplicates, families, leaks
                          ├──▶ confounding  what tells the label and is no fracture
                          └──▶ neighbours   1-NN on thumbnails: known patients against new ones
                          ├──▶ variants     families, by their pixels
                          └──▶ findings ──▶ AuditReport, the page, and the split by series

>>> report, split = audit_dataset(load_dataset("data"))  # doctest: +SKIP
"""

from .confounding import Nuisance
from .facts import DuplicateGroup, Families, SeriesSummary, SplitLeak
from .findings import Check, Finding, Severity
from .looks import Unreadable
from .neighbours import HeldOutSeries, NeighbourProbe
from .page import write_page
from .report import AuditReport, audit_dataset

__all__ = [
    "AuditReport",
    "Check",
    "DuplicateGroup",
    "Families",
    "Finding",
    "HeldOutSeries",
    "NeighbourProbe",
    "Nuisance",
    "SeriesSummary",
    "Severity",
    "SplitLeak",
    "Unreadable",
    "audit_dataset",
    "write_page",
]

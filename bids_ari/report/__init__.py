"""Derivatives on disk to self-contained HTML: one page per analysis, and an index."""

from bids_ari.report.cautions import warnings
from bids_ari.report.findings import headline
from bids_ari.report.pages import reason, write
from bids_ari.report.reading import collecting, find, space_of, stems
from bids_ari.report.results import Result
from bids_ari.report.text import methods

__all__ = [
    "Result",
    "collecting",
    "find",
    "headline",
    "methods",
    "reason",
    "space_of",
    "stems",
    "warnings",
    "write",
]

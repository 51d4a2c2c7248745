"""Derivatives on disk to self-contained HTML: one page per analysis, and an index."""

from bids_ari.report.cautions import warnings
from bids_ari.report.findings import headline
from bids_ari.report.pages import write
from bids_ari.report.reading import find
from bids_ari.report.results import Result
from bids_ari.report.text import methods

__all__ = ["Result", "find", "headline", "methods", "warnings", "write"]

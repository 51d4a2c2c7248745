"""The explorer: every supra-threshold cluster of a result, with its bound, inside of the page."""

from bids_ari.report.explorer.niivue import Library, niivue
from bids_ari.report.explorer.packing import Parcellation
from bids_ari.report.explorer.script import script, style
from bids_ari.report.explorer.section import Explorer, explore

__all__ = ["Explorer", "Library", "Parcellation", "explore", "niivue", "script", "style"]

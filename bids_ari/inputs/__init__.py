"""From the files of a dataset to records of what to analyse."""

from bids_ari.inputs.atlases import Atlas, find_atlas, parse_atlas
from bids_ari.inputs.collection import collect, datasets
from bids_ari.inputs.filters import load_filters
from bids_ari.inputs.records import Analysis, Inclusion, StatMap

__all__ = [
    "Analysis",
    "Atlas",
    "Inclusion",
    "StatMap",
    "collect",
    "datasets",
    "find_atlas",
    "load_filters",
    "parse_atlas",
]

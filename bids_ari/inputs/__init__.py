"""From the files of a dataset to records of what to analyse."""

from bids_ari.inputs.collection import collect, datasets
from bids_ari.inputs.filters import load_filters
from bids_ari.inputs.records import Analysis, Inclusion, StatMap

__all__ = ["Analysis", "Inclusion", "StatMap", "collect", "datasets", "load_filters"]

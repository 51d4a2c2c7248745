"""From the files of a dataset to records of what to analyse."""

from bids_ari.inputs.collection import collect, datasets
from bids_ari.inputs.filters import load_filters
from bids_ari.inputs.records import Analysis, Inclusion, Row, StatMap

__all__ = ["Analysis", "Inclusion", "Row", "StatMap", "collect", "datasets", "load_filters"]
from bids_ari.inputs.atlases import *

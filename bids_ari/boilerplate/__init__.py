"""The methods text for a paper, before or after a run, and the references it cites."""

from bids_ari.boilerplate.citations import bibtex, cited, readable, reference_list
from bids_ari.boilerplate.models import GroupModel, in_words
from bids_ari.boilerplate.resampling import (
    Calibration,
    assumption,
    shift_of,
    template_in_words,
)
from bids_ari.boilerplate.text import methods

__all__ = [
    "Calibration",
    "GroupModel",
    "assumption",
    "bibtex",
    "cited",
    "in_words",
    "methods",
    "readable",
    "reference_list",
    "shift_of",
    "template_in_words",
]

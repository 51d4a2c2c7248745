"""The methods text for a paper, before or after a run, and the references it cites."""

from bids_ari.boilerplate.citations import bibtex, cited, readable, reference_list
from bids_ari.boilerplate.models import GroupModel, in_words
from bids_ari.boilerplate.text import methods

__all__ = ["GroupModel", "bibtex", "cited", "in_words", "methods", "readable", "reference_list"]

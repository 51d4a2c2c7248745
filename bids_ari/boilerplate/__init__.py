"""The methods text for a paper, before or after a run, and the references it cites."""

from bids_ari.boilerplate.citations import bibtex, cited, readable, reference_list
from bids_ari.boilerplate.text import methods

__all__ = ["bibtex", "cited", "methods", "readable", "reference_list"]

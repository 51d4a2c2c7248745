"""Group models: from what is known of the maps to design matrices and contrasts."""

from bids_ari.design.checks import one_sample, second_level
from bids_ari.design.expressions import parse_contrast
from bids_ari.design.formula import complete_rows
from bids_ari.design.from_formula import group_model, second_level_from_formula
from bids_ari.design.records import Contrast, GroupModel, SecondLevel, label, output_contrast
from bids_ari.design.shorthand import default_contrasts, formula_of
from bids_ari.design.stats_model import to_stats_model
from bids_ari.design.table import MapTable

__all__ = [
    "Contrast",
    "GroupModel",
    "MapTable",
    "SecondLevel",
    "complete_rows",
    "default_contrasts",
    "formula_of",
    "group_model",
    "label",
    "one_sample",
    "output_contrast",
    "parse_contrast",
    "second_level",
    "second_level_from_formula",
    "to_stats_model",
]

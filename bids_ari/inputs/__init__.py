"""From the files of a dataset to records of what to analyse."""

from bids_ari.inputs.atlases import Atlas, find_atlas, parse_atlas
from bids_ari.inputs.backgrounds import Template, find_template
from bids_ari.inputs.collection import collect, datasets
from bids_ari.inputs.exchangeability import Permutations, permutation_plans
from bids_ari.inputs.filters import load_filters
from bids_ari.inputs.group_analysis import Design, GroupAnalysis, group_analyses
from bids_ari.inputs.node_models import group_models
from bids_ari.inputs.participants import (
    Participants,
    find_participants,
    read_participants,
    table_of,
)
from bids_ari.inputs.records import Analysis, Inclusion, Row, StatMap
from bids_ari.inputs.stats_model import StatsModel, read_stats_model, refuse_unmatched

__all__ = [
    "Analysis",
    "Atlas",
    "Design",
    "GroupAnalysis",
    "Inclusion",
    "Participants",
    "Permutations",
    "Row",
    "StatMap",
    "StatsModel",
    "Template",
    "collect",
    "datasets",
    "find_atlas",
    "find_participants",
    "find_template",
    "group_analyses",
    "group_models",
    "load_filters",
    "parse_atlas",
    "permutation_plans",
    "read_participants",
    "read_stats_model",
    "refuse_unmatched",
    "table_of",
]

"""From results to BIDS derivatives: names, sidecars, tables, dataset description."""

from bids_ari.outputs.dataset import (
    BIDS_VERSION,
    GENERATOR,
    earlier_links,
    write_dataset_description,
)
from bids_ari.outputs.derivatives import DERIVATIVES, Derivative, describe, path_of, sidecar_of
from bids_ari.outputs.names import (
    ENTITIES,
    atlas_label,
    cut_labels,
    stem,
    tdp_label,
    threshold_label,
)

__all__ = [
    "BIDS_VERSION",
    "DERIVATIVES",
    "ENTITIES",
    "GENERATOR",
    "Derivative",
    "atlas_label",
    "cut_labels",
    "describe",
    "earlier_links",
    "path_of",
    "sidecar_of",
    "stem",
    "tdp_label",
    "threshold_label",
    "write_dataset_description",
]

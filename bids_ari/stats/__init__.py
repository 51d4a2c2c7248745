"""The mathematics: arrays in, arrays out. Needs numpy and scipy, nothing else."""

from bids_ari.stats.bounds import min_true_discoveries, min_true_discoveries_by_label
from bids_ari.stats.clusters import (
    Clusters,
    Peak,
    find_peaks,
    label_clusters,
    supra_threshold,
)
from bids_ari.stats.glm import ContrastMaps, Rotated, contrast_maps, fit, merge, rotate
from bids_ari.stats.hommel import hommel_value
from bids_ari.stats.methods import METHODS, Evidence
from bids_ari.stats.student import ALTERNATIVES, Alternative, p_value, z_and_p_values, z_value

__all__ = [
    "ALTERNATIVES",
    "METHODS",
    "Alternative",
    "Clusters",
    "ContrastMaps",
    "Evidence",
    "Peak",
    "Rotated",
    "contrast_maps",
    "find_peaks",
    "fit",
    "hommel_value",
    "label_clusters",
    "merge",
    "min_true_discoveries",
    "min_true_discoveries_by_label",
    "p_value",
    "rotate",
    "supra_threshold",
    "z_and_p_values",
    "z_value",
]

"""What an analysis leaves: names and descriptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_ari.outputs.names import stem
from bids_ari.tables import (
    ARI_COLUMNS,
    CLUSTER_COLUMNS,
    CRITICAL_COLUMNS,
    LABEL_COLUMNS,
    OUTLIER_COLUMNS,
    OVERLAP_COLUMNS,
    PEAK_COLUMNS,
    PERMUTATION_COLUMNS,
    REGION_COLUMNS,
    SENSITIVITY_COLUMNS,
)


@dataclass(frozen=True, slots=True)
class Derivative:
    """How one output is named and described."""

    suffix: str
    extension: str
    description: str
    stat: str = ""
    desc: str = ""
    per_cut: bool = False
    """Whether there is one for each cluster or TDP threshold, told apart by ``desc``."""
    per_atlas: bool = False
    """Whether there is one for each atlas, told apart by ``desc``."""
    of_regions: bool = False
    """Whether it is there only where an atlas or a region of interest is."""
    of_permutations: bool = False
    """Whether it is there only where bounds come from permutations."""
    beside_ari: bool = False
    """Whether bounds from permutations have those of All-Resolutions Inference beside them."""
    sidecar: bool = True
    skull_stripped: bool = True
    """Whether it is an image for which BIDS asks the question."""
    columns: tuple[tuple[str, str], ...] = ()
    """Of a table: names and descriptions."""


DERIVATIVES: dict[str, Derivative] = {
    "effect_map": Derivative("statmap", ".nii.gz", "Effect of the group contrast, in the units of the inputs.", "effect"),
    "variance_map": Derivative("statmap", ".nii.gz", "Sampling variance of the effect, in squared units of the inputs.", "variance"),
    "t_map": Derivative("statmap", ".nii.gz", "Student t of the group contrast; 0 where the maps do not vary.", "t"),
    "f_map": Derivative("statmap", ".nii.gz", "F of the group contrast; 0 where the maps do not vary.", "F"),
    "z_map": Derivative("statmap", ".nii.gz", "Standard normal value with the tail probability of the map of t or F.", "z"),
    "p_map": Derivative("statmap", ".nii.gz", "P-value of t under the alternative, or of F, uncorrected, in double precision; 1 outside of the mask.", "p"),
    "mask": Derivative("mask", ".nii.gz", "Voxels that were analysed.", desc="analysis", skull_stripped=False),
    "design": Derivative("design", ".tsv", "Design of the group model: one row for each map.", skull_stripped=False),
    "tau2_map": Derivative("statmap", ".nii.gz", "Variance of the true effects between maps, in squared units of the inputs.", "tau2"),
    "outlier_table": Derivative("outliers", ".tsv", "How each map compares with the others; nobody was left out for it.", skull_stripped=False, columns=OUTLIER_COLUMNS),
    "sensitivity_table": Derivative("sensitivity", ".tsv", "Bounds of the whole mask under each alternative and each local test; only what is used was chosen beforehand.", skull_stripped=False, columns=SENSITIVITY_COLUMNS),
    "critical_table": Derivative("thresholds", ".tsv", "Thresholds of p-values that all bounds derive from, cut where further ones say nothing of any set.", of_permutations=True, skull_stripped=False, columns=CRITICAL_COLUMNS),
    "permutation_table": Derivative("permutations", ".tsv", "P-values of the mask in order, as observed and under the permutations, and the thresholds that were calibrated on these.", of_permutations=True, skull_stripped=False, columns=PERMUTATION_COLUMNS),
    "gradient_map": Derivative("statmap", ".nii.gz", "The largest lower confidence bound on the proportion of truly active voxels of any supra-threshold cluster that the voxel is in.", "tdp", desc="gradient"),
    "region_table": Derivative("regions", ".tsv", "Regions with the lower bound on the truly active voxels in each, and among its voxels of either sign; all bounds hold together.", of_regions=True, beside_ari=True, skull_stripped=False, columns=REGION_COLUMNS),
    "atlas_map": Derivative("dseg", ".nii.gz", "Regions of the atlas at the voxels that were analysed.", per_atlas=True, of_regions=True, skull_stripped=False),
    "atlas_table": Derivative("dseg", ".tsv", "", per_atlas=True, of_regions=True, sidecar=False, columns=LABEL_COLUMNS),
    "tdp_map": Derivative("statmap", ".nii.gz", "Lower confidence bound on the proportion of truly active voxels in the cluster that the voxel is in.", "tdp", per_cut=True),
    "label_map": Derivative("dseg", ".nii.gz", "Clusters, 1 for the largest; signs never share a cluster.", per_cut=True, skull_stripped=False),
    "label_table": Derivative("dseg", ".tsv", "", per_cut=True, sidecar=False, columns=LABEL_COLUMNS),
    "cluster_table": Derivative("clusters", ".tsv", "Clusters with the lower bound on the truly active voxels in each.", per_cut=True, beside_ari=True, skull_stripped=False, columns=CLUSTER_COLUMNS),
    "peak_table": Derivative("peaks", ".tsv", "Local maxima in the clusters, four of each at the most.", per_cut=True, skull_stripped=False, columns=PEAK_COLUMNS),
    "overlap_table": Derivative("overlaps", ".tsv", "What clusters and regions have in common, with the lower bound on the truly active voxels in it.", per_cut=True, of_regions=True, beside_ari=True, skull_stripped=False, columns=OVERLAP_COLUMNS),
}  # fmt: skip
"""What an analysis leaves, by the name of the field of the workflow's ``outputnode``."""


def path_of(name: str, entities: Mapping[str, str], cut: str = "") -> Path:
    """
    Name an output.

    Parameters
    ----------
    name : str
        Key of :data:`DERIVATIVES`.
    entities : mapping
        Of the analysis, with long names.
    cut : str
        For outputs that there is one of for each threshold: from :func:`cut_labels`.

    Returns
    -------
    path
        Relative to the derivatives dataset.

    Examples
    --------
    >>> path_of("tdp_map", {"task": "match", "contrast": "faces"}, "z3p1").as_posix()
    'group/task-match_contrast-faces_stat-tdp_desc-z3p1_statmap.nii.gz'
    """
    spec = DERIVATIVES[name]
    labels = stem({**entities, "stat": spec.stat, "description": cut or spec.desc})
    return Path("group") / f"{labels}_{spec.suffix}{spec.extension}"


def sidecar_of(path: Path) -> Path:
    """
    Name the sidecar of a file.

    Parameters
    ----------
    path : path
        A derivative.

    Returns
    -------
    path
        The same name with extension ``.json``.
    """
    return path.with_name(path.name.split(".")[0] + ".json")


def describe(name: str, *, permutations: bool = False) -> dict[str, Any]:
    """
    Start the sidecar of an output.

    Parameters
    ----------
    name : str
        Key of :data:`DERIVATIVES`.
    permutations : bool
        Whether bounds come from permutations.

    Returns
    -------
    dict
        What holds for this output whatever the analysis.
    """
    spec = DERIVATIVES[name]
    metadata: dict[str, Any] = {"Description": spec.description}
    if spec.skull_stripped:
        metadata["SkullStripped"] = True
    if spec.suffix == "mask":
        metadata["Type"] = "Brain"
    columns = (*spec.columns, *(ARI_COLUMNS if permutations and spec.beside_ari else ()))
    metadata.update({column: {"Description": text} for column, text in columns})
    return metadata

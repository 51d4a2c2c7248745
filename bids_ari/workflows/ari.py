"""The statistical workflow: knows nothing of BIDS, directories or the command line."""

from collections.abc import Sequence
from typing import Literal

from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from bids_ari.interfaces.ari import AllResolutionsInference, Sensitivity
from bids_ari.interfaces.clusters import ClusterInference, GrowForest
from bids_ari.interfaces.glm import SecondLevelModel
from bids_ari.interfaces.maps import DecideMask, SmoothBlock, SplitMaps
from bids_ari.interfaces.regions import LoadRegions, RegionInference

CLUSTER_OUTPUTS = (
    "tdp_map",
    "label_map",
    "label_table",
    "cluster_table",
    "peak_table",
    "overlap_table",
)
"""Fields of ``outputnode`` that hold a list: one file for each cluster threshold, then one for each
TDP threshold."""
MODEL_OUTPUTS = ("effect_map", "variance_map", "t_map", "z_map", "p_map")


def init_ari_wf(
    *,
    smoothing_fwhm: float = 0.0,
    mask_coverage: float = 1.0,
    missing_voxels: str = "zero",
    alternative: str = "two-sided",
    method: str = "ari",
    alpha: float = 0.05,
    cluster_thresholds: Sequence[float | Literal["auto"]] = (3.1,),
    tdp_thresholds: Sequence[float] = (0.7,),
    connectivity: int = 18,
    min_distance: float = 8.0,
    mem_gb: float = 1.0,
    name: str = "ari_wf",
) -> pe.Workflow:
    """
    Smooth first-level maps, fit a second-level model, and infer at all resolutions.

    Parameters
    ----------
    smoothing_fwhm : float
        Full width at half maximum of the Gaussian kernel in mm; 0 for none.
    mask_coverage : float
        Without a mask: in which share of the maps a voxel must have a value, in (0, 1].
    missing_voxels : {'zero', 'drop'}
        With a mask: whether its voxels that lack a value in some map stay, the value counting
        as 0, or leave.
    alternative : {'two-sided', 'greater', 'less'}
        What the test looks for.
    method : str
        Inference method: a key of :obj:`bids_ari.stats.METHODS`.
    alpha : float
        Familywise error rate, in (0, 1).
    cluster_thresholds : sequence of float or 'auto'
        Clusters are where the size of z is greater than this, for each; 'auto' is the threshold
        that leaves the concentration set, where all discoveries come from.
    tdp_thresholds : sequence of float
        For each, find the largest clusters whose TDP is at least this, between 0 and 1.
    connectivity : {6, 18, 26}
        Neighbours of a voxel: across faces, edges too, corners too.
    min_distance : float
        Least distance of two peaks of a cluster, in mm.
    mem_gb : float
        Memory that a block of maps needs.
    name : str
        Name of the workflow.

    Inputs
    ------
    maps
        First-level effect maps, one for each row of the design; or, for each row, a list of maps
        that are combined voxel by voxel before they are smoothed.
    weights
        For each row, the weights of its maps, such as ``[1, -1]`` for a difference; leave
        undefined to average them. See :class:`bids_ari.images.Recipe`.
    variances
        For each row, the variance maps of its maps (an empty list for none): means are then by
        inverse variance. Leave undefined without any.
    mask
        Voxels to analyse; leave undefined to take those with values.
    mask_name
        How to call the mask in words; leave undefined without one.
    design
        Rows of the design.
    contrast
        Weights of its columns.
    atlases
        For each atlas its name, label image and table of names (empty for none).
    rois
        Masks of regions of interest.

    Outputs
    -------
    effect_map, variance_map, t_map, z_map, p_map
        Of the contrast.
    mask
        The voxels that were analysed.
    missing
        How many of these lack a value, in each map.
    sensitivity_table
        Bounds of the whole mask under other assumptions.
    gradient_map
        The largest TDP of any supra-threshold cluster that holds a voxel.
    tdp_map, label_map, label_table, cluster_table, peak_table, overlap_table
        For each threshold: bound of the cluster that a voxel is in, clusters, tables; the last
        one, which is of clusters and regions, is empty without regions.
    region_table
        Bounds of each region; empty without regions.
    mask_results, model_results, ari_results, region_results, cluster_results
        Numbers for sidecars: dictionaries, the last one for each threshold.

    Examples
    --------
    >>> wf = init_ari_wf(alpha=0.01)
    >>> sorted(wf.list_node_names())
    ['ari', 'bounds', 'clusters', 'forest', 'inputnode', 'mask', 'model', 'outputnode', 'regions',
     'sensitivity', 'smooth', 'split']
    """
    workflow = pe.Workflow(name=name)
    inputnode = pe.Node(
        niu.IdentityInterface(
            [
                "maps",
                "weights",
                "variances",
                "mask",
                "mask_name",
                "design",
                "contrast",
                "atlases",
                "rois",
            ]
        ),
        name="inputnode",
    )
    inputnode.inputs.atlases = inputnode.inputs.rois = []
    outputnode = pe.Node(
        niu.IdentityInterface(
            [
                *MODEL_OUTPUTS,
                *CLUSTER_OUTPUTS,
                "mask",
                "missing",
                "mask_results",
                "sensitivity_table",
                "gradient_map",
                "region_table",
                "model_results",
                "ari_results",
                "region_results",
                "cluster_results",
            ]
        ),
        name="outputnode",
    )
    split = pe.Node(SplitMaps(mask_coverage=mask_coverage), name="split")
    smooth = pe.MapNode(
        SmoothBlock(fwhm=smoothing_fwhm),
        iterfield=["in_files", "weights", "variances", "label"],
        name="smooth",
        mem_gb=mem_gb,
    )
    mask = pe.Node(
        DecideMask(mask_coverage=mask_coverage, missing_voxels=missing_voxels), name="mask"
    )
    model = pe.Node(SecondLevelModel(alternative=alternative), name="model", mem_gb=mem_gb)
    ari = pe.Node(
        AllResolutionsInference(method=method, alpha=alpha, alternative=alternative), name="ari"
    )
    sensitivity = pe.Node(Sensitivity(alternative=alternative), name="sensitivity")
    forest = pe.Node(GrowForest(connectivity=connectivity, alternative=alternative), name="forest")
    regions = pe.Node(LoadRegions(), name="regions")
    bounds = pe.Node(RegionInference(), name="bounds")
    clusters = pe.MapNode(
        ClusterInference(connectivity=connectivity, min_distance=min_distance),
        iterfield=["cut"],
        name="clusters",
    )
    clusters.inputs.cut = [
        *(("concentration", 0.0) if z == "auto" else ("height", z) for z in cluster_thresholds),
        *(("tdp", tdp) for tdp in tdp_thresholds),
    ]

    workflow.connect([
        (inputnode, split, [
            (field, field) for field in ("maps", "weights", "variances", "mask", "mask_name")
        ]),
        (split, smooth, [
            ("blocks", "in_files"),
            ("weights", "weights"),
            ("variances", "variances"),
            ("labels", "label"),
            ("max_missing", "max_missing"),
            ("mask", "mask"),
        ]),
        (inputnode, mask, [("maps", "maps")]),
        (split, mask, [("mask_name", "mask_name")]),
        (smooth, mask, [("coverage_file", "coverage_files")]),
        (inputnode, model, [("design", "design"), ("contrast", "contrast")]),
        (smooth, model, [("values_file", "values_files"), ("coverage_file", "coverage_files")]),
        (mask, model, [("mask", "mask")]),
        (mask, ari, [("mask", "mask")]),
        (model, ari, [("z_map", "z_map"), ("p_map", "p_map")]),
        (model, sensitivity, [("sided_p_values", "sided_p_values")]),
        (ari, sensitivity, [("results", "whole_mask")]),
        (inputnode, regions, [("atlases", "atlases"), ("rois", "rois")]),
        (mask, regions, [("mask", "mask")]),
        *(
            (source, sink, fields)
            for sink in (bounds, forest, clusters)
            for source, fields in (
                (mask, [("mask", "mask")]),
                (model, [("z_map", "z_map"), ("p_map", "p_map")]),
                (ari, [("critical_vector", "critical_vector")]),
            )
        ),
        *((ari, sink, [("results", "whole_mask")]) for sink in (bounds, clusters)),
        *((regions, sink, [("regions", "regions")]) for sink in (bounds, clusters)),
        (forest, clusters, [("forest", "forest")]),
        (mask, outputnode, [
            ("mask", "mask"),
            ("missing", "missing"),
            ("results", "mask_results"),
        ]),
        (model, outputnode, [
            *((field, field) for field in MODEL_OUTPUTS),
            ("results", "model_results"),
        ]),
        (ari, outputnode, [("results", "ari_results")]),
        (sensitivity, outputnode, [("sensitivity_table", "sensitivity_table")]),
        (forest, outputnode, [("gradient_map", "gradient_map")]),
        (regions, outputnode, [("results", "region_results")]),
        (bounds, outputnode, [("region_table", "region_table")]),
        (clusters, outputnode, [
            *((field, field) for field in CLUSTER_OUTPUTS),
            ("results", "cluster_results"),
        ]),
    ])  # fmt: skip
    return workflow

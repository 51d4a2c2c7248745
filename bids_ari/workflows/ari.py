"""The statistical workflow: knows nothing of BIDS, directories or the command line."""

from collections.abc import Sequence

from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from bids_ari.interfaces.ari import AllResolutionsInference, ClusterInference
from bids_ari.interfaces.glm import SecondLevelModel
from bids_ari.interfaces.maps import DecideMask, SmoothBlock, SplitMaps

CLUSTER_OUTPUTS = ("tdp_map", "label_map", "label_table", "cluster_table", "peak_table")
"""Fields of ``outputnode`` that hold a list: one file for each cluster threshold."""
MODEL_OUTPUTS = ("effect_map", "variance_map", "t_map", "z_map", "p_map")


def init_ari_wf(
    *,
    smoothing_fwhm: float = 0.0,
    mask_coverage: float = 1.0,
    missing_voxels: str = "zero",
    alternative: str = "two-sided",
    method: str = "ari",
    alpha: float = 0.05,
    cluster_thresholds: Sequence[float] = (3.1,),
    connectivity: int = 18,
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
    cluster_thresholds : sequence of float
        Clusters are where the size of z is greater than this, for each.
    connectivity : {6, 18, 26}
        Neighbours of a voxel: across faces, edges too, corners too.
    mem_gb : float
        Memory that a block of maps needs.
    name : str
        Name of the workflow.

    Inputs
    ------
    maps
        First-level effect maps, one for each row of the design.
    mask
        Voxels to analyse; leave undefined to take those with values.
    mask_name
        How to call the mask in words; leave undefined without one.
    design
        Rows of the design.
    contrast
        Weights of its columns.

    Outputs
    -------
    effect_map, variance_map, t_map, z_map, p_map
        Of the contrast.
    mask
        The voxels that were analysed.
    missing
        How many of these lack a value, in each map.
    tdp_map, label_map, label_table, cluster_table, peak_table
        For each threshold: bound of the cluster that a voxel is in, clusters, tables.
    mask_results, model_results, cluster_results
        Numbers for sidecars: dictionaries, the last one for each threshold.

    Examples
    --------
    >>> wf = init_ari_wf(alpha=0.01)
    >>> sorted(wf.list_node_names())
    ['ari', 'clusters', 'inputnode', 'mask', 'model', 'outputnode', 'smooth', 'split']
    """
    workflow = pe.Workflow(name=name)
    inputnode = pe.Node(
        niu.IdentityInterface(["maps", "mask", "mask_name", "design", "contrast"]),
        name="inputnode",
    )
    outputnode = pe.Node(
        niu.IdentityInterface(
            [
                *MODEL_OUTPUTS,
                *CLUSTER_OUTPUTS,
                "mask",
                "missing",
                "mask_results",
                "model_results",
                "cluster_results",
            ]
        ),
        name="outputnode",
    )
    split = pe.Node(SplitMaps(mask_coverage=mask_coverage), name="split")
    smooth = pe.MapNode(
        SmoothBlock(fwhm=smoothing_fwhm),
        iterfield=["in_files", "label"],
        name="smooth",
        mem_gb=mem_gb,
    )
    mask = pe.Node(
        DecideMask(mask_coverage=mask_coverage, missing_voxels=missing_voxels), name="mask"
    )
    model = pe.Node(SecondLevelModel(alternative=alternative), name="model", mem_gb=mem_gb)
    ari = pe.Node(AllResolutionsInference(method=method, alpha=alpha), name="ari")
    clusters = pe.MapNode(
        ClusterInference(connectivity=connectivity, alternative=alternative),
        iterfield=["cluster_threshold"],
        name="clusters",
    )
    clusters.inputs.cluster_threshold = list(cluster_thresholds)

    workflow.connect([
        (inputnode, split, [("maps", "maps"), ("mask", "mask"), ("mask_name", "mask_name")]),
        (split, smooth, [
            ("blocks", "in_files"),
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
        (model, ari, [("p_map", "p_map")]),
        (mask, clusters, [("mask", "mask")]),
        (model, clusters, [("z_map", "z_map"), ("p_map", "p_map")]),
        (ari, clusters, [("critical_vector", "critical_vector"), ("results", "whole_mask")]),
        (mask, outputnode, [
            ("mask", "mask"),
            ("missing", "missing"),
            ("results", "mask_results"),
        ]),
        (model, outputnode, [
            *((field, field) for field in MODEL_OUTPUTS),
            ("results", "model_results"),
        ]),
        (clusters, outputnode, [
            *((field, field) for field in CLUSTER_OUTPUTS),
            ("results", "cluster_results"),
        ]),
    ])  # fmt: skip
    return workflow

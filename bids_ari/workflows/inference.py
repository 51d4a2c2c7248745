"""Group maps of one contrast to All-Resolutions Inference."""

from collections.abc import Sequence
from typing import Literal

from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from bids_ari.interfaces.ari import AllResolutionsInference, Sensitivity
from bids_ari.interfaces.clusters import ClusterInference, GrowForest
from bids_ari.interfaces.regions import RegionInference
from bids_ari.stats import RESAMPLED
from bids_ari.workflows.permutations import PERMUTATION_INPUTS, init_permutation_wf

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
REGION_INPUTS = ("regions", "loaded")
"""Fields of ``inputnode``, of what regions there are."""
INFERENCE_OUTPUTS = (
    "critical_table",
    "permutation_table",
    "sensitivity_table",
    "gradient_map",
    "region_table",
)
_MAPS = ("mask", "z_map", "p_map")


def init_inference_wf(
    *,
    alternative: str = "two-sided",
    signed: bool = True,
    method: str = "ari",
    alpha: float = 0.05,
    cluster_thresholds: Sequence[float | Literal["auto"]] = (3.1,),
    tdp_thresholds: Sequence[float] = (0.7,),
    connectivity: int = 18,
    min_distance: float = 8.0,
    n_permutations: int = 1000,
    seed: int = 0,
    shift: int = 0,
    step_down: bool = False,
    name: str = "inference_wf",
) -> pe.Workflow:
    """
    Infer at all resolutions from the z and p values of a mask.

    Parameters
    ----------
    alternative : {'two-sided', 'greater', 'less'}
        What the test looks for.
    signed : bool
        Whether the statistic has a sign; F has none, and goes with 'greater'.
    method : str
        Inference method: a key of :obj:`bids_ari.stats.METHODS`.
    alpha : float
        Familywise error rate, in (0, 1).
    cluster_thresholds : sequence of float or 'auto'
        Clusters are where the size of z is greater than this, for each; 'auto' is the threshold
        that leaves the concentration set, which all bounds come from.
    tdp_thresholds : sequence of float
        For each, find the largest clusters whose TDP is at least this, between 0 and 1.
    connectivity : {6, 18, 26}
        Neighbours of a voxel: across faces, edges too, corners too.
    min_distance : float
        Least distance of two peaks of a cluster, in mm.
    n_permutations, seed, shift, step_down
        Of methods with permutations; see
        :func:`bids_ari.workflows.permutations.init_permutation_wf`.
    name : str
        Name of the workflow.

    Inputs
    ------
    mask
        The voxels that are tested.
    z_map, p_map
        Signed statistics that clusters are formed in, and p-values in double precision.
    sided_p_values
        P-values under every alternative, from :class:`bids_ari.interfaces.glm.SecondLevelModel`.
    regions, loaded
        Outputs ``regions`` and ``results`` of :class:`bids_ari.interfaces.LoadRegions`; leave
        undefined without any.
    values_files, coverage_files, design, contrast, test, blocks
        For methods with permutations; see
        :func:`bids_ari.workflows.permutations.init_permutation_wf`.

    Outputs
    -------
    critical_table, permutation_table
        Of permutations: the thresholds, and what they were calibrated on.
    sensitivity_table
        Bounds of the whole mask under other assumptions.
    gradient_map
        The largest TDP of any supra-threshold cluster that holds a voxel.
    tdp_map, label_map, label_table, cluster_table, peak_table, overlap_table
        For each threshold: bound of the cluster that a voxel is in, clusters, tables; the last
        one, which is of clusters and regions, is empty without regions.
    region_table
        Bounds of each region; empty without regions.
    ari_results, region_results, cluster_results
        Numbers for sidecars: dictionaries, the last one for each threshold.

    Examples
    --------
    >>> sorted(init_inference_wf(alpha=0.01).list_node_names())
    ['ari', 'bounds', 'clusters', 'forest', 'inputnode', 'outputnode', 'sensitivity']
    """
    workflow = pe.Workflow(name=name)
    inputnode = pe.Node(
        niu.IdentityInterface([*_MAPS, "sided_p_values", *REGION_INPUTS, *PERMUTATION_INPUTS]),
        name="inputnode",
    )
    inputnode.inputs.blocks = []
    outputnode = pe.Node(
        niu.IdentityInterface(
            [
                *INFERENCE_OUTPUTS,
                *CLUSTER_OUTPUTS,
                "ari_results",
                "region_results",
                "cluster_results",
            ]
        ),
        name="outputnode",
    )
    ari = pe.Node(
        AllResolutionsInference(method=method, alpha=alpha, alternative=alternative), name="ari"
    )
    sensitivity = pe.Node(Sensitivity(alternative=alternative), name="sensitivity")
    forest = pe.Node(GrowForest(connectivity=connectivity, alternative=alternative), name="forest")
    bounds = pe.Node(RegionInference(signed=signed), name="bounds")
    clusters = pe.MapNode(
        ClusterInference(connectivity=connectivity, min_distance=min_distance, signed=signed),
        iterfield=["cut"],
        name="clusters",
    )
    clusters.inputs.cut = [
        *(("concentration", 0.0) if z == "auto" else ("height", z) for z in cluster_thresholds),
        *(("tdp", tdp) for tdp in tdp_thresholds),
    ]

    maps = [(field, field) for field in _MAPS]
    workflow.connect([
        *((inputnode, sink, maps) for sink in (ari, forest)),
        (inputnode, bounds, [*maps, *((field, field) for field in REGION_INPUTS)]),
        (inputnode, clusters, [*maps, ("regions", "regions")]),
        (inputnode, sensitivity, [("sided_p_values", "sided_p_values")]),
        *(
            (ari, sink, [("critical_vector", "critical_vector")])
            for sink in (bounds, forest, clusters)
        ),
        *((ari, sink, [("results", "whole_mask")]) for sink in (sensitivity, bounds, clusters)),
        (forest, clusters, [("forest", "forest")]),
        (ari, outputnode, [("results", "ari_results")]),
        (sensitivity, outputnode, [("sensitivity_table", "sensitivity_table")]),
        (forest, outputnode, [("gradient_map", "gradient_map")]),
        (bounds, outputnode, [("region_table", "region_table"), ("results", "region_results")]),
        (clusters, outputnode, [
            *((field, field) for field in CLUSTER_OUTPUTS),
            ("results", "cluster_results"),
        ]),
    ])  # fmt: skip
    if method in RESAMPLED:
        permutation_wf = init_permutation_wf(
            alternative=alternative,
            method=method,
            alpha=alpha,
            n_permutations=n_permutations,
            seed=seed,
            shift=shift,
            step_down=step_down,
        )
        workflow.connect([
            (inputnode, permutation_wf, [
                (field, f"inputnode.{field}") for field in ("mask", "p_map", *PERMUTATION_INPUTS)
            ]),
            *(
                (permutation_wf, sink, [("outputnode.calibration", "calibration")])
                for sink in (ari, bounds, clusters)
            ),
            (permutation_wf, ari, [
                (f"outputnode.{field}", field) for field in ("drawn", "calibrated")
            ]),
            (permutation_wf, outputnode, [("outputnode.permutation_table", "permutation_table")]),
            (ari, outputnode, [("critical_table", "critical_table")]),
        ])  # fmt: skip
    return workflow

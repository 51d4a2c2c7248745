"""The statistical workflow: knows nothing of BIDS, directories or the command line."""

from collections.abc import Sequence
from typing import Literal

from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from bids_ari.interfaces.regions import LoadRegions
from bids_ari.stats import RESAMPLED
from bids_ari.workflows.inference import CLUSTER_OUTPUTS, INFERENCE_OUTPUTS, init_inference_wf
from bids_ari.workflows.model import (
    BLOCKS,
    CONTRAST_MAPS,
    MAP_INPUTS,
    MODEL_OUTPUTS,
    init_model_wf,
)

_ATLAS_OUTPUTS = ("atlas_map", "atlas_table")
_RESULTS = ("ari_results", "region_results", "cluster_results")


def init_ari_wf(
    *,
    smoothing_fwhm: float = 0.0,
    mask_coverage: float = 1.0,
    missing_voxels: str = "zero",
    estimator: str = "ols",
    alternative: str = "two-sided",
    test: str = "t",
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
    estimator : {'ols', 'fixed', 'mixed'}
        Weigh all maps equally; by their variances; or by these and a variance between maps.
    alternative : {'two-sided', 'greater', 'less'}
        What a t test looks for.
    test : {'t', 'F'}
        Test one combination of the columns, or several together.
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
        Of methods with permutations, which need effects and the estimator 'ols'; see
        :func:`bids_ari.workflows.permutations.init_permutation_wf`.
    mem_gb : float
        Memory that a block of maps needs.
    name : str
        Name of the workflow.

    Inputs
    ------
    maps, weights, variances
        First-level effect maps, one for each row of the design, or lists of them; see
        :func:`init_model_wf`.
    mask
        Voxels to analyse; leave undefined to take those with values.
    mask_name
        How to call the mask in words; leave undefined without one.
    design
        Rows of the design.
    contrast
        Weights of its columns; for an F test rows of these.
    atlases
        For each atlas its name, label image and table of names (empty for none).
    rois
        Masks of regions of interest.
    blocks
        For each row of the design a label, if permutations are only among rows with the same one.

    Outputs
    -------
    effect_map, variance_map, stat_map, z_map, p_map
        Of the contrast; an F test has no effect and no variance.
    mask
        The voxels that were analysed.
    missing
        How many of these lack a value, in each map.
    outlier_table
        How each map compares with the others.
    tau2_map
        The variance between maps; of mixed effects.
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
    atlas_map, atlas_table
        For each atlas: its labels at the voxels tested, and their names.
    mask_results, model_results, ari_results, region_results, cluster_results
        Numbers for sidecars: dictionaries, the last one for each threshold.

    Raises
    ------
    ValueError
        If a method with permutations meets another estimator than 'ols'.

    Examples
    --------
    >>> sorted(init_ari_wf(alpha=0.01).list_node_names())
    ['inference_wf.ari', 'inference_wf.bounds', 'inference_wf.clusters', 'inference_wf.forest',
     'inference_wf.inputnode', 'inference_wf.outputnode', 'inference_wf.sensitivity',
     'inputnode', 'model_wf.inputnode', 'model_wf.mask', 'model_wf.model',
     'model_wf.outliers', 'model_wf.outputnode', 'model_wf.smooth', 'model_wf.split',
     'outputnode', 'regions']
    """
    if method in RESAMPLED and estimator != "ols":
        msg = (
            f"method {method} permutes maps, which must weigh alike: "
            f"estimator must be 'ols', not {estimator!r}"
        )
        raise ValueError(msg)
    workflow = pe.Workflow(name=name)
    inputnode = pe.Node(
        niu.IdentityInterface([*MAP_INPUTS, "design", "contrast", "atlases", "rois", "blocks"]),
        name="inputnode",
    )
    inputnode.inputs.atlases = inputnode.inputs.rois = inputnode.inputs.blocks = []
    outputnode = pe.Node(
        niu.IdentityInterface(
            [
                *CONTRAST_MAPS,
                *INFERENCE_OUTPUTS,
                *_ATLAS_OUTPUTS,
                *CLUSTER_OUTPUTS,
                *MODEL_OUTPUTS,
                "model_results",
                *_RESULTS,
            ]
        ),
        name="outputnode",
    )
    model_wf = init_model_wf(
        smoothing_fwhm=smoothing_fwhm,
        mask_coverage=mask_coverage,
        missing_voxels=missing_voxels,
        alternative=alternative,
        estimator=estimator,
        mem_gb=mem_gb,
    )
    model_wf.inputs.inputnode.tests = [test]
    regions = pe.Node(LoadRegions(), name="regions")
    inference_wf = init_inference_wf(
        alternative="greater" if test == "F" else alternative,
        signed=test != "F",
        method=method,
        alpha=alpha,
        cluster_thresholds=cluster_thresholds,
        tdp_thresholds=tdp_thresholds,
        connectivity=connectivity,
        min_distance=min_distance,
        n_permutations=n_permutations,
        seed=seed,
        shift=shift,
        step_down=step_down,
    )
    inference_wf.inputs.inputnode.test = test
    workflow.connect([
        (inputnode, model_wf, [
            *((field, f"inputnode.{field}") for field in (*MAP_INPUTS, "design")),
            (("maps", _numbered), "inputnode.row_labels"),
            (("contrast", _one), "inputnode.contrasts"),
        ]),
        (inputnode, inference_wf, [
            ("design", "inputnode.design"),
            (("contrast", _rows), "inputnode.contrast"),
            ("blocks", "inputnode.blocks"),
        ]),
        (inputnode, regions, [("atlases", "atlases"), ("rois", "rois")]),
        (model_wf, regions, [("outputnode.mask", "mask")]),
        (regions, inference_wf, [
            ("regions", "inputnode.regions"),
            ("results", "inputnode.loaded"),
        ]),
        (regions, outputnode, [(field, field) for field in _ATLAS_OUTPUTS]),
        (model_wf, inference_wf, [
            *((f"outputnode.{field}", f"inputnode.{field}") for field in ("mask", *BLOCKS)),
            *(
                ((f"outputnode.{field}", _first), f"inputnode.{field}")
                for field in ("z_map", "p_map", "sided_p_values")
            ),
        ]),
        (model_wf, outputnode, [
            *((f"outputnode.{field}", field) for field in MODEL_OUTPUTS),
            *(((f"outputnode.{field}", _first), field) for field in CONTRAST_MAPS),
            (("outputnode.results", _first), "model_results"),
        ]),
        (inference_wf, outputnode, [
            (f"outputnode.{field}", field)
            for field in (*INFERENCE_OUTPUTS, *CLUSTER_OUTPUTS, *_RESULTS)
        ]),
    ])  # fmt: skip
    return workflow


# nipype runs these without the rest of the module


def _rows(contrast: list[object]) -> list[object]:
    """Make a list of rows of a contrast, which may be one."""
    return contrast if isinstance(contrast[0], list) else [contrast]


def _one(contrast: list[object]) -> list[list[object]]:
    """Make a list of one contrast, which is a list of its rows."""
    return [contrast if isinstance(contrast[0], list) else [contrast]]


def _numbered(maps: list[object]) -> list[str]:
    return [str(number + 1) for number in range(len(maps))]


def _first(of_contrasts: list[object]) -> object:
    return of_contrasts[0]

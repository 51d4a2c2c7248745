"""First-level maps to group maps: the model, and one set of maps for each of its contrasts."""

from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from bids_ari.interfaces.glm import Outliers, SecondLevelModel
from bids_ari.interfaces.maps import DecideMask, SmoothBlock, SplitMaps

CONTRAST_MAPS = ("effect_map", "variance_map", "stat_map", "z_map", "p_map")
CONTRAST_OUTPUTS = (*CONTRAST_MAPS, "sided_p_values", "results")
"""Fields of ``outputnode`` that hold a list: one item for each contrast."""
MODEL_OUTPUTS = ("mask", "missing", "mask_results", "outlier_table", "tau2_map")
"""Those that are the same for all contrasts."""
BLOCKS = ("values_files", "coverage_files")
"""Those that hold the smoothed maps, block by block."""
MAP_INPUTS = ("maps", "weights", "variances", "mask", "mask_name")


def init_model_wf(
    *,
    smoothing_fwhm: float = 0.0,
    mask_coverage: float = 1.0,
    missing_voxels: str = "zero",
    alternative: str = "two-sided",
    estimator: str = "ols",
    mem_gb: float = 1.0,
    name: str = "model_wf",
) -> pe.Workflow:
    """
    Smooth first-level maps, decide which voxels are analysed, and fit a second-level model.

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
        What t tests look for.
    estimator : {'ols', 'fixed', 'mixed'}
        Weigh all maps equally; by their variances; or by these and a variance between maps.
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
    row_labels
        How to call each row.
    contrasts
        For each contrast its rows, which are weights of the columns of the design.
    tests
        For each contrast 't' or 'F'.

    Outputs
    -------
    effect_map, variance_map, stat_map, z_map, p_map, sided_p_values, results
        Lists, an item for each contrast; the last one has numbers for sidecars. There is no effect
        and no variance of an F test.
    mask
        The voxels that were analysed.
    missing
        How many of these lack a value, in each map.
    mask_results
        Numbers for the sidecar of the mask.
    outlier_table
        How each map compares with the others.
    tau2_map
        The variance between maps, if it was estimated.
    values_files, coverage_files
        The smoothed maps, block by block.

    Examples
    --------
    >>> sorted(init_model_wf().list_node_names())
    ['inputnode', 'mask', 'model', 'outliers', 'outputnode', 'smooth', 'split']
    """
    workflow = pe.Workflow(name=name)
    inputnode = pe.Node(
        niu.IdentityInterface([*MAP_INPUTS, "row_labels", "design", "contrasts", "tests"]),
        name="inputnode",
    )
    outputnode = pe.Node(
        niu.IdentityInterface([*CONTRAST_OUTPUTS, *MODEL_OUTPUTS, *BLOCKS]),
        name="outputnode",
    )
    split = pe.Node(SplitMaps(mask_coverage=mask_coverage), name="split")
    smooth = pe.MapNode(
        SmoothBlock(fwhm=smoothing_fwhm, keep_variances=estimator != "ols"),
        iterfield=["in_files", "weights", "variances", "label"],
        name="smooth",
        mem_gb=mem_gb,
    )
    mask = pe.Node(
        DecideMask(
            mask_coverage=mask_coverage,
            missing_voxels=missing_voxels,
            weighted=estimator != "ols",
        ),
        name="mask",
    )
    model = pe.Node(
        SecondLevelModel(alternative=alternative, estimator=estimator),
        name="model",
        mem_gb=mem_gb,
    )
    outliers = pe.Node(Outliers(), name="outliers", mem_gb=mem_gb)

    if estimator != "ols":
        workflow.connect([(smooth, model, [("variances_file", "variances_files")])])
    workflow.connect([
        (inputnode, split, [(field, field) for field in MAP_INPUTS]),
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
        (inputnode, model, [(field, field) for field in ("design", "contrasts", "tests")]),
        (inputnode, outliers, [("design", "design"), ("row_labels", "row_labels")]),
        *(
            (smooth, sink, [
                ("values_file", "values_files"),
                ("coverage_file", "coverage_files"),
            ])
            for sink in (model, outliers)
        ),
        *((mask, sink, [("mask", "mask")]) for sink in (model, outliers)),
        (smooth, outputnode, [
            ("values_file", "values_files"),
            ("coverage_file", "coverage_files"),
        ]),
        (mask, outputnode, [
            ("mask", "mask"),
            ("missing", "missing"),
            ("results", "mask_results"),
        ]),
        (model, outliers, [("results", "after")]),
        (outliers, outputnode, [("outlier_table", "outlier_table")]),
        (model, outputnode, [
            (field, field) for field in (*CONTRAST_OUTPUTS, "tau2_map")
        ]),
    ])  # fmt: skip
    return workflow

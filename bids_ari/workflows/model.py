"""First-level maps to group maps: the model, and one set of maps for each of its contrasts."""

from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from bids_ari.interfaces.glm import SecondLevelModel
from bids_ari.interfaces.maps import DecideMask, SmoothBlock, SplitMaps

CONTRAST_OUTPUTS = ("effect_map", "variance_map", "t_map", "z_map", "p_map")
"""Fields of ``outputnode`` that hold a list: one map for each contrast."""


def init_model_wf(
    *,
    smoothing_fwhm: float = 0.0,
    mask_coverage: float = 1.0,
    missing_voxels: str = "zero",
    alternative: str = "two-sided",
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
        What the test looks for.
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
    contrasts
        Weights of its columns, for each contrast.

    Outputs
    -------
    effect_map, variance_map, t_map, z_map, p_map, sided_p_values, results
        Lists, an item for each contrast; the last one has numbers for sidecars.
    mask
        The voxels that were analysed.
    missing
        How many of these lack a value, in each map.
    mask_results
        Numbers for the sidecar of the mask.

    Examples
    --------
    >>> sorted(init_model_wf().list_node_names())
    ['inputnode', 'mask', 'model', 'outputnode', 'smooth', 'split']
    """
    workflow = pe.Workflow(name=name)
    inputnode = pe.Node(
        niu.IdentityInterface(["maps", "mask", "mask_name", "design", "contrasts"]),
        name="inputnode",
    )
    outputnode = pe.Node(
        niu.IdentityInterface(
            [*CONTRAST_OUTPUTS, "sided_p_values", "results", "mask", "missing", "mask_results"]
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
        (inputnode, model, [("design", "design"), ("contrasts", "contrasts")]),
        (smooth, model, [("values_file", "values_files"), ("coverage_file", "coverage_files")]),
        (mask, model, [("mask", "mask")]),
        (mask, outputnode, [
            ("mask", "mask"),
            ("missing", "missing"),
            ("results", "mask_results"),
        ]),
        (model, outputnode, [
            *((field, field) for field in (*CONTRAST_OUTPUTS, "sided_p_values", "results")),
        ]),
    ])  # fmt: skip
    return workflow

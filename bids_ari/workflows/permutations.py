"""Group maps under permutations: thresholds that are calibrated on them."""

from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from bids_ari.interfaces.calibration import CalibrateThresholds
from bids_ari.interfaces.permutations import DrawPermutations, PermuteMaps

PERMUTATION_INPUTS = ("values_files", "coverage_files", "design", "contrast", "test", "blocks")
"""Fields of ``inputnode`` that only permutations need."""
_TEST = ("design", "contrast", "test", "blocks")
_MAPS = ("values_files", "coverage_files", "mask")


def init_permutation_wf(
    *,
    alternative: str = "two-sided",
    method: str = "simes",
    alpha: float = 0.05,
    n_permutations: int = 1000,
    seed: int = 0,
    shift: int = 0,
    step_down: bool = False,
    job_size: int = 250,
    name: str = "permutation_wf",
) -> pe.Workflow:
    """
    Test maps under permutations or sign flips, and calibrate thresholds of p-values on these.

    Parameters
    ----------
    alternative : {'two-sided', 'greater', 'less'}
        What a t test looks for.
    method : str
        One of :obj:`bids_ari.stats.RESAMPLED`.
    alpha : float
        Familywise error rate, in (0, 1).
    n_permutations : int
        How many, the maps as they are among them; all distinct ones if there are no more.
    seed : int
        The same gives the same permutations, however they are split into jobs.
    shift : int
        Of ``simes`` and ``aorc``: at how many thresholds to begin later.
    step_down : bool
        Calibrate again without the voxels that are active for sure.
    job_size : int
        Permutations in one job.
    name : str
        Name of the workflow.

    Inputs
    ------
    values_files, coverage_files
        Blocks of maps, from :class:`bids_ari.interfaces.SmoothBlock`.
    mask
        The voxels that are tested.
    p_map
        Their p-values, in double precision.
    design
        Rows of the design, one for each map.
    contrast
        Rows of one contrast: weights of the columns of the design.
    test
        't' or 'F'.
    blocks
        For each map a label, if only maps with the same one may be exchanged.

    Outputs
    -------
    calibration
        For :class:`bids_ari.interfaces.AllResolutionsInference`.
    permutation_table
        Sorted p-values, as observed and under permutations.
    drawn, calibrated
        Numbers for sidecars.

    Examples
    --------
    >>> sorted(init_permutation_wf(method="beta").list_node_names())
    ['calibrate', 'draw', 'inputnode', 'outputnode', 'permute']
    """
    workflow = pe.Workflow(name=name)
    inputnode = pe.Node(
        niu.IdentityInterface([*PERMUTATION_INPUTS, "mask", "p_map"]), name="inputnode"
    )
    inputnode.inputs.blocks = []
    outputnode = pe.Node(
        niu.IdentityInterface(["calibration", "permutation_table", "drawn", "calibrated"]),
        name="outputnode",
    )
    settings = {"alternative": alternative, "method": method, "shift": shift}
    draw = pe.Node(
        DrawPermutations(
            alpha=alpha, n_permutations=n_permutations, seed=seed, job_size=job_size, **settings
        ),
        name="draw",
    )
    permute = pe.MapNode(PermuteMaps(**settings), iterfield=["span"], name="permute", mem_gb=0.5)
    calibrate = pe.Node(
        CalibrateThresholds(alpha=alpha, step_down=step_down, **settings),
        name="calibrate",
        mem_gb=0.5,
    )
    workflow.connect([
        (inputnode, draw, [(field, field) for field in _TEST]),
        *(
            (inputnode, sink, [(field, field) for field in (*_TEST, *_MAPS)])
            for sink in (permute, calibrate)
        ),
        *((draw, sink, [("transformations", "transformations")]) for sink in (permute, calibrate)),
        (draw, permute, [("spans", "span")]),
        (inputnode, calibrate, [("p_map", "p_map")]),
        (permute, calibrate, [("sample", "samples")]),
        (draw, outputnode, [("results", "drawn")]),
        (calibrate, outputnode, [
            ("calibration", "calibration"),
            ("permutation_table", "permutation_table"),
            ("results", "calibrated"),
        ]),
    ])  # fmt: skip
    return workflow

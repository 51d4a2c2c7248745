"""The BIDS-App workflow: records and options to one graph."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nipype.pipeline import engine as pe

from bids_ari import __version__
from bids_ari.design import Contrast
from bids_ari.errors import ExitCode, InputError
from bids_ari.images import Grid, common_grid
from bids_ari.inputs import Analysis, Atlas, GroupAnalysis, find_atlas
from bids_ari.interfaces.regions import LoadRegions
from bids_ari.options import Options
from bids_ari.outputs import stem
from bids_ari.workflows.model import BLOCKS, CONTRAST_OUTPUTS, MODEL_OUTPUTS, init_model_wf
from bids_ari.workflows.results import OF_REGIONS, init_results_wf, row_labels

_BLOCK_VOLUMES = 40
"""Single precision volumes in memory while a block of maps is smoothed."""
_SECONDS_PER_VALUE = 1e-8
"""To read and smooth a voxel of a map, on a usual computer."""
_SECONDS_PER_VOXEL = 1.2e-6
"""To infer from one of the grid, for each contrast."""
_LITTLE_SECONDS = 3.0
"""Of work, done sooner in one process than in several."""


def names_of(group: GroupAnalysis) -> list[str]:
    """
    Name the results of a group analysis in files.

    Parameters
    ----------
    group : GroupAnalysis
        The model, and what it is of.

    Returns
    -------
    list of str
        Entities joined as BIDS does, for each contrast.
    """
    return [stem(group.entities(contrast)) for contrast in group.model.contrasts]


def workflow_name(group: GroupAnalysis) -> str:
    """
    Name the sub-workflow of a group analysis.

    Parameters
    ----------
    group : GroupAnalysis
        The model, and what it is of.

    Returns
    -------
    str
        What Nipype accepts, such as ``taskfaces_modelage_contrasta__b_wf``.
    """
    label = stem({**group.analysis.entities, "description": "", "model": group.label})
    return f"{label.replace('-', '').replace('+', '__')}_wf"


def results_name(contrast: Contrast) -> str:
    """
    Name the sub-workflow of a contrast, inside of that of its group analysis.

    Parameters
    ----------
    contrast : Contrast
        Of the model.

    Returns
    -------
    str
    """
    return f"{contrast.name}_wf"


def init_bids_ari_wf(
    groups: Sequence[GroupAnalysis],
    options: Options,
    datasets: Mapping[str, Path],
    *,
    name: str = "",
) -> pe.Workflow:
    """
    Assemble the workflow of a run from the records of what to analyse.

    Parameters
    ----------
    groups : sequence of GroupAnalysis
        From :func:`bids_ari.inputs.group_analyses`.
    options : Options
        What the user asked for.
    datasets : mapping
        Names in BIDS URIs, and the roots they stand for.
    name : str
        Name of the workflow, and so of its folder in the work directory. By default one with the
        version: results of another version are not taken for those of this one.

    Returns
    -------
    workflow
        One sub-workflow for each group analysis.

    Raises
    ------
    InputError
        If the first map of an analysis cannot be read, an atlas is not there, or two analyses
        would write the same files.
    """
    name = name or f"bids_ari_{re.sub(r'[^0-9A-Za-z]', '_', __version__)}_wf"
    workflow = pe.Workflow(name=name, base_dir=str(options.work_dir.absolute()))
    taken: dict[str, GroupAnalysis] = {}
    for group in groups:
        for label in names_of(group):
            if label in taken:
                _refuse_twins(label, taken[label], group)
            taken[label] = group
        # of one map, for what is said of the analysis; the node that splits the maps reads all
        grid = common_grid([group.analysis.maps[0].path])
        workflow.add_nodes([_init_group_wf(group, grid, options, datasets)])
    return workflow


def worthwhile_processes(groups: Sequence[GroupAnalysis], n_cpus: int) -> int:
    """
    Tell how many processes a run is worth.

    Starting others, and asking them how far they are, takes about a second of each.

    Parameters
    ----------
    groups : sequence of GroupAnalysis
        What is analysed.
    n_cpus : int
        How many there are.

    Returns
    -------
    int
        All, or 1 if there is little to do.
    """
    seconds = 0.0
    for group in groups:
        n_voxels = math.prod(common_grid([group.analysis.maps[0].path]).shape)
        n_maps = len(group.analysis.maps) + len(group.analysis.variances)
        seconds += n_voxels * n_maps * _SECONDS_PER_VALUE
        seconds += n_voxels * len(group.model.contrasts) * _SECONDS_PER_VOXEL
    return n_cpus if seconds > _LITTLE_SECONDS else 1


def _refuse_twins(label: str, one: GroupAnalysis, other: GroupAnalysis) -> None:
    first, second = one.analysis.entities, other.analysis.entities
    differing = [
        f"{entity}={entities.get(entity)}"
        for entity in sorted({*first, *second})
        for entities in (first, second)
        if first.get(entity) != second.get(entity)
    ]
    msg = (
        f"two analyses would both be called {label}: choose between {', '.join(differing)} "
        f"with --bids-filter-file"
    )
    raise InputError(msg)


def _init_group_wf(
    group: GroupAnalysis, grid: Grid, options: Options, datasets: Mapping[str, Path]
) -> pe.Workflow:
    """Fit the model once, and infer from each of its contrasts."""
    model = group.model
    model_wf = init_model_wf(
        smoothing_fwhm=options.smoothing_fwhm,
        mask_coverage=options.mask_coverage,
        missing_voxels=options.missing_voxels,
        alternative=options.alternative,
        estimator=options.estimator,
        mem_gb=_BLOCK_VOLUMES * 4 * float(grid.shape[0] * grid.shape[1] * grid.shape[2]) / 1e9,
    )
    inputs = model_wf.inputs.inputnode
    _set_maps(inputs, group.analysis)
    inputs.row_labels = row_labels(group)
    inputs.design = model.matrix.tolist()
    inputs.contrasts = [contrast.weights.tolist() for contrast in model.contrasts]
    inputs.tests = [contrast.test for contrast in model.contrasts]
    if options.mask:
        inputs.mask = str(options.mask.absolute())
        inputs.mask_name = options.mask.name
    atlases = atlases_of(group.analysis, grid, options)

    workflow = pe.Workflow(name=workflow_name(group))
    regions = None
    if atlases or options.roi:
        regions = _regions_node(atlases, options.roi)
        workflow.connect([(model_wf, regions, [("outputnode.mask", "mask")])])
    for number, contrast in enumerate(model.contrasts):
        results_wf = init_results_wf(
            group,
            contrast,
            grid=grid,
            atlases=atlases,
            options=options,
            datasets=datasets,
            name=results_name(contrast),
        )
        workflow.connect([
            (model_wf, results_wf, [
                *(
                    (f"outputnode.{field}", f"inputnode.{field}")
                    for field in (*MODEL_OUTPUTS, *BLOCKS)
                ),
                *(
                    ((f"outputnode.{field}", _item, number), f"inputnode.{field}")
                    for field in CONTRAST_OUTPUTS
                ),
            ]),
        ])  # fmt: skip
        if regions is not None:
            workflow.connect([
                (regions, results_wf, [
                    ("results" if field == "loaded" else field, f"inputnode.{field}")
                    for field in OF_REGIONS
                ]),
            ])  # fmt: skip
    return workflow


def _regions_node(atlases: Sequence[Atlas], rois: Sequence[Path]) -> pe.Node:
    """Put regions on the voxels of a model, once for all of its contrasts."""
    node = pe.Node(LoadRegions(), name="regions")
    node.inputs.atlases = [
        (one.name, str(one.image.absolute()), str(one.names.absolute()) if one.names else "")
        for one in atlases
    ]
    node.inputs.rois = [str(path.absolute()) for path in rois]
    return node


def _item(of_contrasts: list[object], number: int) -> object:
    return of_contrasts[number]  # nipype runs this without the rest of the module


def _set_maps(inputs: Any, analysis: Analysis) -> None:
    """Hand over the files of each row, with weights and variances where there is need."""
    if all(row.weights == (1.0,) for row in analysis.rows):
        inputs.maps = [str(one.path) for one in analysis.maps]
    else:
        inputs.maps = [[str(one.path) for one in row.maps] for row in analysis.rows]
        inputs.weights = [list(row.weights) for row in analysis.rows]
    if analysis.variances:
        inputs.variances = [[str(one.path) for one in row.variances] for row in analysis.rows]


def atlases_of(analysis: Analysis, grid: Grid, options: Options) -> list[Atlas]:
    """
    Find the atlases that were asked for, in the space of the maps.

    Parameters
    ----------
    analysis : Analysis
        The maps and what they share.
    grid : Grid
        Of the maps.
    options : Options
        What the user asked for.

    Returns
    -------
    list of Atlas

    Raises
    ------
    InputError
        If one is not there, or two could not be told apart in tables.
    """
    space, voxel_size = analysis.entities.get("space", ""), float(grid.voxel_sizes.min())
    atlases = [find_atlas(one, space=space, voxel_size=voxel_size) for one in options.atlas]
    called = [(one.name, one.image) for one in atlases]
    called += [(path.name, path) for path in options.roi]
    names = [name for name, _ in called]
    if twice := [(name, path) for name, path in called if names.count(name) > 1]:
        images = ", ".join(str(path) for name, path in twice if name == twice[0][0])
        msg = f"several atlases or regions would be called {twice[0][0]} in tables: {images}"
        raise InputError(msg, ExitCode.USAGE)
    return atlases

"""The BIDS-App workflow: one :func:`init_ari_wf` per analysis, inputs set, outputs sunk."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from bids_ari import __version__
from bids_ari.design import SecondLevel, one_sample
from bids_ari.errors import ExitCode, InputError
from bids_ari.images import Grid, common_grid
from bids_ari.inputs import Analysis, Atlas, find_atlas
from bids_ari.interfaces.derivatives import WriteDerivative, WriteInclusion, WriteTable
from bids_ari.options import Options
from bids_ari.outputs import DERIVATIVES, cut_labels, describe, path_of, stem
from bids_ari.workflows.ari import init_ari_wf
from bids_ari.workflows.provenance import common_metadata, sources_of

_BLOCK_VOLUMES = 40
"""Single precision volumes in memory while a block of maps is smoothed."""
_LAST_STEPS = ("cluster_table", "region_table", "sensitivity_table")
"""Fields of ``outputnode`` that come last: nothing is written before all of them are there."""
_METHODS = {"simes": "ari", "hommel": "hommel"}
"""Inference method of each local test."""
_RESULTS = {
    "mask": "mask_results",
    "t_map": "model_results",
    "gradient_map": "ari_results",
    "sensitivity_table": "ari_results",
    "region_table": "region_results",
}
"""Fields of ``outputnode`` with what the computation adds to a sidecar."""


def name_of(analysis: Analysis, model: SecondLevel) -> str:
    """
    Name an analysis in files.

    Parameters
    ----------
    analysis : Analysis
        The maps and what they share.
    model : SecondLevel
        The group model.

    Returns
    -------
    str
        Entities joined as BIDS does.
    """
    return stem(_output_entities(analysis, model))


def second_level_of(analysis: Analysis) -> SecondLevel:
    """
    Choose the group model of an analysis.

    Parameters
    ----------
    analysis : Analysis
        The maps and what they share.

    Returns
    -------
    SecondLevel

    Raises
    ------
    InputError
        If there are too few maps, or several rows of one subject.
    """
    several = [row.subject for row in analysis.rows if row.entities]
    if several:
        msg = (
            f"{stem(analysis.entities)}: sub-{several[0]} has rows of its own for each "
            f"{' and '.join(analysis.rows[0].entities)}, which a mean over subjects cannot take"
        )
        raise InputError(msg)
    try:
        return one_sample(len(analysis.rows))
    except InputError as error:
        subjects = ", ".join(f"sub-{one.subject}" for one in analysis.rows)
        msg = f"{stem(analysis.entities)} ({subjects}): {error}"
        raise InputError(msg, error.exit_code) from error


def init_bids_ari_wf(
    analyses: Sequence[Analysis],
    options: Options,
    datasets: Mapping[str, Path],
    *,
    name: str = "",
) -> pe.Workflow:
    """
    Assemble the workflow of a run from the records of what to analyse.

    Parameters
    ----------
    analyses : sequence of Analysis
        From :func:`bids_ari.inputs.collect`.
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
        One sub-workflow for each analysis, named after its files.

    Raises
    ------
    InputError
        If there are too few maps in an analysis, its first cannot be read, or two analyses would
        write the same files.
    """
    name = name or f"bids_ari_{re.sub(r'[^0-9A-Za-z]', '_', __version__)}_wf"
    workflow = pe.Workflow(name=name, base_dir=str(options.work_dir.absolute()))
    names: dict[str, Analysis] = {}
    for analysis in analyses:
        model = second_level_of(analysis)
        label = name_of(analysis, model)
        if label in names:
            differing = [
                f"{entity}={one.entities.get(entity)}"
                for entity in sorted({*analysis.entities, *names[label].entities})
                for one in (names[label], analysis)
                if analysis.entities.get(entity) != names[label].entities.get(entity)
            ]
            msg = (
                f"two analyses would both be called {label}: choose between "
                f"{', '.join(differing)} with --bids-filter-file"
            )
            raise InputError(msg)
        names[label] = analysis
        # of one map, for what is said of the analysis; the node that splits the maps reads all
        grid = common_grid([analysis.maps[0].path])
        workflow.add_nodes([_init_analysis_wf(analysis, model, grid, options, datasets)])
    return workflow


def workflow_name(label: str) -> str:
    """
    Name the sub-workflow of an analysis.

    Parameters
    ----------
    label : str
        From :func:`name_of`.

    Returns
    -------
    str
        What Nipype accepts.

    Examples
    --------
    >>> workflow_name("task-faces_contrast-a+b")
    'taskfaces_contrasta__b_wf'
    """
    return f"{label.replace('-', '').replace('+', '__')}_wf"


def _init_analysis_wf(
    analysis: Analysis,
    model: SecondLevel,
    grid: Grid,
    options: Options,
    datasets: Mapping[str, Path],
) -> pe.Workflow:
    """Set the inputs of one analysis and sink its outputs."""
    entities = _output_entities(analysis, model)
    out_dir = options.output_dir.absolute()
    atlases = _atlases(analysis, grid, options)
    ari_wf = init_ari_wf(
        smoothing_fwhm=options.smoothing_fwhm,
        mask_coverage=options.mask_coverage,
        missing_voxels=options.missing_voxels,
        alternative=options.alternative,
        method=_METHODS[options.local_test],
        alpha=options.alpha,
        cluster_thresholds=options.cluster_threshold,
        tdp_thresholds=options.tdp_threshold,
        connectivity=options.connectivity,
        min_distance=options.min_distance,
        mem_gb=_BLOCK_VOLUMES * 4 * float(grid.shape[0] * grid.shape[1] * grid.shape[2]) / 1e9,
    )
    inputs = ari_wf.inputs.inputnode
    _set_maps(inputs, analysis)
    inputs.design = model.matrix.tolist()
    inputs.contrast = model.contrasts[0].weights[0].tolist()
    if options.mask:
        inputs.mask = str(options.mask.absolute())
        inputs.mask_name = options.mask.name
    inputs.atlases = [(one.name, str(one.image), str(one.names or "")) for one in atlases]
    inputs.rois = [str(path.absolute()) for path in options.roi]

    workflow = pe.Workflow(name=workflow_name(stem(entities)))
    done = pe.Node(niu.Merge(len(_LAST_STEPS)), name="done", run_without_submitting=True)
    workflow.connect([
        (ari_wf, done, [
            (f"outputnode.{field}", f"in{number}") for number, field in enumerate(_LAST_STEPS, 1)
        ]),
    ])  # fmt: skip
    static = common_metadata(analysis, model, grid, options)
    cuts = cut_labels(options.cluster_threshold, options.tdp_threshold)
    for field, spec in DERIVATIVES.items():
        if field == "design" or (spec.of_regions and not (options.atlas or options.roi)):
            continue
        sources = sources_of(field, analysis, entities, options, datasets, atlases)
        metadata = [
            {**describe(field), "Sources": [*source], **static} if spec.sidecar else None
            for source in sources
        ]
        connections = [(f"outputnode.{field}", "in_file")]
        if spec.per_cut:
            sink = pe.MapNode(
                WriteDerivative(),
                iterfield=["in_file", "out_file"] + ["metadata", "results"] * spec.sidecar,
                name=f"ds_{field}",
                run_without_submitting=True,
            )
            sink.inputs.out_file = [str(out_dir / path_of(field, entities, cut)) for cut in cuts]
            if spec.sidecar:
                sink.inputs.metadata = metadata
                connections.append(("outputnode.cluster_results", "results"))
        else:
            sink = pe.Node(WriteDerivative(), name=f"ds_{field}", run_without_submitting=True)
            sink.inputs.out_file = str(out_dir / path_of(field, entities))
            sink.inputs.metadata = metadata[0]
            if field in _RESULTS:
                connections.append((f"outputnode.{_RESULTS[field]}", "results"))
        workflow.connect([(ari_wf, sink, connections), (done, sink, [("out", "after")])])

    ds_design = _sink_of_design(analysis, model, entities, out_dir)
    ds_inclusion = _sink_of_inclusion(analysis, entities, out_dir)
    workflow.connect([
        (ari_wf, ds_inclusion, [("outputnode.missing", "missing")]),
        *((done, sink, [("out", "after")]) for sink in (ds_design, ds_inclusion)),
    ])  # fmt: skip
    return workflow


def _atlases(analysis: Analysis, grid: Grid, options: Options) -> list[Atlas]:
    """Find the atlases that were asked for, in the space of the maps."""
    space, voxel_size = analysis.entities.get("space", ""), float(grid.voxel_sizes.min())
    atlases = [find_atlas(one, space=space, voxel_size=voxel_size) for one in options.atlas]
    names = [one.name for one in atlases]
    if twice := {name for name in names if names.count(name) > 1}:
        images = ", ".join(str(one.image) for one in atlases if one.name in twice)
        msg = (
            f"several atlases would be called {', '.join(sorted(twice))}: {images}; rename a file"
        )
        raise InputError(msg, ExitCode.USAGE)
    return atlases


def _set_maps(inputs: Any, analysis: Analysis) -> None:
    """Hand over the files of each row, with weights and variances where there is need."""
    if all(row.weights == (1.0,) for row in analysis.rows):
        inputs.maps = [str(one.path) for one in analysis.maps]
    else:
        inputs.maps = [[str(one.path) for one in row.maps] for row in analysis.rows]
        inputs.weights = [list(row.weights) for row in analysis.rows]
    if analysis.variances:
        inputs.variances = [[str(one.path) for one in row.variances] for row in analysis.rows]


def _sink_of_design(
    analysis: Analysis, model: SecondLevel, entities: Mapping[str, str], out_dir: Path
) -> pe.Node:
    sink = pe.Node(WriteTable(), name="ds_design", run_without_submitting=True)
    sink.inputs.columns = ["participant_id", *model.regressors]
    sink.inputs.rows = [
        [f"sub-{one.subject}", *row]
        for one, row in zip(analysis.rows, model.matrix.tolist(), strict=True)
    ]
    sink.inputs.out_file = str(out_dir / path_of("design", entities))
    sink.inputs.metadata = {
        **describe("design"),
        "participant_id": {"Description": "whose map it is"},
        **{name: {"Description": "regressor"} for name in model.regressors},
        "Contrast": dict(
            zip(model.regressors, model.contrasts[0].weights[0].tolist(), strict=True)
        ),
    }
    return sink


def _sink_of_inclusion(analysis: Analysis, entities: Mapping[str, str], out_dir: Path) -> pe.Node:
    sink = pe.Node(WriteInclusion(), name="ds_inclusion", run_without_submitting=True)
    n_rows = Counter(row.subject for row in analysis.rows)
    sink.inputs.subjects = [one.subject for one in analysis.inclusion]
    sink.inputs.n_rows = [n_rows[one.subject] for one in analysis.inclusion]
    sink.inputs.included = [one.included for one in analysis.inclusion]
    sink.inputs.reasons = [one.reason for one in analysis.inclusion]
    sink.inputs.sources = [one.source for one in analysis.inclusion]
    sink.inputs.out_file = str(out_dir / "logs" / f"{stem(entities)}_inclusion.tsv")
    return sink


def _output_entities(analysis: Analysis, model: SecondLevel) -> dict[str, str]:
    """Give what names the outputs; their ``desc`` is what they are, not what the maps were."""
    shared = {name: value for name, value in analysis.entities.items() if name != "description"}
    return {**shared, "model": model.name}

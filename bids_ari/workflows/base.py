"""The BIDS-App workflow: one :func:`init_ari_wf` per analysis, inputs set, outputs sunk."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from nipype.pipeline import engine as pe

from bids_ari import __version__
from bids_ari.design import SecondLevel, one_sample
from bids_ari.errors import InputError
from bids_ari.images import Grid, common_grid
from bids_ari.inputs import Analysis
from bids_ari.interfaces.derivatives import WriteDerivative, WriteInclusion, WriteTable
from bids_ari.options import Options
from bids_ari.outputs import DERIVATIVES, describe, path_of, stem
from bids_ari.workflows.ari import init_ari_wf
from bids_ari.workflows.provenance import common_metadata, sources_of

_BLOCK_VOLUMES = 40
"""Single precision volumes in memory while a block of maps is smoothed."""
_LAST_STEP = ("outputnode.cluster_table", "after")


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
        If there are too few maps.
    """
    try:
        return one_sample(len(analysis.maps))
    except InputError as error:
        subjects = ", ".join(f"sub-{one.subject}" for one in analysis.maps)
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
    ari_wf = init_ari_wf(
        smoothing_fwhm=options.smoothing_fwhm,
        mask_coverage=options.mask_coverage,
        missing_voxels=options.missing_voxels,
        alternative=options.alternative,
        alpha=options.alpha,
        cluster_thresholds=options.cluster_threshold,
        connectivity=options.connectivity,
        mem_gb=_BLOCK_VOLUMES * 4 * float(grid.shape[0] * grid.shape[1] * grid.shape[2]) / 1e9,
    )
    inputs = ari_wf.inputs.inputnode
    inputs.maps = [str(one.path) for one in analysis.maps]
    inputs.design = model.matrix.tolist()
    inputs.contrast = model.contrasts[0].weights[0].tolist()
    if options.mask:
        inputs.mask = str(options.mask.absolute())
        inputs.mask_name = options.mask.name

    workflow = pe.Workflow(name=workflow_name(stem(entities)))
    static = common_metadata(analysis, model, grid, options)
    results = {"mask": "mask_results", "t_map": "model_results"}
    for field, spec in DERIVATIVES.items():
        if field == "design":
            continue
        sources = sources_of(field, analysis, entities, options, datasets)
        metadata = [
            {**describe(field), "Sources": [*source], **static} if spec.sidecar else None
            for source in sources
        ]
        connections = [(f"outputnode.{field}", "in_file"), _LAST_STEP]
        if spec.per_threshold:
            thresholds = options.cluster_threshold
            sink = pe.MapNode(
                WriteDerivative(),
                iterfield=["in_file", "out_file"] + ["metadata", "results"] * spec.sidecar,
                name=f"ds_{field}",
                run_without_submitting=True,
            )
            sink.inputs.out_file = [str(out_dir / path_of(field, entities, t)) for t in thresholds]
            if spec.sidecar:
                sink.inputs.metadata = metadata
                connections.append(("outputnode.cluster_results", "results"))
        else:
            sink = pe.Node(WriteDerivative(), name=f"ds_{field}", run_without_submitting=True)
            sink.inputs.out_file = str(out_dir / path_of(field, entities))
            sink.inputs.metadata = metadata[0]
            if field in results:
                connections.append((f"outputnode.{results[field]}", "results"))
        workflow.connect([(ari_wf, sink, connections)])

    _connect_tables(workflow, ari_wf, analysis, model, entities, out_dir)
    return workflow


def _connect_tables(
    workflow: pe.Workflow,
    ari_wf: pe.Workflow,
    analysis: Analysis,
    model: SecondLevel,
    entities: Mapping[str, str],
    out_dir: Path,
) -> None:
    """Sink the design, and the inclusion table with what the maps lack."""
    ds_design = pe.Node(WriteTable(), name="ds_design", run_without_submitting=True)
    ds_design.inputs.columns = ["participant_id", *model.regressors]
    ds_design.inputs.rows = [
        [f"sub-{one.subject}", *row]
        for one, row in zip(analysis.maps, model.matrix.tolist(), strict=True)
    ]
    ds_design.inputs.out_file = str(out_dir / path_of("design", entities))
    ds_design.inputs.metadata = {
        **describe("design"),
        "participant_id": {"Description": "whose map it is"},
        **{name: {"Description": "regressor"} for name in model.regressors},
        "Contrast": dict(
            zip(model.regressors, model.contrasts[0].weights[0].tolist(), strict=True)
        ),
    }
    ds_inclusion = pe.Node(WriteInclusion(), name="ds_inclusion", run_without_submitting=True)
    ds_inclusion.inputs.subjects = [one.subject for one in analysis.inclusion]
    ds_inclusion.inputs.included = [one.included for one in analysis.inclusion]
    ds_inclusion.inputs.reasons = [one.reason for one in analysis.inclusion]
    ds_inclusion.inputs.sources = [one.source for one in analysis.inclusion]
    ds_inclusion.inputs.out_file = str(out_dir / "logs" / f"{stem(entities)}_inclusion.tsv")
    workflow.connect([
        (ari_wf, ds_design, [_LAST_STEP]),
        (ari_wf, ds_inclusion, [("outputnode.missing", "missing"), _LAST_STEP]),
    ])  # fmt: skip


def _output_entities(analysis: Analysis, model: SecondLevel) -> dict[str, str]:
    """Give what names the outputs; their ``desc`` is what they are, not what the maps were."""
    shared = {name: value for name, value in analysis.entities.items() if name != "description"}
    return {**shared, "model": model.name}

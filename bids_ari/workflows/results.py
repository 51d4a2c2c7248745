"""The results of one contrast: inferred, and sunk as derivatives with their sidecars."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from bids_ari.design import Contrast
from bids_ari.images import Grid
from bids_ari.inputs import Atlas, GroupAnalysis
from bids_ari.interfaces.derivatives import WriteDerivative, WriteInclusion, WriteTable
from bids_ari.options import Options
from bids_ari.outputs import DERIVATIVES, atlas_label, cut_labels, describe, path_of, stem
from bids_ari.stats import RESAMPLED
from bids_ari.workflows.inference import REGION_INPUTS, init_inference_wf
from bids_ari.workflows.model import BLOCKS, CONTRAST_OUTPUTS, MODEL_OUTPUTS
from bids_ari.workflows.provenance import common_metadata, sources_of

OF_REGIONS = (*REGION_INPUTS, "atlas_map", "atlas_table")
"""Fields of ``inputnode`` that say which regions there are; undefined without any."""
OF_MODEL = (*MODEL_OUTPUTS, *OF_REGIONS)
"""Fields of ``inputnode`` that are the same for all contrasts."""
_LAST_STEPS = ("cluster_table", "region_table", "sensitivity_table")
"""What comes last: nothing is written before all of them are there."""
_SIDECARS = {
    "mask": "mask_results",
    "t_map": "results",
    "f_map": "results",
    "critical_table": "ari_results",
    "permutation_table": "ari_results",
    "gradient_map": "ari_results",
    "sensitivity_table": "ari_results",
    "region_table": "region_results",
}
"""Fields with what the computation adds to the sidecar of an output."""


def init_results_wf(
    group: GroupAnalysis,
    contrast: Contrast,
    *,
    grid: Grid,
    atlases: Sequence[Atlas],
    options: Options,
    datasets: Mapping[str, Path],
    name: str,
) -> pe.Workflow:
    """
    Assemble inference and sinks for one contrast of a group model.

    Parameters
    ----------
    group : GroupAnalysis
        The model, and what it is of.
    contrast : Contrast
        One of the model.
    grid : Grid
        Of the maps.
    atlases : sequence of Atlas
        Whose regions are bounded.
    options : Options
        What the user asked for.
    datasets : mapping
        Names in BIDS URIs, and the roots they stand for.
    name : str
        Name of the workflow.

    Inputs
    ------
    mask, missing, mask_results, outlier_table, tau2_map, values_files, coverage_files
        Of the model.
    regions, loaded, atlas_map, atlas_table
        From :class:`bids_ari.interfaces.LoadRegions`; undefined without regions.
    effect_map, variance_map, stat_map, z_map, p_map, sided_p_values, results
        Of the contrast.

    Returns
    -------
    workflow
        It has no outputs but the files that it writes.
    """
    workflow = pe.Workflow(name=name)
    inputnode = pe.Node(
        niu.IdentityInterface([*CONTRAST_OUTPUTS, *OF_MODEL, *BLOCKS]), name="inputnode"
    )
    is_f = contrast.test == "F"
    inference_wf = init_inference_wf(
        alternative="greater" if is_f else options.alternative,
        signed=not is_f,
        method=options.method,
        alpha=options.alpha,
        cluster_thresholds=options.cluster_threshold,
        tdp_thresholds=options.tdp_threshold,
        connectivity=options.connectivity,
        min_distance=options.min_distance,
        n_permutations=options.n_permutations,
        seed=options.random_seed,
        shift=options.shift,
        step_down=options.step_down,
    )
    inputs = inference_wf.inputs.inputnode
    inputs.design = group.model.matrix.tolist()
    inputs.contrast = contrast.weights.tolist()
    inputs.test = contrast.test
    inputs.blocks = list(group.blocks)
    done = pe.Node(niu.Merge(len(_LAST_STEPS)), name="done", run_without_submitting=True)
    workflow.connect([
        (inputnode, inference_wf, [
            (field, f"inputnode.{field}")
            for field in (
                "mask", "z_map", "p_map", "sided_p_values", *REGION_INPUTS, *BLOCKS
            )
        ]),
        (inference_wf, done, [
            (f"outputnode.{field}", f"in{number}") for number, field in enumerate(_LAST_STEPS, 1)
        ]),
    ])  # fmt: skip

    entities = group.entities(contrast)
    out_dir = options.output_dir.absolute()
    static = common_metadata(group, contrast, grid, options)
    resampled = options.method in RESAMPLED
    cuts = cut_labels(options.cluster_threshold, options.tdp_threshold)
    atlas_cuts = [atlas_label(one.name) for one in atlases]
    for field in outputs_of(contrast, options):
        spec = DERIVATIVES[field]
        sources = sources_of(field, group, contrast, entities, options, datasets, atlases)
        metadata = [
            {**describe(field, permutations=resampled), "Sources": [*source], **static}
            if spec.sidecar
            else None
            for source in sources
        ]
        connections = []
        several = atlas_cuts if spec.per_atlas else cuts if spec.per_cut else None
        if several is not None:
            sink = pe.MapNode(
                WriteDerivative(),
                iterfield=[
                    "in_file",
                    "out_file",
                    *(["metadata"] * spec.sidecar),
                    *(["results"] * (spec.sidecar and spec.per_cut)),
                ],
                name=f"ds_{field}",
                run_without_submitting=True,
            )
            sink.inputs.out_file = [
                str(out_dir / path_of(field, entities, one)) for one in several
            ]
            if spec.sidecar:
                sink.inputs.metadata = metadata
                if spec.per_cut:
                    connections.append(("cluster_results", "results"))
        else:
            sink = pe.Node(WriteDerivative(), name=f"ds_{field}", run_without_submitting=True)
            sink.inputs.out_file = str(out_dir / path_of(field, entities))
            sink.inputs.metadata = metadata[0]
            if field in _SIDECARS:
                connections.append((_SIDECARS[field], "results"))
        connections.append(("stat_map" if field in ("t_map", "f_map") else field, "in_file"))
        for source_field, target in connections:
            of_input = source_field in (*CONTRAST_OUTPUTS, *OF_MODEL)
            source_node = inputnode if of_input else inference_wf
            prefix = "" if of_input else "outputnode."
            workflow.connect([(source_node, sink, [(f"{prefix}{source_field}", target)])])
        workflow.connect([(done, sink, [("out", "after")])])

    ds_design = _sink_of_design(group, contrast, entities, out_dir)
    ds_inclusion = _sink_of_inclusion(group, entities, out_dir)
    workflow.connect([
        (inputnode, ds_inclusion, [("missing", "missing")]),
        *((done, sink, [("out", "after")]) for sink in (ds_design, ds_inclusion)),
    ])  # fmt: skip
    return workflow


def outputs_of(contrast: Contrast, options: Options) -> list[str]:
    """
    List what is written as it was computed.

    Parameters
    ----------
    contrast : Contrast
        An F test has no effect.
    options : Options
        Tells whether there are regions, permutations, and a variance between maps.

    Returns
    -------
    list of str
        Keys of :data:`bids_ari.outputs.DERIVATIVES`.
    """
    left_out = {"design"}
    left_out |= {"t_map", "effect_map", "variance_map"} if contrast.test == "F" else {"f_map"}
    if options.method not in RESAMPLED:
        left_out |= {field for field, spec in DERIVATIVES.items() if spec.of_permutations}
    if options.estimator != "mixed":
        left_out.add("tau2_map")
    if not (options.atlas or options.roi):
        left_out |= {field for field, spec in DERIVATIVES.items() if spec.of_regions}
    if not options.atlas:
        left_out |= {field for field, spec in DERIVATIVES.items() if spec.per_atlas}
    return [field for field in DERIVATIVES if field not in left_out]


def row_labels(group: GroupAnalysis) -> list[str]:
    """
    Name the rows of a design.

    Parameters
    ----------
    group : GroupAnalysis
        The model, and what it is of.

    Returns
    -------
    list of str
        The subject, and what tells the row from others of the subject.
    """
    return [
        "_".join(filter(None, [f"sub-{row.subject}", stem(row.entities)]))
        for row in group.analysis.rows
    ]


def _sink_of_design(
    group: GroupAnalysis, contrast: Contrast, entities: Mapping[str, str], out_dir: Path
) -> pe.Node:
    model = group.model
    own = list(dict.fromkeys(name for row in group.analysis.rows for name in row.entities))
    sink = pe.Node(WriteTable(), name="ds_design", run_without_submitting=True)
    sink.inputs.columns = ["participant_id", *own, *model.regressors]
    sink.inputs.rows = [
        [f"sub-{row.subject}", *(row.entities.get(name, "") for name in own), *values]
        for row, values in zip(group.analysis.rows, model.matrix.tolist(), strict=True)
    ]
    sink.inputs.out_file = str(out_dir / path_of("design", entities))
    metadata: dict[str, Any] = {
        **describe("design"),
        "participant_id": {"Description": "whose map it is"},
        **{name: {"Description": f"{name} of the map"} for name in own},
        **{name: {"Description": "regressor"} for name in model.regressors},
        "Contrast": [
            dict(zip(model.regressors, row, strict=True)) for row in contrast.weights.tolist()
        ],
        "Test": contrast.test,
    }
    for variable, mean in model.centred.items():
        if variable in model.regressors:
            metadata[variable] = {"Description": f"regressor, less its mean of {mean:.6g}"}
    sink.inputs.metadata = metadata
    return sink


def _sink_of_inclusion(
    group: GroupAnalysis, entities: Mapping[str, str], out_dir: Path
) -> pe.Node:
    sink = pe.Node(WriteInclusion(), name="ds_inclusion", run_without_submitting=True)
    n_rows = Counter(row.subject for row in group.analysis.rows)
    lines = group.analysis.inclusion
    sink.inputs.subjects = [one.subject for one in lines]
    sink.inputs.n_rows = [n_rows[one.subject] for one in lines]
    sink.inputs.included = [one.included for one in lines]
    sink.inputs.reasons = [one.reason for one in lines]
    sink.inputs.sources = [one.source for one in lines]
    sink.inputs.out_file = str(out_dir / "logs" / f"{stem(entities)}_inclusion.tsv")
    return sink

"""What a run would do, and with which software, before it is done."""

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from bids_ari.errors import ExitCode, InputError
from bids_ari.options import Options
from bids_ari.tables import format_tsv

if TYPE_CHECKING:
    from bids_ari.boilerplate import GroupModel
    from bids_ari.inputs import Design, GroupAnalysis

_VERSIONED = ("bids_ari", "nibabel", "nilearn", "nipype", "numpy", "pybids", "scipy")


def design_of(options: Options, roots: Sequence[Path]) -> "Design":
    """
    Read what the group model is made of.

    Parameters
    ----------
    options : Options
        What the user asked for.
    roots : sequence of path
        Datasets in which a table of participants may be, raw first.

    Returns
    -------
    Design

    Raises
    ------
    InputError
        If the table of participants or the model file cannot be used.
    """
    from bids_ari.cli.calibration import permutations_of
    from bids_ari.design import formula_of
    from bids_ari.inputs import Design, find_participants, read_stats_model

    participants = find_participants(roots, options.participants)
    if participants is None and (
        asked := (*options.covariates, *filter(None, [options.group_by]))
    ):
        msg = (
            f"there is no participants.tsv in {' or '.join(map(str, roots))}, expected one with "
            f"{', '.join(asked)}, or another table with --participants"
        )
        raise InputError(msg, ExitCode.NO_INPUT)
    return Design(
        formula=options.formula or formula_of(options.covariates, options.group_by),
        contrasts=options.group_contrast,
        group_by=options.group_by,
        center=not options.no_centering,
        missing=options.missing,
        participants=participants,
        stats_model=read_stats_model(options.model) if options.model else None,
        estimator=options.estimator,
        permutations=permutations_of(options),
    )


def describe(groups: Sequence["GroupAnalysis"], options: Options) -> str:
    """
    Write who would be in which analysis, and the design.

    Parameters
    ----------
    groups : sequence of GroupAnalysis
        From :func:`bids_ari.inputs.group_analyses`.
    options : Options
        What the user asked for.

    Returns
    -------
    str
        Tables.

    Raises
    ------
    InputError
        If the maps of an analysis are on several grids, or an atlas is not there.
    """
    from bids_ari.images import common_grid
    from bids_ari.workflows.base import atlases_of, names_of
    from bids_ari.workflows.results import row_labels

    parts = []
    for group in groups:
        analysis, model = group.analysis, group.model
        grid = common_grid([one.path for one in (*analysis.maps, *analysis.variances)])
        rows = [
            (f"sub-{one.subject}", "yes" if one.included else "no", one.reason, one.source)
            for one in analysis.inclusion
        ]
        design = zip(row_labels(group), *model.matrix.T.tolist(), strict=True)
        n_rows, n_columns = model.matrix.shape
        atlases = "".join(
            f"# atlas {one.name}: {one.image}\n" for one in atlases_of(analysis, grid, options)
        )
        centred = ", ".join(f"{name} less {mean:.6g}" for name, mean in model.centred.items())
        parts.append(
            f"# {', '.join(names_of(group))}\n# {grid}\n{atlases}"
            f"{format_tsv(['participant_id', 'included', 'reason', 'source'], rows)}\n"
            f"# design: {model.name}, {n_rows} rows, {n_columns} columns, rank {n_columns}, "
            f"{model.dof} degrees of freedom{f'; centred: {centred}' if centred else ''}\n"
            f"{format_tsv(['row', *model.regressors], design)}\n"
            "# contrasts, each a family of its own\n"
            + format_tsv(
                ["name", "test", "expression", *model.regressors],
                [
                    (one.name, one.test, one.expression, *weights)
                    for one in model.contrasts
                    for weights in one.weights.tolist()
                ],
            )
            + _planned(group, options)
            + "\n"
        )
    return "".join(parts)


def _planned(group: "GroupAnalysis", options: Options) -> str:
    """Tell how the maps would be permuted for each contrast."""
    from bids_ari.cli.calibration import permutations_of
    from bids_ari.inputs import permutation_plans

    asked = permutations_of(options)
    if asked is None:
        return ""
    plans = permutation_plans(group.model, group.blocks, asked)
    rows = [
        (
            contrast.name,
            plan.transformations.kind,
            plan.n_calibrating,
            "all distinct" if plan.transformations.exhaustive else f"seed {asked.seed}",
            plan.n_learning,
            len(set(group.blocks)) or None,
        )
        for contrast, plan in zip(group.model.contrasts, plans, strict=True)
    ]
    columns = ["name", "permutations", "number", "which", "learnt_from", "blocks"]
    return f"\n# permutations\n{format_tsv(columns, rows)}"


def methods(options: Options, groups: Sequence["GroupAnalysis"]) -> str:
    """
    Write the methods text before anything is computed.

    Parameters
    ----------
    options : Options
        What the user asked for.
    groups : sequence of GroupAnalysis
        From :func:`bids_ari.inputs.group_analyses`.

    Returns
    -------
    str
        See :func:`bids_ari.boilerplate.methods`.
    """
    from bids_ari import boilerplate
    from bids_ari.cli.calibration import calibration_of
    from bids_ari.inputs import parse_atlas

    contrasts: dict[tuple[boilerplate.GroupModel, boilerplate.Calibration | None], list[str]] = {}
    for group in groups:
        names = contrasts.setdefault(
            (_in_words(group, options), calibration_of(group, options)), []
        )
        names += [one.entities["contrast"] for one in group.analysis.maps]
    texts = [
        boilerplate.methods(
            contrast=list(dict.fromkeys(names)),
            group=model,
            input_stat=options.input_stat,
            smoothing_fwhm=options.smoothing_fwhm,
            mask_rule=f"in {options.mask.name}" if options.mask else None,
            alternative=options.alternative,
            alpha=options.alpha,
            method=options.method,
            calibration=calibration,
            cluster_thresholds=options.cluster_threshold,
            tdp_thresholds=options.tdp_threshold,
            connectivity=options.connectivity,
            regions={parse_atlas(one).called: None for one in options.atlas},
            rois=len(options.roi),
            versions=versions(),
        )
        for (model, calibration), names in contrasts.items()
    ]
    if len(texts) == 1:
        return texts[0]
    return "\n".join(
        f"# Model {model.name} of {', '.join(dict.fromkeys(names))}\n\n{text}"
        for ((model, _), names), text in zip(contrasts.items(), texts, strict=True)
    )


def _in_words(group: "GroupAnalysis", options: Options) -> "GroupModel":
    """Gather what the methods text says of a group model."""
    from bids_ari.boilerplate import GroupModel

    model, rows = group.model, group.analysis.rows
    of_f = [one for one in model.contrasts if one.test == "F"]
    return GroupModel(
        name=model.name,
        regressors=model.regressors,
        formula=model.formula,
        estimator=options.estimator,
        contrasts=tuple((one.expression, one.test) for one in model.contrasts),
        f_dof=len(of_f[0].weights) if len(of_f) == 1 else None,
        dof=model.dof,
        n_maps=len(rows),
        n_participants=len({row.subject for row in rows}),
        means_taken=model.centred,
        levels=model.levels,
        rules=tuple(dict.fromkeys(row.rule for row in rows if row.rule)),
    )


def versions() -> dict[str, str]:
    """
    Tell which software this is.

    Returns
    -------
    dict
        Versions by name.
    """
    found = {"python": platform.python_version()}
    for package in _VERSIONED:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found

"""What a run would do, and with which software, before it is done."""

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from bids_ari.errors import InputError
from bids_ari.options import Options
from bids_ari.tables import format_tsv

if TYPE_CHECKING:
    from bids_ari.inputs import Analysis

_METHODS = {"simes": "ari", "hommel": "hommel"}
_VERSIONED = ("bids_ari", "nibabel", "nilearn", "nipype", "numpy", "pybids", "scipy")


def describe(analyses: Sequence["Analysis"]) -> tuple[str, list[str]]:
    """
    Write who would be in which analysis, and the design.

    Parameters
    ----------
    analyses : sequence of Analysis
        From :func:`bids_ari.inputs.collect`.

    Returns
    -------
    text : str
        Tables.
    errors : list of str
        About analyses that could not be done.

    Raises
    ------
    InputError
        If the maps of an analysis are on several grids, or none can be done.
    """
    from bids_ari.images import common_grid
    from bids_ari.workflows.base import name_of, second_level_of

    possible, errors = with_enough_maps(analyses)
    parts = []
    for analysis in possible:
        model = second_level_of(analysis)
        grid = common_grid([one.path for one in (*analysis.maps, *analysis.variances)])
        rows = [
            (f"sub-{one.subject}", "yes" if one.included else "no", one.reason, one.source)
            for one in analysis.inclusion
        ]
        design = [
            (f"sub-{one.subject}", *row)
            for one, row in zip(analysis.rows, model.matrix.tolist(), strict=True)
        ]
        contrast = dict(zip(model.regressors, model.contrasts[0].weights[0].tolist(), strict=True))
        parts.append(
            f"# {name_of(analysis, model)}\n# {grid}\n"
            f"{format_tsv(['participant_id', 'included', 'reason', 'source'], rows)}\n"
            f"# design: {model.name}, contrast {contrast}, {model.dof} degrees of freedom\n"
            f"{format_tsv(['participant_id', *model.regressors], design)}\n"
        )
    return "".join(parts), errors


def with_enough_maps(
    analyses: Sequence["Analysis"],
) -> tuple[list["Analysis"], list[str]]:
    """
    Set analyses apart that no model can be fitted to; the others need not wait for these.

    Parameters
    ----------
    analyses : sequence of Analysis
        From :func:`bids_ari.inputs.collect`.

    Returns
    -------
    possible : list of Analysis
    errors : list of str
        About the others.

    Raises
    ------
    InputError
        If none is possible.
    """
    from bids_ari.workflows.base import second_level_of

    possible, errors = [], []
    for analysis in analyses:
        try:
            second_level_of(analysis)
        except InputError as error:
            errors.append(error)
        else:
            possible.append(analysis)
    if not possible:
        raise errors[0]
    return possible, [str(error) for error in errors]


def methods(options: Options, analyses: Sequence["Analysis"]) -> str:
    """
    Write the methods text before anything is computed.

    Parameters
    ----------
    options : Options
        What the user asked for.
    analyses : sequence of Analysis
        From :func:`bids_ari.inputs.collect`.

    Returns
    -------
    str
        See :func:`bids_ari.boilerplate.methods`.
    """
    from bids_ari import boilerplate

    n_maps = {len(analysis.rows) for analysis in analyses}
    return boilerplate.methods(
        contrast=list(dict.fromkeys(one.entities.get("contrast", "") for one in analyses)),
        n_maps=n_maps.pop() if len(n_maps) == 1 else None,
        input_stat=options.input_stat,
        smoothing_fwhm=options.smoothing_fwhm,
        mask_rule=f"in {options.mask.name}" if options.mask else None,
        alternative=options.alternative,
        alpha=options.alpha,
        method=_METHODS[options.local_test],
        cluster_thresholds=options.cluster_threshold,
        tdp_thresholds=options.tdp_threshold,
        connectivity=options.connectivity,
        regions={_atlas_name(one): None for one in options.atlas},
        rois=len(options.roi),
        versions=versions(),
    )


def _atlas_name(asked: str) -> str:
    """Name an atlas by how it was asked for: a file, or a name and what is asked of it."""
    image = asked.rpartition(":names=")[0] or asked
    if image.endswith((".nii", ".nii.gz")):
        return Path(image).name.removesuffix(".gz").removesuffix(".nii")
    return image.partition(":")[0]


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

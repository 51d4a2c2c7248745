"""What sidecars say before anything is computed: settings and sources."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bids_ari.design import Contrast
from bids_ari.images import Grid
from bids_ari.inputs import Atlas, GroupAnalysis
from bids_ari.options import Options
from bids_ari.outputs import cut_labels, path_of

_STANDARD_SPACES = ("MNI", "ICBM", "IXI", "NKI", "OASIS", "PNC", "fsLR", "fsaverage", "UNCInfant")
"""What the names of standard templates in BIDS begin with."""


def common_metadata(
    group: GroupAnalysis, contrast: Contrast, grid: Grid, options: Options
) -> dict[str, Any]:
    """
    Tell what holds for every output of an analysis.

    Parameters
    ----------
    group : GroupAnalysis
        The model, and what it is of.
    contrast : Contrast
        One of the model.
    grid : Grid
        Of the maps.
    options : Options
        What the user asked for.

    Returns
    -------
    dict
        For sidecars.
    """
    analysis, model = group.analysis, group.model
    space = analysis.entities.get("space", "")
    weights = contrast.weights.tolist()
    metadata: dict[str, Any] = {
        "InputStat": options.input_stat,
        "SmoothingFWHM": options.smoothing_fwhm,
        "Model": {
            "Name": group.label,
            "NumberOfMaps": len(analysis.rows),
            "Estimator": options.estimator,
            "Regressors": list(model.regressors),
            "Contrast": group.entities(contrast)["contrast"],
            "Expression": contrast.expression,
            "Test": contrast.test,
            "Weights": weights if contrast.test == "F" else weights[0],
        },
        "Alternative": "greater" if contrast.test == "F" else options.alternative,
    }
    if options.estimator != "fixed":  # variances that are known leave nothing to estimate
        metadata["Model"]["DegreesOfFreedom"] = model.dof
    if model.formula:
        metadata["Model"]["Formula"] = model.formula
    if model.centred:
        metadata["Model"]["MeansTaken"] = dict(model.centred)
    if model.levels:
        metadata["Model"]["Levels"] = {name: list(one) for name, one in model.levels.items()}
    if rules := list(dict.fromkeys(row.rule for row in analysis.rows if row.rule)):
        metadata["Model"]["MapsOfParticipants"] = rules
    if analysis.entities.get("resolution"):
        sizes = " x ".join(f"{edge:.4g}" for edge in grid.voxel_sizes)
        metadata["Resolution"] = f"that of the first-level maps: voxels of {sizes} mm"
    if space and not space.startswith(_STANDARD_SPACES):
        # BIDS asks for an image that shows what a space of one's own is
        metadata["SpatialReference"] = analysis.maps[0].uri
    return metadata


def sources_of(
    field: str,
    group: GroupAnalysis,
    contrast: Contrast,
    entities: Mapping[str, str],
    options: Options,
    datasets: Mapping[str, Path],
    atlases: Sequence[Atlas] = (),
) -> list[list[str]]:
    """
    Name what an output was computed from.

    Parameters
    ----------
    field : str
        Key of :data:`bids_ari.outputs.DERIVATIVES`.
    group : GroupAnalysis
        The model, and what it is of.
    contrast : Contrast
        One of the model.
    entities : mapping
        That name the outputs of the contrast.
    options : Options
        What the user asked for.
    datasets : mapping
        Names in BIDS URIs, and the roots they stand for.
    atlases : sequence of Atlas
        That regions come from.

    Returns
    -------
    list of list of str
        BIDS URIs; a list of them for each threshold, or one for an output that there is one of.
    """

    def own(name: str, cut: str = "") -> str:
        return f"bids::{path_of(name, entities, cut).as_posix()}"

    analysis = group.analysis
    maps = [one.uri for one in (*analysis.maps, *analysis.variances)]
    if field == "mask":
        return [[_uri(options.mask.absolute(), datasets)] if options.mask else maps]
    if field in ("effect_map", "variance_map", "tau2_map", "outlier_table", "f_map"):
        return [[*maps, own("mask")]]
    if field == "t_map":
        return [[own("effect_map"), own("variance_map")]]
    if field in ("z_map", "p_map", "sensitivity_table"):
        return [[own("f_map" if contrast.test == "F" else "t_map")]]
    if field == "critical_table":
        return [[own("p_map"), own("permutation_table")]]
    if field == "permutation_table":
        return [[*maps, own("mask")]]
    if field == "gradient_map":
        return [[own("z_map"), own("p_map")]]
    images = [*(one.image for one in atlases), *options.roi]
    regions = [_uri(image.absolute(), datasets) for image in images]
    if field == "region_table":
        return [[own("z_map"), own("p_map"), own("mask"), *regions]]
    if field in ("atlas_map", "atlas_table"):
        return [[_uri(one.image.absolute(), datasets), own("mask")] for one in atlases]
    cuts = cut_labels(options.cluster_threshold, options.tdp_threshold)
    if field == "label_map":
        # those that reach a TDP depend on p, and so do those above a threshold from the data
        by_p = [cut.startswith("tdp") or cut == "zauto" for cut in cuts]
        return [[own("z_map"), *([own("p_map")] if p else [])] for p in by_p]
    more = regions if field == "overlap_table" else []
    return [[own("p_map"), own("label_map", cut), *more] for cut in cuts]


def _uri(path: Path, datasets: Mapping[str, Path]) -> str:
    for name, root in datasets.items():
        if path.is_relative_to(root.absolute()):
            return f"bids:{name}:{path.relative_to(root.absolute()).as_posix()}"
    return path.as_uri()

"""The files of a result, with words for what they hold."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from bids_ari.report.findings import condition
from bids_ari.report.results import Result

_MAPS = (
    ("stat-effect_statmap.nii.gz", "effect: contrast of the group model"),
    ("stat-variance_statmap.nii.gz", "variance of the effect"),
    ("stat-t_statmap.nii.gz", "t values"),
    ("stat-F_statmap.nii.gz", "F values"),
    ("stat-z_statmap.nii.gz", "z values"),
    ("stat-p_statmap.nii.gz", "p-values, uncorrected"),
    ("stat-tau2_statmap.nii.gz", "variance between maps (tau squared)"),
    ("desc-analysis_mask.nii.gz", "mask: voxels analysed"),
    ("stat-tdp_desc-gradient_statmap.nii.gz", "largest TDP of any cluster that holds the voxel"),
)
_OF_CUT = (
    ("stat-tdp_desc-{}_statmap.nii.gz", "TDP of each cluster"),
    ("desc-{}_dseg.nii.gz", "cluster labels"),
    ("desc-{}_dseg.tsv", "names of the cluster labels"),
    ("desc-{}_clusters.tsv", "table of clusters"),
    ("desc-{}_peaks.tsv", "table of peaks"),
    ("desc-{}_overlaps.tsv", "table of clusters and regions"),
)
_RECORDS = (
    ("regions.tsv", "bounds of regions"),
    ("sensitivity.tsv", "the whole mask under other assumptions"),
    ("thresholds.tsv", "thresholds that bounds derive from"),
    ("permutations.tsv", "p-values in order, as observed and under permutations"),
    ("design.tsv", "design matrix"),
    ("outliers.tsv", "how each map compares with the others"),
    ("inclusion.tsv", "who takes part, and why not"),
    ("run.json", "record of the run"),
)


def links(result: Result) -> list[tuple[str, str, str]]:
    """List what was written: description, name without the stem, link; sidecars left out."""
    described = [*_MAPS]
    for cut in result.cuts:
        which = f"{'with' if cut.kind == 'tdp' else 'at'} {condition(cut, result.alternative)}"
        if cut.by_data:
            which = f"{which}, chosen by the data" if cut.clusters else "at no threshold"
        described += [
            (ending.format(cut.label), f"{description} {which}") for ending, description in _OF_CUT
        ]
    described += _RECORDS
    files = {path.name.removeprefix(f"{result.stem}_"): path for path in result.files}
    # what an earlier run has left is not passed off as a part of this one
    left = ("regions.tsv", "_overlaps.tsv") if result.regions_left else ()
    if result.permutations is None:
        left = (*left, "thresholds.tsv", "permutations.tsv")
    found = [
        (description, ending, quote(files[ending].relative_to(result.root).as_posix()))
        for ending, description in described
        if ending in files and not ending.endswith(left)
    ]
    if result.stats_model is not None:
        path = result.stats_model
        link = quote(path.relative_to(result.root).as_posix())
        found.append(("the model as a BIDS Stats Model", path.name, link))
    for name, description in (("CITATION.md", "methods text"), ("CITATION.bib", "references")):
        if (result.root / "logs" / name).exists():
            found.append((description, name, f"logs/{name}"))
    return found


def figure_links(result: Result, figures: Sequence[Path]) -> list[tuple[str, str, str]]:
    """List the pictures for papers: description, name without the stem, link."""
    return [
        (
            f"figure ({path.suffix[1:].upper()})",
            path.name.removeprefix(f"{result.stem}_"),
            quote(path.relative_to(result.root).as_posix()),
        )
        for path in figures
    ]

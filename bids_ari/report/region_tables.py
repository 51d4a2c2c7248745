"""The bounds of regions, atlas by atlas."""

from typing import Any

from bids_ari.report import words
from bids_ari.report.cluster_tables import beside, bound
from bids_ari.report.records import Part, Region
from bids_ari.report.results import Result

_MOST_ROWS = 500  # without a discovery; the table on disk has them all


def atlases(result: Result) -> list[dict[str, Any]]:
    """Gather what stands on the page of the regions of each atlas, in the order of the table."""
    groups: dict[str, list[Region]] = {}
    for region in result.regions:
        group = "" if region.atlas in result.rois else region.atlas
        groups.setdefault(group, []).append(region)
    return [_atlas(name, regions, result) for name, regions in groups.items()]


def _atlas(name: str, regions: list[Region], result: Result) -> dict[str, Any]:
    resampled = {one.atlas for one in regions} & set(result.resampled)
    found = [region for region in regions if region.whole.discoveries]
    rest = [region for region in regions if not region.whole.discoveries]
    signs = {
        "two-sided": ("positive", "negative"),
        "greater": ("positive",),
        "less": ("negative",),
    }
    return {
        "name": name or "Regions of interest",
        "resampled": [one for one in result.resampled if one in resampled],
        "n_regions": len(regions),
        "found": [_region(region) for region in found],
        "rest": [_region(region) for region in rest[:_MOST_ROWS]],
        "n_rest": len(rest),
        "columns": {
            "coverage": any(one.coverage is None or one.coverage < 1 for one in regions),
            "beside": result.permutations is not None,
            "claims": any(one.p_any is not None for one in regions),
            "signs": signs[result.alternative] if result.test == "t" else (),
        },
    }


def _region(region: Region) -> dict[str, Any]:
    coverage = "n/a" if region.coverage is None else words.share(region.coverage)
    return {
        **bound(region.whole.discoveries, region.whole.voxels),
        "beside": beside(region.beside),
        "name": region.name,
        "outside": region.whole.voxels == 0,
        "coverage": words.typeset(coverage),
        "p_any": words.typeset(words.p_value(region.p_any)),
        "p_half": words.typeset(words.p_value(region.p_half)),
        "positive": _part(region.positive),
        "negative": _part(region.negative),
    }


def _part(part: Part | None) -> dict[str, str]:
    """Write the bound of the voxels of one sign; of none there is none."""
    if part is None:
        return {"tdp": "n/a", "count": "n/a"}
    return {
        "tdp": words.proportion(part.discoveries, part.voxels) if part.voxels else "n/a",
        "count": f"{words.count(part.discoveries)} of {words.count(part.voxels)}",
    }

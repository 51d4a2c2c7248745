"""The sets of clusters of a result, as their tables show them."""

from typing import TYPE_CHECKING, Any

from bids_ari.report import words
from bids_ari.report.findings import condition, nothing_found
from bids_ari.report.parts import Part, Parts, parts_of
from bids_ari.report.records import Beside, Cluster, Cut, Peak
from bids_ari.report.results import Result

if TYPE_CHECKING:
    from bids_ari.report.explorer.gathering import Explored

_MOST_ROWS = 100  # without a discovery; the table on disk has them all
_MOST_OVERLAPS = 200


def sets_of_clusters(result: Result, explored: "Explored | None") -> list[dict[str, Any]]:
    """Gather what stands on the page of each set of clusters; without the forest no parts."""
    return [_set(cut, result, parts_of(cut, explored) if explored else {}) for cut in result.cuts]


def bound(discoveries: int, voxels: int) -> dict[str, str]:
    """Write the bound of some voxels, with a bar as long and of the colour that it says."""
    import matplotlib as mpl  # slow to import
    from matplotlib.colors import to_hex

    proportion = discoveries / voxels if voxels else 0.0
    return {
        "tdp": words.proportion(discoveries, voxels),
        "bar": f"{100 * proportion:.1f}%",
        "color": to_hex(mpl.colormaps["viridis"](proportion)),
        "discoveries": words.count(discoveries),
        "voxels": words.count(voxels),
    }


def _set(cut: Cut, result: Result, parts: dict[int, Parts]) -> dict[str, Any]:
    empty = [cluster for cluster in cut.clusters if not cluster.discoveries]
    by_tdp = cut.kind == "tdp"
    return {
        "by_tdp": by_tdp,
        "by_data": cut.by_data,
        "no_choice": cut.by_data and nothing_found(result),
        "condition": condition(cut, result.alternative),
        "anchor": f"clusters-{cut.label}",
        "found": [_cluster(one, parts.get(one.number)) for one in cut.found],
        "empty": [_cluster(cluster) for cluster in empty[:_MOST_ROWS]],
        "n_empty": len(empty),
        "n_clusters": len(cut.clusters),
        "columns": {
            "sign": result.alternative == "two-sided",
            "claims": any(one.p_any is not None for one in cut.clusters),
            "born": by_tdp,
            "regions": any(one.peak.regions for one in cut.clusters),
            "beside": result.permutations is not None,
        },
        "too_small": _too_small(cut, result),
        **_overlaps(cut, result),
    }


def _too_small(cut: Cut, result: Result) -> str:
    """Say which clusters are too small for the thresholds; empty if none are."""
    shift = result.permutations.shift if result.permutations else 0
    n_small = sum(cluster.voxels <= shift for cluster in cut.clusters)
    if not n_small:
        return ""
    return (
        f"; those of up to {words.number_of(shift, 'voxel')}, {words.count(n_small)} of them, can "
        "have none, as thresholds begin after these"
    )


def beside(one: Beside | None) -> dict[str, str] | None:
    """Write the bound without permutations."""
    if one is None:
        return None
    return {
        "discoveries": words.count(one.discoveries),
        "tdp": words.proportion(one.discoveries, one.voxels),
    }


def _cluster(cluster: Cluster, parts: Parts | None = None) -> dict[str, Any]:
    return {
        **bound(cluster.discoveries, cluster.voxels),
        "beside": beside(cluster.beside),
        "number": cluster.number,
        "sign": {"positive": "+", "negative": words.MINUS}.get(cluster.sign, cluster.sign),
        "sign_name": cluster.sign,
        "volume": f"{cluster.volume:,.0f}",
        "p_any": words.typeset(words.p_value(cluster.p_any)),
        "p_half": words.typeset(words.p_value(cluster.p_half)),
        "born": "n/a" if cluster.born is None else f"{words.chosen(cluster.born):.3f}",
        "peak": _peak(cluster.peak),
        "more": [_peak(peak) for peak in cluster.more_peaks],
        "parts": [_part(cluster, part) for part in parts.shown] if parts else [],
        "all_parts": parts is None or parts.complete,
        "inside": _inside(cluster, parts),
    }


def _part(cluster: Cluster, part: Part) -> dict[str, Any]:
    return {
        **bound(part.discoveries, part.voxels),
        "number": ".".join(map(str, (cluster.number, *part.path))),
        "depth": len(part.path),
        "born": f"{words.chosen(part.born):.3f}",
        "z": words.signed(part.peak),
        "position": words.position(part.position),
    }


def _inside(cluster: Cluster, parts: Parts | None) -> str:
    """Say what there is to unfold below a cluster; empty if nothing."""
    found = []
    if cluster.more_peaks:
        found.append(words.number_of(len(cluster.more_peaks), "more peak"))
    if parts:
        number = sum(len(part.path) == 1 for part in parts.shown)
        found.append(f"falls apart into {words.number_of(number, 'part')} with discoveries")
    return ", ".join(found)


def _peak(peak: Peak) -> dict[str, str]:
    return {
        "z": words.signed(peak.stat),
        "position": words.position(peak.position),
        "regions": words.typeset(peak.regions),
    }


def _overlaps(cut: Cut, result: Result) -> dict[str, Any]:
    """List what clusters with a discovery share with regions, the largest part first."""
    size = {cluster.number: cluster.voxels for cluster in cut.found}
    rows = sorted(
        (one for one in cut.overlaps if one.cluster in size),
        key=lambda one: (one.cluster, -one.voxels),
    )
    return {
        "n_overlaps": len(rows),
        "several_atlases": len({region.atlas for region in result.regions}) > 1,
        "overlaps": [
            {
                **bound(one.discoveries, one.voxels),
                "beside": beside(one.beside),
                "cluster": one.cluster,
                "atlas": "region of interest" if one.atlas in result.rois else one.atlas,
                "region": one.region,
                "of_cluster": words.typeset(words.share(one.share_of_cluster)),
                "of_region": words.typeset(words.share(one.share_of_region)),
            }
            for one in rows[:_MOST_OVERLAPS]
        ],
    }

"""The sets of clusters of a result, as their tables show them."""

from typing import Any

from bids_ari.report import words
from bids_ari.report.findings import condition, nothing_found
from bids_ari.report.records import Cluster, Cut, Peak
from bids_ari.report.results import Result

_MOST_ROWS = 100  # without a discovery; the table on disk has them all
_MOST_OVERLAPS = 200


def sets_of_clusters(result: Result) -> list[dict[str, Any]]:
    """Gather what stands on the page of each set of clusters."""
    return [_set(cut, result) for cut in result.cuts]


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


def _set(cut: Cut, result: Result) -> dict[str, Any]:
    empty = [cluster for cluster in cut.clusters if not cluster.discoveries]
    by_tdp = cut.kind == "tdp"
    return {
        "by_tdp": by_tdp,
        "by_data": cut.by_data,
        "no_choice": cut.by_data and nothing_found(result),
        "condition": condition(cut, result.alternative),
        "anchor": f"clusters-{cut.label}",
        "found": [_cluster(cluster) for cluster in cut.found],
        "empty": [_cluster(cluster) for cluster in empty[:_MOST_ROWS]],
        "n_empty": len(empty),
        "n_clusters": len(cut.clusters),
        "columns": {
            "sign": result.alternative == "two-sided",
            "claims": any(one.p_any is not None for one in cut.clusters),
            "born": by_tdp,
            "regions": any(one.peak.regions for one in cut.clusters),
        },
        **_overlaps(cut, result),
    }


def _cluster(cluster: Cluster) -> dict[str, Any]:
    return {
        **bound(cluster.discoveries, cluster.voxels),
        "number": cluster.number,
        "sign": {"positive": "+", "negative": words.MINUS}.get(cluster.sign, cluster.sign),
        "sign_name": cluster.sign,
        "volume": f"{cluster.volume:,.0f}",
        "p_any": words.typeset(words.p_value(cluster.p_any)),
        "p_half": words.typeset(words.p_value(cluster.p_half)),
        "born": "n/a" if cluster.born is None else f"{words.chosen(cluster.born):.3f}",
        "peak": _peak(cluster.peak),
        "more": [_peak(peak) for peak in cluster.more_peaks],
    }


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
                "cluster": one.cluster,
                "atlas": one.atlas,
                "region": one.region,
                "of_cluster": words.typeset(words.share(one.share_of_cluster)),
                "of_region": words.typeset(words.share(one.share_of_region)),
            }
            for one in rows[:_MOST_OVERLAPS]
        ],
    }

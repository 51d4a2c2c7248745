"""What stands on the page of one result."""

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bids_ari import boilerplate
from bids_ari.report import words
from bids_ari.report.findings import nothing_found, summary, warnings
from bids_ari.report.results import Cluster, Result, Threshold

if TYPE_CHECKING:
    from bids_ari.report.pictures import Pictures

_NO_BREAK = "\N{NO-BREAK SPACE}"
_MOST_ROWS = 100  # without a discovery; the table on disk has them all
_MAPS = (
    ("stat-effect_statmap.nii.gz", "effect: contrast of the group model"),
    ("stat-variance_statmap.nii.gz", "variance of the effect"),
    ("stat-t_statmap.nii.gz", "t values"),
    ("stat-z_statmap.nii.gz", "z values"),
    ("stat-p_statmap.nii.gz", "p-values, uncorrected"),
    ("desc-analysis_mask.nii.gz", "mask: voxels analysed"),
)
_PER_THRESHOLD = (
    ("stat-tdp_desc-{}_statmap.nii.gz", "TDP of each cluster"),
    ("desc-{}_dseg.nii.gz", "cluster labels"),
    ("desc-{}_dseg.tsv", "names of the cluster labels"),
    ("desc-{}_clusters.tsv", "table of clusters"),
    ("desc-{}_peaks.tsv", "table of peaks"),
)
_RECORDS = (
    ("design.tsv", "design matrix"),
    ("inclusion.tsv", "who takes part, and why not"),
    ("run.json", "record of the run"),
)


def context_of(result: Result, pictures: "Pictures") -> dict[str, Any]:
    """Gather what the template shows of a result."""
    text = methods(result)
    found_warnings = warnings(result)
    labels = ("task", "ses", "acq", "dir", "rec", "run", "space", "res", "den", "feature", "model")
    return {
        "result": result,
        "model": result.model["Model"],
        "weights": ", ".join(
            f"{float(weight):g}" for weight in result.model["Model"].get("Weights", [])
        ),
        "pictures": pictures,
        "title": result.contrast,
        "facts": [f"{key} {result.entities[key]}" for key in labels if key in result.entities],
        "sides": (
            "two-sided"
            if result.alternative == "two-sided"
            else f"one-sided ({result.alternative})"
        ),
        "summary": typeset(summary(result)),
        "nothing": nothing_found(result),
        "warnings": found_warnings,
        "cards": _cards(result),
        "thresholds": [_cluster_tables(threshold, result) for threshold in result.thresholds],
        "additivity": _additivity(result),
        "included": [one for one in result.participants if one.included],
        "excluded": [one for one in result.participants if not one.included],
        "methods": boilerplate.readable(text).strip(),
        "methods_markdown": text.strip(),
        "references": boilerplate.reference_list(text),
        "bibtex": boilerplate.bibtex(text).strip(),
        "files": _links(result),
        "options": json.dumps(result.run.get("Options", {}), indent=2, ensure_ascii=False),
        "fwhm": float(result.model.get("SmoothingFWHM") or 0),
    }


def _cards(result: Result) -> list[dict[str, str]]:
    lowest = result.thresholds[0]
    best = max(
        (
            (cluster.discoveries / cluster.voxels, cluster.voxels, -i, cluster, threshold)
            for i, threshold in enumerate(result.thresholds)
            for cluster in threshold.found
        ),
        key=lambda item: item[:3],
        default=None,
    )
    volume = result.mask_sidecar.get("VolumeMm3")
    return [
        {
            "value": typeset(f">= {words.count(result.discoveries)}"),
            "label": f"active voxels of {words.count(result.n_features)} in the mask",
        },
        {
            "value": typeset(f">= {words.proportion(result.discoveries, result.n_features)}"),
            "label": "true discovery proportion (TDP) of the whole mask",
        },
        {
            "value": f"{len(lowest.found)} of {len(lowest.clusters)}",
            "label": f"clusters at {words.beyond(lowest.value, result.alternative)} with a discovery",
        },
        {
            "value": (
                typeset(f">= {words.proportion(best[3].discoveries, best[3].voxels)}")
                if best
                else "none"
            ),
            "label": (
                f"highest cluster TDP: {words.number_of(best[3].voxels, 'voxel')} at "
                f"{words.beyond(best[4].value, result.alternative)}"
                if best
                else "clusters with a TDP above 0"
            ),
        },
        {
            "value": words.count(result.n_features),
            "label": "voxels analysed"
            + (f", {words.volume(float(volume))}" if volume is not None else ""),
        },
        {
            "value": typeset(words.percent(result.confidence)),
            "label": "confidence, of all bounds on this page together",
        },
    ]


def _cluster_tables(threshold: Threshold, result: Result) -> dict[str, Any]:
    empty = [cluster for cluster in threshold.clusters if not cluster.discoveries]
    return {
        "condition": words.beyond(threshold.value, result.alternative),
        "anchor": f"clusters-{threshold.desc}",
        "found": [_cluster(cluster) for cluster in threshold.found],
        "empty": [_cluster(cluster) for cluster in empty[:_MOST_ROWS]],
        "n_empty": len(empty),
        "n_clusters": len(threshold.clusters),
    }


def _cluster(cluster: Cluster) -> dict[str, Any]:
    import matplotlib as mpl
    from matplotlib.colors import to_hex

    share = cluster.discoveries / cluster.voxels
    return {
        "number": cluster.number,
        "sign": {"positive": "+", "negative": words.MINUS}.get(cluster.sign, cluster.sign),
        "sign_name": cluster.sign,
        "tdp": words.proportion(cluster.discoveries, cluster.voxels),
        "bar": f"{100 * share:.1f}%",
        "color": to_hex(mpl.colormaps["viridis"](share)),
        "discoveries": words.count(cluster.discoveries),
        "voxels": words.count(cluster.voxels),
        "volume": f"{cluster.volume:,.0f}",
        "z": words.signed(cluster.peak.stat),
        "position": words.position(cluster.peak.position),
        "more": [
            (words.signed(peak.stat), words.position(peak.position)) for peak in cluster.more_peaks
        ],
    }


def _additivity(result: Result) -> str:
    """Show by the numbers of this result that bounds of parts fall short of the whole."""
    lowest = result.thresholds[0]
    parts = sum(cluster.discoveries for cluster in lowest.clusters)
    if len(lowest.found) < 2 or parts >= result.discoveries:
        return ""
    return (
        f"Here the clusters at {words.beyond(lowest.value, result.alternative)} add up to "
        f"{words.count(parts)}, the mask as a whole holds at least "
        f"{words.count(result.discoveries)}."
    )


def methods(result: Result) -> str:
    """
    Write the methods text of an analysis.

    Parameters
    ----------
    result : Result
        One analysis.

    Returns
    -------
    text : str
        Markdown with the keys of the references; see :func:`bids_ari.boilerplate.methods`.
    """
    model = result.model["Model"]
    rule = result.mask_sidecar.get("Rule")
    return boilerplate.methods(
        contrast=result.contrast,
        n_maps=result.n_maps,
        input_stat=str(result.model.get("InputStat", "effect")),
        smoothing_fwhm=float(result.model.get("SmoothingFWHM") or 0),
        model=str(model.get("Name", "oneSample")),
        regressors=[str(name) for name in model.get("Regressors", ["intercept"])],
        mask_rule=str(rule) if rule else None,
        alternative=result.alternative,
        alpha=float(result.inference["Alpha"]),
        method=str(result.inference.get("Method", "ari")),
        cluster_thresholds=[threshold.value for threshold in result.thresholds],
        connectivity=int(result.inference.get("Connectivity", 18)),
        versions={key: str(value) for key, value in result.run.get("Versions", {}).items()},
        n_features=result.n_features,
        hommel_value=int(result.inference["HommelValue"]),
        discoveries=result.discoveries,
    )


def _links(result: Result) -> list[tuple[str, str, str]]:
    """List what was written: description, name without the stem, link; sidecars left out."""
    described = [*_MAPS]
    for threshold in result.thresholds:
        condition = words.beyond(threshold.value, result.alternative)
        described += [
            (ending.format(threshold.desc), f"{description} at {condition}")
            for ending, description in _PER_THRESHOLD
        ]
    described += _RECORDS
    files = {path.name.removeprefix(f"{result.stem}_"): path for path in result.files}
    links = [
        (description, ending, quote(files[ending].relative_to(result.root).as_posix()))
        for ending, description in described
        if ending in files
    ]
    for name, description in (("CITATION.md", "methods text"), ("CITATION.bib", "references")):
        if (result.root / "logs" / name).exists():
            links.append((description, name, f"logs/{name}"))
    return links


def typeset(text: str) -> str:
    """Use the signs and the unbreakable spaces that a log cannot show."""
    text = text.replace(">=", "≥").replace("< -", f"< {words.MINUS}")
    return re.sub(
        r"(?<=\d) (?=%)|(?<=[≥<>]) (?=\S)|(?<=z) (?=[<>])|(?<=\|) (?=>)", _NO_BREAK, text
    )

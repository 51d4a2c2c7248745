"""What stands on the page of one result."""

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from bids_ari import boilerplate
from bids_ari.report import words
from bids_ari.report.cautions import warnings
from bids_ari.report.cluster_tables import sets_of_clusters
from bids_ari.report.findings import condition, nothing_found, summary
from bids_ari.report.key_numbers import key_numbers, sensitivity
from bids_ari.report.listing import links
from bids_ari.report.region_tables import atlases
from bids_ari.report.results import Result
from bids_ari.report.words import typeset

if TYPE_CHECKING:
    from bids_ari.report.pictures import Pictures


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
        "key_numbers": key_numbers(result),
        "sensitivity": sensitivity(result),
        "sets": sets_of_clusters(result),
        "atlases": atlases(result),
        "additivity": _additivity(result),
        "included": [one for one in result.participants if one.included],
        "excluded": [one for one in result.participants if not one.included],
        "methods": boilerplate.readable(text).strip(),
        "methods_markdown": text.strip(),
        "references": boilerplate.reference_list(text),
        "bibtex": boilerplate.bibtex(text).strip(),
        "files": links(result),
        "options": json.dumps(result.run.get("Options", {}), indent=2, ensure_ascii=False),
        "fwhm": float(result.model.get("SmoothingFWHM") or 0),
    }


def _cards(result: Result) -> list[dict[str, str]]:
    lowest = result.heights[0]
    best = max(
        (
            (cluster.discoveries / cluster.voxels, cluster.voxels, -i, cluster, cut)
            for i, cut in enumerate(result.heights)
            for cluster in cut.found
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
            "label": (
                f"clusters at {condition(lowest, result.alternative)} with a discovery"
                if lowest.clusters or not lowest.by_data
                else "clusters: the data choose no threshold"
            ),
        },
        {
            "value": (
                typeset(f">= {words.proportion(best[3].discoveries, best[3].voxels)}")
                if best
                else "none"
            ),
            "label": (
                f"highest cluster TDP: {words.number_of(best[3].voxels, 'voxel')} at "
                f"{condition(best[4], result.alternative)}"
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


def _additivity(result: Result) -> str:
    """Show by the numbers of this result that bounds of parts fall short of the whole."""
    lowest = result.heights[0]
    parts = sum(cluster.discoveries for cluster in lowest.clusters)
    if len(lowest.found) < 2 or parts >= result.discoveries:
        return ""
    return (
        f"Here the clusters at {condition(lowest, result.alternative)} add up to "
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
    counts = Counter(region.atlas for region in result.regions)
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
        method=result.method,
        cluster_thresholds=["auto" if cut.by_data else cut.value for cut in result.heights],
        chosen_threshold=_chosen_threshold(result),
        tdp_thresholds=[cut.value for cut in result.tdp_cuts],
        connectivity=int(result.inference.get("Connectivity", 18)),
        regions={name: n for name, n in counts.items() if name not in result.rois},
        rois=sum(n for name, n in counts.items() if name in result.rois),
        resampled=result.resampled,
        versions={key: str(value) for key, value in result.run.get("Versions", {}).items()},
        n_features=result.n_features,
        hommel_value=int(result.inference["HommelValue"]),
        discoveries=result.discoveries,
    )


def _chosen_threshold(result: Result) -> float | None:
    """Tell which threshold the data chose; none where there is no discovery to choose it by."""
    by_data = [cut.value for cut in result.heights if cut.by_data]
    return words.chosen(by_data[0]) if by_data and not nothing_found(result) else None

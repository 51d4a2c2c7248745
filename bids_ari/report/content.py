"""What stands on the page of one result."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bids_ari import boilerplate
from bids_ari.report import words
from bids_ari.report.cautions import warnings
from bids_ari.report.cluster_tables import sets_of_clusters
from bids_ari.report.findings import condition, nothing_found, summary
from bids_ari.report.key_numbers import key_numbers, sensitivity
from bids_ari.report.listing import figure_links, links
from bids_ari.report.model_section import model_section, sides, tested
from bids_ari.report.outliers import table
from bids_ari.report.people import people
from bids_ari.report.permutation_section import bounds_by, permutation_section
from bids_ari.report.region_tables import atlases
from bids_ari.report.repeating import repeat_command
from bids_ari.report.results import Result
from bids_ari.report.text import methods
from bids_ari.report.words import typeset

if TYPE_CHECKING:
    from bids_ari.report.explorer import Explorer
    from bids_ari.report.pictures import Pictures


def context_of(
    result: Result, pictures: "Pictures", explorer: "Explorer", figures: Sequence[Path]
) -> dict[str, Any]:
    """Gather what the template shows of a result."""
    text = methods(result)
    found_warnings = warnings(result)
    labels = ("task", "ses", "acq", "dir", "rec", "run", "space", "res", "den", "feature", "model")
    return {
        "result": result,
        "model": result.model["Model"],
        "pictures": pictures,
        "title": result.contrast,
        "facts": [f"{key} {result.entities[key]}" for key in labels if key in result.entities],
        "sides": sides(result),
        "tested": tested(result),
        "first_level": list(result.first_level),
        "group_model": model_section(result),
        "summary": typeset(summary(result)),
        "nothing": nothing_found(result),
        "warnings": found_warnings,
        "cards": _cards(result),
        "bounds_by": bounds_by(result),
        "permutations": permutation_section(result),
        "key_numbers": key_numbers(result),
        "sensitivity": sensitivity(result),
        "sets": sets_of_clusters(result, explorer.explored),
        "atlases": atlases(result),
        "additivity": _additivity(result),
        "people": people(result),
        "outliers": table(result.outliers) if result.outliers else None,
        "repeat": repeat_command(result),
        "methods": boilerplate.readable(text).strip(),
        "methods_markdown": text.strip(),
        "references": boilerplate.reference_list(text),
        "bibtex": boilerplate.bibtex(text).strip(),
        "explorer": explorer,
        "files": [*links(result), *figure_links(result, figures)],
        "options": json.dumps(result.run.get("Options", {}), indent=2, ensure_ascii=False),
        "fwhm": float(result.model.get("SmoothingFWHM") or 0),
    }


def _cards(result: Result) -> list[dict[str, str]]:
    lowest, of = result.heights[0], result.permutations
    best = max(
        (
            (cluster.discoveries / cluster.voxels, cluster.voxels, -i, cluster, cut)
            for i, cut in enumerate(result.cuts)
            for cluster in cut.found
        ),
        key=lambda item: item[:3],
        default=None,
    )
    volume = result.mask_sidecar.get("VolumeMm3")
    return [
        {
            "value": typeset(f">= {words.count(result.discoveries)}"),
            "label": f"active voxels of {words.count(result.n_features)} in the mask"
            + (f"; without {of.kind} >= {words.count(of.ari_discoveries)}" if of else ""),
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
            "label": "confidence, of all bounds on this page together"
            + (f", by {words.count(of.number)} {of.kind}" if of else ""),
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

"""The methods text of a result, from its files."""

from collections import Counter

from bids_ari import boilerplate
from bids_ari.report import words
from bids_ari.report.findings import nothing_found
from bids_ari.report.model_section import group_model_of
from bids_ari.report.results import Result


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
    rule = result.mask_sidecar.get("Rule")
    counts = Counter(region.atlas for region in result.regions)
    return boilerplate.methods(
        contrast=result.first_level,
        group=group_model_of(result),
        input_stat=str(result.model.get("InputStat", "effect")),
        smoothing_fwhm=float(result.model.get("SmoothingFWHM") or 0),
        mask_rule=str(rule) if rule else None,
        # that of F says nothing of t tests, of which there is none here
        alternative="two-sided" if result.test == "F" else result.alternative,
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

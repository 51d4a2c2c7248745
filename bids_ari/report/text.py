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
        calibration=calibration_of(result),
        cluster_thresholds=["auto" if cut.by_data else cut.value for cut in result.heights],
        chosen_threshold=_chosen_threshold(result),
        tdp_thresholds=[cut.value for cut in result.tdp_cuts],
        connectivity=int(result.inference.get("Connectivity", 18)),
        regions={name: n for name, n in counts.items() if name not in result.rois},
        rois=sum(n for name, n in counts.items() if name in result.rois),
        resampled=result.resampled,
        versions={key: str(value) for key, value in result.run.get("Versions", {}).items()},
        n_features=result.n_features,
        hommel_value=None if result.permutations else int(result.inference["HommelValue"]),
        discoveries=result.discoveries,
        ari_discoveries=result.permutations.ari_discoveries if result.permutations else None,
    )


def calibration_of(result: Result) -> boilerplate.Calibration | None:
    """Gather what the methods text says of permutations; None where there are none."""
    of = result.permutations
    if of is None:
        return None
    return boilerplate.Calibration(
        templates=tuple(one.name for one in of.templates),
        kind=of.kind,
        number=of.number,
        n_learning=of.n_learning,
        exhaustive=of.exhaustive,
        seed=of.seed,
        residuals=not of.exact,
        blocks=blocks_of(result),
        step_down=of.step_down,
    )


def blocks_of(result: Result) -> str:
    """Name what maps that were exchanged have in common; empty if all maps were."""
    if result.permutations is None or not result.permutations.n_blocks:
        return ""
    return str(result.run.get("Options", {}).get("permutation_blocks") or "participant")


def _chosen_threshold(result: Result) -> float | None:
    """Tell which threshold the data chose; none where there is no discovery to choose it by."""
    by_data = [cut.value for cut in result.heights if cut.by_data]
    return words.chosen(by_data[0]) if by_data and not nothing_found(result) else None

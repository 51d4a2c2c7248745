"""What to check before relying on a result."""

from collections.abc import Iterator

from bids_ari.report.findings import condition, nothing_found, other_space
from bids_ari.report.outliers import warnings_of
from bids_ari.report.results import Result
from bids_ari.report.words import count, number_of, percent, share, some, volume

FEW_MAPS = 12
FEW_DOF = 10
# adult brains of MNI templates have about 1,900 cm3
SMALL_MASK = 500e3
LARGE_MASK = 2500e3
TIED = 10
MUCH_SPREAD = 1.0
MANY_TIED = 0.01
HALF_COVERED = 0.5
FEW_BELOW = 10
"""Of permutations that pass thresholds: with fewer, their level changes from seed to seed."""
_ROUNDING = 1e-9


def warnings(result: Result) -> list[str]:
    """
    List what to check before relying on a result.

    Parameters
    ----------
    result : Result
        One analysis.

    Returns
    -------
    sentences : list of str
        One per finding, the gravest first; empty if nothing is out of the ordinary.
    """
    return [
        *_about_the_result(result),
        *_about_the_permutations(result),
        *_about_the_template(result),
        *_about_the_maps(result),
        *_about_the_model(result),
        *warnings_of(result.outliers),
        *_about_the_mask(result),
        *_about_the_regions(result),
        *_about_the_statistic(result),
    ]


def _about_the_result(result: Result) -> Iterator[str]:
    if result.disagree:
        yield (
            "The sets of clusters come from different runs: their files do not "
            f"agree in {', '.join(result.disagree)}, so that their bounds do not hold together."
        )
    if result.leftover:
        where = some([condition(one, result.alternative) for one in result.leftover])
        yield (
            f"Clusters at {where} are left from an earlier run and are not shown: the last run "
            "was not asked for them."
        )
    if result.regions_left:
        yield (
            "Bounds of regions are left from an earlier run and are not shown: the last run was "
            "not asked for any."
        )
    if nothing_found(result):
        yield (
            "No discovery: no set of voxels can be claimed to hold an active one. This does not "
            "show that nothing is active."
        )
    elif any(cut.clusters for cut in result.cuts) and not any(cut.found for cut in result.cuts):
        yield (
            f"The mask as a whole holds at least {number_of(result.discoveries, 'discovery', 'discoveries')}, "
            "but no single cluster does; clusters at a lower threshold may."
        )
    if result.discoveries == result.n_features:
        yield (
            f"{'Every' if result.permutations else 'The Hommel value is 0: every'} voxel of the mask "
            "is claimed to be active, which is unusual for a whole brain."
        )


def _about_the_permutations(result: Result) -> Iterator[str]:
    of = result.permutations
    left = [one for one in result.files if one.name.endswith("_thresholds.tsv")]
    if of is None:
        if left:
            yield "Thresholds from permutations are left from an earlier run and are not used."
        return
    alpha = min(one.alpha for one in of.templates)
    n_below = int(alpha * of.number + _ROUNDING)
    if n_below < FEW_BELOW:
        more = (
            "there are no more, as maps are few"
            if of.exhaustive
            else "more of them (--n-permutations) make it steadier"
        )
        yield (
            f"With {count(of.number)} {of.kind} and alpha {alpha:.4g}"
            f"{' for each family of thresholds' if len(of.templates) > 1 else ''}, the level of "
            f"thresholds rests on the {n_below + 1} most extreme of these; {more}."
        )


def _about_the_template(result: Result) -> Iterator[str]:
    if why := other_space(result):
        yield f"No brain is drawn behind the maps, because {why}."


def _about_the_maps(result: Result) -> Iterator[str]:
    n_maps = result.n_maps
    if n_maps < FEW_MAPS:
        yield (
            f"Only {number_of(n_maps, 'map')} entered the model; with fewer than {FEW_MAPS} the "
            f"test has little power{'' if result.permutations else _leans(result)}."
        )
    out = [one for one in result.participants if not one.included]
    if out:
        reasons = {one.reason for one in out}
        if len(reasons) > 1:
            who = some([f"{one.label} ({one.reason or 'no reason given'})" for one in out])
        else:
            who = some([one.label for one in out]) + "".join(f" ({one})" for one in reasons if one)
        yield (
            f"{number_of(len(out), 'participant is', 'participants are')} not in the analysis: "
            f"{who}."
        )
    missing = sorted(
        (one for one in result.participants if one.included and one.missing_voxels),
        key=lambda one: -(one.missing_voxels or 0),
    )
    if missing:
        rule = str(result.mask_sidecar.get("MissingVoxels", "")).strip().rstrip(".")
        worst = missing[0]
        yield (
            f"{number_of(len(missing), 'map lacks', 'maps lack')} values inside the mask, most "
            f"of all {worst.label} ({number_of(worst.missing_voxels or 0, 'voxel')})"
            + (f"; {rule[:1].lower()}{rule[1:]}." if rule else ".")
        )
    if result.design and len(result.design) != n_maps:
        yield (
            f"The design has {number_of(len(result.design), 'row')}, but "
            f"{number_of(n_maps, 'map')} entered the model."
        )


def _leans(result: Result) -> str:
    of_what = "errors" if result.estimator == "fixed" else "effects"
    return f" and leans on normally distributed {of_what}"


def _about_the_model(result: Result) -> Iterator[str]:
    dof = result.model["Model"].get("DegreesOfFreedom")
    # fixed effects take variances as known; few maps without regressors are told above
    if dof is None or int(dof) >= FEW_DOF or result.estimator == "fixed":
        return
    if result.n_maps >= FEW_MAPS or len(result.regressors) > 1:
        yield (
            f"Only {number_of(int(dof), 'degree', 'degrees')} of freedom are left by "
            f"{number_of(len(result.regressors), 'regressor')} and {number_of(result.n_maps, 'map')}; "
            f"with fewer than {FEW_DOF} the variance is not well known, and the test has little power."
        )


def _about_the_mask(result: Result) -> Iterator[str]:
    size = result.mask_sidecar.get("VolumeMm3")
    if size is not None and float(size) < SMALL_MASK:
        yield (
            f"The mask is small for a whole brain ({volume(float(size))}); the results speak only "
            "of what is inside."
        )
    elif size is not None and float(size) > LARGE_MASK:
        yield (
            f"The mask is large for a brain ({volume(float(size))}); voxels outside the brain "
            "weaken the bounds."
        )
    lost = int(result.mask_sidecar.get("LostFeatures") or 0)
    if lost:
        share = lost / (lost + result.n_features)
        yield (
            f"{number_of(lost, 'voxel')} ({percent(round(share, 3))} of the mask asked for, or of "
            f"all that any map covers) could not be analysed."
        )


def _about_the_regions(result: Result) -> Iterator[str]:
    outside = [one.name for one in result.regions if one.whole.voxels == 0]
    if outside:
        yield (
            f"{number_of(len(outside), 'region has', 'regions have')} no voxel in the mask, so that "
            f"nothing can be said of {'it' if len(outside) == 1 else 'them'}: {some(outside)}."
        )
    cut_off = [
        one.name
        for one in result.regions
        if one.whole.voxels and one.coverage is not None and one.coverage < HALF_COVERED
    ]
    if cut_off:
        yield (
            f"{number_of(len(cut_off), 'region has', 'regions have')} less than half of "
            f"{'its' if len(cut_off) == 1 else 'their'} voxels in the mask; the bounds speak only "
            f"of these: {some(cut_off)}."
        )


def _about_the_statistic(result: Result) -> Iterator[str]:
    import numpy as np  # slow to import

    from bids_ari.images import read_map

    flat = int(result.stat_sidecar.get("FeaturesWithoutVariance") or 0)
    if flat:
        yield (
            f"{number_of(flat, 'voxel has', 'voxels have')} no variance across maps, as happens "
            "outside the brain or when a map was entered twice."
        )
    spread = float(result.stat_sidecar.get("VarianceSpread") or 0)
    if result.estimator == "mixed" and spread > MUCH_SPREAD:
        yield (
            f"The variances of the maps differ a lot (standard deviation of their logarithm "
            f"{spread:.2g}): mixed effects then finds too much. Prefer ordinary least squares."
        )
    untestable = int(result.stat_sidecar.get("UntestableFeatures") or 0)
    if untestable:
        yield (
            f"{number_of(untestable, 'voxel', 'voxels')} could not be tested, as too few maps have a "
            "value and a variance there; they count as without effect, which weakens the bounds."
        )
    z_map = result.maps["z"]
    mask, grid = read_map(result.mask)
    z, _ = read_map(z_map, grid)
    values = z[mask > 0]
    finite = np.isfinite(values)
    if not finite.all():
        yield (
            f"{number_of(int(np.count_nonzero(~finite)), 'voxel')} of the z map "
            f"({z_map.name}) are not finite."
        )
    size = values[finite] if result.test == "F" else np.abs(values[finite])
    tied = int(np.count_nonzero(size == size.max(initial=0))) if size.size else 0
    if tied >= TIED and size.max() > 0:
        yield (
            f"{number_of(tied, 'voxel')} share the largest {'z' if result.test == 'F' else '|z|'} of {size.max():.2f}, which points "
            "to a statistic cut off at its largest value; which of them is the peak is arbitrary."
        )
    zeros = int(np.count_nonzero(values == 0))
    n_tied = int(result.inference.get("TiedFeatures") or 0)
    if n_tied > MANY_TIED * result.n_features:
        yield (
            f"{number_of(n_tied, 'voxel')} ({share(n_tied, result.n_features)} of the mask) have a "
            "p-value that another voxel has too, as maps of few different values or copies of "
            "voxels would give; the order of tied voxels is arbitrary."
        )
    if zeros > 0.01 * values.size:
        yield (
            f"{number_of(zeros, 'voxel')} of the mask have z = 0, as maps without data there "
            "would give; they weaken the bounds."
        )

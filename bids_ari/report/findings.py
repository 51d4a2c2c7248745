"""What a result says in one sentence, and what to check before relying on it."""

from collections.abc import Iterator

from bids_ari.report.results import Result, Threshold
from bids_ari.report.words import beyond, count, number_of, percent, proportion, volume

FEW_MAPS = 12
# adult brains of MNI templates have about 1,900 cm3
SMALL_MASK = 500e3
LARGE_MASK = 2500e3
TIED = 10


def headline(result: Result) -> str:
    """
    Say the key numbers in words, for people who read the log.

    Parameters
    ----------
    result : Result
        One analysis.

    Returns
    -------
    text : str
        One or two sentences that begin with the contrast.
    """
    return f"{result.contrast}: {summary(result)}"


def summary(result: Result) -> str:
    """Say the key numbers in words, without the name of the contrast."""
    where = "the mask"
    if nothing_found(result):
        return (
            f"nothing found: with {percent(result.confidence)} confidence, none of the "
            f"{count(result.n_features)} voxels in {where} can be claimed to be active."
        )
    whole = (
        f"at least {count(result.discoveries)} of {number_of(result.n_features, 'voxel')} in "
        f"{where} are active (TDP >= {proportion(result.discoveries, result.n_features)}), with "
        f"{percent(result.confidence)} confidence."
    )
    return f"{whole} {_clusters(result.thresholds[0], result.alternative)}"


def _clusters(threshold: Threshold, alternative: str) -> str:
    condition = beyond(threshold.value, alternative)
    if not threshold.clusters:
        return f"No voxel has {condition}, so there is no cluster there."
    n_found, n_all = len(threshold.found), len(threshold.clusters)
    if n_found == 0:
        return f"At {condition}, none of {number_of(n_all, 'cluster')} has a discovery of its own."
    best = max(threshold.found, key=lambda cluster: (cluster.discoveries, -cluster.number))
    which = (
        f"{n_found} of {number_of(n_all, 'cluster')} {'has' if n_found == 1 else 'have'} at least "
        "one discovery"
        if n_all > 1
        else "there is one cluster"
    )
    sign = f" ({best.sign})" if alternative == "two-sided" else ""
    return (
        f"At {condition}, {which}: in cluster {best.number}{sign} at least {count(best.discoveries)} of "
        f"{number_of(best.voxels, 'voxel')} are active "
        f"(TDP >= {proportion(best.discoveries, best.voxels)})."
    )


def nothing_found(result: Result) -> bool:
    """Tell whether no voxel at all can be claimed to be active."""
    return result.discoveries == 0


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
        *_about_the_maps(result),
        *_about_the_mask(result),
        *_about_the_statistic(result),
    ]


def _about_the_result(result: Result) -> Iterator[str]:
    if result.disagree:
        yield (
            "The clusters at different thresholds come from different runs: their files do not "
            f"agree in {', '.join(result.disagree)}, so that their bounds do not hold together."
        )
    if result.leftover:
        where = _some([beyond(one.value, result.alternative) for one in result.leftover])
        yield (
            f"Clusters at {where} are left from an earlier run and are not shown: the last run "
            "was not asked for them."
        )
    if nothing_found(result):
        yield (
            "No discovery: no set of voxels can be claimed to hold an active one. This does not "
            "show that nothing is active."
        )
    elif any(threshold.clusters for threshold in result.thresholds) and not any(
        threshold.found for threshold in result.thresholds
    ):
        yield (
            f"The mask as a whole holds at least {number_of(result.discoveries, 'discovery', 'discoveries')}, "
            "but no single cluster does; clusters at a lower threshold may."
        )
    if int(result.inference["HommelValue"]) == 0:
        yield (
            "The Hommel value is 0: every voxel of the mask is claimed to be active, which is "
            "unusual for a whole brain."
        )


def _about_the_maps(result: Result) -> Iterator[str]:
    n_maps = result.n_maps
    if n_maps < FEW_MAPS:
        yield (
            f"Only {number_of(n_maps, 'map')} entered the model; with fewer than {FEW_MAPS} the "
            "test has little power and leans on normally distributed effects."
        )
    out = [one for one in result.participants if not one.included]
    if out:
        reasons = sorted({one.reason for one in out if one.reason})
        why = f" ({'; '.join(reasons)})" if reasons else ""
        yield (
            f"{number_of(len(out), 'participant is', 'participants are')} not in the analysis: "
            f"{_some([one.label for one in out])}{why}."
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


def _about_the_statistic(result: Result) -> Iterator[str]:
    import numpy as np  # slow to import

    from bids_ari.images import read_map

    flat = int(result.t_sidecar.get("FeaturesWithoutVariance") or 0)
    if flat:
        yield (
            f"{number_of(flat, 'voxel has', 'voxels have')} no variance across maps, as happens "
            "outside the brain or when a map was entered twice."
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
    size = np.abs(values[finite])
    tied = int(np.count_nonzero(size == size.max(initial=0))) if size.size else 0
    if tied >= TIED and size.max() > 0:
        yield (
            f"{number_of(tied, 'voxel')} share the largest |z| of {size.max():.2f}, which points "
            "to a statistic cut off at its largest value; which of them is the peak is arbitrary."
        )
    zeros = int(np.count_nonzero(values == 0))
    if zeros > 0.01 * values.size:
        yield (
            f"{number_of(zeros, 'voxel')} of the mask have z = 0, as maps without data there "
            "would give; they weaken the bounds."
        )


def _some(labels: list[str], most: int = 5) -> str:
    """List a few names and count the rest."""
    rest = len(labels) - most
    return ", ".join(labels[:most]) + (f" and {rest} more" if rest > 0 else "")

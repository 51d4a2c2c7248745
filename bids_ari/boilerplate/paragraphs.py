"""The paragraphs of a methods section, one function each."""

from collections.abc import Mapping, Sequence
from typing import Literal

TESTS = {
    "two-sided": "two-sided p-values, keeping voxels of opposite sign apart when clusters are formed",
    "greater": "one-sided p-values for effects greater than zero",
    "less": "one-sided p-values for effects less than zero",
}
LOCAL_TESTS = {
    "ari": (
        (
            "Simes' test [@simes1986; @goeman2011; @goeman2019] and Hommel's value [@hommel1988; "
            "@meijer2019]"
        ),
        (
            "Simes' inequality is assumed to hold, as it does under positive dependence of the voxels' "
            "tests."
        ),
    ),
    "hommel": (
        "Hommel's local test [@hommel1983; @goeman2011; @goeman2019]",
        "Nothing is assumed of how the voxels' tests depend on each other.",
    ),
}
CONTACT = {
    6: "a face (6 neighbours)",
    18: "a face or an edge (18 neighbours)",
    26: "a face, an edge or a corner (26 neighbours)",
}
_MAPS = {
    "effect": "effect estimates (contrast of parameter estimates)",
    "beta": "parameter estimates",
    "z": "z statistics",
    "t": "t statistics",
}


def group_model(
    contrast: str | Sequence[str],
    n_maps: int | None,
    input_stat: str,
    smoothing_fwhm: float,
    model: str,
    regressors: Sequence[str],
    mask_rule: str | None,
) -> str:
    """Say what went into the model, and which."""
    names = [name for name in ([contrast] if isinstance(contrast, str) else contrast) if name]
    plural = "s" if len(names) > 1 else ""
    quoted = _list([f'"{name}"' for name in names])
    of_what = f" of the contrast{plural} {quoted}" if names else ""
    n_people = f" of {n_maps} participants" if n_maps is not None else ""
    sentences = [
        (
            f"First-level {_MAPS.get(input_stat, f'{input_stat} maps')}{of_what}{n_people}, "
            "organised according to the Brain Imaging Data Structure [@bids; @pybids], entered a "
            "group analysis."
        ),
        f"The maps were smoothed with a Gaussian kernel of {smoothing_fwhm:g} mm full width at "
        "half maximum."
        if smoothing_fwhm > 0
        else "The maps were not smoothed further.",
        "At every voxel a general linear model was fitted by ordinary least squares "
        + (
            "with the mean as its only regressor (one-sample t-test)"
            if list(regressors) == ["intercept"]
            else f'(model "{model}", regressors {_list(list(regressors))})'
        )
        + ", and t values were turned into z values of equal tail probability.",
    ]
    if mask_rule:
        rule = mask_rule.strip()
        sentences.append(f"Mask: {rule[:1].lower()}{rule[1:].rstrip('.')}.")
    return " ".join(sentences)


def inference(
    method: str,
    alternative: str,
    alpha: float,
    n_features: int | None,
    hommel_value: int | None,
    discoveries: int | None,
) -> str:
    """Say how bounds were made, what they assume, and what they are for the whole mask."""
    local_test, assumption = LOCAL_TESTS[method]
    sentences = [
        (
            "All-Resolutions Inference [@rosenblatt2018] gave, for every set of voxels, a lower "
            "confidence bound on the number of truly active voxels in it (true discoveries) and, "
            "divided by the size of the set, on the true discovery proportion (TDP)."
        ),
        f"The bounds come from closed testing with {local_test} on {TESTS[alternative]}.",
        (
            f"All bounds hold together with confidence {1 - alpha:.4g} (familywise error rate "
            f"{alpha:g}), so that sets may be chosen after seeing the data."
        ),
        assumption,
    ]
    if n_features is not None:
        found = f"The analysis covered {n_features:,} voxels"
        if hommel_value is not None:
            found += f" with a Hommel value of {hommel_value:,}"
        if discoveries:
            found += f"; at least {discoveries:,} of them were active"
        elif discoveries is not None:
            found += "; none of them can be claimed to be active"
        sentences.append(f"{found}.")
    return " ".join(sentences)


def clusters(
    thresholds: Sequence[float | Literal["auto"]],
    chosen: float | None,
    tdps: Sequence[float],
    connectivity: int,
    alternative: str,
    *,
    nothing_found: bool,
) -> str:
    """Say which sets of clusters were bounded."""
    beyond = {"two-sided": "|z| > ", "greater": "z > ", "less": "z < -"}[alternative]
    fixed = sorted(threshold for threshold in thresholds if threshold != "auto")
    contact = f"that share {CONTACT[connectivity]}"
    sentences = []
    if fixed:
        levels = _list([f"{beyond}{threshold:g}" for threshold in fixed])
        sentences.append(
            f"Clusters were formed of voxels with {levels} {contact}, and the bound of each was "
            "reported."
        )
    if "auto" in thresholds:
        sentences.append(
            f"{'Further clusters' if fixed else 'Clusters'} were formed"
            f"{'' if fixed else f' of voxels {contact},'} at the threshold that the data choose, "
            "just below the smallest |z| of the concentration set, which is the smallest set of "
            "voxels that holds all discoveries [@goeman2019]"
            + (f" ({beyond}{chosen:g}, rounded down)" if chosen is not None else "")
            + ("; as there was no discovery, there are none." if nothing_found else ".")
        )
    if tdps:
        levels = _list([f"{tdp:g}" for tdp in sorted(tdps)])
        each = ", for each of these separately" if len(tdps) > 1 else ""
        sentences.append(
            f"Among the clusters at all thresholds, formed of voxels {contact}, the largest with a "
            f"TDP of at least {levels} were searched for{each} [@chen2022]"
            + ("; there were none." if nothing_found else ".")
        )
    if len(thresholds) + len(tdps) > 1:
        sentences.append("Using several thresholds needs no further correction.")
    return " ".join(sentences)


def regions(regions: Mapping[str, int | None], rois: int, resampled: Sequence[str]) -> str:
    """Say of which regions there are bounds."""
    sets = [
        f"the {n:,} region{'s' if n != 1 else ''} of {name}"
        if n is not None
        else f"the regions of {name}"
        for name, n in regions.items()
    ]
    if rois:
        sets.append(f"{rois} region{'s' if rois > 1 else ''} of interest")
    sentences = [
        (
            f"Bounds were also reported for {_list(sets)}, for the voxels of either sign in each, and "
            "for what these regions have in common with the clusters; these bounds hold together "
            "with all others."
        )
    ]
    if resampled:
        verb = "was" if len(resampled) == 1 else "were"
        sentences.append(
            f"{_list(list(resampled))} {verb} put on the grid of the maps with nearest neighbours."
        )
    return " ".join(sentences)


def software(versions: Mapping[str, str]) -> str:
    """Say what it was computed with."""
    used = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        "The analysis was run with the BIDS App [@bids_apps] bids_ari, built on Nipype [@nipype], "
        "Nilearn [@nilearn], NiBabel [@nibabel], NumPy [@numpy] and SciPy [@scipy]"
        + (f" (versions: {used})." if used else ".")
    )


def _list(items: Sequence[str]) -> str:
    """Join with commas and a last "and"."""
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]])) if items else ""

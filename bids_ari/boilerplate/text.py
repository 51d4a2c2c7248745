"""What was done, and found, in the words of a methods section."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

_NONE: Mapping[str, int | None] = MappingProxyType({})

_TESTS = {
    "two-sided": "two-sided p-values, keeping voxels of opposite sign apart when clusters are formed",
    "greater": "one-sided p-values for effects greater than zero",
    "less": "one-sided p-values for effects less than zero",
}
_LOCAL_TESTS = {
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
_CONTACT = {
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


def methods(
    *,
    contrast: str | Sequence[str],
    n_maps: int | None = None,
    input_stat: str = "effect",
    smoothing_fwhm: float = 0.0,
    model: str = "oneSample",
    regressors: Sequence[str] = ("intercept",),
    mask_rule: str | None = None,
    alternative: str = "two-sided",
    alpha: float = 0.05,
    method: str = "ari",
    cluster_thresholds: Sequence[float | Literal["auto"]] = (3.1,),
    chosen_threshold: float | None = None,
    tdp_thresholds: Sequence[float] = (),
    connectivity: int = 18,
    regions: Mapping[str, int | None] = _NONE,
    rois: int = 0,
    resampled: Sequence[str] = (),
    versions: Mapping[str, str] | None = None,
    n_features: int | None = None,
    hommel_value: int | None = None,
    discoveries: int | None = None,
) -> str:
    """
    Write what was done, in the words of a methods section.

    Parameters
    ----------
    contrast : str or sequence of str
        The first-level contrasts, each its own analysis.
    n_maps : int, optional
        Number of first-level maps; left out of the text when not known yet.
    input_stat : str
        What the first-level maps hold: ``effect``, ``beta``, ``z`` or ``t``.
    smoothing_fwhm : float
        Full width at half maximum of the Gaussian kernel in mm; 0 for none.
    model : str
        Name of the second-level model.
    regressors : sequence of str
        Columns of its design matrix.
    mask_rule : str, optional
        A sentence that says where the mask came from.
    alternative : {"two-sided", "greater", "less"}
        Sidedness of the test at each voxel.
    alpha : float
        Familywise error rate.
    method : {"ari", "hommel"}
        How the critical values of the bound were obtained: with Simes' or with Hommel's local test.
    cluster_thresholds : sequence of float or "auto"
        z values above which clusters were formed; "auto" for the one that the data choose.
    chosen_threshold : float, optional
        The z value that the data chose, once it is known.
    tdp_thresholds : sequence of float
        TDPs for which the largest clusters that reach them were found.
    connectivity : {6, 18, 26}
        What counts as a neighbour.
    regions : mapping of str to int
        Atlases and how many of their regions were bounded, None where that is not known yet.
    rois : int
        Number of regions of interest.
    resampled : sequence of str
        Atlases and regions of interest that were not on the grid of the maps.
    versions : mapping of str to str, optional
        Software and its version.
    n_features, hommel_value, discoveries : int, optional
        Voxels analysed, Hommel value and bound for the whole mask, once they are known.

    Returns
    -------
    text : str
        Markdown; citations as ``[@key]``, every key being in ``data/references.bib``.

    Raises
    ------
    ValueError
        If the method, the alternative or the connectivity has no description.

    Examples
    --------
    >>> print(methods(contrast="faces", n_maps=30).splitlines()[0])
    First-level effect estimates (contrast of parameter estimates) of the contrast "faces" ...
    """
    for name, value, known in (
        ("method", method, tuple(_LOCAL_TESTS)),
        ("alternative", alternative, tuple(_TESTS)),
        ("connectivity", connectivity, tuple(_CONTACT)),
    ):
        if value not in known:
            msg = f"{name} is {value!r}, expected one of {', '.join(map(str, known))}"
            raise ValueError(msg)
    paragraphs = [
        _group_model(contrast, n_maps, input_stat, smoothing_fwhm, model, regressors, mask_rule),
        _inference(method, alternative, alpha, n_features, hommel_value, discoveries),
        _clusters(
            cluster_thresholds,
            chosen_threshold,
            tdp_thresholds,
            connectivity,
            alternative,
            nothing_found=discoveries == 0,
        ),
        *([_regions(regions, rois, resampled)] if regions or rois else []),
        _software(versions or {}),
    ]
    return "\n\n".join(paragraphs) + "\n"


def _group_model(
    contrast: str | Sequence[str],
    n_maps: int | None,
    input_stat: str,
    smoothing_fwhm: float,
    model: str,
    regressors: Sequence[str],
    mask_rule: str | None,
) -> str:
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


def _inference(
    method: str,
    alternative: str,
    alpha: float,
    n_features: int | None,
    hommel_value: int | None,
    discoveries: int | None,
) -> str:
    local_test, assumption = _LOCAL_TESTS[method]
    sentences = [
        (
            "All-Resolutions Inference [@rosenblatt2018] gave, for every set of voxels, a lower "
            "confidence bound on the number of truly active voxels in it (true discoveries) and, "
            "divided by the size of the set, on the true discovery proportion (TDP)."
        ),
        f"The bounds come from closed testing with {local_test} on {_TESTS[alternative]}.",
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


def _clusters(
    thresholds: Sequence[float | Literal["auto"]],
    chosen: float | None,
    tdps: Sequence[float],
    connectivity: int,
    alternative: str,
    *,
    nothing_found: bool,
) -> str:
    beyond = {"two-sided": "|z| > ", "greater": "z > ", "less": "z < -"}[alternative]
    fixed = sorted(threshold for threshold in thresholds if threshold != "auto")
    contact = f"that share {_CONTACT[connectivity]}"
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


def _regions(regions: Mapping[str, int | None], rois: int, resampled: Sequence[str]) -> str:
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


def _software(versions: Mapping[str, str]) -> str:
    used = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        "The analysis was run with the BIDS App [@bids_apps] bids_ari, built on Nipype [@nipype], "
        "Nilearn [@nilearn], NiBabel [@nibabel], NumPy [@numpy] and SciPy [@scipy]"
        + (f" (versions: {used})." if used else ".")
    )


def _list(items: Sequence[str]) -> str:
    """Join with commas and a last "and"."""
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]])) if items else ""

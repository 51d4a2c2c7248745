"""The paragraphs of a methods section on the inference, one function each."""

from collections.abc import Mapping, Sequence
from typing import Literal

from bids_ari.boilerplate.group_model import joined
from bids_ari.boilerplate.resampling import Calibration, by_permutations

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


def inference(
    method: str,
    alternative: str,
    tests: Sequence[str],
    alpha: float,
    n_features: int | None,
    hommel_value: int | None,
    discoveries: int | None,
    calibration: Calibration | None = None,
    ari_discoveries: int | None = None,
) -> str:
    """Say how bounds were made, what they assume, and what they are for the whole mask."""
    of_test = {"t": TESTS[alternative], "F": "p-values of F, which has no sign"}
    if len(tests) > 1:
        of_test["t"] = f"{of_test['t']} (t tests)"
    p_values = ", and on ".join(of_test[test] for test in tests)
    made = (
        by_permutations(calibration, p_values, alpha)
        if calibration
        else _closed_testing(method, p_values)
    )
    sentences = [
        *made[:-1],
        (
            f"All bounds of one contrast hold together with confidence {1 - alpha:.4g} (familywise "
            f"error rate {alpha:g}), so that sets may be chosen after seeing the data; each "
            "contrast is a family of its own."
        ),
        made[-1],
    ]
    if n_features is not None:
        found = f"The analysis covered {n_features:,} voxels"
        if hommel_value is not None and not calibration:
            found += f" with a Hommel value of {hommel_value:,}"
        if discoveries:
            found += f"; at least {discoveries:,} of them were active"
        elif discoveries is not None:
            found += "; none of them can be claimed to be active"
        if ari_discoveries is not None:
            found += (
                f" (without {calibration.kind if calibration else 'permutations'}, by "
                "All-Resolutions Inference [@rosenblatt2018], "
                f"{f'at least {ari_discoveries:,}' if ari_discoveries else 'none'})"
            )
        sentences.append(f"{found}.")
    return " ".join(sentences)


def _closed_testing(method: str, p_values: str) -> list[str]:
    """Say how bounds come from p-values alone, and at last what that assumes."""
    local_test, assumption = LOCAL_TESTS[method]
    return [
        (
            "All-Resolutions Inference [@rosenblatt2018] gave, for every set of voxels, a lower "
            "confidence bound on the number of truly active voxels in it (true discoveries) and, "
            "divided by the size of the set, on the true discovery proportion (TDP)."
        ),
        f"The bounds come from closed testing with {local_test} on {p_values}.",
        assumption,
    ]


def clusters(
    thresholds: Sequence[float | Literal["auto"]],
    chosen: float | None,
    tdps: Sequence[float],
    connectivity: int,
    alternative: str,
    tests: Sequence[str],
    *,
    nothing_found: bool,
) -> str:
    """Say which sets of clusters were bounded."""
    beyond = _beyond(alternative, tests)
    fixed = sorted(threshold for threshold in thresholds if threshold != "auto")
    contact = f"that share {CONTACT[connectivity]}"
    size = "z" if list(tests) == ["F"] else "|z|"
    sentences = []
    if fixed:
        levels = joined([beyond.format(f"{threshold:.10g}") for threshold in fixed])
        sentences.append(
            f"Clusters were formed of voxels with {levels} {contact}, and the bound of each was "
            "reported."
        )
    if "auto" in thresholds:
        sentences.append(
            f"{'Further clusters' if fixed else 'Clusters'} were formed"
            f"{'' if fixed else f' of voxels {contact},'} at the threshold that the data choose, "
            f"just below the smallest {size} of the concentration set, which is the smallest set of "
            "voxels that all bounds come from [@goeman2019]"
            + (f" ({beyond.format(f'{chosen:.10g}')}, rounded down)" if chosen is not None else "")
            + ("; as there was no discovery, there are none." if nothing_found else ".")
        )
    if tdps:
        levels = joined([f"{tdp:.10g}" for tdp in sorted(tdps)])
        each = ", for each of these separately" if len(tdps) > 1 else ""
        sentences.append(
            f"Among the clusters at all thresholds, formed of voxels {contact}, the largest with a "
            f"TDP of at least {levels} were searched for{each} [@chen2022]"
            + ("; there were none." if nothing_found else ".")
        )
    if len(thresholds) + len(tdps) > 1:
        sentences.append("Using several thresholds needs no further correction.")
    return " ".join(sentences)


def _beyond(alternative: str, tests: Sequence[str]) -> str:
    """Write what a voxel of a cluster meets, with a place for the threshold."""
    of_t = {"two-sided": "|z| > {0}", "greater": "z > {0}", "less": "z < -{0}"}[alternative]
    of_f = "z > {0}"
    if "F" not in tests or of_t == of_f:
        return of_t
    return f"{of_t} ({of_f} where F was tested)" if "t" in tests else of_f


def regions(
    regions: Mapping[str, int | None], rois: int, resampled: Sequence[str], tests: Sequence[str]
) -> str:
    """Say of which regions there are bounds."""
    sets = [
        f"the {n:,} region{'s' if n != 1 else ''} of {name}"
        if n is not None
        else f"the regions of {name}"
        for name, n in regions.items()
    ]
    if rois:
        sets.append(f"{rois} region{'s' if rois > 1 else ''} of interest")
    signs = " for the voxels of either sign in each" if "t" in tests else ""
    if len(tests) > 1:
        signs += " (t tests)"
    signs += "," if signs else ""
    sentences = [
        (
            f"Bounds were also reported for {joined(sets)},{signs} and "
            "for what these regions have in common with the clusters; these bounds hold together "
            "with all others."
        )
    ]
    if resampled:
        verb = "was" if len(resampled) == 1 else "were"
        sentences.append(
            f"{joined(list(resampled))} {verb} put on the grid of the maps with nearest neighbours."
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

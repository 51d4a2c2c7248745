"""The paragraph on the maps and the group model."""

from collections.abc import Sequence

from bids_ari.boilerplate.models import GroupModel, in_words

_MAPS = {
    "effect": "effect estimates (contrast of parameter estimates)",
    "beta": "parameter estimates",
    "z": "z statistics",
    "t": "t statistics",
}
ESTIMATORS = {
    "ols": "At every voxel a general linear model {} was fitted by ordinary least squares.",
    "fixed": (
        "At every voxel a general linear model {} was fitted by fixed effects: maps were weighted "
        "by the inverse of their variances, which were taken as known [@beckmann2003], so that the "
        "result speaks of these participants and not of others."
    ),
    "mixed": (
        "At every voxel a general linear model {} was fitted by mixed effects: the variance "
        "between maps was estimated by the method of moments [@dersimonian1986] and added to the "
        "variance of each map, and maps were weighted by the inverse of the sum. Standard errors "
        "were widened, never narrowed, where the residuals asked for it [@knapp2003; @rover2015]."
    ),
}
_MOST_RULES = 3
_SUBJECT = "subject"  # in models with several rows of a participant
_MOST_REGRESSORS = 12


def group_model(
    contrast: str | Sequence[str],
    group: GroupModel,
    input_stat: str,
    smoothing_fwhm: float,
    mask_rule: str | None,
) -> str:
    """Say what went into the model, which it is and what was tested."""
    sentences = [
        _maps(contrast, group, input_stat),
        *_combined(group),
        f"The maps were smoothed with a Gaussian kernel of {smoothing_fwhm:g} mm full width at "
        "half maximum."
        if smoothing_fwhm > 0
        else "The maps were not smoothed further.",
        ESTIMATORS[group.estimator].format(_regressors(group)),
        *_coding(group),
        *_tests(group),
    ]
    if mask_rule:
        rule = mask_rule.strip()
        sentences.append(f"Mask: {rule[:1].lower()}{rule[1:].rstrip('.')}.")
    return " ".join(sentences)


def _maps(contrast: str | Sequence[str], group: GroupModel, input_stat: str) -> str:
    names = [name for name in ([contrast] if isinstance(contrast, str) else contrast) if name]
    plural = "s" if len(names) > 1 else ""
    quoted = joined([f'"{name}"' for name in names])
    of_what = f" of the contrast{plural} {quoted}" if names else ""
    n_people = group.n_participants if group.n_participants is not None else group.n_maps
    people = f" of {n_people} participants" if n_people is not None else ""
    several = group.n_maps is not None and group.n_maps != n_people
    rows = f" as {group.n_maps} rows of the design, several of a participant" if several else ""
    return (
        f"First-level {_MAPS.get(input_stat, f'{input_stat} maps')}{of_what}{people}, "
        "organised according to the Brain Imaging Data Structure [@bids; @pybids], entered a "
        f"group analysis{rows}."
    )


def _combined(group: GroupModel) -> list[str]:
    if not group.rules:
        return []
    told = list(group.rules[:_MOST_RULES])
    more = len(group.rules) - _MOST_RULES
    rest = f"; or likewise, with other labels ({more} more)" if more > 0 else ""
    source = " [@beckmann2003]" if any("fixed effects" in rule for rule in group.rules) else ""
    return [
        f"Several maps of a participant became one before that: {'; or '.join(told)}{rest}{source}."
    ]


def _regressors(group: GroupModel) -> str:
    if group.only_mean:
        return "with the mean as its only regressor"
    if group.formula:
        return f'(model "{group.name}", formula {group.formula})'
    people = {f"{_SUBJECT}.{level}" for level in group.levels.get(_SUBJECT, ())}
    names = [name for name in group.regressors if name not in people]
    if len(names) < len(group.regressors):
        names.append("an indicator of each participant")
    shown = joined(names)
    if len(names) > _MOST_REGRESSORS:
        shown = f"{', '.join(names[:_MOST_REGRESSORS])} and {len(names) - _MOST_REGRESSORS} more"
    return f'(model "{group.name}", regressors {shown})'


def _coding(group: GroupModel) -> list[str]:
    sentences = []
    if group.means_taken:
        means = [f"{name} {mean:.4g}" for name, mean in group.means_taken.items()]
        sentences.append(f"Numeric covariates were centred on their mean ({joined(means)}).")
    if group.levels and not group.only_mean:
        told = [
            f"{name} ({', '.join(levels)})"
            if len(levels) <= _MOST_REGRESSORS
            else f"{name} ({len(levels)} levels)"
            for name, levels in group.levels.items()
            if name != _SUBJECT
        ]
        if told:
            sentences.append(
                f"Categories were {joined(told)}; means and slopes are averages over their levels, "
                "each level counting the same."
            )
    return sentences


def _tests(group: GroupModel) -> list[str]:
    """Say what was tested; t of fixed effects is a z value already."""
    sentences = []
    of_t, of_f = (
        [
            in_words(expression, test, tuple(group.levels))
            for expression, test in group.contrasts
            if test == kind
        ]
        for kind in ("t", "F")
    )
    known = group.estimator == "fixed"
    if of_t and group.only_mean and of_t == ["mean"]:
        paired = any(" minus " in rule for rule in group.rules)
        kind = "paired t-test" if paired else "one-sample t-test"
        what = "The mean was tested against 0" + (f" ({kind})" if group.estimator == "ols" else "")
        sentences.append(f"{what}{_statistic('t', group)}.")
    elif of_t:
        verb = "was" if len(of_t) == 1 else "were each"
        sentences.append(
            f"{_upper('; '.join(of_t))} {verb} tested against 0{_statistic('t', group)}."
        )
    if of_f:
        told = "chi-squared over its degrees of freedom" if known else "an F test"
        sentences.append(
            f"Whether {'; whether '.join(of_f)} differs from 0 was tested with {told}"
            f"{_statistic('F', group)}."
        )
    return sentences


def _statistic(test: str, group: GroupModel) -> str:
    if group.estimator == "fixed":
        return (
            ", by z values"
            if test == "t"
            else ", turned into z values of equal upper tail probability"
        )
    dof = ""
    if group.dof is not None:
        numbers = f"{group.f_dof} and {group.dof}" if test == "F" else f"{group.dof}"
        # voxels may have fewer maps with a variance, and then fewer degrees of freedom
        at_most = "at most " if group.estimator == "mixed" else ""
        if test == "t" or group.f_dof is not None:
            dof = f" ({at_most}{numbers} degrees of freedom)"
    tail = "equal tail probability" if test == "t" else "equal upper tail probability"
    return f"; {test} values{dof} were turned into z values of {tail}"


def _upper(text: str) -> str:
    return f"The {text}" if text.startswith(("mean", "slope")) else f"{text[:1].upper()}{text[1:]}"


def joined(items: Sequence[str]) -> str:
    """
    Join with commas and a last "and".

    Examples
    --------
    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]])) if items else ""

"""The paragraph on bounds from permutations."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bids_ari.boilerplate.group_model import joined

_LINE = "a line through 0, as that of Simes' test [@simes1986]"
_TEMPLATES = {
    "simes": _LINE,
    "beta": (
        "the same quantile of every order statistic of independent p-values [@blanchard2020]"
    ),
    "aorc": "the asymptotically optimal rejection curve [@finner2009; @andreella2023]",
    "higher-criticism": (
        "p-values of which the higher criticism is the same at every rank [@donoho2004; "
        "@andreella2023]"
    ),
    "learned": "quantiles of the sorted p-values under other {kind} [@blain2022]",
}
_EITHER = "sign flips or permutations"
_SHIFTED = re.compile(r"(?P<name>simes|aorc)(?P<shift>\d+)")
ASSUMPTIONS = {
    "sign flips": "the errors of each map are symmetric about 0",
    "permutations": "the errors of all maps are exchangeable",
}

LEARNED = (
    "As thresholds were learned from the same maps, that they control the error rate is proven "
    "where nothing is active; where something is, simulations support it."
)
"""What thresholds that are learned from the maps they are used on are known to do."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How thresholds are calibrated on permutations; what is not known before a run is None."""

    templates: tuple[str, ...]
    """Names of the families of thresholds, with their shift, as ``simes27``."""
    kind: str | None = None
    """``sign flips`` or ``permutations``; None if contrasts differ."""
    number: int | None = None
    """On how many, the maps as they are among them."""
    n_learning: int = 0
    """From how many others thresholds are learned."""
    exhaustive: bool = False
    """Whether these are all distinct ones."""
    seed: int = 0
    residuals: bool = False
    """Whether residuals are transformed, as the model has more than what is tested."""
    blocks: str = ""
    """What maps have to have in common to be exchanged: a column, or the participant."""
    step_down: bool = False


def shift_of(template: str) -> int:
    """
    Tell after how many voxels thresholds begin.

    Examples
    --------
    >>> shift_of("simes27"), shift_of("beta")
    (27, 0)
    """
    found = _SHIFTED.fullmatch(template)
    return int(found["shift"]) if found else 0


def template_in_words(name: str, kind: str | None = None) -> str:
    """
    Say what a family of thresholds is, with its source.

    Parameters
    ----------
    name : str
        With its shift.
    kind : str, optional
        What it was learned from.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it has no description.

    Examples
    --------
    >>> template_in_words("aorc9")
    'the asymptotically optimal rejection curve [@finner2009; @andreella2023], begun after 9 voxels'
    """
    shift = shift_of(name)
    base = name.removesuffix(str(shift)) if shift else name
    if base not in _TEMPLATES:
        msg = f"template is {name!r}, expected one of {', '.join(_TEMPLATES)}"
        raise ValueError(msg)
    text = _TEMPLATES[base].format(kind=kind or _EITHER)
    if not shift:
        return text
    source = "" if "andreella2023" in text else " [@andreella2023]"
    return f"{text}, begun after {shift} voxel{'s' if shift > 1 else ''}{source}"


def by_permutations(calibration: Calibration, p_values: str, alpha: float) -> list[str]:
    """
    Say how bounds were made from permutations, and what they assume.

    Parameters
    ----------
    calibration : Calibration
        What is known of it.
    p_values : str
        Of which tests.
    alpha : float
        Familywise error rate.

    Returns
    -------
    list of str
        Sentences.
    """
    kind = calibration.kind or _EITHER
    sentences = [
        (
            "For every set of voxels there is a lower confidence bound on the number of truly "
            "active voxels in it (true discoveries) and, divided by the size of the set, on the "
            "true discovery proportion (TDP)."
        ),
        (
            f"The bounds come from thresholds that were calibrated on {kind} of the maps "
            "[@blanchard2020; @hemerik2019]: fewer than k inactive voxels pass the k-th threshold, "
            f"for all k together. They were put on {p_values}."
        ),
        _shape(calibration),
        (
            f"{_how_many(calibration, kind)}. The thresholds are the highest of their family that "
            f"any p-values are below in at most a share of {_share(calibration, alpha)} of these "
            "[@hemerik2018]."
        ),
    ]
    if calibration.residuals:
        sentences.append(
            "As the model holds more than what is tested, residuals without that were "
            "transformed, and the whole model was fitted to these [@freedmanlane1983; "
            "@winkler2014]; the error rate is controlled as the number of maps grows."
        )
    if calibration.n_learning:
        sentences.append(LEARNED)
    if calibration.step_down:
        sentences.append(
            "Thresholds were calibrated again without the voxels that are active for certain, until "
            "there were no more of these [@blanchard2020]."
        )
    sentences.append(_assumption(calibration))
    return sentences


def _shape(calibration: Calibration) -> str:
    shapes = [template_in_words(one, calibration.kind) for one in calibration.templates]
    if len(shapes) == 1:
        return f"The thresholds are {shapes[0]}."
    return (
        f"There are {len(shapes)} families of thresholds: {joined_by_semicolon(shapes)}. They share "
        "the error rate equally, and at each rank the highest counts, so that none was chosen by "
        "looking at the data."
    )


def joined_by_semicolon(items: Sequence[str]) -> str:
    """
    Join what has commas inside.

    Examples
    --------
    >>> joined_by_semicolon(["a, b", "c", "d"])
    'a, b; c; and d'
    """
    return "; ".join([*items[:-1], f"and {items[-1]}"])


def _how_many(calibration: Calibration, kind: str) -> str:
    if calibration.number is None:
        drawn = f"Random {kind} were drawn, the maps as they are among them"
    elif calibration.exhaustive:
        drawn = f"All {calibration.number:,} distinct {kind} were used"
    else:
        drawn = (
            f"{calibration.number:,} random {kind}, the maps as they are among them, were drawn "
            f"(seed {calibration.seed})"
        )
    if calibration.n_learning:
        drawn += (
            f", besides {calibration.n_learning:,} others that the thresholds were learned from"
        )
    return drawn


def _share(calibration: Calibration, alpha: float) -> str:
    parts = len(calibration.templates)
    return f"{alpha:g}" if parts == 1 else f"{alpha:g} / {parts} (for each family)"


def _assumption(calibration: Calibration) -> str:
    kinds = [calibration.kind] if calibration.kind else list(ASSUMPTIONS)
    told = [
        assumption(kind, calibration.blocks) + (f" (for {kind})" if len(kinds) > 1 else "")
        for kind in kinds
    ]
    return f"It is assumed that {joined(told)} [@winkler2014]."


def assumption(kind: str, blocks: str = "") -> str:
    """
    Say what has to be true of errors.

    Parameters
    ----------
    kind : str
        ``sign flips`` or ``permutations``.
    blocks : str
        What maps have to have in common to be exchanged.

    Returns
    -------
    str

    Examples
    --------
    >>> assumption("sign flips")
    'the errors of each map are symmetric about 0'
    >>> assumption("permutations", "site")
    'the errors of maps with the same site are exchangeable, and only these were exchanged'
    """
    if not blocks:
        return ASSUMPTIONS[kind]
    if kind == "sign flips":
        return f"{ASSUMPTIONS[kind]}, and all maps with the same {blocks} were flipped together"
    return f"the errors of maps with the same {blocks} are exchangeable, and only these were exchanged"

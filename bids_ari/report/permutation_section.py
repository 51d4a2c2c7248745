"""What the page says of the permutations that thresholds were calibrated on."""

import math
from collections.abc import Iterator
from typing import Any

from bids_ari.boilerplate import assumption, readable, template_in_words
from bids_ari.report import words
from bids_ari.report.calibration import Permutations, Template
from bids_ari.report.results import Result
from bids_ari.report.text import blocks_of

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_TIMES = "\N{MULTIPLICATION SIGN}"
_FEW_DIGITS = -4


def bounds_by(result: Result) -> str:
    """
    Name what bounds are made by.

    Parameters
    ----------
    result : Result
        One analysis.

    Returns
    -------
    str
        To be put behind "by".
    """
    of = result.permutations
    if of is None:
        return "All-Resolutions Inference"
    return f"thresholds calibrated on {words.count(of.number)} {of.kind}"


def permutation_section(result: Result) -> dict[str, Any] | None:
    """Gather what stands on the page of permutations; None where there are none."""
    of = result.permutations
    if of is None:
        return None
    facts = [*_facts(result, of)]
    return {
        "kind": of.kind,
        "facts": [{"name": name, "text": words.typeset(text)} for name, text in facts],
        "templates": [
            {
                "family": _upper(readable(template_in_words(one.name, of.kind))),
                "alpha": f"{one.alpha:.4g}",
                "level": level_in_words(one, of.n_learning),
                "steps": one.steps,
            }
            for one in of.templates
        ],
        "step_down": of.step_down,
        "simes": words.typeset(_simes(result, of)),
        "alt": _alt(of),
        "caption": what_envelope_shows(of),
        "shift": of.shift,
        "least_p": f"{len(of.templates) / of.number:.4g}",
    }


def what_envelope_shows(of: Permutations) -> str:
    """
    Say what the figure of p-values in order shows.

    Parameters
    ----------
    of : Permutations
        How thresholds were calibrated.

    Returns
    -------
    str
        A caption.
    """
    return (
        "P-values of the mask in order, the smallest first: as observed (thick line) and under "
        f"{of.kind} (band: 90 % of them; dashed: their median), with the thresholds that bounds "
        "derive from (triangles) and those of All-Resolutions Inference (dotted, squares). The "
        "further right the observed line runs of the thresholds, the more voxels are active. Both "
        "scales are logarithmic."
    )


def level_in_words(template: Template, n_learning: int = 0) -> str:
    """
    Say which thresholds of a family were calibrated.

    Parameters
    ----------
    template : Template
        With its level.
    n_learning : int
        What thresholds were learned from.

    Returns
    -------
    str

    Examples
    --------
    >>> level_in_words(Template("simes27", 0.05, 0.23654, 0))
    'slope 0.2365'
    >>> level_in_words(Template("beta", 0.05, math.log(0.2 / 0.8), 0))
    'quantile 0.2'
    >>> level_in_words(Template("learned", 0.05, 17, 0), 1000)
    'the 17th smallest of 1,000 at each rank'
    """
    level = template.level
    if math.isinf(level):
        return "without limit" if level > 0 else "none"
    if template.name == "beta":
        # log of 1 / (1 + exp(-level)), which may be below the range of doubles
        log10 = (min(level, 0.0) - math.log1p(math.exp(-abs(level)))) / math.log(10)
        return f"quantile {_power(log10)}"
    if template.name == "higher-criticism":
        return f"higher criticism {words.signed(-level, 3)}"
    if template.name == "learned":
        if level < 1:
            return f"{level:.4g} of a line below the smallest"
        return f"the {_nth(int(level))} smallest of {words.count(n_learning)} at each rank"
    return f"{'slope' if template.name.startswith('simes') else 'level'} {level:.4g}"


def _power(log10: float) -> str:
    if log10 > _FEW_DIGITS:
        return f"{10**log10:.2g}"
    exponent = math.floor(log10 + 1e-9)
    mantissa = math.floor(10 * 10 ** (log10 - exponent) + 1e-6) / 10
    return f"{mantissa:.1f} {_TIMES} 10{str(exponent).translate(_SUPERSCRIPTS)}"


def _nth(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{'th' if number % 100 in (11, 12, 13) else ending}"


def _facts(result: Result, of: Permutations) -> Iterator[tuple[str, str]]:
    what = {"sign flips": "signs of maps flipped", "permutations": "maps permuted"}.get(
        of.kind, of.kind
    )
    if of.exhaustive:
        how = f"all {words.count(of.number)} distinct ways, so that nothing is random"
    else:
        how = (
            f"{words.count(of.number)} ways drawn at random (seed {of.seed}), the maps as they are "
            "among them"
        )
    yield _upper(of.kind), f"{what} in {how}"
    if of.n_learning:
        yield (
            "Learned from",
            (
                f"{words.count(of.n_learning)} other {of.kind} of the same maps, used for nothing "
                "else; that the error rate is controlled is proven where nothing is active, and "
                "supported by simulations where something is"
            ),
        )
    yield (
        "Assumption",
        (f"{assumption(of.kind, blocks_of(result))}; beyond that, their distribution may be any"),
    )
    if not of.exact:
        yield (
            "Other regressors",
            (
                "residuals of a model without what is tested were transformed, and the whole model "
                "was fitted to these (Freedman and Lane); the error rate is then not exact, but "
                "approached as the number of maps grows"
            ),
        )
    n_families = len(of.templates)
    if n_families > 1:
        yield (
            "Several families",
            (
                f"alpha is shared equally among {n_families} families of thresholds, and at each "
                "rank the highest counts; they were named beforehand, so that none was chosen by "
                "looking"
            ),
        )
    if of.step_down:
        yield (
            "Stepping down",
            "thresholds were calibrated again without the voxels that are active for certain",
        )


def _simes(result: Result, of: Permutations) -> str:
    """Say how often Simes' test errs, and what that means."""
    alpha = float(result.inference["Alpha"])
    low, high = (of.simes_error, of.simes_error) if of.exhaustive else of.simes_interval
    between = (
        "" if of.exhaustive else f" (95 % confidence: {words.share(low)} to {words.share(high)})"
    )
    measured = (
        f"Simes' test, on which All-Resolutions Inference rests, rejects in {words.share(of.simes_error)} "
        f"of the {of.kind}{between}, where alpha allows {words.percent(alpha)}"
    )
    if high < alpha:
        return (
            f"{measured}: it errs less often than it may, because voxels depend on each other, and "
            f"thresholds from {of.kind} can be higher."
        )
    if low > alpha:
        return (
            f"{measured}: either what it assumes does not hold for these maps, or effects are so "
            f"strong that {of.kind} do not hide them; bounds from {of.kind} do not rest on it."
        )
    return (
        f"{measured}: about as often as it may, so that nothing speaks against its assumption, "
        f"and thresholds of its shape gain little from {of.kind}."
    )


def _alt(of: Permutations) -> str:
    first = of.ordered[0]
    threshold = "none" if first.threshold is None else f"{first.threshold:.2g}"
    return (
        f"Curves of p-values against their rank: the smallest is {first.observed:.2g}, under "
        f"{of.kind} it lies between {first.low:.2g} and {first.high:.2g} in 90 % of them; its "
        f"threshold is {threshold}, by All-Resolutions Inference {first.ari_threshold:.2g}"
    )


def _upper(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"

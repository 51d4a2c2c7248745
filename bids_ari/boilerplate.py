"""The methods text for a paper, before or after a run, and the references it cites."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

_CITATION = re.compile(r"\[(@[\w]+(?:; @[\w]+)*)\]")
_ENTRY = re.compile(r"^@\w+\{(?P<key>\w+),\n.*?^\}$", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^  (?P<name>\w+) = \{(?P<value>.*)\},?$", re.MULTILINE)

_TESTS = {
    "two-sided": "two-sided p-values, keeping voxels of opposite sign apart when clusters are formed",
    "greater": "one-sided p-values for effects greater than zero",
    "less": "one-sided p-values for effects less than zero",
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
    cluster_thresholds: Sequence[float] = (3.1,),
    connectivity: int = 18,
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
    method : str
        How the critical values of the bound were obtained; ``ari`` is the only one known.
    cluster_thresholds : sequence of float
        z values above which clusters were formed.
    connectivity : {6, 18, 26}
        What counts as a neighbour.
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
        ("method", method, ("ari",)),
        ("alternative", alternative, tuple(_TESTS)),
        ("connectivity", connectivity, tuple(_CONTACT)),
    ):
        if value not in known:
            msg = f"{name} is {value!r}, expected one of {', '.join(map(str, known))}"
            raise ValueError(msg)
    paragraphs = [
        _group_model(contrast, n_maps, input_stat, smoothing_fwhm, model, regressors, mask_rule),
        _inference(alternative, alpha, n_features, hommel_value, discoveries),
        _clusters(cluster_thresholds, connectivity, alternative),
        _software(versions or {}),
    ]
    return "\n\n".join(paragraphs) + "\n"


def cited(text: str) -> list[str]:
    """Return the keys that a text cites, each once, in order of appearance."""
    found = (key for match in _CITATION.finditer(text) for key in match[1].split("; "))
    return list(dict.fromkeys(key.removeprefix("@") for key in found))


def bibtex(text: str) -> str:
    """Return the BibTeX entries of what a text cites."""
    return "\n\n".join(_entries()[key] for key in cited(text)) + "\n"


def readable(text: str) -> str:
    """
    Replace the citation keys of a text by authors and year.

    Examples
    --------
    >>> readable("as shown [@goeman2011; @simes1986]")
    'as shown (Goeman & Solari, 2011; Simes, 1986)'
    """
    return _CITATION.sub(
        lambda match: (
            f"({'; '.join(_short(key.removeprefix('@')) for key in match[1].split('; '))})"
        ),
        text,
    )


def reference_list(text: str) -> list[str]:
    """Return what a text cites as lines for a list of references, in alphabetical order."""
    return sorted(_long(key) for key in cited(text))


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
    alternative: str,
    alpha: float,
    n_features: int | None,
    hommel_value: int | None,
    discoveries: int | None,
) -> str:
    sentences = [
        (
            "All-Resolutions Inference [@rosenblatt2018] gave, for every set of voxels, a lower "
            "confidence bound on the number of truly active voxels in it (true discoveries) and, "
            "divided by the size of the set, on the true discovery proportion (TDP)."
        ),
        (
            f"The bounds come from closed testing with Simes' test [@simes1986; @goeman2011; "
            f"@goeman2019] and Hommel's value [@hommel1988; @meijer2019] on {_TESTS[alternative]}."
        ),
        (
            f"All bounds hold together with confidence {1 - alpha:.4g} (familywise error rate "
            f"{alpha:g}), so that sets may be chosen after seeing the data."
        ),
        (
            "Simes' inequality is assumed to hold, as it does under positive dependence of the "
            "voxels' tests."
        ),
    ]
    if n_features is not None:
        found = f"The analysis covered {n_features:,} voxels"
        if hommel_value is not None:
            found += f" with a Hommel value of {hommel_value:,}"
        if discoveries is not None:
            found += f"; at least {discoveries:,} of them were active"
        sentences.append(f"{found}.")
    return " ".join(sentences)


def _clusters(thresholds: Sequence[float], connectivity: int, alternative: str) -> str:
    beyond = {"two-sided": "|z| > ", "greater": "z > ", "less": "z < -"}[alternative]
    levels = _list([f"{beyond}{threshold:g}" for threshold in sorted(thresholds)])
    several = (
        " Using several thresholds needs no further correction." if len(thresholds) > 1 else ""
    )
    return (
        f"Clusters were formed of voxels with {levels} that share {_CONTACT[connectivity]}, and "
        f"the bound of each was reported.{several}"
    )


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


@cache
def _entries() -> dict[str, str]:
    text = (files("bids_ari") / "data" / "references.bib").read_text(encoding="utf-8")
    return {match["key"]: match[0] for match in _ENTRY.finditer(text)}


def _fields(key: str) -> dict[str, str]:
    entry = _entries()[key].replace(r"{\'e}", "é")
    return {
        match["name"]: re.sub(r"[{}]", "", match["value"]).replace("--", "-")
        for match in _FIELD.finditer(entry)
    }


def _short(key: str) -> str:
    fields = _fields(key)
    names = [author.split(",")[0] for author in fields["author"].split(" and ")]
    authors = (
        " & ".join(names) if len(names) < 3 and "others" not in names else f"{names[0]} et al."
    )
    return f"{authors}, {fields['year']}" if "year" in fields else authors


def _long(key: str) -> str:
    fields = _fields(key)
    names = fields["author"].split(" and ")
    authors = f"{'; '.join(names[:-1])}; et al." if names[-1] == "others" else "; ".join(names)
    year = f" ({fields['year']})" if "year" in fields else ""
    where = fields.get("journal", fields.get("publisher", ""))
    if "volume" in fields:
        where += f" {fields['volume']}" + (f", {fields['pages']}" if "pages" in fields else "")
    return f"{authors.removesuffix('.') if not year else authors}{year}. {fields['title']}. {where}. https://doi.org/{fields['doi']}"

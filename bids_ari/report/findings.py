"""What a result says in a few sentences."""

from bids_ari.report.model_section import tested
from bids_ari.report.records import Cut
from bids_ari.report.results import Result
from bids_ari.report.words import beyond, chosen, count, number_of, percent, proportion

_USUAL_TDP = 0.7


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
        One to three sentences that begin with the contrast, and what it tests if not a mean.
    """
    what = tested(result)
    which = "" if what == "mean" else f" ({what})"
    return f"{result.contrast}{which}: {summary(result)}"


def summary(result: Result) -> str:
    """Say the key numbers in words, without the name of the contrast."""
    where = "the mask"
    if nothing_found(result):
        return (
            f"nothing found: with {percent(result.confidence)} confidence, none of the "
            f"{count(result.n_features)} voxels in {where} can be claimed to be active"
            f"{_by_what(result)}."
        )
    whole = (
        f"at least {count(result.discoveries)} of {number_of(result.n_features, 'voxel')} in "
        f"{where} are active (TDP >= {proportion(result.discoveries, result.n_features)}), with "
        f"{percent(result.confidence)} confidence{_by_what(result)}."
    )
    sentences = [whole, _clusters(result.heights[0], result.alternative)]
    if result.tdp_cuts:
        usual = [cut for cut in result.tdp_cuts if cut.value == _USUAL_TDP]
        sentences.append(_reaching(usual[0] if usual else result.tdp_cuts[0]))
    return " ".join(sentences)


def _by_what(result: Result) -> str:
    """Name permutations and what there is without them; nothing for bounds from p-values alone."""
    of = result.permutations
    if of is None:
        return ""
    return (
        f", by thresholds calibrated on {count(of.number)} {of.kind} (without these, by "
        f"All-Resolutions Inference: {count(of.ari_discoveries)})"
    )


def condition(cut: Cut, alternative: str) -> str:
    """
    Say what a set of clusters has in common.

    Parameters
    ----------
    cut : Cut
        The set.
    alternative : {"two-sided", "greater", "less"}
        Sidedness of the test.

    Returns
    -------
    text : str
        As ``|z| > 3.1`` or ``TDP >= 0.7``.
    """
    if cut.kind == "tdp":
        return f"TDP >= {cut.value:.10g}"
    return beyond(chosen(cut.value) if cut.by_data else cut.value, alternative)


def other_space(result: Result) -> str:
    """Say how the space of the maps differs from that of the template asked for; empty if not."""
    asked = result.background
    if asked is None or not asked.space or not result.space or result.space == asked.space:
        return ""
    return f"their space ({result.space}) is not that of the template asked for ({asked.space})"


def nothing_found(result: Result) -> bool:
    """Tell whether no voxel at all can be claimed to be active."""
    return result.discoveries == 0


def _clusters(cut: Cut, alternative: str) -> str:
    where = condition(cut, alternative)
    if not cut.clusters:
        return f"No voxel has {where}, so there is no cluster there."
    n_found, n_all = len(cut.found), len(cut.clusters)
    if n_found == 0:
        return f"At {where}, none of {number_of(n_all, 'cluster')} has a discovery of its own."
    best = max(cut.found, key=lambda cluster: (cluster.discoveries, -cluster.number))
    which = (
        f"{n_found} of {number_of(n_all, 'cluster')} {'has' if n_found == 1 else 'have'} at least "
        "one discovery"
        if n_all > 1
        else "there is one cluster"
    )
    sign = f" ({best.sign})" if alternative == "two-sided" else ""
    return (
        f"At {where}, {which}: in cluster {best.number}{sign} at least {count(best.discoveries)} of "
        f"{number_of(best.voxels, 'voxel')} are active "
        f"(TDP >= {proportion(best.discoveries, best.voxels)})."
    )


def _reaching(cut: Cut) -> str:
    goal = f"TDP >= {cut.value:.10g}"
    if not cut.clusters:
        return f"No cluster reaches {goal}."
    largest = number_of(max(cluster.voxels for cluster in cut.clusters), "voxel")
    if len(cut.clusters) == 1:
        return f"One cluster reaches {goal}, with {largest}."
    return f"{count(len(cut.clusters))} clusters reach {goal}, the largest with {largest}."

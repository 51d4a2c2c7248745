"""From the files of a result to its forest, computed anew and compared with the tables."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_ari.errors import InputError
from bids_ari.images import VolumeDomain, load_domain
from bids_ari.report.findings import condition
from bids_ari.report.records import Cut
from bids_ari.report.results import Result
from bids_ari.stats import (
    ALTERNATIVES,
    METHODS,
    Alternative,
    BoundedForest,
    Evidence,
    bound_forest,
    concentration_threshold,
    grow_forest,
    min_true_discoveries,
    supra_threshold,
)

_CONNECTIVITY = 18  # of outputs that do not say


@dataclass(frozen=True, eq=False)
class Explored:
    """All clusters of a result with their bounds, and what bounds of any other set need."""

    domain: VolumeDomain
    z_values: NDArray[np.float64]
    """(n_features,) signed statistic."""
    p_values: NDArray[np.float64]
    """(n_features,)"""
    critical_vector: NDArray[np.float64]
    """(n_critical,) thresholds that all bounds derive from."""
    bounded: BoundedForest
    connectivity: int
    chosen_height: float
    """The threshold beyond which all discoveries lie; see
    :func:`bids_ari.stats.concentration_threshold`."""


def gather(result: Result) -> Explored:
    """
    Compute the forest of a result from its maps.

    Parameters
    ----------
    result : Result
        One analysis, as read from disk.

    Returns
    -------
    Explored

    Raises
    ------
    InputError
        If a map is missing or cannot be read, or if the tables of clusters have other numbers than
        the maps give: what is explored would not be what is reported.
    """
    domain = load_domain(result.mask)
    for stat in ("z", "p"):
        if stat not in result.maps:
            msg = f"{result.stem}_stat-{stat}_statmap.nii.gz is missing"
            raise InputError(msg)
    z_values, p_values = (domain.values(result.maps[stat]) for stat in ("z", "p"))
    for stat, values in (("z", z_values), ("p", p_values)):
        if np.isnan(values).any():
            msg = f"{result.maps[stat].name} has voxels of the mask without a value"
            raise InputError(msg)
    critical_vector = _critical_vector(result, p_values)
    alternative = _alternative(result)
    connectivity = int(result.inference.get("Connectivity", _CONNECTIVITY))
    beyond = supra_threshold(z_values, 0, alternative)
    adjacency = domain.adjacency(np.flatnonzero(beyond), connectivity)
    bounded = bound_forest(grow_forest(z_values, beyond, adjacency), p_values, critical_vector)
    found = min_true_discoveries(p_values, critical_vector)
    if found != result.discoveries:
        msg = (
            f"the maps give at least {found} active voxels in the mask, the sidecars say "
            f"{result.discoveries}"
        )
        raise InputError(msg)
    chosen = concentration_threshold(z_values, beyond, p_values, critical_vector)
    for cut in result.heights:
        # what the data choose is compared as the data choose it, to the last digit
        nodes = bounded.forest.above_height(chosen if cut.by_data else cut.value)
        _compare(cut, nodes, bounded, result.alternative)
    return Explored(
        domain=domain,
        z_values=z_values,
        p_values=p_values,
        critical_vector=critical_vector,
        bounded=bounded,
        connectivity=connectivity,
        chosen_height=chosen,
    )


def _critical_vector(result: Result, p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute thresholds anew, or take those that permutations of the maps have given."""
    if result.permutations:
        return np.array(result.permutations.thresholds, dtype=np.float64)
    method = METHODS.get(result.method)
    if method is None:
        msg = f"the method is {result.method!r}, expected one of {', '.join(METHODS)}"
        raise InputError(msg)
    return method(Evidence(p_values), float(result.inference["Alpha"]))


def _alternative(result: Result) -> Alternative:
    if result.alternative not in ALTERNATIVES:
        msg = (
            f"the alternative is {result.alternative!r}, expected one of {', '.join(ALTERNATIVES)}"
        )
        raise InputError(msg)
    return result.alternative


def _compare(cut: Cut, nodes: NDArray[np.intp], bounded: BoundedForest, alternative: str) -> None:
    """Refuse a forest whose clusters at a threshold are not those of the table."""
    size, found = bounded.forest.size[nodes], bounded.n_discoveries[nodes]
    # sorted: among clusters of one size, the order is no concern here
    computed = sorted(zip(size.tolist(), found.tolist(), strict=True))
    table = sorted((one.voxels, one.discoveries) for one in cut.clusters)
    if computed != table:
        n_other = len(set(computed) ^ set(table)) or abs(len(computed) - len(table))
        msg = (
            f"the maps do not give the clusters at {condition(cut, alternative)} that the table "
            f"has: {len(computed)} with {found.sum()} discoveries, expected {len(table)} with "
            f"{sum(one for _, one in table)}; {n_other} differ in size or discoveries"
        )
        raise InputError(msg)

"""Bounds of regions, which may overlap: at several error rates, and the confidence of a claim."""

from collections.abc import Iterable
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bids_ari.stats.bounds import bound_sets
from bids_ari.stats.closed_testing import ClosedTesting

Regions: TypeAlias = NDArray[np.bool_] | sparse.csr_array
"""(n_regions, n_features) which features each region holds, dense or sparse: regions may overlap,
and the table of clusters by regions is the product of two of these."""


class Claims(Protocol):
    """What tells how sure a claim is: closed testing, or permutations."""

    @property
    def p_values(self) -> NDArray[np.floating]:
        """Of all features of the search volume: (n_features,)."""

    def adjusted_of_sets(
        self,
        p_values: NDArray[np.float64],
        ranks: NDArray[np.int64],
        sets: NDArray[np.intp],
        n_sets: int,
    ) -> NDArray[np.float64]:
        """
        Adjust the p-value that a set holds any active feature, for (n_sets,) sets.

        The p-values of the members of all sets are given, with their ranks in their sets.
        """


ANY = float(np.nextafter(0, 1))
"""The TDP of a set that holds any active feature at all, as a claim (:func:`claim_p_values`)."""


def min_true_discoveries_by_region(
    p_values: NDArray[np.floating], regions: Regions, critical_vector: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """
    Bound the true discoveries of every region, also where regions overlap, all in one pass.

    Parameters
    ----------
    p_values : (n_features,) array
        P-value of each feature.
    regions : (n_regions, n_features) array, dense or sparse
        Which features each region holds.
    critical_vector : (n_critical,) array
        See :func:`min_true_discoveries`.

    Returns
    -------
    size, n_discoveries : (n_regions,) array of int
        How many features each region holds; how many of these are active at least.

    Examples
    --------
    >>> regions = np.array([[True, True, True], [False, True, True], [False, False, False]])
    >>> p_values, critical_vector = np.array([0.001, 0.02, 0.6]), np.array([0.01, 0.03, 0.05])
    >>> min_true_discoveries_by_region(p_values, regions, critical_vector)
    (array([3, 2, 0]), array([1, 0, 0]))
    """
    region, feature, size = _members(regions)
    return size, bound_sets(p_values[feature], region, size, critical_vector)


def min_true_discoveries_at(
    alphas: Iterable[float], regions: Regions, closed: ClosedTesting
) -> NDArray[np.int64]:
    """
    Bound the true discoveries of every region at several error rates.

    Parameters
    ----------
    alphas : iterable of float
        Familywise error rates. The bounds of each hold together with its confidence.
    regions : (n_regions, n_features) array, dense or sparse
        Which features each region holds.
    closed : ClosedTesting
        Of all features.

    Returns
    -------
    (n_alphas, n_regions) array of int

    Examples
    --------
    >>> closed = ClosedTesting(np.array([0.001, 0.02, 0.6]))
    >>> min_true_discoveries_at([0.01, 0.05], np.array([[True, True, True]]), closed)
    array([[1],
           [2]])
    """
    region, feature, size = _members(regions)
    p_values = closed.p_values[feature]
    bounds = [bound_sets(p_values, region, size, closed.critical_vector(a)) for a in alphas]
    return np.array(bounds, dtype=np.int64).reshape(-1, size.size)


def claim_p_values(tdp: float, regions: Regions, claims: Claims) -> NDArray[np.float64]:
    r"""
    Adjust the p-value of the claim, for every region, that its TDP is at least a given one.

    Parameters
    ----------
    tdp : float
        Proportion of active features, between 0 and 1.
    regions : (n_regions, n_features) array, dense or sparse
        Which features each region holds.
    claims : ClosedTesting or PermutationClaims
        Of all features.

    Returns
    -------
    (n_regions,) array
        For each the smallest alpha whose bound reaches the TDP; 1 less this is the confidence at
        which the claim can be made. 1 for regions without features, unless the TDP is 0.

    Raises
    ------
    ValueError
        If the TDP is not between 0 and 1.

    Notes
    -----
    At least :math:`k` of :math:`s` features are active when any :math:`s - k + 1` of them hold an
    active one. The hardest such part to reject leaves out the :math:`k - 1` smallest p-values.

    Examples
    --------
    >>> closed = ClosedTesting(np.array([0.001, 0.02, 0.6]))
    >>> claim_p_values(0.5, np.array([[True, True, False], [True, True, True]]), closed)
    array([0.003, 0.04 ])
    """
    if not 0 <= tdp <= 1:
        msg = f"TDP is {tdp}, expected a number between 0 and 1"
        raise ValueError(msg)
    region, feature, size = _members(regions)
    needed = fewest_discoveries(size, tdp)
    p_values = claims.p_values[feature].astype(np.float64)
    order = np.lexsort((p_values, region))
    p_values, region = p_values[order], region[order]
    start = np.cumsum(size) - size
    rank = np.arange(1, region.size + 1) - start[region]  # in the region
    left = rank - (needed[region] - 1).clip(min=0)  # after those left out
    in_part = left > 0
    adjusted = claims.adjusted_of_sets(
        p_values[in_part], left[in_part], region[in_part], size.size
    )
    trivial = np.where(size == 0, float(tdp > 0), 0.0)
    return np.where(needed == 0, trivial, adjusted)


def fewest_discoveries(size: NDArray[np.int64], tdp: float) -> NDArray[np.int64]:
    """
    Find how many discoveries sets need for a TDP.

    Parameters
    ----------
    size : (n_sets,) array of int
        How many features each has.
    tdp : float
        Between 0 and 1.

    Returns
    -------
    (n_sets,) array of int
        The fewest whose proportion, in double precision, is at least the TDP: 7 of 10 have 0.7.

    Examples
    --------
    >>> fewest_discoveries(np.array([10, 3, 100]), 0.7)
    array([ 7,  3, 70])
    """
    needed = np.ceil(size * tdp)
    some = size > 0
    # the product rounds, and so does the TDP that is meant: 7 / 10 is the same double as 0.7
    needed -= np.divide(needed - 1, size, out=np.full(size.size, -1.0), where=some) >= tdp
    needed += np.divide(needed, size, out=np.full(size.size, np.inf), where=some) < tdp
    return np.asarray(needed, dtype=np.int64)


def _members(
    regions: Regions,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]:
    """Region and feature of each membership, region by region; size of each region."""
    region, feature = regions.nonzero()
    size = np.bincount(region, minlength=regions.shape[0])
    return region.astype(np.intp), feature.astype(np.intp), size.astype(np.int64)

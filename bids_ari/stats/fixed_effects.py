"""Fixed effects: maps weighted by the inverse of their variances, which are taken as known."""

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.estimates import Estimates
from bids_ari.stats.refusals import design_factors
from bids_ari.stats.weighted import Blocks, solve, weighted_sums


def fixed_effects(blocks: Blocks, design: NDArray[np.floating]) -> Estimates:
    """
    Fit a group model by inverse-variance weighting, holding one block of maps at a time.

    What is estimated is the effect common to these maps; it says nothing of others, as differences
    between maps beyond their variances are not taken into account (:func:`mixed_effects` does).

    A map does not enter at features where its value is not finite, or its variance not finite and
    positive. Where the maps that enter do not determine all regressors, nothing is testable.

    Parameters
    ----------
    blocks : iterable of (effects, variances)
        Each (n_block, n_features), in single or double precision: contrast estimates of the first
        level and their sampling variances, in the order of the rows of the design.
    design : (n_maps, n_regressors) array
        Of full column rank.

    Returns
    -------
    Estimates
        With infinite degrees of freedom: z statistics.

    Raises
    ------
    ValueError
        If there are fewer maps than regressors, the regressors are collinear, or the maps are not
        as many as the rows of the design.

    References
    ----------
    .. [1] Beckmann et al. (2003), NeuroImage 20, 1052-1063, doi:10.1016/S1053-8119(03)00435-X

    Examples
    --------
    >>> from bids_ari.stats import estimated_contrast
    >>> effects, variances = np.array([[1.0], [4.0]]), np.array([[1.0], [0.5]])
    >>> maps = estimated_contrast(
    ...     fixed_effects([(effects, variances)], np.ones((2, 1))), np.ones(1)
    ... )
    >>> maps.effect, maps.variance.round(4), maps.z.round(4)
    (array([3.]), array([0.3333]), array([5.1962]))
    """
    basis, r = design_factors(design)
    sums = weighted_sums(blocks, basis)
    solution = solve(sums)
    return Estimates(
        r,
        solution.coefficients,
        solution.covariance,
        np.inf,
        np.zeros(sums.weight.size),
        sums.n_maps,
        solution.determined,
    )

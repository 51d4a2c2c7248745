"""Mixed effects: maps with known variances that also differ from each other."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.estimates import Estimates
from bids_ari.stats.refusals import design_factors, residual_dof
from bids_ari.stats.weighted import Blocks, Solution, Sums, solve, weighted_sums


def mixed_effects(read_blocks: Callable[[], Blocks], design: NDArray[np.floating]) -> Estimates:
    """
    Fit a group model with a variance between maps at each feature, one block of maps at a time.

    The variance between maps, tau^2, is that of DerSimonian and Laird [1]_, not below 0, and maps
    have the weights ``1 / (variance + tau^2)``. As tau^2 is estimated, the covariance is multiplied
    by the mean weighted square of the residuals if this is above 1, and tests are by Student's t
    or F with the residual degrees of freedom (Knapp and Hartung [2]_, in the variant that never
    narrows an interval [3]_).

    A map does not enter at features where its value is not finite, or its variance not finite and
    positive. Where the maps that enter do not determine all regressors and leave a degree of
    freedom, nothing is testable.

    Parameters
    ----------
    read_blocks : callable
        Gives an iterable of (effects, variances), each (n_block, n_features), in the order of the
        rows of the design. Called twice, must give the same.
    design : (n_maps, n_regressors) array
        Of full column rank.

    Returns
    -------
    Estimates
        With the degrees of freedom of each feature: maps that enter less regressors.

    Raises
    ------
    ValueError
        If there are not more maps than regressors, the regressors are collinear, or the maps are
        not as many as the rows of the design.

    Notes
    -----
    With small groups the test is conservative where maps differ no more than their variances say,
    holds its level where variances are alike, and rejects too often where they are not: few maps
    then carry the weight, and t does not know. In simulations of ten maps without effect, one
    sample, the worst shares of p < 0.05 and of p < 0.001 are 0.050 and 0.0008 if the logarithm of
    the variances has a standard deviation of 0.5 (nine maps out of ten within a factor of 5), 0.055
    and 0.002 if it is 1 (a factor of 27), but 0.09 and 0.011 if it is 2 (a factor of 700). The
    t-test of the effects alone keeps its level in all of these: prefer it when variances differ
    that much (``benchmarks/group_models.py`` prints the table).

    References
    ----------
    .. [1] DerSimonian, Laird (1986), Controlled Clinical Trials 7, 177-188,
       doi:10.1016/0197-2456(86)90046-2; with covariates: Thompson, Sharp (1999),
       Statistics in Medicine 18, 2693-2708.
    .. [2] Knapp, Hartung (2003), Statistics in Medicine 22, 2693-2710, doi:10.1002/sim.1482
    .. [3] Roever, Knapp, Friede (2015), BMC Medical Research Methodology 15, 99,
       doi:10.1186/s12874-015-0091-1

    Examples
    --------
    >>> from bids_ari.stats import estimated_contrast
    >>> effects, variances = np.array([[1.0], [4.0], [7.0]]), np.ones((3, 1))
    >>> estimates = mixed_effects(lambda: [(effects, variances)], np.ones((3, 1)))
    >>> maps = estimated_contrast(estimates, np.ones(1))
    >>> estimates.tau2, maps.effect, maps.variance, maps.t.round(3), maps.dof
    (array([8.]), array([4.]), array([3.]), array([2.309]), array([2.]))
    """
    n_maps, n_regressors = design.shape
    basis, r = design_factors(design)
    residual_dof(n_maps, r)
    sums = weighted_sums(read_blocks(), basis)
    fixed = solve(sums)
    dof = np.maximum(sums.n_maps - n_regressors, 0).astype(np.float64)
    testable = fixed.determined & (dof > 0)
    tau2 = _variance_between_maps(sums, fixed, dof, testable)
    del sums
    again = weighted_sums(read_blocks(), basis, tau2=tau2, start=fixed.coefficients)
    mixed = solve(again)
    testable &= mixed.determined
    excess = np.divide(mixed.deviance, dof, out=np.ones_like(dof), where=testable)
    covariance = mixed.covariance * np.maximum(excess, 1)[:, None, None]
    return Estimates(r, mixed.coefficients, covariance, dof, tau2, again.n_maps, testable)


def _variance_between_maps(
    sums: Sums,
    fixed: Solution,
    dof: NDArray[np.float64],
    testable: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """(Q - dof) / (tr W - tr (X'WX)^-1 X'W^2X) where this is positive, else 0."""
    scale = sums.weight - np.einsum("fij,fji->f", fixed.covariance, sums.squared)
    excess = fixed.deviance - dof
    tau2 = np.zeros_like(dof)
    np.divide(excess, scale, out=tau2, where=testable & (excess > 0) & (scale > 0))
    return tau2

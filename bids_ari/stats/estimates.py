"""Tests of models whose variance differs from feature to feature, by fixed or mixed effects."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.fisher import f_z_and_p_values
from bids_ari.stats.refusals import refuse_contrast, refuse_f_contrast
from bids_ari.stats.student import ALTERNATIVES, Alternative, z_and_sided_p_values


class Estimates(NamedTuple):
    """A group model of maps with variances, fitted at each feature."""

    r: NDArray[np.float64]
    """(n_regressors, n_regressors) triangular: the design is an orthonormal basis times this."""
    coefficients: NDArray[np.float64]
    """(n_features, n_regressors) of the basis."""
    covariance: NDArray[np.float64]
    """(n_features, n_regressors, n_regressors) of the coefficients."""
    dof: float | NDArray[np.float64]
    """Residual degrees of freedom: infinity if variances are known, else (n_features,)."""
    tau2: NDArray[np.float64]
    """(n_features,) variance between maps, in squared units of the maps; 0 for fixed effects."""
    n_maps: NDArray[np.int32]
    """(n_features,) maps that enter there."""
    testable: NDArray[np.bool_]
    """(n_features,) whether enough maps enter to test anything."""


class EstimatedContrast(NamedTuple):
    """What one contrast of a model with variances gives at each feature."""

    effect: NDArray[np.float64]
    """(n_features,) contrast estimate, in the units of the maps; 0 where nothing is testable."""
    variance: NDArray[np.float64]
    """(n_features,) sampling variance of the effect; 0 where nothing is testable."""
    t: NDArray[np.float64]
    """(n_features,) effect over its standard error; 0 where nothing is testable."""
    dof: float | NDArray[np.float64]
    """Of t; infinity if it is a standard normal statistic."""
    z: NDArray[np.float64]
    """(n_features,) standard normal value of the same tail; 0 where nothing is testable."""
    p: NDArray[np.float64]
    """(n_features,) p-value in double precision; 1 where nothing is testable."""
    n_untestable: int
    """Features where too few maps have a value and a variance."""
    sided_p: dict[Alternative, NDArray[np.float64]]
    """The same p-values under every alternative."""


class EstimatedFContrast(NamedTuple):
    """What several contrasts at once of a model with variances give at each feature."""

    f: NDArray[np.float64]
    """(n_features,) Wald statistic over ``dof``; 0 where nothing is testable."""
    dof: int
    """Of the numerator: rows of the contrast."""
    dof_residual: float | NDArray[np.float64]
    """Of the denominator; if it is infinity, ``dof * f`` is a chi-squared statistic."""
    z: NDArray[np.float64]
    """(n_features,) as :func:`f_z_and_p_values` has it."""
    p: NDArray[np.float64]
    """(n_features,) p-value in double precision; 1 where nothing is testable."""
    n_untestable: int
    """Features where too few maps have a value and a variance."""


def estimated_contrast(
    estimates: Estimates,
    contrast: NDArray[np.floating],
    alternative: Alternative = "two-sided",
) -> EstimatedContrast:
    """
    Estimate and test one contrast of the regressors at each feature.

    Parameters
    ----------
    estimates : Estimates
        From :func:`fixed_effects` or :func:`mixed_effects`.
    contrast : (n_regressors,) array
        Weights of the regressors.
    alternative : {'two-sided', 'greater', 'less'}
        What the test looks for.

    Returns
    -------
    EstimatedContrast

    Raises
    ------
    ValueError
        If the contrast does not fit the regressors or is nothing but zeros, or the alternative
        is unknown.
    """
    refuse_contrast(contrast, len(estimates.r))
    if alternative not in ALTERNATIVES:
        msg = f"alternative is {alternative!r}, expected one of {', '.join(ALTERNATIVES)}"
        raise ValueError(msg)
    weights = np.linalg.solve(estimates.r.T, contrast.astype(np.float64))
    effect = np.where(estimates.testable, estimates.coefficients @ weights, 0.0)
    variance = np.where(estimates.testable, estimates.covariance @ weights @ weights, 0.0)
    t = np.divide(effect, np.sqrt(variance), out=np.zeros_like(effect), where=estimates.testable)
    z, sided_p = z_and_sided_p_values(t, np.maximum(estimates.dof, 1))
    for p in sided_p.values():
        p[~estimates.testable] = 1
    n_untestable = int(np.count_nonzero(~estimates.testable))
    return EstimatedContrast(
        effect, variance, t, estimates.dof, z, sided_p[alternative], n_untestable, sided_p
    )


def estimated_f_contrast(
    estimates: Estimates, contrast: NDArray[np.floating]
) -> EstimatedFContrast:
    """
    Test several contrasts of the regressors at once at each feature.

    Parameters
    ----------
    estimates : Estimates
        From :func:`fixed_effects` or :func:`mixed_effects`.
    contrast : (n_rows, n_regressors) array
        Weights of the regressors; the test is that all rows are 0.

    Returns
    -------
    EstimatedFContrast

    Raises
    ------
    ValueError
        If the contrast does not fit the regressors, is nothing but zeros, or has linearly
        dependent rows.
    """
    refuse_f_contrast(contrast, len(estimates.r))
    # rows that span the same space, orthonormal: the statistic is the same, its digits are more
    weights, _ = np.linalg.qr(np.linalg.solve(estimates.r.T, contrast.T.astype(np.float64)))
    effects = estimates.coefficients @ weights
    covariance = weights.T @ estimates.covariance @ weights
    covariance[~estimates.testable] = np.eye(len(contrast))
    wald = np.einsum("fi,fi->f", effects, np.linalg.solve(covariance, effects[..., None])[..., 0])
    f = np.where(estimates.testable, wald / len(contrast), 0.0)
    z, p = f_z_and_p_values(f, len(contrast), np.maximum(estimates.dof, 1))
    n_untestable = int(np.count_nonzero(~estimates.testable))
    return EstimatedFContrast(f, len(contrast), estimates.dof, z, p, n_untestable)

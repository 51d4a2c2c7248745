"""Tests of least squares models: one contrast of the regressors (t), or several at once (F)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.glm import Rotated, varying
from bids_ari.stats.refusals import refuse_contrast, refuse_f_contrast, residual_dof


class ContrastMaps(NamedTuple):
    """Everything one contrast of a second-level model gives at each feature."""

    effect: NDArray[np.float64]
    """(n_features,) contrast estimate, in the units of the maps."""
    variance: NDArray[np.float64]
    """(n_features,) sampling variance of the effect, in squared units of the maps."""
    t: NDArray[np.float64]
    """(n_features,) Student statistic; 0 where the data do not vary."""
    dof: int
    """Residual degrees of freedom."""
    n_without_variance: int
    """How many features do not vary around the model, so that nothing can be tested there."""


class FMaps(NamedTuple):
    """What a test of several contrasts at once gives at each feature."""

    f: NDArray[np.float64]
    """(n_features,) F statistic; 0 where the data do not vary."""
    dof: int
    """Of the numerator: rows of the contrast."""
    dof_residual: int
    """Of the denominator."""
    n_without_variance: int
    """How many features do not vary around the model, so that nothing can be tested there."""


def contrast_maps(rotated: Rotated, contrast: NDArray[np.floating]) -> ContrastMaps:
    """
    Estimate and test one contrast of the regressors at each feature.

    Parameters
    ----------
    rotated : Rotated
        Summary of all maps under a design of full column rank.
    contrast : (n_regressors,) array
        Weights of the regressors.

    Returns
    -------
    ContrastMaps

    Raises
    ------
    ValueError
        If the model leaves no degrees of freedom, its regressors are collinear, or the contrast
        does not fit them or is nothing but zeros.

    Examples
    --------
    >>> from bids_ari.stats import rotate
    >>> effects = np.array([[1.0, 4.0], [2.0, 4.0], [3.0, 4.0]])
    >>> maps = contrast_maps(rotate(effects, np.ones((3, 1))), np.ones(1))
    >>> maps.effect, maps.t.round(3), maps.n_without_variance
    (array([2., 4.]), array([3.464, 0.   ]), 1)
    """
    dof = residual_dof(rotated.n_maps, rotated.r)
    refuse_contrast(contrast, rotated.r.shape[1])
    # effect = c'R^-1 z, variance = |R^-T c|^2 rss / dof
    weights = np.linalg.solve(rotated.r.T, contrast.astype(np.float64))
    effect = weights @ rotated.z
    varies = varying(rotated)
    rss = np.where(varies, rotated.rss, 0.0)
    variance = (weights @ weights) * rss / dof
    t = np.divide(effect, np.sqrt(variance), out=np.zeros_like(effect), where=varies)
    return ContrastMaps(effect, variance, t, dof, int(np.count_nonzero(~varies)))


def f_maps(rotated: Rotated, contrast: NDArray[np.floating]) -> FMaps:
    """
    Test several contrasts of the regressors at once at each feature.

    Parameters
    ----------
    rotated : Rotated
        Summary of all maps under a design of full column rank.
    contrast : (n_rows, n_regressors) array
        Weights of the regressors; F tests that all rows are 0.

    Returns
    -------
    FMaps

    Raises
    ------
    ValueError
        If the model leaves no degrees of freedom, its regressors are collinear, or the contrast
        does not fit them, is nothing but zeros, or has linearly dependent rows.

    Examples
    --------
    >>> from bids_ari.stats import rotate
    >>> effects = np.array([[1.0, 4.0], [2.0, 4.0], [3.0, 4.0]])
    >>> maps = f_maps(rotate(effects, np.ones((3, 1))), np.ones((1, 1)))
    >>> maps.f.round(3), maps.dof, maps.dof_residual
    (array([12.,  0.]), 1, 2)
    """
    dof_residual = residual_dof(rotated.n_maps, rotated.r)
    refuse_f_contrast(contrast, rotated.r.shape[1])
    # the part of the rotated data in the space of R^-T C', by an orthonormal basis of it
    q, _ = np.linalg.qr(np.linalg.solve(rotated.r.T, contrast.T.astype(np.float64)))
    explained = q.T @ rotated.z
    varies = varying(rotated)
    f = np.divide(
        np.einsum("cf,cf->f", explained, explained) / len(contrast),
        rotated.rss / dof_residual,
        out=np.zeros_like(rotated.rss),
        where=varies,
    )
    return FMaps(f, len(contrast), dof_residual, int(np.count_nonzero(~varies)))
